"""F22: a wall clock that jumps, and a machine that was asleep."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.acceptance.faults.kit import Stage, first_dial, invariants, nothing, stage, stopped_by_itself
from tests.acceptance.proxy import Answered, Cut, Queued

HOUR, DAY = 3600.0, 86400.0
GATEWAY = Answered(504, b"<html>504</html>", {"Content-Type": "text/html"})


def _clock(there: Stage) -> dict[str, str]:
    there.shift_clock(0)
    return there.seams(CLOCK=str(there.clock_file))


@pytest.mark.slow
@pytest.mark.parametrize("jump", [-HOUR, DAY], ids=["an hour back", "a day on"])
def test_f22_a_jump_in_mid_run_changes_neither_pace_nor_hold(tmp_path: Path, jump: float) -> None:
    """One dial lies in the platform's queue as the clock jumps: its hold is neither cut short nor drawn out."""
    with stage(tmp_path, 24, repeated="dialled") as there:
        queued = Queued(1.0, GATEWAY)
        there.proxy.rule = first_dial({6: queued})
        path = there.plan(pace={"calls_per_second": 12}, recovery={"hold": "2s"})
        with there.running("run", path, **_clock(there)) as run:
            run.until(lambda: "held" in there.events(6))
            there.shift_clock(jump)
            ended = run.ended(30)
        invariants(there, ended, people=24)
        assert len(there.ids(6)) == there.rings_of(6) == 1


@pytest.mark.ci
@pytest.mark.slow
def test_f22_a_jump_between_two_runs_does_not_cut_the_hold_short(tmp_path: Path) -> None:
    """Killed while a dial lies in the platform's queue, begun again by a clock that is a day ahead: an absence counts
    only once the hold has really passed."""
    with stage(tmp_path, repeated="dialled") as there:
        # Long enough for the second run to have begun, and to have looked, had it not waited.
        unseen, queued = Cut(after=False, held=True), Queued(5.0, GATEWAY)
        there.proxy.rule = first_dial({5: queued, 8: unseen})
        path, environ = there.plan(recovery={"hold": "7s"}), _clock(there)
        with there.running("run", path, **environ) as run:
            run.until(lambda: "held" in there.events(5) and unseen.at.is_set())
            run.kill()
        there.shift_clock(DAY)
        there.proxy.rule = nothing
        ended = there.run_in(environ, path)
        assert queued.placed.is_set()
        invariants(there, ended)
        assert len(there.ids(5)) == there.rings_of(5) == 1


@pytest.mark.slow
def test_f22_an_intent_that_slept_is_not_sent(tmp_path: Path) -> None:
    """The machine falls asleep between intent and send, and wakes an hour later: the intent has expired."""
    with stage(tmp_path) as there:
        environ = _clock(there) | there.seams(SIGNAL="SIGSTOP dialer.ledger:Ledger.intend after 4")
        with there.running("run", there.plan(), **environ) as run:
            stopped_by_itself(run)
            [asleep] = {row["call_id"] for row in there.attempts() if row["state"] == "intended"} - {
                asked.call_id for asked in there.proxy.dials
            }
            there.shift_clock(HOUR)
            run.send(signal.SIGCONT)
            ended = run.ended(30)
        invariants(there, ended)
        [attempt] = [row for row in there.attempts() if row["call_id"] == asleep]
        n = int(attempt["person"][2:])
        assert there.events(n)[:3] == ["intended", "refused", "intended"]
        assert "not sent in time" in there.details(n, "refused")[0]
        assert there.ids(n) == [asleep]
