"""Asks the platform before anything is dialled again: was this call placed?

An attempt whose fate is open waits out the hold, then is looked up twice, by GET and in the list. Found is found. An
absence is believed only from a way that has, in this run and with this key, found a call of ours: a platform
that does not look custom ids up, or a list that shows another account, proves nothing by a 404. A call that the
platform once told of was placed: if it is not there any more, it was forgotten, not absent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dialer.clock import Clock
from dialer.model import Answer, Attempt, CallPage, CallRecord, RecoveryRules, Reply
from dialer.verbex import Client

LOOKS = 2
"""So many absences, each by a proven way, are believed."""

_SKEW = timedelta(minutes=5)
"""How far the platform's clock may be from ours, when a call is recognised by its time."""

_EVER = datetime.min.replace(tzinfo=UTC)
_PAGE = 1000
_MOST_PAGES = 500
_ENOUGH = 100
_LONGEST_PAUSE = 60.0


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


Verdict = Found | Absent


@dataclass(slots=True, eq=False)
class Case:
    """One attempt that is being looked up. `answered` is set with the verdict, or once it was looked up in vain by ways
    that prove nothing: from then on it occupies no line, and waits for a proof or for the operator."""

    attempt: Attempt
    ready_at: float
    verdict: asyncio.Future[Verdict]
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    looks: int = 0
    tries: int = 0
    hopes: int = 0  # looks that it is still worth waiting for, since a way was proven after it was parked

    def settle(self, verdict: Verdict) -> None:
        """The platform's word; nobody may be waiting for it any more."""
        if not self.verdict.done():
            self.verdict.set_result(verdict)
        self.answered.set()


