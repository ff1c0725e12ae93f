"""Do-not-call lists in files: which numbers are read, and when a file is not believed."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dialer.contacts import registers
from dialer.errors import ListError
from dialer.places import NumberReader

READ = NumberReader("US").column
DAY = 86400.0
NOW = 1_800_000_000.0


def written(folder: Path, text: str, name: str = "national.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def numbers(path: Path, column: str | None = None) -> list[int]:
    return list(registers.read(path, column, READ).numbers)


# --- which numbers are read --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("phone\n+14155550124\n4155550123\n", None),
        ("Number,added\n4155550124,2026-01-01\n(415) 555-0123,2026-01-02\n", None),
        ("whoever\n4155550123\n4155550124\n", None),
        ("a,phone,b\n1,4155550199,4155550123\n2,4155550199,4155550124\n", "b"),
        ("a;Phone Number\n1;4155550123\n2;4155550124\n", None),
        ("4155550123\n4155550124\n4155550123\n", None),
        ("# taken from the registry\n\n+1 415 555 0123 # moved\n\n415-555-0124\n", None),
        ("415,5550124\n415,5550123\n", None),
        ('"4155550123"\n"4155550124"\n', None),
        ("\ufeff4155550123\r\n4155550124\r\n", None),
    ],
)
def test_the_numbers_of_a_file_each_once_and_rising(tmp_path: Path, text: str, column: str | None) -> None:
    assert numbers(written(tmp_path, text), column) == [14155550123, 14155550124]


@pytest.mark.parametrize("column", [None, "phone"])
def test_a_parquet_file(tmp_path: Path, column: str | None) -> None:
    path = tmp_path / "national.parquet"
    pq.write_table(pa.table({"phone": [4155550124, 4155550123], "since": ["a", "b"]}), path)
    assert numbers(path, column) == [14155550123, 14155550124]


def test_up_to_a_hundredth_that_cannot_be_read_is_counted_and_told(tmp_path: Path) -> None:
    good = "".join(f"415555{n:04d}\n" for n in range(99))
    found = registers.read(written(tmp_path, f"phone\n{good}x\n"), None, READ)
    assert (len(found.numbers), found.lines, found.unreadable) == (99, 100, 1)
    assert found.first == "line 101: 'x': the cell holds letters; write the number in digits alone"


# --- when it is not believed -------------------------------------------------------------------------

MANY = "".join(f"415555{n:04d}\n" for n in range(98))


@pytest.mark.parametrize(
    ("text", "column", "told"),
    [
        (f"phone\n{MANY}x\ny\n", None, "2 of 100 lines"),
        (f"{MANY}\n# all\n12\n13\n", None, "2 of 100 lines"),
        (f"phone,name\n{MANY.replace(chr(10), ',n' + chr(10))}n,,\nn,,\n", None, "2 of 100 lines"),
        ("phone,name\n,ann\n,bob\n", None, "no number that can be read"),
        ("phone\nann\n", None, "no number that can be read (line 2: 'ann': the cell holds letters"),
        ("phone\n", None, "no number that can be read"),
        ("# nothing\n", None, "no number that can be read"),
        ("", None, "the file is empty"),
        (
            "a,b\n1,2\n",
            None,
            "it is not known which column of this do-not-call list holds the numbers: name it in dnc with `column:`; ",
        ),
        (
            "phone,mobile\n4155550123,4155550124\n",
            None,
            "it is not known which column of this do-not-call list holds the numbers: name it in dnc with `column:`; ",
        ),
        (
            "phone\n4155550123\n",
            "number",
            "there is no column 'number', which dnc names: name one that is there; its columns are phone",
        ),
        ('phone\n"4155550123\n', None, "a quote"),
    ],
)
def test_a_file_that_cannot_be_believed_is_refused(tmp_path: Path, text: str, column: str | None, told: str) -> None:
    with pytest.raises(ListError) as refused:
        registers.read(written(tmp_path, text), column, READ)
    assert told in str(refused.value)
    assert str(tmp_path / "national.csv") in str(refused.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [("name,phone\nJos\xe9,4155550123\n", "line 2, byte 14"), ("4155550123 # Jos\xe9\n", "line 1, byte 16")],
)
@pytest.mark.parametrize(
    ("asking", "told"),
    [(registers.BY_CAMPAIGN, "nobody was dialled"), (registers.BY_COMMAND, "nothing of it was taken")],
)
def test_a_file_that_is_no_utf8_is_to_be_saved_as_it(
    tmp_path: Path, text: str, place: str, asking: registers.Asking, told: str
) -> None:
    """No key and no option says the encoding of a do-not-call list."""
    path = tmp_path / "national.txt"
    path.write_bytes(text.encode("cp1252"))
    with pytest.raises(ListError) as refused:
        registers.read(path, None, READ, asking)
    assert str(refused.value) == (f"{path}: {place}: this is not UTF-8 text; save it as UTF-8; {told}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for ask in (
        lambda path: registers.read(path, None, READ),
        lambda path: registers.check_age(path, None, None, NOW),
        lambda path: registers.stamped(path, "", "", NOW),
    ):
        with pytest.raises(ListError, match=r"there is no such do-not-call list; correct dnc"):
            ask(tmp_path / "none.csv")


# --- its age -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "max_age", "by_law", "told"),
    [
        (40, None, None, None),
        (31, 31, None, None),
        (31.5, 31, None, "written 31.5 days ago, and dnc.max_age allows 31"),
        (31.5, None, 31, "written 31.5 days ago, and the law allows 31"),
        (31.5, 90, 31, "the law allows 31"),
        (8, 7, 31, "dnc.max_age allows 7"),
        (-1, 7, 31, None),
        (-1.5, None, None, None),
        (-1.5, 7, None, "dated 1.5 days ahead, so that nobody can say how old it is"),
    ],
)
def test_a_file_that_is_older_than_is_allowed_is_refused(
    tmp_path: Path, days: float, max_age: float | None, by_law: float | None, told: str | None
) -> None:
    path = written(tmp_path, "4155550123\n")
    os.utime(path, (NOW - days * DAY, NOW - days * DAY))
    given = [limit and limit * DAY for limit in (max_age, by_law)]
    if told is None:
        registers.check_age(path, given[0], given[1], NOW)
        return
    with pytest.raises(ListError) as refused:
        registers.check_age(path, given[0], given[1], NOW)
    assert told in str(refused.value)


# --- known again -------------------------------------------------------------------------------------


def test_a_file_is_known_by_its_bytes_and_by_how_it_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "4155550123\n")
    later = path.stat().st_ctime + 100
    first = registers.stamped(path, "US", "", later)
    again = registers.stamped(path, "US", first, later + 1)
    assert registers.is_same(again, first)
    assert not registers.is_same(registers.stamped(path, "GB", first, later + 1), first)
    assert not registers.is_same(first, "")
    path.write_text("4155550124\n")
    assert not registers.is_same(registers.stamped(path, "US", first, later + 1), first)


def test_a_file_that_nobody_has_touched_is_not_read_to_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "4155550123\n")
    later = path.stat().st_ctime + 100
    first = registers.stamped(path, "US", "", later)
    monkeypatch.setattr("hashlib.file_digest", None)
    assert registers.is_same(registers.stamped(path, "US", first, later + 1), first)


def test_a_file_that_was_written_a_moment_ago_is_read_to_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "4155550123\n")
    soon = path.stat().st_ctime + 1
    first = registers.stamped(path, "US", "", soon)
    monkeypatch.setattr("hashlib.file_digest", None)
    with pytest.raises(TypeError):
        registers.stamped(path, "US", first, soon + 1)
