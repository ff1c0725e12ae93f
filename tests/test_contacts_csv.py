"""CSV lists: encodings, delimiters, lines, and the faults that take nothing from a file."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.contacts import columns, csv_list, text
from dialer.errors import ListError
from dialer.model.plain import plain
from tests.lists import as_csv, rules, taken, write

PEOPLE = "id,phone,name\r\n1,+14155550123,Zoë\r\n2,(415) 555-0124,Čeněk\r\n"
NAMES = [{"id": "1", "phone": "+14155550123", "name": "Zoë"}, {"id": "2", "phone": "(415) 555-0124", "name": "Čeněk"}]
LATIN = "id,phone,name\n1,+14155550123,Zoë\n"


@pytest.mark.parametrize(
    ("content", "others"),
    [
        (PEOPLE.encode(), {}),
        (PEOPLE.encode("utf-8-sig"), {}),
        (PEOPLE.encode("utf-16"), {}),
        (b"\xfe\xff" + PEOPLE.encode("utf-16-be"), {}),
        (PEOPLE.encode("utf-16-le"), {"encoding": "utf-16-le"}),
        (PEOPLE.encode("cp1250"), {"encoding": "cp1250"}),
        (PEOPLE.encode("utf-8-sig"), {"encoding": "UTF8"}),
        (gzip.compress(PEOPLE.encode(), mtime=0), {}),
        (gzip.compress(PEOPLE.encode("utf-16"), mtime=0), {}),
        (PEOPLE.replace(",", ";").encode(), {}),
        (PEOPLE.replace(",", "\t").encode(), {}),
        (PEOPLE.replace(",", "|").encode(), {"delimiter": "|"}),
        (PEOPLE.replace("\r\n", "\n").encode(), {}),
        (PEOPLE.replace("\r\n", "\r").encode(), {}),
        (PEOPLE.replace("id,phone", '"id" , phone ').replace('"id" ', ' "id"').replace(' "id"', " id ").encode(), {}),
        (("\r\n" + PEOPLE.replace("\r\n", "\r\n\r\n")).encode(), {}),
        (PEOPLE.rstrip().encode(), {}),
    ],
)
def test_a_list_is_read_however_it_is_written(tmp_path: Path, content: bytes, others: dict[str, Any]) -> None:
    found = taken(rules(write(tmp_path / "people.csv", content), id="id", **others))
    assert found.data == NAMES
    assert found.rejects == []
    assert [row.person for row in found.rows] == ["1", "2"]
    assert [row.numbers[0].e164 for row in found.rows] == ["+14155550123", "+14155550124"]


def test_latin_1_is_read_when_it_is_named_and_only_then(tmp_path: Path) -> None:
    path = write(tmp_path / "people.csv", LATIN.encode("latin-1"))
    assert taken(rules(path, encoding="latin-1")).data[0]["name"] == "Zoë"
    with pytest.raises(
        ListError, match=r"line 2, byte 31: this is not UTF-8 text; save it as UTF-8, or set contacts.encoding"
    ):
        taken(rules(path))


def test_a_delimiter_inside_quotes_is_not_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "people.csv", '"a,b,c,d";phone\r\n1;+14155550123\r\n')
    assert columns(rules(path)) == ("a,b,c,d", "phone")


def test_a_list_of_one_column_has_no_delimiter(tmp_path: Path) -> None:
    found = taken(rules(write(tmp_path / "people.csv", 'phone\n+14155550123\n\n""\n')))
    assert [row.line for row in found.rows] == [2]
    assert found.reasons == [(4, "phone", "no_number")]


def test_lines_are_physical_where_cells_hold_line_ends(tmp_path: Path) -> None:
    text = 'id,phone,note\n1,+14155550123,"a\nb\r\nc"\n\n2,nobody,"d\n"\n3,+14155550125,e\n'
    found = taken(rules(write(tmp_path / "people.csv", text), id="id"))
    assert [(row.person, row.line) for row in found.rows] == [("1", 2), ("3", 8)]
    assert found.data[0]["note"] == "a\nb\nc"
    assert found.reasons == [(6, "phone", "invalid_number")]


def test_ragged_rows_are_rejects_and_show_their_beginning(tmp_path: Path) -> None:
    text = "id,phone\n1,+14155550123,more\n2\n   \n3,+14155550125\n" + "4,+14155550126," + "x" * 999 + "\n"
    found = taken(rules(write(tmp_path / "people.csv", text)))
    assert [row.line for row in found.rows] == [5]
    assert found.reasons == [(2, "", "ragged"), (3, "", "ragged"), (6, "", "ragged")]
    assert found.rejects[0].value == "1,+14155550123,more"
    assert "3 fields and the header 2" in found.rejects[0].why
    assert len(found.rejects[2].value) == 200


@pytest.mark.slow
def test_a_huge_cell_is_a_reject_and_stops_nothing(tmp_path: Path) -> None:
    text = as_csv([["phone", "note"], ["+14155550123", "x" * 10_000_000], ["+14155550124", "y" * 32 * 1024]])
    found = taken(rules(write(tmp_path / "people.csv", text)))
    assert found.reasons == [(2, "note", "cell_too_long")]
    assert found.rejects[0].value == "x" * 200
    assert [row.line for row in found.rows] == [3]


def test_the_length_of_a_cell_is_in_bytes(tmp_path: Path) -> None:
    path = write(tmp_path / "people.csv", as_csv([["phone", "note"], ["+14155550123", "é" * 16 * 1024 + "e"]]))
    assert taken(rules(path)).reasons == [(2, "note", "cell_too_long")]


def test_a_nul_byte_is_a_reject_and_is_shown(tmp_path: Path) -> None:
    found = taken(rules(write(tmp_path / "people.csv", b"phone,note\n+14155550123,a\0b\n+14155550124,c\n")))
    assert found.reasons == [(2, "note", "nul_byte")]
    assert found.rejects[0].value == "a␀b"
    assert [row.line for row in found.rows] == [3]


@pytest.mark.slow
def test_large_pieces_end_before_their_rows_do(tmp_path: Path) -> None:
    big, small = ["+14155550123", "x" * 10_000_000], ["+14155550123", "x"]
    found = taken(rules(write(tmp_path / "people.csv", as_csv([["phone", "note"], big, big, small]))))
    assert found.chunks == 2
    assert found.reasons == [(2, "note", "cell_too_long"), (3, "note", "cell_too_long")]
    assert [row.line for row in found.rows] == [4]


# --- faults of the file --------------------------------------------------------------------------

OPEN = 'id,phone,note\n1,+14155550123,"fine ""and""\nlong"\n2,+14155550124,"open\n3,+14155550125,x\n'
ZIPPED = gzip.compress(as_csv([["phone"], *([f"+1415{n:07d}"] for n in range(2000, 9000))]).encode(), mtime=0)

FAULTS: list[tuple[str, bytes, dict[str, Any], str]] = [
    ("an open quote", OPEN.encode(), {}, r"line 4: a quote that opens here is never closed"),
    ("an open quote in a later cell", b'phone,a,b\n1,"x\ny","z\n1\n', {}, r"line 3: a quote that opens here is never"),
    ("a quote closed too early", b'phone,a\n1,"x\n2,"y"\n', {}, r"line 2: a quote opens here and closes on line 3"),
    ("a quote closed too early, others after it", b'phone,a,b\n1,"x\n2,"y","z"\n', {}, r"line 2: a quote opens here"),
    ("text after a quoted cell", b'phone,a\n1,"x" y\n', {}, r"line 2: a quote opens here and closes on line 2"),
    (
        "an open quote in a huge file",
        b'phone,a\n1,"' + (b"x" * 99_999 + b"\n") * 170,
        {},
        r"line 2: a cell that begins here",
    ),
    ("an open quote in the header", b'phone,"a\n1,x\n', {}, r"line 1: a quote that opens here is never closed"),
    ("a cut gzip", ZIPPED[:-20], {}, r"gzip data are cut off or damaged"),
    ("a gzip cut in its header", ZIPPED[:7], {}, r"gzip data are cut off or damaged"),
    ("a damaged gzip", ZIPPED[:40] + b"\xff\xff\xff" + ZIPPED[43:], {}, r"gzip data are cut off or damaged"),
    (
        "a wrong encoding",
        LATIN.encode("latin-1"),
        {"encoding": "utf-8"},
        r"line 2, .* UTF-8 text; correct contacts.enc",
    ),
    ("a wrong encoding after blocks", b"phone\n" + (b"1" * 999 + b"\n") * 99 + b"\xe9x", {}, r"line 101, byte 99006: "),
    (
        "a wrong encoding in gzip",
        gzip.compress(b"phone\r\n1\r\n\xe9x\r\n", mtime=0),
        {},
        r"line 3, byte 10: this is not UTF-8",
    ),
    ("half a UTF-16 character", PEOPLE.encode("utf-16")[:-1], {}, r"line 3, byte 118: this is not UTF-16 text"),
    (
        "UTF-16 without its mark",
        "phone\n1\n".encode("utf-16-le"),
        {},
        r"NUL bytes; if the file is UTF-16, set contacts.enc",
    ),
    ("an unknown encoding", PEOPLE.encode(), {"encoding": "utf-9"}, r"contacts.encoding is 'utf-9', which is no enc"),
    ("an encoding of bytes", PEOPLE.encode(), {"encoding": "hex"}, r"contacts.encoding is 'hex', which is no encoding"),
    ("a long delimiter", PEOPLE.encode(), {"delimiter": "||"}, r"contacts.delimiter is '\|\|'; it must be one char"),
    ("a quote as delimiter", PEOPLE.encode(), {"delimiter": '"'}, r"contacts.delimiter is '\"'; it must be one char"),
    ("an empty file", b"", {}, r"the file is empty"),
    ("an empty gzip", gzip.compress(b"", mtime=0), {}, r"nothing but blank lines"),
    ("blank lines", b"\n\r\n\n", {}, r"nothing but blank lines"),
    ("a mark and nothing else", b"\xef\xbb\xbf", {}, r"nothing but blank lines"),
    ("a header and no rows", b"phone,name\n", {}, r"a header and no rows"),
    ("a header and blank lines", b"phone,name\n\n  \n", {}, r"a header and no rows"),
    ("a column without a name", b"phone,,name\n1,2,3\n", {}, r"column 2 of the header has no name"),
    ("a column twice", b"phone,name, phone\n1,2,3\n", {}, r"two columns 'phone'"),
    ("a workbook", b"PK\x03\x04....", {}, r"a workbook or an archive, not a list; save it as CSV"),
]


@pytest.mark.parametrize(("content", "others", "sentence"), [fault[1:] for fault in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_of_the_file_is_one_sentence(
    tmp_path: Path, content: bytes, others: dict[str, Any], sentence: str
) -> None:
    path = write(tmp_path / "people.csv", content)
    with pytest.raises(ListError, match=sentence) as caught:
        taken(rules(path, **others))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


# --- whatever is in the cells --------------------------------------------------------------------

cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).map(plain)
"""What is taken out of a cell is not looked at here."""


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """Any table of text, with a header of its own."""
    names = draw(st.lists(cells.map(lambda name: f"c{name}".strip()), min_size=1, max_size=4, unique=True))
    rows = draw(st.lists(st.lists(cells, min_size=len(names), max_size=len(names)), min_size=1, max_size=6))
    return [["phone", *names], *(["+14155550123", *row] for row in rows)]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tables(),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8-sig", "utf-16"]),
)
def test_any_table_comes_back_as_it_was(
    tmp_path: Path, written: list[list[str]], delimiter: str, line_end: str, encoding: str
) -> None:
    path = write(tmp_path / "any.csv", as_csv(written, delimiter, line_end).encode(encoding))
    found = taken(rules(path, delimiter=delimiter), chunk_rows=2)
    assert columns(rules(path, delimiter=delimiter)) == tuple(written[0])
    assert [list(row.items()) for row in found.data] == [list(zip(written[0], row, strict=True)) for row in written[1:]]
    assert found.rejects == []


CELLS = st.lists(st.text(st.sampled_from('ab",;\n\r\x0b\u2028é'), max_size=5), min_size=2, max_size=2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(CELLS, max_size=8), st.sampled_from(["\n", "\r\n"]), st.integers(1, 40))
def test_wherever_the_text_is_cut_each_record_has_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: list[list[str]], line_end: str, block: int
) -> None:
    records = [["phone", "note"], *(["+14155550123", *cells_[:1]] for cells_ in cells)]
    whole = as_csv(records, line_end=line_end)
    monkeypatch.setattr(text, "_BLOCK", block)
    with text.decoded(write(tmp_path / "any.csv", whole), None) as blocks:
        assert "".join(line for lines in blocks for line in lines) == whole
    found = list(csv_list.pieces(tmp_path / "any.csv", rules(tmp_path / "any.csv"), 3))
    reader = csv.reader(io.StringIO(whole, newline=""))
    ends = [reader.line_num for _ in reader]
    assert [line for piece in found for line in piece.lines] == [end + 1 for end in ends[:-1]]
    notes = [note for piece in found for note in piece.columns["note"].texts]
    assert notes == [plain(record[1]) for record in records[1:]]
