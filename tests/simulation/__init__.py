"""Deterministic simulation: the product's own parts in virtual time, a seeded platform, seeded faults and kills.

`simulate(seed)` lives a campaign of hours in a moment, kills and restarts it at any await, and then says which
invariants are broken. The same seed gives the same events and the same rows, in any process. `python -m
tests.simulation` runs many.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation.campaigns import folder_for
from tests.simulation.oracle import broken_invariants
from tests.simulation.plan import Plan, plan_of
from tests.simulation.process import Guards
from tests.simulation.world import World

__all__ = ["Guards", "Outcome", "Plan", "plan_of", "simulate"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a seed. `digest` is of all dials, rings, events and rows; `story` is told line by line."""

    seed: int
    broken: tuple[str, ...]
    digest: str
    posts: int
    rings: int
    processes: int
    kills: int
    hours: float
    story: Sequence[str] = ()


def simulate(seed: int, *, plan: Plan | None = None, guards: Guards | None = None, tells: bool = False) -> Outcome:
    """Live a seed to its end; `plan` instead of the seed's own, `guards` to take something out, `tells`: a story."""
    was_collecting = gc.isenabled()
    gc.disable()  # a collection in the middle of a seed costs more than all that it frees
    try:
        with folder_for(seed) as folder:
            world = World(plan or plan_of(seed), folder, guards or Guards())
            world.run()
            return _outcome(seed, world, tells)
    finally:
        if was_collecting:
            gc.enable()


def _outcome(seed: int, world: World, tells: bool) -> Outcome:
    broken = tuple(broken_invariants(world))
    return Outcome(
        seed=seed,
        broken=broken,
        digest=world.story.digest(world.tables),
        posts=len(world.posts),
        rings=len(world.carrier.rings),
        processes=len(world.codes),
        kills=sum(code is None for code in world.codes),
        hours=world.now() / 3600.0,
        story=world.story.lines() if tells else (),
    )
