"""Post-call analysis from end to end, over the simulator and HTTP: run, settle, export; and told by webhook."""

from __future__ import annotations

import contextlib
import csv
import socket
import sqlite3
from pathlib import Path

import pytest

from dialer.simulator import CANARY
from tests.command_line import TEXT, campaign, told

pytestmark = pytest.mark.slow  # whole runs, one after the other

FOUND = ["analysis.callback_at", "analysis.do_not_call", "analysis.summary"]


def analysed(ledger: Path) -> int:
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        return int(db.execute("SELECT COUNT(*) FROM analyses").fetchone()[0])


def test_what_was_found_is_fetched_in_the_end_and_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path, text=TEXT + "analysis: true\n")
    assert told(capsys, "run", path).code == 0
    for _ in range(10):  # the simulator fails now and then
        if analysed(tmp_path / "dialer.db") == 3:
            break
        assert told(capsys, "settle", path).code == 0
    assert told(capsys, "export", path, "-o", tmp_path / "results.csv").code == 0
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[-6:] == [*FOUND, "row.id", "row.phone", "row.name"]
    assert all(row["analysis.summary"] and row["analysis.do_not_call"] in ("true", "false") for row in rows)
    kept = b"".join(each.read_bytes() for each in tmp_path.glob("dialer.db*"))
    assert f"{CANARY}analysis".encode() not in kept


def test_a_webhook_hastens_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody whose line is busy keeps the run going for a while, which is long enough for what is told."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = TEXT.replace(
        "mix: {user_ended_call: 1}", 'script: {"+14155550125": [line_busy, user_ended_call]}, mix: {user_ended_call: 1}'
    )
    text += f"analysis: true\nretry: {{line_busy: 4s}}\nwebhooks: {{listen: 127.0.0.1:{port}, url: http://127.0.0.1:{port}/verbex}}\n"
    path = campaign(tmp_path, text=text)
    ended = told(capsys, "run", path)
    assert ended.code == 0, ended.err
    with contextlib.closing(sqlite3.connect(tmp_path / "dialer.db")) as db:
        names = {name for (name,) in db.execute("SELECT event FROM inbox")}
    assert "callAnalysis.pcaCompleted" in names
    assert analysed(tmp_path / "dialer.db") >= 1


def test_a_campaign_without_it_asks_for_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    assert told(capsys, "run", path).code == 0
    assert told(capsys, "settle", path).code == 0
    assert analysed(tmp_path / "dialer.db") == 0
