"""Looks for calls that the platform made for us and this ledger does not know: it was copied, put back or deleted.

A call id is made of the ledger's secret, the campaign, the person and a serial number, so whoever has the secret can
say of each call in the platform's list whether it is ours, and whose it was. Where the platform echoes no ids, the
numbers and the time have to do. Nothing is believed of a list that shows no call of ours: it may be another account's.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dialer import whose
from dialer.clock import Clock
from dialer.ledger import Doubt
from dialer.model import FINISHED, Answer, CallPage, CallRecord, Campaign, Candidate, EarlierCall, Reply
from dialer.policy import callid, recognition
from dialer.verbex import Client, listing

_SERIALS = 200
"""So many dials of one person, after the last that is known, are looked for."""

_GAP = 3
"""So many serial numbers in a row without a call, and a person has no later one: a refused dial leaves none."""

_KNOWN = 5
"""So many calls that are known are asked for, to see whether this is the account in which they were made."""

_NEXT_SERIALS = 20
"""So many next dials of everybody are tried for a call whose number nobody has any more."""

_GLIMPSED = 100
"""So many calls are looked at, at either end, where there is no doubt."""

_AT_ONCE = 500
_SIDE_BY_SIDE = 8
_IN_VAIN = 200
"""After so many people of whom nothing was found by a way that is not proven, nothing will be."""

_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds before a question is put again that was not answered."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found, oldest first. `is_proven`: what is not among it was not placed. `is_answered`: False where the
    platform has failed, so that another time may tell more."""

    calls: tuple[EarlierCall, ...]
    is_proven: bool
    is_answered: bool = True


@dataclass(frozen=True, slots=True)
class Books:
    """What is asked of the ledger: people by number, people who could be dialled from an id on, ids of the last calls
    under a key, which ids belong to no call, and under which keys the calls of some ids were dialled."""

    people_with: Callable[[Iterable[str]], Awaitable[list[Candidate]]]
    dialable: Callable[[int, int], Awaitable[list[Candidate]]]
    last_calls: Callable[[str, int], Awaitable[list[str]]]
    strange: Callable[[Sequence[str]], Awaitable[set[str]]]
    dialled_under: Callable[[Sequence[str]], Awaitable[set[str]]]


class _Unanswered(Exception):
    """The platform did not answer, however often it was asked."""


