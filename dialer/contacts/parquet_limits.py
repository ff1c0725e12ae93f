"""How much a Parquet file may come to: known from its footer, and counted before any of it becomes Python text.

A text that many rows share stands in the file once, and so does what a text has in common with the one before it. So
a file of some KiB can come to more than any memory holds. The texts that can be shared are a chunk's dictionary, which
the first row of the chunk brings along: where all of them are short, the column is read as text. Where they are not,
or cannot be known, it is read as what it is in the file, numbers into a dictionary, and only what is known to be small
is written out.
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

_SHORT = 1 << 10
"""Bytes of a text that may be written out for each row, whatever the row's other columns hold."""

_ROOM = 64 << 20
"""Bytes that the texts of one batch may come to."""

_SMALL_GROUP = 4_000
"""Rows, on average. Smaller groups are not looked at one by one, which begins to read each column of each."""

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


def short_texts(file: pq.ParquetFile, paths: Iterable[str]) -> dict[str, int]:
    """Of these columns those that can be read as texts, with the bytes of the longest that rows may share.

    `file` reads all of them into dictionaries. A chunk that has a dictionary and whose first row does not show it,
    for its first page does without, may have anything in it. What rows do not share stands in the file for each.
    """
    if file.metadata.num_rows < _SMALL_GROUP * file.metadata.num_row_groups:
        return {}
    sizes = dict.fromkeys(set(paths).intersection(file.schema_arrow.names), 0)
    for group in range(file.metadata.num_row_groups):
        has_dictionary = _with_dictionary(file.metadata.row_group(group))
        for name in sizes:
            shared = _shared(file, group, name)
            is_known = name not in has_dictionary or len(shared) > 1
            sizes[name] = max(sizes[name], longest(shared) if is_known else _SHORT + 1)
    return {name: size for name, size in sizes.items() if size <= _SHORT}


def _shared(file: pq.ParquetFile, group: int, name: str) -> pa.Array:
    """The texts that the first row of this chunk brings along; a column at a time, so that only its own are held."""
    batch = next(file.iter_batches(1, [group], [name], use_threads=False), None)
    return pa.array([], pa.string()) if batch is None else batch.column(0).dictionary


def _with_dictionary(group: pq.RowGroupMetaData) -> set[str]:
    chunks = [group.column(at) for at in range(group.num_columns)]
    return {chunk.path_in_schema for chunk in chunks if chunk.has_dictionary_page}


def longest(texts: pa.Array) -> int:
    """Bytes of the longest of these texts."""
    return pc.max(pc.binary_length(texts)).as_py() or 0


def rows_at_once(metadata: pq.FileMetaData, rows: int, shared: Iterable[int] = ()) -> int:
    """How many rows, of at most so many, may be read at once.

    Where texts are told by their differences, each may be as long as its whole column is in the file; `shared` are
    the longest texts of those columns that are read as texts.
    """
    deltas = [chunk.total_uncompressed_size for chunk in _chunks(metadata) if "DELTA_BYTE_ARRAY" in chunk.encodings]
    most = min(rows, _ROOM // max(1, sum(shared)))
    return max(1, min(most, _DELTA_ROOM // max(1, *deltas)) if deltas else most)


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
