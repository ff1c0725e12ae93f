"""Making, opening and bringing up to date a ledger, and the secret that lies beside it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Set
from importlib import resources
from pathlib import Path
from typing import Any

from dialer.errors import LedgerError
from dialer.ledger import identity
from dialer.ledger.control import beside, write_whole
from dialer.ledger.queries import migration_names
from dialer.ledger.readonly import connect, explaining, version_complaint
from dialer.ledger.writer import explained

MIGRATION_SET = "dialer"
_SECRET_BYTES = 32
CHECKPOINT_PAGES = 4000
"""So many pages (16 MB) the WAL grows to before they are brought into the ledger: most of them are written several
times by then, and are brought over once."""

WAL_KEPT = 2 * 4096 * CHECKPOINT_PAGES
"""Bytes to which the WAL's file is cut where it has grown longer, because somebody who looked took a long time."""


def open_for_writing(
    path: Path, created_at: str, synchronous: str = "FULL", noted: Mapping[str, Any] | None = None
) -> sqlite3.Connection:
    """Open the ledger, making it if it is not there; the caller holds its lock.

    `synchronous` is an argument so that a test can show what FULL is for. `noted` is what the lock's file tells of
    earlier runs.

    Raises:
        LedgerError: not a database, made by a newer version, not writable, or gone with its secret.
    """
    was_there = path.exists()
    try:
        connection = _connect(path)
    except sqlite3.Error as error:
        raise explained(error, str(path)) from error
    try:
        is_current = _check_is_ours(connection, path)
        _set_up(connection, synchronous)
        if not is_current:
            _apply_migrations(connection)
        _recognise(connection, path, noted or {}, created_at)
    except sqlite3.Error as error:
        connection.close()
        raise explained(error, str(path)) from error
    except LedgerError:
        connection.close()
        if not was_there:
            path.unlink()  # what is put in its place must not find another's there
        raise
    return connection


def _recognise(connection: sqlite3.Connection, path: Path, noted: Mapping[str, Any], at: str) -> None:
    """One transaction: a new ledger that ought to be doubted is never one that is merely there."""
    made = "INSERT OR IGNORE INTO ledger (id, created_at, secret_mark) VALUES (1, ?, '')"
    connection.execute("BEGIN IMMEDIATE")
    try:
        is_new = connection.execute(made, (at,)).rowcount == 1
        identity.recognise(connection, path, noted, at, is_new=is_new)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _connect(path: Path) -> sqlite3.Connection:
    if path.is_dir():
        raise LedgerError(f"the ledger {path} is a folder: name a file under `ledger`")
    if not path.exists():
        try:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        except OSError as error:
            raise LedgerError(
                f"the ledger {path} cannot be made ({error.strerror}): its folder must exist and be writable"
            ) from error
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.row_factory = sqlite3.Row
    return connection


def _set_up(connection: sqlite3.Connection, synchronous: str) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA foreign_keys = OFF")  # guarded by the verbs; checked by `PRAGMA foreign_key_check`
    connection.execute("PRAGMA cache_size = -32768")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    if synchronous == "FULL" and level != 2:
        raise LedgerError(f"the ledger could not be set to synchronous=FULL (it says {level}): nothing is dialled")


