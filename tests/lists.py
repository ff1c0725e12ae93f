"""Small lists on disk for the tests of contacts: files, rules, and all that a list gives."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dialer.contacts import read
from dialer.model import CallRules, ListRules, Reject, Row
from dialer.places import NumberReader

CALL = CallRules(("+14155550100",))


@dataclass(frozen=True)
class Given:
    """All that a list gave."""

    rows: list[Row]
    rejects: list[Reject]
    chunks: int

    @property
    def data(self) -> list[dict[str, Any]]:
        return [json.loads(row.data) for row in self.rows]

    @property
    def reasons(self) -> list[tuple[int, str, str]]:
        """Line, column and reason of each reject."""
        return [(reject.line, reject.column, reject.reason.value) for reject in self.rejects]


def rules(*files: Path, **others: Any) -> ListRules:
    return ListRules(files, **{"country": "US", **others})


def taken(list_rules: ListRules, call: CallRules = CALL, chunk_rows: int = 20_000) -> Given:
    """The whole list, read with the real number reader."""
    chunks = list(read(list_rules, call, NumberReader(list_rules.country).column, chunk_rows))
    rows = [row for chunk in chunks for row in chunk.rows]
    return Given(rows, [reject for chunk in chunks for reject in chunk.rejects], len(chunks))


def as_csv(rows: Iterable[Sequence[str]], delimiter: str = ",", line_end: str = "\r\n") -> str:
    # With a line end of its own the writer leaves a lone carriage return without quotes, so all cells get them.
    text = io.StringIO(newline="")
    if line_end == "\r\n":
        csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    else:
        csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def write_parquet(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    pq.write_table(pa.table(columns), path, **options)
    return path
