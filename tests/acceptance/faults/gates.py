"""Gates at which a moment stands still, and what must be true in the middle of things and at their end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.faults.kit import Stage, invariants, nothing
from tests.acceptance.kit import number
from tests.acceptance.oracle import nobody_over_rung
from tests.acceptance.proxy import Asked, Proxy


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


def nothing_lost_so_far(there: Stage, people: int) -> None:
    """In the middle of things: each row in one state, each dial with an intent, nobody rung twice."""
    assert sum(there.states().values()) == people
    assert there.without_intent == []
    nobody_over_rung(there.rings())


def finishes(there: Stage, path: Path, people: int) -> None:
    """Once the faults have stopped, the same command takes everybody to an end, at one attempt each."""
    there.proxy.rule = nothing
    invariants(there, there.run("run", path), people=people)
