"""Files of results: whole or not at all, and what is read back is what was stored."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import DialerError, ExitCode, UsageError
from dialer.export import RESULT_COLUMNS, as_text, check_target, export, guarded, result_columns
from dialer.export.table import line
from dialer.model.plain import shown

pytestmark = pytest.mark.slow

LIST = ("phone", "name", "amount")
RECORD: dict[str, Any] = dict.fromkeys(RESULT_COLUMNS) | {
    "campaign": "reminders",
    "id": "+14155550123",
    "phone": "+14155550123",
    "state": "done",
    "attempts": 2,
    "duration_seconds": 61,
    "transcript": '[{"role": "agent", "content": "Grüß Gott,\\n=1+1"}]',
    "detail": "user_ended_call",
    "row": '{"phone": "+1 415 555 0123", "name": "=HYPERLINK(1)", "amount": 12.50, "unlisted": 1}',
    "updated_at": "2026-11-23T14:00:00.000Z",
}


def rows(*records: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return iter(records)


def read_csv(path: Path) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_columns_are_those_that_are_promised(tmp_path: Path) -> None:
    export(rows(), result_columns(LIST), tmp_path / "r.csv")
    assert (tmp_path / "r.csv").read_bytes() == (
        b"campaign,id,phone,state,attempts,finish_reason,call_status,call_id,platform_id,from_number,ai_agent_id,"
        b"started_at,ended_at,duration_seconds,recording_url,transcript,due_at,detail,rule,rule_version,"
        b"row.phone,row.name,row.amount\n"
    )


def test_csv_of_one_contact(tmp_path: Path) -> None:
    assert export(rows(RECORD), result_columns(LIST), tmp_path / "r.csv") == 1
    head, cells = read_csv(tmp_path / "r.csv")
    told = dict(zip(head, cells, strict=True))
    assert told["phone"] == "+14155550123"
    assert told["attempts"] == "2"
    assert told["finish_reason"] == ""
    assert told["transcript"] == RECORD["transcript"]
    assert told["row.phone"] == "'+1 415 555 0123"  # blanks make a sum of it for a spreadsheet
    assert told["row.name"] == "'=HYPERLINK(1)"
    assert told["row.amount"] == "12.5"


def test_jsonl_keeps_the_types_of_json(tmp_path: Path) -> None:
    export(rows(RECORD, RECORD), result_columns(LIST), tmp_path / "r.jsonl")
    first, second = (json.loads(line) for line in (tmp_path / "r.jsonl").read_text("utf-8").splitlines())
    assert first == second
    assert tuple(first) == result_columns(LIST)
    assert first["transcript"] == [{"role": "agent", "content": "Grüß Gott,\n=1+1"}]
    assert (first["row.amount"], first["row.name"], first["finish_reason"]) == (12.5, "=HYPERLINK(1)", None)


def test_parquet_has_text_and_whole_numbers(tmp_path: Path) -> None:
    assert export(rows(RECORD, RECORD | {"attempts": 0}), result_columns(LIST), tmp_path / "r.parquet") == 2
    table = pq.read_table(tmp_path / "r.parquet")
    assert table.column_names == list(result_columns(LIST))
    types = {field.name: str(field.type) for field in table.schema}
    assert (types.pop("attempts"), types.pop("duration_seconds")) == ("int64", "int64")
    assert set(types.values()) == {"string"}
    assert table.column("attempts").to_pylist() == [2, 0]
    assert table.column("row.amount").to_pylist() == ["12.5", "12.5"]
    assert table.column("finish_reason").to_pylist() == [None, None]


def test_parquet_of_nobody_and_of_many(tmp_path: Path) -> None:
    assert export(rows(), result_columns(()), tmp_path / "none.parquet") == 0
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0
    many = ({"campaign": "c", "line": number} for number in range(12_001))
    assert export(many, ("campaign", "line"), tmp_path / "many.parquet") == 12_001
    assert pq.read_table(tmp_path / "many.parquet").column("line").to_pylist() == list(range(12_001))


# --- what is read back is what was stored ---

CELLS = (st.text(max_size=12) | st.text("\r\n\t,;\"' ab＝", max_size=8)).map(shown)
"""What is taken out of a cell is not looked at here."""


@given(cells=st.lists(CELLS, min_size=2, max_size=4))
def test_csv_read_back_is_what_was_stored(cells: list[str]) -> None:
    names = [f"c{number}" for number in range(len(cells))]
    out = io.BytesIO()
    data = json.dumps(dict(zip(names, cells, strict=True)))
    export(rows({"row": data}), [f"row.{name}" for name in names], "-", stdout=out)
    text = out.getvalue().decode("utf-8")
    _, told = csv.reader(io.StringIO(text, newline=""))
    assert [
        cell.removeprefix("'") if cell != stored else cell for cell, stored in zip(told, cells, strict=True)
    ] == cells
    assert all(cell == stored or stored[0] in "=+-@\t\n＝＋－＠" for cell, stored in zip(told, cells, strict=True))
    assert text.endswith("\n") and not text.endswith("\r\n")


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(' ,;"')), min_size=1)))
def test_lines_of_csv_are_those_of_the_csv_module(table: list[list[str]]) -> None:
    for cells in table:
        expected = io.StringIO(newline="")
        csv.writer(expected, lineterminator="\n").writerow(cells)
        assert line(cells) == expected.getvalue()


def test_rows_with_other_columns_than_the_list_have_theirs_in_their_places(tmp_path: Path) -> None:
    export(
        rows({"id": "a", "row": '{"x": 1, "y": 2}'}, {"id": "b", "row": '{"y": 2, "z": 3}'}, {"id": "c", "row": "{}"}),
        ["id", "row.x", "row.y"],
        tmp_path / "r.csv",
    )
    assert read_csv(tmp_path / "r.csv")[1:] == [["a", "1", "2"], ["b", "", "2"], ["c", "", ""]]


def test_half_a_character_is_written_as_its_code(tmp_path: Path) -> None:
    record = {"row": '{"name": "é\\ud83d"}'}
    export(rows(record), ["row.name"], tmp_path / "r.csv")
    export(rows(record), ["row.name"], tmp_path / "r.parquet")
    export(rows(record), ["row.name"], tmp_path / "r.jsonl")
    assert read_csv(tmp_path / "r.csv")[1] == ["é\\ud83d"]
    assert pq.read_table(tmp_path / "r.parquet").column(0).to_pylist() == ["é\\ud83d"]
    assert json.loads((tmp_path / "r.jsonl").read_text("utf-8")) == {"row.name": "é\\ud83d"}


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1＋1", "'＝1＋1"),
        ("＋1", "'＋1"),
        ("－1", "'－1"),
        ("＠SUM(A1)", "'＠SUM(A1)"),
        ("＋14155550123", "'＋14155550123"),
        ("+", "'+"),
        ("-", "'-"),
        ("+14155550123\n", "'+14155550123\n"),
        ("+1415555٠١٢٣", "'+1415555٠١٢٣"),
        ("+14155550123", "+14155550123"),
        ("-12", "-12"),
        ("-12.50", "-12.50"),
        ("-1e+16", "-1e+16"),
        ("1=1", "1=1"),
        ("a@b.test", "a@b.test"),
        ("", ""),
        ("'=1", "'=1"),
    ],
)
def test_the_guard_against_formulas(cell: str, written: str) -> None:
    assert guarded(cell) == written


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        ("", ""),
        ("NaN", "NaN"),
        (" x ", " x "),
        (True, "true"),
        (0, "0"),
        (12345678901234567890, "12345678901234567890"),
        (1.5, "1.5"),
        (["a", None], '["a", null]'),
        ({"é": 1}, '{"é": 1}'),
    ],
)
def test_a_value_as_a_cell(value: object, cell: str) -> None:
    assert as_text(value) == cell


# --- whole or not at all ---


@pytest.mark.parametrize("name", ["r.csv", "r.parquet", "r.jsonl"])
@pytest.mark.parametrize("failure", [DialerError("torn"), KeyboardInterrupt()])
def test_a_failure_leaves_the_old_file(tmp_path: Path, name: str, failure: BaseException) -> None:
    target = tmp_path / name
    target.write_bytes(b"old")

    def torn() -> Iterator[Mapping[str, Any]]:
        yield from [RECORD] * 6000
        assert len(list(tmp_path.iterdir())) == 2  # the draft stands beside its target
        raise failure

    with pytest.raises(type(failure)):
        export(torn(), result_columns(LIST), target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_is_told_and_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "r.csv"
    target.write_bytes(b"old")

    def full() -> Iterator[Mapping[str, Any]]:
        yield RECORD
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(DialerError, match=r"No space left on device.*still does"):
        export(full(), result_columns(LIST), target)
    assert target.read_bytes() == b"old"


def test_results_are_for_their_owner_alone(tmp_path: Path) -> None:
    target = tmp_path / "r.csv"
    target.touch(mode=0o644)
    export(rows(RECORD), result_columns(LIST), target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "r.csv")
    export(rows(RECORD), result_columns(LIST), tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert len(read_csv(tmp_path / "r.csv")) == 2


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("results.xlsx", r"end it in \.csv, \.parquet, \.jsonl"),
        ("results", r"end it in \.csv, \.parquet, \.jsonl"),
        ("nowhere/results.csv", "there is no folder .*nowhere"),
        ("folder.csv", "is a folder"),
    ],
)
def test_a_target_that_cannot_be_is_told_before_a_row_is_read(tmp_path: Path, target: str, said: str) -> None:
    (tmp_path / "folder.csv").mkdir()

    def untouched() -> Iterator[Mapping[str, Any]]:
        yield pytest.fail("a row was read")

    with pytest.raises(UsageError, match=said) as caught:
        export(untouched(), RESULT_COLUMNS, str(tmp_path / target))
    assert caught.value.code == ExitCode.USAGE


def test_endings_are_taken_in_any_case(tmp_path: Path) -> None:
    assert check_target(tmp_path / "R.CSV") is check_target("-")


# --- standard output ---


class Closed(io.BytesIO):
    """A pipe whose reader has gone."""

    def write(self, data: object) -> int:
        raise BrokenPipeError


def test_a_reader_who_has_had_enough_is_no_error() -> None:
    assert export(rows(RECORD, RECORD), RESULT_COLUMNS, "-", stdout=Closed()) == 0


def test_standard_output_of_a_process_that_is_cut(tmp_path: Path) -> None:
    script = "from dialer.export import export\nexport(({'id': str(n) * 50} for n in range(100_000)), ['id'], '-')\n"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "id\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


# --- memory ---


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, name: str) -> None:
    record = {"row": json.dumps({"text": "x" * 1000})}
    tracemalloc.start()
    try:
        export((record for _ in range(5000)), ["row.text"], tmp_path / name)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / name).stat().st_size > 5_000_000
    assert peak < 1_000_000
