"""How long nothing is sent after "too many requests". Instants here are monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

LONGEST_HOLD = 300.0
"""Seconds: a platform that asks for more is asked again after this."""

SHORTEST_HOLD = 0.1
"""Seconds: a platform that asks for less has said nothing."""

LONGEST_GUESS = 60.0
"""Seconds: the longest hold where the platform says nothing of its own."""

_TOO_MANY = 429
_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Brake:
    """No dial before `until` (monotonic seconds), after `times` refusals in a row for too many requests."""

    until: float = 0.0
    times: int = 0


def asks_for_fewer(status: int, retry_after: float | None) -> bool:
    """Whether an answer to a dial asks for fewer: a 429 always does, a 503 where it says how long."""
    return status == _TOO_MANY or is_told_how_long(status, retry_after)


def is_told_how_long(status: int, retry_after: float | None) -> bool:
    """Whether an answer asks for fewer requests and says for how long (`Retry-After`, in seconds from now)."""
    return status in (_TOO_MANY, _UNAVAILABLE) and retry_after is not None and retry_after >= SHORTEST_HOLD


def braked(brake: Brake, retry_after: float | None, now: float) -> Brake:
    """One more 429; those that come while the brake holds were under way already, and do not lengthen the row."""
    if now < brake.until:
        return replace(brake, until=max(brake.until, hold_until(retry_after, now, 1)))
    times = brake.times + 1
    return Brake(hold_until(retry_after, now, times), times)


def eased(brake: Brake, now: float) -> Brake:
    """A dial was taken: the row has ended, unless that dial was sent before the brake was pulled."""
    return Brake() if brake.times and now >= brake.until else brake


def hold_until(retry_after: float | None, now: float, times: int) -> float:
    """The moment before which nothing is to be sent, after the n-th (from 1) refusal in a row."""
    return now + hold(retry_after, times)


def hold(retry_after: float | None, times: int) -> float:
    """Seconds to hold: as the platform asks, at most 300; else 1, 2, 4 … 60 by the refusals in a row (from 1)."""
    if retry_after is not None and retry_after >= SHORTEST_HOLD:
        return min(retry_after, LONGEST_HOLD)
    return doubled(times, LONGEST_GUESS)


def doubled(times: int, most: float) -> float:
    """1, 2, 4, 8 … seconds for the first, second, third … time, at most `most`."""
    return min(2.0 ** min(max(times, 1) - 1, 32), most)
