"""F08: the platform takes a dial, places the call only later, and knows nothing of it meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.faults.kit import PEOPLE, Stage, first_dial, invariants, stage
from tests.acceptance.kit import Ended
from tests.acceptance.oracle import nobody_over_rung
from tests.acceptance.proxy import Answered, Queued

LAG = 2.0
"""Seconds of the queue; a real one of 30 s stands to the shipped hold of 120 s as this to the hold below."""

HOLD = "4s"
GATEWAY = Answered(504, b"<html><h1>504 Gateway Time-out</h1></html>", {"Content-Type": "text/html"})


def _lagging(there: Stage, hold: str) -> Ended:
    """Run with one dial in the queue; it is over once that call has been placed."""
    queued = Queued(LAG, GATEWAY)
    there.proxy.rule = first_dial({5: queued})
    path = there.plan(recovery={"hold": hold})
    ended = there.run("run", path)
    assert queued.placed.wait(10)
    return ended


@pytest.mark.slow
def test_f08_the_hold_outlasts_the_lag(tmp_path: Path) -> None:
    with stage(tmp_path, repeated="dialled") as there:
        ended = _lagging(there, HOLD)
        invariants(there, ended)
        assert len(there.ids(5)) == there.rings_of(5) == 1
        assert there.events(5)[:2] == ["intended", "held"]


@pytest.mark.slow
def test_f08_without_a_hold_the_same_rings_twice(tmp_path: Path) -> None:
    """A 404 that is believed too early is a second ring, and the oracle sees it."""
    with stage(tmp_path, repeated="dialled") as there:
        _lagging(there, "0s")
        assert there.rings_of(5) == 2
        assert len(there.rings()) == PEOPLE + 1
        with pytest.raises(AssertionError, match="rung twice"):
            nobody_over_rung(there.rings())
