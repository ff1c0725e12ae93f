"""Learns that calls have ended, by reading the platform's list in bulk, and sooner where the platform tells by webhook.

One request tells about up to a thousand calls; a single GET is for those that the list does not show. One request
at a time. A read that is refused for too many requests slows the reads, not the dials. What a webhook tells is no end
yet: the call is read back. Webhooks get lost, so the list is read on, only more rarely.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeGuard

from dialer.clock import Clock
from dialer.lines import Line
from dialer.model import Answer, Attempt, CallPage, CallRecord, NoReply, Reply
from dialer.others import OthersSeen
from dialer.policy import brake, recognition
from dialer.verbex import Client

SHORTEST, LONGEST = 0.1, 2.0
"""Seconds between two reads: a fiftieth of the mean call, within these."""

_FIRST_GUESS = 0.5
"""Seconds between reads while no call has ended yet."""

_SLOWEST = 30.0
_RELAXED = 5.0
"""So many times rarer the list is read once a webhook has told the end of a call of ours."""

_TOLD_AGAIN = 1.0
_TOLD_TRIES = 5
"""So often, a second apart, a call is read back whose end was told, while its record does not say the same."""

_MOST_EARLY = 10_000
"""So many ids of calls that have ended, and that nobody waits for yet, are remembered."""

_TOO_MANY, _UNKNOWN_CALL = 429, 404
_SLOWS = frozenset({_TOO_MANY, 500, 502, 503, 504})
_PAGES_A_ROUND = 3
_FARTHEST = 5
"""So many times the usual page a round goes back at most, in one page where the round before went as far: whoever is
beyond is asked for one by one."""

_SMALLEST_PAGE, _LARGEST_PAGE = 100, 1000
_GETS_A_ROUND = 10


def interval(mean_call: float | None) -> float:
    """Seconds between two reads, by the mean length of a call in real seconds."""
    if mean_call is None:
        return _FIRST_GUESS
    return min(max(mean_call / 50.0, SHORTEST), LONGEST)


@dataclass(slots=True)
class _Watch:
    """A live call that somebody waits for."""

    attempt: Attempt
    since: float
    end: asyncio.Future[CallRecord]
    line: Line
    asked_at: float = field(default=-1e9)
    told: int = 0  # tries that are left to read back what a webhook has told, and when the next one is due:
    back_at: float = 0.0

    def read_back(self) -> None:
        """A webhook has told its end."""
        self.told, self.back_at = _TOLD_TRIES, 0.0


class Tracker:
    """Watches the live calls of one campaign; `heard` is told of each read whether the platform answered it,
    `found` by which way (`list`, `get_own`, `get_platform`) which call of ours was found."""

    def __init__(
        self,
        reads: Client,
        clock: Clock,
        heard: Callable[[CallPage | Answer], None],
        found: Callable[[str, CallRecord, Attempt], None],
        others: OthersSeen | None = None,
    ) -> None:
        self._reads = reads
        self._clock = clock
        self._heard = heard
        self._found = found
        self._others = others
        self._watches: dict[str, _Watch] = {}
        self._new = asyncio.Event()
        self._mean: float | None = None
        self._slowness = 1.0
        self._is_troubled = False
        self._is_told_off = False
        self._early: dict[str, None] = {}
        self._hurry = asyncio.Event()
        self._is_told = False
        self._reads_at = 0.0
        self._spared_until = 0.0
        self._reaches = 0  # so many calls of the list the last reading went back, to the oldest that is waited for

    def told(self, call: str, *, is_end: bool) -> bool:
        """A webhook has told of a call, by our id or the platform's; whether somebody waits for its end now.

        An end is read back at once. One that nobody waits for yet is remembered: a webhook may come before the answer
        to the dial.
        """
        watch = self._watch_of(call)
        if watch is not None and is_end:
            self._hasten(watch)
        elif is_end:
            self._early[call] = None
            if len(self._early) > _MOST_EARLY:
                del self._early[next(iter(self._early))]
        return watch is not None

    def _watch_of(self, call: str) -> _Watch | None:
        if call in self._watches:
            return self._watches[call]
        return next((watch for watch in self._watches.values() if watch.attempt.platform_id == call), None)

    def _hasten(self, watch: _Watch) -> None:
        self._is_told = True
        watch.read_back()
        self._hurry.set()

    async def end_of(self, attempt: Attempt, longest: float, line: Line) -> CallRecord | None:
        """Wait for a call's end; None if it is not known to have ended `longest` seconds from now. The call's line is
        told what the platform shows of it."""
        watch = _Watch(attempt, self._clock.monotonic(), asyncio.get_running_loop().create_future(), line)
        self._watches[attempt.call_id] = watch
        self._new.set()
        for name in (attempt.call_id, attempt.platform_id):
            if name is not None and self._early.pop(name, self) is None:
                self._hasten(watch)
        try:
            async with asyncio.timeout(longest):
                return await watch.end
        except TimeoutError:
            return None
        finally:
            del self._watches[attempt.call_id]

    async def run(self) -> None:
        """Read, for as long as there is something to be learned; ends only by being cancelled."""
        while True:
            if not self._watches:
                await self._something_to_learn()
                self._reads_at = self._clock.monotonic() + self.pause
            await self._clock.wait(self._hurry, self._seconds_to_next())
            self._hurry.clear()
            told = self._to_be_read_back()
            are_many = len(told) > _GETS_A_ROUND  # one reading of the list tells of them all
            if not are_many:
                await self._read_back(told)
            if self._has_to_learn and (are_many or self._clock.monotonic() >= self._reads_at):
                await self._round()
                self._reads_at = max(self._clock.monotonic() + self.pause, self._spared_until)
            if are_many:
                self._tried(told)

    @property
    def _has_to_learn(self) -> bool:
        return bool(self._watches) or (self._others is not None and self._others.are_in_the_way)

    async def _something_to_learn(self) -> None:
        """Wait for a call of ours; or until others' calls are in the way, of whose ends nothing else would tell."""
        self._new.clear()
        while not await self._clock.wait(self._new, None if self._others is None else LONGEST):
            if self._others is not None and self._others.are_in_the_way:
                return

    @property
    def pause(self) -> float:
        """Seconds until the next read of the list."""
        relaxed = _RELAXED if self._is_told else 1.0
        return min(interval(self._mean) * relaxed * self._slowness, _SLOWEST)

    def _seconds_to_next(self) -> float:
        back_at = [max(watch.back_at, self._spared_until) for watch in self._watches.values() if watch.told]
        return max(min([self._reads_at, *back_at]) - self._clock.monotonic(), 0.001)

    def _to_be_read_back(self) -> list[_Watch]:
        """Calls whose ends webhooks have told, and that are to be asked for now."""
        now = self._clock.monotonic()
        if now < self._spared_until:
            return []
        return [watch for watch in self._watches.values() if watch.told and watch.back_at <= now]

    async def _read_back(self, told: list[_Watch]) -> None:
        self._is_troubled = False
        for place, watch in enumerate(told):
            await self._ask_for(watch, at_once=True)
            if self._is_troubled:  # whoever fails, or is asked too much, is spared the others
                self._tried(told[:place])
                return
        self._tried(told)

    def _tried(self, told: list[_Watch]) -> None:
        for watch in told:
            watch.told = 0 if watch.end.done() else max(watch.told - 1, 0)
            watch.back_at = self._clock.monotonic() + _TOLD_AGAIN

    async def _round(self) -> None:
        began = self._clock.monotonic()
        waiting = {call_id: watch for call_id, watch in self._watches.items() if watch.since < began}
        seen = await self._read_list(waiting)
        if self._is_troubled and self._is_told_off:
            return
        self._is_troubled = False  # a list that fails says nothing of single calls
        missed = [watch for call_id, watch in waiting.items() if call_id not in seen and not watch.end.done()]
        missed.sort(key=lambda watch: watch.asked_at)
        for watch in missed[:_GETS_A_ROUND]:
            if self._is_troubled:  # one failure slows the reads once, not once for each call that is waited for
                break
            await self._ask_for(watch)
        await self._ask_for_others()

    async def _ask_for_others(self) -> None:
        """One GET each for a few live calls of others that the list does not reach any more."""
        if self._others is None:
            return
        for name in self._others.to_be_asked():
            if self._is_troubled:
                return
            answer = await self._reads.get(name)
            self._hear(answer)
            if isinstance(answer, Reply) and (answer.record is not None or answer.status == _UNKNOWN_CALL):
                self._others.told(name, answer.record, self._reads.skew)

    async def _read_list(self, waiting: dict[str, _Watch]) -> set[str]:
        by_platform = {watch.attempt.platform_id: call_id for call_id, watch in waiting.items()}
        seen: set[str] = set()
        token: str | None = None
        others = 0 if self._others is None else self._others.count
        usual = max(_SMALLEST_PAGE, 2 * (len(waiting) + others))
        most = _FARTHEST * usual
        size = min(max(usual, min(int(1.25 * self._reaches), most)), _LARGEST_PAGE)
        read: list[CallRecord] = []
        for _ in range(_PAGES_A_ROUND):  # whatever the platform says: its list may have no end
            page = await self._reads.list(page_size=size, page_token=token)
            self._hear(page)
            if not isinstance(page, CallPage):
                return seen
            for record in page.calls:
                read.append(record)
                call_id = _ours(record, waiting, by_platform)
                if call_id is not None:
                    self._reaches = len(read)
                    seen.add(call_id)
                    self._found("list", record, waiting[call_id].attempt)
                    self._learn(waiting[call_id], record)
            token = page.next_page_token
            is_enough = len(seen) == len(waiting) or len(read) >= most
            if token is None or is_enough or _is_older(page, waiting, self._reads.skew):
                break
        if self._others is not None:
            self._others.read(read, self._reads.skew, is_whole=token is None)
        return seen

    async def _ask_for(self, watch: _Watch, *, at_once: bool = False) -> None:
        """One GET for a call that the list does not show; each call again only after a while, unless `at_once`."""
        now = self._clock.monotonic()
        if not at_once and now - watch.asked_at < max(LONGEST, 4 * self.pause):
            return
        watch.asked_at = now
        for name in (watch.attempt.platform_id, watch.attempt.call_id):
            if name is None:
                continue
            answer = await self._reads.get(name)
            self._hear(answer)
            if isinstance(answer, Reply) and _is_of(answer.record, watch.attempt):
                way = "get_own" if name == watch.attempt.call_id else "get_platform"
                self._found(way, answer.record, watch.attempt)
                self._learn(watch, answer.record)
                return
            if self._is_troubled:
                return

    def _learn(self, watch: _Watch, record: CallRecord) -> None:
        if watch.end.done():
            return
        if not record.is_over:
            watch.line.shown()
            return
        watch.line.ended(recognition.ago(record.ended_at, self._clock.now(), self._reads.skew))
        watch.end.set_result(record)
        length = self._clock.monotonic() - watch.since
        self._mean = length if self._mean is None else 0.95 * self._mean + 0.05 * length

    def _hear(self, answer: CallPage | Answer) -> None:
        self._heard(answer)
        status = answer.status if isinstance(answer, Reply) else None
        self._is_troubled = isinstance(answer, NoReply) or status in _SLOWS
        if self._is_troubled:
            self._is_told_off = status == _TOO_MANY
            asked = answer.retry_after if isinstance(answer, Reply) else None
            most = _SLOWEST / interval(self._mean)
            self._slowness = min(max(self._slowness * 2, (asked or 0.0) / interval(self._mean)), most)
            hold = min(asked or 0.0, brake.LONGEST_HOLD)
            self._spared_until = self._clock.monotonic() + max(interval(self._mean) * self._slowness, hold)
        elif isinstance(answer, CallPage):
            # Who was away is simply there again; who asked for fewer reads gets them back little by little.
            self._slowness = max(1.0, self._slowness / 2) if self._is_told_off else 1.0


def _ours(record: CallRecord, waiting: dict[str, _Watch], by_platform: dict[str | None, str]) -> str | None:
    if record.own_id in waiting:
        return record.own_id
    return by_platform.get(record.platform_id) if record.platform_id is not None else None


def _is_of(record: CallRecord | None, attempt: Attempt) -> TypeGuard[CallRecord]:
    """Whether the answer to a question for a call tells of that call."""
    if record is None:
        return False
    is_named = record.own_id == attempt.call_id or (
        record.platform_id is not None and record.platform_id == attempt.platform_id
    )
    return is_named or record.to_number == attempt.number


def _is_older(page: CallPage, waiting: dict[str, _Watch], skew: float) -> bool:
    """Whether the page ends before the oldest call that is waited for was placed."""
    oldest = min(watch.attempt.placed_at or watch.attempt.intended_at for watch in waiting.values())
    started = [record.started_at for record in page.calls if record.started_at is not None]
    return bool(started) and started[-1] < recognition.seen_from(oldest, skew)
