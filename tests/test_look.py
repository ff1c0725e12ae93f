"""`status` and `export`, from a ledger to the text or the file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dialer.cli.look import export_to, status
from dialer.errors import UsageError
from dialer.ledger.control import take_lock
from tests.ledger_rows import NOW, Maker, at, sample

STATUS = """\
reminders: 9 people; 6 attempts were used up.
     1 reached
           1  talked, and hung up themselves
     4 to be tried, 1 of them at once
           1  did not answer
           1  line was busy
           1  not called yet
           1  not rung: the account had no free line
     1 on the line now
     1 not reached and not to be tried again
           1  did not answer; all attempts are used up
     1 not to be called
           1  no longer on the list
     1 unknown: nobody can say yet whether they were rung
           1  status 502
     1 fault in the list (invalid_number 1): `export --rejects` lists them
  due    1 now, 1 within an hour, 1 within a day, 1 later; next at 2026-11-23 14:05 UTC
  pace   2 calls in the last minute, 3 in the last hour
  unknown: gus, +1415•••0007, dialled at 2026-11-23 13:50:00 UTC, looked up 1 times in vain (status 502)
  run    `run` began at 2026-11-23 13:55:00 UTC, ended at 2026-11-23 13:59:00 UTC with 75 (due_later)"""


def test_status_for_people(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    assert status(tmp_path / "dialer.db", "reminders", now=lambda: NOW) == STATUS


def test_status_of_all_and_of_none(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    Maker(tmp_path / "new.db")
    assert "empty: 0 people" in status(tmp_path / "dialer.db", now=lambda: NOW)
    assert "never run" in status(tmp_path / "dialer.db", "empty", now=lambda: NOW)
    assert status(tmp_path / "new.db") == f"The ledger {tmp_path / 'new.db'} holds no campaign yet."


def test_status_tells_a_run_that_was_cut_off_and_a_pause(tmp_path: Path) -> None:
    made = Maker(tmp_path / "dialer.db")
    made.campaign("reminders", paused="paused", paused_why="new script", paused_until=at(hours=1))
    made.run("reminders")
    told = status(tmp_path / "dialer.db", now=lambda: NOW)
    assert "was cut off (pid 4242 on ant)" in told
    assert told.splitlines()[0] == "reminders is paused by a person until 2026-11-23 15:00:00 UTC: new script"


@pytest.mark.parametrize(
    ("paused", "first"),
    [
        ({"paused": "paused", "paused_by": "ann"}, "reminders is paused by ann"),
        ({"paused": "paused", "paused_by": "stop_when"}, "reminders is paused by `stop_when`"),
        ({"paused": "cancelled", "paused_by": "ann", "paused_why": "off"}, "reminders is cancelled by ann: off"),
        ({"paused": "paused", "paused_until": at(hours=-1)}, "reminders: 0 people; 0 attempts were used up."),
    ],
)
def test_a_pause_that_holds_is_told_first_of_all(tmp_path: Path, paused: dict[str, Any], first: str) -> None:
    made = Maker(tmp_path / "dialer.db")
    made.campaign("reminders", **paused)
    assert status(tmp_path / "dialer.db", now=lambda: NOW).splitlines()[0] == first
    (campaign,) = json.loads(status(tmp_path / "dialer.db", as_json=True, now=lambda: NOW))["campaigns"]
    assert (campaign["paused"], campaign["paused_by"]) == (paused["paused"], paused.get("paused_by"))


def test_status_tells_a_run_that_goes_on(tmp_path: Path) -> None:
    made = Maker(tmp_path / "dialer.db")
    made.campaign("reminders")
    made.run("reminders")
    lock = take_lock(tmp_path / "dialer.db", "run", at())
    assert "goes on (pid 4242 on ant)" in status(tmp_path / "dialer.db", now=lambda: NOW)
    lock.release()
    assert "was cut off" in status(tmp_path / "dialer.db", now=lambda: NOW)


def test_status_as_json_is_masked(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    told = json.loads(status(tmp_path / "dialer.db", "reminders", as_json=True, now=lambda: NOW))
    (campaign,) = told["campaigns"]
    assert told["held"] is False
    assert campaign["states"]["waiting"] == 2
    assert campaign["due_in"] == {"now": 1, "hour": 1, "day": 1, "later": 1}
    assert campaign["unknown"][0]["number"] == "+1415•••0007"
    assert campaign["last_run"]["exit_code"] == 75


def test_looking_imports_neither_pandas_nor_pyarrow(tmp_path: Path) -> None:
    script = "import sys, dialer.cli.look; print([m for m in ('pandas', 'pyarrow', 'rich') if m in sys.modules])"
    seen = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


# --- export ---


def test_export_from_a_ledger(tmp_path: Path) -> None:
    sample(tmp_path / "dialer.db")
    target = tmp_path / "results.csv"
    assert export_to(tmp_path / "dialer.db", "reminders", str(target)) == 9
    head, first, *_ = target.read_text().splitlines()
    assert head.endswith(",due_at,detail,rule,rule_version,row.phone,row.name")
    assert first.startswith(
        "reminders,ann,+14155550001,done,1,user_ended_call,ended,call1x1x1,,+14155550100,,,,61,https:"
    )
    assert export_to(tmp_path / "dialer.db", "reminders", str(target), attempts=True) == 4
    assert export_to(tmp_path / "dialer.db", "reminders", str(target), rejects=True) == 1
    assert target.read_text().splitlines()[1] == "reminders,list.csv,7,phone,415,invalid_number,too short for a number"


def test_two_tables_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one at a time"):
        export_to(tmp_path / "dialer.db", "reminders", "x.csv", attempts=True, rejects=True)
    with pytest.raises(UsageError, match="--since does not go with --rejects"):
        export_to(tmp_path / "dialer.db", "reminders", "x.csv", rejects=True, since=NOW)
