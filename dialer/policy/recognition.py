"""Whether a record of the platform is a call of ours: by the ids, or by numbers and time where it echoes none. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from dialer.model import Attempt, CallRecord

SKEW = timedelta(minutes=5)
"""How far the platform's clock may be from ours, when a call is recognised by its time."""


def is_named(record: CallRecord, attempt: Attempt) -> bool:
    """Whether the record bears an id of this attempt, ours or the platform's."""
    return record.own_id == attempt.call_id or (
        record.platform_id is not None and record.platform_id == attempt.platform_id
    )


def is_same_call(record: CallRecord, attempt: Attempt) -> bool:
    """Whether the answer to a question for this attempt tells of it."""
    return record.own_id == attempt.call_id or is_same_number(record.to_number, attempt.number)


def is_same_number(number: str, other: str) -> bool:
    """Whether two spellings are of one number."""
    return digits(number) == digits(other)


def digits(number: str) -> str:
    """The digits of a number, whatever is put between them."""
    return "".join(filter(str.isdigit, number))


def bears_no_id_of_ours(record: CallRecord) -> bool:
    """Whether the platform tells of this call without an id that a caller gave: it may not echo metadata."""
    return record.own_id in (None, record.platform_id)


def seen_from(moment: datetime, skew: float) -> datetime:
    """The earliest that a moment of ours can be in the platform's records. `skew`: by how many seconds its clock is
    ahead of ours; one that is behind dates our calls before we made them."""
    return moment - SKEW + timedelta(seconds=min(skew, 0.0))


def ago(moment: datetime | None, now: datetime, skew: float) -> float:
    """How many seconds ago a moment of the platform's clock was, never below 0; 0 where it tells none."""
    if moment is None:
        return 0.0
    return max(0.0, (now - moment) / timedelta(seconds=1) + skew)


def looks_alike(record: CallRecord, attempt: Attempt, since: datetime) -> bool:
    """The number and the own number fit, it began since then, and it bears no id of ours."""
    return is_one_of(record, (attempt.number,), (attempt.from_number,), since)


def is_one_of(
    record: CallRecord, numbers: Collection[str], own_numbers: Collection[str], since: datetime | None
) -> bool:
    """Whether a record without an id of ours is a call from one of our numbers to one of these, begun since then by the
    platform's clock."""
    if not bears_no_id_of_ours(record) or digits(record.to_number) not in {digits(number) for number in numbers}:
        return False
    moment = record.started_at or record.ended_at
    is_of_then = moment is None or since is None or moment >= since
    return is_of_then and digits(record.from_number) in {digits(number) for number in own_numbers}
