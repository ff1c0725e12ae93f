"""Hostile lists: cells that command a terminal or an agent, and small files that come to more than a memory holds."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dialer.config import load
from dialer.contacts import columns, text
from dialer.contacts.text import LONGEST_LINE
from dialer.errors import ListError
from dialer.ledger.reading import open_reader
from dialer.verbex import payload_bytes
from tests.command_line import campaign, change, process, taken_in, told
from tests.lists import as_csv, rules, taken, write, write_parquet

MIB = 1 << 20
HOSTILE = {
    "colours": ("\x1b[31mAnn\x1b[0m", "Ann"),
    "a title": ("\x1b]0;owned\x07Ann", "Ann"),
    "a link": ("\x1b]8;;https://evil.example\x1b\\Ann\x1b]8;;\x1b\\", "Ann"),
    "backspaces": ("Ann\b\b\bEve", "AnnEve"),
    "C1": ("\x9b2JAnn", "2JAnn"),
    "bidi": ("\u202eAnn\u202c\u2066", "Ann"),
    "tags": ("Ann\U000e0049\U000e0067", "Ann"),
    "line ends": ("Ann\rEve\u2028Bob\r\nCy", "Ann\nEve\nBob\nCy"),
}


def csv_list(folder: Path, cell: str) -> Path:
    return write(folder / "people.csv", as_csv([["phone", "note"], ["+14155550123", cell]]))


def parquet_list(folder: Path, cell: str) -> Path:
    return write_parquet(folder / "people.parquet", {"phone": ["+14155550123"], "note": [cell]})


@pytest.mark.parametrize("make", [csv_list, parquet_list])
@pytest.mark.parametrize(("cell", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_text_is_taken_out_of_cells(
    tmp_path: Path, make: Callable[[Path, str], Path], cell: str, expected: str
) -> None:
    found = taken(rules(make(tmp_path, cell)))
    assert found.data[0]["note"] == expected
    assert found.rejects == []


@pytest.mark.parametrize(("cell", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_text_is_taken_out_however_deep_it_stands(tmp_path: Path, cell: str, expected: str) -> None:
    nested = pa.array([[{"k": cell, "n": 1}]])
    kept = pa.array([cell]).dictionary_encode()
    found = taken(rules(write_parquet(tmp_path / "p.parquet", {"phone": ["+14155550123"], "a": nested, "b": kept})))
    assert found.data[0]["a"] == [{"k": expected, "n": 1}]
    assert found.data[0]["b"] == expected


@pytest.mark.parametrize("make", [csv_list, parquet_list])
def test_what_is_no_text_is_taken_out_of_names_numbers_ids_and_rejects(
    tmp_path: Path, make: Callable[[Path, str], Path]
) -> None:
    names = ["\x1b[1mid", "pho\x07ne", " note\u202e "]
    rows = [["\x1b[31mA1", "\x1b[2J+14155550123\u202c", "x"], ["A2", "\x1b[31mnobody\u202e", "y"]]
    if make is csv_list:
        path = write(tmp_path / "people.csv", as_csv([names, *rows]))
    else:
        cells = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
        path = write_parquet(tmp_path / "people.parquet", cells)
    assert columns(rules(path)) == ("id", "phone", "note")
    found = taken(rules(path, id="id"))
    assert [(row.person, row.numbers[0].e164) for row in found.rows] == [("A1", "+14155550123")]
    assert [(reject.column, reject.value) for reject in found.rejects] == [("phone", "nobody")]


def test_a_ragged_row_is_shown_plain(tmp_path: Path) -> None:
    found = taken(rules(write(tmp_path / "p.csv", "phone\n+14155550123\n\x1b[31mred\x1b[0m,\u202emore,\0\n")))
    assert found.rejects[0].value == "red,more,␀"


def test_names_that_become_the_same_are_told(tmp_path: Path) -> None:
    with pytest.raises(ListError, match="two columns 'note'"):
        columns(rules(write(tmp_path / "p.csv", "phone,note,no\x1b[0mte\n")))


def test_halves_of_characters_are_no_characters(tmp_path: Path) -> None:
    """An encoding that decodes escapes can name them."""
    path = write(tmp_path / "p.csv", b"phone,note\n+14155550123,a\\ud800b\n")
    assert taken(rules(path, encoding="raw_unicode_escape")).data[0]["note"] == "a\ufffdb"


def test_a_hostile_list_reaches_agent_terminal_and_files_as_text_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = "".join(cell for cell, _ in HOSTILE.values())
    people = as_csv([["id", "phone", "name"], ["A1\x1b[31m", "+14155550123", cells], ["A2", "0\x1b[31m", cells]])
    path = campaign(tmp_path, people)
    checked = told(capsys, "check", path, "--offline")
    assert checked.code == 0
    taken_in(path)
    with open_reader(load(path, {}).ledger) as reader:
        row = next(reader.results(reader.find("reminders").id))
    assert row["id"] == "A1"
    files = ("r.csv", "r.jsonl", "r.parquet")
    shown = [told(capsys, "export", path, "-o", tmp_path / name) for name in files]
    shown += [told(capsys, "export", path, "--rejects", "-o", "-"), told(capsys, "status", path), checked]
    texts = [each.said for each in shown] + [(tmp_path / name).read_text() for name in files[:2]]
    texts += [str(pq.read_table(tmp_path / "r.parquet").to_pylist())]
    for each in texts:
        assert not any(sign in each for sign in "\x1b\x07\b\x9b\u202e\u2066\r\u2028\U000e0049")


def test_the_request_to_the_platform_holds_text_alone(tmp_path: Path) -> None:
    from dialer.clock import Clock
    from dialer.runner.checking import check_list

    path = campaign(tmp_path, as_csv([["id", "phone", "name"], ["A1", "+14155550123", "\x1b[31mAnn\u202e\x07"]]))
    (request,) = check_list(load(path, {}), Clock()).first
    assert json.loads(payload_bytes(request))["pia_llm_dynamic_data"] == {"name": "Ann"}


# --- files that come to more than anybody's list ---------------------------------------------------


def dictionary_bomb(path: Path) -> Path:
    """A text of 1 MiB that 100,000 rows share."""
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * MIB]))
    return write_parquet(path, {"phone": ["+14155550123"] * 100_000, "note": shared}, compression="zstd")


def nested_bomb(path: Path) -> Path:
    """Lists whose elements share a text of 1 MiB."""
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * MIB]))
    lists = pa.ListArray.from_arrays(pa.array(range(0, 100_001, 100), pa.int32()), shared)
    return write_parquet(path, {"phone": ["+14155550123"] * 1_000, "note": lists}, compression="zstd")


def delta_bomb(path: Path) -> Path:
    """A text of 64 KiB, each time told to be as the one before."""
    options: dict[str, Any] = {"use_dictionary": False, "column_encoding": {"note": "DELTA_BYTE_ARRAY"}}
    schema = pa.schema([("phone", pa.string()), ("note", pa.string())])
    with pq.ParquetWriter(path, schema, **options) as writer:
        batch = pa.table({"phone": ["+14155550123"] * 300, "note": ["x" * (MIB // 16)] * 300}, schema=schema)
        for _ in range(2):
            writer.write_table(batch)
    return path


def rows_bomb(path: Path) -> Path:
    """Twenty-one million rows of nothing."""
    nothing = pa.nulls(3_000_000, pa.string())
    table = pa.table({"phone": nothing})
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(7):
            writer.write_table(table)
    return path


def values_bomb(path: Path) -> Path:
    """One row whose list has twenty-one million values."""
    lists = pa.ListArray.from_arrays(pa.array([0, 21_000_000], pa.int32()), pa.nulls(21_000_000, pa.int8()))
    return write_parquet(path, {"phone": ["+14155550123"], "note": lists})


BOMBS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a text that many rows share": (dictionary_bomb, "comes to more than 19 GiB"),
    "a text that many values share": (nested_bomb, "comes to more than 19 GiB"),
    "rows": (rows_bomb, "21,000,000 rows, more than the 20,000,000"),
    "values in one row": (values_bomb, "21,000,000 values in one group of rows"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("make", "words"), BOMBS.values(), ids=BOMBS)
def test_a_parquet_bomb_is_refused_in_little_memory(tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    path = campaign(tmp_path)
    change(path, "file: contacts.csv", "file: contacts.parquet")
    change(path, "  id: id\n", "")
    change(path, "  data: [name]\n", "")
    assert make(tmp_path / "contacts.parquet").stat().st_size < 4 * MIB
    ended = process("check", path, "--offline", before=LITTLE_MEMORY)
    assert ended.code == 78, ended.said
    assert words in ended.err
    assert ended.err.count("\n") == 1


LITTLE_MEMORY = "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))"


@pytest.mark.slow
def test_texts_told_by_their_differences_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    """600 rows of 64 KiB in a file of as much: each is too long a cell, and there is never more of them at once."""
    path = delta_bomb(tmp_path / "p.parquet")
    assert path.stat().st_size < MIB
    before = pa.total_allocated_bytes()
    found = taken(rules(path))
    assert len(found.rejects) == 600
    assert {reject.reason.value for reject in found.rejects} == {"cell_too_long"}
    assert pa.total_allocated_bytes() - before < 8 * MIB


def test_a_row_that_is_too_long_to_be_written_out_is_a_reject_like_any_other(tmp_path: Path) -> None:
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 20, pa.int32()), pa.array(["x" * MIB]))
    lists = pa.ListArray.from_arrays(pa.array([0, 0, 20, 20], pa.int32()), shared)
    phones = ["+14155550123", "+14155550124", "+14155550125"]
    found = taken(rules(write_parquet(tmp_path / "p.parquet", {"phone": phones, "note": lists})))
    assert [row.line for row in found.rows] == [2, 4]
    assert found.reasons == [(3, "note", "cell_too_long")]


@pytest.mark.slow
def test_a_long_list_in_short_texts_is_no_bomb(tmp_path: Path) -> None:
    note = pa.array(["a word", None, "another"] * 20_000).dictionary_encode()
    columns_ = {"phone": [f"+1415555{n % 10_000:04d}" for n in range(60_000)], "note": note}
    path = write_parquet(tmp_path / "p.parquet", columns_, row_group_size=7_000)
    found = taken(rules(path))
    assert len(found.rows) + len({reject.line for reject in found.rejects}) == 60_000
    assert [row["note"] for row in found.data[:3]] == ["a word", None, "another"]


def test_a_gzip_file_is_read_no_further_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MOST_UNPACKED", 3 * MIB)
    member = gzip.compress((b"+14155550123," + b"x" * 1_000 + b"\n") * 1_000, mtime=0)  # a MB each
    path = write(tmp_path / "p.csv.gz", gzip.compress(b"phone,note\n", mtime=0) + member * 2)
    assert len(taken(rules(path)).rows) == 2_000
    path.write_bytes(gzip.compress(b"phone,note\n", mtime=0) + member * 50 + b"and what is no gzip")
    with pytest.raises(ListError, match=r"p\.csv\.gz: the gzip data come to more than") as caught:
        taken(rules(path))
    assert "\n" not in str(caught.value)


ENDLESS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a line": (lambda: b"phone,note\n+14155550123," + b"x," * (LONGEST_LINE // 2 + 9), "line 2 has not ended"),
    "a header": (lambda: b"phone," * (LONGEST_LINE // 6 + 9), "line 1 has not ended"),
    "nothing but zeros": (lambda: bytes(LONGEST_LINE + 9), "line 1 has not ended"),
    "a row over many lines": (
        lambda: (
            b"phone,note\n\n1,"
            + b'"'
            + b"a\n" * 9
            + b'",'
            + (b'"' + (b"b" * 99 + b"\n") * 90 + b'",') * (LONGEST_LINE // 8_900)
        ),
        "line 3: a row that begins here has not ended",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("make", "words"), ENDLESS.values(), ids=ENDLESS)
def test_what_does_not_end_is_refused(tmp_path: Path, make: Callable[[], bytes], words: str) -> None:
    path = write(tmp_path / "p.csv.gz", _packed(make()))
    with pytest.raises(ListError) as caught:
        taken(rules(path))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def _packed(content: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(content) + packer.flush()


def test_a_list_of_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dialer.contacts import lists

    monkeypatch.setattr(lists, "MOST_ROWS", 3)
    first = write(tmp_path / "a.csv", "phone\n+14155550123\n+14155550124\n")
    second = write(tmp_path / "b.csv", "phone\n+14155550125\n")
    assert len(taken(rules(first, second)).rows) == 3
    write(second, "phone\n+14155550125\nnobody,at,all\n")
    with pytest.raises(ListError, match=r"b\.csv: the list has more than 3 rows"):
        taken(rules(first, second))
