"""The gate: whoever dials passes it, one at a time, with a contact, a line and a turn by the calls per second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dialer.clock import Clock
from dialer.errors import ExitCode
from dialer.lines import Line, Share
from dialer.model import Candidate, StopCause
from dialer.pace import Pace
from dialer.runner.health import Platform
from dialer.scheduler import Scheduler

ENOUGH = StopCause(ExitCode.WORK_REMAINS, "max_calls", "as many calls were placed as --max-calls says")


class Gate:
    """Admits dials of one campaign.

    `live` counts its live calls; `passed` is called for each who passes, before the next is let in; `stop` where
    `max_calls` is reached.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        lines: Share,
        pace: Pace,
        platform: Platform,
        clock: Clock,
        max_calls: int | None,
        *,
        live: Callable[[], int],
        passed: Callable[[], None],
        stop: Callable[[StopCause], None],
    ) -> None:
        self._scheduler = scheduler
        self._lines = lines
        self._pace = pace
        self._platform = platform
        self._clock = clock
        self._max_calls = max_calls
        self._live = live
        self._passed = passed
        self._stop = stop
        self._one_at_a_time = asyncio.Lock()
        self._waiting: set[asyncio.Task[Any]] = set()
        self._counted = 0
        self._moved = asyncio.Event()

    @property
    def is_last_gone(self) -> bool:
        """Whether nobody else waits here."""
        return len(self._waiting) == 1

    async def turn(self) -> tuple[Candidate, Line] | None:
        """A contact to dial and a line to dial it on; None when this worker may go home."""
        task = asyncio.current_task()
        if task is None or self._scheduler.stopping:
            return None
        self._waiting.add(task)
        try:
            async with self._one_at_a_time:
                return await self._pass()
        finally:
            self._waiting.discard(task)

    def send_home(self) -> None:
        """Nobody new is admitted: whoever waits goes home."""
        for task in self._waiting:
            task.cancel()

    def give_back(self) -> None:
        """A dial was not placed after all: it does not count for `max_calls`."""
        self._counted -= 1

    def moved(self) -> None:
        """A line was freed."""
        self._moved.set()

    async def _pass(self) -> tuple[Candidate, Line] | None:
        if self._max_calls is not None and not await self._may_take_more(self._max_calls):
            return None
        await self._lines.room()
        candidate = await self._scheduler.next()
        if candidate is None or not await self._platform.admit():
            return None
        await self._admission()
        self._counted += 1
        self._passed()
        return candidate, self._lines.take()

    async def _admission(self) -> None:
        """A turn and a free line.

        The line may be gone by the time of the turn: then the turn is kept, or a campaign with few turns would never
        have one together with a line. That dials do not go together is seen to right before each send.
        """
        await self._lines.room()
        await self._pace.turn()
        await self._lines.room()

    async def _may_take_more(self, most: int) -> bool:
        """Whether `max_calls` leaves room: dials that were not placed after all give theirs back."""
        while self._counted >= most:
            if self._live() == 0:
                self._stop(ENOUGH)
                return False
            self._moved.clear()
            await self._clock.wait(self._moved, 1.0)
        return not self._scheduler.stopping
