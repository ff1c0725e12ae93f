"""Killed with no chance to tidy up, and run again: nobody is lost, and nobody is rung twice because of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.kit import World
from tests.acceptance.oracle import everyone_settled, most_live

PEOPLE = 32


def _intended(world: World) -> bool:
    return bool(world.ask("SELECT 1 FROM attempts LIMIT 1"))


def _first_ring(world: World) -> bool:
    return world.rings_file.exists() and world.rings_file.stat().st_size > 0


def _rung(world: World, least: int) -> bool:
    return _first_ring(world) and len(world.rings()) >= least


def _draining(world: World) -> bool:
    """Nobody waits to be called, and calls are live."""
    states = world.states()
    return states["dialing"] > 0 and states["due"] + states["waiting"] == 0


MOMENTS: dict[str, tuple[Callable[[World], bool], dict[str, Any]]] = {
    "as the first intent stands": (_intended, {}),
    "as the first call rings": (_first_ring, {}),
    "in the middle": (lambda world: _rung(world, 20), {}),
    "while retries are under way": (lambda world: _rung(world, 40), {}),
    "while the last calls run out": (_draining, {"retry": {"attempts": 1}, "pace": {"concurrent_calls": 20}}),
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_once_and_run_again(tmp_path: Path, moment: str) -> None:
    is_now, changes = MOMENTS[moment]
    world = World(tmp_path)
    world.people(PEOPLE)
    path = world.campaign(**changes)
    with world.running("run", path) as first:
        first.until(lambda: is_now(world))
        first.kill()
    before = world.rings()
    again = world.run("run", path)
    assert (again.code, again.closing) == (0, "camp 0 finished next=- due=0 live=0 unknown=0"), again.err
    assert world.rings()[: len(before)] == before
    everyone_settled(world, people=PEOPLE, most=1 if "retry" in changes else 3)


@pytest.mark.slow
def test_killed_before_the_list_is_taken(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(PEOPLE)
    path = world.campaign()
    with world.running("run", path) as first:
        first.until(world.ledger.exists)
        first.kill()
    assert world.run("run", path).code == 0
    everyone_settled(world, people=PEOPLE)


@pytest.mark.ci
@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(PEOPLE)
    path = world.campaign()
    for more in (1, 12, 12, 12):
        wanted = len(world.rings()) + more
        with world.running("run", path) as run:
            run.until(lambda wanted=wanted: _rung(world, wanted))  # type: ignore[misc]
            run.kill()
    assert world.run("run", path).code == 0
    everyone_settled(world, people=PEOPLE)


@pytest.mark.slow
def test_the_calls_of_a_killed_run_keep_their_lines(tmp_path: Path) -> None:
    """They are live on the platform, so the next run has so many lines fewer until they are over."""
    world = World(tmp_path)
    world.people(24)
    quick = {"simulator": {"time_scale": 15, "concurrent_calls": 30}}
    path = world.campaign(platform=quick, pace={"concurrent_calls": 8}, retry={"attempts": 1})
    with world.running("run", path) as first:
        first.until(lambda: _rung(world, 8))
        first.kill()
    assert world.run("run", path).code == 0
    everyone_settled(world, people=24, most=1)
    assert most_live(world.rings()) == 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lookup", "repeated", "full_answer"),
    [
        ("custom", "dialled", "201"),
        pytest.param("platform", "dialled", "record", marks=pytest.mark.ci),
        ("both", "merged", "429"),
        pytest.param("custom", "merged", "403", marks=pytest.mark.ci),
        pytest.param("platform", "refused", "429", marks=pytest.mark.ci),
    ],
)
def test_killed_on_a_platform_of_another_kind(tmp_path: Path, lookup: str, repeated: str, full_answer: str) -> None:
    world = World(tmp_path)
    world.people(PEOPLE)
    kind = {"lookup": lookup, "repeated": repeated, "full_answer": full_answer, "concurrent_calls": 9}
    path = world.campaign(platform={"simulator": kind})
    with world.running("run", path) as run:
        run.until(lambda: _rung(world, 14))
        run.kill()
    again = world.run("run", path)
    assert again.code == 0, again.out + again.err
    everyone_settled(world, people=PEOPLE)