class Recovery:
    """Looks up the attempts of one campaign whose fate is open; several are looked up by one reading of the list.

    `looked` writes a look down; `is_known` tells whether an id, ours or the platform's, is an attempt's; `heard` is
    told of each answer.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        rules: RecoveryRules,
        looked: Callable[[int, str], Awaitable[None]],
        is_known: Callable[[str], Awaitable[bool]],
        heard: Callable[[CallPage | Answer], None],
    ) -> None:
        self._client = client
        self._clock = clock
        self._rules = rules
        self._looked = looked
        self._is_known = is_known
        self._heard = heard
        self._cases: list[Case] = []
        self._proven: set[str] = set()
        self._changed = asyncio.Event()

    @property
    def unsettled(self) -> int:
        """Attempts that were held, looked up and could not be settled."""
        return sum(case.answered.is_set() and not case.verdict.done() for case in self._cases)

    @property
    def is_hopeful(self) -> bool:
        """Whether some that could not be settled may soon be, by a way that was proven since."""
        return any(case.hopes > 0 and not case.verdict.done() for case in self._cases)

    def found(self, way: str, record: CallRecord, attempt: Attempt) -> None:
        """A call of ours was found by this way, in this run: from now on its absences count.

        A list that knows it by the platform's id alone proves nothing for those whose platform id was lost.
        """
        is_proof = way != Way.LIST or record.own_id == attempt.call_id or _looks_alike(record, attempt)
        if is_proof and way not in self._proven:
            self._prove(way)

    def _prove(self, way: str) -> None:
        """From now on this way's absences count; whoever was looked up in vain is looked up anew."""
        self._proven.add(way)
        for case in self._cases:
            if case.answered.is_set():
                case.tries, case.hopes, case.ready_at = 0, LOOKS, self._clock.monotonic()
        self._changed.set()

    def take(self, attempt: Attempt) -> Case:
        """Look an attempt up once its hold is over; the case's `verdict` tells."""
        now = self._clock.monotonic()
        seconds = 0.0
        if attempt.held_until is not None:
            seconds = min((attempt.held_until - self._clock.now()).total_seconds(), self._rules.hold)
        case = Case(attempt, now + max(seconds, 0.0), asyncio.get_running_loop().create_future())
        self._cases.append(case)
        self._changed.set()
        return case

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
        return case.ready_at <= now and not case.verdict.done()

    def _seconds_to_next(self, now: float) -> float | None:
        times = [case.ready_at for case in self._cases if not case.verdict.done()]
        return max(min(times) - now, 0.001) if times else None

    def _gap(self, tries: int) -> float:
        """Seconds to the next look: a quarter of the hold, longer and longer where nothing is proven."""
        first = min(max(self._rules.hold / 4, 0.25), 15.0)
        return min(first * 2.0 ** max(0, tries - LOOKS), _LONGEST_PAUSE)

    async def _round(self, cases: Sequence[Case]) -> None:
        records, whole_from = await self._read_list(min(case.attempt.intended_at for case in cases))
        if whole_from is not None and Way.LIST not in self._proven and await self._shows_ours(records):
            self._prove(Way.LIST)
        for case in cases:
            record = await self._match(case.attempt, records)
            is_covered = whole_from is not None and case.attempt.intended_at >= whole_from
            ways: set[str] = {Way.LIST} if is_covered else set()
            if record is None:
                record, asked = await self._ask_for(case.attempt)
                ways |= asked
            if record is not None:
                case.settle(Found(record))
            else:
                was_placed = case.attempt.placed_at is not None
                await self._not_found(case, set() if was_placed else ways & self._proven)

    async def _not_found(self, case: Case, believed: set[str]) -> None:
        case.tries += 1
        case.hopes = max(0, case.hopes - 1)
        if believed:
            case.looks += 1
            await self._looked(case.attempt.id, f"not found by {', '.join(sorted(believed))}")
        if case.looks >= LOOKS:
            case.settle(Absent())
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
            if answer.record is not None and _is_same_call(answer.record, attempt):
                self.found(way, answer.record, attempt)
                return answer.record, absent
            if answer.status == 404:
                absent.add(way)
        return None, absent

    async def _read_list(self, since: datetime) -> tuple[list[CallRecord], datetime | None]:
        """All calls since then, and from which moment on these are all (None: a page could not be read).

        Newest first; then by the time filter, and from the other end, since a platform may sort calls that have not
        started yet elsewhere: where it has no time for them, behind all the others.
        """
        earliest = max(since, self._clock.now() - timedelta(seconds=self._rules.look_back))
        back_to = earliest - _SKEW
        plain, reached_end = await self._pages(lambda page: _ends_before(page, back_to))
        if plain is None or reached_end:
            return plain or [], None if plain is None else _EVER
        filtered, _ = await self._pages(lambda page: _ends_before(page, back_to), after=back_to)
        unstarted, _ = await self._pages(_has_started, order="asc")
        is_whole = filtered is not None and unstarted is not None
        return plain + (filtered or []) + (unstarted or []), earliest if is_whole else None

    async def _pages(
        self, is_enough: Callable[[CallPage], bool], *, after: datetime | None = None, order: str = "desc"
    ) -> tuple[list[CallRecord] | None, bool]:
        """The records of the pages up to the one that is enough (None where a page could not be read), and whether
        the list itself came to its end."""
        records: list[CallRecord] = []
        token: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._client.list(
                page_size=_PAGE, page_token=token, start_time_after=after, sort_direction=order
            )
            self._heard(page)
            if not isinstance(page, CallPage):
                return None, False
            records.extend(page.calls)
            token = page.next_page_token
            if token is None:
                return records, True
            if is_enough(page):
                return records, False
        return None, False

    # --- recognising ---

    async def _match(self, attempt: Attempt, records: Sequence[CallRecord]) -> CallRecord | None:
        for record in records:
            if record.own_id == attempt.call_id or (
                record.platform_id is not None and record.platform_id == attempt.platform_id
            ):
                self.found(Way.LIST, record, attempt)
                return record
        for record in records:
            if _looks_alike(record, attempt) and not await self._is_anothers(record):
                return record
        return None

    async def _shows_ours(self, records: Sequence[CallRecord]) -> bool:
        """Whether the list tells of a call that this ledger knows, under the id that we gave it: then it is this
        account's, and would tell of the others in the same way. Its two ends are enough to see that."""
        told = [record.own_id for record in records if record.own_id is not None]
        for call_id in (*told[:_ENOUGH], *told[_ENOUGH:][-_ENOUGH:]):
            if await self._is_known(call_id):
                return True
        return False

    async def _is_anothers(self, record: CallRecord) -> bool:
        return record.platform_id is not None and await self._is_known(record.platform_id)


def _is_same_call(record: CallRecord, attempt: Attempt) -> bool:
    return record.own_id == attempt.call_id or _is_same(record.to_number, attempt.number)


def _is_same(number: str, other: str) -> bool:
    """Whether two spellings are of one number."""
    return [*filter(str.isdigit, number)] == [*filter(str.isdigit, other)]


def _looks_alike(record: CallRecord, attempt: Attempt) -> bool:
    """The number, the own number and the time fit, and it bears no id of ours: a platform may not echo metadata."""
    is_named = record.own_id not in (None, record.platform_id)
    if is_named or not _is_same(record.to_number, attempt.number):
        return False
    moment = record.started_at or record.ended_at
    is_of_then = moment is None or moment >= attempt.intended_at - _SKEW
    return is_of_then and _is_same(record.from_number, attempt.from_number)


def _ends_before(page: CallPage, moment: datetime) -> bool:
    started = [record.started_at for record in page.calls if record.started_at is not None]
    return bool(started) and started[-1] < moment


def _has_started(page: CallPage) -> bool:
    return any(record.started_at is not None for record in page.calls)
