"""From a piece of a file to rows and rejects; the same for every kind of file.

Whatever is asked of cells is asked of a column as a whole first, by what Python does in one call for many texts. Only
where the column as a whole has something are its cells looked at one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, compress, repeat
from typing import TypeVar

from dialer.contacts import steering
from dialer.contacts.steering import Place
from dialer.model import JSON, Audience, Chunk, ListRules, Number, Numbers, Reject, RejectReason, Rows, Wish, plain

LONGEST_CELL = 32 * 1024
"""In bytes of UTF-8."""
LONGEST_VALUE = 200
"""Of a bad cell, in characters, as a reject shows it."""
_LOOKED_AT = 16 * LONGEST_VALUE
_PRINTABLE = bytes(range(32, 127))
"""Of ASCII."""

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_to_json_lines = json.JSONEncoder(ensure_ascii=False, separators=("\n", ":"), allow_nan=False).encode

T = TypeVar("T")
ReadNumbers = Callable[[Sequence[str]], Numbers]


@dataclass(frozen=True, slots=True)
class Column:
    """The cells of a column as JSON values, and as text ('' for a null).

    `is_printable`: cells and texts are the same, and all are printable, so that none holds a NUL. `is_verbatim`: nor is
    there anything else that JSON would escape in them. `are_short`: it is known that no cell is longer than allowed.
    """

    cells: Sequence[JSON]
    texts: Sequence[str]
    is_printable: bool = False
    is_verbatim: bool = False
    are_short: bool = False


EMPTY = Column((), ())


@dataclass(frozen=True, slots=True)
class _Steered:
    """Row by row with whom a person is decided about (empty: nothing is asked), and by position what rows wish."""

    audiences: Sequence[Audience]
    wishes: Mapping[int, Wish]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a file that have the right number of fields, and rejects for those that have not.

    `lines` are physical lines, the header being line 1.
    """

    file: str
    lines: Sequence[int]
    columns: Mapping[str, Column]
    rejects: tuple[Reject, ...] = ()


def text_column(cells: Sequence[str], *, are_short: bool = False) -> Column:
    """Cells of text as they may go on; most columns are printable throughout, which is told of all cells at once."""
    joined = "".join(cells)
    if _is_printable(joined):
        is_verbatim = '"' not in joined and "\\" not in joined
        return Column(cells, cells, is_printable=True, is_verbatim=is_verbatim, are_short=are_short)
    tidied = [plain.plain(cell) for cell in cells]
    return Column(tidied, tidied)


def _is_printable(text: str) -> bool:
    """As `str.isprintable`, which takes four times as long where the text is plain ASCII."""
    return not text.encode().translate(None, _PRINTABLE) if text.isascii() else text.isprintable()


def shown(text: str) -> str:
    """A bad cell for a reject: its beginning, without control characters and with NUL made visible."""
    return plain.shown(text[:_LOOKED_AT])[:LONGEST_VALUE]


def too_long(file: str, line: int, column: str) -> Reject:
    """The reject of a cell that was not even read."""
    return Reject(file, line, column, "", RejectReason.CELL_TOO_LONG, _TOO_LONG)


