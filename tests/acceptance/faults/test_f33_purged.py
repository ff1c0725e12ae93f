"""F33: people were purged, then the old list comes back by cron. Nobody who was finished is dialled again."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.kit import FINISHED, World, number, person

PEOPLE = 12
RULES: dict[str, Any] = {"hours": "always", "rules": "none", "retry": {"attempts": 1}}


def _listed(world: World, people: range, name: str) -> None:
    """The list anew: other data, and in another order."""
    with (world.folder / "people.csv").open("w", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(["id", "first_name", "phone"])
        lines.writerows([person(n), f"{name}{n}", number(n)] for n in reversed(people))


def _rung(world: World) -> Counter[str]:
    return Counter(ring.to_number for ring in world.rings() if not ring.turned_away)


def _is_nowhere(world: World, people: range) -> None:
    left = b"".join(world.folder.joinpath(name).read_bytes() for name in ("camp.db", "camp.db-wal", "camp.db.lock")
                    if world.folder.joinpath(name).exists())  # fmt: skip
    assert [n for n in people if number(n).encode() in left or person(n).encode() in left] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "by", [pytest.param({}, id="by id", marks=pytest.mark.ci), pytest.param({"id": ...}, id="by number")]
)
def test_f33_the_old_list_after_a_purge_dials_nobody_who_was_finished(tmp_path: Path, by: dict[str, Any]) -> None:
    world = World(tmp_path)
    world.people(PEOPLE)
    path = world.campaign(contacts=by, **RULES)
    assert world.run("run", path, "--quiet").code == 0
    once = _rung(world)
    states = world.states()
    assert len(once) == sum(states.values()) == PEOPLE
    assert set(states) <= FINISHED

    purged = world.run("purge", path, "--older-than", "0s", "--yes")
    assert (purged.code, f"{PEOPLE} people forgotten" in purged.out) == (0, True), purged.err
    _is_nowhere(world, range(PEOPLE))
    assert world.states() == states

    assert world.run("run", path, "--quiet").code == 0  # the very same file
    for name in ("Other", "Another"):  # and as it is written anew each night
        _listed(world, range(PEOPLE), name)
        assert world.run("run", path, "--quiet").code == 0
        assert _rung(world) == once
        assert world.states() == states
        _is_nowhere(world, range(PEOPLE))

    _listed(world, range(PEOPLE + 3), "More")
    assert world.run("run", path, "--quiet").code == 0
    assert _rung(world) == once + Counter(number(n) for n in range(PEOPLE, PEOPLE + 3))
    assert sum(world.states().values()) == PEOPLE + 3
