"""The rings file: one line of JSON for each accepted dial, only ever appended to, owned by one simulator.

A line is handed to the system before its dial is answered, so a killed process takes no ring back; it is not
fsynced, a power failure may. A torn last line counts as written if, and only if, it reads.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from dialer.errors import UsageError
from dialer.simulator.calls import Ring

_ELSEWHERE = "give this one a file of its own"


class RingsFile:
    """A log of rings on disk, locked against a second simulator; `close` gives it up."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise UsageError(f"cannot open the simulator's rings file {path}: {error.strerror}; {_ELSEWHERE}") from None
        try:
            self._take()
            self._rings, self._size = self._load()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Ring]:
        """The rings that stood in the file when it was opened."""
        return iter(self._rings)

    def append(self, ring: Ring) -> None:
        """Write one more line, whole or not at all. Raises OSError."""
        line = f"{ring.to_line()}\n".encode()
        try:
            self._write(line)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(line)

    def close(self) -> None:
        """Close the file, which frees its lock."""
        os.close(self._file)

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"another simulator is running on the rings file {self._path}; stop that one, or {_ELSEWHERE}"
            ) from None

    def _load(self) -> tuple[list[Ring], int]:
        content = self._path.read_bytes()
        rings, whole = _parse(content, self._path)
        if whole < len(content):
            os.ftruncate(self._file, whole)
        elif content and not content.endswith(b"\n"):
            self._write(b"\n")
            whole += 1
        return rings, whole

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]


def read_rings(path: Path) -> list[Ring]:
    """Every dial that was accepted, in order: who, when, under which call id, and whether it rang.

    Reads beside a running simulator; a file that is not there yet has no rings. Raises UsageError for a line
    that is none.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    return _parse(content, path)[0]


def _parse(content: bytes, path: Path) -> tuple[list[Ring], int]:
    """The rings of a file's bytes, and how many of those bytes are whole lines or a last one that reads."""
    lines = content.split(b"\n")
    torn = lines.pop()
    rings = [_read(line, path, number) for number, line in enumerate(lines, start=1)]
    if torn:
        try:
            rings.append(Ring.from_line(torn))
        except ValueError:
            return rings, len(content) - len(torn)
    return rings, len(content)


def _read(line: bytes, path: Path, number: int) -> Ring:
    try:
        return Ring.from_line(line)
    except ValueError:
        raise UsageError(
            f"line {number} of the simulator's rings file {path} is not a ring; move the file away to begin anew"
        ) from None
