"""Do-not-call lists in files: CSV and Parquet with a header, or text with one number a line.

Such a list is read whole or not at all, and not believed where too much of it cannot be read: a number that is passed
over would be rung.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import compress, groupby
from pathlib import Path

from dialer.contacts import csv_list, stamps
from dialer.contacts.files import READER, Kind, kind
from dialer.contacts.rows import Piece, shown
from dialer.contacts.text import NotText, decoded
from dialer.errors import ListError
from dialer.model import FileStamp, ListRules, Numbers

MOST_UNREADABLE = 0.01
"""Of the lines; more, and the file is another than was meant, or written in another country's way."""

MOST_AHEAD = 86400.0
"""Seconds by which a file may be dated after now, as clocks differ; the age of one beyond that is not known."""

_AT_ONCE = 50_000
_USUAL = ("phone", "number", "phone_number", "phonenumber", "telephone", "mobile")
_LETTER = re.compile(r"[^\W\d_]")
_IN_PARTS = re.compile(r"(\d{3}),(\d{7})")  # as the registry of the United States hands its numbers out

ReadNumbers = Callable[[Sequence[str]], Numbers]


@dataclass(frozen=True, slots=True)
class Asking:
    """How whoever has a list read can say more of it, and what it comes to that it is not taken."""

    column: str
    country: str
    wrong_column: str
    comes_to: str


