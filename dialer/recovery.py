"""Asks the platform before anything is dialled again: was this call placed?

An attempt whose fate is open waits out the hold, then is looked up twice, by GET and in the list. Found is found. An
absence is believed only from a way that has, in this run and with this key, found a call of ours: a platform
that does not look custom ids up, or a list that shows another account, proves nothing by a 404. A call that the
platform once told of was placed: if it is not there any more, it was forgotten, not absent. What a webhook tells
hastens the search; what is not found before the hold is over says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from dialer.cases import Absent, Books, Case, Found, Settled, Verdict, Way
from dialer.clock import Clock
from dialer.model import Answer, Attempt, CallPage, CallRecord, RecoveryRules, Reply
from dialer.policy import jumps, recognition
from dialer.verbex import Client, listing
from dialer.verbex.hearsay import MOST_TRIES, Hearsay, Shown

__all__ = ["Absent", "Books", "Case", "Found", "Recovery", "Settled", "Verdict", "Way"]

LOOKS = 2
"""So many absences, each by a proven way, are believed."""

_ENOUGH = 100
_LONGEST_PAUSE = 60.0
_LONGEST_PARKED = 1800.0
"""Seconds between two looks for one that nothing proves anything about: each may have to read far back in the list."""

_MOST_DOUBLINGS = 16
_HASTENS_EVERY = 2.0
"""Seconds: an account tells of many calls that are not ours."""

_EVEN = timedelta(seconds=jumps.NOTICED)
"""By so much an attempt may lie ahead without the clock having been set."""

_MOST_STRANGERS = 1000
"""So many calls of which only webhooks have told are thought of."""


class Recovery:
    """Looks up the attempts of one campaign whose fate is open; several are looked up by one reading of the list.

    `heard` is told of each answer of the platform. `key_mark` is the mark of the API key in use; '' where keys are not
    told apart.
    """

    def __init__(
        self,
        client: Client,
        clock: Clock,
        rules: RecoveryRules,
        books: Books,
        heard: Callable[[CallPage | Answer], None],
        key_mark: str = "",
        set_back: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._client = client
        self._clock = clock
        self._rules = rules
        self._books = books
        self._heard = heard
        self._cases: list[Case] = []
        self._key_mark = key_mark
        self._proven: set[tuple[str, str]] = set()  # by way and key: another key may be another account's
        self._set_back = set_back
        self._hearsay = Hearsay(client, heard)
        self._settled: set[int] = set()
        self._early_at: float | None = None
        self._was_early_at = -_HASTENS_EVERY
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
        """A call of ours was found by this way, in this run: from now on its absences count, for what was dialled under
        the same key.

        A list that knows it by the platform's id alone proves nothing for those whose platform id was lost.
        """
        is_proof = way != Way.LIST or record.own_id == attempt.call_id or self._looks_alike(record, attempt)
        if is_proof:
            self._prove(way, self._key_of(attempt.key_mark))

    def _key_of(self, mark: str) -> str:
        """Under which key a call was dialled; of this run's own calls, and those of old, no other is noted."""
        return (mark or self._key_mark) if self._key_mark else ""

    def _prove(self, way: str, key: str) -> None:
        """From now on this way's absences count; whoever was looked up in vain is looked up anew."""
        if (way, key) in self._proven:
            return
        self._proven.add((way, key))
        for case in self._cases:
            if case.answered.is_set() and self._key_of(case.attempt.key_mark) == key:
                case.tries, case.hopes, case.ready_at = 0, LOOKS, self._clock.monotonic()
        self._changed.set()

    def take(self, attempt: Attempt, set_forward: float = 0.0) -> Case:
        """Look an attempt up once its hold is over; the case's `verdict` tells.

        `set_forward`: by how many seconds the wall clock was set forward since the hold was written down, or the dial
        by which it was reckoned.
        """
        now = self._clock.monotonic()
        seconds = 0.0
        if attempt.held_until is not None:
            remaining = (attempt.held_until - self._clock.now()).total_seconds()
            seconds = jumps.held_for(remaining, set_forward, self._rules.hold)
        case = Case(attempt, now + max(seconds, 0.0), asyncio.get_running_loop().create_future())
        self._cases.append(case)
        self._settled.discard(attempt.id)
        self._look_early()  # a webhook may have been quicker than the answer that was lost
        self._changed.set()
        return case

    def hasten(self, call: str) -> None:
        """The platform has told of a call, by either id, whose end nobody waits for: it may be one of these."""
        for case in self._cases:
            if call in (case.attempt.call_id, case.attempt.platform_id):
                case.is_told = True
        if self._cases:
            self._look_early()

    def _look_early(self) -> None:
        """Look at what was told before the holds end: soon, but not for each webhook."""
        if self._early_at is None:
            self._early_at = max(self._clock.monotonic(), self._was_early_at + _HASTENS_EVERY)
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
            ready = [case for case in self._open() if case.ready_at <= now]
            if self._early_at is not None and self._early_at <= now:
                self._early_at, self._was_early_at = None, now
                await self._early_look()
            elif ready:
                await self._round(ready)
            else:
                await self._clock.wait(self._changed, self._seconds_to_next(now))
            self._cases = self._open()

    def _open(self) -> list[Case]:
        return [case for case in self._cases if not case.verdict.done()]

    def _seconds_to_next(self, now: float) -> float | None:
        times = [case.ready_at for case in self._open()]
        times += [] if self._early_at is None else [self._early_at]
        return max(min(times) - now, 0.001) if times else None

    def _gap(self, tries: int) -> float:
        """Seconds to the next look: a quarter of the hold, longer and longer where nothing is proven."""
        first = min(max(self._rules.hold / 4, 0.25), 15.0)
        return first * 2.0 ** min(max(0, tries - LOOKS), _MOST_DOUBLINGS)

    async def _round(self, cases: Sequence[Case]) -> None:
        listed = await self._read_list(cases)
        if listed.whole_from is not None:
            await self._learn_from(listed.records, {self._key_of(case.attempt.key_mark) for case in cases})
        told_of: tuple[CallRecord, ...] | None = None
        for case in cases:
            is_covered = listed.whole_from is not None and self._made_at(case.attempt) >= listed.whole_from
            ways: set[str] = {Way.LIST} if is_covered else set()
            record = await self._match(case.attempt, listed.records)
            if record is None:
                record, asked = await self._ask_for(case.attempt)
                ways |= asked
            if record is None:
                told_of = (await self._strangers(cases)).records if told_of is None else told_of
                record = await self._match(case.attempt, told_of, Way.GET_PLATFORM)
            if case not in self._cases:
                continue  # claimed meanwhile
            if record is not None:
                self._settle(case, Found(record))
            else:
                await self._not_found(case, await self._believed(case.attempt, ways), is_answered=bool(ways))

    async def _early_look(self) -> None:
        """Of what webhooks have told find what is found; a platform that they tell nothing of is not asked at all.

        The list is read only for what was told and is not shown by the id that was told.
        """
        held = []
        for case in self._open():
            if case.is_told is None:
                case.is_told = await self._was_told_of(case.attempt)
            if case.is_told or not case.answered.is_set():
                held.append(case)
        shown = await self._strangers(held, tries=1) if held else Shown((), is_clear=True)
        missing = [case for case in held if not await self._is_there(case, shown.records, Way.GET_PLATFORM)]
        missing = [case for case in missing if not case.answered.is_set() and (case.is_told or not shown.is_clear)]
        if missing:
            listed = await self._read_list(missing)
            for case in missing:
                await self._is_there(case, listed.records, Way.LIST)

    async def _is_there(self, case: Case, records: Sequence[CallRecord], way: Way) -> bool:
        """Whether a case is settled by these calls, or, where it was told of, by a question of its own."""
        record = await self._match(case.attempt, records, way)
        if record is None and case.is_told and way is not Way.LIST:
            record, _ = await self._ask_for(case.attempt)
        if record is not None and case in self._cases:
            self._settle(case, Found(record))
        return record is not None

    def _settle(self, case: Case, verdict: Verdict) -> None:
        self._settled.add(case.attempt.id)
        case.settle(verdict)

    async def _believed(self, attempt: Attempt, ways: set[str]) -> set[str]:
        """Of the ways that did not find it those that prove something."""
        key = self._key_of(attempt.key_mark)
        believed = {way for way in ways if (way, key) in self._proven}
        if attempt.placed_at is not None or attempt.id_taken or not believed:
            return set()  # the platform has told of it before, or has said that it knows the id
        if await self._was_told_of(attempt):
            return set()  # it is there, whatever is not found
        return believed

    async def _was_told_of(self, attempt: Attempt) -> bool:
        """Whether a webhook has told of it, by an id of its own."""
        names = [name for name in (attempt.call_id, attempt.platform_id) if name is not None]
        return any([await self._books.was_told_of(name) for name in names])

    async def _not_found(self, case: Case, believed: set[str], *, is_answered: bool) -> None:
        if case not in self._cases:
            return  # claimed while the inbox was asked: it may be written down by now, and is looked up no more
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
        most = _LONGEST_PARKED if case.answered.is_set() and is_answered else _LONGEST_PAUSE
        gap = self._gap(LOOKS if believed else case.tries)
        case.ready_at = self._clock.monotonic() + min(gap, most)

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

    async def _read_list(self, cases: Sequence[Case]) -> listing.Listing:
        """The list, back to the first of these; of its records those that may be theirs."""
        ids = {name for case in cases for name in (case.attempt.call_id, case.attempt.platform_id)} - {None}
        numbers = {recognition.digits(case.attempt.number) for case in cases}

        def keep(record: CallRecord) -> bool:
            is_theirs = record.own_id in ids or record.platform_id in ids
            return is_theirs or recognition.digits(record.to_number) in numbers

        since = min(self._made_at(case.attempt) for case in cases)
        now = self._clock.now()
        earliest = min(max(since, now - timedelta(seconds=self._rules.look_back)), now)
        back_to = recognition.seen_from(earliest, self._client.skew)
        return await listing.read_back(self._client, earliest, back_to, self._heard, keep)

    async def _strangers(self, cases: Iterable[Case], tries: int = MOST_TRIES) -> Shown:
        """Calls of which only webhooks have told, since the first of these was dialled."""
        since = min(self._made_at(case.attempt) for case in cases) - recognition.SKEW
        return await self._hearsay.calls(await self._books.strangers(since, _MOST_STRANGERS), tries)

    # --- recognising ---

    async def _match(self, attempt: Attempt, records: Sequence[CallRecord], way: Way = Way.LIST) -> CallRecord | None:
        for record in records:
            if recognition.is_named(record, attempt):
                self.found(way, record, attempt)
                return record
        for record in records:
            if self._looks_alike(record, attempt) and not await self._is_anothers(record):
                return record
        return None

    async def _learn_from(self, records: Sequence[CallRecord], keys: set[str]) -> None:
        """A list that tells of a call that this ledger knows, under the id that we gave it, is that account's in which
        it was dialled, and would tell of the others in the same way. Its two ends are enough to see that."""
        if all((Way.LIST, key) in self._proven for key in keys):
            return
        told = [record.own_id for record in records if record.own_id is not None]
        for mark in await self._books.dialled_under((*told[:_ENOUGH], *told[_ENOUGH:][-_ENOUGH:])):
            self._prove(Way.LIST, self._key_of(mark))

    def _looks_alike(self, record: CallRecord, attempt: Attempt) -> bool:
        since = recognition.seen_from(self._made_at(attempt), self._client.skew)
        return recognition.looks_alike(record, attempt, since)

    def _made_at(self, attempt: Attempt) -> datetime:
        """The earliest that an attempt can have been made, by the wall clock as it goes now: it may have been set back
        since the attempt was written down. What is still to come was not made then: nothing is known of it."""
        now, back = self._clock.now(), self._set_back()
        made_at = attempt.intended_at - timedelta(seconds=back)
        if back < jumps.ANY and made_at <= now + _EVEN:
            return made_at
        return min(attempt.intended_at, now) - timedelta(seconds=self._rules.look_back)

    async def _is_anothers(self, record: CallRecord) -> bool:
        return record.platform_id is not None and await self._books.knows(record.platform_id)
