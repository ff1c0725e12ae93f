"""Admission by time: calls per second, evenly, and the platform's "too many requests".

The numbers come from `policy.brake`; this room makes workers obey them. Instants are monotonic seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import floor

from aiolimiter import AsyncLimiter

from dialer.policy import brake
from dialer.policy.brake import Brake

_BURST_ABOVE = 10.0
"""Calls per second above which two are let go together: one by one, aiolimiter's own waking costs 3 % of the
rate at 50/s and 14 % at 500/s; below it, two together would be too many for one second."""


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
        self._brake = brake.braked(self._brake, retry_after, self._monotonic())

    def ease(self) -> None:
        """The platform took a dial."""
        self._brake = brake.eased(self._brake, self._monotonic())
