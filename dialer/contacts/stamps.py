"""By what a list is known again: its fingerprint, and the stamps of its files, which spare reading them for it.

The fingerprint is of the bytes, and it alone says whether a list is the one that was taken in. A stamp says that a file
is the very one whose bytes were read: same place, same size, neither written nor touched since, to the last digit. The
time of the last change of any kind (ctime) cannot be set back by a program, as that of the last writing can. In doubt
the bytes are read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path

from dialer.contacts.files import READER, opened
from dialer.model import CallRules, FileStamp, ListRules

_SETTLED = 60.0
"""Seconds that a file must have been left alone when it was read: whoever writes it within one tick of the file
system's clock after that, or through memory, leaves no other time behind. Coarse clocks tick every two seconds, and
what is written through memory gets its time within half a minute."""

_BELIEVED = 24 * 3600.0
"""Seconds for which a stamp is believed: where a file system tells nonsense of its times, it is found out by then."""


def fingerprint(rules: ListRules, call: CallRules, places: str = "") -> str:
    """SHA-256, in hex, of the files' names and bytes and of every rule by which rows are read.

    The columns that `call` names are part of it, so that a list is looked at again when the campaign
    asks for other columns; and `places`, which says by what its people are placed. Raises ListError if a file cannot be
    read.
    """
    return _fingerprint(rules, call, places, [_read(path, 0.0).digest for path in rules.files])


def identify(
    rules: ListRules, call: CallRules, known: Sequence[FileStamp], now: float, places: str = ""
) -> tuple[str, tuple[FileStamp, ...]]:
    """The fingerprint, and the stamps by which the files are known at the next start; `now` in epoch seconds.

    Files that have one of the `known` stamps are not read. What was written a moment ago gets none. Raises ListError.
    """
    found = [_known(path, known, now) or _read(path, now) for path in rules.files]
    return _fingerprint(rules, call, places, [stamp.digest for stamp in found]), tuple(filter(_is_settled, found))


def recognise(
    rules: ListRules, call: CallRules, known: Sequence[FileStamp], now: float, places: str = ""
) -> str | None:
    """The fingerprint without reading a byte; None if a file has none of the `known` stamps. Raises ListError."""
    found = [_known(path, known, now) for path in rules.files]
    digests = [stamp.digest for stamp in found if stamp is not None]
    return _fingerprint(rules, call, places, digests) if len(digests) == len(found) else None


def stamp(path: Path, known: Sequence[FileStamp], now: float) -> tuple[FileStamp, bool]:
    """What a file looks like, and whether it may be known by that at the next start; `now` in epoch seconds.

    A file that has one of the `known` stamps is not read. Raises ListError.
    """
    found = _known(path, known, now) or _read(path, now)
    return found, _is_settled(found)


def _known(path: Path, known: Sequence[FileStamp], now: float) -> FileStamp | None:
    with opened(path) as handle:  # a file server is asked anew when a file is opened, not when it is only looked at
        place = _place(handle)
    return next((one for one in known if _place_of(one) == place and 0 <= now - one.read_at <= _BELIEVED), None)


def _read(path: Path, now: float) -> FileStamp:
    with opened(path) as handle:
        place = _place(handle)  # before it is read: what is written meanwhile makes another file of it
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return FileStamp(*place, now, digest)


def _is_settled(stamp: FileStamp) -> bool:
    return stamp.read_at - max(stamp.modified, stamp.changed) / 1e9 >= _SETTLED


_Place = tuple[int, int, int, int, int]


def _place(handle: BufferedReader) -> _Place:
    found = os.fstat(handle.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _place_of(stamp: FileStamp) -> _Place:
    return stamp.device, stamp.inode, stamp.size, stamp.modified, stamp.changed


def _fingerprint(rules: ListRules, call: CallRules, places: str, digests: Sequence[str]) -> str:
    digest = hashlib.sha256((_meaning(rules, call) + places).encode())
    for path, content in zip(rules.files, digests, strict=True):
        digest.update(json.dumps([path.name, content]).encode())
    return digest.hexdigest()


def _meaning(rules: ListRules, call: CallRules) -> str:
    return json.dumps(
        {
            "reader": READER,
            "phone": rules.phone,
            "id": rules.id,
            "one_per": rules.one_per,
            "country": rules.country,
            "steering": rules.steering,
            "placed": [rules.placed, rules.consents, sorted(rules.yes)],
            "required": rules.required,
            "encoding": rules.encoding,
            "delimiter": rules.delimiter,
            "call": [call.agent_column, call.data, call.metadata],
        }
    )
