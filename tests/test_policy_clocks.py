"""Local clocks: stretches of constant offset, the beginnings of days."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.policy.clocks import begins, day_of, instant, offset, reach, stretches
from tests.calling_kit import ZONES, at

HOUR = 3600


def seconds(text: str) -> int:
    return int(at(text).timestamp())


@pytest.mark.parametrize(
    ("zone", "start", "end", "changes"),
    [
        ("America/New_York", "2026-10-30T00:00", "2026-11-03T00:00", [("2026-11-01T06:00", -4, -5)]),
        ("America/New_York", "2027-03-12T00:00", "2027-03-16T00:00", [("2027-03-14T07:00", -5, -4)]),
        ("America/Phoenix", "2026-10-30T00:00", "2027-10-30T00:00", []),
        ("Australia/Lord_Howe", "2027-04-01T00:00", "2027-04-10T00:00", [("2027-04-03T15:00", 11, 10.5)]),
        ("Europe/London", "2026-10-24T00:00", "2026-10-26T00:00", [("2026-10-25T01:00", 1, 0)]),
        (
            "Africa/Casablanca",
            "2027-02-01T00:00",
            "2027-04-01T00:00",
            [("2027-02-07T02:00", 1, 0), ("2027-03-14T02:00", 0, 1)],
        ),
    ],
)
def test_stretches_of_constant_offset(zone: str, start: str, end: str, changes: list[tuple[str, float, float]]) -> None:
    found = stretches(ZONES[zone], seconds(start), seconds(end))
    assert (found[0][0], found[-1][1]) == (seconds(start), seconds(end))
    assert all(early[1] == late[0] for early, late in pairwise(found))
    assert [(instant(late[0]), early[2] / HOUR, late[2] / HOUR) for early, late in pairwise(found)] == [
        (at(moment), before, after) for moment, before, after in changes
    ]


def test_a_fixed_offset_is_one_stretch() -> None:
    zone = timezone(timedelta(hours=-3, minutes=-30))
    start, end = seconds("2026-01-01T00:00"), seconds("2027-01-01T00:00")
    assert stretches(zone, start, end) == ((start, end, -12600),)


@given(zone=st.sampled_from(sorted(ZONES)), minutes=st.integers(0, 3 * 525600))
def test_a_stretch_has_the_offset_of_the_zone(zone: str, minutes: int) -> None:
    moment = seconds("2026-01-01T00:00") + 60 * minutes
    (ahead,) = {
        ahead
        for early, late, ahead in stretches(ZONES[zone], seconds("2026-01-01T00:00"), seconds("2029-01-01T00:00"))
        if early <= moment < late
    }
    assert timedelta(seconds=ahead) == instant(moment).astimezone(ZONES[zone]).utcoffset()
    assert offset(ZONES[zone], moment) == ahead


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("America/New_York", date(2026, 11, 22), "2026-11-22T05:00"),
        ("America/New_York", date(2026, 11, 1), "2026-11-01T04:00"),
        ("America/New_York", date(2026, 11, 2), "2026-11-02T05:00"),
        ("America/St_Johns", date(2026, 11, 22), "2026-11-22T03:30"),
        ("Asia/Kathmandu", date(2028, 2, 29), "2028-02-28T18:15"),
        ("America/Havana", date(2027, 3, 14), "2027-03-14T05:00"),  # there is no midnight: 00:00 is 01:00
        ("America/Havana", date(2026, 11, 1), "2026-11-01T04:00"),  # midnight is there twice: the first begins it
        ("America/St_Johns", date(2006, 10, 29), "2006-10-29T03:30"),  # at 00:01 it was 23:01 of the day before again
    ],
)
def test_the_beginning_of_a_day(zone: str, day: date, expected: str) -> None:
    assert instant(begins(ZONES[zone], day)) == at(expected)


@given(zone=st.sampled_from(sorted(ZONES)), day=st.dates(date(2026, 1, 1), date(2029, 1, 1)))
def test_before_it_begins_it_is_an_earlier_day_and_from_then_on_never_again(zone: str, day: date) -> None:
    start = begins(ZONES[zone], day)
    assert day_of(ZONES[zone], instant(start - 1)) < day
    assert all(day_of(ZONES[zone], instant(start + n * HOUR)) >= day for n in range(72))


def test_days_that_reach_over_several_zones() -> None:
    zones = [ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Pacific/Pago_Pago")]
    first, after = date(2026, 11, 22), date(2026, 11, 23)
    assert reach(zones, first, after) == (seconds("2026-11-21T10:00"), seconds("2026-11-23T11:00"))
    assert reach(zones, None, None) == (float("-inf"), float("inf"))


def test_without_a_zone_days_reach_around_the_world() -> None:
    everywhere = [timezone(timedelta(hours=hours)) for hours in range(-12, 15)]
    for first, after in ((date(2026, 11, 22), date(2026, 11, 23)), (date(2026, 1, 1), date(2027, 1, 1))):
        assert reach((), first, after) == reach(everywhere, first, after)


def test_instants_are_of_utc() -> None:
    assert instant(0.5) == datetime.fromisoformat("1970-01-01T00:00:00.500000+00:00")
