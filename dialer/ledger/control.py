"""Who may write: the lock beside the ledger, and the spool through which others ask the one who holds it.

The lock is an flock on `<ledger>.lock`; the system drops it when its process ends, however it ends. The spool
is the folder `<ledger>.spool`: a request is a file, written whole and fsynced before it gets its name; the
running process applies it and puts the answer beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.errors import LedgerError, LedgerHeld


def beside(ledger: Path, ending: str) -> Path:
    """A file that belongs to the ledger: `dialer.db` and `lock` give `dialer.db.lock`."""
    return ledger.with_name(f"{ledger.name}.{ending}")


_TRIES = 100


_NOTE_BYTES = 4096
"""A note is written over the one before it in one piece: whoever is killed leaves the one or the other."""


class Lock:
    """The right to write a ledger, held until `release` or the end of the process.

    Its file bears a note: who holds it, and how far the ledger had come when that was last said. `earlier` is the note
    as the run before has left it, empty if there was none.
    """

    def __init__(self, descriptor: int, earlier: Mapping[str, Any]) -> None:
        self._descriptor: int | None = descriptor
        self.earlier = earlier
        self._note = dict(earlier)

    @property
    def note(self) -> Mapping[str, Any]:
        """The note as it stands now."""
        return self._note

    def tell(self, **facts: Any) -> None:
        """Note these facts beside those that are noted already."""
        self._note |= facts
        if self._descriptor is not None:
            os.pwrite(self._descriptor, json.dumps(self._note).encode().ljust(_NOTE_BYTES), 0)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def take_lock(ledger: Path, command: str, since: str) -> Lock:
    """Take the ledger's lock, or tell who has it.

    Raises:
        LedgerHeld: another process holds it; the message names host, pid and since when.
        LedgerError: the lock file cannot be made.
    """
    path = beside(ledger, "lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LedgerError(
            f"the ledger's lock {path} cannot be made ({error.strerror}): the folder must exist and be writable"
        ) from error
    if not _locked(descriptor):
        holder = _told(descriptor)
        os.close(descriptor)
        raise LedgerHeld(f"the ledger {ledger} is held by another run ({holder}): wait for it, or stop it")
    lock = Lock(descriptor, _noted(descriptor))
    try:
        lock.tell(host=socket.gethostname(), pid=os.getpid(), since=since, command=command)
    except OSError as error:
        lock.release()
        raise LedgerError(
            f"the ledger's lock {path} cannot be written ({error.strerror}): make room on the disk, then run the same "
            "command again; nobody was dialled"
        ) from error
    return lock


def _locked(descriptor: int) -> bool:
    """Take the lock; a few tries, since `is_held` takes it too, for a moment."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.sched_yield()
        else:
            return True
    return False


def is_held(ledger: Path) -> bool:
    """Whether a process holds the ledger's lock at this moment."""
    try:
        descriptor = os.open(beside(ledger, "lock"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _told(descriptor: int) -> str:
    note = _noted(descriptor)
    try:
        return f"`{note['command']}` with pid {note['pid']} on {note['host']}, since {note['since']}"
    except KeyError:
        return "which has not yet said who it is"


def _noted(descriptor: int) -> Mapping[str, Any]:
    try:
        note = json.loads(os.pread(descriptor, _NOTE_BYTES, 0))
    except (ValueError, OSError):
        return {}
    return note if isinstance(note, dict) else {}


@dataclass(frozen=True, slots=True)
class Request:
    """Something that another process asks of the one who holds the ledger."""

    name: str
    verb: str
    facts: Mapping[str, Any]


def ask(ledger: Path, verb: str, facts: Mapping[str, Any]) -> str:
    """Put a request into the spool, on disk when this returns; gives the name under which it is answered."""
    spool = beside(ledger, "spool")
    spool.mkdir(mode=0o700, exist_ok=True)
    name = secrets.token_hex(8)
    _write_whole(spool, f"{name}.request", {"verb": verb, "facts": dict(facts)})
    return name


def requests(ledger: Path) -> Iterator[Request]:
    """What is asked and not yet answered, oldest first; a file that is not one of ours is passed over."""
    spool = beside(ledger, "spool")
    if not spool.is_dir():
        return
    for path in _oldest_first(spool):
        with contextlib.suppress(ValueError, KeyError, OSError, TypeError):
            asked = json.loads(path.read_text("utf-8"))
            yield Request(path.stem, str(asked["verb"]), dict(asked["facts"]))


def _oldest_first(spool: Path) -> list[Path]:
    """The requests that have their name; a draft has none yet, and one that is being taken back has no age."""
    found: list[tuple[int, Path]] = []
    for path in spool.glob("*.request"):
        with contextlib.suppress(OSError):
            if not path.name.startswith("."):
                found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)]


def answer(ledger: Path, request: Request, sentence: str) -> None:
    """Put the answer beside the request, then take the request away."""
    spool = beside(ledger, "spool")
    _write_whole(spool, f"{request.name}.answer", {"sentence": sentence})
    (spool / f"{request.name}.request").unlink(missing_ok=True)


def take_answer(ledger: Path, name: str) -> str | None:
    """The answer to a request, once; None while there is none."""
    path = beside(ledger, "spool") / f"{name}.answer"
    try:
        sentence = str(json.loads(path.read_text("utf-8"))["sentence"])
    except FileNotFoundError:
        return None
    path.unlink(missing_ok=True)
    return sentence


def take_back(ledger: Path, name: str) -> bool:
    """Withdraw a request that nobody has answered; False if it is gone, because someone has."""
    path = beside(ledger, "spool") / f"{name}.request"
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _write_whole(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    write_whole(folder / name, json.dumps(content).encode())


def write_whole(path: Path, content: bytes) -> None:
    """Make a file of its owner's alone that is there whole and on disk, or not at all."""
    draft = path.with_name(f".{path.name}")
    # A draft may be left of one who was killed while writing it.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.rename(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a new name in a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
