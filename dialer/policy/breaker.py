"""When to stop dialling a platform that does not answer, and when to ask it again.

Five failures in a row open the breaker, and nobody is dialled. Then the platform is probed, at growing
intervals, by a read: never by ringing a person. One success closes it; after ten minutes it gives up.
Instants are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Health(StrEnum):
    """What the breaker lets through: dials, nothing, one read, nothing any more."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"
    GIVEN_UP = "given_up"


LONGEST_INTERVAL = 30.0
"""Seconds between two probes, at most."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Failures in a row (dials unsent or answered with 5xx, reads that failed), and since when it is open.

    `opens_after` failures open it; `give_up_after` seconds of being open end the run. `probe_at` is the moment
    of the next probe, after `probes` that failed.
    """

    failures: int = 0
    opened_at: float | None = None
    probe_at: float = 0.0
    probes: int = 0
    opens_after: int = 5
    give_up_after: float = 600.0


def after(breaker: Breaker, ok: bool, now: float) -> Breaker:
    """The breaker after one answer; any success closes it."""
    if ok:
        return Breaker(opens_after=breaker.opens_after, give_up_after=breaker.give_up_after)
    failed = replace(breaker, failures=breaker.failures + 1)
    if failed.opened_at is None:
        return _opened(failed, now) if failed.failures >= failed.opens_after else failed
    # Dials that were under way when it opened are no probes: they do not put the next one off.
    return _probed(failed, now) if now >= failed.probe_at else failed


def _opened(breaker: Breaker, now: float) -> Breaker:
    return replace(breaker, opened_at=now, probe_at=now + _interval(0), probes=0)


def _probed(breaker: Breaker, now: float) -> Breaker:
    probes = breaker.probes + 1
    return replace(breaker, probes=probes, probe_at=now + _interval(probes))


def _interval(probes: int) -> float:
    """1, 2, 4, 8, 16, 30, 30 … seconds."""
    return min(2.0 ** min(probes, 10), LONGEST_INTERVAL)


def state(breaker: Breaker, now: float) -> Health:
    """Closed; open: wait until `probe_at`; probing: one read is due; given up: it has been open too long."""
    if breaker.opened_at is None:
        return Health.CLOSED
    if now - breaker.opened_at >= breaker.give_up_after:
        return Health.GIVEN_UP
    return Health.PROBING if now >= breaker.probe_at else Health.OPEN
