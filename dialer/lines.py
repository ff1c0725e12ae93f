"""Admission: how many calls at once, and how many a second.

The numbers come from `policy.pacing`; this room makes workers obey them. Instants are monotonic seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import floor

from aiolimiter import AsyncLimiter

from dialer.model import Sample
from dialer.policy import pacing
from dialer.policy.pacing import Brake, Pacing

_BURST_ABOVE = 10.0
"""Calls per second above which two are let go together: one by one, aiolimiter's own waking costs 3 % of the
rate at 50/s and 14 % at 500/s; below it, two together would be too many for one second."""


class Line:
    """One concurrent call; counted while it is held."""

    __slots__ = ("_lines", "is_held")

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.is_held = False
        self.hold()

    def hold(self) -> None:
        """Count it, even above the limit; to hold a held line changes nothing."""
        if not self.is_held:
            self.is_held = True
            self._lines.count(1)

    def free(self) -> None:
        """Count it no longer; to free a free line changes nothing."""
        if self.is_held:
            self.is_held = False
            self._lines.count(-1)


class Lines:
    """The concurrent calls of an account, against a limit that is set or learned."""

    def __init__(self, start: Pacing, monotonic: Callable[[], float]) -> None:
        self._pacing = start
        self._monotonic = monotonic
        self._in_use = 0
        self._room = asyncio.Event()

    @property
    def in_use(self) -> int:
        return self._in_use

    @property
    def limit(self) -> int:
        return pacing.lines(self._pacing)

    @property
    def learned(self) -> float:
        """The limit as it was learned, with its fraction, for the next run."""
        return self._pacing.limit

    @property
    def is_full(self) -> bool:
        return self._in_use >= self.limit

    def take(self) -> Line:
        """Count a line, even above the limit: the calls of an earlier run are live whatever we think."""
        return Line(self)

    async def room(self) -> None:
        """Wait until a line is free. One waiter at a time: the others wait for their turn at the gate."""
        while self.is_full:
            self._room.clear()
            await self._room.wait()

    def hear(self, sample: Sample) -> None:
        """What a dial has taught about the account's room."""
        self._pacing = pacing.after(self._pacing, sample, self._in_use, self._monotonic())
        self._room.set()

    def count(self, change: int) -> None:
        """A line was taken or freed."""
        self._in_use += change
        self._room.set()


class Pace:
    """Calls per second, evenly and without a burst at the start, and the platform's "too many requests"."""

    def __init__(self, calls_per_second: float, monotonic: Callable[[], float]) -> None:
        self.calls_per_second = calls_per_second
        together = 2 if calls_per_second > _BURST_ABOVE else 1
        self._limiter = AsyncLimiter(together, together / calls_per_second)
        self._brake = Brake()
        self._monotonic = monotonic
        self._sent: deque[float] = deque(maxlen=floor(calls_per_second) + 1)

    @property
    def is_braked(self) -> bool:
        """Whether the platform has asked for fewer requests, and that still holds."""
        return self._monotonic() < self._brake.until

    async def turn(self) -> None:
        """Wait for the moment at which the next call may be sent."""
        while True:
            while (wait := self._brake.until - self._monotonic()) > 0:  # noqa: ASYNC110 - a moment, not an event
                await asyncio.sleep(wait)
            await self._limiter.acquire()
            if not self.is_braked:  # it can be pulled while a turn is waited for
                return

    async def spread(self) -> None:
        """Wait, right before a send, until there is room in the last second for one more.

        Turns are given evenly; but a disk that stands still for a moment holds intents up, and lets all go together.
        """
        while (wait := self._until_room()) > 0:  # noqa: ASYNC110 - a moment, not an event
            await asyncio.sleep(wait)
        self._sent.append(self._monotonic())

    def _until_room(self) -> float:
        if len(self._sent) < (self._sent.maxlen or 0):
            return 0.0
        return self._sent[0] + 1.0 - self._monotonic()

    def brake(self, retry_after: float | None) -> None:
        """The platform said: too many requests; `retry_after` in seconds where it says how long."""
        self._brake = pacing.braked(self._brake, retry_after, self._monotonic())

    def ease(self) -> None:
        """The platform took a dial."""
        self._brake = pacing.eased(self._brake, self._monotonic())
