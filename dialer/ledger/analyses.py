"""What the platform found in calls afterwards, kept once for each call; and people who asked to be called again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dialer.ledger import optouts
from dialer.ledger.events import RunMark, add_event, check_fence
from dialer.ledger.moments import instant, text
from dialer.ledger.optouts import Reached, Word
from dialer.ledger.queries import load
from dialer.model import JSON, ContactState

SQL = load("analyses.sql")


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """A call that is over and whose analysis is not here; `agent` is who spoke in it, by the platform's record."""

    attempt: int
    contact: int
    call_id: str
    platform_id: str | None
    agent: str | None
    finish_reason: str | None
    has_messages: bool
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """What follows from what was found: they want no more calls (`word`), or one at a moment (`back`), within so many
    attempts (`most`); or they asked for a time that cannot be understood, and why (`unclear`)."""

    word: Word | None = None
    back: datetime | None = None
    most: int = 0
    unclear: str = ""


@dataclass(frozen=True, slots=True)
class Heeded:
    """What came of it: whom an opt-out stopped, and whether somebody is to be called again."""

    reached: tuple[Reached, ...] = ()
    is_due: bool = False


def unanalysed(
    db: sqlite3.Connection, campaign: int, since: datetime, limit: int, before: int | None = None
) -> list[EndedAttempt]:
    """Calls that have ended since then, and whose analysis is not here, the newest first; `before`: of attempts older
    than that one."""
    given = {"campaign": campaign, "since": text(since), "limit": limit, "before": before}
    return [_ended(row) for row in db.execute(SQL["unanalysed"], given)]


def ended_call(db: sqlite3.Connection, campaign: int, call: str) -> EndedAttempt | None:
    """A call by its id, ours or the platform's, if it has ended and its analysis is not here."""
    row = db.execute(SQL["ended_call"], {"campaign": campaign, "call": call}).fetchone()
    return None if row is None else _ended(row)


def keep(
    db: sqlite3.Connection,
    secret: bytes,
    ended: EndedAttempt,
    items: Mapping[str, JSON],
    heard: Heard,
    at: datetime,
    mark: RunMark,
) -> Heeded | None:
    """Keep what was found in a call, and heed it; None if it is there already.

    That is one transaction: what is kept is not asked for again, and an opt-out that did not stand beside it would be
    lost for good.
    """
    check_fence(db, mark)
    given = {"attempt": ended.attempt, "at": text(at), "items": json.dumps(items, ensure_ascii=False)}
    if db.execute(SQL["keep_analysis"], given).rowcount != 1:
        return None
    db.execute(SQL["contact_analysed"], {"contact": ended.contact, "at": text(at)})
    add_event(db, at, "analysed", run=mark.run_id, contact=ended.contact, attempt=ended.attempt)
    if heard.word is not None:
        return Heeded(optouts.add_of_call(db, secret, ended.attempt, heard.word, at, mark))
    if heard.back is not None:
        return Heeded(is_due=_call_back(db, ended, heard.back, heard.most, at, mark))
    if heard.unclear:
        _tell(db, ended, heard.unclear, at, mark)
    return Heeded()


def zones_of(db: sqlite3.Connection, contact: int) -> tuple[str, ...]:
    """All zones in which somebody may be."""
    return tuple(json.loads(db.execute(SQL["who_talked"], {"contact": contact}).fetchone()["zones"]))


def _call_back(
    db: sqlite3.Connection, ended: EndedAttempt, due_at: datetime, most: int, at: datetime, mark: RunMark
) -> bool:
    """Somebody asked to be called again at that moment: they are due then, if they may be called again at all.

    That is so after their last call alone, where they have had fewer than `most` attempts, do not expire before, and
    nobody has stopped them. Whatever comes of it stands among the events.
    """
    row = db.execute(SQL["who_talked"], {"contact": ended.contact}).fetchone()
    given = {"contact": ended.contact, "attempt": ended.attempt, "due_at": text(due_at), "most": most, "at": text(at)}
    is_done = db.execute(SQL["called_back"], given).rowcount == 1
    moved = ContactState.DONE, ContactState.DUE
    is_moved = is_done and row["state"] == ContactState.DONE
    told = f"asked for: {text(due_at)}"
    words = told if is_done else f"{told}; not done: {_why_not(row, most)}"
    _tell(db, ended, words, at, mark, moved if is_moved else (None, None))
    return is_done


def _tell(
    db: sqlite3.Connection,
    ended: EndedAttempt,
    detail: str,
    at: datetime,
    mark: RunMark,
    moved: tuple[str | None, str | None] = (None, None),
) -> None:
    of_call = {"contact": ended.contact, "attempt": ended.attempt}
    add_event(db, at, "callback", run=mark.run_id, moved=moved, detail=detail, **of_call)


def _why_not(row: sqlite3.Row, most: int) -> str:
    if row["stop"]:
        return str(row["stop"])
    if row["state"] not in (ContactState.DONE, ContactState.WAITING):
        return f"the contact is {row['state']}"
    if row["attempts"] >= most:
        return "the attempts are used up"
    return "they were called since, expire before, or the campaign is cancelled"


def _ended(row: sqlite3.Row) -> EndedAttempt:
    return EndedAttempt(
        attempt=row["attempt"],
        contact=row["contact"],
        call_id=row["call_id"],
        platform_id=row["platform_id"],
        agent=row["agent"],
        finish_reason=row["finish_reason"],
        has_messages=bool(row["has_messages"]),
        closed_at=instant(row["closed_at"]),
    )
