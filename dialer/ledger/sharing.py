"""With which other campaigns of the ledger a campaign shares people: caps and opt-outs reach over all of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from dialer.ledger.queries import load

SQL = load("sharing.sql")


def shared_with(db: sqlite3.Connection, campaign: int) -> dict[str, int]:
    """By the other campaign's name, how many people of this one have a number that somebody has there."""
    return dict(map(tuple, db.execute(SQL["shared_with"], {"campaign": campaign})))


def shared_by(db: sqlite3.Connection, numbers: Iterable[tuple[int, str]]) -> dict[str, int]:
    """By a campaign's name, how many rows of a list (place, number in E.164) have a number that somebody has there.

    The list lies in a table of the connection's own: the ledger is not written.
    """
    db.execute(SQL["make_of_list"])
    db.executemany(SQL["add_of_list"], numbers)
    found = dict(map(tuple, db.execute(SQL["shared_by"])))
    db.execute("DROP TABLE temp.of_list")
    return found
