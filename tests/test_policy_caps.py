"""How often somebody may be rung: caps, rests, gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.model.rules import After, Cap, Rest, Ring, Rule, Scope
from dialer.policy.caps import has_limits, length, limits, next_allowed, words
from tests.calling_kit import at

NOW = at("2026-11-22T17:00")
DAY = 86400.0
EASTERN, PACIFIC = ZoneInfo("America/New_York"), ZoneInfo("America/Los_Angeles")

THREE_A_DAY = Rule("us-fl-caps", "US-FL", caps=(Cap(3, DAY),))
REGULATION_F = Rule(
    "us-debt-caps", "US", caps=(Cap(7, 7 * DAY, Scope.DEBT),), rests=(Rest(7, After.CONVERSATION, Scope.DEBT),)
)
FRANCE = Rule("fr-caps", "FR", caps=(Cap(4, 30 * DAY),), rests=(Rest(60, After.REFUSAL),))
FOUR_HOURS = Rule("own", "*", gap=4 * 3600.0)


def rings(*hours_ago: float, debt: str = "") -> list[Ring]:
    return [Ring(NOW - timedelta(hours=hours), debt) for hours in hours_ago]


def until(rules: Sequence[Rule], past: Sequence[Ring], debt: str = "", now: datetime = NOW) -> datetime | None:
    """When the next ring may be; None: now."""
    found = next_allowed(rules, past, debt, [EASTERN], now)
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        ([], None),
        (rings(1, 2), None),
        (rings(1, 2, 3), "2026-11-23T14:00"),
        (rings(3, 1, 2), "2026-11-23T14:00"),  # in any order
        (rings(1, 2, 23.99), "2026-11-22T17:00:36"),
        (rings(1, 2, 24), None),  # the window is half-open
        (rings(0, 0, 0), "2026-11-23T17:00"),
        (rings(1, 2, 3, 4, 5), "2026-11-23T14:00"),  # more than there should have been: the third last counts
        (rings(1, 2, -1), "2026-11-23T15:00"),  # a clock that was set back
    ],
)
def test_three_in_24_hours(past: list[Ring], expected: str | None) -> None:
    assert until([THREE_A_DAY], past) == (None if expected is None else at(expected))


def test_the_moment_is_exact_and_names_the_rule() -> None:
    third = NOW - timedelta(days=1) + timedelta(microseconds=1)
    past = [Ring(third), *rings(1, 2)]
    assert next_allowed([THREE_A_DAY], past, "", [EASTERN], NOW) == (NOW + timedelta(microseconds=1), THREE_A_DAY)
    assert next_allowed([THREE_A_DAY], past, "", [EASTERN], NOW + timedelta(microseconds=1)) is None


@pytest.mark.parametrize(
    ("debts", "debt", "is_held"),
    [
        (["a"] * 7, "a", True),
        (["a"] * 6, "a", False),
        (["a"] * 6 + ["b"], "a", False),
        (["a"] * 6 + ["b"], "", True),  # without a column for the debt all rings count
        (["a"] * 6 + [""], "a", True),  # what nobody knows the debt of may have been about this one
        ([""] * 7, "b", True),
    ],
)
def test_seven_in_seven_days_per_debt(debts: list[str], debt: str, is_held: bool) -> None:
    past = [Ring(NOW - timedelta(hours=10 * n), about) for n, about in enumerate(debts, 1)]
    assert (until([REGULATION_F], past, debt) is not None) == is_held


@pytest.mark.parametrize(
    ("talked_at", "zones", "expected"),
    [
        # Sunday is the first of seven days; the eighth is the next Sunday, which begins at midnight there.
        ("2026-11-22T16:00", [EASTERN], "2026-11-29T05:00"),
        ("2026-11-22T04:59", [EASTERN], "2026-11-28T05:00"),
        ("2026-11-22T05:00", [EASTERN], "2026-11-29T05:00"),
        # In two zones the later midnight counts, though at 06:00 it was still Saturday in the west.
        ("2026-11-22T16:00", [EASTERN, PACIFIC], "2026-11-29T08:00"),
        ("2026-11-22T06:00", [EASTERN, PACIFIC], "2026-11-29T05:00"),
        # Over the end of summer time, which makes one of the days an hour longer.
        ("2026-10-26T16:00", [EASTERN], "2026-11-02T05:00"),
        ("2026-11-22T16:00", [], "2026-11-29T16:00"),
    ],
)
def test_seven_days_of_rest_after_a_conversation(talked_at: str, zones: list[ZoneInfo], expected: str) -> None:
    past = [Ring(at(talked_at), "a", talked=True)]
    moment = at(talked_at) + timedelta(minutes=5)
    assert next_allowed([REGULATION_F], past, "a", zones, moment) == (at(expected), REGULATION_F)
    assert next_allowed([REGULATION_F], past, "a", zones, at(expected)) is None


def test_a_rest_begins_with_what_it_is_after_and_only_of_its_debt() -> None:
    talked, refused = Ring(NOW, "a", talked=True), Ring(NOW, "a", refused=True)
    assert until([REGULATION_F], [refused], "a") is None
    assert until([REGULATION_F], [talked], "b") is None
    assert until([FRANCE], [talked]) is None
    assert until([FRANCE], [refused]) == at("2027-01-21T05:00")
    assert until([FRANCE], [refused, Ring(NOW - timedelta(days=30), refused=True)]) == at("2027-01-21T05:00")


@pytest.mark.parametrize(("hours_ago", "expected"), [(4, None), (1, "2026-11-22T20:00"), (0, "2026-11-22T21:00")])
def test_hours_between_one_ring_and_the_next(hours_ago: float, expected: str | None) -> None:
    past = rings(hours_ago, 30, debt="b")
    assert until([FOUR_HOURS], past, "a") == (None if expected is None else at(expected))


def test_of_several_rules_the_last_to_let_go_is_named() -> None:
    past = rings(1, 2, 3)
    assert next_allowed([FOUR_HOURS, THREE_A_DAY], past, "", [EASTERN], NOW) == (at("2026-11-23T14:00"), THREE_A_DAY)
    assert next_allowed([FOUR_HOURS, THREE_A_DAY], rings(1), "", [EASTERN], NOW) == (at("2026-11-22T20:00"), FOUR_HOURS)


def test_limits_hold_on_the_effective_days_of_their_rule() -> None:
    """Days of the person's: a rule that ends with the 22nd lets go when the 23rd has begun in all of their zones."""
    past = rings(1, 2, 3)
    until_23rd = replace(THREE_A_DAY, effective_until=date(2026, 11, 23))
    assert until([until_23rd], past) == at("2026-11-23T05:00")
    assert next_allowed([until_23rd], past, "", [EASTERN, PACIFIC], NOW) == (at("2026-11-23T08:00"), until_23rd)
    from_23rd = replace(THREE_A_DAY, effective_from=date(2026, 11, 23))
    assert until([from_23rd], past) is None
    assert until([from_23rd], past, now=at("2026-11-23T05:00")) == at("2026-11-23T14:00")
    assert until([from_23rd], past, now=at("2026-11-23T04:59")) is None


