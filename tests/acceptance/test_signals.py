"""Stopped by a signal: nobody new, live calls are seen out, and the same command goes on later."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.acceptance.kit import World, number
from tests.acceptance.oracle import everyone_settled

PEOPLE = 36
SLOW_CALLS = {"simulator": {"time_scale": 10, "concurrent_calls": 20}}
"""A conversation takes a second and a half: long enough to be live when the signal comes."""

PACE = {"calls_per_second": 12, "concurrent_calls": 20}


def _begun(folder: Path) -> tuple[World, Path]:
    world = World(folder)
    world.people(PEOPLE)
    return world, world.campaign(platform=SLOW_CALLS, pace=PACE, retry={"attempts": 1})


def _goes_on(world: World, path: Path) -> None:
    """The same command takes the rest to its end, on a platform that is in a hurry by now."""
    slow = path.read_text()
    path.write_text(
        slow.replace("time_scale: 10", "time_scale: 100").replace("calls_per_second: 12", "calls_per_second: 60")
    )
    again = world.run("run", path)
    assert (again.code, again.closing) == (0, "camp 0 finished next=- due=0 live=0 unknown=0"), again.err
    everyone_settled(world, people=PEOPLE, most=1)


@pytest.mark.slow
@pytest.mark.parametrize("given", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda given: given.name)
def test_the_first_signal_sees_live_calls_out(tmp_path: Path, given: signal.Signals) -> None:
    world, path = _begun(tmp_path)
    with world.running("run", path) as run:
        run.until(lambda: len(world.rings()) >= 12)
        sent_at = run.send(given)
        live = sum(ring.over_at > sent_at for ring in world.rings())
        ended = run.ended(20)
    assert live >= 5
    assert ended.code == 75, ended.err
    left = PEOPLE - len(world.rings())
    assert left > 0
    assert ended.closing.startswith("camp 75 stopped next=")
    assert ended.closing.endswith(f"due={left} live=0 unknown=0")
    assert f"{given.name}: nobody new is dialled" in ended.err
    assert max(ring.at for ring in world.rings()) < sent_at + 1.0
    assert world.states()["dialing"] == 0
    if given is signal.SIGINT:
        _goes_on(world, path)


@pytest.mark.slow
def test_without_grace_live_calls_are_left_to_the_next_run(tmp_path: Path) -> None:
    world, path = _begun(tmp_path)
    with world.running("run", path, "--grace", "0s") as run:
        run.until(lambda: len(world.rings()) >= 12)
        sent_at = run.send(signal.SIGINT)
        ended = run.ended(10)
        gone_at = time.time()
    assert gone_at - sent_at < 6.0
    assert ended.code == 75, ended.err
    live = sum(ring.over_at > gone_at for ring in world.rings())
    assert live >= 3
    assert world.states()["dialing"] >= live
    assert f"live={world.states()['dialing']} unknown=0" in ended.closing
    _goes_on(world, path)


@pytest.mark.slow
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_second_signal_leaves_at_once(tmp_path: Path, second: signal.Signals) -> None:
    world, path = _begun(tmp_path)
    with world.running("run", path) as run:
        run.until(lambda: len(world.rings()) >= 12)
        run.send(signal.SIGINT)
        run.until(lambda: "nobody new is dialled" in run.err)
        assert run.process.poll() is None, "the first signal has already ended it"
        sent_at = run.send(second)
        ended = run.ended(10)
        gone_at = time.time()
    assert gone_at - sent_at < 6.0
    assert ended.code == 75, ended.err
    assert ended.closing.startswith("camp 75 stopped ")
    assert world.states()["dialing"] >= 1
    _goes_on(world, path)


@pytest.mark.slow
def test_a_signal_while_everybody_waits_ends_at_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(4)
    script = {number(n): ["no_answer"] for n in range(4)}
    path = world.campaign(platform={"simulator": {"script": script}}, retry={"unreached": "50s"})
    with world.running("run", path) as run:
        run.until(lambda: world.states()["waiting"] == 4)
        sent_at = run.send(signal.SIGTERM)
        ended = run.ended(10)
        assert time.time() - sent_at < 6.0
    assert ended.code == 75, ended.err
    assert "due=4 live=0 unknown=0" in ended.closing


@pytest.mark.slow
def test_a_signal_while_a_long_list_is_read(tmp_path: Path) -> None:
    """Nothing of the list is taken, nobody is dialled, and the next run takes all of it."""
    world = World(tmp_path)
    rows = "".join(f"P{n:07d},Name,+1415{2000000 + n}\n" for n in range(400_000))
    (tmp_path / "people.csv").write_text(f"id,first_name,phone\n{rows}")
    path = world.campaign()
    with world.running("run", path) as run:
        run.until(lambda: bool(world.ask("SELECT 1 FROM staged LIMIT 1")))
        sent_at = run.send(signal.SIGINT)
        ended = run.ended(30)
        assert time.time() - sent_at < 8.0, ended.err
    assert ended.code == 75, ended.err
    assert world.rings() == []
    assert world.contacts() == {}
