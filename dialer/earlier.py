"""Looks for calls that the platform made for us and this ledger does not know: it was copied, put back or deleted.

A call id is made of the ledger's secret, the campaign, the person and a serial number, so whoever has the secret can
say of each call in the platform's list whether it is ours, and whose it was. Where the platform echoes no ids, the
numbers and the time have to do. Nothing is believed of a list that shows no call of ours: it may be another account's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.clock import Clock
from dialer.ledger import Doubt
from dialer.model import Answer, CallPage, CallRecord, Campaign, Candidate, EarlierCall, Reply
from dialer.policy import callid, recognition
from dialer.verbex import Client, listing

_SERIALS = 200
"""So many dials of one person, after the last that is known, are looked for."""

_KNOWN = 5
"""So many calls that are known are asked for, to see whether this is the account in which they were made."""

_AT_ONCE = 500
_IN_VAIN = 200
"""After so many people of whom nothing was found by a way that is not proven, nothing will be."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found, oldest first. `is_proven`: what is not among it was not placed."""

    calls: tuple[EarlierCall, ...]
    is_proven: bool


@dataclass(frozen=True, slots=True)
class Books:
    """What is asked of the ledger: people by number, people who could be dialled from an id on, ids of the last calls,
    and which ids belong to no call."""

    people_with: Callable[[Iterable[str]], Awaitable[list[Candidate]]]
    dialable: Callable[[int, int], Awaitable[list[Candidate]]]
    last_calls: Callable[[int], Awaitable[list[str]]]
    strange: Callable[[Sequence[str]], Awaitable[set[str]]]


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
    ) -> None:
        self._campaign = campaign
        self._secret = secret
        self._client = client
        self._clock = clock
        self._books = books
        self._heard = heard

    async def look(self, doubt: Doubt) -> Looked:
        """Read the list back as far as `recovery.look_back` says, or to the last moment that the ledger knows if that
        is longer ago; where there is no list, ask for each person's next calls one by one."""
        earliest = self._clock.now() - timedelta(seconds=self._campaign.recovery.look_back)
        earliest = min(earliest, doubt.known_until or earliest)
        back_to = recognition.seen_from(earliest, self._client.skew)
        listed = await listing.read_back(self._client, earliest, back_to, self._heard)
        if listed.whole_from is None:
            return await self._one_by_one(doubt)
        since = recognition.seen_from(doubt.known_until or earliest, self._client.skew)
        calls, shows_ours = await self._among(listed.records, since)
        return Looked(calls, is_proven=shows_ours or await self._is_known_there())

    # --- in the list ---

    async def _among(self, records: Sequence[CallRecord], since: datetime) -> tuple[tuple[EarlierCall, ...], bool]:
        """The calls that are ours and strange to the ledger; and whether the list shows any of ours at all."""
        own_ids = [record.own_id for record in records if record.own_id and not recognition.bears_no_id_of_ours(record)]
        strange = await self._books.strange(own_ids)
        by_id = await self._derived([record for record in records if record.own_id in strange])
        ordered = sorted(records, key=_moment)
        named = [_called(by_id[record.own_id], record) for record in ordered if record.own_id in by_id]
        is_echoed = bool(named) or len(strange) < len(set(own_ids))
        calls = tuple(named) if is_echoed else await self._alike(ordered, since)
        return calls, is_echoed or await self._shows_known(records)

    async def _derived(self, records: Sequence[CallRecord]) -> Mapping[str | None, tuple[Candidate, int]]:
        """Whose each of these ids is, by person and serial; those of other campaigns and ledgers are left out."""
        told = {record.own_id for record in records}
        found: dict[str | None, tuple[Candidate, int]] = {}
        for candidate in await self._books.people_with({_e164(record.to_number) for record in records}):
            for serial in range(1, candidate.serial + _SERIALS + 1):
                call_id = self._call_id(candidate, serial)
                if call_id in told:
                    found[call_id] = (candidate, serial)
        return found

    async def _alike(self, records: Sequence[CallRecord], since: datetime) -> tuple[EarlierCall, ...]:
        """Calls without any id of ours that fit by numbers and time: in doubt they are ours."""
        unnamed = [record for record in records if record.platform_id and recognition.bears_no_id_of_ours(record)]
        strange = await self._books.strange([record.platform_id or "" for record in unnamed])
        unnamed = [record for record in unnamed if record.platform_id in strange]
        people = await self._books.people_with({_e164(record.to_number) for record in unnamed})
        own = self._campaign.call.from_numbers
        taken: dict[int, int] = {}
        calls: list[EarlierCall] = []
        for record in unnamed:
            fits = [one for one in people if recognition.is_one_of(record, one.numbers, own, since)]
            for candidate in fits[:1]:
                serial = taken[candidate.contact_id] = taken.get(candidate.contact_id, candidate.serial) + 1
                calls.append(self._one(candidate, serial, record))
        return tuple(calls)

    async def _shows_known(self, records: Sequence[CallRecord]) -> bool:
        """Whether a call of the ledger stands in the list by the platform's id."""
        ids = {record.platform_id for record in records if record.platform_id}
        return len(await self._books.strange(sorted(ids))) < len(ids)

    # --- one by one ---

    async def _is_known_there(self) -> bool:
        """Whether a GET finds one of the last calls that the ledger knows: then this is the account they belong to."""
        for name in await self._books.last_calls(_KNOWN):
            answer = await self._client.get(name)
            self._heard(answer)
            if isinstance(answer, Reply) and answer.record is not None:
                return True
        return False

    async def _one_by_one(self, doubt: Doubt) -> Looked:
        """By GET and our ids alone; believed only if such a GET has found a call of ours."""
        is_proven = await self._finds_own_ids()
        if doubt.has_attempts and not is_proven:
            return Looked((), is_proven=False)
        calls: list[EarlierCall] = []
        asked = after = 0
        while people := await self._books.dialable(after, _AT_ONCE):
            for candidate in people:
                found = await self._of(candidate)
                if found is None or (asked >= _IN_VAIN and not calls and not is_proven):
                    return Looked(tuple(calls), is_proven=False)
                calls += found
                asked += 1
            after = people[-1].contact_id
        return Looked(tuple(calls), is_proven=is_proven or bool(calls))

    async def _finds_own_ids(self) -> bool:
        known = [name for name in await self._books.last_calls(_KNOWN) if len(name) == callid.LENGTH]
        for name in known:
            answer = await self._client.get(name)
            self._heard(answer)
            if isinstance(answer, Reply) and answer.record is not None and answer.record.own_id in (None, name):
                return True
        return False

    async def _of(self, candidate: Candidate) -> list[EarlierCall] | None:
        """A person's calls after the last that is known; None where the platform does not say."""
        calls: list[EarlierCall] = []
        serial = candidate.serial if candidate.reuse is not None else candidate.serial + 1
        while True:
            answer = await self._client.get(self._call_id(candidate, serial))
            self._heard(answer)
            if not isinstance(answer, Reply) or (answer.record is None and answer.status != 404):
                return None
            if answer.record is None:
                return calls
            calls.append(self._one(candidate, serial, answer.record))
            serial += 1

    def _one(self, candidate: Candidate, serial: int, record: CallRecord) -> EarlierCall:
        return _called((candidate, serial), record, self._call_id(candidate, serial))

    def _call_id(self, candidate: Candidate, serial: int) -> str:
        return callid.call_id(self._secret, self._campaign.name, candidate.person, serial)


def _called(whose: tuple[Candidate, int], record: CallRecord, call_id: str = "") -> EarlierCall:
    candidate, serial = whose
    number = next((one for one in candidate.numbers if recognition.is_same_number(one, record.to_number)), None)
    return EarlierCall(candidate, serial, call_id or record.own_id or "", number or record.to_number, record)


def _moment(record: CallRecord) -> float:
    """When a call began; one that has not begun yet is the newest."""
    moment = record.started_at or record.ended_at
    return float("inf") if moment is None else moment.timestamp()


def _e164(number: str) -> str:
    return f"+{recognition.digits(number)}"