class Earlier:
    """Looks for one campaign's calls that its ledger does not know; `heard` is told of each answer."""

    def __init__(
        self,
        campaign: Campaign,
        secret: bytes,
        client: Client,
        clock: Clock,
        books: Books,
        heard: Callable[[CallPage | Answer], None],
        key_mark: str = "",
    ) -> None:
        self._campaign = campaign
        self._secret = secret
        self._client = client
        self._clock = clock
        self._books = books
        self._heard = heard
        self._key_mark = key_mark
        self._shown: set[str] = set()  # the marks of the keys of known calls that the platform shows

    async def glimpse(self, since: datetime | None) -> bool:
        """Whether the platform shows a call of ours that the ledger does not know, among the first that were made since
        its last moment and among the newest: a folder may be put back together with everything that tells of it."""
        after = None if since is None else recognition.seen_from(since, self._client.skew)
        for asked in ({"start_time_after": after, "sort_direction": "asc"}, {"sort_direction": "desc"}):
            page = await self._client.list(page_size=_GLIMPSED, **asked)
            self._heard(page)
            if isinstance(page, CallPage) and await self._named(
                list(map(whose.nameless, page.calls)), all_people=False
            ):
                return True
        return False

    async def look(self, doubt: Doubt) -> Looked:
        """Read the list back as far as `recovery.look_back` says, or to the last moment that the ledger knows if that
        is longer ago; where the ledger knows nothing, until `look_back` has passed without a call of ours. Where there
        is no list, ask for each person's next calls one by one."""
        try:
            looked = await self._in_list(doubt) or await self._one_by_one(doubt)
            # Whatever one account shows says nothing of the calls that were made in another.
            return replace(looked, is_proven=looked.is_proven and doubt.other_keys <= self._shown)
        except _Unanswered:
            return Looked((), is_proven=False, is_answered=False)

    # --- in the list ---

    async def _in_list(self, doubt: Doubt) -> Looked | None:
        """What the list tells; None where there is none."""
        look_back, now = timedelta(seconds=self._campaign.recovery.look_back), self._clock.now()
        # A last moment that is yet to come was written by a clock that has been set back since: it says nothing.
        known_until = None if doubt.known_until is None or doubt.known_until > now else doubt.known_until
        earliest: datetime | None = now - look_back
        while earliest is not None:
            earliest = min(earliest, known_until or earliest)
            listed = await self._read_list(earliest)
            if listed.whole_from is None or listed.whole_from > earliest:
                return None  # it cannot be read, or does not go back so far
            since = recognition.seen_from(known_until or earliest, self._client.skew)
            calls, shows_ours = await self._among(listed.records, since, doubt)
            is_all = known_until is not None or listed.whole_from == listing.EVER
            earliest = None if is_all else whose.further(calls, earliest, look_back)
        if shows_ours:
            return Looked(calls, is_proven=True)
        known = await self._known_there(doubt.key_mark)
        if known is not None and listed.ought_to_show(known):
            return None  # it has left out one that is there: it does not show all
        return Looked(calls, is_proven=known is not None)

    async def _read_list(self, earliest: datetime) -> listing.Listing:
        """The list back to a moment (_Unanswered)."""
        for pause in (*_PAUSES, None):
            back_to = recognition.seen_from(earliest, self._client.skew)
            listed = await listing.read_back(self._client, earliest, back_to, self._heard)
            if not listed.may_mend:
                return listed
            if pause is not None:
                await self._clock.sleep(pause)
        raise _Unanswered

    async def _among(
        self, records: Sequence[CallRecord], since: datetime, doubt: Doubt
    ) -> tuple[tuple[EarlierCall, ...], bool]:
        """The calls that are ours and strange to the ledger; and whether the list is shown to be that account's in
        which they were made. A call under the key of now says nothing of those under the key of then."""
        told = [record for record in map(whose.nameless, records) if record.own_id or record.platform_id]
        named = await self._named(told, all_people=True)
        shows_known = await self._shows_known(told, doubt.key_mark)
        is_echoed = bool(named) or await self._echoes(told)
        calls = named if is_echoed else await self._alike(sorted(told, key=whose.moment), since)
        is_other_key = doubt.has_attempts and "" not in (marks := {doubt.key_mark, self._key_mark}) and len(marks) > 1
        return calls, shows_known or (bool(named) and not is_other_key)

    async def _named(self, records: Sequence[CallRecord], *, all_people: bool) -> tuple[EarlierCall, ...]:
        """The calls that bear an id of ours and are strange to the ledger, oldest first; of two under one the later."""
        strange = await self._books.strange([record.own_id for record in records if record.own_id is not None])
        strangers = [record for record in records if record.own_id in strange]
        by_id = dict(await self._derived(strangers))
        if all_people:
            await self._derive_rest([record for record in strangers if record.own_id not in by_id], by_id)
        found = {
            record.own_id: whose.called(by_id[record.own_id], record)
            for record in sorted(strangers, key=whose.moment)
            if record.own_id in by_id
        }
        return tuple(found.values())

    async def _echoes(self, records: Sequence[CallRecord]) -> bool:
        """Whether the list shows calls by the ids that we gave them."""
        own_ids = {record.own_id for record in records if record.own_id is not None}
        return len(await self._books.strange(sorted(own_ids))) < len(own_ids)

    async def _derived(self, records: Sequence[CallRecord]) -> Mapping[str | None, tuple[Candidate, int]]:
        """Whose each of these ids is, by person and serial; those of other campaigns and ledgers are left out."""
        told: dict[str, set[str | None]] = defaultdict(set)
        for record in records:
            told[whose.e164(record.to_number)].add(record.own_id)
        found: dict[str | None, tuple[Candidate, int]] = {}
        for candidate in await self._books.people_with(told):
            wanted = set[str | None]().union(*(told[number] for number in candidate.numbers if number in told))
            for serial in range(1, candidate.serial + _SERIALS + 1):
                call_id = self._call_id(candidate, serial)
                if call_id in wanted:
                    found[call_id] = (candidate, serial)
                    wanted.discard(call_id)
                    if not wanted:
                        break
        return found

    async def _derive_rest(self, records: Sequence[CallRecord], found: dict[str | None, tuple[Candidate, int]]) -> None:
        """Those whose number nobody has any more: it was corrected in the list since. Everybody who could be dialled is
        tried, for the dials that come next."""
        own = {recognition.digits(number) for number in self._campaign.call.from_numbers}
        rest = {record.own_id for record in records if recognition.digits(record.from_number) in own}
        after = 0
        while rest and (people := await self._books.dialable(after, _AT_ONCE)):
            for candidate in people:
                for serial in range(whose.next_serial(candidate), whose.next_serial(candidate) + _NEXT_SERIALS):
                    if (call_id := self._call_id(candidate, serial)) in rest:
                        found[call_id] = (candidate, serial)
                        rest.discard(call_id)
            after = people[-1].contact_id

    async def _alike(self, records: Sequence[CallRecord], since: datetime) -> tuple[EarlierCall, ...]:
        """Calls without any id of ours that fit by numbers and time: in doubt they are ours."""
        unnamed = [record for record in records if record.platform_id and recognition.bears_no_id_of_ours(record)]
        strange = await self._books.strange([record.platform_id or "" for record in unnamed])
        unnamed = [record for record in unnamed if record.platform_id in strange]
        people = await self._books.people_with({whose.e164(record.to_number) for record in unnamed})
        own = self._campaign.call.from_numbers
        by_number: dict[str, list[Candidate]] = defaultdict(list)
        for one in sorted(people, key=lambda one: one.state in FINISHED):  # who is finished is not dialled again anyhow
            for number in one.numbers:
                by_number[recognition.digits(number)].append(one)
        taken: dict[int, int] = {}
        calls: list[EarlierCall] = []
        for record in unnamed:
            there = by_number[recognition.digits(record.to_number)]
            fits = [one for one in there if recognition.is_one_of(record, one.numbers, own, since)]
            for candidate in fits[:1]:
                serial = taken[candidate.contact_id] = (
                    taken.get(candidate.contact_id, whose.next_serial(candidate) - 1) + 1
                )
                calls.append(self._one(candidate, serial, record))
        return tuple(calls)

    async def _shows_known(self, records: Sequence[CallRecord], key_mark: str) -> bool:
        """Whether a call that the ledger knows from under this key stands in the list, by either id: one of another
        key shows another account, or says nothing of this one."""
        ids = {name for record in records for name in (record.own_id, record.platform_id) if name is not None}
        marks = await self._books.dialled_under(sorted(ids))
        self._shown |= marks
        return bool(marks if key_mark == "" else marks & {"", key_mark})

    # --- one by one ---

    async def _known_there(self, key_mark: str) -> CallRecord | None:
        """One of the last calls that the ledger knows, found by GET: then this is the account they belong to."""
        for name in await self._books.last_calls(key_mark, _KNOWN):
            reply = await self._ask(name)
            if reply is not None and reply.record is not None:
                return reply.record
        return None

    async def _one_by_one(self, doubt: Doubt) -> Looked:
        """By GET and our ids alone; believed only if such a GET has found a call of ours."""
        is_proven = await self._finds_own_ids(doubt.key_mark)
        if doubt.has_attempts and not is_proven:
            return Looked((), is_proven=False)
        calls: list[EarlierCall] = []
        asked = after = 0
        while people := await self._books.dialable(after, _AT_ONCE):
            for first in range(0, len(people), _SIDE_BY_SIDE):
                found = await asyncio.gather(*map(self._of, people[first : first + _SIDE_BY_SIDE]))
                calls += [call for theirs in found for call in theirs or ()]
                asked += len(found)
                if None in found or (asked >= _IN_VAIN and not calls and not is_proven):
                    return Looked(tuple(calls), is_proven=False)
            after = people[-1].contact_id
        return Looked(tuple(calls), is_proven=is_proven or bool(calls))

    async def _finds_own_ids(self, key_mark: str) -> bool:
        for name in filter(callid.may_be_ours, await self._books.last_calls(key_mark, _KNOWN)):
            reply = await self._ask(name)
            record = None if reply is None else reply.record
            if record is not None and record.own_id in (None, record.platform_id, name):
                return True
        return False

    async def _of(self, candidate: Candidate) -> list[EarlierCall] | None:
        """A person's calls after the last that is known; None where the platform does not say (_Unanswered)."""
        calls: list[EarlierCall] = []
        serial = whose.next_serial(candidate)
        missing = 0
        while missing < _GAP:
            reply = await self._ask(self._call_id(candidate, serial))
            if reply is None:
                return None
            if reply.record is None:
                missing += 1
            else:
                calls.append(self._one(candidate, serial, reply.record))
                missing = 0
            serial += 1
        return calls

    async def _ask(self, name: str) -> Reply | None:
        """What the platform tells of a call: its record, or that there is none; None where it does not understand such
        a question (_Unanswered)."""
        for pause in (*_PAUSES, None):
            answer = await self._client.get(name)
            self._heard(answer)
            if isinstance(answer, Reply) and not listing.may_mend(answer):
                return answer if answer.record is not None or answer.status == _NOT_FOUND else None
            if pause is not None:
                await self._clock.sleep(max(pause, _asked_to_wait(answer)))
        raise _Unanswered

    def _one(self, candidate: Candidate, serial: int, record: CallRecord) -> EarlierCall:
        return whose.called((candidate, serial), record, self._call_id(candidate, serial))

    def _call_id(self, candidate: Candidate, serial: int) -> str:
        return callid.call_id(self._secret, self._campaign.name, candidate.person, serial)


_NOT_FOUND = 404
_LONGEST_WAIT = 60.0


def _asked_to_wait(answer: Answer) -> float:
    """Seconds for which the platform asks not to be asked."""
    return min(answer.retry_after or 0.0, _LONGEST_WAIT) if isinstance(answer, Reply) else 0.0
