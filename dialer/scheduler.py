"""Who is next: contacts that are due, most urgent first, and the waiting for those who are due soon."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from dialer.clock import Clock
from dialer.ledger import Ledger
from dialer.model import Candidate
from dialer.model.turns import AT_ANY_TIME, Turns

STAYS_FOR = 60.0
"""A run without `--wait` stays for what is due within so many seconds."""

_ASIDE = 1.0
"""Seconds for which a contact is left alone whose number is being rung by another; twice as long each time it still is,
or several such people would be tried in turn for as long as a number is held."""

_LOOKS_AGAIN = 3600.0

_GOOD_FOR = 10.0
"""Seconds after which those who were read are read anew: somebody with a better claim may be due meanwhile, and
a slow campaign dials for long before all of them are handed out."""


class Scheduler:
    """Yields the contacts of one campaign that are due; `next` returns None when this run has no more.

    Contacts in `leave_alone` are handed out to nobody. `live` tells how many calls are under way: while there are any,
    more may become due. `wait` is the `--wait` of the command in seconds: None without it, infinite where no length was
    given. `turns` tells whose turn it may be: whom the hours of the law let be called now. `found` is awaited whenever
    there is somebody; if it gives True, people may be due otherwise than before.
    """

    def __init__(
        self,
        ledger: Ledger,
        campaign: int,
        clock: Clock,
        live: Callable[[], int],
        *,
        only: str | None = None,
        wait: float | None = None,
        at_once: int = 200,
        turns: Turns = AT_ANY_TIME,
        found: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._ledger = ledger
        self._campaign = campaign
        self._clock = clock
        self._live = live
        self._only = only
        self._at_once = at_once
        self._turns = turns
        self._found = found
        self._stays_until = None if wait is None else clock.monotonic() + wait
        self._ready: deque[Candidate] = deque()
        self._read_at = 0.0
        self._next_due: datetime | None = None
        self._out: set[int] = set()
        self._aside: dict[int, float] = {}
        self._left_for: dict[int, float] = {}
        self._tried: set[int] = set()
        self.leave_alone: set[int] = set()
        self._changed = asyncio.Event()
        self.waits_until: datetime | None = None
        self.stopping = False

    async def next(self) -> Candidate | None:
        """The next contact to dial, or None when nothing more is to be waited for."""
        while not self.stopping:
            self._changed.clear()
            if not self._ready or self._clock.monotonic() - self._read_at >= _GOOD_FOR:
                self._ready.clear()
                await self._refill()
                if self._ready and self._found is not None and await self._found():
                    self._ready.clear()
                    await self._refill()
            if self._ready:
                candidate = self._ready.popleft()
                self._out.add(candidate.contact_id)
                return candidate
            if not await self._wait():
                return None
        return None

    def back(self, candidate: Candidate, *, aside: bool = False) -> None:
        """A contact that was handed out has had its intent written, or not; `aside`: its number is being rung."""
        self._out.discard(candidate.contact_id)
        if aside:
            seconds = 2 * self._left_for.get(candidate.contact_id, _ASIDE / 2)
            self._left_for[candidate.contact_id] = seconds
            self._aside[candidate.contact_id] = self._clock.monotonic() + seconds
        else:
            self._left_for.pop(candidate.contact_id, None)
        self.changed()

    def changed(self) -> None:
        """Something may be due now that was not."""
        self._changed.set()

    def stop(self) -> None:
        """Hand nobody out any more."""
        self.stopping = True
        self._ready.clear()
        self._changed.set()

    async def _refill(self) -> None:
        now = self._read_at = self._clock.monotonic()
        self._aside = {contact: until for contact, until in self._aside.items() if until > now}
        if self._turns.has_caps and self._only is None:
            while not self.stopping and await self._ledger.hold_back(self._campaign, self._at_once, self._turns):
                pass
        passed_over = self._out | self._aside.keys() | self.leave_alone
        # Asked in this order, at one go: whoever becomes due in between is told by both, and not by neither.
        self._next_due, found = await asyncio.gather(
            self._ledger.next_due(self._campaign, self._only, self._turns),
            self._ledger.due(self._campaign, self._at_once + len(passed_over), self._only, self._turns),
        )
        self._ready.extend(one for one in found if one.contact_id not in passed_over and not self.stopping)

    async def _wait(self) -> bool:
        self.waits_until = self._next_due
        seconds = self._seconds_to(self._next_due)
        if self._live() == 0 and not self._is_worth_it(seconds):
            return self._try_aside()
        if self._live():
            self._tried.clear()  # whoever was in somebody's way then may be gone
        if self._aside:
            seconds = _ASIDE if seconds is None else min(seconds, _ASIDE)
        # Wall clocks jump: a long wait looks at the hour again now and then.
        await self._clock.wait(self._changed, None if seconds is None else min(seconds, _LOOKS_AGAIN))
        self.waits_until = None
        return True

    def _try_aside(self) -> bool:
        """Nothing is live any more, so those who were left alone may be free: once more, but each of them once until
        something has been live again."""
        untried = self._aside.keys() - self._tried
        self._tried |= untried
        for contact in untried:
            del self._aside[contact]
        return bool(untried)

    def _seconds_to(self, moment: datetime | None) -> float | None:
        """Until then; a little more than nothing."""
        if moment is None:
            return None
        return max((moment - self._clock.now()) / timedelta(seconds=1), 0.001)

    def _is_worth_it(self, seconds: float | None) -> bool:
        if seconds is None:
            return False
        stays = STAYS_FOR
        if self._stays_until is not None:
            stays = max(stays, self._stays_until - self._clock.monotonic())
        return seconds <= stays
