"""The own numbers of one account while a run goes on: how often each was shown today, and which of them rest.

All campaigns that dial under one key share what is learned here. What `policy.callerid` decides is decided on it; that
a number rests is forgotten with the run, and the next one finds it out at the price of one dial.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, datetime

from dialer.clock import Clock
from dialer.model import CallerId
from dialer.policy import callerid
from dialer.policy.callerid import NoCaller, Resting

Used = Callable[[Iterable[str]], Awaitable[dict[str, int]]]
"""How often own numbers were shown today, by the ledger."""


class Callers:
    """Chooses own numbers, counts how often they are shown, and lays to rest those that the platform refuses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._day: date | None = None
        self._used: Counter[str] = Counter()
        self._known: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        self._resting: Resting = {}

    async def know(self, callers: Sequence[CallerId], used: Used) -> None:
        """See to it that it is known how often those were shown today that may be shown so often only."""
        counted = [caller.number for caller in callers if caller.per_day is not None]
        if self._known.issuperset(counted):
            return
        async with self._one_at_a_time:
            new = [number for number in counted if number not in self._known]
            self._turn_page(self._clock.now())
            shown = await used(new)
            self._used.update({number: shown.get(number, 0) - self._used[number] for number in new})
            self._known.update(new)

    def choose(
        self, callers: Sequence[CallerId], places: Iterable[str], person: str, last: str | None, *, rotates: bool
    ) -> CallerId | NoCaller:
        """The own number that shows for a person; it counts as shown until it is given back."""
        now = self._clock.now()
        self._turn_page(now)
        resting = callerid.at_rest(self._resting, now)
        chosen = callerid.choose(callers, places, person, last, self._used, resting, now, rotates=rotates)
        if isinstance(chosen, CallerId):
            self._used[chosen.number] += 1
        return chosen

    def give_back(self, caller: CallerId) -> None:
        """Nobody was rung: the number was not shown after all."""
        if self._used[caller.number] > 0:
            self._used[caller.number] -= 1

    def _turn_page(self, now: datetime) -> None:
        """A new day: nothing was shown yet, since nobody else writes the ledger."""
        today = now.date()
        if self._day is None or today > self._day:
            self._day = today
            self._used.clear()

    # --- resting ---

    def refused(self, number: str) -> str:
        """The platform refuses a number: it rests. Gives the sentence to tell, '' where that was told."""
        return self._after(callerid.refused(self._resting, number, self._clock.now()), number, "is refused by Verbex")

    def ended(self, number: str, finish_reason: str | None) -> str:
        """A call under a number has ended. Gives the sentence to tell if the number rests for it, else ''."""
        failed = finish_reason in callerid.FAILURES
        after = callerid.dialled(self._resting, number, failed, self._clock.now())
        return self._after(after, number, "fails far more often than the others")

    def _after(self, resting: Resting, number: str, why: str) -> str:
        if resting is self._resting:
            return ""
        now = self._clock.now()
        is_new = number not in callerid.at_rest(self._resting, now)
        self._resting = resting
        until = callerid.at_rest(resting, now).get(number)
        if until is None or not is_new:
            return ""
        return f"the own number {number} {why}, and rests until {until:%Y-%m-%d %H:%M} UTC"

    def all_rest(self, callers: Sequence[CallerId]) -> bool:
        """Whether none of these can show now."""
        return callerid.at_rest(self._resting, self._clock.now()).keys() >= {caller.number for caller in callers}
