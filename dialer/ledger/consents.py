"""Consent that one row of a list gives and another of the same person, or number, does not: then there is none.

The other row becomes a reject, as a double, but what it says is not lost with it: in doubt nobody is dialled.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from dialer.ledger.audiences import audience_id, audience_of
from dialer.ledger.queries import load

SQL = load("consents.sql")


def hear_same_people(db: sqlite3.Connection) -> None:
    """What the doubles by person say counts for the rows that are taken."""
    _hear(db, "refused_by_person")


def hear_same_numbers(db: sqlite3.Connection) -> None:
    """What the doubles by number say counts for every row that keeps a number of theirs."""
    _hear(db, "refused_by_number")


def _hear(db: sqlite3.Connection, query: str) -> None:
    for row in db.execute(SQL[query]).fetchall():
        audience = audience_id(db, replace(audience_of(row["facts"]), consents=False))
        given = {"row": row["row"], "file": row["file"], "region": row["region"], "kind": row["kind"]}
        db.execute(SQL["origin_without"], {**given, "audience": audience})
        db.execute(SQL["take_back"], {**given, "audience": audience})
