"""Calls of which this ledger does not know: why there may be some, whose they are, and how they become attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dialer.ledger.due import candidates_of
from dialer.ledger.events import RunMark, add_event, check_fence
from dialer.ledger.identity import SQL
from dialer.ledger.intending import Passed
from dialer.ledger.moments import instant, text
from dialer.ledger.moves import moved
from dialer.model import CallRecord, Candidate, ContactState


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why calls may have been made that the ledger does not know; `known_until` is its last moment, None for a new one;
    `other_keys` are those under which the campaign was run besides the one of now;
    `has_attempts`: it knows calls by which a list can be recognised. `key_mark`: of the API key under which the
    campaign was dialled last, '' if that is not known."""

    why: str
    known_until: datetime | None
    has_attempts: bool
    key_mark: str = ""
    other_keys: frozenset[str] = frozenset()


def doubt_of(db: sqlite3.Connection, campaign: int) -> Doubt | None:
    """The doubt that is open for this campaign."""
    row = db.execute(SQL["doubt_of"], {"campaign": campaign}).fetchone()
    if row is None:
        return None
    known_until = instant(row["known_until"]) if row["known_until"] else None
    return Doubt(row["doubt"], known_until, bool(row["has_attempts"]), row["key_mark"])


def doubted_others(db: sqlite3.Connection, campaign: int) -> list[str]:
    """The names of the other campaigns over which a doubt is open."""
    return [str(row["name"]) for row in db.execute(SQL["doubted_others"], {"campaign": campaign})]


def last_moment(db: sqlite3.Connection, run: int) -> datetime | None:
    """The last moment that the ledger knows of other runs than this."""
    row = db.execute(SQL["last_moment"], {"run": run}).fetchone()
    return None if row is None else instant(row["at"])


def doubted(db: sqlite3.Connection, why: str, now: datetime, mark: RunMark) -> None:
    """There are calls of which the ledger does not know; no campaign is certain of its own any more."""
    db.execute(SQL["shown_strange"], {"doubt": why, "at": text(now), "run": mark.run_id})
    db.execute(SQL["ask_anew"])


def prove(db: sqlite3.Connection, campaign: int, how: str, now: datetime, mark: RunMark) -> None:
    """The platform was asked, and what it told of is written down."""
    db.execute(SQL["proven"], {"campaign": campaign, "at": text(now)})
    add_event(db, now, "proven", run=mark.run_id, detail=how)


def people_with(db: sqlite3.Connection, campaign: int, numbers: Iterable[str]) -> list[Candidate]:
    """The campaign's contacts, in whatever state, that have one of these numbers; each once."""
    rows = {
        row["id"]: row
        for number in numbers
        for row in db.execute(SQL["contacts_with_number"], {"campaign": campaign, "number": number})
    }
    return candidates_of(db, list(rows.values()))


def dialable(db: sqlite3.Connection, campaign: int, after: int, limit: int) -> list[Candidate]:
    """Contacts that are due or waiting, or whose last call is open, by their ids, from one on."""
    rows = db.execute(SQL["dialable"], {"campaign": campaign, "after": after, "limit": limit})
    return candidates_of(db, rows.fetchall())


def last_calls(db: sqlite3.Connection, key_mark: str, limit: int) -> list[str]:
    """Ids, ours and the platform's, of the last calls that ended and were dialled under this key ('': any)."""
    rows = db.execute(SQL["last_calls"], {"key_mark": key_mark, "limit": limit}).fetchall()
    return [name for row in rows for name in (row["call_id"], row["platform_id"]) if name]


def dialled_under(db: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """The marks of the keys under which the calls of these ids were dialled ('': not noted); strange ones have none."""
    rows = (db.execute(SQL["dialled_under"], {"id": one}).fetchone() for one in ids)
    return {str(row[0]) for row in rows if row is not None}


def strange(db: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    """Those of the ids, ours or the platform's, that belong to no attempt, or to one that is said to be refused."""
    return {one for one in ids if not db.execute(SQL["has_call"], {"id": one}).fetchone()[0]}


def adopt(
    db: sqlite3.Connection,
    candidate: Candidate,
    serial: int,
    call_id: str,
    number: str,
    record: CallRecord,
    now: datetime,
    mark: RunMark,
) -> int | Passed:
    """Make an attempt of a call that the ledger did not know; it is intended, and what is known of the call follows.

    Raises:
        LedgerHeld: another run has raised the fence.
    """
    check_fence(db, mark)
    refused = db.execute(SQL["refused_attempt"], {"contact": candidate.contact_id, "serial": serial}).fetchone()
    if serial < candidate.serial or (serial == candidate.serial and refused is None):
        return Passed.CHANGED  # what the ledger says of that dial stands
    if not strange(db, [record.platform_id or call_id]):
        return Passed.CHANGED  # it has been found meanwhile, as the call of a dial that was open
    contact = {"contact": candidate.contact_id, "serial": serial, "at": text(now)}
    if db.execute(SQL["state_of"], contact).fetchone()[0] in (ContactState.DIALING, ContactState.UNKNOWN):
        return Passed.OPEN
    if db.execute(SQL["wake_one"], contact).rowcount:
        add_event(db, now, "woken", run=mark.run_id, contact=candidate.contact_id, moved=("waiting", "due"))
    if db.execute(SQL["contact_is_adopted"], contact).rowcount != 1:
        return Passed.CHANGED
    given = contact | _call_row(db, candidate, call_id, number, record, now, mark)
    try:
        attempt = _written(db, given, None if refused is None else refused["id"])
    except sqlite3.IntegrityError as error:
        if "attempts.number" not in str(error):
            raise
        db.execute("ROLLBACK TO one")  # the writer's savepoint: the contact stays as it was
        return Passed.NUMBER_LIVE
    add_event(
        db,
        now,
        "adopted_earlier",
        run=mark.run_id,
        contact=candidate.contact_id,
        attempt=attempt,
        moved=("due", "dialing"),
        detail=f"serial {serial}",
    )
    return attempt


def _call_row(
    db: sqlite3.Connection,
    candidate: Candidate,
    call_id: str,
    number: str,
    record: CallRecord,
    now: datetime,
    mark: RunMark,
) -> dict[str, Any]:
    return {
        "campaign": candidate.campaign_id,
        "run": mark.run_id,
        "call_id": call_id,
        "number": number,
        "from_number": record.from_number,
        "intended_at": text(min(record.started_at or now, now)),
        "key_mark": db.execute(SQL["key_mark_of"], {"campaign": candidate.campaign_id}).fetchone()[0],
    }


def _written(db: sqlite3.Connection, given: Mapping[str, Any], refused: int | None) -> int:
    if refused is None:
        return int(db.execute(SQL["adopted_attempt"], given).lastrowid or 0)
    moved(db.execute(SQL["adopted_again"], {**given, "attempt": refused}), "refused → intended")
    return refused
