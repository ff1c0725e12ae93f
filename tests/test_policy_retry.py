"""Responses to finish reasons: defaults, overrides, waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import Action, Response, Verdict
from dialer.policy import outcome, retry
from tests.policy_cases import dice, overrides

NEVER = Response(Action.NEVER)
HOUR = Response(Action.WAIT, (3600.0,))
DAY = Response(Action.WAIT, (86400.0,))


def test_there_is_a_default_for_each_reason() -> None:
    assert set(retry.DEFAULTS) == outcome.REASONS


def test_the_defaults_follow_the_verdicts() -> None:
    expected = {
        Verdict.REACHED: Action.DONE,
        Verdict.NEVER: Action.NEVER,
        Verdict.STOP: Action.STOP,
        Verdict.AGAIN: Action.WAIT,
        Verdict.NOBODY: Action.WAIT,
        Verdict.PLATFORM_FAILED: Action.WAIT,
    }
    assert {reason: response.action for reason, response in retry.DEFAULTS.items()} == {
        reason: expected[outcome.verdict(reason)] for reason in outcome.REASONS
    }


def test_waits_grow_and_only_waiting_has_any() -> None:
    for response in retry.DEFAULTS.values():
        assert bool(response.waits) == (response.action is Action.WAIT)
        assert list(response.waits) == sorted(response.waits)


def test_groups_are_disjoint_and_of_known_reasons() -> None:
    assert set(retry.GROUPS) == {"unreached", "machine", "not_connected", "platform_failed"}
    assert all(group <= outcome.REASONS for group in retry.GROUPS.values())
    assert all(one.isdisjoint(other) for one, other in combinations(retry.GROUPS.values(), 2))
    assert not set(retry.GROUPS) & outcome.REASONS


def test_groups_cover_what_is_tried_again() -> None:
    again = {r for r in outcome.REASONS if outcome.verdict(r) in (Verdict.AGAIN, Verdict.PLATFORM_FAILED)}
    assert frozenset().union(*retry.GROUPS.values()) == again
    failed = {reason for reason in outcome.REASONS if outcome.verdict(reason) is Verdict.PLATFORM_FAILED}
    assert retry.GROUPS["platform_failed"] == failed


@pytest.mark.parametrize("order", list(permutations(["machine", "voicemail_detected", "no_answer"])))
def test_the_more_exact_word_wins_wherever_it_stands(order: tuple[str, ...]) -> None:
    said = {"machine": NEVER, "voicemail_detected": HOUR, "no_answer": DAY}
    made = retry.rules(3, {word: said[word] for word in order})
    assert made.attempts == 3
    assert made.responses["voicemail_detected"] == HOUR
    assert made.responses["answering_machine_detected"] == NEVER
    assert made.responses["no_answer"] == DAY
    assert made.responses["line_busy"] == retry.DEFAULTS["line_busy"]


@given(overrides=overrides)
def test_every_reason_has_exactly_the_response_that_was_said_last_and_most_exactly(
    overrides: dict[str, Response],
) -> None:
    made = retry.rules(2, overrides)
    assert set(made.responses) == outcome.REASONS
    for reason, response in made.responses.items():
        groups = [group for group, members in retry.GROUPS.items() if reason in members]
        words = [word for word in (reason, *groups) if word in overrides]
        assert response == (overrides[words[0]] if words else retry.DEFAULTS[reason])


@pytest.mark.parametrize(
    ("attempts", "said", "words"),
    [
        (0, {}, "retry.attempts is 0: give at least 1"),
        (3, {"no_anwser": HOUR}, "retry.no_anwser is neither a finish reason nor a group"),
        (3, {"machine": Response(Action.WAIT)}, "retry.machine is to wait but says not how long"),
    ],
)
def test_rules_that_make_no_sense_are_refused(attempts: int, said: dict[str, Response], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        retry.rules(attempts, said)


@pytest.mark.parametrize("reason", [None, "", "a_word_of_tomorrow", "unknown_error"])
def test_what_is_not_known_has_the_response_of_unknown_error(reason: str | None) -> None:
    assert retry.response_to(retry.rules(3, {"unknown_error": DAY}), reason) == DAY


def test_a_known_reason_has_its_own_response() -> None:
    assert retry.response_to(retry.rules(3, {}), "line_busy") == retry.DEFAULTS["line_busy"]


@pytest.mark.parametrize(("times", "seconds"), [(1, 10.0), (2, 20.0), (3, 30.0), (4, 30.0), (99, 30.0)])
def test_the_last_wait_repeats(times: int, seconds: float) -> None:
    assert retry.wait_after(Response(Action.WAIT, (10.0, 20.0, 30.0)), times) == seconds


@given(wait=st.floats(0.0, 1e9), dice=dice)
def test_jitter_never_shortens_and_adds_a_tenth_at_most(wait: float, dice: float) -> None:
    assert wait <= retry.jittered(wait, dice) <= wait * 1.1


def test_jitter_spreads() -> None:
    assert [retry.jittered(100.0, throw) for throw in (0.0, 0.5)] == [100.0, 105.0]


@pytest.mark.parametrize(
    ("reason", "waits", "most"),
    [("call_failed", 1, 3), ("call_failed", 2, 3), ("call_failed", 5, 6), ("no_answer", 5, None)],
)
def test_only_a_call_that_fails_has_a_bound_of_its_own(reason: str, waits: int, most: int | None) -> None:
    assert retry.most_times(reason, Response(Action.WAIT, (60.0,) * waits)) == most


# --- another time of day ------------------------------------------------------------------------------

NEW_YORK, KATHMANDU = ZoneInfo("America/New_York"), ZoneInfo("Asia/Kathmandu")


@pytest.mark.parametrize(
    ("called", "due", "zone", "expected"),
    [
        # (in UTC) a call in the morning, again in the afternoon: it stands
        ("2026-11-23T15:00", "2026-11-23T18:00", NEW_YORK, "2026-11-23T18:00"),
        # again in the same morning: the afternoon begins at 12:00 in New York
        ("2026-11-23T14:00", "2026-11-23T16:00", NEW_YORK, "2026-11-23T17:00"),
        # the same hour of the next day: the part after it
        ("2026-11-23T15:00", "2026-11-24T15:00", NEW_YORK, "2026-11-24T17:00"),
        ("2026-11-23T18:00", "2026-11-24T18:00", NEW_YORK, "2026-11-24T22:00"),
        # an evening: the morning of the day after
        ("2026-11-23T23:00", "2026-11-24T23:30", NEW_YORK, "2026-11-25T05:00"),
        # across the end of summer time, 2026-11-01 06:00 UTC: midnight to noon is 13 hours there
        ("2026-10-31T14:00", "2026-11-01T05:30", NEW_YORK, "2026-11-01T17:00"),
        # a clock that goes three quarters of an hour otherwise
        ("2026-11-23T04:00", "2026-11-23T06:00", KATHMANDU, "2026-11-23T06:15"),
    ],
)
def test_a_retry_falls_into_another_part_of_the_day(called: str, due: str, zone: ZoneInfo, expected: str) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert retry.spread(at(due), at(called), zone, 0.0) == at(expected)
    late = retry.spread(at(due), at(called), zone, 0.999)
    assert timedelta(0) <= late - at(expected) < timedelta(hours=1)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - hypothesis asks for it
    st.floats(3600, 5 * 86400),
    st.sampled_from([NEW_YORK, KATHMANDU, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")]),
    st.floats(0, 0.999),
)
def test_it_is_never_earlier_and_never_a_day_later(called: datetime, wait: float, zone: ZoneInfo, dice: float) -> None:
    begun = called.replace(tzinfo=UTC)
    due = begun + timedelta(seconds=wait)
    found = retry.spread(due, begun, zone, dice)
    assert due <= found <= due + timedelta(hours=14)

    def part(moment: datetime) -> str:
        hour = moment.astimezone(zone).hour
        return "morning" if hour < 12 else "afternoon" if hour < 17 else "evening"

    assert part(found) != part(begun)
