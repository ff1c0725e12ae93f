"""What the files of a list looked like when they were read: they need not be read again to know the list."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from dialer.ledger.queries import load
from dialer.model import FileStamp

SQL = load("stamps.sql")


@dataclass(frozen=True, slots=True)
class KnownList:
    """A list as it was last taken in: its fingerprint, and the stamps of the files that may be known by one."""

    fingerprint: str = ""
    stamps: tuple[FileStamp, ...] = ()


def known_list(db: sqlite3.Connection, campaign: int) -> KnownList:
    """The campaign's list; one without a fingerprint if none was taken in yet."""
    row = db.execute(SQL["stamps_of"], {"campaign": campaign}).fetchone()
    if row is None:
        return KnownList()
    return KnownList(row[0], tuple(FileStamp(*each) for each in json.loads(row[1])))


def keep(db: sqlite3.Connection, campaign: int, fingerprint: str, stamps: Sequence[FileStamp]) -> None:
    """Write the stamps down with the list of this fingerprint; if another was taken in since, they say nothing."""
    given = {"campaign": campaign, "fingerprint": fingerprint, "stamps": json.dumps([astuple(one) for one in stamps])}
    db.execute(SQL["keep_stamps"], given)
