"""The files of a list as bytes: what they are, whether they can be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from io import BufferedReader
from pathlib import Path

from dialer.errors import ListError

READER = 2
"""Raised whenever the same bytes and rules would give other rows, so that lists are imported anew."""

MOST_ROWS = 20_000_000
"""Of one list: twice what dialer is made for. A Parquet file of a few KiB can say that it has a billion."""

MOST_UNPACKED = MOST_ROWS << 10
"""Bytes that one packed file may come to: a KiB for each row. A gzip file of 20 MB, or a Parquet file of one text and
many rows, can be made to come to as much and more, and would be read for hours."""

_PARQUET = b"PAR1"
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


class Kind(Enum):
    """How a file of a list is read; told by its content, a name can lie."""

    CSV = "csv"
    PARQUET = "parquet"


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """The file, open for reading. Raises ListError in one sentence if it is not there or not a file."""
    try:
        handle = path.open("rb")
    except FileNotFoundError:
        raise ListError(f"{path}: there is no such file; correct contacts.file or put the list there") from None
    except IsADirectoryError:
        raise ListError(f"{path}: this is a directory, not a list; name a file in contacts.file") from None
    except OSError as refusal:
        raise ListError(f"{path}: the file cannot be opened ({refusal.strerror}); see that it may be read") from None
    with handle:
        yield handle


def kind(path: Path) -> Kind:
    """Whether this is Parquet or CSV. Raises ListError for an empty file and for workbooks."""
    with opened(path) as handle:
        start = handle.read(4)
    if not start:
        raise ListError(f"{path}: the file is empty; it needs a header line and rows")
    if start in _WORKBOOKS:
        raise ListError(f"{path}: this is a workbook or an archive, not a list; save it as CSV (UTF-8) or Parquet")
    if start == _PARQUET:
        return Kind.PARQUET
    if path.suffix.lower() in (".parquet", ".pq"):
        raise ListError(f"{path}: this is not a Parquet file, whatever its name; write it again or rename it")
    return Kind.CSV
