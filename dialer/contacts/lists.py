"""A list: its files one after another, in pieces, as chunks of rows and rejects."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeVar

from dialer.contacts import csv_list, header
from dialer.contacts.files import MOST_ROWS, Kind, kind
from dialer.contacts.rows import Piece, Sorter
from dialer.contacts.steering import Place
from dialer.errors import ListError
from dialer.model import CallRules, Chunk, ListRules, Numbers

T = TypeVar("T")


def columns(rules: ListRules) -> tuple[str, ...]:
    """The list's columns, in the order of its first file.

    Raises ListError for a file that cannot be read, a header with empty or repeated names, and files of
    one list that do not have the same columns.
    """
    first, *others = rules.files
    expected = _columns(first, rules)
    for path in others:
        header.check_same(first, expected, path, _columns(path, rules))
    return expected


def read(
    rules: ListRules,
    call: CallRules,
    read_numbers: Callable[[Sequence[str]], Numbers],
    chunk_rows: int = 20_000,
    place: Place | None = None,
) -> Iterator[Chunk]:
    """The list's rows and rejects, in its order, in chunks of at most `chunk_rows` rows of the files.

    A bad row is a reject and stops nothing. A bad number beside a good one of the same row is a reject
    too, with that row's line, and the row stays good. Duplicates are not looked for here. Raises ListError
    for a fault of a file or of the header, which may come after chunks: take nothing before the end. `place` tells
    where people are; it is asked where that matters (`ListRules.placed`).
    """
    order = columns(rules)
    header.check_has_all(rules.files[0], order, rules, call)
    sorter = Sorter(order, rules, read_numbers, place)
    read_rows = 0
    for path in rules.files:
        for lines, chunk in _undisturbed(_sorted(sorter, _pieces(path, rules, chunk_rows))):
            read_rows += lines
            _check_length(path, read_rows)
            yield chunk
    if not read_rows:
        names = ", ".join(str(path) for path in rules.files)
        raise ListError(f"{names}: a header and no rows; there is nobody to call, write the list again")


def _sorted(sorter: Sorter, pieces: Iterator[Piece]) -> Iterator[tuple[int, Chunk]]:
    """Good rows and bad ones, and how many there are of both."""
    for piece in pieces:
        yield len(piece.lines) + len(piece.rejects), sorter.chunk(piece)


def _undisturbed(pieces: Iterator[T]) -> Iterator[T]:
    """The pieces, each read without the search for garbage: a piece is thousands of small lists that hold no circles,
    and to look through them again and again takes a quarter of the time of reading a CSV file."""
    while True:
        with _NO_SEARCH:
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


class _NoSearch:
    """Inside it garbage is not looked for, in no thread: lists of several campaigns are read at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._was_on = True

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._was_on = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._was_on:
                gc.enable()


_NO_SEARCH = _NoSearch()


def _check_length(path: Path, rows: int) -> None:
    if rows > MOST_ROWS:
        raise ListError(f"{path}: the list has more than {MOST_ROWS:,} rows; make several campaigns of it")


def samples(rules: ListRules, rows: int) -> list[list[str]]:
    """The first rows of the list's first file, as text, in the order of its columns; for guessing what they hold."""
    first = rules.files[0]
    order = _columns(first, rules)
    piece = next(_pieces(first, rules, rows), None)
    if piece is None:
        return []
    return [list(cells) for cells in zip(*(piece.columns[column].texts for column in order), strict=True)]


def _columns(path: Path, rules: ListRules) -> tuple[str, ...]:
    if kind(path) is Kind.PARQUET:
        from dialer.contacts import parquet_list  # only here: pyarrow takes a while, and most lists are no Parquet

        return parquet_list.columns(path)
    return csv_list.columns(path, rules)


def _pieces(path: Path, rules: ListRules, rows: int) -> Iterator[Piece]:
    if kind(path) is Kind.PARQUET:
        from dialer.contacts import parquet_list  # only here: as above

        return parquet_list.pieces(path, rules, rows)
    return csv_list.pieces(path, rules, rows)
