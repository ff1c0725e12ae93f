"""F28: the edges of the hours, several zones, no known zone, a day without calls: deferred, never dropped, never early.

At whatever hour this runs: it is noon somewhere. Changes of the clocks are lived through in `test_calling_campaign.py`.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.faults.kit import Stage, stage

ZONES = (
    "Pacific/Honolulu", "America/Los_Angeles", "America/Chicago", "America/Sao_Paulo", "Europe/London",
    "Europe/Helsinki", "Asia/Karachi", "Asia/Dhaka", "Asia/Shanghai", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip
FREE = [f"+1800555{n:04d}" for n in range(140, 150)]
"""Numbers that are of no place: where their owners are, only the row says."""


def _noon() -> ZoneInfo:
    """Where it is nearest to noon."""
    now = datetime.now(UTC)

    def from_noon(name: str) -> float:
        local = now.astimezone(ZoneInfo(name))
        return abs(local.hour + local.minute / 60 - 12.5)

    return ZoneInfo(min(ZONES, key=from_noon))


def _across(noon: ZoneInfo) -> str:
    """Where it is night then."""
    now = datetime.now(UTC)

    def apart(name: str) -> float:
        other, here = (now.astimezone(zone).utcoffset() for zone in (ZoneInfo(name), noon))
        assert other is not None
        assert here is not None
        hours = abs((other - here) / timedelta(hours=1)) % 24
        return min(hours, 24 - hours)

    return max(ZONES, key=apart)


def _list(there: Stage, *zones: str) -> None:
    with (there.folder / "people.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "first_name", "phone", "tz"])
        rows.writerows([f"P-{n:04d}", f"Name{n}", FREE[n], zone] for n, zone in enumerate(zones))


def _plan(there: Stage, hours: object) -> Path:
    return there.plan(contacts={"timezone": "tz"}, hours=hours, rules="none")


def _clock(moment: datetime) -> str:
    return moment.strftime("%H:%M")


def _told(there: Stage) -> list[tuple[str, str]]:
    return [(row["state"], row["detail"]) for row in there.contacts().values()]


@pytest.mark.slow
@pytest.mark.ci
def test_f28_it_is_noon_for_some_and_night_for_others(tmp_path: Path) -> None:
    noon = _noon()
    with stage(tmp_path) as there:
        _list(there, noon.key, _across(noon), "", "Mars/Olympus")
        path = _plan(there, {"daily": ["09:30-16:30"]})
        ended = there.run("run", path)
        assert ended.code == 75, ended.err
        assert [ring.to_number for ring in there.rings()] == [FREE[0]]
        states = _told(there)
        assert states[0][0] in ("done", "exhausted")
        assert states[1:] == [("due", ""), ("excluded", "held:no_zone"), ("excluded", "held:unknown_zone")]
        again = there.run("run", path)
        assert (again.code, len(there.rings())) == (75, 1), again.err
        assert "camp 75 outside_hours next=2" in again.closing
        assert "due=1" in again.closing


@pytest.mark.slow
@pytest.mark.ci
def test_f28_the_last_minute_of_the_hours_is_for_those_who_are_ringing(tmp_path: Path) -> None:
    """The hours end within the minute for which a telephone may ring: it is too late, and tomorrow is time enough."""
    noon = _noon()
    with stage(tmp_path) as there:
        _list(there, noon.key, noon.key)
        now = datetime.now(noon)
        ended = there.run("run", _plan(there, {"daily": [f"09:00-{_clock(now + timedelta(minutes=1))}"]}))
        assert (ended.code, there.rings(), there.proxy.dials) == (75, [], []), ended.err
        assert _told(there) == [("due", "")] * 2


@pytest.mark.slow
@pytest.mark.ci
def test_f28_a_day_without_calls(tmp_path: Path) -> None:
    noon = _noon()
    with stage(tmp_path) as there:
        _list(there, noon.key)
        today = datetime.now(noon).date().isoformat()
        hours = {"daily": ["09:30-16:30"]}
        ended = there.run("run", _plan(there, {**hours, "not_on": [today]}))
        assert (ended.code, there.proxy.dials) == (75, []), ended.err
        ended = there.run("run", _plan(there, hours), "--yes")  # an edit that may free people
        assert (ended.code, len(there.rings())) == (0, 1), ended.err
