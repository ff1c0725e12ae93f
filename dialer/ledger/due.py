"""Who is due: contacts that may be dialled now, and when the next will be."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dialer.ledger import optouts
from dialer.ledger.choosing import chosen
from dialer.ledger.events import SQL, RunMark, add_event
from dialer.ledger.moments import instant, instant_or_none, text
from dialer.model import Candidate, ContactState, Halt, History
from dialer.model.turns import AT_ANY_TIME, Turns


def due(
    db: sqlite3.Connection,
    campaign: int,
    now: datetime,
    limit: int,
    only: str | None,
    mark: RunMark,
    rules: Turns = AT_ANY_TIME,
    registers: Sequence[int] = (),
) -> list[Candidate]:
    """Contacts that may be dialled now, most urgent first, of those audiences that may be called at this moment."""
    at = {"campaign": campaign, "now": text(now), "limit": limit, "run": mark.run_id, "person": only}
    db.execute(SQL["tell_expired"], at)
    db.execute(SQL["expire"], at)
    opened = rules.open_now(_audiences(db, campaign), now)
    for audience in opened:
        for row in db.execute(SQL["wake"], {**at, "audience": audience}).fetchall():
            add_event(db, now, "woken", run=mark.run_id, contact=row["id"], moved=("waiting", "due"))
    if only is None:
        found = chosen(db, at, opened, limit, rules.order)
    else:
        found = [row for row in db.execute(SQL["one_due"], at).fetchall() if row["audience"] in opened]
    return candidates_of(db, found, registers)


def next_due(
    db: sqlite3.Connection, campaign: int, now: datetime, only: str | None, rules: Turns = AT_ANY_TIME
) -> datetime | None:
    """When the next contact is due that is not due now, or may be called then."""
    if only is not None:
        given = {"campaign": campaign, "person": only}
        rows = db.execute(SQL["when_due_of_one"], given).fetchall()
        return _earliest(_next_of(rules, row["audience"], instant_or_none(row["due_at"]), now) for row in rows)
    return _earliest(_next_in(db, campaign, audience, now, rules) for audience in _audiences(db, campaign))


def _next_in(db: sqlite3.Connection, campaign: int, audience: int, now: datetime, rules: Turns) -> datetime | None:
    given = {"campaign": campaign, "audience": audience, "now": text(now)}
    due_at = instant_or_none(db.execute(SQL["next_due"], given).fetchone()[0])
    later = None if due_at is None else _next_of(rules, audience, due_at, now)
    opens = rules.opens_at(audience, now)
    if opens is None or opens <= now or not db.execute(SQL["is_due_now"], given).fetchone()[0]:
        return later if opens is not None else None
    return opens if later is None else min(opens, later)


def _next_of(rules: Turns, audience: int, due_at: datetime | None, now: datetime) -> datetime | None:
    """When somebody who is due then is called; None if that is now, or never."""
    moment = rules.opens_at(audience, max(due_at or now, now))
    return moment if moment is not None and moment > now else None


def _earliest(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _audiences(db: sqlite3.Connection, campaign: int) -> list[int]:
    return [row[0] for row in db.execute(SQL["audience_ids"], {"campaign": campaign})]


def candidates_of(
    db: sqlite3.Connection, rows: Sequence[sqlite3.Row], registers: Sequence[int] = ()
) -> list[Candidate]:
    """Contacts' rows as those who may be dialled, on those of their numbers that are in none of the registers; where
    all are, with all of them, for the intent to see."""
    numbers: dict[int, list[str]] = {row["id"]: [] for row in rows}
    for contact, number in db.execute(SQL["numbers_of_all"], {"contacts": json.dumps(list(numbers))}):
        numbers[contact].append(number)
    return [_candidate(db, row, tuple(numbers[row["id"]]), registers) for row in rows]


def _candidate(
    db: sqlite3.Connection, row: sqlite3.Row, numbers: tuple[str, ...], registers: Sequence[int]
) -> Candidate:
    if registers and (bar := optouts.barred(db, b"", numbers, "", registers)) is not None:
        numbers = bar.left or numbers
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
        audience=row["audience"],
        priority=row["priority"],
    )


def tally_of(row: sqlite3.Row) -> dict[str, int]:
    """How often a contact's calls have ended for which reason."""
    tally: dict[str, int] = {} if row["tally"] == "{}" else json.loads(row["tally"])
    return tally


def history_of(row: sqlite3.Row) -> History:
    """What a contact's row tells of its earlier attempts."""
    return History(
        attempts=row["attempts"],
        refusals=row["refusals"],
        tally=tally_of(row),
        expires_at=instant_or_none(row["expires_at"]),
        halt=Halt(row["stop"]) if row["stop"] else None,
        extra_attempts=row["extra_attempts"],
        audience=row["audience"],
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
