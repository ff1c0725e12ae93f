"""F13: a connection that breaks under a dial: kept and gone stale, or cut before, in or after the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.faults.kit import PEOPLE, first_dial, invariants, stage
from tests.acceptance.proxy import Cut


@pytest.mark.slow
def test_f13_a_stale_connection_closes_while_the_post_is_written(tmp_path: Path) -> None:
    """Unknown, looked up, absent: one ring, under the id that was written on the dead connection."""
    with stage(tmp_path) as there:
        there.proxy.dead_kept = 2
        invariants(there, there.run("run", there.plan()))
        assert there.proxy.dead_kept == 0
        met = [n for n in range(PEOPLE) if "held" in there.events(n)]
        assert len(met) == 2
        for n in met:
            [attempt] = there.attempts_of(n)
            assert there.ids(n) == [attempt["call_id"]]
            assert there.rings_of(n) == 1
            assert there.events(n)[:6] == ["intended", "held", "looked_up", "looked_up", "refused", "intended"]


@pytest.mark.slow
def test_f13_an_answer_that_is_cut_somewhere(tmp_path: Path) -> None:
    """Whatever came of the answer, only the platform tells: who was rung is adopted, who was not is dialled again."""
    placed = {2: Cut(after=True), 6: Cut(after=True, piece="head"), 10: Cut(after=True, piece="body")}
    unheard = {4: Cut(after=False), 8: Cut(after=False, piece="head"), 12: Cut(after=False, piece="body")}
    with stage(tmp_path, 16) as there:
        there.proxy.rule = first_dial({**placed, **unheard})
        invariants(there, there.run("run", there.plan()), people=16)
        for n in placed:
            assert (len(there.ids(n)), there.rings_of(n)) == (1, 1)
            assert there.events(n)[:2] == ["intended", "held"]
            assert "looked_up" not in there.events(n)
        for n in unheard:
            assert (len(there.ids(n)), len(set(there.ids(n))), there.rings_of(n)) == (2, 1, 1)
