"""A ledger on disk for the tests of its writing side: made quickly, moved on by hand, looked at from beside."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from dialer.errors import ListError
from dialer.ledger import Imported, InlineExecutor, Ledger, Passed, opening
from dialer.ledger.control import beside
from dialer.ledger.dialing import Decide
from dialer.ledger.moments import text
from dialer.model import (
    CallRecord,
    CallRules,
    Campaign,
    Candidate,
    Chunk,
    Decision,
    DialRequest,
    Ending,
    Intent,
    ListRules,
    NotPlaced,
    Number,
    Outcome,
    PaceRules,
    PlatformRules,
    RecoveryRules,
    Refusal,
    Reject,
    RejectReason,
    Row,
    Secret,
)
from dialer.policy import lifecycle, retry

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PEOPLE = Path("/lists/people.csv")
BY_NAME = ListRules((PEOPLE,), id="name")
BY_NUMBER = ListRules((PEOPLE,))
RETRY = retry.rules(3, {})
LIVE = ("intended", "placed", "unknown")

UNSENT = NotPlaced(Refusal.UNSENT, "never connected", reusable=True)
TOO_MANY = NotPlaced(Refusal.TOO_MANY, "slow down", reusable=True)
FULL = NotPlaced(Refusal.ACCOUNT_FULL, "concurrent call limit", reusable=False)
REJECTED = NotPlaced(Refusal.REJECTED, "metadata is too long", reusable=False)
ABSENT = NotPlaced(Refusal.ABSENT, "looked up and not there", reusable=True)


class Wall:
    """A wall clock that is moved by hand."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def goes_on(self, **after: float) -> None:
        self.now += timedelta(**after)


# --- lists -------------------------------------------------------------------------------------------


def e164(number: int) -> str:
    return f"+1415555{number:04d}"


def row(person: str, *numbers: int, line: int = 0, **columns: str) -> Row:
    """A row about a person; `line` 0 stands for its place in the list."""
    known = tuple(Number(e164(number), "US", "mobile") for number in numbers)
    data = {"phone": known[0].e164, "name": person, **columns}
    return Row(person, known, json.dumps(data), "people.csv", line)


def reject(line: int, reason: RejectReason = RejectReason.INVALID_NUMBER, column: str = "phone") -> Reject:
    return Reject("people.csv", line, column, "12", reason, "it is no number")


