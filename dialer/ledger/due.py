"""Who is due: contacts that may be dialled now, and when the next will be."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from dialer.ledger.events import SQL, RunMark, add_event
from dialer.ledger.moments import instant, instant_or_none, text
from dialer.model import Candidate, ContactState, Halt, History


def due(
    db: sqlite3.Connection, campaign: int, now: datetime, limit: int, only: str | None, mark: RunMark
) -> list[Candidate]:
    """Contacts that may be dialled now, most urgent first: retries whose time has come, then the list's order."""
    at = {"campaign": campaign, "now": text(now), "limit": limit, "run": mark.run_id}
    db.execute(SQL["tell_expired"], at)
    db.execute(SQL["expire"], at)
    for row in db.execute(SQL["wake"], {**at, "person": only}).fetchall():
        add_event(db, now, "woken", run=mark.run_id, contact=row["id"], moved=("waiting", "due"))
    if only is not None:
        rows = db.execute(SQL["one_due"], {**at, "person": only}).fetchall()
    else:
        rows = db.execute(SQL["due_again"], at).fetchall()
        rows += db.execute(SQL["due_fresh"], {**at, "limit": limit - len(rows)}).fetchall()
    return [candidate_of(db, row) for row in rows]


def next_due(db: sqlite3.Connection, campaign: int, now: datetime, only: str | None) -> datetime | None:
    """When the next contact is due that is not due now."""
    query = "next_due" if only is None else "next_due_of_one"
    given = {"campaign": campaign, "now": text(now), "person": only}
    return instant_or_none(db.execute(SQL[query], given).fetchone()[0])


def candidate_of(db: sqlite3.Connection, row: sqlite3.Row) -> Candidate:
    """A contact's row as one who may be dialled."""
    numbers = tuple(found[0] for found in db.execute(SQL["numbers_of"], {"contact": row["id"]}))
    reuse = None
    if row["serial"]:
        found = db.execute(SQL["reusable_attempt"], {"contact": row["id"], "serial": row["serial"]}).fetchone()
        reuse = found[0] if found else None
    return Candidate(
        contact_id=row["id"],
        campaign_id=row["campaign_id"],
        person=row["person"],
        state=ContactState(row["state"]),
        serial=row["serial"],
        numbers=numbers,
        data=row["data"],
        history=history_of(row),
        due_at=instant_or_none(row["due_at"]),
        reuse=reuse,
    )


def history_of(row: sqlite3.Row) -> History:
    """What a contact's row tells of its earlier attempts."""
    return History(
        attempts=row["attempts"],
        refusals=row["refusals"],
        tally=json.loads(row["tally"]),
        expires_at=instant_or_none(row["expires_at"]),
        halt=Halt(row["stop"]) if row["stop"] else None,
    )


@dataclass(frozen=True, slots=True)
class Paused:
    """That a campaign is paused or cancelled, by whom and why; `by_rule`: by a threshold of `stop_when`."""

    words: str
    why: str
    by_rule: bool


STOP_WHEN = "stop_when"
"""As who pauses a campaign where a threshold of `stop_when` is broken."""


def pause_of(db: sqlite3.Connection, campaign: int, now: datetime) -> Paused | None:
    """The pause or the cancellation that holds, if there is one."""
    paused, until, why, who = db.execute(SQL["pause_of"], {"campaign": campaign}).fetchone()
    if paused is None or (until is not None and instant(until) <= now):
        return None
    return Paused(f"{paused}: {why}" if why else str(paused), why or "", by_rule=who == STOP_WHEN)
