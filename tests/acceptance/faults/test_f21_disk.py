"""F21: the disk fails. Before an intent is on disk nothing is sent; what was sent is looked up by the next run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.faults.disk import DISKS, NO_MORE_THAN_OTHERS, Disk, ends_while_it_fails, is_whole, says_plainly
from tests.acceptance.faults.gates import Gate, dial_of, finishes, is_read, nothing_lost_so_far
from tests.acceptance.faults.kit import Stage, stage
from tests.acceptance.kit import ROOT, World, number
from tests.acceptance.oracle import everyone_settled
from tests.command_line import process

PEOPLE = 5


_MARKS = {"locked": pytest.mark.ci}  # SQLite waits for a lock for five seconds, each time


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=_MARKS.get(kind, ())) for kind in DISKS])
def test_f21_the_disk_fails_before_an_intent_and_after_a_post(tmp_path: Path, kind: str) -> None:
    with stage(tmp_path, PEOPLE) as there, DISKS[kind](there) as disk:
        path = there.plan(ledger=str(there.ledger), pace={"concurrent_calls": 1})
        assert there.run("run", path, "--max-calls", "1").code == 75
        _fails_before_the_intent(there, disk, path)
        _fails_after_the_post(there, disk, path)
        finishes(there, path, PEOPLE)
        assert len(there.ids(1)) == 1
        is_whole(there.ledger)


def _fails_before_the_intent(there: Stage, disk: Disk, path: Path) -> None:
    """The list is known and one person is done: the next that is written is an intent."""
    dials, attempts = len(there.proxy.dials), len(there.attempts())
    gate = Gate(there.proxy, is_read)
    with there.running("run", path) as run:
        run.until(gate.reached.is_set)
        ended = ends_while_it_fails(disk, run, gate.let_through)
    says_plainly(ended, *disk.words)
    assert len(there.proxy.dials) == dials
    assert len(there.rings()) == 1
    is_whole(there.ledger)
    # What could not be synced may still be found after it: then it is an intent that was never sent.
    assert len(there.attempts()) - attempts in (0, 1)
    nothing_lost_so_far(there, PEOPLE)


def _fails_after_the_post(there: Stage, disk: Disk, path: Path) -> None:
    """The dial of the second person is on its way; its answer cannot be written down."""
    gate = Gate(there.proxy, dial_of(1))
    with there.running("run", path) as run:
        run.until(gate.reached.is_set)
        ended = ends_while_it_fails(disk, run, gate.let_through)
    says_plainly(ended, *disk.words)
    assert there.rings_of(1) == 1
    [attempt] = [row for row in there.attempts() if row["number"] == number(1)]
    assert attempt["state"] in ("intended", "placed")
    is_whole(there.ledger)
    nothing_lost_so_far(there, PEOPLE)


@pytest.mark.slow
def test_f21_a_ledger_that_may_not_be_written(tmp_path: Path) -> None:
    """The folder may be, the ledger may not: told at the start, and nobody is dialled."""
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan()
        assert there.run("run", path, "--max-calls", "1").code == 75
        dials = len(there.proxy.dials)
        there.ledger.chmod(0o400)
        told = process("run", path, env=there.environ, before=NO_MORE_THAN_OTHERS, cwd=tmp_path)
        assert told.code == 74, told.err
        assert "Traceback" not in told.err
        assert "camp.db" in told.err
        assert "must be writable by this user" in told.err
        assert len(there.proxy.dials) == dials
        there.ledger.chmod(0o600)
        finishes(there, path, PEOPLE)
        is_whole(there.ledger)


@pytest.mark.slow
def test_f21_a_disk_that_is_full_while_the_list_is_taken(tmp_path: Path) -> None:
    """Nothing of the list is taken, nobody is dialled, and the next run takes all of it."""
    with stage(tmp_path, PEOPLE) as there, DISKS["full"](there) as disk:
        path = there.plan(ledger=str(there.ledger))
        gate = Gate(there.proxy, is_read)
        with there.running("run", path) as run:
            run.until(gate.reached.is_set)
            ended = ends_while_it_fails(disk, run, gate.let_through)
        says_plainly(ended, *disk.words)
        assert there.proxy.dials == []
        assert there.contacts() == {}
        finishes(there, path, PEOPLE)
        is_whole(there.ledger)


@pytest.mark.slow
def test_f21_what_cannot_be_printed_does_not_hide_the_exit_code(tmp_path: Path) -> None:
    """A log on a full disk: the calls go on, and the end is told by its code."""
    world = World(tmp_path)
    world.people(PEOPLE)
    path = world.campaign(retry={"attempts": 1})
    assert _code_into_a_full_log(path, "run", "--max-calls", "1") == 75
    assert len(world.rings()) == 1
    assert _code_into_a_full_log(path, "run") == 1
    everyone_settled(world, people=PEOPLE, most=1)


def _code_into_a_full_log(path: Path, command: str, *options: str) -> int:
    with Path("/dev/full").open("wb") as log:
        arguments = [sys.executable, "-m", "dialer", command, str(path), *options]
        environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
        return subprocess.run(arguments, stdout=log, stderr=log, env=environ, timeout=60).returncode
