"""Admission by room: how many calls at once.

The numbers come from `policy.pacing`; this room makes workers obey them. Instants are monotonic seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dialer.model import Sample
from dialer.policy import pacing
from dialer.policy.pacing import Pacing


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
