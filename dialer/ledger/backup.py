"""A consistent copy of a ledger and its secret, made while a run writes or when none does.

The copy is made whole beside its place, looked over, put on disk, and only then given its name; where a ledger's copy
has its name, its secret has too. It knows that it is a copy: whoever runs it asks the platform about later calls first.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dialer.errors import LedgerError, UsageError
from dialer.ledger import opening, readonly
from dialer.ledger.control import beside, sync_folder
from dialer.ledger.queries import load

SQL = load("backup.sql")


@dataclass(frozen=True, slots=True)
class Copied:
    """What was written: a ledger and the secret that belongs to it, copies of `ledger`."""

    ledger: Path
    copy: Path
    secret: Path


def backup(ledger: Path, copy: Path) -> Copied:
    """Copy a ledger to `copy` and its secret to `<copy>.secret`, both for their owner alone (0600).

    Raises:
        UsageError: one of these is there already, or their folder is not.
        LedgerError: the ledger cannot be read or is damaged, its secret is missing or another's, or the copy cannot be
            written; then nothing has its name.
    """
    _check_place(copy)
    _check_secret(ledger)
    copied = Copied(ledger, copy, beside(copy, "secret"))
    with _explaining(ledger, copy), tempfile.TemporaryDirectory(prefix=f".{copy.name}.", dir=copy.parent) as folder:
        draft = Path(folder) / "ledger"
        secret = _copy(ledger, draft)
        _write(beside(draft, "secret"), secret.hex().encode() + b"\n")
        _put_on_disk(draft)
        _name(beside(draft, "secret"), copied.secret)
        try:
            _name(draft, copy)
        except BaseException:
            copied.secret.unlink()
            raise
        sync_folder(copy.parent)
    return copied


def _check_place(copy: Path) -> None:
    """Nothing is overwritten; and what SQLite would take for changes to the copy must not lie beside its place."""
    if not copy.parent.is_dir():
        raise UsageError(f"{copy}: its folder does not exist; make it, or name a file in one that exists")
    for path in (copy, beside(copy, "secret"), copy.with_name(f"{copy.name}-wal"), _journal(copy)):
        if path.exists() or path.is_symlink():
            raise _taken(path)


def _journal(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}-journal")


def _taken(path: Path) -> UsageError:
    return UsageError(f"{path} is there already and is not overwritten: name another file, or move it away first")


def _check_secret(ledger: Path) -> None:
    file = beside(ledger, "secret")
    if ledger.exists() and not file.exists():
        raise LedgerError(
            f"{file} is missing, and a copy of the ledger without it could not recognise its calls: restore it from an "
            "earlier backup; nothing was written"
        )


def _copy(ledger: Path, draft: Path) -> bytes:
    """Copy one state of the ledger, as it stands on disk now; gives its secret."""
    _write(draft, b"")
    with contextlib.closing(readonly.connect(ledger)) as source, contextlib.closing(_opened(draft)) as target:
        # Read before it is copied: so it is one state, whatever is written meanwhile, and a ledger that another program
        # keeps to itself is an error and no endless wait.
        source.execute("BEGIN")
        source.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()
        source.backup(target)
        # The copy is one file: it has no changes in a log beside it that could be forgotten.
        target.execute("PRAGMA journal_mode = DELETE")
        target.execute(SQL["forget_place"])
        secret = opening.secret_of(ledger, target)
        _check_whole(target, ledger)
        return secret


def _opened(draft: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(draft, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _check_whole(copy: sqlite3.Connection, ledger: Path) -> None:
    found = [str(row[0]) for row in copy.execute("PRAGMA integrity_check")]
    if found != ["ok"]:
        raise LedgerError(
            f"the ledger {ledger} is damaged ({found[0]}): stop its run and restore an earlier backup; nothing was "
            "written"
        )


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, which has its rights from the start
        file.write(content)


def _put_on_disk(draft: Path) -> None:
    for path in (draft, beside(draft, "secret")):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _name(draft: Path, path: Path) -> None:
    """Give a draft its name, unless somebody else has taken it meanwhile."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:
        # A disk that knows no second names for a file, as those that are carried about.
        draft.rename(path)


@contextlib.contextmanager
def _explaining(ledger: Path, copy: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise LedgerError(
            f"the ledger {ledger} could not be copied to {copy} ({words}): see to it that there is room, that this "
            "user may write there and that the ledger is undamaged; nothing was written"
        ) from error
