"""Admission by time: calls per second, evenly, and the platform's "too many requests".

How long nothing is sent says `policy.brake`; this room makes workers obey. Instants are monotonic seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import floor, inf

from aiolimiter import AsyncLimiter

from dialer.model import Answer, CallPage, Reply
from dialer.policy import brake, outcome
from dialer.policy.brake import Brake

_MADE_UP_FOR = 0.05
"""Seconds: a turn that is taken late by no more than this moves none of the turns that follow, since timers wake late,
and a loop has other things to do. So much the limiter's bucket holds beyond one turn; longer idle time is not saved up.
"""

_ON_THE_WAY = (0.005, 0.05)
"""Seconds by which a second is at least and at most drawn out: a send may come a moment after it was allowed, and one
that is allowed later may come sooner. At high rates the least of it costs up to half a percent."""

_WAITED_OUT = 5.0
"""Seconds: a hold that is no longer is waited out right before a send; over a longer one an intent would grow old."""

_NOTHING = 1e-9
"""Seconds: less is no time to wait for. A clock of floating-point numbers may not get past it."""


class Brakes:
    """An account's "too many requests", for the paces of all campaigns that dial for it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._brake = Brake()

    @property
    def until(self) -> float:
        """The moment before which no dial may leave; long over where the platform has not asked for fewer."""
        return self._brake.until

    @property
    def left(self) -> float:
        """Seconds for which no dial may leave; 0 or less: they may."""
        return self._brake.until - self._monotonic()

    def pull(self, retry_after: float | None) -> None:
        """The platform said: too many requests; `retry_after` in seconds where it says how long."""
        self._brake = brake.braked(self._brake, retry_after, self._monotonic())

    def ease(self) -> None:
        """The platform took a dial."""
        self._brake = brake.eased(self._brake, self._monotonic())

    def hear_dial(self, answer: Answer) -> None:
        """Learn from the answer to a dial, as soon as it is there: others are about to leave.

        An account that is full has not been asked too often, by whichever status it says so.
        """
        if not isinstance(answer, Reply):
            return
        if answer.record is not None:
            self.ease()
        elif brake.asks_for_fewer(answer.status, answer.retry_after) and not outcome.shows_capacity(answer.message):
            self.pull(answer.retry_after)

    def hear_read(self, answer: CallPage | Answer) -> None:
        """Learn from the answer to a read: it holds dials up only where the platform says for how long."""
        if isinstance(answer, Reply) and brake.is_told_how_long(answer.status, answer.retry_after):
            self.pull(answer.retry_after)


class _Window:
    """Lets no second hold more than the calls per second and one."""

    def __init__(self, calls_per_second: float) -> None:
        self._taken: deque[float] = deque()
        self.retune(calls_per_second)

    def retune(self, calls_per_second: float) -> None:
        self._most = floor(calls_per_second) + 1
        least, most = _ON_THE_WAY
        # Half of what can be drawn out without a loss of pace: the other half is what makes up for a late timer.
        self._length = 1.0 + max(least, min(most, (self._most / calls_per_second - 1.0) / 2))
        self._forget()

    @property
    def opens_at(self) -> float:
        """The moment from which there is room for one more."""
        return self._taken[0] + self._length if len(self._taken) == self._most else -inf

    def take(self, now: float) -> None:
        self._taken.append(now)
        self._forget()

    def _forget(self) -> None:
        while len(self._taken) > self._most:
            self._taken.popleft()


class Pace:
    """Calls per second, evenly and without a burst, and the platform's "too many requests".

    `brakes` are the account's, where several paces share it. Whoever waits is served in the order of coming.
    """

    def __init__(self, calls_per_second: float, monotonic: Callable[[], float], brakes: Brakes | None = None) -> None:
        self.calls_per_second = calls_per_second
        self.brakes = brakes or Brakes(monotonic)
        self._monotonic = monotonic
        self._limiter = _limiter(calls_per_second)
        self._waiting: asyncio.Future[None] | None = None
        self._last = self._not_before = -inf
        self._given = _Window(calls_per_second)
        self._sent = _Window(calls_per_second)
        self._turns, self._sends = asyncio.Lock(), asyncio.Lock()
        self._napping: list[asyncio.Future[None]] = []

    @property
    def is_braked(self) -> bool:
        """Whether the platform has asked for fewer requests, and that still holds."""
        return self.brakes.left > 0

    async def turn(self) -> None:
        """Wait for the moment at which the next call may be sent."""
        async with self._turns:
            if self._is_closed():
                await self._opening()  # before, or a capacity that waits with us is given twice
            await self._acquire()
            if self._is_closed():
                await self._opening()
            self._last = self._monotonic()
            self._given.take(self._last)

    async def spread(self) -> None:
        """Wait, right before a send, until there is room in the last second for one more.

        Turns are given evenly; but a disk that stands still for a moment holds intents up, and lets all go together.
        A brake that was pulled since the turn is waited out if it is short; `is_braked` tells if it holds on, and then
        nothing may be sent.
        """
        async with self._sends:
            while (wait := self._sends_at() - self._monotonic()) > _NOTHING:
                await self._nap(wait)
            if not self.is_braked:
                self._sent.take(self._monotonic())

    def retune(self, calls_per_second: float) -> None:
        """Another pace from this moment on, also for those who wait already; the brake holds as it does."""
        self.calls_per_second = calls_per_second
        self._limiter = _limiter(calls_per_second)
        self._not_before = self._last + 1.0 / calls_per_second
        if self._waiting is not None:
            self._waiting.cancel()
        self._given.retune(calls_per_second)
        self._sent.retune(calls_per_second)
        for nap in self._napping:
            _end(nap)

    def brake(self, retry_after: float | None) -> None:
        """The platform said: too many requests; `retry_after` in seconds where it says how long."""
        self.brakes.pull(retry_after)

    def ease(self) -> None:
        """The platform took a dial."""
        self.brakes.ease()

    async def _acquire(self) -> None:
        """Wait for the limiter; where the pace is changed meanwhile, for the new one."""
        while not self._limiter.has_capacity():
            self._waiting = asyncio.ensure_future(self._limiter.acquire())
            try:
                await asyncio.wait({self._waiting})
            finally:
                waited, self._waiting = self._waiting, None
                waited.cancel()
            if not waited.cancelled():
                return
        await self._limiter.acquire()

    def _is_closed(self) -> bool:
        return self._turns_at() - self._monotonic() > _NOTHING

    async def _opening(self) -> None:
        while (wait := self._turns_at() - self._monotonic()) > _NOTHING:
            await self._nap(wait)

    def _turns_at(self) -> float:
        return max(self._not_before, self._given.opens_at, self.brakes.until)

    def _sends_at(self) -> float:
        is_short = self.brakes.left <= _WAITED_OUT
        return max(self._sent.opens_at, self.brakes.until if is_short else -inf)

    async def _nap(self, seconds: float) -> None:
        """Wait so long, or until the pace is changed."""
        loop = asyncio.get_running_loop()
        nap: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _end, nap)
        self._napping.append(nap)
        try:
            await nap
        finally:
            timer.cancel()
            self._napping.remove(nap)


def _limiter(calls_per_second: float) -> AsyncLimiter:
    """A bucket of one turn, and of those that may be late."""
    size = 1.0 + _MADE_UP_FOR * calls_per_second
    return AsyncLimiter(size, size / calls_per_second)


def _end(nap: asyncio.Future[None]) -> None:
    if not nap.done():
        nap.set_result(None)
