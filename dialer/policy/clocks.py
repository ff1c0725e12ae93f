"""Local clocks, asked in one direction only: from UTC to local.

A local time that is missing in spring, or there twice in autumn, is never built: a zone is taken apart into stretches
of UTC in which its offset does not change, and within a stretch local time is UTC and a constant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise

DAY = 86400
EPOCH_DAY = date(1970, 1, 1).toordinal()

# No zone changes its offset and takes that back within so short a time.
_STEP = 6 * 3600

Stretch = tuple[int, int, int]
"""From and until, in UTC epoch seconds, and the seconds by which local time is ahead of UTC between them."""


def instant(seconds: float) -> datetime:
    """The instant of these epoch seconds, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def offset(zone: tzinfo, at: int) -> int:
    """By how many seconds the zone's clock is ahead of UTC at these epoch seconds."""
    moment = instant(at)
    return int((moment.astimezone(zone).replace(tzinfo=UTC) - moment).total_seconds())


@lru_cache(maxsize=4096)
def stretches(zone: tzinfo, start: int, end: int) -> tuple[Stretch, ...]:
    """The stretches of constant offset between two epoch seconds, in order and without a gap."""
    edges = [start]
    for early, late in pairwise([*range(start, end, _STEP), end]):
        if offset(zone, early) != offset(zone, late):
            edges.append(_change(zone, early, late))
    return tuple((early, late, offset(zone, early)) for early, late in pairwise([*edges, end]))


def _change(zone: tzinfo, early: int, late: int) -> int:
    """The first second with another offset than at `early`, by halving."""
    before = offset(zone, early)
    while late - early > 1:
        middle = (early + late) // 2
        if offset(zone, middle) == before:
            early = middle
        else:
            late = middle
    return late


@lru_cache(maxsize=16384)
def begins(zone: tzinfo, day: date) -> int:
    """The epoch second at which a local day begins, and from which on no earlier day comes back."""
    midnight = (day.toordinal() - EPOCH_DAY) * DAY
    around = stretches(zone, midnight - 2 * DAY, midnight + 2 * DAY)
    return max(min(late, midnight - ahead) for early, late, ahead in around if early < midnight - ahead)


def day_of(zone: tzinfo, at: datetime) -> date:
    """The local day of an instant."""
    return at.astimezone(zone).date()


def reach(zones: Iterable[tzinfo], first: date | None, after: date | None) -> tuple[float, float]:
    """From and until, in epoch seconds, when it is `first` or later, but not `after` yet, in any of the zones.

    None has no end on its side. Without a zone it is anywhere in the world.
    """
    clocks = tuple(zones)
    start = min((begins(zone, first) for zone in clocks), default=_far_east(first)) if first else float("-inf")
    end = max((begins(zone, after) for zone in clocks), default=_far_west(after)) if after else float("inf")
    return start, end


def _far_east(day: date) -> int:
    """When a day begins at the earliest, wherever in the world."""
    return (day.toordinal() - EPOCH_DAY) * DAY - int(timedelta(hours=14).total_seconds())


def _far_west(day: date) -> int:
    """When a day begins at the latest, wherever in the world."""
    return (day.toordinal() - EPOCH_DAY) * DAY + int(timedelta(hours=12).total_seconds())
