"""Results as files: CSV for a spreadsheet, Parquet for a data frame, JSON lines for a program.

A file appears whole or not at all: it is written beside its target, fsynced and renamed, readable by its owner
alone. Rows are taken one at a time, so memory does not grow with the campaign.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from dialer.errors import DialerError, UsageError
from dialer.export.cells import FOUND, INTEGERS, OWN, Row, as_text, guarded, picker, typed, unpacked, written
from dialer.export.table import write_csv

__all__ = [
    "ATTEMPT_COLUMNS",
    "REJECT_COLUMNS",
    "RESULT_COLUMNS",
    "STANDARD_OUTPUT",
    "as_text",
    "attempt_columns",
    "check_target",
    "export",
    "guarded",
    "replacing",
    "result_columns",
]

RESULT_COLUMNS = (
    "campaign",
    "id",
    "phone",
    "state",
    "attempts",
    "finish_reason",
    "call_status",
    "call_id",
    "platform_id",
    "from_number",
    "ai_agent_id",
    "started_at",
    "ended_at",
    "duration_seconds",
    "recording_url",
    "transcript",
    "due_at",
    "detail",
    "rule",
    "rule_version",
)
"""One row a contact; what was found in their last call, and their own columns, follow (see `result_columns`)."""

ATTEMPT_COLUMNS = (
    "campaign",
    "id",
    "phone",
    "serial",
    "state",
    "costs",
    "call_id",
    "platform_id",
    "from_number",
    "ai_agent_id",
    "intended_at",
    "placed_at",
    "started_at",
    "ended_at",
    "duration_seconds",
    "call_status",
    "finish_reason",
    "recording_url",
    "transcript",
    "error",
    "rule",
    "rule_version",
)
"""One row an attempt; what was found in the call follows (see `attempt_columns`)."""

REJECT_COLUMNS = ("campaign", "file", "line", "column", "value", "reason", "why")
"""One row a fault of the list."""

STANDARD_OUTPUT = "-"

_JSON_COLUMNS = frozenset({"transcript"})
_PARQUET_ROWS = 5000  # in one row group; with transcripts some 25 MB of text

Writer = Callable[[Iterator[Row], Sequence[str], BinaryIO], int]


def result_columns(list_columns: Iterable[str], found: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of an export of one row a contact, whose list has these columns; `found` are the names under which
    something was found in calls afterwards."""
    return (*RESULT_COLUMNS, *(FOUND + name for name in found), *(OWN + name for name in list_columns))


def attempt_columns(found: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of an export of one row an attempt; `found` is as above."""
    return (*ATTEMPT_COLUMNS, *(FOUND + name for name in found))


def export(rows: Iterator[Row], columns: Sequence[str], target: str | Path, *, stdout: BinaryIO | None = None) -> int:
    """Write the rows with these columns to a `.csv`, `.parquet` or `.jsonl` file, or as CSV to `-`.

    A row holds its values by column; columns `analysis.<name>`, and `row.<name>`,
    which come last, are found in its JSON texts `analysis` and `row`. Gives
    the number of rows written. `stdout` is where `-` goes (default: standard output); a reader who closes it early
    has had enough, and that is no error.

    Raises:
        UsageError: a kind of file that is not known, or a place where no file can be.
        DialerError: the file could not be written; what stood there before still does.
    """
    if str(target) == STANDARD_OUTPUT:
        return _to_output(rows, columns, stdout or sys.stdout.buffer)
    path = Path(target)
    write = check_target(path)
    try:
        with replacing(path) as out:
            return write(rows, columns, out)
    except OSError as error:
        raise _unwritable(path, error) from error


def check_target(target: str | Path) -> Writer:
    """The writer for a target, found before a row is read.

    Raises:
        UsageError: a kind of file that is not known, or a place where no file can be.
    """
    path = Path(target)
    write = _WRITERS.get(path.suffix.lower())
    if str(target) == STANDARD_OUTPUT:
        return write_csv
    if write is None:
        kinds = ", ".join(_WRITERS)
        raise UsageError(
            f"cannot tell from {str(path)!r} what to write: end it in {kinds}, or say - for standard output"
        )
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent} to write {path.name} into: make it, or name another place")
    return write


# --- where it goes -----------------------------------------------------------------------------------


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file beside the target that takes its place when all has gone well, and is gone when not.

    From its first byte it is readable by its owner alone, whatever the umask, and its name cannot be foreseen by
    whoever else may write into the folder. Raises OSError; what stood there before still does.
    """
    place = path.resolve()  # a link stays a link
    descriptor, name = tempfile.mkstemp(prefix=".export-", suffix=".part", dir=place.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        draft.replace(place)
        _sync_folder(place.parent)
    finally:
        draft.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> DialerError:
    return DialerError(
        f"{path} could not be written ({error.strerror or error}), and what stood there before still does: "
        "make room or name another file after -o"
    )


def _to_output(rows: Iterator[Row], columns: Sequence[str], stdout: BinaryIO) -> int:
    written = _Counted(rows)
    try:
        write_csv(written, columns, stdout)
        stdout.flush()
    except BrokenPipeError:
        # What the interpreter flushes at its end would meet the closed pipe again.
        with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), stdout.fileno())
    except OSError as error:
        raise DialerError(f"standard output could not be written ({error.strerror or error}): make room") from error
    return written.count


class _Counted(Iterator[Row]):
    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __next__(self) -> Row:
        row = next(self._rows)
        self.count += 1
        return row


# --- the three kinds of file -------------------------------------------------------------------------


def _write_jsonl(rows: Iterator[Row], columns: Sequence[str], out: BinaryIO) -> int:
    count, pick = 0, picker(columns)
    for row in rows:
        values = dict(zip(columns, pick(row), strict=True))
        for name in _JSON_COLUMNS & values.keys():
            values[name] = unpacked(values[name])
        out.write(_json_line(values).encode() + b"\n")
        count += 1
    return count


def _json_line(values: Mapping[str, Any]) -> str:
    line = json.dumps(values, ensure_ascii=False)
    if line.isprintable() and "\\u" not in line:
        return line
    return json.dumps(_plain(values), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value of JSON, its texts without what commands a terminal."""
    if isinstance(value, str):
        return written(value)
    if isinstance(value, Mapping):
        return {written(name): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _write_parquet(rows: Iterator[Row], columns: Sequence[str], out: BinaryIO) -> int:
    import pyarrow as pa  # only here: it takes a third of a second
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.int64() if name in INTEGERS else pa.string()) for name in columns])
    count, pick = 0, picker(columns)
    with pq.ParquetWriter(out, schema) as writer:
        while batch := [_cells(pick(row), columns) for row in islice(rows, _PARQUET_ROWS)]:
            arrays = [
                pa.array(cells, field.type) for cells, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(batch)
    return count


def _cells(values: Sequence[Any], columns: Sequence[str]) -> list[int | str | None]:
    return [typed(name, value) for name, value in zip(columns, values, strict=True)]


_WRITERS: Mapping[str, Writer] = {".csv": write_csv, ".parquet": _write_parquet, ".jsonl": _write_jsonl}
