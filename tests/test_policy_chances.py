"""What becomes of somebody who is called, as far as it is assumed, shown or given."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import Action, Response, RetryRules
from dialer.model.planning import FRESH, Assumed, Ended
from dialer.policy import chances, retry
from dialer.policy.chances import DEFAULT, ENOUGH, Branch, Following
from tests.calling_kit import at
from tests.policy_cases import rule_sets

HOUR, DAY = 3600.0, 86400.0
RULES = retry.rules(3, {})


def near(value: Any, rel: float | None = None, abs: float | None = None) -> Any:
    """What is equal but for the arithmetic of fractions, or by so much."""
    return pytest.approx(value, rel=rel, abs=abs)


def assumed(answer: float = 0.35, machine: float = 0.15, **others: float) -> Assumed:
    return replace(DEFAULT, answer=answer, machine=machine, others=others or DEFAULT.others)


# --- assuming ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (assumed(), {"user_ended_call": 0.35, "voicemail_detected": 0.15, "no_answer": 0.5}),
        (assumed(1.0, 0.15), {"user_ended_call": 1.0}),
        (assumed(0.0, 0.0, no_answer=0.5, line_busy=0.5), {"no_answer": 0.5, "line_busy": 0.5}),
        (assumed(0.9, 0.5), {"user_ended_call": 0.9, "voicemail_detected": 0.1}),
        (assumed(0.5, 0.25, voicemail_detected=1.0), {"user_ended_call": 0.5, "voicemail_detected": 0.5}),
    ],
)
def test_shares_are_of_all_calls(taken: Assumed, expected: dict[str, float]) -> None:
    assert chances.shares(taken) == near(expected)


def test_a_line_is_held_while_it_rings_and_while_somebody_or_something_talks() -> None:
    taken = replace(assumed(0.5, 0.25), length=60.0, machine_length=20.0, ring=10.0)
    assert chances.line_seconds(taken) == near(10 + 30 + 5)
    assert chances.line_seconds(replace(taken, answer=0.9)) == near(10 + 54 + 0.1 * 20)


def test_what_calls_have_shown_goes_before_a_guess() -> None:
    ended = [
        Ended("user_ended_call", 30, talk=80.0, line=95.0),
        Ended("agent_ended_call", 10, talk=40.0, line=55.0),
        Ended("answering_machine_detected", 20, talk=12.0, line=30.0),
        Ended("no_answer", 30, talk=0.0, line=25.0),
        Ended("line_busy", 10, talk=0.0, line=3.0),
        Ended("concurrent_call_limit_reached", 500, talk=0.0, line=0.1),
        Ended("invalid_payment", 9),
    ]
    found = chances.learned(DEFAULT, ended, RULES, "100 calls")
    assert (found.answer, found.machine, found.length, found.machine_length) == near((0.4, 0.2, 70.0, 12.0))
    assert found.others == near({"no_answer": 0.75, "line_busy": 0.25})
    assert found.ring == near((40 * 15 + 20 * 18 + 30 * 25 + 10 * 3) / 100)
    assert found.sources == dict.fromkeys(("answer", "machine", "ring", "length", "machine_length"), "100 calls")
    assert found.lines == DEFAULT.lines


def test_what_was_not_shown_is_still_guessed() -> None:
    assert chances.learned(DEFAULT, [Ended("user_ended_call", ENOUGH - 1, 9.0, 9.0)], RULES, "few") is DEFAULT
    nobody = chances.learned(DEFAULT, [Ended("no_answer", ENOUGH, 0.0, 30.0)], RULES, "some")
    assert (nobody.answer, nobody.length, nobody.ring) == (0.0, DEFAULT.length, 30.0)
    assert sorted(nobody.sources) == ["answer", "machine", "ring"]
    everybody = chances.learned(DEFAULT, [Ended("user_ended_call", ENOUGH, 9.0, 8.0)], RULES, "some")
    assert (everybody.answer, everybody.others, everybody.ring) == (1.0, DEFAULT.others, 0.0)


def test_reasons_that_are_followed_alike_are_one() -> None:
    ends = {
        "user_ended_call": 0.3, "agent_ended_call": 0.005, "no_answer": 0.4, "voicemail_detected": 0.1,
        "answering_machine_detected": 0.12, "twilio_service_error": 0.02, "verbex_service_error": 0.03,
        "registered_call_timed_out": 0.005, "call_failed": 0.02,
    }  # fmt: skip
    assert chances.alike(ends, RULES) == near(
        {
            "user_ended_call": 0.3, "agent_ended_call": 0.005, "no_answer": 0.405, "answering_machine_detected": 0.22,
            "verbex_service_error": 0.05, "call_failed": 0.02,
        }
    )  # fmt: skip
    rare = {"user_ended_call": 0.995, "no_answer": 0.005}
    assert chances.alike(rare, RULES) == rare


# --- following ---------------------------------------------------------------------------------------


def test_each_end_is_followed_as_the_rules_of_the_campaign_say() -> None:
    following = Following(RULES, {"user_ended_call": 0.4, "no_answer": 0.5, "no_audio_input": 0.1})
    talked, missed, never = following.after(FRESH)
    assert talked == Branch(0.4, (1, (("user_ended_call", 1),)), None, reached=True)
    assert never == Branch(0.1, (1, (("no_audio_input", 1),)), None, reached=False)
    assert (missed.share, missed.past) == (0.5, (1, (("no_answer", 1),)))
    assert missed.wait == near(2 * HOUR * 1.05)  # on the mean a wait is drawn out by a twentieth
    second = following.after(missed.past)[1]
    assert (second.past, second.wait) == ((2, (("no_answer", 2),)), near(DAY * 1.05))
    assert [branch.wait for branch in following.after(second.past)] == [None] * 3
    assert following.after(FRESH) is following.after(FRESH)
    assert [following.pasts(attempts) for attempts in (1, 2, 3, 4)] == [1, 2, 3, 4]
    several = Following(RULES, {"no_answer": 0.5, "line_busy": 0.3, "user_ended_call": 0.2})
    assert [several.pasts(attempts) for attempts in (1, 2, 3)] == [1, 3, 6]


@pytest.mark.parametrize(
    ("called", "wait", "zone", "expected"),
    [
        ("2026-11-23T15:00", 2 * HOUR, "America/New_York", "2026-11-23T17:00"),  # from the morning into the afternoon
        ("2026-11-23T14:00", 2 * HOUR, "America/New_York", None),  # still the morning
        ("2026-11-23T14:00", 2 * HOUR, "", "2026-11-23T16:00"),
        ("2026-11-23T14:00", 600.0, "America/New_York", "2026-11-23T14:10"),
    ],
)
def test_a_retry_may_be_spread_over_the_day(called: str, wait: float, zone: str, expected: str | None) -> None:
    following = Following(replace(RULES, spreads=True), {"no_answer": 1.0})
    clocks = [ZoneInfo(zone)] if zone else []
    found = following.due(wait, at(called).timestamp(), clocks)
    if expected is not None:
        assert found == at(expected).timestamp()
    else:
        spread = retry.spread(at(called) + timedelta(seconds=wait), at(called), clocks[0], 0.5)
        assert found == spread.timestamp() > at(called).timestamp() + wait
    assert Following(RULES, {"no_answer": 1.0}).due(wait, 0.0, clocks) == wait


def test_attempts_that_were_given_on_top_count() -> None:
    following = Following(RULES, {"no_answer": 1.0})
    assert following.after((3, ()))[0].wait is None
    assert following.after((3 - 2, ()))[0].wait is not None


@given(rule_sets, st.integers(0, 5))
def test_whoever_is_called_comes_to_an_end(rules: RetryRules, attempts: int) -> None:
    ends = {reason: 1.0 for reason in sorted(retry.DEFAULTS) if chances.is_chance(rules, reason)}
    for branch in Following(rules, ends).after((attempts, ())):
        assert branch.past[0] == attempts + 1
        assert branch.wait is None or attempts + 1 < rules.attempts


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("no_answer", True), ("concurrent_call_limit_reached", False), ("potential_scam_detected", False)],
)
def test_what_rings_nobody_or_stops_the_campaign_is_no_chance(reason: str, expected: bool) -> None:
    assert chances.is_chance(RULES, reason) is expected
    stops = retry.rules(3, {"no_answer": Response(Action.STOP)})
    assert not chances.is_chance(stops, "no_answer")
