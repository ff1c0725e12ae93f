"""Where the rows of a list lie while it is read: in temporary tables, `staged` and its kin.

They count for nothing after a crash, so nothing of them is synced or written into the ledger's own file, which they
would double. One import's rows are at hand; where lists of several campaigns are read by turns, the others' tables are
set aside under their import's number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, repeat

from dialer.ledger.audiences import audience_id
from dialer.ledger.moments import text_or_none
from dialer.ledger.queries import load
from dialer.model import Chunk, Rows

SQL = load("importing.sql")
_TABLES = {
    "staged": "make_staged",
    "origins": "make_origins",
    "others": "make_others",
    "wishes": "make_wishes",
    "refused": "make_refused",
}

_AT_ONCE = (500, 20, 1)
"""Rows that are given to SQLite in one statement, as long as there are so many. After each the thread asks for the
interpreter again, and whoever reads the list meanwhile lets go of it only every five milliseconds."""

_Number = tuple[int, int, str, str, str]
_Place = tuple[str, str, int]


def lay_out(db: sqlite3.Connection, import_id: int) -> None:
    """From here on the tables of staging are this import's; they are made where there are none yet."""
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


def keep(db: sqlite3.Connection, chunk: Chunk) -> None:
    """Put a piece of the list behind what there is of the import at hand."""
    for part in Rows.of(chunk.rows):
        before = db.execute(SQL["last_staged"]).fetchone()[0] if part.others or part.wishes else 0
        columns = (part.persons, part.numbers, _origins(db, part), part.data, part.lines)
        _insert(db, zip(*columns, strict=True), len(columns))
        db.executemany(SQL["stage_other"], _others(part, before + 1))
        db.executemany(SQL["stage_wish"], _wishes(part, before + 1))
    db.executemany(
        SQL["stage_reject"],
        ((bad.file, bad.line, bad.column, bad.value, str(bad.reason), bad.why, bad.person) for bad in chunk.rejects),
    )


def _origins(db: sqlite3.Connection, part: Rows) -> Iterable[int]:
    """Which of `origins` each row has; those that are new are added."""
    columns = part.regions, part.kinds, _audiences(db, part)
    places = zip(*columns, strict=True)
    if all(len(set(column)) == 1 for column in columns):  # as in most lists
        first = next(places)
        return repeat(_ids(db, part.file, {first})[first], len(part))
    each = list(places)
    return map(_ids(db, part.file, set(each)).__getitem__, each)


def _ids(db: sqlite3.Connection, file: str, places: Set[_Place]) -> Mapping[_Place, int]:
    """The ids of these origins, and of all others that the file has had so far."""
    db.executemany(SQL["stage_origin"], ((file, *place) for place in sorted(places)))
    rows = db.execute(SQL["origins_of"], {"file": file})
    return {(region, kind, audience): origin for region, kind, audience, origin in rows}


def _audiences(db: sqlite3.Connection, part: Rows) -> Sequence[int]:
    """The id of each row's audience in the ledger; those that are new are added."""
    if not part.audiences:
        return [0] * len(part)
    ids = {audience: audience_id(db, audience) for audience in set(part.audiences)}
    return list(map(ids.__getitem__, part.audiences))


def _insert(db: sqlite3.Connection, rows: Iterable[tuple[object, ...]], width: int) -> None:
    """Many rows with one statement, which takes a third off what each costs."""
    values = list(chain.from_iterable(rows))
    more, at = ", (" + ", ".join("?" * width) + ")", 0
    for rows_at_once in _AT_ONCE:
        many = width * rows_at_once
        end = len(values) - (len(values) - at) % many
        statement = SQL["stage_row"] + more * (rows_at_once - 1)
        db.executemany(statement, (values[first : first + many] for first in range(at, end, many)))
        at = end


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


def _wishes(part: Rows, first: int) -> Iterator[tuple[int, int, str | None, str | None]]:
    for at, wish in part.wishes.items():
        yield first + at, wish.priority, text_or_none(wish.not_before), text_or_none(wish.not_after)


def _at_hand(db: sqlite3.Connection) -> int | None:
    row = db.execute(SQL["at_hand"]).fetchone()
    return None if row is None else int(row[0])


def _has_table(db: sqlite3.Connection, name: str) -> bool:
    return bool(db.execute(SQL["has_table"], {"name": name}).fetchone()[0])


def _rename(db: sqlite3.Connection, old: str, new: str) -> None:
    db.execute(f"ALTER TABLE temp.{old} RENAME TO {new}")
