"""Whom a campaign has, counted in groups for a forecast; and who must not be rung, for a list that is not taken in yet.

All of it is read from one state of the ledger, and nothing is written.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from dialer.ledger import audiences, due, opening, readonly
from dialer.ledger.events import SQL as DUE
from dialer.ledger.moments import instant_or_none, text
from dialer.ledger.queries import load
from dialer.model.planning import Counted, Crowd, Ended, Excluded
from dialer.policy.marks import number_key, person_key

SQL = load("planning.sql")

_SOME, _SHOWN = 3, 12
_FINISHED = ("done", "exhausted")


def counted(ledger: Path, campaign: str, now: datetime) -> Counted | None:
    """Whom the ledger has in this campaign; None where it has taken no list of it in.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    with contextlib.closing(readonly.connect(ledger)) as db, readonly.explaining(ledger):
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")  # one state, whatever is written meanwhile
        row = db.execute("SELECT id, lines FROM campaigns WHERE name = ?", (campaign,)).fetchone()
        if row is None or not db.execute(SQL["is_taken_in"], {"campaign": row["id"]}).fetchone()[0]:
            return None
        return _counted(db, row["id"], row["lines"], now)


def _counted(db: sqlite3.Connection, campaign: int, lines: float | None, now: datetime) -> Counted:
    given = {"campaign": campaign, "now": text(now)}
    states: dict[str, int] = dict(map(tuple, db.execute(DUE["counts"], given)))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = db.execute(audiences.SQL["calls_since"], {**given, "since": text(midnight)}).fetchone()[0]
    paused = due.pause_of(db, campaign, now)
    crowds = tuple(_crowd(row) for row in db.execute(SQL["crowds"], given))
    return Counted(
        crowds=crowds,
        audiences=audiences.audiences_of(db, campaign),
        excluded=tuple(_excluded(db, campaign)),
        rejects=tuple(
            Excluded(row["why"], row["people"], (row["example"],)) for row in db.execute(SQL["rejects"], given)
        ),
        finished=sum(states.get(state, 0) for state in _FINISHED),
        live=states.get("dialing", 0),
        unknown=states.get("unknown", 0),
        ended=tuple(Ended(**dict(row)) for row in db.execute(SQL["ended"], given)),
        made_today=int(today),
        lines=lines,
        paused="" if paused is None else paused.words,
        examples={audience: _some_of(db, campaign, audience) for audience in {crowd.kind for crowd in crowds}},
    )


def _crowd(row: sqlite3.Row) -> Crowd:
    return Crowd(
        kind=row["audience"],
        people=row["people"],
        priority=row["priority"],
        again=bool(row["again"]),
        due_at=_seconds(row["due_at"]),
        expires_at=_seconds(row["expires_at"]),
        past=(row["attempts"], tuple(sorted(json.loads(row["tally"]).items()))),
    )


def _seconds(written: str | None) -> float | None:
    moment = instant_or_none(written)
    return None if moment is None else moment.timestamp()


def _excluded(db: sqlite3.Connection, campaign: int) -> Iterator[Excluded]:
    for place, row in enumerate(db.execute(SQL["excluded"], {"campaign": campaign}).fetchall()):
        # The platform's own words may be thousands of reasons, and each is looked for in the whole list.
        given = {"campaign": campaign, "why": row["why"], "some": _SOME if place < _SHOWN else 0}
        some = tuple(found["number"] for found in db.execute(SQL["some_excluded"], given))
        yield Excluded(row["why"], row["people"], some)


def _some_of(db: sqlite3.Connection, campaign: int, audience: int) -> tuple[str, ...]:
    given = {"campaign": campaign, "audience": audience, "some": _SOME}
    return tuple(row["number"] for row in db.execute(SQL["some_of"], given))


def opted_out(ledger: Path) -> Callable[[tuple[str, ...], str], bool]:
    """Whether somebody with these numbers (E.164) and this id is on the ledger's do-not-call list; nobody is without a
    ledger.

    Raises:
        LedgerError: the ledger cannot be read, or its secret is missing.
    """
    secret = opening.known_secret(ledger) if ledger.exists() else None
    if secret is None:
        return lambda numbers, person: False
    with contextlib.closing(readonly.connect(ledger)) as db, readonly.explaining(ledger):
        keys = {bytes(row[0]) for row in db.execute(SQL["opt_outs"])}
    if not keys:
        return lambda numbers, person: False

    def is_on_it(numbers: tuple[str, ...], person: str) -> bool:
        return person_key(secret, person) in keys or any(number_key(secret, number) in keys for number in numbers)

    return is_on_it
