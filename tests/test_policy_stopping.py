"""`stop_when`: which calls each rule judges, when it is broken, and what is said then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import ExitCode
from dialer.model import StopWhen, Threshold, Verdict
from dialer.policy import stopping
from dialer.policy.outcome import REASONS, VERDICTS
from dialer.policy.stopping import Broken, EndedCall, Watch, after, broken, too_many

GOOD, FAILED = "user_ended_call", "verbex_service_error"
ALL = StopWhen(Threshold(0.1, 50), Threshold(0.4, 50), Threshold(0.03, 200))


def ended(number: int, reason: str | None = GOOD, seconds: int | None = 60, **said: bool) -> EndedCall:
    return EndedCall(f"c{number}", reason, seconds, **said)


def watched(rules: StopWhen, calls: Iterable[EndedCall]) -> Watch:
    watch = Watch(rules)
    for call in calls:
        watch = after(watch, call)
    return watch


def platform(*are_bad: bool, share: float = 0.1, of: int = 50) -> Broken | None:
    calls = [ended(number, FAILED if is_bad else GOOD) for number, is_bad in enumerate(are_bad, 1)]
    return broken(watched(StopWhen(platform_failed=Threshold(share, of)), calls))


# --- how many are too many ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "of", "breaks"),
    [
        (0.1, 50, 6),
        (0.4, 50, 21),
        (0.03, 200, 7),
        (0.29, 100, 30),
        (0.07, 100, 8),
        (0.001, 50, 1),
        (0.99, 50, 50),
        (1.0, 50, 50),
        (1.0, 1, 1),
        (0.5, 1, 1),
    ],
)
def test_more_than_the_share_breaks_a_rule(share: float, of: int, breaks: int) -> None:
    assert too_many(Threshold(share, of)) == breaks
    assert platform(*[True] * (breaks - 1), share=share, of=of) is None
    assert platform(*[True] * breaks, share=share, of=of) is not None


def test_it_is_broken_as_soon_as_that_is_certain() -> None:
    found = platform(*[True] * 6)
    assert found == Broken("platform_failed", Threshold(0.1, 50), 6, ("c1", "c2", "c3", "c4", "c5", "c6"))


def test_it_looks_at_the_last_calls_alone() -> None:
    assert platform(*[True] * 5, *[False] * 45, True) is None
    assert platform(*[True] * 5, *[False] * 44, True) == Broken(
        "platform_failed", Threshold(0.1, 50), 50, ("c1", "c2", "c3", "c4", "c5", "c50")
    )


def test_it_goes_on_being_broken_while_the_last_calls_are_seen_out() -> None:
    found = platform(*[True] * 7, False)
    assert found is not None
    assert (found.among, len(found.calls)) == (8, 7)


@given(
    are_bad=st.lists(st.booleans(), max_size=60),
    share=st.integers(1, 100),
    of=st.integers(1, 20),
    at=st.integers(0, 59),
)
def test_it_is_what_a_count_of_the_last_calls_says(are_bad: list[bool], share: int, of: int, at: int) -> None:
    """The window, counted afresh in whole numbers; and a bad call more never mends a rule."""
    found = platform(*are_bad, share=share / 100, of=of)
    bad = sum(are_bad[-of:])
    is_too_much = bad * 100 > share * of or bad == of
    assert (found is not None) is is_too_much
    if found is not None:
        assert (found.among, len(found.calls)) == (min(len(are_bad), of), bad)
        worse = [is_bad or place == at for place, is_bad in enumerate(are_bad)]
        assert platform(*worse, share=share / 100, of=of) is not None


CALLS = st.builds(
    EndedCall,
    call=st.just("c"),
    finish_reason=st.sampled_from(sorted(REASONS)) | st.none(),
    duration_seconds=st.none() | st.integers(0, 200),
    opted_out=st.booleans(),
    has_rung=st.booleans(),
)
RULES = st.builds(
    StopWhen,
    *[st.none() | st.builds(Threshold, share=st.sampled_from([0.01, 0.3, 1.0]), of=st.integers(1, 5))] * 3,
)


def is_good(call: EndedCall) -> bool:
    long = call.duration_seconds is None or call.duration_seconds >= 8
    return VERDICTS.get(call.finish_reason or "") not in (None, Verdict.PLATFORM_FAILED) and long and not call.opted_out


@given(rules=RULES, calls=st.lists(CALLS, max_size=20))
def test_good_calls_break_nothing(rules: StopWhen, calls: list[EndedCall]) -> None:
    assert broken(watched(rules, filter(is_good, calls))) is None
    assert broken(watched(StopWhen(), calls)) is None


@given(rules=RULES, calls=st.lists(CALLS, max_size=20), others=RULES)
def test_the_rules_do_not_hear_of_each_other(rules: StopWhen, calls: list[EndedCall], others: StopWhen) -> None:
    alone = broken(watched(StopWhen(platform_failed=rules.platform_failed), calls))
    beside = StopWhen(rules.platform_failed, others.under_8s, others.opt_out)
    found = broken(watched(beside, calls))
    assert (found if found is not None and found.rule == "platform_failed" else None) == alone


# --- which calls are judged --------------------------------------------------------------------------


def judged(rule: str, *calls: EndedCall) -> tuple[int, int]:
    """How many calls a rule has judged, and how many of these are bad."""
    tally = watched(ALL, calls).tallies[rule]
    return tally.judged, len(tally.bad)


@pytest.mark.parametrize("reason", [*sorted(REASONS), "made_up_later", None])
def test_the_platforms_failures_are_those_of_its_finish_reasons(reason: str | None) -> None:
    is_bad = VERDICTS.get(reason or "unknown_error", Verdict.PLATFORM_FAILED) is Verdict.PLATFORM_FAILED
    assert judged("platform_failed", ended(1, reason)) == (1, int(is_bad))


def test_a_call_that_rang_nobody_is_not_judged() -> None:
    full = ended(1, "concurrent_call_limit_reached", None, has_rung=False)
    assert judged("platform_failed", full) == judged("opt_out", full) == judged("under_8s", full) == (0, 0)
    assert judged("platform_failed", ended(1, FAILED, None, has_rung=False)) == (0, 0)


ANSWERED = {reason for reason, verdict in VERDICTS.items() if verdict is Verdict.REACHED} | {
    "no_audio_input",
    "speech_recognition_error",
}


@pytest.mark.parametrize("reason", [*sorted(REASONS), None])
def test_only_answered_calls_can_be_too_short(reason: str | None) -> None:
    assert judged("under_8s", ended(1, reason, 0)) == ((1, 1) if reason in ANSWERED else (0, 0))


@pytest.mark.parametrize(("seconds", "found"), [(None, (0, 0)), (0, (1, 1)), (7, (1, 1)), (8, (1, 0)), (600, (1, 0))])
def test_under_eight_seconds(seconds: int | None, found: tuple[int, int]) -> None:
    assert judged("under_8s", ended(1, GOOD, seconds)) == found


def test_people_who_do_not_pick_up_do_not_hide_a_mute_agent() -> None:
    calls = [ended(number, *((GOOD, 3) if number % 10 == 0 else ("no_answer", None))) for number in range(1, 211)]
    found = broken(watched(StopWhen(under_8s=Threshold(0.4, 50)), calls))
    assert found is not None
    assert (found.rule, found.among, len(found.calls)) == ("under_8s", 21, 21)


def test_opt_outs() -> None:
    assert judged("opt_out", ended(1), ended(2, opted_out=True), ended(3, "no_answer", None)) == (3, 1)


# --- what is said ------------------------------------------------------------------------------------


def cause_after(calls: Sequence[EndedCall], rules: StopWhen = ALL) -> tuple[ExitCode, str, str]:
    found = broken(watched(rules, calls))
    assert found is not None
    cause = stopping.cause(found)
    return cause.code, cause.reason, cause.sentence


def test_the_sentence_names_the_rule_and_the_last_five_calls() -> None:
    calls = [ended(number) for number in range(60)] + [ended(number, FAILED) for number in range(60, 66)]
    assert cause_after(calls) == (
        ExitCode.LOOK_FIRST,
        "stop_when_platform_failed",
        "6 of the last 50 calls failed on the platform's side, and stop_when.platform_failed allows 10% of 50: "
        "look at them in Verbex (c61, c62, c63, c64, c65 and 1 more), mend the agent or wait until Verbex is well, "
        "then `dialer resume` and run again.",
    )


def test_the_sentence_of_the_other_rules() -> None:
    code, reason, sentence = cause_after([ended(1, GOOD, 2)], StopWhen(under_8s=Threshold(0.125, 1)))
    assert (code, reason) == (ExitCode.LOOK_FIRST, "stop_when_under_8s")
    assert sentence.startswith("1 of the last 1 answered calls ended within 8 seconds, and stop_when.under_8s allows ")
    assert "12.5% of 1: look at them in Verbex (c1), mend the agent, which may be mute, then" in sentence
    code, reason, sentence = cause_after([ended(n, opted_out=True) for n in range(7)])
    assert (code, reason) == (ExitCode.LOOK_FIRST, "stop_when_opt_out")
    assert sentence.startswith("7 of the last 7 calls ended with an opt-out, and stop_when.opt_out allows 3% of 200: ")


def test_of_several_broken_rules_the_platforms_is_told() -> None:
    one = Threshold(1.0, 1)
    calls = [ended(1, "no_audio_input", 1, opted_out=True)]
    assert cause_after(calls, StopWhen(one, one, one))[1] == "stop_when_under_8s"
    assert cause_after([*calls, ended(2, FAILED)], StopWhen(one, one, one))[1] == "stop_when_platform_failed"
