"""F23: two runs of one ledger. One dials; the other says who does. A lock that was deleted is no way around it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.acceptance.faults.gates import Gate, dial_of, finishes
from tests.acceptance.faults.kit import invariants, stage
from tests.acceptance.kit import Ended, World

PEOPLE = 12
HELD = re.compile(r"the ledger \S+camp\.db is held by another run \((`run` with pid \d+ on \S+|which has not yet said)")


def _runs(world: World) -> list[int]:
    """The processes that have begun a run, in order."""
    return [row["pid"] for row in world.ask("SELECT pid FROM runs ORDER BY id")]


def _turned_away(ended: Ended) -> bool:
    return ended.code == 11 and HELD.search(ended.err) is not None and ended.closing.startswith("camp 11 held ")


@pytest.mark.slow
def test_f23_of_two_starts_at_once_exactly_one_dials(tmp_path: Path) -> None:
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan(pace={"calls_per_second": 20})
        with there.running("run", path) as one, there.running("run", path) as other:
            ends = {run.process.pid: run.ended() for run in (one, other)}
        [winner] = [pid for pid, ended in ends.items() if ended.code == 0]
        [loser] = [ended for pid, ended in ends.items() if pid != winner]
        assert _turned_away(loser), loser.err
        # The other never began a run, and so wrote no intent; without an intent nothing was sent.
        assert _runs(there) == [winner]
        assert len(there.proxy.dials) == PEOPLE
        invariants(there, there.run("run", path), people=PEOPLE)


@pytest.mark.slow
def test_f23_who_waits_for_the_lock_finds_all_done(tmp_path: Path) -> None:
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan(pace={"calls_per_second": 20})
        with there.running("run", path) as first, there.running("run", path, "--retry-lock", "40s") as second:
            codes = [first.ended().code, second.ended().code]
        # Whoever was second to the lock waited for it only if it is the patient one.
        assert codes in ([0, 0], [11, 0])
        assert len(there.proxy.dials) == PEOPLE
        invariants(there, there.run("run", path), people=PEOPLE)


@pytest.mark.ci
@pytest.mark.slow
def test_f23_a_lock_deleted_in_mid_run_lets_the_older_run_dial_nobody_more(tmp_path: Path) -> None:
    """The older run stands at a dial while the newer takes the ledger over; then it goes on, and finds the fence. The
    call that it made so is found by the newer, once its hold is over."""
    with stage(tmp_path, PEOPLE) as there:
        path = there.plan(pace={"concurrent_calls": 1}, recovery={"hold": "3s"})
        gate = Gate(there.proxy, dial_of(3))
        with there.running("run", path) as older:
            older.until(gate.reached.is_set)
            (tmp_path / "camp.db.lock").unlink()
            with there.running("run", path) as newer:
                newer.until(lambda: len(_runs(there)) == 2)
                behind_the_fence = len(_dials_of(there, older.process.pid))
                gate.let_through()
                first, second = older.ended(), newer.ended()
        assert first.code == 11, first.err
        assert first.closing.startswith("camp 11 held ")
        assert "another run" in first.err
        assert len(_dials_of(there, older.process.pid)) == behind_the_fence
        assert second.code == 0, second.err
        finishes(there, path, PEOPLE)
        assert len(there.ids(3)) == 1


def _dials_of(world: World, pid: int) -> list[str]:
    """The call ids of the intents that a process has written."""
    sql = "SELECT call_id FROM attempts JOIN runs ON runs.id = run_id WHERE pid = ? ORDER BY attempts.id"
    return [row["call_id"] for row in world.ask(sql, pid)]
