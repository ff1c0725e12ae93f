"""What is to be done with what the platform finds in a call once it is over: when to ask, and when somebody wants to be
called again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from dialer.model import JSON, Verdict
from dialer.policy import outcome

WAITS = (2.0, 3.0, 10.0, 15.0, 30.0, 60.0)
"""Seconds from the end of a call to the first question for its analysis, and from each to the next: it is asked for 2,
5, 15, 30 and 60 seconds after the end, then once a minute."""

GIVEN_UP_AFTER = 600.0
"""Seconds after the end: what has not come by then, the next run asks for."""

ASKED_FOR_DAYS = 7
"""So many days after its end a call is still asked about."""

OLDEST, FARTHEST = timedelta(days=1), timedelta(days=90)
"""A time that lies further back, or further ahead, is not what somebody asked for."""

_TALKS = (Verdict.NEVER, Verdict.PLATFORM_FAILED, Verdict.STOP)


def has_talked(finish_reason: str | None, has_messages: bool) -> bool:
    """Whether a call was a conversation in which something can be found: words alone are none where a machine spoke."""
    verdict = outcome.verdict(finish_reason)
    return verdict is Verdict.REACHED or (has_messages and verdict in _TALKS)


def wait_before(questions: int) -> float:
    """Seconds before the next question, after so many in vain."""
    return WAITS[min(questions, len(WAITS) - 1)]


def called_back_at(value: JSON, zones: Sequence[tzinfo], now: datetime) -> datetime | str | None:
    """The moment for which somebody asked: an ISO instant or, without an offset, their own time in each of these zones,
    of which the latest counts, so that nobody is called too early. None: nothing was asked for. A text: why the value
    is no such moment.

    A time of day that a clock shows twice, or leaves out, is taken to be the later one.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    moment = _read(value)
    if moment is None:
        return "is not a date and a time"
    if moment.tzinfo is None and not zones:
        return "has no offset, and nobody knows where the person is"
    try:
        instant = max(_instants(moment, zones)) if moment.tzinfo is None else moment.astimezone(UTC)
        is_near = now - OLDEST <= instant <= now + FARTHEST
    except OverflowError:
        return "is not a date and a time"
    return instant if is_near else f"is not between {OLDEST.days} day ago and {FARTHEST.days} days from now"


def _read(value: JSON) -> datetime | None:
    text = value.strip() if isinstance(value, str) else ""
    if "T" not in text and " " not in text:
        return None  # a day alone is no time to call
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _instants(local: datetime, zones: Sequence[tzinfo]) -> list[datetime]:
    """The instants at which clocks of these zones show it."""
    return [local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for zone in zones for fold in (0, 1)]
