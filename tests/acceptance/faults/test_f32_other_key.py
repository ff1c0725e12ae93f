"""F32: the key or the URL is another after a crash: what the one does not show proves nothing about the other."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.simulator import read_rings
from tests.acceptance.faults.kit import Stage, first_dial, invariants, nothing, stage
from tests.acceptance.faults.kit import platform as another_platform
from tests.acceptance.kit import KEY, World, number
from tests.acceptance.proxy import Cut, between, free_port

OTHER_KEY = "API_another_made_up_key"
LAST = 11


def _killed_with_a_dial_under_way(there: Stage, path: Path, n: int, *, placed: bool) -> None:
    """The process dies while the answer to a dial is out; the others were called before it."""
    cut = Cut(after=placed, held=True)
    there.proxy.rule = first_dial({n: cut})
    with there.running("run", path) as run:
        run.until(cut.at.is_set)
        run.until(lambda: sum(there.states()[state] for state in ("done", "exhausted")) >= min(n, 3))
        run.kill()
    there.proxy.rule = nothing
    assert there.events(n) == ["intended"]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "placed"), [pytest.param(5, False, marks=pytest.mark.ci), (LAST, True)])
def test_f32_the_key_of_another_account_redials_nobody(tmp_path: Path, placed: bool, n: int) -> None:
    """With people left to be called, whom the other account then knows; and with none."""
    with stage(tmp_path) as there:
        path = there.plan(recovery={"hold": "1s"}, pace={"concurrent_calls": 1})
        _killed_with_a_dial_under_way(there, path, n, placed=placed)
        path = there.plan(recovery={"hold": "1s"}, pace={"calls_per_second": 4})  # others are dialled in the hold
        there.environ["FAULT_KEY"] = OTHER_KEY
        port, own = free_port(), there.proxy.to_port
        with another_platform(port, tmp_path / "other.jsonl"):
            there.proxy.to_port = port
            for _ in range(2):
                ended = there.run("run", path)
                assert ended.code == 70, ended.err
                assert ended.closing.startswith("camp 70 other_key ")
                assert "put the earlier key back" in ended.err
        elsewhere = read_rings(tmp_path / "other.jsonl")
        assert number(n) not in {ring.to_number for ring in elsewhere}
        there.environ["FAULT_KEY"], there.proxy.to_port = KEY, own
        ended = there.run("run", path)
        assert (ended.code, there.states()["unknown"]) == (0, 0), ended.err
        rung = [ring.to_number for ring in (*elsewhere, *there.rings())]
        assert sorted(rung) == sorted(number(person) for person in range(12))


@pytest.mark.slow
def test_f32_another_key_of_the_same_account_goes_on(tmp_path: Path) -> None:
    with stage(tmp_path) as there:
        path = there.plan()
        _killed_with_a_dial_under_way(there, path, 5, placed=False)
        there.environ["FAULT_KEY"] = OTHER_KEY
        invariants(there, there.run("run", path))
        assert (len(set(there.ids(5))), there.rings_of(5)) == (1, 1)


@pytest.mark.slow
def test_f32_what_was_dialled_on_the_simulator_is_not_finished_elsewhere(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(3)
    assert world.run("run", world.campaign(retry={"attempts": 1})).code == 0
    with between(free_port()) as proxy:
        platform = {"url": proxy.url, "api_key": KEY, "simulator": ...}
        ended = world.run("run", world.campaign(retry={"attempts": 1}, platform=platform))
        assert ended.code == 78
        assert "was dialled on simulator" in ended.err
        assert "give it another name, or another ledger" in ended.err
        assert proxy.asked == []
