"""Asks the platform before anything is dialled again: was this call placed?

An attempt whose fate is open waits out the hold, then is looked up twice, by GET and in the list. Found is found. An
absence is believed only from a way that has, in this run and with this key, found a call of ours: a platform
that does not look custom ids up, or a list that shows another account, proves nothing by a 404. A call that the
platform once told of was placed: if it is not there any more, it was forgotten, not absent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from dialer.clock import Clock
from dialer.model import Answer, Attempt, CallPage, CallRecord, Decision, RecoveryRules, Reply
from dialer.policy import jumps, recognition
from dialer.verbex import Client, listing

LOOKS = 2
"""So many absences, each by a proven way, are believed."""

_ENOUGH = 100
_LONGEST_PAUSE = 60.0
_HASTENS_EVERY = 2.0
"""Seconds: an account tells of many calls that are not ours."""

_MOST_STRANGERS = 50
"""So many calls of which only a webhook has told are asked for in one round."""


class Way(StrEnum):
    """How a call can be found."""

    LIST = "list"
    GET_OWN = "get_own"  # GET by the id that we gave
    GET_PLATFORM = "get_platform"  # GET by the platform's id


@dataclass(frozen=True, slots=True)
class Found:
    """The platform has made a call of it."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class Absent:
    """Shown, twice, not to have been placed."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The operator has said what became of it, and that is written down; nothing is left to be done."""

    decision: Decision


Verdict = Found | Absent | Settled


@dataclass(frozen=True, slots=True)
class Books:
    """What recovery asks of the ledger, and has it write down.

    `look` writes a look down; `knows` tells whether an id, ours or the platform's, is an attempt's; `was_told_of`
    whether a webhook has told of a call by this id; `strangers` are ids of calls that webhooks have told of since a
    moment, at most so many, and that no attempt knows.
    """

    look: Callable[[int, str], Awaitable[None]]
    knows: Callable[[str], Awaitable[bool]]
    was_told_of: Callable[[str], Awaitable[bool]]
    strangers: Callable[[datetime, int], Awaitable[list[str]]]


@dataclass(slots=True, eq=False)
class Case:
    """One attempt that is being looked up. `answered` is set with the verdict, or once it was looked up in vain by ways
    that prove nothing: from then on it occupies no line, and waits for a proof or for the operator. `is_early`: it is
    looked for before its hold is over, since something was heard of it; only what is found then counts."""

    attempt: Attempt
    ready_at: float
    verdict: asyncio.Future[Verdict]
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    looks: int = 0
    tries: int = 0
    is_early: bool = False
    hopes: int = 0  # looks that it is still worth waiting for, since a way was proven after it was parked

    def settle(self, verdict: Verdict) -> None:
        """The platform's word; nobody may be waiting for it any more."""
        if not self.verdict.done():
            self.verdict.set_result(verdict)
        self.answered.set()


