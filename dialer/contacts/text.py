"""From the bytes of a list to its text: gzip, marks, encodings and where a wrong one shows; what a cell may hold.

A cell reaches the agent, terminals and files. So this is what becomes of a hostile one, in whichever kind of list:

- **taken out**, as `dialer.model.plain` says it: control characters but tab and newline, terminal sequences as a
  whole, characters that turn the direction of writing, invisible tags; line ends become newlines, and half a
  character U+FFFD. It is done before anything is looked for in the cell, and to the names of columns as well;
- **refused, the row alone**: a NUL byte, and a cell longer than 32 KiB;
- **refused, the list as a whole**: a line or a row without an end, and data that unpack to more than anybody's list.
"""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dialer.contacts.files import MOST_UNPACKED, opened
from dialer.errors import ListError

LONGEST_LINE = 32 << 20
"""In characters, of a physical line, and of a row that goes over several. A file without line ends is no list, and
would be held in memory as a whole to find that out. Twice the longest cell, so that an open quote is told as such."""

_GZIP = b"\x1f\x8b"
_BLOCK = 512 * 1024
"""In characters, or in bytes where a wrong one is looked for."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_Content = io.BufferedReader | gzip.GzipFile


class NotText(ListError):
    """Bytes of a list that are no text in its encoding; `told` says where, without the advice for a contact list."""

    def __init__(self, sentence: str, told: str = "") -> None:
        super().__init__(sentence)
        self.told = told


@contextmanager
def decoded(path: Path, encoding: str | None) -> Iterator[Iterator[list[str]]]:
    """The file's lines with their ends untouched, some thousands at once. UTF-8, or what its mark says, unless
    `encoding` is given.

    Whatever goes wrong while bytes become text, inside the block as well, is raised as a ListError.
    """
    with _unzipped(path) as content, _faults(path):
        name = _encoding(path, content, encoding)
        try:
            with io.TextIOWrapper(content, name, newline="") as text:
                yield _blocks(path, text)
        except UnicodeDecodeError:
            raise _undecodable(path, name, is_given=encoding is not None) from None


def _blocks(path: Path, text: io.TextIOWrapper) -> Iterator[list[str]]:
    line, rest = 1, ""
    while read := text.read(_BLOCK):
        rest += read
        if len(rest) >= LONGEST_LINE and len(_split(rest)[0]) >= LONGEST_LINE:
            raise _no_line_end(path, line)
        if "\n" not in read and "\r" not in read:
            continue
        lines = _split(rest)
        # A line that ends in a carriage return may go on with its newline in the next block.
        rest = "" if lines[-1].endswith("\n") else lines.pop()
        if lines:
            yield lines
            line += len(lines)
    if rest:
        yield _split(rest)


_NO_ENDS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
"""What `splitlines` takes for the end of a line, and the csv module does not."""


def _split(text: str) -> list[str]:
    if any(mark in text for mark in _NO_ENDS):
        return io.StringIO(text, newline="").readlines()
    return text.splitlines(keepends=True)


def _no_line_end(path: Path, line: int) -> ListError:
    return ListError(
        f"{path}: line {line} has not ended {LONGEST_LINE:,} characters later; this is no list, or its "
        "line ends are lost: write it again"
    )


class _Unpacked(gzip.GzipFile):
    """Counts what has been unpacked, and stops at the limit."""

    def __init__(self, path: Path, handle: io.BufferedReader) -> None:
        super().__init__(fileobj=handle)
        self._path = path

    def read(self, size: int | None = -1) -> bytes:
        return self._counted(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._counted(super().read1(size))

    def _counted(self, data: bytes) -> bytes:
        if self.tell() > MOST_UNPACKED:
            raise ListError(
                f"{self._path}: the gzip data come to more than {MOST_UNPACKED >> 30} GiB, which is no contact list; "
                "look at what is in the file, or split it and name the parts in contacts.file"
            )
        return data


@contextmanager
def _unzipped(path: Path) -> Iterator[_Content]:
    with opened(path) as handle:
        start = handle.read(len(_GZIP))
        handle.seek(0)
        if start != _GZIP:
            yield handle
            return
        with _Unpacked(path, handle) as content:
            yield content


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise ListError(f"{path}: the gzip data are cut off or damaged; copy or write the file again") from None
    except OSError as fault:
        raise ListError(f"{path}: the file cannot be read to its end ({fault.strerror}); copy it again") from None


def _encoding(path: Path, content: _Content, given: str | None) -> str:
    if given is None:
        start = content.peek(4)
        return next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")
    try:
        name = codecs.lookup(given).name
        io.TextIOWrapper(io.BytesIO(), name).close()
    except LookupError:
        raise ListError(f"{path}: contacts.encoding is {given!r}, which is no encoding; try utf-8 or cp1252") from None
    return "utf-8-sig" if name == "utf-8" else name


def _undecodable(path: Path, encoding: str, *, is_given: bool) -> ListError:
    line, offset = _where(path, encoding)
    told = f"{path}: line {line}, byte {offset}: this is not {encoding.removesuffix('-sig').upper()} text"
    line_or_option = (
        "`encoding: cp1252` under `contacts:` in the campaign file; `dialer init` takes it as --encoding cp1252"
    )
    advice = (
        "correct contacts.encoding, or the --encoding of `dialer init`"
        if is_given
        else f"save it as UTF-8, or set contacts.encoding to what it is ({line_or_option})"
    )
    return NotText(f"{told}; {advice}", told)


def _where(path: Path, encoding: str) -> tuple[int, int]:
    """The physical line and the byte (counted from 0, after gzip) at which the text cannot be decoded."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    line, offset, size = 1, 0, _BLOCK
    with _unzipped(path) as content:
        while True:
            before = decoder.getstate()
            data = content.read(size)
            try:
                line += decoder.decode(data, final=not data).count("\n")
            except UnicodeDecodeError as fault:
                if size == 1 or not data:
                    return line, offset + len(data) - len(fault.object) + fault.start
                # Once more, byte by byte, so that the line is known as well.
                decoder.setstate(before)
                content.seek(offset)
                size = 1
                continue
            offset += len(data)
