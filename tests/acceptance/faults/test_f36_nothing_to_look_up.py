"""F36: the list of calls and the lookup by id both answer 404: dialled only where nothing tells of earlier runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.faults.kit import invariants, nothing, stage
from tests.acceptance.faults.lost_time import blind, delete, dials_nobody, some
from tests.acceptance.kit import FINISHED


@pytest.mark.ci
@pytest.mark.slow
def test_f36_a_fresh_start_is_said_aloud_and_dialled(tmp_path: Path) -> None:
    """Nobody's end can be learned then: all are held, and settled once the platform shows its calls."""
    with stage(tmp_path, 3) as there:
        there.proxy.rule = blind
        path = there.plan(call={"longest": "2s"})
        ended = there.run("run", path)
        assert ended.code == 3, ended.err
        assert "the platform's list of calls answers 404" in ended.err
        assert "a lost answer may stay unknown" in ended.err
        assert (len(there.proxy.dials), there.states()["unknown"]) == (3, 3)
        there.proxy.rule = nothing
        invariants(there, there.run("run", path), people=3)


@pytest.mark.slow
def test_f36_with_a_sign_of_earlier_runs_nobody_is_dialled_but_on_a_persons_word(tmp_path: Path) -> None:
    with stage(tmp_path, 6, script={}, mix={"user_ended_call": 1.0}) as there:
        path = there.plan(call={"longest": "2s"})
        some(there, path, 2)
        before = {asked.number for asked in there.proxy.dials}
        delete(there)
        there.proxy.rule = blind
        for _ in range(2):
            ended = dials_nobody(there, path, 70)
            assert "the platform's list of calls answers 404" in ended.err
            assert "an earlier ledger was deleted" in ended.err
            assert "--none-were-called" in ended.err
        # On a person's word; what it was about is said.
        asked = len(there.proxy.dials)
        ended = there.run("run", path, "--none-were-called", "--max-calls", "1")
        assert "--none-were-called says so" in ended.err
        assert len(there.proxy.dials) == asked + 1
        assert before
        there.proxy.rule = nothing
        assert there.run("run", path).code == 0
        assert set(there.states()) <= FINISHED
