"""Many rows at once: what is kept up to date row by row is taken away meanwhile, and made anew in one go.

An index over texts in any order is cheaper to sort once than to keep up row by row, and a trigger costs more than the
row's own place in it. All of it happens in the caller's transaction: nobody else sees the table without, and where the
transaction fails nothing was taken away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dialer.ledger.queries import load

SQL = load("bulk.sql")

_LITTLE = -16384
"""In KiB, which the minus says."""


@contextmanager
def without(db: sqlite3.Connection, names: Sequence[str]) -> Iterator[None]:
    """Inside the block there are none of these indices and triggers; after it they are again what they were.

    Whoever takes triggers away does in the block what these would have done. An error leaves the block without them:
    it is for a transaction that is then undone. Raises LookupError for a name that is not there.
    """
    found = [_found(db, name) for name in names]
    for row in found:
        db.execute(f'DROP {row["type"]} main."{row["name"]}"')
    yield
    for row in found:
        db.execute(row["sql"])


@contextmanager
def little_memory(db: sqlite3.Connection) -> Iterator[None]:
    """SQLite keeps half as much in memory inside the block; a sort may take as much again as is kept."""
    before = db.execute(SQL["kept_pages"]).fetchone()[0]
    db.execute(f"PRAGMA main.cache_size = {_LITTLE}")
    try:
        yield
    finally:
        db.execute(f"PRAGMA main.cache_size = {int(before)}")


def _found(db: sqlite3.Connection, name: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(SQL["made_by"], {"name": name}).fetchone()
    if row is None:
        raise LookupError(f"the ledger has no index and no trigger {name!r}")
    return row