BY_CAMPAIGN = Asking(
    "name it in dnc with `column:`", "set contacts.country", "which dnc names", comes_to="nobody was dialled"
)
BY_COMMAND = Asking(
    "name it with --column",
    "name a campaign file with contacts.country",
    "which --column names",
    comes_to="nothing of it was taken",
)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a file holds: numbers in E.164 without the plus, rising, each once; and how many lines could not be read."""

    numbers: array[int]
    lines: int
    unreadable: int
    first: str = ""  # of these, where and why


def stamped(path: Path, how: str, known: str, now: float) -> str:
    """By what the file is known again, as text: its bytes and how it is read. Raises ListError if it is not there.

    Where nobody has touched the file since it had the `known` text, and `known` was read by the same `how`, not a byte
    is read. `now` is in epoch seconds.
    """
    _check_is_there(path)
    earlier = json.loads(known) if known else {}
    before = [FileStamp(**earlier["stamp"])] if earlier.get("stamp") and earlier.get("how") == _how(how) else []
    found, is_settled = stamps.stamp(path, before, now)
    return json.dumps({"how": _how(how), "digest": found.digest, "stamp": asdict(found) if is_settled else None})


def is_same(one: str, other: str) -> bool:
    """Whether two such texts tell of the same bytes, read in the same way."""
    first, second = ({} if not text else json.loads(text) for text in (one, other))
    return bool(first) and all(first[key] == second.get(key) for key in ("how", "digest"))


def _how(how: str) -> str:
    return f"{READER} {how}"


def check_age(path: Path, max_age: float | None, by_law: float | None, now: float) -> None:
    """Raises ListError where the file was written longer ago than the campaign, or the law, allows (seconds), or is
    dated so far ahead that its age is not known."""
    _check_is_there(path)
    limits = [(limit, who) for limit, who in ((max_age, "dnc.max_age allows"), (by_law, "the law allows")) if limit]
    if not limits:
        return
    limit, who = min(limits)
    age = now - path.stat().st_mtime
    if age < -MOST_AHEAD:
        raise ListError(
            f"{path}: this do-not-call list is dated {-age / 86400:.1f} days ahead, so that nobody can say how old it "
            "is, and its age matters here: set the clock right, or the file's date; nobody was dialled"
        )
    if age > limit:
        raise ListError(
            f"{path}: this do-not-call list was written {age / 86400:.1f} days ago, and {who} {limit / 86400:g}: "
            "put a newer copy in its place; nobody was dialled"
        )


def read(path: Path, column: str | None, read_numbers: ReadNumbers, asking: Asking = BY_CAMPAIGN) -> Listed:
    """The numbers of the file; `asking` tells in whose words a fault is told.

    `column` names the one that holds them; without it that is `phone`, `number`, or the only one. A file whose first
    line has no letters is text: one number a line, and what follows a # is passed over.

    Raises:
        ListError: it cannot be read, no column is known to hold the numbers, it holds none, or more than 1 % of its
            lines cannot be read.
    """
    _check_is_there(path)
    found = _Found()
    try:
        for lines, cells in _cells(path, column, asking):
            found.take(read_numbers(cells), lines, cells)
    except NotText as fault:  # a campaign says the encoding of its contacts, not of this
        raise ListError(f"{fault.told}; save it as UTF-8; {asking.comes_to}") from None
    listed = Listed(_rising(found.numbers), found.lines, found.unreadable, found.first)
    _check(path, listed, asking)
    return listed


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    numbers: array[int] = field(default_factory=lambda: array("q"))
    lines: int = 0
    unreadable: int = 0
    first: str = ""

    def take(self, read: Numbers, lines: Sequence[int], cells: Sequence[str]) -> None:
        self.lines += len(cells)
        self.numbers.extend(int(number[1:]) for number in read.e164 if number)
        bad = [at for at, number in enumerate(read.e164) if not number]
        self.unreadable += len(bad)
        if bad and not self.first:
            at = bad[0]
            why = read.faults[at].why if at in read.faults else "it holds no number"
            self.first = f"line {lines[at]}: {shown(cells[at])!r}: {why}"


def _rising(numbers: array[int]) -> array[int]:
    return array("q", (number for number, _ in groupby(sorted(numbers))))


def _check(path: Path, listed: Listed, asking: Asking) -> None:
    if not listed.numbers:
        told = f" ({listed.first})" if listed.first else ""
        raise ListError(
            f"{path}: this do-not-call list holds no number that can be read{told}: put the whole list in its "
            f"place, or mend it; {asking.comes_to}"
        )
    if listed.unreadable > MOST_UNREADABLE * listed.lines:
        raise ListError(
            f"{path}: {listed.unreadable} of {listed.lines} lines of this do-not-call list cannot be read "
            f"({listed.first}), more than {MOST_UNREADABLE:.0%}: mend it, or, if another column holds the numbers, "
            f"{asking.column}, or, if they are written without a plus, {asking.country}; {asking.comes_to}"
        )


def _check_is_there(path: Path) -> None:
    if not path.is_file():
        raise ListError(f"{path}: there is no such do-not-call list; correct dnc, or put it there; nobody was dialled")


# --- cells -------------------------------------------------------------------------------------------

_Cells = Iterator[tuple[Sequence[int], Sequence[str]]]


def _cells(path: Path, column: str | None, asking: Asking) -> _Cells:
    """The cells with numbers, some thousands at once, with their lines; cells that are empty are none."""
    if kind(path) is Kind.PARQUET:
        from dialer.contacts import parquet_list  # only here: pyarrow takes a while

        name = _column(path, parquet_list.columns(path), column, asking)
        return _filled(parquet_list.pieces(path, _rules(path, name), _AT_ONCE), name)
    if column is None and _is_text(path):
        return _lines(path)
    name = _column(path, csv_list.columns(path, _rules(path, "")), column, asking)
    return _filled(csv_list.pieces(path, _rules(path, name), _AT_ONCE), name)


def _rules(path: Path, column: str) -> ListRules:
    return ListRules((path,), phone=(column,))


def _filled(pieces: Iterator[Piece], column: str) -> _Cells:
    """A row that is not whole is read as it stands, and most likely cannot be; nor can a cell that is empty."""
    for piece in pieces:
        if piece.rejects:
            yield [bad.line for bad in piece.rejects], [bad.value for bad in piece.rejects]
        yield piece.lines, list(map(str.strip, piece.columns[column].texts))


def _column(path: Path, columns: Sequence[str], asked: str | None, asking: Asking) -> str:
    told = f"its columns are {', '.join(map(shown, columns))}; {asking.comes_to}"
    if asked is not None and asked not in columns:
        raise ListError(f"{path}: there is no column {asked!r}, {asking.wrong_column}: name one that is there; {told}")
    if asked is not None or len(columns) == 1:
        return asked or columns[0]
    usual = [column for column in columns if column.casefold().replace(" ", "_") in _USUAL]
    if len(usual) == 1:
        return usual[0]
    raise ListError(
        f"{path}: it is not known which column of this do-not-call list holds the numbers: {asking.column}; {told}"
    )


def _is_text(path: Path) -> bool:
    """Whether the first line that says anything is a number: a header has letters."""
    with decoded(path, None) as blocks:
        told = (_told(line) for block in blocks for line in block)
        first = next(filter(None, told), "")
    return bool(first) and not _LETTER.search(first)


def _lines(path: Path) -> _Cells:
    with decoded(path, None) as blocks:
        before = 1
        for block in blocks:
            cells = [_told(line) for line in block]
            lines = range(before, before + len(block))
            before += len(block)
            yield list(compress(lines, cells)), list(filter(None, cells))


def _told(line: str) -> str:
    """What a line of text says: its comment, its quotes and the comma inside its number are no part of that."""
    told = line.partition("#")[0].strip().strip('"').strip()
    parts = _IN_PARTS.fullmatch(told)
    return parts[1] + parts[2] if parts else told