def _check_is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether every change of the schema has been made. Nothing is set before this: what is not ours stays as it is.

    Raises:
        LedgerError: it is another's database, or comes from a newer version.
    """
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    applied: set[str] = set()
    if "_sqlite_migrations" in tables:
        query = "SELECT name FROM _sqlite_migrations WHERE migration_set = ?"
        applied = {row[0] for row in connection.execute(query, (MIGRATION_SET,))}
    # A start that was killed right away may have left the table of migrations alone.
    is_begun = bool(tables - {"_sqlite_migrations", "sqlite_sequence"})
    if is_begun and (complaint := unfit(applied, frozenset(migration_names()), path)):
        raise LedgerError(complaint)
    return applied >= set(migration_names())


def unfit(applied: Set[str], known: Set[str], path: Path) -> str | None:
    """Why a ledger that has had these changes cannot be written by a dialer that knows those; None: it can.

    One that lacks some is brought up to date.
    """
    return version_complaint(applied | known if applied else applied, known, path)


def _apply_migrations(connection: sqlite3.Connection) -> None:
    import sqlite_utils  # only here: it imports pandas, and most starts have nothing to migrate
    from sqlite_utils.migrations import Migrations

    def step(name: str) -> Callable[[sqlite_utils.Database], None]:
        def apply(database: sqlite_utils.Database) -> None:
            script = resources.files("dialer.ledger").joinpath("migrations", f"{name}.sql").read_text("utf-8")
            for statement in _statements(script):
                database.conn.execute(statement)

        return apply

    migrations = Migrations(MIGRATION_SET)
    for name in migration_names():
        migrations(name=name)(step(name))
    migrations.apply(sqlite_utils.Database(connection, execute_plugins=False, recursive_triggers=False))


def _statements(script: str) -> Iterator[str]:
    """One statement at a time: `executescript` would commit, and a migration is one transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def secret_of(path: Path, connection: sqlite3.Connection) -> bytes:
    """The secret from which call ids are made; made once, 0600, in `<ledger>.secret`.

    Raises:
        LedgerError: it is missing while the ledger has attempts, or it is another ledger's. Never silently a new
            one: with another secret the calls of earlier runs could not be found again.
    """
    secret = _kept_secret(path, connection)
    if secret is None:
        file = beside(path, "secret")
        write_whole(file, secrets.token_bytes(_SECRET_BYTES).hex().encode() + b"\n")
        secret = _read_secret(file)
    connection.execute("UPDATE ledger SET secret_mark = ?", (_mark_of(secret),))
    return secret


def known_secret(path: Path) -> bytes | None:
    """The secret that a run would take; None: it would make one. Nothing is written.

    Raises:
        LedgerError: as `secret_of`, or the ledger cannot be read.
    """
    if not path.exists():
        file = beside(path, "secret")
        return _read_secret(file) if file.exists() else None
    with contextlib.closing(connect(path)) as connection, explaining(path):
        return _kept_secret(path, connection)


def _kept_secret(path: Path, connection: sqlite3.Connection) -> bytes | None:
    """The secret that lies beside the ledger, and is its own; None: there is none, and no attempt needs it."""
    file = beside(path, "secret")
    if not file.exists():
        if connection.execute("SELECT EXISTS (SELECT 1 FROM attempts)").fetchone()[0]:
            raise LedgerError(
                f"{file} is missing, and without it earlier calls of this ledger cannot be recognised: "
                "restore it from a backup; nobody was dialled"
            )
        return None
    secret = _read_secret(file)
    marks = connection.execute("SELECT secret_mark FROM ledger").fetchone()
    if marks and marks[0] and marks[0] != _mark_of(secret):
        raise LedgerError(f"{file} is the secret of another ledger: restore the one that belongs to {path}")
    return secret


def _mark_of(secret: bytes) -> str:
    """By which a ledger knows its secret again, and which tells nothing of it."""
    return hashlib.sha256(b"dialer ledger secret" + secret).hexdigest()[:16]


def _read_secret(file: Path) -> bytes:
    try:
        secret = bytes.fromhex(file.read_text("ascii").strip())
        if len(secret) != _SECRET_BYTES:
            raise ValueError(f"{len(secret)} bytes")
    except (OSError, ValueError) as error:
        raise LedgerError(f"{file} cannot be read as the ledger's secret: restore it from a backup") from error
    return secret


def sqlite_words(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> str:
    """The version of SQLite, and what it means for a ledger."""
    words = f"SQLite {'.'.join(map(str, version))}"
    if version < (3, 37):
        return f"{words}: too old, 3.37 or newer is needed"
    if _may_lose_writes(version):
        return (
            f"{words}: safe with one writer, and dialer is one; let no other program write the ledger, since two at "
            "once can lose what was committed, up to SQLite 3.51.2"
        )
    return f"{words}, one writer"


def _may_lose_writes(version: tuple[int, int, int]) -> bool:
    """Whether a checkpoint may pass over what a second connection commits at that moment: https://sqlite.org/wal.html
    calls it the WAL-reset bug, from 3.7.0 to 3.51.2, mended in 3.44.6 and 3.50.7 as well."""
    is_mended = (3, 44, 6) <= version < (3, 45) or (3, 50, 7) <= version < (3, 51)
    return (3, 7, 0) <= version < (3, 51, 3) and not is_mended
