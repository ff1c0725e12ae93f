"""How much a Parquet file may come to: known from its footer, and counted before any of it becomes Python text.

A text that many rows share stands in the file once, and so does what a text has in common with the one before it. So
a file of some KiB can come to more than any memory holds. Texts are therefore read as what they are in the file,
numbers into a dictionary, and only what is known to be small is written out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from dialer.contacts.files import MOST_ROWS, MOST_UNPACKED
from dialer.errors import ListError

_PIECE = 16 << 20
"""Bytes of text that are written out at once; a single row with more is not read at all."""

_DELTA_ROOM = 1 << 30
"""Bytes that one batch of a text column may come to whose texts are told by their differences (DELTA_BYTE_ARRAY)."""

_ADVICE = "look at what is in it, or write the list anew"


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that can be written out; or one row that cannot, with the position of its widest column."""

    rows: pa.RecordBatch
    is_whole: bool = True
    widest: int = 0


def check(path: Path, metadata: pq.FileMetaData) -> None:
    """Raises ListError for a file whose footer says that no list is so large."""
    if metadata.num_rows > MOST_ROWS:
        raise ListError(
            f"{path}: the Parquet file says that it has {metadata.num_rows:,} rows, more than the "
            f"{MOST_ROWS:,} of the longest list; make several campaigns of it, or {_ADVICE}"
        )
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups)
    if size > MOST_UNPACKED:
        raise _too_large(path)
    values = max((chunk.num_values for chunk in _chunks(metadata)), default=0)
    if values > MOST_ROWS:
        raise ListError(
            f"{path}: a column of the Parquet file has {values:,} values in one group of rows, more than "
            f"the {MOST_ROWS:,} that can be read at once; {_ADVICE}"
        )


def texts(metadata: pq.FileMetaData) -> list[str]:
    """The paths of the columns, nested ones too, whose texts can be read as numbers into a dictionary."""
    found: dict[str, bool] = {}
    for chunk in _chunks(metadata):
        if chunk.physical_type == "BYTE_ARRAY":
            has_deltas = any(encoding.startswith("DELTA") for encoding in chunk.encodings)
            found[chunk.path_in_schema] = found.get(chunk.path_in_schema, True) and not has_deltas
    return [path for path, can_be in found.items() if can_be]


def rows_at_once(metadata: pq.FileMetaData, rows: int) -> int:
    """How many rows, of at most so many, may be read at once where texts are told by their differences.

    Such a text is never longer than its whole column is in the file.
    """
    deltas = [chunk.total_uncompressed_size for chunk in _chunks(metadata) if "DELTA_BYTE_ARRAY" in chunk.encodings]
    return max(1, min(rows, _DELTA_ROOM // max(1, *deltas))) if deltas else rows


def parts(path: Path, batches: Iterable[pa.RecordBatch]) -> Iterator[Part]:
    """The batches in parts small enough to be written out. Raises ListError once they come to too much."""
    unpacked = 0
    for batch in batches:
        unpacked += _text_bytes(batch.columns)
        if unpacked > MOST_UNPACKED:
            raise _too_large(path)
        yield from _split(batch)


def _split(batch: pa.RecordBatch) -> Iterator[Part]:
    if batch.num_rows == 0:
        return
    if _text_bytes(batch.columns) <= _PIECE:
        yield Part(batch)
    elif batch.num_rows == 1:
        sizes = [_text_bytes([column]) for column in batch.columns]
        yield Part(batch, is_whole=False, widest=sizes.index(max(sizes)))
    else:
        half = batch.num_rows // 2
        yield from _split(batch.slice(0, half))
        yield from _split(batch.slice(half))


def _text_bytes(columns: Iterable[pa.Array]) -> int:
    """What the texts of these columns come to when they are written out, in bytes."""
    return sum(map(_size, columns))


def _size(column: pa.Array) -> int:
    kind = column.type
    if pt.is_dictionary(kind):
        if not _is_text(kind.value_type):
            return 0
        return pc.sum(pc.take(pc.binary_length(column.dictionary), column.indices)).as_py() or 0
    if _is_text(kind):
        return pc.sum(pc.binary_length(column)).as_py() or 0
    if pt.is_map(kind):
        return _size(column.keys) + _size(column.items)
    if pt.is_struct(kind) or pt.is_nested(kind):
        inner = column.flatten()
        return _text_bytes(inner) if pt.is_struct(kind) else _size(inner)
    return 0


def _is_text(kind: pa.DataType) -> bool:
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def _too_large(path: Path) -> ListError:
    return ListError(
        f"{path}: the Parquet file comes to more than {MOST_UNPACKED >> 30} GiB when it is unpacked, "
        f"which is no contact list; {_ADVICE}"
    )


def _chunks(metadata: pq.FileMetaData) -> Iterator[pq.ColumnChunkMetaData]:
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        yield from (row_group.column(at) for at in range(row_group.num_columns))
