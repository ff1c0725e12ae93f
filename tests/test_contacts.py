"""Lists: who a row is about, several numbers, several files, what a header lacks, the fingerprint."""

from __future__ import annotations

import dataclasses
import gc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dialer.contacts import columns, fingerprint, read
from dialer.errors import ListError
from dialer.model import CallRules, ListRules, Numbers
from dialer.places import NumberReader
from tests.lists import CALL, as_csv, rules, taken, write, write_parquet


def test_one_number_in_three_spellings_is_one_number(tmp_path: Path) -> None:
    spellings = ["+14155550123", "(415) 555-0123", " 1-415-555-0123 ", "٤١٥٥٥٥٠١٢٣"]
    found = taken(rules(write(tmp_path / "people.csv", as_csv([["phone"], *([text] for text in spellings)]))))
    assert {row.person for row in found.rows} == {"+14155550123"}
    assert [row["phone"] for row in found.data] == spellings
    assert found.rows[0].numbers[0].region == "US"


def test_an_id_is_who_a_row_is_about(tmp_path: Path) -> None:
    text = "id,phone\n A 7 ,+14155550123\n ,+14155550124\nA8,nobody\n"
    found = taken(rules(write(tmp_path / "people.csv", text), id="id"))
    assert [(row.person, row.file, row.line) for row in found.rows] == [("A 7", "people.csv", 2)]
    assert found.data[0]["id"] == " A 7 "
    assert found.reasons == [(3, "id", "no_id"), (4, "phone", "invalid_number")]


def test_several_numbers_are_kept_in_order_and_once(tmp_path: Path) -> None:
    text = (
        "mobile,home,work\n"
        "+14155550123,+1 415 555 0123,+14155550124\n"  # one of them twice
        ",,+14155550125\n"
        "bad,+14155550126,\n"  # good, and its bad cell is told
        ",worse,bad\n"
        ",, \n"
    )
    found = taken(rules(write(tmp_path / "people.csv", text), phone=("mobile", "home", "work")))
    numbers = [[number.e164[-2:] for number in row.numbers] for row in found.rows]
    assert numbers == [["23", "24"], ["25"], ["26"]]
    assert [row.person for row in found.rows] == ["+14155550123", "+14155550125", "+14155550126"]
    assert found.reasons == [
        (4, "mobile", "invalid_number"),
        (5, "home", "invalid_number"),
        (6, "mobile", "no_number"),
    ]


BAD_ROWS = [
    ("911,Ann", "phone", "emergency_number"),
    ("22000,Ann", "phone", "short_number"),
    ("555,Ann", "phone", "impossible_number"),
    ("+12000000000,Ann", "phone", "invalid_number"),
    (",Ann", "phone", "no_number"),
    ("+14155550123, ", "name", "required_empty"),
    ("911,", "name", "required_empty"),
]


@pytest.mark.parametrize(("row", "column", "reason"), BAD_ROWS)
def test_a_bad_row_is_one_reject(tmp_path: Path, row: str, column: str, reason: str) -> None:
    path = write(tmp_path / "people.csv", f"phone,name\n{row}\n+14155550199,Bob\n")
    found = taken(rules(path, required=("name",)))
    assert found.reasons == [(2, column, reason)]
    assert found.rejects[0].value == (row.split(",")[0] if column == "phone" else "")
    assert found.rejects[0].file == "people.csv"
    assert found.rejects[0].why
    assert [row["name"] for row in found.data] == ["Bob"]


def test_without_a_country_a_number_without_a_plus_is_a_reject(tmp_path: Path) -> None:
    found = taken(rules(write(tmp_path / "people.csv", "phone\n4155550123\n+14155550123\n"), country=None))
    assert found.reasons == [(2, "phone", "no_country")]
    assert len(found.rows) == 1


def test_a_list_of_nothing_but_rejects_still_gives_a_chunk(tmp_path: Path) -> None:
    found = taken(rules(write(tmp_path / "people.csv", "phone\nnobody\n")))
    assert (found.chunks, found.rows, len(found.rejects)) == (1, [], 1)


def test_chunks_keep_the_order_and_rejects_their_lines(tmp_path: Path) -> None:
    numbers = [f"+1415555{n:04d}" if n % 3 else "nobody" for n in range(20)]
    path = write(tmp_path / "people.csv", as_csv([["phone"], *([number] for number in numbers)]))
    chunks = list(read(rules(path), CALL, NumberReader("US").column, chunk_rows=6))
    assert [len(chunk.rows) + len(chunk.rejects) for chunk in chunks] == [6, 6, 6, 2]
    assert [row.line for chunk in chunks for row in chunk.rows] == [n + 2 for n in range(20) if n % 3]
    assert [reject.line for chunk in chunks for reject in chunk.rejects] == [n + 2 for n in range(20) if not n % 3]


