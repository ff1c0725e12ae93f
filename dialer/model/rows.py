"""A contact list, as it is read: rows, rejects, chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import overload

from dialer.model.rules import Audience
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
class Numbers:
    """What a column of cells holds, cell by cell: numbers in E.164 ('' where there is none) with region and kind.

    `faults` tells by position why a cell that is not empty holds none.
    """

    e164: Sequence[str]
    regions: Sequence[str]
    kinds: Sequence[str]
    faults: Mapping[int, BadNumber] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a row says of its turn: a higher `priority` goes first; from when on and until when they may be called."""

    priority: int = 0
    not_before: datetime | None = None
    not_after: datetime | None = None


ANYWHERE = Audience()
"""Of whom it is not asked where they are."""


@dataclass(frozen=True, slots=True)
class Row:
    """One good row: who it is about, the numbers in order, all its columns as a JSON object's text."""

    person: str
    numbers: tuple[Number, ...]
    data: str
    file: str
    line: int
    audience: Audience = ANYWHERE
    wish: Wish | None = None


@dataclass(frozen=True, slots=True)
class Rows(Sequence[Row]):
    """Good rows of one file, column by column: a million objects are not made that nobody looks at.

    `numbers`, `regions` and `kinds` are of each row's first number; `others` has by position those after it.
    `audiences` is empty where nothing is asked of where people are; `wishes` has by position those of rows with one.
    """

    file: str
    lines: Sequence[int]
    persons: Sequence[str]
    numbers: Sequence[str]
    regions: Sequence[str]
    kinds: Sequence[str]
    data: Sequence[str]
    others: Mapping[int, tuple[Number, ...]] = field(default_factory=dict)
    audiences: Sequence[Audience] = ()
    wishes: Mapping[int, Wish] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Iterator[Rows]:
        """Any rows column by column, file by file."""
        if isinstance(rows, Rows):
            yield rows
            return
        for file, part in groupby(rows, lambda row: row.file):
            yield cls._of_one(file, tuple(part))

    @classmethod
    def _of_one(cls, file: str, rows: Sequence[Row]) -> Rows:
        firsts = [row.numbers[0] for row in rows]
        return cls(
            file,
            [row.line for row in rows],
            [row.person for row in rows],
            [number.e164 for number in firsts],
            [number.region for number in firsts],
            [number.kind for number in firsts],
            [row.data for row in rows],
            {at: row.numbers[1:] for at, row in enumerate(rows) if len(row.numbers) > 1},
            [row.audience for row in rows] if any(row.audience != ANYWHERE for row in rows) else (),
            {at: row.wish for at, row in enumerate(rows) if row.wish is not None},
        )

    def __len__(self) -> int:
        return len(self.persons)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Row, ...]: ...
    def __getitem__(self, at: int | slice) -> Row | tuple[Row, ...]:
        if isinstance(at, slice):
            return tuple(map(self._row, range(*at.indices(len(self)))))
        return self._row(range(len(self))[at])

    def _row(self, at: int) -> Row:
        first = Number(self.numbers[at], self.regions[at], self.kinds[at])
        numbers = (first, *self.others.get(at, ()))
        audience = self.audiences[at] if self.audiences else ANYWHERE
        return Row(self.persons[at], numbers, self.data[at], self.file, self.lines[at], audience, self.wishes.get(at))


@dataclass(frozen=True, slots=True)
class Reject:
    """One bad row or cell: physical line (the header is line 1), column ('' for the whole row), value; `person` is the
    row's id, '' where the list has no ids or the row none."""

    file: str
    line: int
    column: str
    value: str
    reason: RejectReason
    why: str
    person: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one piece of a list gave."""

    rows: Sequence[Row]
    rejects: tuple[Reject, ...]


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What a file of a list looked like when its bytes were read: where it lies, its bytes, when it was last written
    (`modified`) and last touched in any way (`changed`), both in 1e-9 s since the epoch; `read_at` in epoch seconds,
    and the SHA-256 of what was read, in hex."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int
    read_at: float
    digest: str
