"""CSV files, plain or gzip, as pieces of text with their physical lines."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain, compress
from pathlib import Path

from dialer.contacts import header
from dialer.contacts.rows import Piece, shown, table
from dialer.contacts.text import LONGEST_LINE, cleaned, decoded
from dialer.errors import ListError
from dialer.model import ListRules, Reject, RejectReason

_LONGEST_FIELD = 16 * 1024 * 1024
"""In characters. Longer cells are taken for an open quote, lest it swallow the file into the memory."""
_PIECE = 16 * 1024 * 1024
"""In characters. A piece ends here, however few its rows."""
_DELIMITERS = (",", ";", "\t")

_Record = tuple[int, list[str]]


def columns(path: Path, rules: ListRules) -> tuple[str, ...]:
    """The header's names. Raises ListError."""
    with decoded(path, rules.encoding) as lines:
        return _Source(path, lines, rules).columns


def pieces(path: Path, rules: ListRules, rows: int) -> Iterator[Piece]:
    """The file in pieces of at most so many rows; blank lines are no rows. Raises ListError."""
    with decoded(path, rules.encoding) as text:
        source = _Source(path, text, rules)
        for lines, records in source.batches(rows):
            piece = _piece(source, lines, records)
            if piece.lines or piece.rejects:
                yield piece


class _Source:
    """One file under way: its header has been read, its records are still to come."""

    def __init__(self, path: Path, lines: Iterator[str], rules: ListRules) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
        self.path = path
        self._under_way: list[str] = []
        self._row_begins = 1
        self._row_size = 0
        self._size = 0
        start = _first_lines(lines)
        self.delimiter = _delimiter(path, start, rules)
        self._records = self._read(chain(start, lines))
        first = next(self._records, None)
        if first is None:
            raise ListError(f"{path}: the file holds nothing but blank lines; it needs a header line and rows")
        self.columns = header.names(path, first[1])

    def batches(self, rows: int) -> Iterator[tuple[list[int], list[list[str]]]]:
        """The physical lines on which records begin, and their cells, so many records at a time."""
        lines: list[int] = []
        records: list[list[str]] = []
        for line, cells in self._records:
            lines.append(line)
            records.append(cells)
            if len(lines) >= rows or self._size > _PIECE:
                yield lines, records
                lines, records = [], []
                self._size = 0
        if lines:
            yield lines, records

    def _read(self, lines: Iterator[str]) -> Iterator[_Record]:
        reader = csv.reader(self._remembered(lines), delimiter=self.delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
                self._under_way.clear()
                self._row_begins, self._row_size = line, 0
        except csv.Error as fault:
            raise self._broken(line, reader.line_num, str(fault)) from None

    def _remembered(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            self._under_way.append(line)
            self._size += len(line)
            self._row_size += len(line)
            if self._row_size > LONGEST_LINE:
                raise self._endless()
            yield line

    def _endless(self) -> ListError:
        return ListError(
            f"{self.path}: line {self._row_begins}: a row that begins here has not ended {LONGEST_LINE:,} characters "
            "later; is a quote left open? Mend the file, nothing of it was taken"
        )

    def _broken(self, first: int, last: int, fault: str) -> ListError:
        opened_at = _where_opened(self._under_way, first, self.delimiter)
        if "end of data" in fault:
            what = "a quote that opens here is never closed"
        elif "field limit" in fault:
            what = f"a cell that begins here has not ended {_LONGEST_FIELD:,} characters later; is a quote left open?"
        else:
            what = f'a quote opens here and closes on line {last} before the cell ends (inside a cell, " is "")'
        return ListError(f"{self.path}: line {opened_at}: {what}; mend the file, nothing of it was taken")


def _piece(source: _Source, lines: list[int], records: list[list[str]]) -> Piece:
    width = len(source.columns)
    rejects = tuple(
        _ragged(source, line, cells)
        for line, cells in zip(lines, records, strict=True)
        if len(cells) != width and not _is_blank(cells)
    )
    whole = [len(cells) == width for cells in records]
    by_column = zip(*compress(records, whole), strict=True) if any(whole) else ((),) * width
    columns = dict(zip(source.columns, map(cleaned, by_column), strict=True))
    return Piece(source.path.name, list(compress(lines, whole)), columns, table(columns), rejects)


def _is_blank(cells: list[str]) -> bool:
    return len(cells) == 1 and not cells[0].strip()


def _ragged(source: _Source, line: int, cells: list[str]) -> Reject:
    why = f"the row has {len(cells)} fields and the header {len(source.columns)}; is a delimiter or a quote missing?"
    value = shown(source.delimiter.join(cells))
    return Reject(source.path.name, line, "", value, RejectReason.RAGGED, why)


def _first_lines(text: Iterator[str]) -> list[str]:
    """The lines up to the first that is not blank, that one included."""
    lines: list[str] = []
    for line in text:
        lines.append(line)
        if line.strip():
            break
    return lines


def _delimiter(path: Path, start: list[str], rules: ListRules) -> str:
    """The one that the campaign names, else the most frequent outside quotes in the header's first line."""
    if rules.delimiter is not None:
        if len(rules.delimiter) != 1 or rules.delimiter in '"\r\n ':
            raise ListError(
                f"{path}: contacts.delimiter is {rules.delimiter!r}; it must be one character such as , or ;"
            )
        return rules.delimiter
    outside = "".join(start[-1].split('"')[::2]) if start else ""
    return max(_DELIMITERS, key=outside.count)


def _where_opened(lines: list[str], first: int, delimiter: str) -> int:
    """The physical line of the quote that was not closed as it should be."""
    opened_at: int | None = None
    for number, line in enumerate(lines, start=first):
        at = line.find('"')
        while at >= 0:
            after = line[at + 1 : at + 2]
            if opened_at is None:
                opened_at = number if at == 0 or line[at - 1] == delimiter else None
            elif after == '"':
                at += 1
            elif after in ("", delimiter, "\r", "\n"):
                opened_at = None
            else:
                return opened_at
            at = line.find('"', at + 1)
    return first if opened_at is None else opened_at
