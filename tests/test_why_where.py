"""`why` says where somebody is, from what that is known, and which cell could not be understood."""

from __future__ import annotations

from pathlib import Path

import pytest

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