def test_a_rule_that_takes_effect_meanwhile_is_waited_for_too() -> None:
    later = replace(THREE_A_DAY, effective_from=date(2026, 11, 22), caps=(Cap(1, 5 * 3600.0),))
    eve = at("2026-11-22T04:00")
    past = [Ring(eve - timedelta(hours=2))]
    gap = replace(FOUR_HOURS, gap=3.5 * 3600)
    assert next_allowed([gap, later], past, "", [EASTERN], eve) == (at("2026-11-22T07:00"), later)


def test_only_rules_that_limit_are_looked_at() -> None:
    silent = Rule("us", "US", forbidden="barred")
    assert [limit.rule for limit in limits([silent, THREE_A_DAY, FOUR_HOURS, FRANCE], [])] == [
        THREE_A_DAY,
        FOUR_HOURS,
        FRANCE,
    ]
    assert has_limits(Rule("fr", "FR", rests=(Rest(60, After.REFUSAL),)))
    assert until([silent], rings(0)) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Rule("us", "US"), ""),
        (THREE_A_DAY, "at most 3 rings in 24 h"),
        (
            REGULATION_F,
            "at most 7 rings in 7 days about one debt, 7 days of rest after a conversation about one debt",
        ),
        (Rule("x", "*", caps=(Cap(1, 8 * 3600.0),), gap=5400.0), "at most 1 ring in 8 h, 90 min between rings"),
        (Rule("x", "*", rests=(Rest(1, After.REFUSAL),)), "1 day of rest after a refusal"),
    ],
)
def test_limits_in_words(given: Rule, said: str) -> None:
    assert words(given) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(45, "45 s"), (90, "90 s"), (600, "10 min"), (86400, "24 h"), (172800, "2 days"), (0.5, "0.5 s")],
)
def test_lengths_of_time_in_words(seconds: float, said: str) -> None:
    assert length(seconds) == said
