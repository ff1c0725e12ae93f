"""Calls that were made elsewhere, in a CSV or Parquet file: who was rung, when, and whether they talked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dialer.contacts import csv_list
from dialer.contacts.files import Kind, kind
from dialer.contacts.rows import Piece, shown
from dialer.contacts.text import NotText
from dialer.errors import ListError
from dialer.model import BadNumber, ListRules, Numbers

KEPT = timedelta(days=90)
"""So far back rings are counted; older ones are passed over."""

_AT_ONCE = 20_000
_NAMES: Mapping[str, frozenset[str]] = {
    "phone": frozenset({"phone", "number", "phone_number", "to", "to_number", "telephone"}),
    "id": frozenset({"id", "person", "contact_id", "customer_id", "person_id"}),
    "debt": frozenset({"debt", "debt_id", "account", "account_id"}),
    "at": frozenset({"at", "time", "when", "timestamp", "called_at", "started_at"}),
    "conversation": frozenset({"conversation", "talked", "spoke"}),
}
_YES = frozenset({"yes", "y", "true", "t", "1", "x", "ja", "j", "oui", "si", "sí"})
_NO = frozenset({"no", "n", "false", "f", "0", "", "nein", "non"})

ReadNumbers = Callable[[Sequence[str]], Numbers]


@dataclass(frozen=True, slots=True)
class Heard:
    """A ring: the number (E.164) or the id of who was rung, or both; the debt if known; when; whether they talked."""

    number: str
    person: str
    debt: str
    at: datetime
    talked: bool


@dataclass(slots=True)
class History:
    """What a file holds: rings, how many were too old to count, and by line what could not be read and why."""

    rings: list[Heard] = field(default_factory=list)
    old: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)


class _Unread(ValueError):
    """Why a row is no ring."""


def read(path: Path, read_numbers: ReadNumbers, now: datetime) -> History:
    """The rings that a file tells of, up to now.

    Its columns are `phone` or `id`, or both, and `at` (ISO 8601 with an offset); `debt` and `conversation` (yes or no)
    may be there. Raises ListError where the file cannot be read or lacks what it needs.
    """
    try:
        return _found(path, read_numbers, now)
    except NotText as fault:  # nothing says the encoding of this file
        raise ListError(f"{fault.told}; save it as UTF-8; nothing of it was taken") from None


def _found(path: Path, read_numbers: ReadNumbers, now: datetime) -> History:
    columns, pieces = _opened(path)
    meant = _meant(path, columns)
    found = History()
    for piece in pieces:
        found.bad.extend((bad.line, bad.why) for bad in piece.rejects)
        _take(found, piece, meant, read_numbers, now)
    return found


def _opened(path: Path) -> tuple[Sequence[str], Iterator[Piece]]:
    rules = ListRules((path,), phone=())
    if not path.is_file():
        raise ListError(f"{path}: there is no such file; name one with the calls that were made elsewhere")
    if kind(path) is Kind.PARQUET:
        from dialer.contacts import parquet_list  # only here: pyarrow takes a while

        return parquet_list.columns(path), parquet_list.pieces(path, rules, _AT_ONCE)
    return csv_list.columns(path, rules), csv_list.pieces(path, rules, _AT_ONCE)


def _meant(path: Path, columns: Sequence[str]) -> dict[str, str]:
    """The file's own names of the columns that it has."""
    found: dict[str, str] = {}
    for column in columns:
        word = column.casefold().replace(" ", "_")
        for name, words in _NAMES.items():
            if word not in words:
                continue
            if name in found:
                raise ListError(f"{path}: both {found[name]!r} and {column!r} may be the {name}; rename one of them")
            found[name] = column
    lacks = [name for name in ("at",) if name not in found]
    if "phone" not in found and "id" not in found:
        lacks.insert(0, "phone (or id)")
    if lacks:
        raise ListError(
            f"{path}: a history needs the columns phone or id, and at: there is no {' and no '.join(lacks)}"
        )
    return found


def _take(found: History, piece: Piece, meant: Mapping[str, str], read_numbers: ReadNumbers, now: datetime) -> None:
    rows = len(piece.lines)
    texts = {
        name: list(map(str.strip, piece.columns[meant[name]].texts)) if name in meant else [""] * rows
        for name in _NAMES
    }
    numbers = read_numbers(texts["phone"])
    for at, line in enumerate(piece.lines):
        cells = {name: column[at] for name, column in texts.items()}
        try:
            ring = _ring(cells, numbers.e164[at], numbers.faults.get(at), now)
        except _Unread as why:
            found.bad.append((line, str(why)))
            continue
        if ring.at < now - KEPT:
            found.old += 1
        else:
            found.rings.append(ring)


def _ring(cells: Mapping[str, str], number: str, fault: BadNumber | None, now: datetime) -> Heard:
    if fault is not None:
        raise _Unread(f"phone {shown(cells['phone'])!r}: {fault.why}")
    if not number and not cells["id"]:
        raise _Unread("neither phone nor id: fill one of them in")
    return Heard(number, cells["id"], cells["debt"], _moment(cells["at"], now), _talked(cells["conversation"]))


def _moment(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Unread(f"at {shown(text)!r} is no instant: write it as 2026-11-22T09:00Z") from None
    if moment.tzinfo is None:
        raise _Unread(f"at {shown(text)!r} has no offset: write it as 2026-11-22T09:00Z or 2026-11-22T09:00-05:00")
    if moment > now:
        raise _Unread(f"at {shown(text)!r} is still to come: correct it, or its offset")
    return moment.astimezone(UTC)


def _talked(text: str) -> bool:
    word = text.casefold()
    if word not in _YES | _NO:
        raise _Unread(f"conversation {shown(text)!r} is neither yes nor no")
    return word in _YES