class Sorter:
    """Tells good rows from bad ones. `order` is the order of columns in a row's data."""

    def __init__(
        self, order: tuple[str, ...], rules: ListRules, read_numbers: ReadNumbers, place: Place | None = None
    ) -> None:
        self._rules = rules
        self._place = place
        self._order = order
        self._phone = rules.phone
        self._id = rules.id
        self._required = rules.required
        self._read_numbers = read_numbers

    def chunk(self, piece: Piece) -> Chunk:
        """The piece's rows and rejects, each in the order of the lines."""
        bad: dict[int, Reject] = {}
        for at, reject in self._row_faults(piece):
            bad.setdefault(at, reject)
        called = _Called(piece, self._phone, self._read_numbers)
        steered = self._steered(piece, called, bad)
        rejects = [*piece.rejects, *self._named(piece, [*bad.values(), *called.rejects(bad)])]
        rows = self._rows(piece, called, bad, steered)
        return Chunk(rows, tuple(sorted(rejects, key=lambda reject: reject.line)))

    def _named(self, piece: Piece, rejects: list[Reject]) -> list[Reject]:
        """The same with the ids of their rows."""
        if self._id is None or not rejects:
            return rejects
        lines = {reject.line for reject in rejects}
        texts = piece.columns[self._id].texts
        ids = {line: shown(text.strip()) for line, text in zip(piece.lines, texts, strict=True) if line in lines}
        return [replace(reject, person=ids[reject.line]) for reject in rejects]

    def _row_faults(self, piece: Piece) -> Iterator[tuple[int, Reject]]:
        """By position, what makes a row bad whatever its numbers; the first fault of a row counts."""
        for column in self._order:
            texts = piece.columns[column].texts
            found = [] if piece.columns[column].are_short else _too_long(texts)
            yield from _rejects(piece, found, column, _picked(texts, found), RejectReason.CELL_TOO_LONG, _TOO_LONG)
        for column in self._order:
            texts = piece.columns[column].texts
            found = [] if piece.columns[column].is_printable else _where(texts, lambda text: "\0" in text)
            yield from _rejects(piece, found, column, _picked(texts, found), RejectReason.NUL_BYTE, _NUL)
        for column in self._required:
            why = f"{column!r} is required (contacts.required) and empty; fill it in"
            yield from _rejects(piece, _empty(piece, column), column, repeat(""), RejectReason.REQUIRED_EMPTY, why)
        if self._id is not None:
            yield from _rejects(piece, _empty(piece, self._id), self._id, repeat(""), RejectReason.NO_ID, _NO_ID)

    def _steered(self, piece: Piece, called: _Called, bad: dict[int, Reject]) -> _Steered:
        """Whose audience each row is, and what it wishes; a cell that cannot be read makes the row bad."""
        named = steering.columns(self._rules)
        cells = steering.Cells({use: _stripped(piece, column) for use, column in named.items()})
        rows, found, wishes = len(piece.lines), list[Audience](), {}
        if self._place is not None and self._rules.placed:
            found = steering.audiences(self._rules, cells, called.firsts, called.others, self._place)
        for at, wish, use in steering.wishes(cells, lambda at: found[at].zones if found else (), rows):
            if isinstance(wish, Wish):
                wishes[at] = wish
            else:
                value = shown(cells.at(use, at))
                bad.setdefault(at, Reject(piece.file, piece.lines[at], named[use], value, wish.reason, str(wish)))
        return _Steered(found, wishes)

    def _rows(self, piece: Piece, called: _Called, bad: Mapping[int, Reject], steered: _Steered) -> Rows:
        firsts, lines, data = called.firsts, piece.lines, list(self._data(piece))
        persons = firsts.e164 if self._id is None else _stripped(piece, self._id)
        if not bad and all(firsts.e164):
            return Rows(
                piece.file,
                lines,
                persons,
                firsts.e164,
                firsts.regions,
                firsts.kinds,
                data,
                called.others,
                steered.audiences,
                steered.wishes,
            )
        is_good = bytearray(map(bool, firsts.e164))
        for at in bad:
            is_good[at] = 0
        places = list(accumulate(is_good, initial=0)) if called.others or steered.wishes else ()
        return Rows(
            piece.file,
            list(compress(lines, is_good)),
            list(compress(persons, is_good)),
            list(compress(firsts.e164, is_good)),
            list(compress(firsts.regions, is_good)),
            list(compress(firsts.kinds, is_good)),
            list(compress(data, is_good)),
            {places[at]: numbers for at, numbers in called.others.items() if is_good[at]},
            list(compress(steered.audiences, is_good)),
            {places[at]: wish for at, wish in steered.wishes.items() if is_good[at]},
        )

    def _data(self, piece: Piece) -> Iterator[str]:
        """Each row as a JSON object's text. Cells become text by the column, many times faster than by the row; joining
        the pieces of a row takes half as long as filling them into a template."""
        pieces: list[Iterable[str]] = []
        before = "{"
        for name in self._order:
            quote, cells = _json_cells(piece.columns[name])
            pieces += [repeat(f"{before}{_to_json(name)}:{quote}"), cells]
            before = f"{quote},"
        pieces.append(repeat(before.replace(",", "}")))
        return map("".join, zip(*pieces, strict=False))


