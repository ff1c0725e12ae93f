"""From a piece of a file to rows and rejects; the same for every kind of file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

import pandas as pd

from dialer.model import JSON, BadNumber, Chunk, ListRules, Number, Reject, RejectReason, Row, plain

LONGEST_CELL = 32 * 1024
"""In bytes of UTF-8."""
LONGEST_VALUE = 200
"""Of a bad cell, in characters, as a reject shows it."""
_LOOKED_AT = 16 * LONGEST_VALUE

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_to_json_lines = json.JSONEncoder(ensure_ascii=False, separators=("\n", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a file that have the right number of fields, and rejects for those that have not.

    `columns` holds the cells as JSON values, `texts` the same cells as text ('' for a null); `lines` are
    physical lines, the header being line 1.
    """

    file: str
    lines: Sequence[int]
    columns: Mapping[str, Sequence[JSON]]
    texts: pd.DataFrame
    rejects: tuple[Reject, ...] = ()


def table(columns: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Columns of text as they are: nothing is taken for a number or for a missing value."""
    return pd.DataFrame(columns, dtype=str)


def shown(text: str) -> str:
    """A bad cell for a reject: its beginning, without control characters and with NUL made visible."""
    return plain.shown(text[:_LOOKED_AT])[:LONGEST_VALUE]


def too_long(file: str, line: int, column: str) -> Reject:
    """The reject of a cell that was not even read."""
    return Reject(file, line, column, "", RejectReason.CELL_TOO_LONG, _TOO_LONG)


class Sorter:
    """Tells good rows from bad ones. `order` is the order of columns in `Row.data`."""

    def __init__(
        self, order: tuple[str, ...], rules: ListRules, read_number: Callable[[str], Number | BadNumber]
    ) -> None:
        self._order = order
        self._phone = rules.phone
        self._id = rules.id
        self._required = rules.required
        self._read_number = read_number

    def chunk(self, piece: Piece) -> Chunk:
        """The piece's rows and rejects, each in the order of the lines."""
        bad: dict[int, Reject] = {}
        for at, reject in self._row_faults(piece):
            bad.setdefault(at, reject)
        rejects = [*piece.rejects, *bad.values()]
        rows = tuple(self._rows(piece, bad, rejects))
        return Chunk(rows, tuple(sorted(rejects, key=lambda reject: reject.line)))

    def _row_faults(self, piece: Piece) -> Iterator[tuple[int, Reject]]:
        """By position, what makes a row bad whatever its numbers; the first fault of a row counts."""
        texts, nothing = piece.texts, repeat("")
        for column in self._order:
            found = _too_long(texts[column])
            yield from _rejects(piece, found, column, texts[column].iloc[found], RejectReason.CELL_TOO_LONG, _TOO_LONG)
        for column in self._order:
            found = _where(texts[column].str.contains("\0", regex=False))
            yield from _rejects(piece, found, column, texts[column].iloc[found], RejectReason.NUL_BYTE, _NUL)
        for column in self._required:
            found = _where(_stripped(texts, column) == "")
            why = f"{column!r} is required (contacts.required) and empty; fill it in"
            yield from _rejects(piece, found, column, nothing, RejectReason.REQUIRED_EMPTY, why)
        if self._id is not None:
            found = _where(_stripped(texts, self._id) == "")
            yield from _rejects(piece, found, self._id, nothing, RejectReason.NO_ID, _NO_ID)

    def _rows(self, piece: Piece, bad: Mapping[int, Reject], rejects: list[Reject]) -> Iterator[Row]:
        """The good rows; what their numbers lack is added to the rejects."""
        phones = zip(*(_stripped(piece.texts, column).tolist() for column in self._phone), strict=True)
        persons = repeat(None) if self._id is None else _stripped(piece.texts, self._id).tolist()
        rows = zip(piece.lines, phones, persons, self._data(piece), strict=False)
        for at, (line, cells, person, data) in enumerate(rows):
            if at in bad:
                continue
            numbers = self._numbers(piece.file, line, cells, rejects)
            if numbers:
                yield Row(person or numbers[0].e164, numbers, data, piece.file, line)

    def _data(self, piece: Piece) -> Iterator[str]:
        """Each row as a JSON object's text; cells become text by the column, which is many times faster."""
        members = (_to_json(name).replace("%", "%%") + ":%s" for name in self._order)
        cells = zip(*(_json_cells(piece.columns[name]) for name in self._order), strict=True)
        return map(("{" + ",".join(members) + "}").__mod__, cells)

    def _numbers(self, file: str, line: int, cells: tuple[str, ...], rejects: list[Reject]) -> tuple[Number, ...]:
        """The row's valid numbers, each once. Without any, one reject tells of the row."""
        numbers: list[Number] = []
        bad: list[Reject] = []
        for column, cell in zip(self._phone, cells, strict=True):
            found = self._read_number(cell) if cell else None
            if isinstance(found, BadNumber):
                bad.append(Reject(file, line, column, shown(cell), found.reason, found.why))
            elif found is not None and found not in numbers:
                numbers.append(found)
        if not numbers and not bad:
            bad.append(Reject(file, line, self._phone[0], "", RejectReason.NO_NUMBER, _NO_NUMBER))
        rejects.extend(bad if numbers else bad[:1])
        return tuple(numbers)


_TOO_LONG = f"the cell is longer than {LONGEST_CELL:,} bytes; shorten it"
_NUL = "the cell holds a NUL byte; take it out"
_NO_ID = "the id is empty, so that nobody could tell what this row is about; fill it in"
_NO_NUMBER = "the row has no number; fill it in"


def _json_cells(cells: Sequence[JSON]) -> list[str]:
    """The JSON text of each cell. A line end inside a text is escaped, so it can stand between the cells."""
    if not cells:
        return []
    found = _to_json_lines(cells)[1:-1].split("\n")
    return found if len(found) == len(cells) else list(map(_to_json, cells))


def _too_long(cells: pd.Series[str]) -> list[int]:
    """Where the UTF-8 of a cell is too long; only cells that could be are encoded."""
    suspects = _where(cells.str.len() > LONGEST_CELL // 4)
    return [at for at in suspects if len(str(cells.iat[at]).encode()) > LONGEST_CELL]


def _stripped(texts: pd.DataFrame, column: str) -> pd.Series[str]:
    return texts[column].str.strip()


def _where(mask: pd.Series[bool]) -> list[int]:
    positions: list[int] = mask.to_numpy().nonzero()[0].tolist()
    return positions


def _rejects(
    piece: Piece, found: list[int], column: str, values: Iterable[str], reason: RejectReason, why: str
) -> Iterator[tuple[int, Reject]]:
    for at, value in zip(found, values, strict=False):
        yield at, Reject(piece.file, piece.lines[at], column, shown(value), reason, why)
