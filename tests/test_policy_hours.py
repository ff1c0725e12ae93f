"""When a rule lets a telephone ring: instants around every edge that clocks and calendars have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.model.rules import Rule, Week
from dialer.policy.clocks import instant
from dialer.policy.hours import has_hours, open_spans, words
from tests.calling_kit import at, holidays_on, hours, no_holidays

EVENING = hours(sun="20:00-24:00", mon="00:00-02:00")


def opened(zone: str, rule: Rule, start: str, end: str) -> list[tuple[str, str]]:
    """The spans as texts in UTC."""
    found = open_spans(rule, ZoneInfo(zone), at(start), at(end), no_holidays)
    return [(f"{instant(first):%m-%dT%H:%M}", f"{instant(last):%m-%dT%H:%M}") for first, last in found]


def rule(week: Week | None = None) -> Rule:
    return Rule("us", "US", week=week)


@pytest.mark.parametrize(
    ("zone", "week", "start", "end", "expected"),
    [
        # Summer time ends: from 01:00 to 02:00 the hour is there twice.
        (
            "New_York",
            hours(sun="00:30-03:30"),
            "2026-11-01T00:00",
            "2026-11-02T00:00",
            [("11-01T04:30", "11-01T08:30")],
        ),
        (
            "New_York",
            hours(sun="01:00-02:00"),
            "2026-11-01T00:00",
            "2026-11-02T00:00",
            [("11-01T05:00", "11-01T07:00")],
        ),
        (
            "New_York",
            hours(sun="01:15-01:45"),
            "2026-11-01T00:00",
            "2026-11-02T00:00",
            [("11-01T05:15", "11-01T05:45"), ("11-01T06:15", "11-01T06:45")],
        ),
        (
            "New_York",
            hours(sat_mon="09:00-20:00"),
            "2026-10-31T00:00",
            "2026-11-03T00:00",
            [("10-31T13:00", "11-01T00:00"), ("11-01T14:00", "11-02T01:00"), ("11-02T14:00", "11-03T00:00")],
        ),
        # Summer time begins: from 02:00 to 03:00 there is nothing.
        ("New_York", hours(sun="02:00-03:00"), "2027-03-14T00:00", "2027-03-15T00:00", []),
        (
            "New_York",
            hours(sun="01:30-02:30"),
            "2027-03-14T00:00",
            "2027-03-15T00:00",
            [("03-14T06:30", "03-14T07:00")],
        ),
        (
            "New_York",
            hours(sun="02:30-03:30"),
            "2027-03-14T00:00",
            "2027-03-15T00:00",
            [("03-14T07:00", "03-14T07:30")],
        ),
        (
            "New_York",
            hours(sun="01:30-03:30"),
            "2027-03-14T00:00",
            "2027-03-15T00:00",
            [("03-14T06:30", "03-14T07:30")],
        ),
        # Arizona has no summer time, the Navajo Nation there keeps Denver's.
        (
            "Phoenix",
            hours(daily="08:00-21:00"),
            "2027-03-13T12:00",
            "2027-03-14T12:00",
            [("03-13T15:00", "03-14T04:00")],
        ),
        (
            "Denver",
            hours(daily="08:00-21:00"),
            "2027-03-13T12:00",
            "2027-03-14T12:00",
            [("03-13T15:00", "03-14T04:00")],
        ),
        (
            "Phoenix",
            hours(daily="08:00-21:00"),
            "2027-03-14T12:00",
            "2027-03-15T12:00",
            [("03-14T15:00", "03-15T04:00")],
        ),
        (
            "Denver",
            hours(daily="08:00-21:00"),
            "2027-03-14T12:00",
            "2027-03-15T12:00",
            [("03-14T14:00", "03-15T03:00")],
        ),
        # Indiana has both.
        (
            "Indiana/Indianapolis",
            hours(mon="09:00-20:00"),
            "2026-11-23T00:00",
            "2026-11-24T12:00",
            [("11-23T14:00", "11-24T01:00")],
        ),
        (
            "Indiana/Knox",
            hours(mon="09:00-20:00"),
            "2026-11-23T00:00",
            "2026-11-24T12:00",
            [("11-23T15:00", "11-24T02:00")],
        ),
        # Newfoundland is half an hour off, in summer and winter.
        (
            "St_Johns",
            hours(fri="09:00-20:00"),
            "2026-10-30T00:00",
            "2026-10-31T00:00",
            [("10-30T11:30", "10-30T22:30")],
        ),
        (
            "St_Johns",
            hours(mon="09:00-20:00"),
            "2026-11-02T00:00",
            "2026-11-03T00:00",
            [("11-02T12:30", "11-02T23:30")],
        ),
        # In Havana midnight itself is missing once a year.
        ("Havana", EVENING, "2027-03-14T12:00", "2027-03-15T12:00", [("03-15T00:00", "03-15T06:00")]),
        ("Havana", hours(sun="00:00-02:00"), "2027-03-13T12:00", "2027-03-14T12:00", [("03-14T05:00", "03-14T06:00")]),
        # Midnight is no seam.
        ("New_York", EVENING, "2026-11-22T00:00", "2026-11-24T00:00", [("11-23T01:00", "11-23T07:00")]),
        (
            "New_York",
            hours(daily="00:00-24:00"),
            "2026-10-31T00:00",
            "2026-11-03T00:00",
            [("10-31T00:00", "11-03T00:00")],
        ),
        (
            "New_York",
            hours(mon="09:00-12:00 12:00-13:00"),
            "2026-11-23T00:00",
            "2026-11-24T00:00",
            [("11-23T14:00", "11-23T18:00")],
        ),
        # The leap day is a Tuesday in 2028.
        (
            "New_York",
            hours(tue="09:00-17:00"),
            "2028-02-28T00:00",
            "2028-03-06T00:00",
            [("02-29T14:00", "02-29T22:00")],
        ),
        # What is asked for cuts, and a time that is none holds nothing.
        (
            "New_York",
            hours(mon="09:00-17:00"),
            "2026-11-23T15:00",
            "2026-11-23T16:00",
            [("11-23T15:00", "11-23T16:00")],
        ),
        ("New_York", hours(mon="09:00-17:00"), "2026-11-23T15:00", "2026-11-23T15:00", []),
    ],
)
def test_hours_on_american_clocks(zone: str, week: Week, start: str, end: str, expected: list[tuple[str, str]]) -> None:
    assert opened(f"America/{zone}", rule(week), start, end) == expected


@pytest.mark.parametrize(
    ("zone", "week", "start", "end", "expected"),
    [
        (
            "Asia/Kathmandu",
            hours(mon="10:00-21:00"),
            "2026-11-22T12:00",
            "2026-11-24T00:00",
            [("11-23T04:15", "11-23T15:15")],
        ),
        (
            "Europe/London",
            hours(sun="00:30-01:30"),
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            [("10-24T23:30", "10-25T00:30"), ("10-25T01:00", "10-25T01:30")],
        ),
        (
            "Australia/Lord_Howe",
            hours(sun="01:00-03:00"),
            "2027-04-03T00:00",
            "2027-04-04T00:00",
            [("04-03T14:00", "04-03T16:30")],
        ),
        (
            "Africa/Casablanca",
            hours(daily="09:00-10:00"),
            "2027-03-13T00:00",
            "2027-03-15T00:00",
            [("03-13T09:00", "03-13T10:00"), ("03-14T08:00", "03-14T09:00")],
        ),
        (
            "Pacific/Kiritimati",
            hours(mon="09:00-10:00"),
            "2026-11-22T00:00",
            "2026-11-23T00:00",
            [("11-22T19:00", "11-22T20:00")],
        ),
        (
            "Pacific/Pago_Pago",
            hours(sun="23:00-24:00"),
            "2026-11-23T00:00",
            "2026-11-24T00:00",
            [("11-23T10:00", "11-23T11:00")],
        ),
    ],
)
def test_hours_elsewhere(zone: str, week: Week, start: str, end: str, expected: list[tuple[str, str]]) -> None:
    assert opened(zone, rule(week), start, end) == expected


def test_bounds_are_whole_seconds_outwards() -> None:
    start = at("2026-11-23T15:00") + timedelta(milliseconds=1)
    end = at("2026-11-23T15:01") + timedelta(milliseconds=1)
    ((first, last),) = open_spans(rule(hours(mon="09:00-17:00")), ZoneInfo("America/New_York"), start, end, no_holidays)
    assert (instant(first), instant(last)) == (at("2026-11-23T15:00"), at("2026-11-23T15:01") + timedelta(seconds=1))


def open_days(given: Rule, days: Sequence[date], *off: date) -> list[date]:
    """Those of the days on which the rule, whose hours are 09:00–17:00 or none, is open at noon in New York."""
    zone = ZoneInfo("America/New_York")
    noons = [at(f"{day}T17:00") for day in days]
    return [
        noon.date() for noon in noons if open_spans(given, zone, noon, noon + timedelta(seconds=1), holidays_on(*off))
    ]


def test_holidays_that_move_are_asked_for_year_by_year() -> None:
    days = [date(2026, 11, 25), date(2026, 11, 26), date(2027, 11, 25), date(2027, 11, 26), date(2027, 1, 1)]
    off = (date(2026, 11, 26), date(2027, 11, 25), date(2027, 1, 1))
    closed_on_them = replace(rule(hours(daily="09:00-17:00")), holidays=("XX",))
    assert open_days(closed_on_them, days, *off) == [days[0], days[3]]
    assert open_days(replace(closed_on_them, holidays=("YY",)), days, *off) == days
    assert open_days(replace(closed_on_them, week=None), days, *off) == [days[0], days[3]]


def test_a_holiday_is_one_of_the_local_calendar() -> None:
    new_year = replace(rule(hours(daily="00:00-24:00")), holidays=("XX",))
    zone = ZoneInfo("America/New_York")
    days = holidays_on(date(2027, 1, 1))
    found = open_spans(new_year, zone, at("2026-12-31T00:00"), at("2027-01-03T00:00"), days)
    assert [(instant(first), instant(last)) for first, last in found] == [
        (at("2026-12-31T00:00"), at("2027-01-01T05:00")),
        (at("2027-01-02T05:00"), at("2027-01-03T00:00")),
    ]


def test_single_days_are_closed_the_leap_day_too() -> None:
    days = [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
    assert open_days(replace(rule(), not_on=frozenset({days[1]})), days) == [days[0], days[2]]


def test_a_rule_says_something_only_on_its_effective_days() -> None:
    """As in Pennsylvania, where new hours without Sundays hold from Sunday, 2026-10-18."""
    old = replace(rule(hours(daily="08:00-21:00")), effective_until=date(2026, 10, 18))
    new = replace(rule(hours(mon_sat="09:00-19:00")), effective_from=date(2026, 10, 18))
    asked = "America/New_York", "2026-10-17T04:00", "2026-10-20T04:00"
    assert opened(asked[0], old, *asked[1:]) == [("10-17T12:00", "10-18T01:00"), ("10-18T04:00", "10-20T04:00")]
    assert opened(asked[0], new, *asked[1:]) == [("10-17T04:00", "10-18T04:00"), ("10-19T13:00", "10-19T23:00")]


def test_a_rule_without_hours_is_always_open() -> None:
    assert not has_hours(rule())
    assert opened("America/New_York", rule(), "2026-11-01T00:00", "2026-11-02T00:00") == [
        ("11-01T00:00", "11-02T00:00")
    ]
    assert opened("America/New_York", rule(), "2026-11-01T00:00", "2026-11-01T00:00") == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (rule(), ""),
        (rule(hours(mon_fri="09:00-17:00")), "Mon–Fri 09:00–17:00"),
        (replace(rule(hours(mon="09:00-17:00")), zone="America/Chicago"), "Mon 09:00–17:00 America/Chicago"),
        (
            replace(rule(), holidays=("US", "US-LA"), not_on=frozenset({date(2026, 12, 24)})),
            "Mon–Sun 00:00–24:00, not on holidays of US, holidays of US-LA, 2026-12-24",
        ),
        (
            replace(rule(hours(mon="09:00-17:00")), not_on=frozenset(date(2026, 12, n) for n in range(1, 8))),
            "Mon 09:00–17:00, not on 2026-12-01, 2026-12-02, 2026-12-03, 2026-12-04 and 3 more",
        ),
    ],
)
def test_hours_in_words(given: Rule, said: str) -> None:
    assert words(given) == said