class _Called:
    """The numbers of a piece's rows: the first of each, those after it, and what cells that hold none are told."""

    def __init__(self, piece: Piece, phone: tuple[str, ...], read_numbers: ReadNumbers) -> None:
        self._piece = piece
        self._cells = [(column, _stripped(piece, column)) for column in phone]
        self._found = [read_numbers(cells) for _, cells in self._cells]
        self.firsts = self._found[0]
        self.others: dict[int, tuple[Number, ...]] = {}
        if len(phone) > 1:
            self._merge()

    def _merge(self) -> None:
        """Each row's numbers in the order of the columns, each once."""
        rows = [self._numbers(at) for at in range(len(self._piece.lines))]
        firsts = [numbers[0] if numbers else Number("", "", "") for numbers in rows]
        self.firsts = Numbers(
            [first.e164 for first in firsts], [first.region for first in firsts], [first.kind for first in firsts]
        )
        self.others = {at: numbers[1:] for at, numbers in enumerate(rows) if len(numbers) > 1}

    def _numbers(self, at: int) -> tuple[Number, ...]:
        found = (Number(each.e164[at], each.regions[at], each.kinds[at]) for each in self._found if each.e164[at])
        return tuple(dict.fromkeys(found))

    def rejects(self, bad: Mapping[int, Reject]) -> Iterator[Reject]:
        """What the numbers of the other rows lack. Of a row without any, one reject tells, of others one a bad cell."""
        faulty = {at for found in self._found for at in found.faults}
        without = {at for at, first in enumerate(self.firsts.e164) if not first}
        for at in sorted((faulty | without).difference(bad)):
            faults = list(self._faults(at))
            yield from faults[:-1] if self.firsts.e164[at] else faults[:1]

    def _faults(self, at: int) -> Iterator[Reject]:
        file, line = self._piece.file, self._piece.lines[at]
        for (column, cells), found in zip(self._cells, self._found, strict=True):
            if (fault := found.faults.get(at)) is not None:
                yield Reject(file, line, column, shown(cells[at]), fault.reason, fault.why)
        yield Reject(file, line, self._cells[0][0], "", RejectReason.NO_NUMBER, _NO_NUMBER)


_TOO_LONG = f"the cell is longer than {LONGEST_CELL:,} bytes; shorten it"
_NUL = "the cell holds a NUL byte; take it out"
_NO_ID = "the id is empty, so that nobody could tell what this row is about; fill it in"
_NO_NUMBER = "the row has no number; fill it in"


def _json_cells(column: Column) -> tuple[str, Sequence[str]]:
    """What stands around each cell, and their texts: as they are, if JSON has nothing to escape in them."""
    if column.is_verbatim:
        return '"', column.texts
    return "", _escaped(column.cells)


def _escaped(cells: Sequence[JSON]) -> list[str]:
    """The JSON text of each cell. A line end inside a text is escaped, so it can stand between the cells."""
    if not cells:
        return []
    found = _to_json_lines(cells)[1:-1].split("\n")
    return found if len(found) == len(cells) else list(map(_to_json, cells))


def _too_long(texts: Sequence[str]) -> list[int]:
    """Where the UTF-8 of a cell is too long; only cells that could be are encoded."""
    if max(map(len, texts), default=0) <= LONGEST_CELL // 4:
        return []
    return _where(texts, lambda text: len(text) > LONGEST_CELL // 4 and len(text.encode()) > LONGEST_CELL)


def _stripped(piece: Piece, column: str) -> list[str]:
    return list(map(str.strip, piece.columns[column].texts))


def _empty(piece: Piece, column: str) -> list[int]:
    stripped = _stripped(piece, column)
    return _where(stripped, lambda text: not text) if "" in stripped else []


def _where(texts: Sequence[str], is_so: Callable[[str], bool]) -> list[int]:
    return [at for at, text in enumerate(texts) if is_so(text)]


def _picked(cells: Sequence[T], places: Iterable[int]) -> list[T]:
    return list(map(cells.__getitem__, places))


def _rejects(
    piece: Piece, found: list[int], column: str, values: Iterable[str], reason: RejectReason, why: str
) -> Iterator[tuple[int, Reject]]:
    for at, value in zip(found, values, strict=False):
        yield at, Reject(piece.file, piece.lines[at], column, shown(value), reason, why)
