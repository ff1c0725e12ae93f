"""Parquet lists: JSON values with their types, numbers and ids from several types, faults of the file."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.contacts import columns, parquet_limits, parquet_list
from dialer.errors import ListError
from tests.lists import as_csv, rules, taken, write, write_parquet
from tests.test_contacts_csv import tables

pytestmark = pytest.mark.slow

EAST = timezone(timedelta(hours=2))
NOON = datetime(2026, 11, 22, 12, 30, 15, 250_000)  # noqa: DTZ001 - a Parquet column of naive times


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["a", None, ""]), ["a", None, ""]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.array([1, None, 3]).dictionary_encode(), [1, None, 3]),
        (pa.array([2**53 + 1, None, -1], pa.int64()), [2**53 + 1, None, -1]),
        (pa.array([2**64 - 1, 0, None], pa.uint64()), [2**64 - 1, 0, None]),
        (pa.array([1.5, float("nan"), float("inf")]), [1.5, None, None]),
        (pa.array([0.1, None, 1e30], pa.float32()), [0.1, None, 1e30]),
        (pa.array([True, None, False]), [True, None, False]),
        (pa.array([None, None, None]), [None, None, None]),
        (pa.array([Decimal("12.50"), None, Decimal("-0.01")]), ["12.50", None, "-0.01"]),
        (pa.array([date(2026, 11, 22), None, date(1, 1, 1)]), ["2026-11-22", None, "0001-01-01"]),
        (pa.array([time(9, 30), None, time(0)]), ["09:30:00", None, "00:00:00"]),
        (pa.array([NOON] * 3, pa.timestamp("ms")), ["2026-11-22T12:30:15.250000"] * 3),
        (pa.array([NOON.replace(tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")), ["2026-11-22T12:30:15.250000+00:00"] * 3),
        (
            pa.array([NOON.replace(tzinfo=EAST)] * 3, pa.timestamp("us", "Europe/Helsinki")),
            ["2026-11-22T10:30:15.250000+00:00"] * 3,
        ),
        (pa.array([1] * 3, pa.timestamp("ns")), ["1970-01-01T00:00:00.000000001"] * 3),
        (pa.array([timedelta(minutes=90)] * 3), ["P0DT1H30M0S"] * 3),
        (pa.array([["a", "b"], [], None]), [["a", "b"], [], None]),
        (pa.array([["one"], ["two"], ["three"]]), [["one"], ["two"], ["three"]]),
        (pa.array([{"a": 1, "b": [NOON]}] * 3), [{"a": 1, "b": ["2026-11-22T12:30:15.250000"]}] * 3),
        (pa.array([[1.5, float("nan")]] * 3), [[1.5, None]] * 3),
    ],
    ids=str,
)
def test_values_keep_their_json_types(tmp_path: Path, column: Any, expected: list[Any]) -> None:
    path = write_parquet(tmp_path / "people.parquet", {"phone": ["+14155550123"] * 3, "value": column})
    found = taken(rules(path))
    assert [row["value"] for row in found.data] == expected
    assert [row.line for row in found.rows] == [2, 3, 4]


PHONES = [
    pa.array([14155550123, 14155550124, None]),
    pa.array([14155550123.0, 14155550124.0, float("nan")]),
    pa.array(["+1 415 555 0123", "14155550124", None]),
    pa.array(["14155550123", "14155550124", " "]).dictionary_encode(),
    pa.array([Decimal("14155550123.00"), Decimal("14155550124.00"), None]),
    pa.array(["14155550123", "14155550124", None], pa.large_string()),
]


@pytest.mark.parametrize("phones", PHONES, ids=lambda column: str(column.type))
def test_numbers_are_read_from_text_and_from_whole_numbers(tmp_path: Path, phones: Any) -> None:
    found = taken(rules(write_parquet(tmp_path / "people.parquet", {"phone": phones})))
    assert [row.person for row in found.rows] == ["+14155550123", "+14155550124"]
    assert found.reasons == [(4, "phone", "no_number")]


@pytest.mark.parametrize("ids", [pa.array([7, 8, None]), pa.array([7.0, 8.0, float("nan")]), pa.array(["7", " 8", ""])])
def test_ids_are_read_from_text_and_from_whole_numbers(tmp_path: Path, ids: Any) -> None:
    columns = {"phone": ["+14155550123", "+14155550124", "+14155550125"], "id": ids}
    found = taken(rules(write_parquet(tmp_path / "people.parquet", columns), id="id"))
    assert [row.person for row in found.rows] == ["7", "8"]
    assert found.reasons == [(4, "id", "no_id")]


def test_a_fraction_is_no_number(tmp_path: Path) -> None:
    found = taken(rules(write_parquet(tmp_path / "people.parquet", {"phone": [4155550123.5]})))
    assert found.reasons == [(2, "phone", "invalid_number")]


@pytest.mark.parametrize(
    ("column", "is_empty"),
    [(pa.array([None], pa.int64()), True), (pa.array([" "]), True), (pa.array([0]), False), (pa.array([False]), False)],
)
def test_a_required_null_is_empty_and_a_zero_is_not(tmp_path: Path, column: Any, is_empty: bool) -> None:
    path = write_parquet(tmp_path / "people.parquet", {"phone": ["+14155550123"], "amount": column})
    expected = [(2, "amount", "required_empty")] if is_empty else []
    assert taken(rules(path, required=("amount",))).reasons == expected


def test_lines_go_on_over_row_groups_and_chunks(tmp_path: Path) -> None:
    phones = [f"+1415555{n:04d}" for n in range(10)]
    path = write_parquet(tmp_path / "people.parquet", {"phone": phones}, row_group_size=4)
    found = taken(rules(path), chunk_rows=3)
    assert [row.line for row in found.rows] == list(range(2, 12))
    assert found.chunks > 2


def test_long_cells_and_nul_bytes_are_rejects(tmp_path: Path) -> None:
    columns = {"phone": ["+14155550123"] * 3, "note": ["x" * 40_000, "a\0b", "fine"]}
    found = taken(rules(write_parquet(tmp_path / "people.parquet", columns)))
    assert found.reasons == [(2, "note", "cell_too_long"), (3, "note", "nul_byte")]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables(), st.booleans())
def test_text_gives_the_same_data_from_parquet_and_from_csv(
    tmp_path: Path, written: list[list[str]], is_encoded: bool
) -> None:
    header, rows = written[0], written[1:]
    columns = {name: pa.array(cells) for name, cells in zip(header, zip(*rows, strict=True), strict=True)}
    if is_encoded:
        columns = {name: column.dictionary_encode() for name, column in columns.items()}
    from_parquet = taken(rules(write_parquet(tmp_path / "any.parquet", columns)))
    from_csv = taken(rules(write(tmp_path / "any.csv", as_csv(written)), delimiter=","))
    assert [row.data for row in from_parquet.rows] == [row.data for row in from_csv.rows]
    assert [row.data for row in from_csv.rows] == [
        json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False, separators=(",", ":")) for row in rows
    ]


# --- faults of the file --------------------------------------------------------------------------


def _cut(path: Path, size: int) -> Path:
    return write(path, path.read_bytes()[:size])


def test_a_cut_file_is_told(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "people.parquet", {"phone": ["+14155550123"] * 500})
    with pytest.raises(ListError, match="Parquet file is cut off or damaged"):
        taken(rules(_cut(path, path.stat().st_size - 10)))
    with pytest.raises(ListError, match="Parquet file is cut off or damaged"):
        columns(rules(_cut(path, 6)))


def test_a_damaged_page_is_told(tmp_path: Path) -> None:
    phones = [f"+1415555{n:04d}" for n in range(5000)]
    options = {"use_dictionary": False, "compression": "none", "write_page_checksum": True}
    path = write_parquet(tmp_path / "people.parquet", {"phone": phones}, **options)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    with pytest.raises(ListError, match="Parquet file is cut off or damaged"):
        taken(rules(write(path, bytes(content))))


def test_what_is_not_parquet_is_told(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="not a Parquet file, whatever its name"):
        taken(rules(write(tmp_path / "people.parquet", "phone\n+14155550123\n")))


def test_a_parquet_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "people.csv", {"phone": ["+14155550123"]})
    assert len(taken(rules(path)).rows) == 1


def test_columns_twice_are_told(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["1"]), pa.array(["2"])], names=["phone", "phone"])
    pq.write_table(table, tmp_path / "people.parquet")
    with pytest.raises(ListError, match="two columns 'phone'"):
        columns(rules(tmp_path / "people.parquet"))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"phone": pa.array([], pa.string())}, "a header and no rows"),
        ({"phone": pa.array([14155550123.0], pa.float32())}, "'phone' holds float floats, too small"),
        ({"phone": pa.array([NOON])}, r"'phone' holds timestamp\[us\] values; a number or an id is text"),
        ({"phone": pa.array([["+14155550123"]])}, "'phone' holds list<.*> values; a number or an id is text"),
        ({"phone": pa.array([True])}, "'phone' holds bool values"),
        ({"phone": ["1"], "photo": pa.array([b"x"])}, "'photo' holds raw bytes"),
        ({"phone": ["1"], "photo": pa.array([[b"x"]])}, "'photo' holds raw bytes"),
        ({"phone": ["1"], "photo": pa.array([{"x": b"x"}])}, "'photo' holds raw bytes"),
    ],
)
def test_columns_that_cannot_be_used_are_told(tmp_path: Path, columns: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ListError, match=sentence):
        taken(rules(write_parquet(tmp_path / "people.parquet", columns)))


# --- which texts are written out at once ---------------------------------------------------------------


def read_as_texts(path: Path) -> set[str]:
    """The columns that are read as texts; the others' texts stay numbers into a dictionary."""
    with parquet_list._parquet(path, 20_000) as (file, _):
        return {field.name for field in file.schema_arrow if not pa.types.is_dictionary(field.type)}


