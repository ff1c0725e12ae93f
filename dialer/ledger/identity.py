"""Whether a ledger is the one that was last written here, or a copy, a backup put back, or one begun anew.

Of such a ledger it cannot be known which calls were made since it was itself; before anybody is dialled by it, the
platform is asked for them. The signs are where its file lies, and how far the note in its lock file says it had come.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.errors import LedgerError
from dialer.ledger.control import beside
from dialer.ledger.queries import load

SQL = load("identity.sql")

NOT_STAMPED = -1
"""As the place of a ledger that comes from a version that did not write it down."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a ledger has come: the number of its last run, and of its last event."""

    fence: int
    events: int


@dataclass(frozen=True, slots=True)
class Signs:
    """What is seen when a ledger is opened. Places are (device, inode); `written` is where the ledger says it lies,
    None for what `backup` wrote. `noted` is the standing that the lock's file tells, None where it tells none."""

    is_new: bool
    has_secret: bool
    place: tuple[int, int]
    written: tuple[int, int] | None
    standing: Standing
    noted: Standing | None


def doubt(signs: Signs) -> str:
    """Why calls may have been made that this ledger does not know; '' if nothing speaks for it. Pure."""
    if signs.is_new:
        return "it is new, and its secret was here before it: an earlier ledger was deleted" if signs.has_secret else ""
    if signs.written is None:
        return "it was made by `backup`"
    if signs.written != (NOT_STAMPED, NOT_STAMPED) and signs.written != signs.place:
        return "its file is not where it was written last: it was copied, moved or put back"
    if signs.noted is not None and _is_behind(signs.standing, signs.noted):
        return "it is older than the last run here: a backup was put back"
    return ""


def is_lost(signs: Signs) -> bool:
    """Whether ledger and secret are gone and only the lock's file tells that there were runs. Pure."""
    return signs.is_new and not signs.has_secret and signs.noted is not None and signs.noted.fence > 0


def _is_behind(one: Standing, other: Standing) -> bool:
    return one.fence < other.fence or one.events < other.events


def recognise(db: sqlite3.Connection, path: Path, noted: Mapping[str, Any], at: str, *, is_new: bool) -> None:
    """Write down where the ledger lies now, and a doubt if there is one; a doubt stays until the platform was asked.

    Raises:
        LedgerError: ledger and secret are gone, and the lock's file tells of earlier runs.
    """
    found = path.stat()
    row = db.execute(SQL["identity"]).fetchone()
    written = None if row["device"] is None or row["inode"] is None else (row["device"], row["inode"])
    signs = Signs(
        is_new=is_new,
        has_secret=beside(path, "secret").exists(),
        place=(_signed(found.st_dev), _signed(found.st_ino)),
        written=written,
        standing=standing_of(db),
        noted=_standing_noted(noted),
    )
    if is_lost(signs):
        raise LedgerError(
            f"{path} and {beside(path, 'secret').name} are gone, and {beside(path, 'lock').name} tells of earlier "
            "runs: put both back from a backup; or remove the lock's file too, if nobody of its lists may be known any "
            "more. Nobody was dialled"
        )
    given = {"device": signs.place[0], "inode": signs.place[1], "at": at}
    if (why := doubt(signs)) != "":
        db.execute(SQL["doubted"], given | {"doubt": why})
        db.execute(SQL["ask_anew"])
    elif signs.place != signs.written:
        db.execute(SQL["stamped"], given)


def standing_of(db: sqlite3.Connection) -> Standing:
    """How far the ledger has come."""
    return Standing(*db.execute(SQL["standing"]).fetchone())


def _standing_noted(noted: Mapping[str, Any]) -> Standing | None:
    fence, events = noted.get("fence"), noted.get("events")
    return Standing(fence, events) if isinstance(fence, int) and isinstance(events, int) else None


def _signed(number: int) -> int:
    """A number of 64 bits as SQLite keeps it."""
    return number - (1 << 64) if number >= 1 << 63 else number
