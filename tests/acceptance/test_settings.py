"""What is not known of the platform is a setting of the simulated one: a run ends well on every one of them."""

from __future__ import annotations

import asyncio
import io
from itertools import product
from pathlib import Path

import pytest

from dialer.clock import Clock
from dialer.config import load
from dialer.console import choose
from dialer.runner import Closed, Options, run
from tests.acceptance.kit import World
from tests.acceptance.oracle import everyone_settled

PEOPLE = 40
KINDS = list(product(("custom", "platform", "both"), ("refused", "merged", "dialled")))


@pytest.mark.slow
@pytest.mark.parametrize(
    "full_answer",
    ["201", pytest.param("record", marks=pytest.mark.ci), "429", pytest.param("403", marks=pytest.mark.ci)],
)
def test_a_run_ends_well_on_a_platform_of_any_kind(tmp_path: Path, full_answer: str) -> None:
    """Nine kinds of it beside each other, each with a campaign of its own, over real HTTP within this process."""
    worlds = [_world(tmp_path / f"{lookup}-{repeated}", lookup, repeated, full_answer) for lookup, repeated in KINDS]

    async def all_of_them() -> list[Closed]:
        return await asyncio.gather(*(_run_here(world) for world in worlds))

    for world, closed in zip(worlds, asyncio.run(all_of_them()), strict=True):
        assert [(closing.code, closing.reason) for closing in closed.closings] == [(0, "finished")], world.folder
        everyone_settled(world, people=PEOPLE)
        _was_full(world, full_answer)


def _world(folder: Path, lookup: str, repeated: str, full_answer: str) -> World:
    folder.mkdir()
    world = World(folder)
    world.people(PEOPLE)
    kind = {"full_answer": full_answer, "lookup": lookup, "repeated": repeated, "concurrent_calls": 7}
    world.campaign(platform={"simulator": kind}, pace={"calls_per_second": 60, "concurrent_calls": 13})
    return world


async def _run_here(world: World) -> Closed:
    clock = Clock()
    console = choose(io.StringIO(), is_terminal=False, now=clock.now)
    return await run([load(world.folder / "camp.yaml", {})], Options(), console, clock)


def _was_full(world: World, full_answer: str) -> None:
    """Whoever found the account full was dialled again: under a new id where there is a record of it, under the same
    one where there is none."""
    turned_away = [ring for ring in world.rings() if ring.turned_away]
    refused = world.ask("SELECT * FROM events WHERE event = 'refused'")
    assert bool(turned_away) == (full_answer in ("201", "record"))
    assert bool(refused) == (full_answer in ("429", "403"))
    if refused:
        serials = {row["person"]: row["serial"] for row in world.contacts().values()}
        assert serials == {row["person"]: row["attempts"] for row in world.contacts().values()}
