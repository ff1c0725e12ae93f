"""Slot accounting: how many calls were live at an instant, as far as is known by now.

What is believed at an instant is corrected later: a call that was thought live turns out to have ended before, another
of the account to have begun. So each change is kept, by the time at which it happened rather than at which it was
learned, until nothing can be learned about that time any more. Instants are monotonic seconds.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import NamedTuple

KEPT = 30.0
"""Seconds for which changes are kept apart."""

_MOST_KEPT = 256
"""So many changes are kept at most, whatever their time: a flood must not make each count slow."""


class Slots(NamedTuple):
    """The calls believed live now, and the changes of late as (instant, change), oldest first."""

    live: int = 0
    changes: tuple[tuple[float, int], ...] = ()


NO_CALLS = Slots()


def changed(slots: Slots, change: int, at: float) -> Slots:
    """A call began (+1) or ended (-1) at that instant, which may lie in the past."""
    changes = slots.changes
    if not changes or changes[-1][0] <= at:
        changes = (*changes, (at, change))
    else:
        kept = list(changes)
        insort(kept, (at, change), key=_when)
        changes = tuple(kept)
    if len(changes) > 64 and (changes[32][0] < changes[-1][0] - KEPT or len(changes) > _MOST_KEPT):
        changes = changes[32:]
    return Slots(slots.live + change, changes)


def level(slots: Slots, at: float) -> int:
    """How many calls were live at that instant, what happened at that very instant included."""
    after = bisect_right(slots.changes, at, key=_when)
    return slots.live - sum(change for _, change in slots.changes[after:])


def surely(slots: Slots, at: float, within: float) -> int:
    """How many were live at that instant at least, where times are good to `within` seconds."""
    after = bisect_right(slots.changes, at, key=_when)
    until = bisect_right(slots.changes, at + within, key=_when)
    late = sum(change for _, change in slots.changes[after:])
    ended = sum(change for _, change in slots.changes[after:until] if change < 0)
    return slots.live - late + ended


def _when(change: tuple[float, int]) -> float:
    return change[0]