# --- several files -------------------------------------------------------------------------------


def test_files_of_a_list_follow_each_other_in_one_order_of_columns(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "phone,100%,name\n+14155550123,x,Ann\n")
    second = write(tmp_path / "b.csv", "name;phone;100%\nBob;+14155550124;y\n")
    third = write_parquet(tmp_path / "c.parquet", {"100%": [5], "name": ["Cem"], "phone": ["+14155550125"]})
    found = taken(rules(first, second, third))
    assert [row.data for row in found.rows] == [
        '{"phone":"+14155550123","100%":"x","name":"Ann"}',
        '{"phone":"+14155550124","100%":"y","name":"Bob"}',
        '{"phone":"+14155550125","100%":5,"name":"Cem"}',
    ]
    assert [(row.file, row.line) for row in found.rows] == [("a.csv", 2), ("b.csv", 2), ("c.parquet", 2)]
    assert columns(rules(second, first)) == ("name", "phone", "100%")


def test_files_with_other_columns_are_told(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "phone,name\n1,2\n")
    second = write(tmp_path / "b.csv", "phone,nom\n1,2\n")
    with pytest.raises(ListError, match=r"b\.csv: this file lacks name and adds nom, unlike a\.csv"):
        columns(rules(first, second))


def test_one_file_without_rows_is_no_fault_where_another_has_some(tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", "phone\n")
    second = write(tmp_path / "b.csv", "phone\n+14155550123\n")
    assert len(taken(rules(first, second)).rows) == 1
    with pytest.raises(ListError, match=r"a\.csv, .*a\.csv: a header and no rows"):
        taken(rules(first, first))


# --- what the header lacks -----------------------------------------------------------------------

HEADER = "Telefon,first_name,crm_id,amount\n+14155550123,Ann,7,1\n"


@pytest.mark.parametrize(
    ("changes", "call", "sentence"),
    [
        ({}, CALL, r"contacts\.phone names the column 'phone'"),
        ({"phone": ("telefon",)}, CALL, r"contacts\.phone names the column 'telefon' \(did you mean 'Telefon'\?\)"),
        ({"phone": ("Telefon", "home")}, CALL, r"contacts\.phone names the column 'home'"),
        ({"id": "crmid"}, CALL, r"contacts\.id names the column 'crmid' \(did you mean 'crm_id'\?\)"),
        ({"required": ("firstname",)}, CALL, r"contacts\.required names the column 'firstname' \(did you mean 'first_"),
        ({"timezone": "tz"}, CALL, r"contacts.timezone names the column 'tz'"),
        ({}, CallRules(("+1",), agent_column="agent"), r"call\.agent names the column 'agent'"),
        ({}, CallRules(("+1",), data=("*", "due")), r"call\.data names the column 'due'"),
        ({}, CallRules(("+1",), metadata=("crm",)), r"call\.metadata names the column 'crm' \(did you mean 'crm_id'"),
    ],
)
def test_a_missing_column_is_told_with_the_nearest(
    tmp_path: Path, changes: dict[str, Any], call: CallRules, sentence: str
) -> None:
    path = write(tmp_path / "people.csv", HEADER)
    with pytest.raises(ListError, match=sentence) as caught:
        taken(rules(path, **changes), call)
    assert str(caught.value).endswith("its columns are: Telefon, first_name, crm_id, amount")


@pytest.mark.parametrize(
    ("asked", "header", "suggested"),
    [
        ("tel", "state,name", None),
        ("tel", "state,Cell Number", "Cell Number"),
        ("tel", "state,mobile_1", "mobile_1"),
        ("phone", "id,Phone Number", "Phone Number"),
        ("phone", "number,name", "number"),
        ("phone", "order_number,name", None),
        ("telephone", "state,home", None),
    ],
)
def test_only_what_may_hold_the_number_is_suggested_for_it(
    tmp_path: Path, asked: str, header: str, suggested: str | None
) -> None:
    path = write(tmp_path / "people.csv", f"{header}\nx,y\n")
    hint = f" (did you mean {suggested!r}?)" if suggested else ""
    with pytest.raises(ListError) as caught:
        taken(rules(path, phone=(asked,)))
    assert f"contacts.phone names the column {asked!r}{hint}; its columns are: " in str(caught.value)


def test_a_column_that_the_campaign_names_already_is_not_suggested(tmp_path: Path) -> None:
    path = write(tmp_path / "people.csv", "phone,name\nx,y\n")
    with pytest.raises(ListError, match=r"names the column 'phone2'; its columns are"):
        taken(rules(path, phone=("phone", "phone2")))


def test_all_missing_columns_are_told_at_once_and_many_columns_shortly(tmp_path: Path) -> None:
    path = write(tmp_path / "people.csv", ",".join(f"c{n}" for n in range(99)) + "\n")
    with pytest.raises(ListError, match=r"'phone'; contacts\.id names .*, c39 and 59 more$"):
        taken(rules(path, id="id"))


def test_all_columns_may_be_asked_for(tmp_path: Path) -> None:
    call = CallRules(("+1",), data=("*",), metadata=("*",))
    assert len(taken(rules(write(tmp_path / "people.csv", HEADER), phone=("Telefon",)), call).rows) == 1


# --- files that are none -------------------------------------------------------------------------


def _loop(path: Path) -> Path:
    path.symlink_to(path)
    return path


def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    inside = write(tmp_path / "a.csv", "phone\n") / "b.csv"
    for path, sentence in (
        (tmp_path / "none.csv", "there is no such file"),
        (tmp_path, "this is a directory, not a list"),
        (inside, "the file cannot be opened"),
        (_loop(tmp_path / "loop.csv"), "the file cannot be opened"),
    ):
        for attempt in (lambda r: taken(r), columns, lambda r: fingerprint(r, CALL)):
            with pytest.raises(ListError, match=sentence) as caught:
                attempt(rules(path))
            assert str(path) in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "people.csv", "phone\n")
    path.chmod(0)
    with pytest.raises(ListError, match="cannot be opened"):
        columns(rules(path))


