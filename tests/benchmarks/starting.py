"""From the start of the process to its first dial, where a long list is known and nearly all of it is done."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dialer
from tests.benchmarks.kit import How, Line

FULL, QUICK = 1_000_000, 20_000
RUNS = 5
_SETTLED = 65.0
"""Seconds after which a file is known without being read."""
_AREAS = (201, 202, 206, 212, 213, 214, 215, 216, 303, 305, 312, 313, 314, 404, 407, 412, 415, 503, 510, 512, 602, 617)

_DONE = (
    """INSERT INTO attempts (contact_id, campaign_id, run_id, serial, call_id, number, from_number, state, costs,
                             payload_hash, intended_at, intent_expires_at, placed_at, closed_at, platform_id,
                             call_status, finish_reason, duration_seconds, record, key_mark)
       SELECT id, campaign_id, 1, 1, printf('c%031d', id), number, '+14155550100', 'ended', 1, '', :at, :at, :at, :at,
              'p' || id, 'ended', 'user_ended_call', 31, '{"call_status": "ended"}', (SELECT key_mark FROM campaigns)
       FROM contacts WHERE state = 'due' AND id <= :last""",
    """INSERT INTO events (at, run_id, contact_id, attempt_id, event, from_state, to_state)
       SELECT :at, 1, contact_id, id, 'ended', 'dialing', 'done' FROM attempts""",
    """UPDATE contacts SET state = 'done', serial = 1, attempts = 1, finish_reason = 'user_ended_call', updated_at = :at
       WHERE state = 'due' AND id <= :last""",
)


@dataclass
class Platform:
    """Answers every dial with a call that has ended, and remembers when the first byte of each dial was read."""

    url: str = ""
    dials: list[float] = field(default_factory=list)

    @contextlib.contextmanager
    def serve(self) -> Iterator[Platform]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(200, {"calls": [], "total_count": 0})

            def do_POST(self) -> None:
                platform.dials.append(time.monotonic())
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(201, _ended(asked))

            def _answer(self, status: int, told: dict[str, Any]) -> None:
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing is told."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield self
            server.shutdown()


def _ended(asked: dict[str, Any]) -> dict[str, Any]:
    return {
        **{key: asked[key] for key in ("call_id", "from_number", "to_number", "direction", "metadata")},
        "_id": f"p{asked['call_id']}",
        "call_status": "ended",
        "call_finish_reason": "user_ended_call",
        "call_duration_seconds": 31,
    }


@dataclass(frozen=True)
class Started:
    """Seconds from the start of the process to its first dial, and to its end."""

    dial: float
    end: float


def started(folder: Path, platform: Platform) -> Started:
    """Run the campaign for one call. Raises AssertionError if it made none."""
    command = [sys.executable, "-m", "dialer", "run", "campaign.yaml", "--max-calls", "1", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": str(Path(dialer.__file__).parents[1])}
    platform.dials.clear()
    began = time.monotonic()
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    end = time.monotonic()
    if ended.returncode != 75 or len(platform.dials) != 1:
        raise AssertionError(f"it made {len(platform.dials)} dials and ended with {ended.returncode}: {ended.stderr}")
    return Started(platform.dials[0] - began, end - began)


def _written(folder: Path, people: int, url: str) -> None:
    with (folder / "people.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["phone", "id", "first_name", "amount", "tz", "note"])
        for n in range(people):
            serial, area = divmod(n, len(_AREAS))
            number = f"+1{_AREAS[area]}{200 + serial // 10_000}{serial % 10_000:04d}"
            out.writerow([number, f"P-{n}", "Zoë", "12.50", "America/New_York", "call about the appointment on Monday"])
    campaign = {
        "name": "reminders",
        "contacts": {"file": "people.csv", "id": "id"},
        "call": {"from": ["+14155550100"], "data": ["first_name", "amount"]},
        "platform": {"url": url, "api_key": "API_made_up_key"},
        "pace": {"calls_per_second": 50, "concurrent_calls": 50},
        "hours": "always",
        "rules": "none",
        "ledger": "reminders.db",
    }
    (folder / "campaign.yaml").write_text(json.dumps(campaign))


def _dialled(folder: Path, people: int) -> None:
    """Nine of ten have been called since."""
    with contextlib.closing(sqlite3.connect(folder / "reminders.db", isolation_level=None)) as db:
        db.execute("BEGIN")
        for statement in _DONE:
            db.execute(statement, {"at": "2026-11-20T12:00:00.000Z", "last": people * 9 // 10})
        db.execute("COMMIT")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def measure(how: How) -> list[Line]:
    """The median of several starts, with the list known by its stamp, and with one that was touched and is hashed."""
    people = QUICK if how.quick else FULL
    with Platform().serve() as platform:
        _written(how.folder, people, platform.url)
        started(how.folder, platform)
        _dialled(how.folder, people)
        what = f"second run of a campaign of {people:,} rows, nine of ten done: to the first dial"
        touched = [_touched(how.folder, platform) for _ in range(3 if how.quick else RUNS)]
        lines = [_line(f"{what}; the file was touched, and is hashed", touched)]
        if not how.quick:
            time.sleep(_SETTLED)
            started(how.folder, platform)
            lines.append(_line(what, [started(how.folder, platform) for _ in range(RUNS)]))
        return lines


def _touched(folder: Path, platform: Platform) -> Started:
    (folder / "people.csv").touch()
    return started(folder, platform)


def _line(what: str, found: list[Started]) -> Line:
    dial, end = (statistics.median(times) for times in zip(*((one.dial, one.end) for one in found), strict=True))
    spread = f"{dial:.2f} s ({min(one.dial for one in found):.2f}–{max(one.dial for one in found):.2f})"
    return Line(what, "–", "≤ 2 s", spread, dial <= 2, f"to the end of the process: {end:.2f} s")
