"""`why` says where somebody is, from what that is known, and which cell could not be understood."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from dialer.clock import Clock
from dialer.config import load
from dialer.ledger import Ledger
from dialer.report.said import said
from tests.command_line import TEXT, campaign, taken_in, told

PEOPLE = "id,phone,name,zip,tz\nA1,+12125550123,Ann,90210,\nA2,+12125550124,Bob,,Mars\n"
PLACED = TEXT.replace("  id: id\n", "  id: id\n  postcode: zip\n  timezone: tz\n").replace(
    "hours: always", "hours: {daily: [09:00-20:00]}"
)


def test_places_and_clocks_are_told_with_what_they_are_known_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path, PEOPLE, PLACED)
    taken_in(path)
    shown = " ".join(told(capsys, "why", "A1", path).out.split())
    assert "where: US, US-CA, US-NY; clocks: America/Los_Angeles, America/New_York" in shown
    assert "known by: postcode '90210', number +1212" in shown
    by_ledger = " ".join(told(capsys, "why", "A1", "--ledger", tmp_path / "dialer.db").out.split())
    assert "where: US, US-CA, US-NY" in by_ledger and "known by" not in by_ledger


def test_a_cell_that_is_not_understood_is_told_with_its_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path, PEOPLE, PLACED)
    taken_in(path)
    shown = " ".join(told(capsys, "why", "A2", path).out.split())
    assert "not understood: 'Mars' in the column 'tz' (contacts.timezone)" in shown
    assert "line 3 of contacts.csv" in shown
    by_ledger = " ".join(told(capsys, "why", "A2", "--ledger", tmp_path / "dialer.db").out.split())
    assert "column 'tz'" not in by_ledger  # no run has written down which column it is
    asyncio.run(run_once(path))
    by_ledger = " ".join(told(capsys, "why", "A2", "--ledger", tmp_path / "dialer.db").out.split())
    assert "not understood: 'Mars' in the column 'tz' (contacts.timezone), line 3 of contacts.csv" in by_ledger


async def run_once(path: Path) -> None:
    """What a run writes down of the file."""
    rules = load(path, {})
    ledger = Ledger.open(rules.ledger, "run", Clock().now)
    try:
        await ledger.start_run("run", [rules.name])
        await ledger.keep_said((await ledger.bind(rules)).id, said(rules), [], None)
    finally:
        await ledger.close()


def test_a_row_that_was_not_taken_is_told_with_its_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path, PEOPLE + "A1,+12125550129,Dan,,\nA3,12,Eve,,\n", PLACED)
    taken_in(path)
    shown = " ".join(told(capsys, "why", "A1", path).out.split())
    assert "not taken: line 4 of contacts.csv, column 'id': the same as line 2 of contacts.csv (duplicate)" in shown
    assert "A row in the list of reminders was not taken: line 5" in told(capsys, "why", "12", path).out
    as_json = json.loads(told(capsys, "why", "A1", path, "--json").out)
    assert [(one["line"], one["reason"]) for one in as_json["rejects"]] == [(4, "duplicate")]
    assert "line 5 of contac" in told(capsys, "why", "A3", path).out
    assert "rows that were not taken stand in `dialer export FILE --rejects`" in told(capsys, "why", "A9", path).err
