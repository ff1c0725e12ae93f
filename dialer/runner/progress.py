"""What the live view shows of an engine."""

from __future__ import annotations

from dialer.clock import Clock
from dialer.ledger import Ledger
from dialer.model import ContactState
from dialer.report import CAPS, DAY, HOURS, PLATFORM_DOWN, SLOWED, Progress, estimate_left, what_binds
from dialer.runner.engine import Engine

_RATE_OVER = 5.0
"""Seconds over which the shown calls per second are counted."""


async def progress_of(engine: Engine, ledger: Ledger, clock: Clock) -> Progress:
    """Where the campaign stands at this moment."""
    states = await ledger.counts(engine.campaign_id)
    now = clock.monotonic()
    due = states.get(ContactState.DUE, 0)
    finished = sum(states.get(state, 0) for state in (ContactState.DONE, ContactState.EXHAUSTED, ContactState.EXCLUDED))
    unfinished = sum(states.values()) - finished - states.get(ContactState.UNKNOWN, 0)
    lines, limit = engine.lines.in_use, engine.lines.limit
    return Progress(
        campaign=engine.campaign.name,
        at=clock.now(),
        states=states,
        outcomes=dict(engine.counts.outcomes),
        rejects=engine.rejected,
        lines=lines,
        line_limit=limit,
        rate=_rate(engine, now),
        rate_limit=engine.pace.calls_per_second,
        binds=_platform_binds(engine)
        or what_binds(
            unfinished=unfinished,
            due_now=due,
            lines=lines,
            line_limit=limit,
            closed_by=_closed_by(engine, clock) if due and engine.scheduler.waits_until is not None else "",
        ),
        seconds_left=estimate_left(
            unfinished=unfinished,
            finished=engine.counts.finished,
            calls=len(engine.counts.sent),
            calls_per_second=engine.pace.calls_per_second,
            lines=limit,
            line_seconds=engine.counts.line_seconds or 0.0,
        ),
        next_due=engine.scheduler.waits_until,
    )


def _closed_by(engine: Engine, clock: Clock) -> str:
    """What keeps all who are due from being called at this moment."""
    if engine.permits.is_day_full(clock.now()):
        return DAY
    return CAPS if engine.permits.calling.is_free else HOURS


def _platform_binds(engine: Engine) -> str:
    """What the platform itself holds the pace down by, '' if it does not."""
    if engine.platform.is_down:
        return PLATFORM_DOWN
    return SLOWED if engine.pace.is_braked else ""


def _rate(engine: Engine, now: float) -> float:
    """Calls per second over the last moments."""
    over = min(_RATE_OVER, max(now - engine.began, 0.5))
    recent = 0
    for moment in reversed(engine.counts.sent):
        if moment < now - over:
            break
        recent += 1
    return recent / over
