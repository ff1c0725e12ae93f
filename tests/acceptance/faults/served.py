"""A campaign on a simulated platform of its own process, a proxy between, and gates at which a moment stands still."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.acceptance.kit import FINISHED, KEY, Ended, World, number, simulator
from tests.acceptance.oracle import everyone_settled, nobody_over_rung
from tests.acceptance.proxy import Asked, Proxy, between

DONE = "camp 0 finished next=- due=0 live=0 unknown=0"


@contextlib.contextmanager
def served(folder: Path, people: int) -> Iterator[tuple[World, Proxy]]:
    """A world with so many people, its platform, and the proxy through which the platform is reached."""
    world = World(folder)
    world.people(people)
    with simulator(world) as (_, port), between(port) as proxy:
        yield world, proxy


def campaign_on(world: World, proxy: Proxy, **changes: Any) -> Path:
    """The campaign file that leads to the proxy; one attempt a person, unless the changes say otherwise."""
    platform = {"url": proxy.url, "api_key": KEY, "simulator": ...}
    return world.campaign(platform=platform, **({"retry": {"attempts": 1}} | changes))


class Gate:
    """The first request that fits stands still here, before the platform has heard of it, until it is let through.

    Whatever follows it passes freely, and so does everything where nothing fits.
    """

    def __init__(self, proxy: Proxy, fits: Callable[[Asked], bool]) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()
        self._fits = fits
        proxy.rule = self._rule

    def _rule(self, asked: Asked) -> None:
        if not self.reached.is_set() and self._fits(asked):
            self.reached.set()
            self._open.wait(60)

    def let_through(self) -> None:
        self._open.set()


def dial_of(n: int) -> Callable[[Asked], bool]:
    """Fits the dial of the n-th person."""
    return lambda asked: asked.is_dial and asked.number == number(n)


def is_read(asked: Asked) -> bool:
    """Fits what asks and dials nobody."""
    return not asked.is_dial


def ids_of(proxy: Proxy, n: int) -> list[str]:
    """The call ids under which the n-th person was dialled, in order."""
    return [asked.body["call_id"] for asked in proxy.dials if asked.number == number(n)]


def each_had_an_intent(world: World, proxy: Proxy) -> None:
    """No dial came whose intent does not stand in the ledger."""
    known = {row["call_id"] for row in world.ask("SELECT call_id FROM attempts")}
    assert {asked.body["call_id"] for asked in proxy.dials} <= known


def nothing_lost_so_far(world: World, proxy: Proxy, people: int) -> None:
    """In the middle of things: each row in one state, each dial with an intent, nobody rung twice."""
    assert sum(world.states().values()) == people
    each_had_an_intent(world, proxy)
    nobody_over_rung(world.rings())


def finishes(world: World, proxy: Proxy, path: Path, people: int, most: int = 1) -> Ended:
    """Once the faults have stopped, the same command takes everybody to an end."""
    proxy.rule = lambda _: None
    ended = world.run("run", path)
    assert (ended.code, ended.closing) == (0, DONE), ended.err
    each_had_an_intent(world, proxy)
    everyone_settled(world, people=people, most=most)
    assert set(world.states()) <= FINISHED
    return ended