SHARED = {
    "phone": pa.array(["+14155550123", "+14155550124"] * 4_000),
    "short": pa.array(["a", "b" * 1_024] * 4_000),
    "long": pa.array(["a", "b" * 1_025] * 4_000),
    "late": pa.array(["a", "b"] * 2_000 + ["c", "d" * 2_000] * 2_000),
    "same": pa.array(["a"] * 8_000),
    "nobody": pa.nulls(8_000, pa.string()),
}


def test_texts_that_rows_share_are_written_out_at_once_if_all_are_short(tmp_path: Path) -> None:
    shared = write_parquet(tmp_path / "shared.parquet", SHARED, row_group_size=4_000)
    assert read_as_texts(shared) == {"phone", "short"}
    alone = write_parquet(tmp_path / "alone.parquet", SHARED, use_dictionary=False)
    assert read_as_texts(alone) == set(SHARED)
    small = write_parquet(tmp_path / "small.parquet", SHARED, row_group_size=3_999)
    assert read_as_texts(small) == set()
    assert taken(rules(shared)).data == taken(rules(alone)).data == taken(rules(small)).data


@pytest.mark.parametrize("rows", [700, 4_500])
def test_nested_texts_of_several_groups_of_rows_are_read(tmp_path: Path, rows: int) -> None:
    words = [["a", f"{n % 7}"] for n in range(9_000)]
    columns_ = {"phone": ["+14155550123", "+14155550124", "12"] * 3_000, "words": words}
    found = taken(rules(write_parquet(tmp_path / "nested.parquet", columns_, row_group_size=rows)))
    assert len(found.rows) == 6_000
    assert [row["words"] for row in found.data] == [each for n, each in enumerate(words) if n % 3 != 2]
    assert [row.line for row in found.rows[-2:]] == [8_999, 9_000]


def test_fewer_rows_are_read_at_once_where_their_texts_may_be_long(tmp_path: Path) -> None:
    metadata = pq.read_metadata(write_parquet(tmp_path / "p.parquet", {"phone": ["+14155550123"]}))
    assert parquet_limits.rows_at_once(metadata, 20_000, [1_024] * 64) == 1_024
    assert parquet_limits.rows_at_once(metadata, 20_000, [12, 30]) == 20_000
    assert parquet_limits.rows_at_once(metadata, 20_000) == 20_000
