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
KINDS = list(product(("201", "record", "429", "403"), ("custom", "platform", "both"), ("refused", "merged", "dialled")))


def _run_here(path: Path) -> Closed:
    """The whole run within this process, over real HTTP."""
    clock = Clock()
    console = choose(io.StringIO(), is_terminal=False, now=clock.now)
    return asyncio.run(run([load(path, {})], Options(), console, clock))


@pytest.mark.slow
@pytest.mark.parametrize(("full_answer", "lookup", "repeated"), KINDS, ids=map("-".join, KINDS))
def test_a_run_ends_well_on_a_platform_of_any_kind(
    tmp_path: Path, full_answer: str, lookup: str, repeated: str
) -> None:
    world = World(tmp_path)
    world.people(PEOPLE)
    kind = {"full_answer": full_answer, "lookup": lookup, "repeated": repeated, "concurrent_calls": 9}
    path = world.campaign(platform={"simulator": kind}, pace={"calls_per_second": 100, "concurrent_calls": 13})
    closed = _run_here(path)
    assert [(closing.code, closing.reason) for closing in closed.closings] == [(0, "finished")]
    everyone_settled(world, people=PEOPLE)
    # The account was full, and whoever met that was dialled again: under a new id where there is a record of it,
    # under the same one where there is none.
    turned_away = [ring for ring in world.rings() if ring.turned_away]
    refused = world.ask("SELECT * FROM events WHERE event = 'refused'")
    if full_answer in ("201", "record"):
        assert turned_away
        assert not refused
    else:
        assert not turned_away
        assert refused
        assert {row["serial"] - row["costs"] for row in world.attempts() if row["serial"] == 1} == {0}
