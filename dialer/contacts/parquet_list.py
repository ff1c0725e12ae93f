"""Parquet files as pieces: JSON values with their types, and the same cells as text.

The line of a row is its number plus one, as if a header were line 1. Text, whole numbers, floats, truth
values, lists and structs keep their JSON types; dates and times become ISO 8601 text (aware instants in
UTC), decimals text; a null, NaN or infinite float is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from dialer.contacts import header, parquet_limits
from dialer.contacts.files import opened
from dialer.contacts.rows import EMPTY, LONGEST_CELL, Column, Piece, text_column, too_long
from dialer.errors import ListError
from dialer.model import JSON, ListRules
from dialer.model.plain import plain

# Arrow's own allocators keep what is given back to them, some 30 MB by the end of a list; the system's does not.
pa.set_memory_pool(pa.system_memory_pool())

_BUFFER = 1024 * 1024
_USUAL = 6_000
"""Rows that are read at once where nothing asks for more or fewer: what is made of them is in memory at once."""


def columns(path: Path) -> tuple[str, ...]:
    """The top-level columns. Raises ListError for a file that is not whole, or whose bytes are no text."""
    with _faults(path), _opened(path, _metadata(path), ()) as file:
        return _columns(path, file.schema_arrow)


def pieces(path: Path, rules: ListRules, rows: int) -> Iterator[Piece]:
    """The file in pieces of at most so many rows. Raises ListError."""
    with _faults(path), _parquet(path, rows) as (file, at_once):
        schema = file.schema_arrow
        names = _columns(path, schema)
        for column in (*rules.phone, *(() if rules.id is None else (rules.id,))):
            _check_identity(path, column, _plain_type(schema.field(names.index(column)).type))
        line = 2
        for part in parquet_limits.parts(path, _batches(file, at_once)):
            if part.is_whole:
                yield _piece(path, names, part.rows, line)
            else:
                yield _endless(path, names, part, line)
            line += part.rows.num_rows


def _batches(file: pq.ParquetFile, rows: int) -> Iterator[pa.RecordBatch]:
    """At most so many rows at once; of one group, where a column is nested: Arrow cannot join the texts of several."""
    every = range(file.metadata.num_row_groups)
    is_nested = any(map(pt.is_nested, file.schema_arrow.types))
    for groups in ([group] for group in every) if is_nested else [list(every)]:
        yield from file.iter_batches(rows, groups, use_threads=False)


def _endless(path: Path, names: tuple[str, ...], part: parquet_limits.Part, line: int) -> Piece:
    """A single row with so much text that it is not even looked at."""
    reject = too_long(path.name, line, names[part.widest])
    return Piece(path.name, (), dict.fromkeys(names, EMPTY), (reject,))


@contextmanager
def _parquet(path: Path, rows: int) -> Iterator[tuple[pq.ParquetFile, int]]:
    """The file, and how many of its rows, of at most so many, may be read at once."""
    metadata = _metadata(path)
    texts = parquet_limits.texts(metadata)
    with _opened(path, metadata, texts) as file:
        short = parquet_limits.short_texts(file, texts)
    long = [name for name in texts if name not in short]
    with _opened(path, metadata, long) as file:
        # Texts in a dictionary are counted by the batch: the larger it is, the sooner it is known to be too much.
        yield file, parquet_limits.rows_at_once(metadata, rows if long else min(rows, _USUAL), short.values())


def _metadata(path: Path) -> pq.FileMetaData:
    with opened(path):
        pass
    metadata = pq.read_metadata(path)
    parquet_limits.check(path, metadata)
    return metadata


def _opened(path: Path, metadata: pq.FileMetaData, dictionaries: Sequence[str]) -> pq.ParquetFile:
    return pq.ParquetFile(
        path,
        metadata=metadata,
        read_dictionary=dictionaries,
        buffer_size=_BUFFER,
        pre_buffer=False,  # or else the bytes of the whole file are in memory by its end
        page_checksum_verification=True,
    )


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as fault:
        first = str(fault).splitlines()[0]
        raise ListError(f"{path}: the Parquet file is cut off or damaged ({first}); write it again") from None


def _columns(path: Path, schema: pa.Schema) -> tuple[str, ...]:
    for field in schema:
        if _has_bytes(field.type):
            raise ListError(f"{path}: the column {field.name!r} holds raw bytes; write it as text or take it out")
    return header.names(path, schema.names)


def _has_bytes(kind: pa.DataType) -> bool:
    bare = _plain_type(kind)
    if pt.is_nested(bare):
        return any(_has_bytes(bare.field(at).type) for at in range(bare.num_fields))
    return bool(pt.is_binary(bare) or pt.is_large_binary(bare) or pt.is_fixed_size_binary(bare))


def _plain_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pt.is_dictionary(kind) else kind


def _check_identity(path: Path, column: str, kind: pa.DataType) -> None:
    """Small floats have lost digits and other types have none: the wrong person would be rung."""
    if pt.is_float16(kind) or pt.is_float32(kind):
        raise ListError(f"{path}: the column {column!r} holds {kind} floats, too small for a number; write it as text")
    if _is_text(kind) or pt.is_integer(kind) or pt.is_float64(kind) or pt.is_decimal(kind) or pt.is_null(kind):
        return
    raise ListError(f"{path}: the column {column!r} holds {kind} values; a number or an id is text or a whole number")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def _piece(path: Path, names: tuple[str, ...], batch: pa.RecordBatch, line: int) -> Piece:
    columns = dict(zip(names, map(_column, batch.columns), strict=True))
    return Piece(path.name, range(line, line + batch.num_rows), columns)


def _column(column: pa.Array) -> Column:
    if pt.is_dictionary(column.type):
        column = column.dictionary_decode()
    cells, kind = _cells(column), column.type
    if _is_text(kind):
        return _of_texts(cells, column)
    if pt.is_integer(kind) or pt.is_boolean(kind) or pt.is_null(kind):
        return Column(cells, list(map(_text, cells)))
    return Column(list(map(_value, cells)), list(map(_text, cells)))


def _of_texts(cells: list[str | None], column: pa.Array) -> Column:
    if column.null_count == 0:
        return text_column(cast("list[str]", cells), are_short=parquet_limits.longest(column) <= LONGEST_CELL)
    texts = text_column(["" if cell is None else cell for cell in cells])
    return Column([None if cell is None else text for cell, text in zip(cells, texts.texts, strict=True)], texts.texts)


def _cells(column: pa.Array) -> list[Any]:
    if pt.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    if pt.is_float16(column.type) or pt.is_float32(column.type):
        # By way of its shortest text, so that 0.1 stays 0.1 and does not become 0.10000000149011612.
        column = column.cast(pa.float32()).cast(pa.string()).cast(pa.float64())
    return list(column.to_pylist())


def _value(cell: object) -> JSON:
    """A cell of any Parquet type as a JSON value."""
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, str):
        return plain(cell)
    if cell is None or isinstance(cell, int):
        return cell
    if isinstance(cell, Mapping):
        return {plain(str(key)): _value(each) for key, each in cell.items()}
    if isinstance(cell, list | tuple):
        return [_value(each) for each in cell]
    return _moment(cell)


def _moment(cell: object) -> str:
    if isinstance(cell, timedelta):
        import pandas as pd  # only here: it takes half a second and 40 MB, and hardly any list has durations

        return pd.Timedelta(cell).isoformat()
    if isinstance(cell, datetime) and cell.tzinfo is not None:
        return cell.astimezone(UTC).isoformat()
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


def _text(cell: object) -> str:
    """A cell as the text that a CSV file would have; a whole float or decimal is read as a whole number."""
    if isinstance(cell, str):
        return cell
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    if isinstance(cell, float | Decimal):
        return str(int(cell)) if cell == int(cell) else str(cell)
    value = _value(cell)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
