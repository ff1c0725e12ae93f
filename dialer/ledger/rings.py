"""When somebody was rung before, over all campaigns of the ledger: what caps are counted on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from dialer.ledger.moments import instant, text
from dialer.ledger.queries import load
from dialer.model import Ring
from dialer.policy.marks import debt_key, number_key, person_key
from dialer.policy.outcome import may_have_talked

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
    found = [*_dialled(db, secret, numbers, person, since), *_told(db, secret, numbers, person, since)]
    return tuple(sorted(found, key=lambda ring: ring.at))


def _dialled(db: sqlite3.Connection, secret: bytes, numbers: Sequence[str], person: str, since: str) -> Iterator[Ring]:
    """Those of this ledger's attempts, each once."""
    asked = [one for name in (*numbers, person) for one in (name, since)]
    for row in {row[0]: row for row in db.execute(_dials(len(numbers)), asked)}.values():
        _, begun, started, debt, *told = row
        yield Ring(_when(begun, started), debt_mark(secret, debt), talked(*told))


def talked(reason: str | None, is_marked: int | None, spoke: int, untimed: int) -> bool:
    """Whether a ring may have been a conversation, by what the queries here tell of its attempt."""
    return bool(is_marked) or may_have_talked(reason, spoke=bool(spoke), untimed=bool(untimed))


def _told(db: sqlite3.Connection, secret: bytes, numbers: Sequence[str], person: str, since: str) -> Iterator[Ring]:
    """Those from elsewhere; one that was told with number and id stands under both keys, and is one all the same."""
    keys = [*(number_key(secret, number) for number in numbers), person_key(secret, person)]
    asked = [one for key in keys for one in (key, since)]
    found: dict[tuple[str, bytes], int] = {}
    for at, debt, talked in db.execute(_tellings(len(keys)), asked):
        found[at, debt] = max(talked, found.get((at, debt), 0))
    for (at, debt), talked in found.items():
        yield Ring(instant(at), debt.hex(), bool(talked))


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


_TOGETHER = "\nUNION ALL\n"  # of plain questions, which is twice as quick as IN


@cache
def _dials(numbers: int) -> str:
    return _TOGETHER.join([SQL["rings_to"]] * numbers + [SQL["rings_about"]])


@cache
def _tellings(keys: int) -> str:
    return _TOGETHER.join([SQL["told_of"]] * keys)
