"""CSV files, plain or gzip, as pieces of text with their physical lines.

Lines are given to the csv module some thousands at once. Where each of them is a record, its number is known by that.
Where one is not, or something is wrong, the same lines are read once more record by record, to the line.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain, compress
from pathlib import Path
from typing import TYPE_CHECKING

from dialer.contacts import header
from dialer.contacts.rows import EMPTY, Piece, shown, text_column
from dialer.contacts.text import LONGEST_LINE, decoded
from dialer.errors import ListError
from dialer.model import ListRules, Reject, RejectReason

if TYPE_CHECKING:
    import _csv

_LONGEST_FIELD = 16 * 1024 * 1024
"""In characters. Longer cells are taken for an open quote, lest it swallow the file into the memory."""
_PIECE = 16 * 1024 * 1024
"""In characters. A piece that is read record by record ends here, however few its rows."""
_DELIMITERS = (",", ";", "\t")

_Records = tuple[Sequence[int], list[list[str]]]


def columns(path: Path, rules: ListRules) -> tuple[str, ...]:
    """The header's names. Raises ListError."""
    with decoded(path, rules.encoding) as blocks:
        return _Source(path, blocks, rules).columns


def pieces(path: Path, rules: ListRules, rows: int) -> Iterator[Piece]:
    """The file in pieces of at most so many rows; blank lines are no rows. Raises ListError."""
    with decoded(path, rules.encoding) as blocks:
        source = _Source(path, blocks, rules)
        for lines, records in source.batches(rows):
            piece = _piece(source, lines, records)
            if piece.lines or piece.rejects:
                yield piece


class _Source:
    """One file under way: its header has been read, its records are still to come."""

    def __init__(self, path: Path, blocks: Iterator[list[str]], rules: ListRules) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
        self.path = path
        self._blocks = blocks
        self._under_way: list[str] = []
        self._row_begins = 1
        self._row_size = 0
        start = self._start()
        self.delimiter = _delimiter(path, _first_lines(iter(start)), rules)
        self._runs = self._read(start)
        self.columns = header.names(path, self._header())

    def batches(self, rows: int) -> Iterator[_Records]:
        """The physical lines on which records begin, and their cells: what was read at once, at most so many."""
        for lines, records in self._runs:
            for at in range(0, len(records), rows):
                yield lines[at : at + rows], records[at : at + rows]

    def _start(self) -> list[str]:
        """The first blocks, up to one with a line that is not blank."""
        start: list[str] = []
        for block in self._blocks:
            start += block
            if any(map(str.strip, block)):
                break
        return start

    def _header(self) -> list[str]:
        for lines, records in self._runs:
            if records:
                self._runs = chain([(lines[1:], records[1:])], self._runs)
                return records[0]
        raise ListError(f"{self.path}: the file holds nothing but blank lines; it needs a header line and rows")

    def _read(self, block: list[str]) -> Iterator[_Records]:
        """The records in runs, each with the physical lines on which its records begin; blank lines are none."""
        line = 1
        while block:
            if (records := self._at_once(block)) is not None:
                yield _without_blanks(self._begins(block, line, len(records)), records)
                line += len(block)
            else:
                line = yield from self._one_by_one(block, line)
            block = next(self._blocks, [])

    def _at_once(self, block: list[str]) -> list[list[str]] | None:
        """The records; None where something is wrong with one, or where the last goes on behind the block."""
        try:
            return list(self._reader(block))
        except csv.Error:
            return None

    def _begins(self, block: list[str], line: int, records: int) -> Sequence[int]:
        """On which lines the records of a block begin that was read at once."""
        if records == len(block):
            return range(line, line + records)
        reader = self._reader(block)
        return [line, *(line + reader.line_num for _ in reader)][:-1]

    def _reader(self, lines: Iterable[str]) -> _csv.Reader:
        return csv.reader(lines, delimiter=self.delimiter, strict=True)

    def _one_by_one(self, block: list[str], line: int) -> Generator[_Records, None, int]:
        """As `_read`, from a block up to the end of one with which a record ends too; gives the line after it."""
        reader = self._reader(self._remembered(block))
        lines: list[int] = []
        records: list[list[str]] = []
        before, size = line - 1, 0
        self._begin(line)
        try:
            for cells in reader:
                lines.append(line)
                records.append(cells)
                size += self._row_size
                line = reader.line_num + before + 1
                self._begin(line)
                if size > _PIECE:
                    yield _without_blanks(lines, records)
                    lines, records, size = [], [], 0
                if not self._left:
                    break
        except csv.Error as fault:
            raise self._broken(line, reader.line_num + before, str(fault)) from None
        yield _without_blanks(lines, records)
        return line

    def _begin(self, line: int) -> None:
        """A row begins on this line."""
        self._under_way.clear()
        self._row_begins, self._row_size = line, 0

    def _remembered(self, block: list[str]) -> Iterator[str]:
        while block:
            for self._left, line in zip(range(len(block) - 1, -1, -1), block, strict=True):
                self._under_way.append(line)
                self._row_size += len(line)
                if self._row_size > LONGEST_LINE:
                    raise self._endless()
                yield line
            block = next(self._blocks, [])

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


def _without_blanks(lines: Sequence[int], records: list[list[str]]) -> _Records:
    if all(records):
        return lines, records
    return list(compress(lines, records)), list(filter(None, records))


def _piece(source: _Source, lines: Sequence[int], records: list[list[str]]) -> Piece:
    name, width = source.path.name, len(source.columns)
    rejects: tuple[Reject, ...] = ()
    if set(map(len, records)) != {width}:
        rejects = tuple(
            _ragged(source, line, cells)
            for line, cells in zip(lines, records, strict=True)
            if len(cells) != width and not _is_blank(cells)
        )
        whole = [len(cells) == width for cells in records]
        lines, records = list(compress(lines, whole)), list(compress(records, whole))
    if not records:
        return Piece(name, (), dict.fromkeys(source.columns, EMPTY), rejects)
    columns = map(text_column, zip(*records, strict=True))
    return Piece(name, lines, dict(zip(source.columns, columns, strict=True)), rejects)


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
