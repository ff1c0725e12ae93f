"""F34: the list arrives cut off, half written or a day old. Nobody is dialled by it, and nothing of the old is lost."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.faults.kit import invariants, stage
from tests.acceptance.kit import number, person

PEOPLE = 60
RULES = {"min_rows": 50, "newer_than": "12h", "max_gone": "10%", "max_rejects": "5%"}


def _cut_at_a_row(file: Path) -> None:
    """What an interrupted copy leaves, if it breaks off at the end of a row: half of the people."""
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[: PEOPLE // 2 + 1]))


def _cut_in_a_quote(file: Path) -> None:
    file.write_text(file.read_text() + 'P-9999,"a name that is not comp')


def _cut_in_a_compressed_file(file: Path) -> None:
    packed = gzip.compress(file.read_bytes(), mtime=0)
    file.with_name("people.csv.gz").write_bytes(packed[: len(packed) * 2 // 3])


def _half_written(file: Path) -> None:
    """The rows stand there, their numbers are still to come."""
    rows = [f"{person(n)},Name{n},{number(n) if n < 50 else ''}\n" for n in range(PEOPLE)]
    file.write_text("id,first_name,phone\n" + "".join(rows))


def _a_day_old(file: Path) -> None:
    then = time.time() - 26 * 3600
    file.write_text(file.read_text().replace("Name1", "Nina1"))
    os.utime(file, (then, then))


def _other_people(file: Path) -> None:
    """As many rows as ever, but of those who were there before 25 are gone: another list by mistake, perhaps."""
    rows = [f"{person(n)},Name{n},{number(n)}\n" for n in range(25, PEOPLE + 25)]
    file.write_text("id,first_name,phone\n" + "".join(rows))


@dataclass(frozen=True)
class Wrong:
    """How a list goes wrong, what is said of it, and what the campaign says otherwise than usual."""

    spoil: Callable[[Path], None]
    words: tuple[str, ...]
    rules: dict[str, Any] = field(default_factory=dict)


WRONG = {
    "cut off at a row": Wrong(_cut_at_a_row, ("30", "min_rows")),
    "cut off in a quote": Wrong(_cut_in_a_quote, ("line 62", "a quote that opens here is never closed")),
    "cut off in a compressed file": Wrong(
        _cut_in_a_compressed_file, ("gzip data are cut off or damaged",), {"file": "people.csv.gz"}
    ),
    "half written": Wrong(_half_written, ("10 of 60", "max_rejects")),
    "a day old": Wrong(_a_day_old, ("26.0 h ago", "newer_than")),
    "other people": Wrong(_other_people, ("25", "max_gone")),
}


@pytest.mark.slow
def test_f34_a_wrong_list_dials_nobody_and_takes_nothing_from_the_list_before(tmp_path: Path) -> None:
    """One after the other, on a ledger whose list has been begun; then the right list again, and all is finished."""
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan(contacts=RULES)
        file = tmp_path / "people.csv"
        right = file.read_bytes()
        assert there.run("run", path, "--max-calls", "1").code == 75
        before, asked = there.states(), len(there.proxy.dials)
        for what, wrong in WRONG.items():
            there.plan(contacts=RULES | wrong.rules)
            wrong.spoil(file)
            ended = there.run("run", path)
            assert ended.code == 78, f"{what}: {ended.err}"
            assert ended.closing.startswith("camp 78 file "), what
            for word in wrong.words:
                assert word in ended.err, f"{what}: {ended.err}"
            assert (there.states(), len(there.proxy.dials)) == (before, asked), what
            file.write_bytes(right)
        there.plan(contacts=RULES)
        ended = there.run("run", path)
        invariants(there, ended, people=PEOPLE)


@pytest.mark.slow
def test_f34_a_wrong_list_is_told_at_the_first_run_too(tmp_path: Path) -> None:
    """There is no list before it to compare with: it is the campaign's own words that stop it."""
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan(contacts=RULES)
        file = tmp_path / "people.csv"
        right = file.read_bytes()
        for what in ("cut off at a row", "a day old"):
            WRONG[what].spoil(file)
            ended = there.run("run", path)
            assert ended.code == 78, ended.err
            assert (there.proxy.dials, there.contacts()) == ([], {}), what
            file.write_bytes(right)
        invariants(there, there.run("run", path), people=PEOPLE)


@pytest.mark.ci
@pytest.mark.slow
def test_f34_people_who_are_gone_on_purpose_go_with_yes(tmp_path: Path) -> None:
    """What is meant is done: those who are gone are not dialled, and are told as withdrawn."""
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan(contacts=RULES)
        assert there.run("run", path, "--max-calls", "1").code == 75
        rung = {ring.to_number for ring in there.rings()}
        _other_people(tmp_path / "people.csv")
        assert there.run("run", path).code == 78
        ended = there.run("run", path, "--yes")
        assert ended.code == 0, ended.err
        gone = {number(n) for n in range(25)} - rung
        assert {ring.to_number for ring in there.rings()}.isdisjoint(gone)
        withdrawn = {row["number"] for row in there.contacts().values() if row["stop"] == "withdrawn"}
        assert withdrawn >= gone
