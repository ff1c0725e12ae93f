"""What all rules of a pack leave open together, in whole weeks, place by place: a table that was written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.model import Audience, CallingRules, Purpose
from dialer.packs import holidays, pack
from dialer.places.states import states
from dialer.policy.permission import openings

QUIET = date(2026, 11, 16)  # a Monday; no holiday in any calendar that is asked here, no change of clocks
THANKSGIVING = date(2026, 11, 23)  # the Monday before it
RING = 60
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

# What an AI voice may sell with consent: Mon–Fri, Sat, Sun
FEDERAL = ("8-21", "8-21", "8-21")
STATES = {
    "AL": ("8-20", "8-20", ""),
    "CA": ("9-21", "9-21", "9-21"),
    "CT": ("9-20", "9-20", "9-20"),
    "FL": ("8-20", "8-20", "8-20"),
    "IN": ("9-20", "9-20", "9-20"),
    "KY": ("10-21", "10-21", "10-21"),
    "LA": ("8-20", "8-20", ""),
    "MA": ("8-20", "8-20", "8-20"),
    "MD": ("8-20", "8-20", "8-20"),
    "ME": ("9-17", "", ""),
    "MI": ("9-21", "9-21", "9-21"),
    "MN": ("9-21", "9-21", "9-21"),
    "MS": ("8-20", "8-20", ""),
    "NM": ("9-21", "9-21", "9-21"),
    "NV": ("9-20", "9-20", "9-20"),
    "OK": ("9-20", "9-20", "9-20"),
    "OR": ("8-20", "8-20", "8-20"),
    "PA": ("9-19", "9-19", ""),
    "RI": ("9-18", "10-17", ""),
    "SD": ("9-21", "9-21", ""),
    "TX": ("9-21", "9-21", "12-21"),
    "UT": ("8-21", "8-21", ""),
    "WA": ("", "", ""),
    "WY": ("8-20", "8-20", "8-20"),
    "?": ("10-18", "10-17", ""),
}
ALL_STATES = sorted({code.removeprefix("US-") for code in states() if code.startswith("US-")} | {"?"})

ELSEWHERE = {
    ("ca", "CA", "America/Toronto"): ("9-21.5", "10-18", "10-18"),
    ("uk", "GB", "Europe/London"): ("9-20", "10-17", ""),
    ("fr", "FR", "Europe/Paris"): ("10-13 14-20", "", ""),
    ("de", "DE", "Europe/Berlin"): ("9-20", "9-20", ""),
    ("it", "IT", "Europe/Rome"): ("9-20", "10-19", ""),
    ("es", "ES", "Europe/Madrid"): ("9-21", "", ""),
    ("au", "AU", "Australia/Sydney"): ("9-20", "9-17", ""),
    ("in", "IN", "Asia/Kolkata"): ("10-21", "10-21", "10-21"),
    ("sg", "SG", "Asia/Singapore"): ("9-20", "9-20", "9-20"),
    ("jp", "JP", "Asia/Tokyo"): ("9-20", "9-20", "9-20"),
    ("bd", "BD", "Asia/Dhaka"): ("9-20", "9-20", "9-20"),
}


def opened(code: str, places: tuple[str, ...], zone: str, monday: date, purpose: str = "marketing") -> list[str]:
    """The openings of the week in local time, as `Mon 08:00-19:59`."""
    calling = CallingRules(packs=(pack(code),), purpose=Purpose(purpose), ring=RING)
    audience = Audience((zone,), places, (places[0],), ("mobile",), consents=True)
    clock = ZoneInfo(zone)
    start = datetime(monday.year, monday.month, monday.day, tzinfo=clock).astimezone(UTC)
    spans = openings(calling, audience, {zone: clock}, holidays, start, start + timedelta(days=7))
    local = [tuple(datetime.fromtimestamp(each, UTC).astimezone(clock) for each in span) for span in spans]
    return [f"{first:%a %H:%M}-{last:%H:%M}" for first, last in local]


def promised(hours: tuple[str, str, str], closed: str = "") -> list[str]:
    """The same from the table, the time of ringing taken off."""
    workdays, saturday, sunday = hours
    days = zip(WEEKDAYS, [workdays] * 5 + [saturday, sunday], strict=True)
    return [f"{day} {span}" for day, text in days if day != closed for span in _windows(text)]


def _windows(text: str) -> Iterator[str]:
    for span in text.split():
        first, last = (round(float(hour) * 60) for hour in span.split("-"))
        yield f"{_clock(first)}-{_clock(last - RING // 60)}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@pytest.mark.parametrize("state", ALL_STATES)
def test_a_week_of_sales_in_every_state(state: str) -> None:
    # By the clock of Chicago everywhere: Mississippi's hours are by no other.
    found = opened("us", ("US", f"US-{state}"), "America/Chicago", QUIET)
    assert found == promised(STATES.get(state, FEDERAL))


@pytest.mark.parametrize("state", ALL_STATES)
def test_a_week_with_a_holiday_in_every_state(state: str) -> None:
    found = opened("us", ("US", f"US-{state}"), "America/Chicago", THANKSGIVING)
    closed = "Thu" if state in {"AL", "LA", "RI", "UT", "?"} else ""
    expected = promised(STATES.get(state, FEDERAL), closed)
    if state in {"LA", "?"}:  # the Friday after it too
        expected = [day for day in expected if not day.startswith("Fri")]
    assert found == expected


@pytest.mark.parametrize("state", ["AL", "FL", "ME", "RI", "WA"])
def test_debt_has_the_federal_hours_everywhere(state: str) -> None:
    assert opened("us", ("US", f"US-{state}"), "America/New_York", QUIET, "debt") == promised(FEDERAL)


@pytest.mark.parametrize(("state", "hours"), [("FL", FEDERAL), ("WA", FEDERAL), ("ME", ("9-17", "", ""))])
def test_information_has_the_federal_hours_and_those_for_automated_calls(
    state: str, hours: tuple[str, str, str]
) -> None:
    assert opened("us", ("US", f"US-{state}"), "America/New_York", QUIET, "info") == promised(hours)


def test_mississippi_by_the_clock_of_los_angeles() -> None:
    # 8–20 in Chicago is 6–18 there; before 8 the federal hours are closed.
    found = opened("us", ("US", "US-MS"), "America/Los_Angeles", QUIET)
    assert found == promised(("8-18", "8-18", ""))


@pytest.mark.parametrize("key", ELSEWHERE, ids=lambda key: key[0])
def test_a_week_elsewhere(key: tuple[str, str, str]) -> None:
    code, country, zone = key
    assert opened(code, (country,), zone, QUIET) == promised(ELSEWHERE[key])


@pytest.mark.parametrize(
    ("code", "country", "zone", "monday", "closed"),
    [
        ("fr", "FR", "Europe/Paris", date(2026, 7, 13), "Tue"),
        ("it", "IT", "Europe/Rome", date(2026, 6, 1), "Tue"),
        ("es", "ES", "Europe/Madrid", date(2026, 10, 12), "Mon"),
        ("au", "AU", "Australia/Sydney", date(2026, 1, 26), "Mon"),
        ("de", "DE", "Europe/Berlin", date(2026, 4, 27), ""),  # own default hours know no holidays
    ],
)
def test_a_week_with_a_holiday_elsewhere(code: str, country: str, zone: str, monday: date, closed: str) -> None:
    hours = ELSEWHERE[(code, country, zone)]
    assert opened(code, (country,), zone, monday) == promised(hours, closed)
