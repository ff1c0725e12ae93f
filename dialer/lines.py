"""Admission by room: how many calls at once, for the account and for each campaign that shares it.

The numbers come from `policy.pacing`; this room makes workers obey them. Instants are monotonic seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from math import inf

from dialer.model import PaceRules
from dialer.model.pacing import Dropped, Freed, Heard, Nothing, Others, Placed, Refused, Shown, Taken
from dialer.policy import pacing
from dialer.policy.pacing import Pacing

_BOTH_IDS = 2

_LOOKS_AGAIN = 0.25
"""Seconds after which whoever waits for a line looks again: what was learned may allow one more by now."""


class Line:
    """One concurrent call; counted while it is held.

    `call_ids` are those of its call, as far as they are known.
    """

    __slots__ = ("_ended_at", "_is_dial", "_number", "_share", "_since", "call_ids", "is_held", "to")

    def __init__(self, share: Share, *, is_dial: bool) -> None:
        self._share = share
        self._number = 0
        self._since = 0.0
        self.is_held = False
        self._ended_at: float | None = None
        self.call_ids: frozenset[str] = frozenset()
        self.to = ""
        self.hold(is_dial=is_dial)

    def hold(self, *, is_dial: bool = False) -> None:
        """Count it, even above the limit; to hold a held line changes nothing."""
        if not self.is_held:
            self.is_held = True
            self._ended_at = None
            self._is_dial = is_dial
            self._number, self._since = self._share.account.take(self, is_dial=is_dial)
            self._share.count(1)

    def calls(self, number: str) -> None:
        """The number that is rung; by it a call is known while the platform has not told its id."""
        digits = number.removeprefix("+")
        self.to = digits if digits.isdigit() else "".join(filter(str.isdigit, number))

    def bears(self, *call_ids: str | None) -> None:
        """The ids, ours and the platform's, of the call on this line, as far as they are known."""
        new = {one for one in call_ids if one} - self.call_ids
        self.call_ids |= new
        if self.is_held:
            self._share.account.know(new)

    def placed(self) -> None:
        """The platform has answered the dial, and not turned it away so far."""
        if self.is_held:
            self._share.account.hear(Placed(self._number))

    def shown(self) -> None:
        """The platform shows the call as live."""
        if self.is_held:
            self._share.account.hear(Shown(self._number))

    def ended(self, ago: float) -> None:
        """The platform shows the call as over since so many seconds."""
        self._ended_at = self._share.account.monotonic() - ago

    def refused(self) -> None:
        """The account was full: there was no call. Frees the line. Of a call that was not dialled on this line it is
        not known when that was: it teaches nothing."""
        if self._is_dial:
            self._let_go(Refused(self._number, self._since))
        else:
            self.free(was_call=False)

    def free(self, *, was_call: bool = True) -> None:
        """Count it no longer, since its call ended or now; `was_call` False: there never was one. To free a free line
        changes nothing."""
        if not was_call:
            self._let_go(Dropped(self._number, self._since))
        elif self._ended_at is None:
            self._let_go(Dropped(self._number, self._share.account.monotonic()))
        else:
            self._let_go(Freed(self._number, max(self._ended_at, self._since), self._since))

    def _let_go(self, heard: Heard) -> None:
        if self.is_held:
            self.is_held = False
            self._share.count(-1)
            self._share.account.give_back(self, heard)


class Share:
    """One campaign's part of an account's lines, at most `at_most` of them."""

    def __init__(self, account: Lines, rules: PaceRules) -> None:
        self.account = account
        self.priority = rules.priority
        self.in_use = 0
        self._rules = rules
        self._given = rules.concurrent_calls
        self._changed = asyncio.Event()
        self._waits_since: float | None = None

    @property
    def at_most(self) -> float:
        """The campaign's own cap, infinite without one."""
        given, most = self._given, self._rules.at_most
        return min(inf if given is None else given, inf if most is None else most)

    @property
    def learns(self) -> bool:
        """Whether the campaign takes as many lines as the account has."""
        return self._given is None

    @property
    def limit(self) -> int:
        """How many calls of this campaign may be live, as far as is known, beside those of others; at least 1."""
        beside = self.account.in_use - self.in_use
        return int(max(1, self.in_use, min(self.at_most, self.account.limit - beside)))

    @property
    def room_known(self) -> int:
        """How many calls of this campaign the account takes beside others, whatever the campaign's own cap is."""
        return max(1, self.in_use, self.account.limit - (self.account.in_use - self.in_use))

    @property
    def is_full(self) -> bool:
        """Whether this campaign may have no line more now."""
        if self.in_use >= self.at_most:
            return True
        return self.account.is_full

    @property
    def precedence(self) -> tuple[int, int, float]:
        """Who gets the next free line: the higher priority, then who has fewer, then who waits longer; least first."""
        return (-self.priority, self.in_use, self._waits_since if self._waits_since is not None else inf)

    def change(self, concurrent_calls: int | None) -> None:
        """Another number of lines from now on; None: as many as the account has."""
        self._given = concurrent_calls
        self.account.learn(anew=concurrent_calls is None)
        self.account.moved()

    def take(self) -> Line:
        """Count a line for a dial that is sent now."""
        return Line(self, is_dial=True)

    def resume(self) -> Line:
        """Count the line of a call that is live, even above the limit: whatever we think, it is."""
        return Line(self, is_dial=False)

    async def room(self) -> None:
        """Wait until there is a line for this campaign, before the others that wait."""
        if self.account.may_take(self):
            return
        self._waits_since = self.account.monotonic()
        self.account.wait(self)
        try:
            while not self.account.may_take(self):
                self._changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOKS_AGAIN):
                        await self._changed.wait()
                self.account.tick()
        finally:
            self._waits_since = None
            self.account.wait_no_more(self)

    def wake(self) -> None:
        """Something has changed for those who wait."""
        self._changed.set()

    def count(self, change: int) -> None:
        self.in_use += change


