"""F27: lists as people send them. A file is taken whole or not at all; good rows once, bad rows with their line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.faults.kit import DONE, Stage, invariants, stage
from tests.acceptance.kit import number, person

GOOD = 5
HEAD = ["id", "first_name", "phone"]
MIXED: list[tuple[list[str], tuple[str, str] | None]] = [
    ([person(0), "Zoë", "(201) 555-0100"], None),
    (["X-1", "one number, spelled again", "+1 201 555 0100"], ("phone", "duplicate")),
    (["X-2", "and again", "201.555.0100"], ("phone", "duplicate")),
    ([person(1), "Ārabic digits", "٢٠١٥٥٥٠١٠١"], None),
    (["X-3", "a NUL\0byte", number(90)], ("first_name", "nul_byte")),
    (["X-4", "x" * 10_000_000, number(91)], ("first_name", "cell_too_long")),
    ([person(2), '"quoted"', number(2)], None),
    (["X-5", "too few"], ("", "ragged")),
    (["X-6", "too", number(92), "many"], ("", "ragged")),
    (["X-7", "no number of anybody", "+1 201 055 0100"], ("phone", "invalid_number")),
    (["X-8", "too short", "20155501"], ("phone", "impossible_number")),
    (["X-9", "none", ""], ("phone", "no_number")),
    (["X-10", "help", "911"], ("phone", "emergency_number")),
    (["", "nobody in particular", number(93)], ("id", "no_id")),
    ([person(3), "nothing odd", number(3)], None),
    ([person(3), "the same person twice", number(94)], ("id", "duplicate")),
    ([person(4), "the last, without a line end", number(4)], None),
]
"""Rows of a list, one a line, and what is told of each: its column and reason; None: somebody to be called."""

BAD = [(line, *told) for line, (_, told) in enumerate(MIXED, 2) if told is not None]


def _written(there: Stage, encoding: str) -> None:
    rows = [HEAD, *(row for row, _ in MIXED)]
    text = "\r\n".join(";".join(_cell(cell) for cell in row) for row in rows)
    (there.folder / "people.csv").write_bytes(text.encode(encoding))


def _cell(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if '"' in cell else cell


def _plan(there: Stage) -> Path:
    return there.plan(contacts={"country": "US", "max_rejects": "90%"})


@pytest.mark.slow
def test_f27_good_rows_are_rung_once_and_bad_ones_told(tmp_path: Path) -> None:
    """And whoever comes again, in the same bytes or in others, is nobody new."""
    with stage(tmp_path, GOOD) as there:
        _written(there, "utf-16")
        path = _plan(there)
        ended = there.run("run", path)
        rejects = there.ask('SELECT line, "column", reason, why FROM rejects ORDER BY line')
        assert [(row["line"], row["column"], row["reason"]) for row in rejects] == BAD
        assert all(row["why"] for row in rejects)
        assert f"{GOOD} people from {len(MIXED)} rows ({GOOD} new" in ended.err
        invariants(there, ended, people=GOOD)
        rings = there.rings()

        again = there.run("run", path)
        assert f"the list is unchanged: {GOOD} people" in again.err
        _written(there, "utf-8-sig")
        in_others = there.run("run", path)
        assert "(0 new, 0 changed, 0 gone, 0 back)" in in_others.err
        assert there.rings() == rings
        assert (again.closing, in_others.closing) == (DONE, DONE)


UNFIT: dict[str, tuple[bytes, str]] = {
    "an open quote": (
        f'id,first_name,phone\n{person(0)},Ann,{number(0)}\nX-1,"open,{number(90)}\nX-2,Bob,{number(91)}\n'.encode(),
        "line 3: a quote that opens here is never closed",
    ),
    "a missing column": (b"id,first_name,mobile\nX-1,Ann,+12015550190\n", "contacts.phone names the column 'phone'"),
    "half a UTF-16 character": ("id,first_name,phone\nX-1,Ann,1\n".encode("utf-16")[:-1], "this is not UTF-16 text"),
    "another encoding": ("id,first_name,phone\nX-1,Zoë,1\n".encode("latin-1"), "this is not UTF-8 text"),
}


@pytest.mark.slow
def test_f27_a_file_that_cannot_be_taken_whole_takes_nothing_from_the_list_before(tmp_path: Path) -> None:
    """One after the other, on one ledger: nobody is dialled, and whoever was due stays so."""
    with stage(tmp_path, GOOD) as there:
        path = _plan(there)
        good = (tmp_path / "people.csv").read_bytes()
        assert there.run("run", path, "--max-calls", "1").code == 75
        before, dials = there.states(), len(there.proxy.dials)
        for what, (content, words) in UNFIT.items():
            (tmp_path / "people.csv").write_bytes(content)
            ended = there.run("run", path)
            assert ended.code == 78, f"{what}: {ended.err}"
            assert ended.closing.startswith("camp 78 file "), what
            assert words in ended.err, f"{what}: {ended.err}"
            assert "people.csv" in ended.err, what
            assert (there.states(), len(there.proxy.dials)) == (before, dials), what
        (tmp_path / "people.csv").write_bytes(good)
        ended = there.run("run", path)
        assert ended.closing == DONE
        invariants(there, ended, people=GOOD)
