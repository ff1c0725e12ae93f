"""`dialer dnc` and `dialer history` where no run holds the ledger: what they do, say, and refuse."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dialer.runner import dnc
from tests.command_line import TEXT, campaign, taken_in, told
from tests.ledger_kit import rows_of

pytestmark = pytest.mark.slow

ANN, BOB = "+14155550123", "+14155550124"


@pytest.fixture
def monday(tmp_path: Path) -> Path:
    """Two campaigns over one list and one ledger, taken in; gives the file of one of them."""
    path = campaign(tmp_path, text=TEXT.replace("  id: id\n", "  id: id\n  country: US\n"))
    taken_in(path)
    other = tmp_path / "tuesday.yaml"
    other.write_text(path.read_text().replace("name: reminders", "name: tuesday"))
    taken_in(other)
    return path


def asked(path: Path, sql: str) -> list[dict[str, Any]]:
    return rows_of(path.with_name("dialer.db"), sql)


def stopped(path: Path) -> list[str]:
    rows = asked(path, "SELECT DISTINCT person FROM contacts WHERE stop = 'opted_out' ORDER BY person")
    return [row["person"] for row in rows]


# --- add ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", [ANN, "415 555 0123", "A1"])
def test_somebody_is_added_by_number_or_id_and_whom_it_reached_is_said(
    monday: Path, capsys: pytest.CaptureFixture[str], person: str
) -> None:
    found = told(capsys, "dnc", "add", person, monday, "--reason", "asked us to stop")
    assert found.code == 0
    assert "is on the do-not-call list; reminders: 1 person will not be dialled; tuesday: 1 person" in found.out
    assert "0123" not in found.out.replace("•••0123", "")
    assert stopped(monday) == ["A1"]
    kinds = {(row["kind"], row["shown"]) for row in asked(monday, "SELECT * FROM opt_outs")}
    assert kinds == {("number", ANN), *([("id", "A1")] if person == "A1" else [])}


def test_what_is_a_number_and_somebodys_id_is_added_as_both(monday: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = "id,phone,name\n4155550124,+14155550123,Ann\n"
    campaign(monday.parent, people, monday.read_text().replace("name: reminders", "name: wednesday"))
    taken_in(monday)
    assert told(capsys, "dnc", "add", "4155550124", monday).code == 0
    kinds = {(row["kind"], row["shown"]) for row in asked(monday, "SELECT * FROM opt_outs")}
    assert kinds == {("number", ANN), ("number", BOB), ("id", "4155550124")}


def test_an_id_that_nobody_has_yet_is_kept_for_whoever_comes(monday: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "dnc", "add", "P-77", monday)
    assert found.code == 0
    assert "nobody in the ledger has this id yet; no campaign has anybody waiting" in found.out


@pytest.mark.parametrize("person", ["c12", "12"])
def test_an_id_of_somebody_is_taken_as_it_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], person: str
) -> None:
    path = campaign(tmp_path, f"id,phone,name\n{person},{ANN},Ann\n")
    taken_in(path)
    assert "reminders: 1 person will not be dialled" in told(capsys, "dnc", "add", person, path).out
    assert stopped(path) == [person]


@pytest.mark.parametrize("person", ["12", "(12) 34-5", "+12", "415 555 0124"])
def test_an_id_that_looks_like_a_number_is_added_and_removed_as_an_id_where_that_is_said(
    monday: Path, capsys: pytest.CaptureFixture[str], person: str
) -> None:
    assert told(capsys, "dnc", "add", "--id", person, monday).code == 0
    kinds = {(row["kind"], row["shown"]) for row in asked(monday, "SELECT * FROM opt_outs")}
    assert kinds == {("id", person)}
    assert told(capsys, "dnc", "remove", "--id", person, monday).code == 0
    assert asked(monday, "SELECT * FROM opt_outs") == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("add", "+1415", "{campaign}"), "too few digits"),
        (("add", "+1415", "{campaign}"), "; if it is an id, add --id"),
        (("add", "12", "{campaign}"), "12 is nobody's id, and no number that can be read"),
        (("add", "12", "{campaign}"), "country code, or, if it is an id, add --id"),
        (("add", "(12) 34-5", "{campaign}"), "(12) 34-5 is nobody's id, and no number that can be read"),
        (("add", "4155550199", "--ledger", "{ledger}"), "is nobody's id, and no number that can be read"),
        (("add", "A1"), "name a campaign file, or the ledger"),
        (("remove", "A3", "{campaign}"), "A3 is not on the do-not-call list: `dialer dnc list` shows who is"),
        (("remove", ANN, "--ledger", "{ledger}"), "not on the do-not-call list"),
        (("add", "A1", "--ledger", "{ledger}x"), "there is no ledger"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    monday: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], why: str
) -> None:
    given = [one.format(campaign=monday, ledger=monday.with_name("dialer.db")) for one in arguments]
    found = told(capsys, "dnc", *given)
    assert found.code == 2
    assert why in found.err
    assert asked(monday, "SELECT * FROM opt_outs") == []


# --- remove, list ------------------------------------------------------------------------------------


def test_an_entry_is_shown_masked_and_taken_back(monday: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "dnc", "list", monday).out == "Nobody is on the do-not-call list.\n"
    told(capsys, "dnc", "add", "A1", monday, "--reason", "asked us to stop")
    shown = told(capsys, "dnc", "list", "--ledger", monday.with_name("dialer.db")).out
    assert shown.startswith("On the do-not-call list: 2.\n")
    assert "  id     A1, 20" in shown
    assert "  number +1415•••0123, 20" in shown
    assert shown.count(": asked us to stop") == 2
    listed = json.loads(told(capsys, "dnc", "list", monday, "--json").out)
    assert [(one["kind"], one["person"], one["source"]) for one in listed] == [
        ("id", "A1", "command"),
        ("number", "+1415•••0123", "command"),
    ]
    found = told(capsys, "dnc", "remove", "A1", monday)
    assert "A1 is off the do-not-call list; reminders: 1 person due again; tuesday: 1 person due again" in found.out
    assert stopped(monday) == []


# --- import ------------------------------------------------------------------------------------------


def test_a_files_numbers_are_added_in_parts(
    monday: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dnc, "AT_ONCE", 2)
    file = monday.with_name("stop.txt")
    file.write_text(f"# of last week\n{BOB}\n{ANN}\n(415) 555-0199\n")
    found = told(capsys, "dnc", "import", file, monday)
    assert found.code == 0
    assert found.out.splitlines() == [
        "2 numbers are on the do-not-call list; reminders: 2 people will not be dialled; "
        "tuesday: 2 people will not be dialled",
        "1 number is on the do-not-call list; no campaign has anybody waiting whom this stops",
    ]
    assert stopped(monday) == ["A1", "A2"]
    assert {(row["source"], row["reason"]) for row in asked(monday, "SELECT * FROM opt_outs")} == {("file", "stop.txt")}


def test_a_file_that_cannot_be_believed_adds_nobody(monday: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = monday.with_name("stop.csv")
    file.write_text("phone\n+14155550123\nx\n")
    found = told(capsys, "dnc", "import", file, monday)
    assert found.code == 78
    assert "1 of 2 lines" in found.err
    assert asked(monday, "SELECT * FROM opt_outs") == []


# --- history -----------------------------------------------------------------------------------------


def test_calls_from_elsewhere_are_taken_in_once(monday: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, ago = monday.with_name("calls.csv"), datetime.now(UTC) - timedelta(days=1)
    file.write_text(f"phone,id,at\n{ANN},A1,{ago.isoformat()}\n,A2,{ago.isoformat()}\n,A3,2001-01-01T00:00Z\n")
    found = told(capsys, "history", "import", file, monday)
    assert (found.code, found.out.splitlines()) == (
        0,
        ["2 rings are taken in, 0 were known", "older than 90 days, so that they count no more: 1"],
    )
    again = told(capsys, "history", "import", file, monday)
    assert again.out.startswith("0 rings are taken in, 2 were known")
    assert len(asked(monday, "SELECT * FROM rings")) == 3


def test_lines_that_are_no_calls_are_told_and_the_others_taken_in(
    monday: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, ago = monday.with_name("calls.csv"), datetime.now(UTC) - timedelta(days=1)
    file.write_text(f"id,at\nA1,{ago.isoformat()}\nA2,soon\n" + "A3,\n" * 10)
    found = told(capsys, "history", "import", file, monday)
    assert found.code == 78
    assert "11 lines are no calls: line 3: at 'soon' is no instant" in found.err
    assert "(and 1 more); the others were taken in: mend these and import the file again" in found.err
    assert len(asked(monday, "SELECT * FROM rings")) == 1


@pytest.mark.parametrize(("rows", "why"), [("A1,x\n", "nothing was taken in"), ("", "a header and no calls")])
def test_a_file_without_any_call_is_refused(
    monday: Path, capsys: pytest.CaptureFixture[str], rows: str, why: str
) -> None:
    file = monday.with_name("calls.csv")
    file.write_text(f"id,at\n{rows}")
    found = told(capsys, "history", "import", file, monday)
    assert found.code == 78
    assert why in found.err


def test_the_newest_fifty_are_shown_and_how_many_there_are(monday: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stop = monday.with_name("stop.txt")
    stop.write_text("".join(f"+1415555{n:04d}\n" for n in range(200, 260)))
    assert told(capsys, "dnc", "import", stop, monday).code == 0
    shown = told(capsys, "dnc", "list", monday).out.splitlines()
    assert (len(shown), shown[0], shown[-1]) == (
        52, "On the do-not-call list: 60.", "  and 10 older: --all shows them, --json too.",
    )  # fmt: skip
    assert len(told(capsys, "dnc", "list", monday, "--all").out.splitlines()) == 61
    assert len(json.loads(told(capsys, "dnc", "list", monday, "--json").out)) == 60


def test_a_file_that_is_not_there_is_told_in_the_words_of_the_command(
    monday: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, "dnc", "import", "nowhere.txt", monday)
    assert found.code == 2 and "there is no file nowhere.txt" in found.err


BY_COMMAND: dict[str, tuple[bytes, tuple[str, ...], str]] = {
    "empty": (b"", (), "the file is empty"),
    "no numbers": (b"# of last week\n", (), "holds no number that can be read: put the whole list in its place"),
    "words": (b"phone\nann\n", (), "(line 2: 'ann': the cell holds letters; write the number in digits alone)"),
    "which column": (b"a,b\n1,2\n", (), "holds the numbers: name it with --column; its columns are a, b"),
    "no such column": (b"a,b\n1,2\n", ("--column", "c"), "no column 'c', which --column names: name one that is there"),
    "too many bad lines": (b"+14155550123\n1\n", (), "if another column holds the numbers, name it with --column"),
    "encoding": (b"phone,who\n+14155550123,Ren\xe9\n", (), "line 2, byte 26: this is not UTF-8 text; save it as UTF-8"),
}


@pytest.mark.parametrize("name", BY_COMMAND)
def test_a_fault_of_a_file_is_told_in_one_sentence_and_in_the_words_of_the_command(
    monday: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    content, options, why = BY_COMMAND[name]
    file = monday.with_name("stop.csv")
    file.write_bytes(content)
    found = told(capsys, "dnc", "import", file, monday, *options)
    assert (found.code, len(found.err.splitlines())) == (78, 1)
    assert f"{file}: " in found.err and why in found.err
    assert "dnc with" not in found.err and "which dnc names" not in found.err and "nobody was dialled" not in found.err
    assert asked(monday, "SELECT * FROM opt_outs") == []


def test_a_parquet_file_without_a_column_of_numbers_and_a_directory_are_told(
    monday: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = monday.with_name("stop.parquet")
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), file)
    found = told(capsys, "dnc", "import", file, monday)
    assert (found.code, "name it with --column; its columns are a, b" in found.err) == (78, True)
    found = told(capsys, "dnc", "import", monday.parent, monday)
    assert (found.code, f"{monday.parent} is no file but a directory" in found.err) == (2, True)
