"""Do-not-call lists in files, as the ledger holds them: a number that one of them has is not rung by the campaigns that
go by it. A contact all of whose numbers are in one is excluded (`dnc:national.csv`) until the file has them no more."""

from __future__ import annotations

import contextlib
import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dialer.ledger import readonly
from dialer.ledger.events import RunMark
from dialer.ledger.moments import text
from dialer.ledger.queries import load
from dialer.ledger.register_names import file_of

SQL = load("registers.sql")


@dataclass(frozen=True, slots=True)
class KnownRegister:
    """A list as it was last read: its id, the stamp by which its file is known, how many numbers it holds."""

    id: int
    stamp: str
    numbers: int


def known(db: sqlite3.Connection, file: str) -> KnownRegister | None:
    """The list that is known so (`register_names.known_as`), if it was read before."""
    row = db.execute(SQL["register"], {"file": file}).fetchone()
    return None if row is None else KnownRegister(row["id"], row["stamp"], row["numbers"])


def keep(db: sqlite3.Connection, file: str, stamp: str, numbers: Sequence[int], at: datetime) -> KnownRegister:
    """A list was read anew: its numbers (E.164 without the plus, in rising order) take the place of those before."""
    db.execute(SQL["keep_register"], {"file": file, "stamp": stamp, "numbers": len(numbers), "at": text(at)})
    register = int(db.execute(SQL["register"], {"file": file}).fetchone()["id"])
    db.execute(SQL["drop_registered"], {"register": register})
    db.executemany(SQL["add_registered"], ((register, number) for number in numbers))
    return KnownRegister(register, stamp, len(numbers))


def gone(db: sqlite3.Connection, register: int, numbers: Sequence[int]) -> int:
    """How many numbers of a list as it was last read are not among these, which are in rising order."""
    end = len(numbers)
    places = ((bisect_left(numbers, row[0]), row[0]) for row in db.execute(SQL["registered"], {"register": register}))
    return sum(place == end or numbers[place] != number for place, number in places)


def gone_since(ledger: Path, file: str, numbers: Sequence[int]) -> tuple[int, int]:
    """How many numbers of a list as it was last read are not among these, and how many it had; none of one that was
    never read. For whoever only looks.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    if not ledger.exists():
        return 0, 0
    with contextlib.closing(readonly.connect(ledger)) as db, readonly.explaining(ledger):
        db.row_factory = sqlite3.Row
        before = known(db, file)
        return (0, 0) if before is None else (gone(db, before.id, numbers), before.numbers)


def stamp(db: sqlite3.Connection, file: str, stamp: str) -> None:
    """The file was looked at again, and its bytes are the same."""
    db.execute(SQL["stamp_register"], {"file": file, "stamp": stamp})


def bar_registered(
    db: sqlite3.Connection, campaign: int, register_ids: Sequence[int], at: datetime, mark: RunMark
) -> int:
    """Exclude whoever is due or waiting and has no number that is in none of these lists; gives how many."""
    if not register_ids:
        return 0
    given = {"campaign": campaign, "at": text(at), "run": mark.run_id or None}
    with _asked(db, register_ids):
        db.execute(SQL["make_listed"])
        db.execute(SQL["find_listed_people"], given)
        db.execute(SQL["tell_listed"], given)
        barred = db.execute(SQL["bar_listed"], given).rowcount
        db.execute("DROP TABLE temp.listed")
    return barred


def unbar(db: sqlite3.Connection, campaign: int, register_ids: Sequence[int], at: datetime, mark: RunMark) -> int:
    """Whoever was excluded by such a list and has a number that none of these has is due again; gives how many."""
    given = {"campaign": campaign, "at": text(at), "run": mark.run_id or None}
    if not db.execute(SQL["is_anybody_listed"], given).fetchone()[0]:
        return 0
    with _asked(db, register_ids):
        db.execute(SQL["make_unlisted"], given)
        db.execute(SQL["tell_unlisted"], given)
        freed = db.execute(SQL["unbar_unlisted"], given).rowcount
        db.execute("DROP TABLE temp.unlisted")
    return freed


@contextmanager
def _asked(db: sqlite3.Connection, register_ids: Sequence[int]) -> Iterator[None]:
    db.execute(SQL["make_asked"])
    wanted = set(register_ids)
    names = db.execute(SQL["names_of_registers"]).fetchall()
    db.executemany(SQL["ask_for"], ((one, f"dnc:{file_of(file)}") for one, file in names if one in wanted))
    yield
    db.execute("DROP TABLE temp.asked")
