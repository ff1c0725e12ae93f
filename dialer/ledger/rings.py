"""When somebody was rung before, over all campaigns of the ledger: what caps are counted on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from dialer.ledger.moments import instant, text
from dialer.ledger.queries import load
from dialer.model import Ring, Verdict
from dialer.policy.marks import debt_key, number_key, person_key
from dialer.policy.outcome import verdict

SQL = load("rings.sql")

KEPT = timedelta(days=90)
"""So far back rings are counted: no cap of a pack or a campaign counts further."""


@dataclass(frozen=True, slots=True)
class Told:
    """A ring that is known from elsewhere: a number (E.164), an id or both, '' where there is none."""

    number: str
    person: str
    debt: str
    at: datetime
    talked: bool


def past(db: sqlite3.Connection, secret: bytes, numbers: Sequence[str], person: str, now: datetime) -> tuple[Ring, ...]:
    """The rings of the last 90 days to any of these numbers (E.164), or about this id, oldest first.

    Every dial counts that rang or may have: not one that was refused, or for which the account was full. `Ring.debt` is
    what `debt_mark` makes of a debt, since of rings from elsewhere no more is known.
    """
    since = text(now - KEPT)
    asked = (*numbers, since, person, since)
    rows = db.execute(_for_numbers(len(numbers)), asked).fetchall()
    found = [
        Ring(_when(begun, started), debt_mark(secret, debt), verdict(reason) is Verdict.REACHED)
        for _, begun, started, debt, reason in rows
    ]
    keys = [*(number_key(secret, number) for number in numbers), person_key(secret, person)]
    for at, debt, talked in db.execute(_for_keys(len(keys)), (*keys, since)):
        found.append(Ring(instant(at), debt.hex(), bool(talked)))
    return tuple(sorted(found, key=lambda ring: ring.at)) if len(found) > 1 else tuple(found)


def debt_mark(secret: bytes, debt: str) -> str:
    """A debt as rings name it, which tells nothing of it; '' for none."""
    return debt_key(secret, debt).hex()


def keep(db: sqlite3.Connection, secret: bytes, rings: Iterable[Told]) -> int:
    """Remember rings from elsewhere; gives how many of them tell something new. Told again they change nothing."""
    return sum(_keep(db, secret, ring) for ring in rings)


def _keep(db: sqlite3.Connection, secret: bytes, ring: Told) -> bool:
    rest = (text(ring.at), debt_key(secret, ring.debt), int(ring.talked))
    keys = [number_key(secret, ring.number)] if ring.number else []
    keys += [person_key(secret, ring.person)] if ring.person else []
    return sum(db.execute(SQL["keep_ring"], (key, *rest)).rowcount for key in keys) > 0


def _when(begun: str, started: str | None) -> datetime:
    """When it rang: not before it was dialled, whatever the platform's clock says."""
    return instant(begun if started is None or started < begun else started)


@cache
def _for_numbers(count: int) -> str:
    # Names and marks do not mix: each place is a mark, in the order of the query.
    query = SQL["rings_of"].replace(":numbers", ", ".join("?" * count))
    return query.replace(":since", "?").replace(":person", "?")


@cache
def _for_keys(count: int) -> str:
    return SQL["told_of"].replace(":keys", ", ".join("?" * count)).replace(":since", "?")
