"""Whose an earlier call was, and when: what is read off a record of the platform. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dialer.model import Answer, CallRecord, Candidate, EarlierCall, Reply
from dialer.policy import callid, recognition
from dialer.verbex import listing

NOT_FOUND = 404
_LONGEST_WAIT = 60.0


def asked_to_wait(answer: Answer) -> float:
    """Seconds for which the platform asks not to be asked."""
    return min(answer.retry_after or 0.0, _LONGEST_WAIT) if isinstance(answer, Reply) else 0.0


def next_serial(candidate: Candidate) -> int:
    """The serial number of the dial that would have come next."""
    return candidate.serial if candidate.reuse is not None else candidate.serial + 1


def ought_to_show(listed: listing.Listing, known: CallRecord) -> bool:
    """Whether a call that is there lies in the time of which the list shows all."""
    moment = known.started_at or known.ended_at
    return moment is not None and listed.whole_from is not None and moment >= listed.whole_from


def further(calls: Sequence[EarlierCall], earliest: datetime, look_back: timedelta) -> datetime | None:
    """From when on the list must be read too, so that `look_back` passes without a call; None if it has."""
    moments = [moment for call in calls if (moment := call.record.started_at or call.record.ended_at) is not None]
    further = min(moments, default=earliest + look_back) - look_back
    return further if further < earliest else None


def nameless(record: CallRecord) -> CallRecord:
    """A call as it tells of us: an id that no dialer gives is the platform's own, whatever stands beside it."""
    is_foreign = record.own_id is not None and not callid.may_be_ours(record.own_id)
    return replace(record, own_id=None) if is_foreign else record


def called(whose: tuple[Candidate, int], record: CallRecord, call_id: str = "") -> EarlierCall:
    candidate, serial = whose
    number = next((one for one in candidate.numbers if recognition.is_same_number(one, record.to_number)), None)
    return EarlierCall(candidate, serial, call_id or record.own_id or "", number or record.to_number, record)


def moment(record: CallRecord) -> float:
    """When a call began; one that has not begun yet is the newest."""
    moment = record.started_at or record.ended_at
    return float("inf") if moment is None else moment.timestamp()


def e164(number: str) -> str:
    return f"+{recognition.digits(number)}"
