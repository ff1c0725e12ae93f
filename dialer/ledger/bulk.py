"""Many rows at once: what is kept up to date row by row is taken away meanwhile, and made anew in one go.

An index over a million texts that come in any order is sorted in a second; kept up row by row it takes several, and far
more once it is larger than the memory that SQLite is given. All of it happens in the caller's transaction: nobody else
sees the table without, and where the transaction fails nothing was taken away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dialer.ledger.queries import load

SQL = load("bulk.sql")


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


def _found(db: sqlite3.Connection, name: str) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(SQL["made_by"], {"name": name}).fetchone()
    if row is None:
        raise LookupError(f"the ledger has no index and no trigger {name!r}")
    return row
