"""A read-only connection to a ledger, and what SQLite says of it in our words.

A ledger is in WAL mode: a reader shares a file with the writer, which SQLite makes beside the ledger where it can.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Set
from pathlib import Path

from dialer.errors import LedgerError
from dialer.ledger.queries import load, migration_names

_MIGRATION_SET = "dialer"
_PATIENCE = 5.0  # seconds to wait for a writer that recovers the file


def connect(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, to a ledger that this version can read.

    Raises:
        LedgerError: there is none, it is no ledger of dialer, or another version of dialer made it.
    """
    _check_file(path)
    with explaining(path):
        connection = _opened(path)
    try:
        with explaining(path):
            _check_ledger(connection, path)
    except LedgerError:
        connection.close()
        raise
    return connection


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise LedgerError(f"the ledger {path} is a folder: name the ledger's file")
    if not path.exists():
        raise LedgerError(f"there is no ledger {path}: `run` makes it, or name the one that you mean")
    # Asked, not tried: closing a file that SQLite has open too would drop SQLite's locks on it.
    if not os.access(path, os.R_OK):
        raise LedgerError(f"the ledger {path} may not be read by this user: ask its owner, or become its owner")


def _opened(path: Path) -> sqlite3.Connection:
    try:
        return _probed(f"{path.resolve().as_uri()}?mode=ro")
    except sqlite3.OperationalError as error:
        if not _is_at_rest(path):
            raise
        # SQLite cannot make the file that readers share in a folder that may not be written. Without a log
        # of changes nobody writes, and the file is whole by itself.
        with contextlib.suppress(sqlite3.OperationalError):
            return _probed(f"{path.resolve().as_uri()}?mode=ro&immutable=1")
        raise error from None


def _probed(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_PATIENCE, check_same_thread=False)
    try:
        connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _is_at_rest(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    return not log.exists() or log.stat().st_size == 0


def _check_ledger(connection: sqlite3.Connection, path: Path) -> None:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "_sqlite_migrations" not in tables:
        raise LedgerError(_not_ours(path))
    applied = {row[0] for row in connection.execute(load("reading.sql")["applied"], {"migrations": _MIGRATION_SET})}
    if complaint := version_complaint(applied, frozenset(migration_names()), path):
        raise LedgerError(complaint)


def version_complaint(applied: Set[str], known: Set[str], path: Path) -> str | None:
    """What is to be said of a ledger that has had these changes by a dialer that knows those; None: nothing."""
    if not applied:
        return _not_ours(path)
    if strange := sorted(applied - known):
        return (
            f"the ledger {path} comes from a newer version of dialer (it has had the change {', '.join(strange)}): "
            "use that version, or name another ledger"
        )
    if known - applied:
        return f"the ledger {path} comes from an older version of dialer: the next `run` brings it up to date"
    return None


def _not_ours(path: Path) -> str:
    return f"{path} is a database, but not a ledger of dialer: name the ledger's file"


# --- what SQLite says, in our words ------------------------------------------------------------------


@contextlib.contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into a LedgerError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise _told(error, path) from error


def _told(error: sqlite3.Error, path: Path) -> LedgerError:
    words = str(error)
    if "not a database" in words or "malformed" in words:
        advice = "it is not an undamaged SQLite database: name the ledger's file, or restore a backup"
    elif "unable to open" in words or "readonly" in words:
        advice = f"copy {path.name} and {path.name}-wal together into a folder that this user may write, and look there"
    elif "locked" in words:
        advice = "another program keeps it to itself: close it, then ask again"
    else:
        advice = "restore a backup if this comes again"
    return LedgerError(f"the ledger {path} cannot be read ({words}): {advice}")
