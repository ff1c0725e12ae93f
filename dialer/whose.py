"""Whose an earlier call was, and when: what is read off a record of the platform. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from dialer.model import CallRecord, Candidate, EarlierCall
from dialer.policy import callid, recognition


def next_serial(candidate: Candidate) -> int:
    """The serial number of the dial that would have come next."""
    return candidate.serial if candidate.reuse is not None else candidate.serial + 1


def further(calls: Sequence[EarlierCall], earliest: datetime, look_back: timedelta) -> datetime | None:
    """From when on the list must be read too, so that `look_back` passes without a call; None if it has."""
    moments = [begun for call in calls if (begun := call.record.started_at or call.record.ended_at) is not None]
    from_then = min(moments, default=earliest + look_back) - look_back
    return from_then if from_then < earliest else None


def nameless(record: CallRecord) -> CallRecord:
    """A call as it tells of us: an id that no dialer gives is the platform's own, whatever stands beside it."""
    is_foreign = record.own_id is not None and not callid.may_be_ours(record.own_id)
    return replace(record, own_id=None) if is_foreign else record


def called(whom: tuple[Candidate, int], record: CallRecord, call_id: str = "") -> EarlierCall:
    """A record as the call of a person, by which of their dials."""
    candidate, serial = whom
    number = next((one for one in candidate.numbers if recognition.is_same_number(one, record.to_number)), None)
    return EarlierCall(candidate, serial, call_id or record.own_id or "", number or record.to_number, record)


def moment(record: CallRecord) -> float:
    """When a call began; one that has not begun yet is the newest."""
    begun = record.started_at or record.ended_at
    return float("inf") if begun is None else begun.timestamp()


def e164(number: str) -> str:
    """A number of the platform's, as the ledger writes numbers."""
    return f"+{recognition.digits(number)}"
