"""F25: killed at random moments, again and again, while three dials in ten go wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.simulator import Ring
from tests.acceptance.kill_loop import Rules, is_rung_twice, kill_loop
from tests.acceptance.kit import World


@pytest.mark.slow
def test_f25_six_kills_over_forty_people(tmp_path: Path) -> None:
    _holds(tmp_path, Rules(kills=6, people=40, seed=7))


@pytest.mark.ci
@pytest.mark.slow
def test_f25_forty_kills_over_two_hundred_people(tmp_path: Path) -> None:
    _holds(tmp_path, Rules(kills=40, people=200, seed=25))


def _holds(folder: Path, rules: Rules) -> None:
    """Nobody is rung twice, nobody is lost, and what could not be settled is listed."""
    found = kill_loop(folder, rules)
    assert found.is_good, found.table()
    assert found.people == rules.people, found.table()
    assert found.kills >= 0.8 * rules.kills, found.table()  # nobody may be left to be called before the last of them
    assert found.spoilt > 0.15 * found.dials, found.table()
    assert found.code == (3 if found.unknown else 0), found.table()


@pytest.mark.slow
def test_f25_the_count_sees_a_second_ring(tmp_path: Path) -> None:
    """The judge of the loop is not blind."""
    world = World(tmp_path)
    world.people(1)
    path = world.campaign(retry={"attempts": 1}, platform={"simulator": {"mix": {"no_answer": 1}}})
    assert world.run("run", path).code == 0
    [ring] = world.rings()
    line = ring.to_line()
    assert not is_rung_twice([ring])
    assert ring.call_id is not None
    again = Ring.from_line(line.replace(ring.call_id, "z" * 32).encode())
    assert is_rung_twice([ring, ring])
    assert is_rung_twice([ring, again]), "a second call while the first was live"
