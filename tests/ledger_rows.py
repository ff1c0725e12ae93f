"""Ledgers made row by row with the standard library alone, as a reader may find them."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from dialer.ledger.queries import migration_names

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
MIGRATIONS = migration_names()


def at(**after: float) -> str:
    """An instant as the ledger writes it, so long after NOW."""
    return (NOW + timedelta(**after)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Maker:
    """Fills a new ledger with rows; what a row does not name gets a plain value. It writes until it is forgotten."""

    def __init__(self, path: Path, migrations: tuple[str, ...] = MIGRATIONS) -> None:
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        for name in MIGRATIONS:
            script = resources.files("dialer.ledger").joinpath("migrations", f"{name}.sql").read_text("utf-8")
            self.db.executescript(script)
        self.db.execute(
            "CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT)"
        )
        for name in migrations:
            self.insert("_sqlite_migrations", migration_set="dialer", name=name, applied_at=at())
        self.insert("ledger", id=1, created_at=at(), secret_mark="")

    def __del__(self) -> None:
        self.db.close()

    def insert(self, table: str, **values: Any) -> int:
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names from the tests alone
        return int(self.db.execute(sql, tuple(values.values())).lastrowid or 0)

    def campaign(self, name: str, columns: tuple[str, ...] = ("phone", "name"), **values: Any) -> int:
        plain = {"platform_url": "simulator", "key_mark": "k", "columns": json.dumps(columns), "created_at": at()}
        made = self.insert("campaigns", **({"name": name} | plain | values))
        self.insert("campaign_audiences", campaign_id=made, audience=0)
        return made

    def run(self, *campaigns: str, **values: Any) -> int:
        plain = {"fence": 1, "host": "ant", "pid": 4242, "command": "run", "started_at": at(minutes=-5)}
        return self.insert("runs", **({"campaigns": json.dumps(campaigns)} | plain | values))

    def imported(self, campaign: int, **values: Any) -> int:
        plain = {"fingerprint": "f", "files": "[]", "started_at": at(), "applied_at": at()}
        return self.insert("imports", **({"campaign_id": campaign} | plain | values))

    def reject(self, campaign: int, import_id: int, **values: Any) -> int:
        plain = {
            "file": "list.csv",
            "line": 3,
            "column": "phone",
            "value": "12",
            "reason": "short_number",
            "why": "short",
        }
        return self.insert("rejects", **({"campaign_id": campaign, "import_id": import_id} | plain | values))

    def contact(self, campaign: int, person: str, state: str = "due", **values: Any) -> int:
        plain = {
            "number": "+14155550123",
            "data": json.dumps({"phone": "+14155550123", "name": person}),
            "file": "list.csv",
            "line": 2,
            "import_id": 1,
            "first_seen_at": at(hours=-1),
            "updated_at": at(hours=-1),
        }
        return self.insert("contacts", **({"campaign_id": campaign, "person": person, "state": state} | plain | values))

    def attempt(self, campaign: int, contact: int, serial: int = 1, state: str = "ended", **values: Any) -> int:
        plain = {
            "run_id": 1,
            "call_id": f"call{campaign}x{contact}x{serial}",
            "number": f"+1415555{contact:04d}",
            "from_number": "+14155550100",
            "payload_hash": "h",
            "intended_at": at(minutes=-10),
            "intent_expires_at": at(minutes=-9),
        }
        key = {"campaign_id": campaign, "contact_id": contact, "serial": serial, "state": state}
        return self.insert("attempts", **(key | plain | values))


def sample(path: Path) -> Maker:
    """A campaign `reminders` with somebody in every state, and an empty one beside it."""
    made = Maker(path)
    campaign = made.campaign("reminders")
    made.campaign("empty")
    made.run("reminders", ended_at=at(minutes=-1), exit_code=75, reason="due_later")
    old, new = made.imported(campaign), made.imported(campaign)
    made.imported(campaign, applied_at=None)
    made.reject(campaign, old)
    made.reject(campaign, new, line=7, value="415", reason="invalid_number", why="too short for a number")
    made.reject(campaign, new + 1, line=9)
    _people(made, campaign)
    return made


def _people(made: Maker, campaign: int) -> None:
    record = {"recorded_call_audio_url": "https://x.test/1.mp3", "messages": [{"role": "agent", "content": "Hello"}]}
    ann = made.contact(
        campaign, "ann", "done", detail="user_ended_call", finish_reason="user_ended_call", attempts=1, updated_at=at()
    )
    made.attempt(
        campaign,
        ann,
        record=json.dumps(record),
        finish_reason="user_ended_call",
        call_status="ended",
        costs=1,
        duration_seconds=61,
        placed_at=at(seconds=-50),
        closed_at=at(),
    )
    made.contact(campaign, "bob", "due")
    made.contact(campaign, "cid", "due", due_at=at(minutes=5), detail="concurrent_call_limit_reached")
    waiting = made.contact(
        campaign, "dan", "waiting", due_at=at(hours=2), detail="no_answer", finish_reason="no_answer", attempts=1
    )
    made.attempt(campaign, waiting, placed_at=at(minutes=-9), finish_reason="no_answer", costs=1)
    made.contact(
        campaign, "eve", "waiting", due_at=at(days=2), detail="line_busy", finish_reason="line_busy", attempts=1
    )
    live = made.contact(campaign, "fay", "dialing")
    made.attempt(campaign, live, state="placed", placed_at=at(seconds=-5), intended_at=at(seconds=-6))
    lost = made.contact(campaign, "gus", "unknown", detail="status 502")
    made.attempt(campaign, lost, state="unknown", held_until=at(minutes=1), looks=1)
    made.contact(
        campaign,
        "hal",
        "exhausted",
        detail="attempts_used_up:no_answer",
        finish_reason="no_answer",
        attempts=3,
    )
    made.contact(campaign, "ida", "excluded", detail="withdrawn", stop="withdrawn")
