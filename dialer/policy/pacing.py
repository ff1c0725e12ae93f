"""How many calls at once.

The account's room is not told, and changes under us: every call of the organization takes of it. So pacing
listens to three things (`Sample`): a call that there was room for, a refusal for want of room, and what teaches
nothing. A refusal sets the limit just under what was in use; acceptances while all lines are in use let it
grow slowly again. Instants here are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dialer.model import Sample

FIRST_LINES = 5.0
"""Where learning an account's limit starts that nothing is known of."""

MOST_LINES = 1000.0
"""How far learning goes: a thousand calls at once is more than one process should carry."""

QUIET = 2.0
"""Seconds after a fall in which refusals teach nothing new: those dials were sent before it."""

STEADY = 10.0
"""Growth takes at least so many acceptances a line, so that a small account is not refused at every fifth dial."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """The number of calls at once, learned so far, between 1 and `ceiling`.

    `fast` is the search before the first refusal: a line more for each acceptance, not for each round of calls.
    `quiet_until` is the moment from which a refusal counts again.
    """

    limit: float
    ceiling: float
    fast: bool = False
    quiet_until: float = 0.0


def fixed(lines: int) -> Pacing:
    """A given number of lines (at least 1): falls when the account is full, and climbs back to it."""
    most = float(max(1, lines))
    return Pacing(limit=most, ceiling=most)


def learning(start: float | None = None) -> Pacing:
    """Learn the account's limit, from what was learned before where there is something."""
    if start is None:
        return Pacing(limit=FIRST_LINES, ceiling=MOST_LINES, fast=True)
    return Pacing(limit=min(max(1.0, start), MOST_LINES), ceiling=MOST_LINES)


def lines(pacing: Pacing) -> int:
    """How many calls may be live at once; at least 1."""
    return max(1, int(pacing.limit + 1e-9))


def after(pacing: Pacing, sample: Sample, in_use: int, now: float) -> Pacing:
    """What a sample teaches; `in_use` counts the lines in use then, that of the sample's own call among them."""
    if sample is Sample.REFUSED:
        return _fallen(pacing, in_use, now)
    if sample is Sample.ACCEPTED and in_use >= lines(pacing):
        return _grown(pacing)
    return pacing


def _fallen(pacing: Pacing, in_use: int, now: float) -> Pacing:
    if now < pacing.quiet_until:
        return pacing
    limit = max(1.0, min(pacing.limit, in_use - 1.0))
    return replace(pacing, limit=limit, fast=False, quiet_until=now + QUIET)


def _grown(pacing: Pacing) -> Pacing:
    step = 1.0 if pacing.fast else 1.0 / max(pacing.limit, STEADY)
    return replace(pacing, limit=min(pacing.ceiling, pacing.limit + step))
