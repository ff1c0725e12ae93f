"""A wall clock that jumps: how it is noticed, and what it changes about a hold that was written down by it.

Within a process everything that must not be too short goes by monotonic seconds. Across processes there are only the
wall clock, which an operator or a time server may set, and the machine's count of seconds since it was booted, which
nobody sets and which goes on while it sleeps. The difference of the two changes only when the wall clock is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

NOTICED = 2.0
"""Seconds: time servers correct a clock by less all the time."""

ANY = 1e10
"""Seconds; as how far a clock was set of which nothing can be said: three centuries, more than any clock is wrong."""

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class Offset:
    """How far the wall clock (seconds since 1970) is ahead of the count of one boot; '' is a boot without a name."""

    boot: str
    seconds: float


def offset(wall_seconds: float, ticks: float) -> float:
    """How far the wall clock is ahead of the count since the boot, both read at one moment, in seconds."""
    return wall_seconds - ticks


def jump(before: Offset, now: Offset) -> float | None:
    """By how many seconds the wall clock was set forward (above 0) or back since then.

    None: the machine was booted in between, or boots have no names here, so that nothing can be said.
    """
    if not before.boot or before.boot != now.boot:
        return None
    return now.seconds - before.seconds


def held_for(remaining_by_wall: float, set_forward: float, hold: float) -> float:
    """How many seconds an attempt is still to be held, whose hold was written down by the wall clock.

    `remaining_by_wall` is what the wall clock says is left (below 0: nothing). By so much as the clock was
    `set_forward` since, that is too little, which is added. One that was set back shows too much; that is not taken
    off, only held to the whole hold: too long costs a moment, too short a second ring.
    """
    return min(max(remaining_by_wall + set_forward, 0.0), hold)


def set_back(so_far: float, jump: float | None) -> float:
    """By how many seconds the wall clock was set back in all, after one more jump: so much too late may be what was
    written down before. Where nothing can be said of the jump, it may have been any."""
    return ANY if jump is None else so_far + max(-jump, 0.0)


def set_forward(so_far: float, jump: float | None) -> float:
    """The same of forward: so much too early may be what was written down before. What it was set back in between is
    not taken off, since nobody knows whether that was before or after."""
    return ANY if jump is None else so_far + max(jump, 0.0)


def noticed(jump: float | None) -> bool:
    """Whether a jump is to be told: more than 2 seconds either way."""
    return jump is not None and abs(jump) > NOTICED


def told(jump: float) -> str:
    """A sentence for the user about a jump of so many seconds."""
    way = "forward" if jump > 0 else "back"
    return (
        f"the wall clock jumped {way} by {_length(abs(jump))}; this is harmless because the pace and the hold of lost "
        "answers do not go by it, but whoever is called again later is due by the new time: if that is wrong, set it"
    )


def _length(seconds: float) -> str:
    """A length of time in its two greatest units, rounded down: 1 d 0 h, 1 min 30 s, 12 s."""
    rest = int(seconds)
    for (unit, size), (smaller, small) in pairwise(_UNITS):
        if rest >= size:
            return f"{rest // size} {unit} {rest % size // small} {smaller}"
    return f"{rest} s"
