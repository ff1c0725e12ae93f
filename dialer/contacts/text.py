"""From the bytes of a CSV file to its text: gzip, marks, encodings, and where a wrong one shows."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dialer.contacts.files import opened
from dialer.errors import ListError

_GZIP = b"\x1f\x8b"
_BLOCK = 64 * 1024
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_Content = io.BufferedReader | gzip.GzipFile


@contextmanager
def decoded(path: Path, encoding: str | None) -> Iterator[Iterator[str]]:
    """The file's lines with their ends untouched. UTF-8, or what its mark says, unless `encoding` is given.

    Whatever goes wrong while bytes become text, inside the block as well, is raised as a ListError.
    """
    with _unzipped(path) as content, _faults(path):
        name = _encoding(path, content, encoding)
        try:
            yield io.TextIOWrapper(content, name, newline="")
        except UnicodeDecodeError:
            raise _undecodable(path, name, is_given=encoding is not None) from None


@contextmanager
def _unzipped(path: Path) -> Iterator[_Content]:
    with opened(path) as handle:
        start = handle.read(len(_GZIP))
        handle.seek(0)
        if start != _GZIP:
            yield handle
            return
        with gzip.GzipFile(fileobj=handle) as content:
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
    name = encoding.removesuffix("-sig").upper()
    advice = (
        "correct contacts.encoding" if is_given else "set contacts.encoding to what it is, such as cp1252 or utf-16"
    )
    return ListError(f"{path}: line {line}, byte {offset}: this is not {name} text; {advice}")


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
