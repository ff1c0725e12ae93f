"""What pacing hears: calls that begin and end, refusals for want of room, and nothing.

Instants are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """A call of ours is counted from here on, named by its line; `is_dial`: it is being sent now."""

    line: int
    at: float
    is_dial: bool = True


@dataclass(frozen=True, slots=True)
class Placed:
    """A dial of ours was answered, and not turned away so far."""

    line: int


@dataclass(frozen=True, slots=True)
class Shown:
    """The platform shows a call of ours as live: there was room for it."""

    line: int


@dataclass(frozen=True, slots=True)
class Freed:
    """A call of ours that began at `since` ended at `at`, by the platform's own time where it tells one."""

    line: int
    at: float
    since: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """A call of ours is counted no longer since that instant, and teaches nothing."""

    line: int
    at: float


@dataclass(frozen=True, slots=True)
class Others:
    """Calls of others on the account began (above 0) or ended (below) at that instant."""

    change: int
    at: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A dial of ours, sent at that instant, was turned away for want of room, by whatever way: there was no call."""

    line: int
    sent: float


@dataclass(frozen=True, slots=True)
class Nothing:
    """Time has passed."""


Heard = Taken | Placed | Shown | Freed | Dropped | Others | Refused | Nothing
"""A call placed or ended, a refusal for want of room, or nothing that teaches."""