def placed_in_list(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(one if one.line else replace(one, line=place) for place, one in enumerate(rows, 2))


def fingerprint(rows: Sequence[Row], rejects: Sequence[Reject] = ()) -> str:
    return hashlib.sha256(repr((rows, rejects)).encode()).hexdigest()


# --- dials and calls ---------------------------------------------------------------------------------


def campaign_called(name: str, ledger: Path, url: str | None = None, key: str = "k", **rules: Any) -> Campaign:
    contacts = ListRules(**({"files": (PEOPLE,), "id": "name", "country": "US"} | rules))
    platform = PlatformRules(url, Secret(key))
    call = CallRules(("+14155550100",))
    path = ledger.with_name(f"{name}.yaml")
    return Campaign(name, path, contacts, call, platform, PaceRules(), RETRY, RecoveryRules(), ledger)


def intent_for(candidate: Candidate, now: datetime, number: str | None = None) -> Intent:
    serial = candidate.serial if candidate.reuse is not None else candidate.serial + 1
    call_id = f"{candidate.campaign_id}:{candidate.person}:{serial}"
    request = DialRequest(call_id, "+14155550100", number or candidate.numbers[0], None, {}, {})
    return Intent(request, serial, "hash", now, now + timedelta(seconds=30))


def call(finish_reason: str | None = None, status: str = "ongoing", platform_id: str | None = None) -> CallRecord:
    status = "ended" if finish_reason is not None else status
    duration = 60 if finish_reason in ("user_ended_call", "agent_ended_call") else None
    record = {"call_finish_reason": finish_reason, "ai_agent_id": "agent", "recorded_call_audio_url": "https://x/1.mp3"}
    return CallRecord(platform_id, None, "", "", status, finish_reason, None, None, duration, False, record)


def deciding(outcome: Outcome, now: datetime) -> Decide:
    return lambda history: lifecycle.settle(history, outcome, RETRY, now, 0.0)


# --- the ledger --------------------------------------------------------------------------------------


@cache
def _founded() -> tuple[bytes, bytes]:
    """A new ledger and its secret, as bytes: bringing the schema up takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dialer.db"
        connection = opening.open_for_writing(path, text(NOW), "OFF")
        opening.secret_of(path, connection)
        connection.execute("UPDATE ledger SET device = -1, inode = -1")  # its copies are no copies of anybody's
        connection.close()
        return path.read_bytes(), beside(path, "secret").read_bytes()


def founded(path: Path) -> Path:
    """A new ledger at that path, closed."""
    database, secret = _founded()
    path.write_bytes(database)
    beside(path, "secret").write_bytes(secret)
    return path


def rows_of(path: Path, sql: str, *given: Any) -> list[dict[str, Any]]:
    """What a connection beside the writer's reads."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [dict(found) for found in db.execute(sql, given)]


def forge(path: Path, sql: str, *given: Any) -> None:
    """Change a ledger past its verbs."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(sql, given)


def dump(path: Path, without: Sequence[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        kept = [name for name in names if name not in without]
        return {name: db.execute(f'SELECT * FROM "{name}"').fetchall() for name in kept}  # noqa: S608 - our own tables


class Desk:
    """An open ledger with one campaign and one run, and short words for what is done with it."""

    def __init__(self, ledger: Ledger, wall: Wall, campaign: int) -> None:
        self.ledger = ledger
        self.wall = wall
        self.campaign = campaign
        self.path = ledger.path

    # --- looking ---

    def rows(self, sql: str, *given: Any) -> list[dict[str, Any]]:
        return rows_of(self.path, sql, *given)

    def contact(self, person: str, campaign: int | None = None) -> dict[str, Any]:
        sql = "SELECT * FROM contacts WHERE campaign_id = ? AND person = ?"
        return self.rows(sql, campaign or self.campaign, person)[0]

    def states(self) -> dict[str, str]:
        rows = self.rows("SELECT person, state FROM contacts WHERE campaign_id = ? ORDER BY id", self.campaign)
        return {found["person"]: found["state"] for found in rows}

    def attempt(self, attempt: int) -> dict[str, Any]:
        return self.rows("SELECT * FROM attempts WHERE id = ?", attempt)[0]

    def events(self, person: str) -> list[tuple[str, str | None, str | None]]:
        sql = "SELECT event, from_state, to_state FROM events WHERE contact_id = ? ORDER BY id"
        found = self.rows(sql, self.contact(person)["id"])
        return [(event["event"], event["from_state"], event["to_state"]) for event in found]

    # --- taking lists in ---

    async def take(
        self,
        *rows: Row,
        rejects: Sequence[Reject] = (),
        rules: ListRules = BY_NAME,
        yes: bool = False,
        campaign: int | None = None,
        columns: Sequence[str] = ("phone", "name"),
    ) -> Imported:
        """Take a whole list in, as a run does."""
        into = campaign or self.campaign
        listed = placed_in_list(rows)
        mark = fingerprint(listed, rejects)
        import_id = await self.ledger.begin_import(into, mark, ["people.csv"], columns)
        try:
            await self.ledger.stage(into, import_id, Chunk(listed, tuple(rejects)))
            return await self.ledger.apply(into, import_id, rules, yes)
        except ListError:
            await self.ledger.drop_import(into)
            raise

    # --- dialling ---

    async def due(self) -> list[str]:
        return [candidate.person for candidate in await self.ledger.due(self.campaign, 1000)]

    async def candidate(self, person: str, campaign: int | None = None) -> Candidate:
        (found,) = await self.ledger.due(campaign or self.campaign, 10, person)
        return found

    async def intend(self, candidate: Candidate, number: str | None = None) -> int | Passed:
        return await self.ledger.intend(candidate, intent_for(candidate, self.wall(), number))

    async def dial(self, person: str) -> int:
        """Commit an intent for somebody who is due; gives the attempt."""
        attempt = await self.intend(await self.candidate(person))
        assert isinstance(attempt, int)
        return attempt

    async def end(self, attempt: int, reason: str) -> Decision:
        record = call(reason)
        ending = Ending(reason, "ended", record.duration_seconds, record.has_messages)
        return await self.ledger.settle(attempt, record, deciding(ending, self.wall()))

    async def refuse(self, attempt: int, why: NotPlaced) -> Decision:
        return await self.ledger.refuse(attempt, why, deciding(why, self.wall()))

    async def hold(self, attempt: int) -> None:
        await self.ledger.hold(attempt, self.wall() + timedelta(seconds=120), "the answer was lost")

    async def bring(self, person: str, state: str) -> int:
        """Bring somebody who is due into a state, by the verbs alone; gives the attempt (0: none)."""
        if state == "due":
            return 0
        attempt = await self.dial(person)
        await _ON_THE_WAY[state](self, attempt)
        assert self.contact(person)["state"] == state
        return attempt


_ON_THE_WAY: dict[str, Callable[[Desk, int], Any]] = {
    "dialing": lambda desk, attempt: desk.ledger.place(attempt, call()),
    "waiting": lambda desk, attempt: desk.end(attempt, "no_answer"),
    "done": lambda desk, attempt: desk.end(attempt, "user_ended_call"),
    "exhausted": lambda desk, attempt: desk.end(attempt, "no_audio_input"),
    "excluded": lambda desk, attempt: desk.refuse(attempt, REJECTED),
    "unknown": lambda desk, attempt: desk.hold(attempt),
}


@contextlib.asynccontextmanager
async def desk(folder: Path, *people: Row, rules: ListRules = BY_NAME, name: str = "dialer.db") -> AsyncIterator[Desk]:
    """A new ledger in that folder, with a campaign `reminders`, a run, and these people due."""
    path = founded(folder / name)
    wall = Wall()
    ledger = Ledger.open(path, "run", wall, executor=InlineExecutor(), synchronous="OFF")
    try:
        await ledger.start_run("run", ["reminders"])
        bound = await ledger.bind(campaign_called("reminders", path))
        made = Desk(ledger, wall, bound.id)
        if people:
            await made.take(*people, rules=rules)
        yield made
    finally:
        await ledger.close()
