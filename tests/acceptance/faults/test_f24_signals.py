"""F24: stopped by a signal: nobody new, live calls are seen out, and the same command goes on later."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.faults.kit import Stage, first_dial, invariants, nothing, stage
from tests.acceptance.kit import Ended, World, number
from tests.acceptance.proxy import Cut

PEOPLE = 36
PACE = {"calls_per_second": 15, "concurrent_calls": 20}
SLOWLY = {"time_scale": 10}
"""A conversation takes a second and a half: long enough to be live when the signal comes."""


def _finishes(there: Stage, path: Path) -> None:
    there.proxy.rule = nothing
    invariants(there, there.run("run", path), people=PEOPLE)


@pytest.mark.ci
@pytest.mark.slow
def test_f24_the_first_signal_sees_live_calls_out(tmp_path: Path) -> None:
    """One signal after the other, each in a run of its own; then the rest."""
    with stage(tmp_path, PEOPLE, **SLOWLY) as there:
        path = there.plan(pace=PACE)
        for given in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            _stopped_by(there, path, given)
        _finishes(there, path)


def _stopped_by(there: Stage, path: Path, given: signal.Signals) -> None:
    came = len(there.rings())
    with there.running("run", path) as run:
        run.until(lambda: len(there.rings()) >= came + 8)
        sent_at = run.send(given)
        live = sum(ring.over_at > sent_at for ring in there.rings())
        ended = run.ended(20)
    assert live >= 3
    assert ended.code == 75, ended.err
    assert f"{given.name}: nobody new is dialled" in ended.err
    assert max(asked.at for asked in there.proxy.dials) < sent_at + 1.0
    left = PEOPLE - len(there.rings())
    assert left > 0
    assert ended.closing.startswith("camp 75 stopped next=")
    assert ended.closing.endswith(f"due={left} live=0 unknown=0")


@pytest.mark.ci
@pytest.mark.slow
def test_f24_without_grace_live_calls_are_left_to_the_next_run(tmp_path: Path) -> None:
    with stage(tmp_path, PEOPLE, **SLOWLY) as there:
        path = there.plan(pace=PACE)
        with there.running("run", path, "--grace", "0s") as run:
            run.until(lambda: len(there.rings()) >= 12)
            sent_at = run.send(signal.SIGINT)
            ended = run.ended(10)
            gone_at = time.time()
        assert gone_at - sent_at < 6.0
        assert ended.code == 75, ended.err
        live = sum(ring.over_at > gone_at for ring in there.rings())
        assert live >= 3
        assert there.states()["dialing"] >= live
        assert f"live={there.states()['dialing']} unknown=0" in ended.closing
        _finishes(there, path)


@pytest.mark.slow
def test_f24_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    """Even with a dial under way; that one is then as after a kill: looked up, adopted, not sent again."""
    with stage(tmp_path, PEOPLE, **SLOWLY) as there:
        cut = Cut(after=True, held=True)
        there.proxy.rule = first_dial({9: cut})
        path = there.plan(pace=PACE)
        with there.running("run", path) as run:
            run.until(cut.at.is_set)
            run.send(signal.SIGINT)
            run.until(lambda: "nobody new is dialled" in run.err)
            assert run.process.poll() is None, "the first signal has already ended it"
            sent_at = run.send(signal.SIGTERM)
            ended = run.ended(10)
            gone_at = time.time()
        assert gone_at - sent_at < 6.0
        assert ended.code == 75, ended.err
        assert ended.closing.startswith("camp 75 stopped ")
        assert [row["state"] for row in there.attempts_of(9)] == ["intended"]
        _finishes(there, path)
        assert len(there.ids(9)) == there.rings_of(9) == 1
        assert "looked_up" not in there.events(9)


@pytest.mark.slow
def test_f24_while_everybody_waits_it_ends_at_once(tmp_path: Path) -> None:
    with stage(tmp_path, 4, script={number(n): ["no_answer"] for n in range(4)}) as there:
        path = there.plan(retry={"attempts": 3, "unreached": "50s"})
        with there.running("run", path) as run:
            run.until(lambda: there.states()["waiting"] == 4)
            sent_at = run.send(signal.SIGTERM)
            ended = run.ended(10)
            assert time.time() - sent_at < 6.0
    assert ended.code == 75, ended.err
    assert "due=4 live=0 unknown=0" in ended.closing


@pytest.mark.slow
def test_f24_while_a_long_list_is_read(tmp_path: Path) -> None:
    """Nothing of the list is taken, nobody is dialled, and the next run takes all of it."""
    world = World(tmp_path)
    rows = "".join(f"P{n:07d},Name,+1415{2000000 + n}\n" for n in range(400_000))
    (tmp_path / "people.csv").write_text(f"id,first_name,phone\n{rows}")
    path = world.campaign()
    ended = _stopped_while_reading(world, path)
    assert ended.code == 75, ended.err
    assert world.rings() == []
    assert world.contacts() == {}


def _stopped_while_reading(world: World, path: Path) -> Ended:
    with world.running("run", path) as run:
        run.until(lambda: bool(world.ask("SELECT 1 FROM imports WHERE applied_at IS NULL")))
        sent_at = run.send(signal.SIGINT)
        ended = run.ended(30)
    assert time.time() - sent_at < 8.0, ended.err
    return ended
