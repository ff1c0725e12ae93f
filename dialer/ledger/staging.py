"""Where the rows of a list lie while it is read: in temporary tables, `staged` and `others`.

They count for nothing after a crash, so nothing of them is synced or written into the ledger's own file, which they
would double. One import's rows are at hand; where lists of several campaigns are read by turns, the others' tables are
set aside under their import's number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from itertools import repeat

from dialer.ledger.queries import load
from dialer.model import Row, Rows

SQL = load("importing.sql")
_TABLES = {"staged": "make_staged", "others": "make_others"}

_Number = tuple[int, int, str, str, str]


def lay_out(db: sqlite3.Connection, import_id: int) -> None:
    """From here on the tables `staged` and `others` are this import's; they are made where there are none yet."""
    if not _has_table(db, "at_hand"):
        db.execute(SQL["make_at_hand"])
    current = _at_hand(db)
    if current == import_id:
        return
    for table, making in _TABLES.items():
        if current is not None:
            _rename(db, table, f"{table}_{current}")
        if _has_table(db, f"{table}_{import_id}"):
            _rename(db, f"{table}_{import_id}", table)
        else:
            db.execute(SQL[making])
    db.execute(SQL["put_aside"])
    db.execute(SQL["take_in_hand"], {"import": import_id})


def keep(db: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Put rows behind those of the import at hand."""
    for part in Rows.of(rows):
        before = db.execute(SQL["last_staged"]).fetchone()[0] if part.others else 0
        columns = (part.persons, part.numbers, part.regions, part.kinds, part.data, repeat(part.file), part.lines)
        db.executemany(SQL["stage_row"], zip(*columns, strict=False))
        db.executemany(SQL["stage_other"], _others(part, before + 1))


def drop(db: sqlite3.Connection, import_id: int) -> None:
    """The rows of this import are no more, wherever they lie."""
    is_at_hand = _has_table(db, "at_hand") and _at_hand(db) == import_id
    for table in _TABLES:
        name = table if is_at_hand else f"{table}_{import_id}"
        db.execute(f"DROP TABLE IF EXISTS temp.{name}")
    if is_at_hand:
        db.execute(SQL["put_aside"])


def _others(part: Rows, first: int) -> Iterator[_Number]:
    for at, numbers in part.others.items():
        for rank, number in enumerate(numbers, start=1):
            yield first + at, rank, number.e164, number.region, number.kind


def _at_hand(db: sqlite3.Connection) -> int | None:
    row = db.execute(SQL["at_hand"]).fetchone()
    return None if row is None else int(row[0])


def _has_table(db: sqlite3.Connection, name: str) -> bool:
    return bool(db.execute(SQL["has_table"], {"name": name}).fetchone()[0])


def _rename(db: sqlite3.Connection, old: str, new: str) -> None:
    db.execute(f"ALTER TABLE temp.{old} RENAME TO {new}")