class Lines:
    """The concurrent calls of an account, all campaigns of the run together, against what it is believed to take."""

    def __init__(self, start: Pacing, monotonic: Callable[[], float]) -> None:
        self._pacing = start
        self.monotonic = monotonic
        self._numbers = count(1)
        self._held: set[Line] = set()
        self._ours: Counter[str] = Counter()
        self._waiting: list[Share] = []

    @property
    def in_use(self) -> int:
        """The account's calls that are live, as far as is known, those of others among them."""
        return max(self._pacing.slots.live, len(self._held))

    @property
    def is_full(self) -> bool:
        """Whether the account may have no call more now. Where none of ours is live, one may always be tried, whatever
        others are believed to hold, unless lines are to be left to them."""
        if not self._held and not self._pacing.reserve:
            return False
        return self.in_use >= self.allowed

    @property
    def is_learned(self) -> bool:
        """Whether something is known of the account's limit, or is to be learned."""
        return self._pacing.limit < self._pacing.most

    @property
    def is_awaited(self) -> bool:
        """Whether somebody waits for a line."""
        return bool(self._waiting)

    @property
    def limit(self) -> int:
        """The calls that the account is believed to take, less those that are left to others."""
        return max(1, int(self._pacing.limit + 1e-9) - self._pacing.reserve)

    @property
    def allowed(self) -> int:
        """How many calls it may have now: the limit, or a little more or less where something is to be found out."""
        return pacing.lines(self._pacing)

    @property
    def learned(self) -> float | None:
        """The limit for the next run to begin with; None while none was met."""
        return pacing.confirmed(self._pacing)

    @property
    def mean_call(self) -> float:
        """Seconds that a line is held, on average."""
        return self._pacing.habits.call

    def is_ours(self, *call_ids: str | None) -> bool:
        """Whether one of these ids belongs to a call on a line of ours."""
        return any(one in self._ours for one in call_ids if one)

    def know(self, call_ids: Iterable[str]) -> None:
        """These ids belong to a call on a line of ours."""
        for one in call_ids:
            self._ours[one] += 1

    def calls(self, number: str) -> bool:
        """Whether a line of ours rings this number, and does not know yet by which id of the platform."""
        digits = "".join(filter(str.isdigit, number))
        return bool(digits) and any(line.to == digits and len(line.call_ids) < _BOTH_IDS for line in self._held)

    def learn(self, *, anew: bool) -> None:
        """A person has changed the pace: what was learned is looked at again. `anew`: the account's limit is wanted
        from now on, not only a number that was given."""
        if self._pacing.limit < self._pacing.most:
            self._pacing = pacing.searching(self._pacing)
        elif anew:
            fresh = pacing.learning(None, max(pacing.FIRST_LINES, self._pacing.slots.live), self._pacing.reserve)
            self._pacing = pacing.with_slots(fresh, self._pacing)

    def hear(self, heard: Heard) -> None:
        """What the platform told, or did."""
        self._pacing = pacing.after(self._pacing, heard, self.monotonic())
        self.moved()

    def others(self, change: int, at: float) -> None:
        """So many calls of others began (above 0) or ended (below)."""
        self.hear(Others(change, at))

    def tick(self) -> None:
        """Time has passed."""
        if self._pacing.unjudged or self._pacing.full or self._waiting:
            self._pacing = pacing.after(self._pacing, Nothing(), self.monotonic())

    def take(self, line: Line, *, is_dial: bool) -> tuple[int, float]:
        """Count a line: its number, and since when."""
        number, now = next(self._numbers), self.monotonic()
        self._held.add(line)
        self.know(line.call_ids)
        self._pacing = pacing.after(self._pacing, Taken(number, now, is_dial), now)
        return number, now

    def give_back(self, line: Line, heard: Heard) -> None:
        """Count a line no longer."""
        self._held.discard(line)
        for one in line.call_ids:
            self._ours[one] -= 1
            if self._ours[one] <= 0:
                del self._ours[one]
        self.hear(heard)

    # --- who is next ---

    def may_take(self, share: Share) -> bool:
        """Whether a free line is this campaign's: no other that waits, and may have it, goes before."""
        if share.is_full:
            return False
        if not self._waiting:
            return True
        return not any(other.precedence < share.precedence and not other.is_full for other in self._waiting)

    def wait(self, share: Share) -> None:
        self._waiting.append(share)

    def wait_no_more(self, share: Share) -> None:
        self._waiting.remove(share)
        self.moved()

    def moved(self) -> None:
        """Whoever waits looks again."""
        for share in self._waiting:
            share.wake()
