"""Calls that were made elsewhere: which rows are rings, and what is said of those that are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dialer.contacts import history
from dialer.contacts.history import Heard, History
from dialer.errors import ListError
from dialer.places import NumberReader

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
READ = NumberReader("US").column


def read(folder: Path, text: str) -> History:
    path = folder / "calls.csv"
    path.write_text(text)
    return history.read(path, READ, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("phone,at\n+14155550123,2026-11-20T09:00Z\n", Heard("+14155550123", "", "", AT, False)),
        ("id,at\nP-1,2026-11-20T04:00-05:00\n", Heard("", "P-1", "", AT, False)),
        (
            "Customer ID;To Number;Called At;Talked;Debt\nP-1;(415) 555-0123;2026-11-20 10:00:00+01:00;Yes;D-7\n",
            Heard("+14155550123", "P-1", "D-7", AT, True),
        ),
        ("phone,id,at\n,P-1,2026-11-20T09:00Z\n", Heard("", "P-1", "", AT, False)),
    ],
)
def test_a_row_is_a_ring(tmp_path: Path, text: str, expected: Heard) -> None:
    assert read(tmp_path, text) == History([expected])


@pytest.mark.parametrize(
    ("word", "talked"),
    [("yes", True), ("TRUE", True), ("1", True), ("ja", True), ("sí", True), ("no", False), ("0", False), ("", False)],
)
def test_a_conversation_is_yes_or_no_in_many_words(tmp_path: Path, word: str, talked: bool) -> None:
    found = read(tmp_path, f"id,at,conversation\nP-1,2026-11-20T09:00Z,{word}\n")
    assert [ring.talked for ring in found.rings] == [talked]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("P-1,x,2026-11-20T09:00Z,no", "phone 'x': the cell holds letters"),
        (",,2026-11-20T09:00Z,no", "neither phone nor id: fill one of them in"),
        ("P-1,,,no", "at '' is no instant: write it as 2026-11-22T09:00Z"),
        ("P-1,,yesterday,no", "at 'yesterday' is no instant"),
        ("P-1,,2026-11-20 09:00,no", "at '2026-11-20 09:00' has no offset"),
        ("P-1,,2026-11-22T14:01Z,no", "at '2026-11-22T14:01Z' is still to come"),
        ("P-1,,2026-11-20T09:00Z,perhaps", "conversation 'perhaps' is neither yes nor no"),
        ("P-1,,2026-11-20T09:00Z", "the row has 3 fields and the header 4"),
    ],
)
def test_a_row_that_is_none_is_told_with_its_line_and_spoils_no_other(tmp_path: Path, row: str, why: str) -> None:
    found = read(tmp_path, f"id,phone,at,conversation\nP-0,,2026-11-20T09:00Z,no\n{row}\n")
    assert [ring.person for ring in found.rings] == ["P-0"]
    ((line, told),) = found.bad
    assert line == 3
    assert told.startswith(why)


def test_what_is_older_than_ninety_days_is_counted_and_passed_over(tmp_path: Path) -> None:
    moments = [NOW - timedelta(days=90), NOW - timedelta(days=90, seconds=1)]
    found = read(tmp_path, "id,at\n" + "".join(f"P-1,{one.isoformat()}\n" for one in moments))
    assert ([ring.at for ring in found.rings], found.old) == ([moments[0]], 1)


def test_a_parquet_file(tmp_path: Path) -> None:
    path = tmp_path / "calls.parquet"
    pq.write_table(pa.table({"phone": [4155550123], "at": [AT], "conversation": [True]}), path)
    assert history.read(path, READ, NOW).rings == [Heard("+14155550123", "", "", AT, True)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("phone,name\n1,2\n", "there is no at"),
        ("at\n1\n", "there is no phone (or id)"),
        ("name\n1\n", "there is no phone (or id) and no at"),
        ("phone,number,at\n1,2,3\n", "both 'phone' and 'number' may be the phone"),
        ("", "the file is empty"),
    ],
)
def test_a_file_that_lacks_what_is_needed_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ListError) as refused:
        read(tmp_path, text)
    assert told in str(refused.value)


def test_a_file_that_is_no_utf8_is_to_be_saved_as_it(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_bytes("id,at\nJos\xe9,2026-11-20T09:00Z\n".encode("cp1252"))
    with pytest.raises(ListError) as refused:
        history.read(path, READ, NOW)
    told = "line 2, byte 9: this is not UTF-8 text; save it as UTF-8; nothing of it was taken"
    assert str(refused.value) == f"{path}: {told}"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="there is no such file"):
        history.read(tmp_path / "none.csv", READ, NOW)