# --- the fingerprint -----------------------------------------------------------------------------


def test_the_same_files_and_rules_have_the_same_fingerprint(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        write(folder / "people.csv", HEADER)
    first = fingerprint(rules(here / "people.csv"), CALL)
    assert first == fingerprint(rules(there / "people.csv", max_rejects=0.5, expires=60.0), CALL)
    assert len(first) == 64


@pytest.mark.parametrize(
    ("changes", "call"),
    [
        ({"phone": ("Telefon",)}, CALL),
        ({"id": "crm_id"}, CALL),
        ({"one_per": "id"}, CALL),
        ({"country": "CA"}, CALL),
        ({"timezone": "tz"}, CALL),
        ({"required": ("amount",)}, CALL),
        ({"encoding": "latin-1"}, CALL),
        ({"delimiter": ","}, CALL),
        ({}, CallRules(CALL.from_numbers, data=("amount",))),
        ({}, CallRules(CALL.from_numbers, metadata=("amount",))),
        ({}, CallRules(CALL.from_numbers, agent_column="amount")),
    ],
)
def test_every_rule_of_reading_changes_the_fingerprint(
    tmp_path: Path, changes: dict[str, Any], call: CallRules
) -> None:
    plain = rules(write(tmp_path / "people.csv", HEADER))
    assert fingerprint(dataclasses.replace(plain, **changes), call) != fingerprint(plain, CALL)


def test_bytes_names_and_order_of_files_change_the_fingerprint(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.csv", HEADER), write(tmp_path / "b.csv", HEADER + "+14155550124,Bob,8,2\n")
    three = write(tmp_path / "c.csv", HEADER)
    lists = [ListRules(files) for files in ((one,), (two,), (three,), (one, two), (two, one))]
    assert len({fingerprint(each, CALL) for each in lists}) == len(lists)


def test_the_search_for_garbage_is_on_again_whichever_of_two_lists_ends_first(tmp_path: Path) -> None:
    """Lists of several campaigns are read at the same time; while one is read it rests for all."""
    one, other = (rules(write(tmp_path / name, "phone\n+14155550123\n")) for name in ("one.csv", "other.csv"))
    during: list[bool] = []

    def numbers(cells: Sequence[str]) -> Numbers:
        during.append(gc.isenabled())
        if len(during) == 1:  # the other is begun, and read to its end, while this one is under way
            list(read(other, CALL, numbers))
            during.append(gc.isenabled())
        return NumberReader(None).column(cells)

    assert gc.isenabled()
    list(read(one, CALL, numbers))
    assert during == [False, False, False]
    assert gc.isenabled()


def test_the_search_for_garbage_is_on_again_after_a_fault(tmp_path: Path) -> None:
    def numbers(cells: Sequence[str]) -> Numbers:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(read(rules(write(tmp_path / "people.csv", "phone\n+14155550123\n")), CALL, numbers))
    assert gc.isenabled()
