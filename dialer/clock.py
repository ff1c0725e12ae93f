"""The only reader of time and the only dice.

Everything else is handed instants and dice numbers. `now` is the wall clock, aware and in UTC, for what
is written down; `monotonic` is for pacing and waiting within a process, since a wall clock can jump.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """Now, monotonic seconds, waiting and dice; the sources can be replaced (virtual time, a seed)."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] | None = None,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._dice = dice if dice is not None else random.Random().random  # noqa: S311 - jitter, not secrecy

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        return datetime.fromtimestamp(self._wall(), UTC)

    def monotonic(self) -> float:
        """Seconds that only ever grow; comparable within this process alone."""
        return self._monotonic()

    def dice(self) -> float:
        """A number in [0, 1)."""
        return self._dice()

    async def sleep(self, seconds: float) -> None:
        """Wait, on the event loop's clock."""
        await asyncio.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Wait, where there is no event loop."""
        time.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Wait for the event, at most that many seconds (None: for ever); tell whether it came."""
        if seconds is not None and seconds <= 0:
            return event.is_set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
        return event.is_set()
