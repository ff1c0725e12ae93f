"""Own numbers for places, from the campaign file to the ring, over the simulator and HTTP."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dialer.simulator import read_rings
from dialer.simulator.calls import DEFAULT_AGENT
from tests.command_line import TEXT, campaign, told

pytestmark = pytest.mark.slow  # whole runs, one after the other

FLORIDA, STATES, SECOND = "+13055550100", "+14155550100", "+14155550101"
MIAMI, NEW_YORK, LONDON = "+13055550123", "+12125550124", "+442079460123"
PEOPLE = f"id,phone,name\nA1,{MIAMI},Ann\nA2,{NEW_YORK},Bob\nA3,{LONDON},Cy\n"


def dialling_from(callers: str) -> str:
    return TEXT.replace('["+14155550100"]', callers)


def shown(folder: Path) -> dict[str, tuple[str, str]]:
    """By number that was rung, the own number and the agent."""
    rings = read_rings(folder / "dialer.db.rings.jsonl")
    return {ring.to_number: (ring.from_number, ring.ai_agent_id) for ring in rings}


def contacts(folder: Path) -> dict[str, tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(folder / "dialer.db")) as db:
        return {row[0]: row[1:] for row in db.execute("SELECT number, state, detail FROM contacts")}


def test_people_see_the_number_that_is_meant_for_where_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    callers = f'[{{number: "{FLORIDA}", for: [US-FL], agent: florida}}, {{number: "{STATES}", for: [US]}}]'
    path = campaign(tmp_path, PEOPLE, dialling_from(callers))
    ended = told(capsys, "run", path)
    assert shown(tmp_path) == {MIAMI: (FLORIDA, "florida"), NEW_YORK: (STATES, DEFAULT_AGENT)}
    assert contacts(tmp_path)[LONDON] == ("excluded", "held:no_caller_id")
    assert ended.code == 0, ended.err


def test_who_is_held_for_want_of_a_number_is_called_once_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = f'{{number: "{STATES}", for: [US]}}'
    path = campaign(tmp_path, PEOPLE, dialling_from(f"[{here}]"))
    told(capsys, "run", path)
    path.write_text(dialling_from(f'[{here}, {{number: "{SECOND}", for: [GB]}}]'))
    ended = told(capsys, "run", path, "--yes")
    assert ended.code == 0, ended.err
    assert shown(tmp_path)[LONDON][0] == SECOND
    assert contacts(tmp_path)[LONDON][0] == "done"


def test_a_number_that_is_used_up_for_today_is_left_alone_until_tomorrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    callers = f'[{{number: "{STATES}", per_day: 2}}]'
    path = campaign(tmp_path, PEOPLE, dialling_from(callers))
    assert told(capsys, "run", path).code == 75
    assert len(shown(tmp_path)) == 2
    waiting = [row for row in contacts(tmp_path).values() if row[0] == "waiting"]
    assert waiting == [("waiting", "held:no_caller_id")]


def test_check_shows_the_number_that_would_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    callers = (
        f'[{{number: "{FLORIDA}", for: [GB], agent: british}}, {{number: "{STATES}", for: [US-FL], agent: florida}}]'
    )
    path = campaign(tmp_path, PEOPLE, dialling_from(callers))
    found = told(capsys, "check", path, "--offline")
    assert found.code == 0, found.err
    shown = [line for line in found.out.splitlines() if line.startswith("  to ")]
    assert [line.rpartition(" ")[2] for line in shown] == ["florida", "british"]
    assert "held: none of the own numbers may show for them now" in found.out
