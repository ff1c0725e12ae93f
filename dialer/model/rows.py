"""A contact list, as it is read: rows, rejects, chunks."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.model.words import RejectReason


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number in E.164, with its ISO region and kind (mobile, fixed_line, …)."""

    e164: str
    region: str
    kind: str


@dataclass(frozen=True, slots=True)
class BadNumber:
    """Why a cell is no number that may be dialled, in a code and in words."""

    reason: RejectReason
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """One good row: who it is about, the numbers in order, all its columns as a JSON object's text."""

    person: str
    numbers: tuple[Number, ...]
    data: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Reject:
    """One bad row or cell: physical line (the header is line 1), column ('' for the whole row), value."""

    file: str
    line: int
    column: str
    value: str
    reason: RejectReason
    why: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one piece of a list gave."""

    rows: tuple[Row, ...]
    rejects: tuple[Reject, ...]