class Recovery:
    """Looks up the attempts of one campaign whose fate is open; several are looked up by one reading of the list.

    `heard` is told of each answer of the platform.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        rules: RecoveryRules,
        books: Books,
        heard: Callable[[CallPage | Answer], None],
    ) -> None:
        self._client = client
        self._clock = clock
        self._rules = rules
        self._books = books
        self._heard = heard
        self._cases: list[Case] = []
        self._proven: set[str] = set()
        self._asked_strangers: set[str] = set()
        self._settled: set[int] = set()
        self._hastens_at = 0.0
        self._changed = asyncio.Event()

    @property
    def unsettled(self) -> int:
        """Attempts that were held, looked up and could not be settled."""
        return len(self.parked)

    @property
    def parked(self) -> list[Attempt]:
        """These attempts."""
        return [case.attempt for case in self._cases if case.answered.is_set() and not case.verdict.done()]

    @property
    def is_hopeful(self) -> bool:
        """Whether some that could not be settled may soon be, by a way that was proven since."""
        return any(case.hopes > 0 and not case.verdict.done() for case in self._cases)

    def found(self, way: str, record: CallRecord, attempt: Attempt) -> None:
        """A call of ours was found by this way, in this run: from now on its absences count.

        A list that knows it by the platform's id alone proves nothing for those whose platform id was lost.
        """
        is_proof = way != Way.LIST or record.own_id == attempt.call_id or recognition.looks_alike(record, attempt)
        if is_proof and way not in self._proven:
            self._prove(way)

    def _prove(self, way: str) -> None:
        """From now on this way's absences count; whoever was looked up in vain is looked up anew."""
        self._proven.add(way)
        for case in self._cases:
            if case.answered.is_set():
                case.tries, case.hopes, case.ready_at = 0, LOOKS, self._clock.monotonic()
        self._changed.set()

    def take(self, attempt: Attempt, jump: float | None = 0.0) -> Case:
        """Look an attempt up once its hold is over; the case's `verdict` tells.

        `jump`: by how many seconds the wall clock has jumped since the hold was written down, None if nobody can say.
        """
        now = self._clock.monotonic()
        seconds = 0.0
        if attempt.held_until is not None:
            remaining = (attempt.held_until - self._clock.now()).total_seconds()
            seconds = jumps.held_for(remaining, jump, self._rules.hold)
        case = Case(attempt, now + max(seconds, 0.0), asyncio.get_running_loop().create_future())
        self._cases.append(case)
        self._settled.discard(attempt.id)
        self._changed.set()
        return case

    def hasten(self) -> None:
        """The platform has told of a call that nobody knows: it may be one of these, so look before the hold ends."""
        if not self._cases or self._clock.monotonic() < self._hastens_at:
            return
        self._hastens_at = self._clock.monotonic() + _HASTENS_EVERY
        for case in self._cases:
            case.is_early = True
        self._changed.set()

    def is_settled(self, attempt: int) -> bool:
        """Whether the platform has told of it in this run: what follows is being written down."""
        return attempt in self._settled

    def claim(self, attempt: int) -> Case | None:
        """Take a case out of the machine's hands, for the operator's word; None if there is none.

        Whoever claims it settles it, or gives it `back`.
        """
        case = next((one for one in self._cases if one.attempt.id == attempt and not one.verdict.done()), None)
        if case is not None:
            self._cases.remove(case)
        return case

    def back(self, case: Case) -> None:
        """Go on with a case that was claimed."""
        self._cases.append(case)
        self._changed.set()

    async def run(self) -> None:
        """Look up whatever is ready; ends only by being cancelled."""
        while True:
            self._changed.clear()
            now = self._clock.monotonic()
            ready = [case for case in self._cases if self._is_ready(case, now)]
            if ready:
                await self._round(ready)
                self._cases = [case for case in self._cases if not case.verdict.done()]
                continue
            await self._clock.wait(self._changed, self._seconds_to_next(now))

    def _is_ready(self, case: Case, now: float) -> bool:
        return (case.ready_at <= now or case.is_early) and not case.verdict.done()

    def _seconds_to_next(self, now: float) -> float | None:
        times = [case.ready_at for case in self._cases if not case.verdict.done()]
        return max(min(times) - now, 0.001) if times else None

    def _gap(self, tries: int) -> float:
        """Seconds to the next look: a quarter of the hold, longer and longer where nothing is proven."""
        first = min(max(self._rules.hold / 4, 0.25), 15.0)
        return min(first * 2.0 ** max(0, tries - LOOKS), _LONGEST_PAUSE)

    async def _round(self, cases: Sequence[Case]) -> None:
        began = self._clock.monotonic()
        listed = await self._read_list(min(case.attempt.intended_at for case in cases))
        if listed.whole_from is not None and Way.LIST not in self._proven and await self._shows_ours(listed.records):
            self._prove(Way.LIST)
        told_of: tuple[CallRecord, ...] | None = None
        for case in cases:
            is_covered = listed.whole_from is not None and case.attempt.intended_at >= listed.whole_from
            ways: set[str] = {Way.LIST} if is_covered else set()
            record = await self._match(case.attempt, listed.records)
            if record is None:
                record, asked = await self._ask_for(case.attempt)
                ways |= asked
            if record is None:
                told_of = await self._strangers(cases) if told_of is None else told_of
                record = await self._match(case.attempt, told_of, Way.GET_PLATFORM)
            if case not in self._cases:
                continue  # claimed meanwhile
            if record is not None:
                self._settle(case, Found(record))
            elif case.ready_at > began:
                case.is_early = False
            else:
                await self._not_found(case, await self._believed(case.attempt, ways))

    def _settle(self, case: Case, verdict: Verdict) -> None:
        self._settled.add(case.attempt.id)
        case.settle(verdict)

    async def _believed(self, attempt: Attempt, ways: set[str]) -> set[str]:
        """Of the ways that did not find it those that prove something."""
        if attempt.placed_at is not None or not ways & self._proven:
            return set()
        for name in (attempt.call_id, attempt.platform_id):
            if name is not None and await self._books.was_told_of(name):
                return set()  # by a webhook: it is there, whatever is not found
        return ways & self._proven

    async def _not_found(self, case: Case, believed: set[str]) -> None:
        case.is_early = False
        case.tries += 1
        case.hopes = max(0, case.hopes - 1)
        if believed:
            case.looks += 1
            await self._books.look(case.attempt.id, f"not found by {', '.join(sorted(believed))}")
        if case not in self._cases:
            return
        if case.looks >= LOOKS:
            self._settle(case, Absent())
            return
        if case.tries >= LOOKS and not believed:
            case.answered.set()
        case.ready_at = self._clock.monotonic() + self._gap(case.tries)

    # --- the ways ---

    async def _ask_for(self, attempt: Attempt) -> tuple[CallRecord | None, set[str]]:
        """GET by our id, then by the platform's; the ways that answered with a plain 404 say: absent."""
        absent: set[str] = set()
        for way, name in ((Way.GET_OWN, attempt.call_id), (Way.GET_PLATFORM, attempt.platform_id)):
            if name is None:
                continue
            answer = await self._client.get(name)
            self._heard(answer)
            if not isinstance(answer, Reply):
                continue
            if answer.record is not None and recognition.is_same_call(answer.record, attempt):
                self.found(way, answer.record, attempt)
                return answer.record, absent
            if answer.status == 404:
                absent.add(way)
        return None, absent

    async def _read_list(self, since: datetime) -> listing.Listing:
        earliest = max(since, self._clock.now() - timedelta(seconds=self._rules.look_back))
        return await listing.read_back(self._client, earliest, earliest - recognition.SKEW, self._heard)

    async def _strangers(self, cases: Iterable[Case]) -> tuple[CallRecord, ...]:
        """Calls of which only webhooks have told, since the first of these was dialled; each is asked for once."""
        since = min(case.attempt.intended_at for case in cases)
        told = await self._books.strangers(since, _MOST_STRANGERS)
        found: list[CallRecord] = []
        for name in told:
            if name in self._asked_strangers:
                continue
            answer = await self._client.get(name)
            self._heard(answer)
            if isinstance(answer, Reply) and answer.status < 500:
                self._asked_strangers.add(name)
            if isinstance(answer, Reply) and answer.record is not None:
                found.append(answer.record)
        return tuple(found)

    # --- recognising ---

    async def _match(self, attempt: Attempt, records: Sequence[CallRecord], way: Way = Way.LIST) -> CallRecord | None:
        for record in records:
            if recognition.is_named(record, attempt):
                self.found(way, record, attempt)
                return record
        for record in records:
            if recognition.looks_alike(record, attempt) and not await self._is_anothers(record):
                return record
        return None

    async def _shows_ours(self, records: Sequence[CallRecord]) -> bool:
        """Whether the list tells of a call that this ledger knows, under the id that we gave it: then it is this
        account's, and would tell of the others in the same way. Its two ends are enough to see that."""
        told = [record.own_id for record in records if record.own_id is not None]
        for call_id in (*told[:_ENOUGH], *told[_ENOUGH:][-_ENOUGH:]):
            if await self._books.knows(call_id):
                return True
        return False

    async def _is_anothers(self, record: CallRecord) -> bool:
        return record.platform_id is not None and await self._books.knows(record.platform_id)
