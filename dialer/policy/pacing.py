"""How many calls at once: learns how many the account takes, keeps that many live, and hardly ever asks for more.

The limit of an account is not told, and it changes. What tells of it are the dials: where one is turned away for want
of room, exactly as many calls were live as the account takes; where one is taken, there was room. So all depends on
counting rightly (`policy.slots`): what was believed at the moment of a dial is corrected by the platform's own times,
and only then is the dial judged. The limit counts every call of the account that is seen, those of others too.

Above the limit one dial is tried now and then, a probe. Where it is taken, the limit rises in steps, with a few dials
at a time, until one is turned away. Probes are paid for: so many accepted dials for each refusal. Where
dials are turned away one after the other, the limit has fallen, and calls are let run out before the next is tried.
Instants are monotonic seconds. The numbers were found in the model of `tests/benchmarks/pacing.py`.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from dialer.model.pacing import Dropped, Freed, Heard, Others, Placed, Refused, Shown, Taken
from dialer.policy import slots
from dialer.policy.slots import NO_CALLS, Slots

FIRST_LINES = 5.0
"""Where learning an account's limit starts that nothing is known of."""

MOST_LINES = 2000.0
"""How far learning goes: more calls at once than one process should carry."""

RISE, LATE_RISE = 0.5, 0.1
"""By how much of the limit it may be passed in one step; where refusals come late, a whole step may be turned away."""

TOGETHER = 0.01
"""How many dials above the limit leave before the first of them is answered, as a share of the limit."""

EARNED, MOST_EARNED, MOST_OWED = 0.0088, 10.0, 4.0
"""How many refusals an accepted dial pays for; how many can be saved up, and be owed."""

ROUTINE, EAGER, RARE = 2.7, 1.4, 20.0
"""Mean calls between two probes: at the highest limit that is known, and below it, where a rise is likelier; where a
probe takes lines that are left to others."""

_DOWN = (0.0, 0.0, 0.04, 0.08, 0.16)
"""By how much of the limit calls are let run out, after so many refusals in a row, before the next dial."""

_NOISE = 0.02
"""A probe that is refused this near below the limit confirms it: counts are good to a call or two."""

_FALLEN = 0.9
"""A limit that falls below this share of what was live before is searched for anew, at the next dial that is taken."""

_LATEST = 10.0
"""Seconds: what becomes known later than this is an accident, by which nothing is judged."""

SETTLES = 0.1
"""Seconds for which a dial that is shown live is not judged yet: ends before it may be told in the same breath."""

_CLOCKS = 0.25
"""Seconds to which the platform's times are trusted."""

_MARGIN_FADES = 250.0
"""Accepted dials after which a line is used again that was left free because others were quicker."""

_MOST_MARGIN = 0.03


class Dial(NamedTuple):
    """A dial that is not judged yet. `believed`: how many calls seemed live with it; `was_tried`: above the limit."""

    line: int
    sent: float
    believed: int
    was_tried: bool
    answered_at: float = inf
    shown_at: float = inf


class Full(NamedTuple):
    """A dial that was turned away: sent `at`; what was live then may still be corrected until `until`.

    `limit` is what was believed before, `was_tried` whether more than that was tried on purpose.
    """

    at: float
    until: float
    limit: float
    was_tried: bool


class Probe(NamedTuple):
    """The trying of more: `extra` lines above the limit since `since`, the last refusal at `refused_at`."""

    extra: int = 0
    since: float = 0.0
    refused_at: float = -inf
    credit: float = 1.0


class Habits(NamedTuple):
    """Seconds: how `late` ends and refusals become known at worst, of late; how long a `call` is on average."""

    late: float = 3.0
    call: float = 60.0

    @property
    def patience(self) -> float:
        """Seconds after which what happened at an instant is known."""
        return max(0.5, 1.25 * self.late)


class Pacing(NamedTuple):
    """What is known of an account's room. A tuple, since it is made anew several times a dial.

    `limit`: the calls that it is believed to take; `proven`: as many as were live since it was last met on purpose;
    `highest`: the most that it ever took. `step`: by how much the limit is being passed, while it rises. `margin`:
    lines left free because others take them faster than we learn of it; `reserve`: those left free because we were told
    to. `says_late`: refusals come in a later record, not in the answer. `strikes`: refusals in a row, the last of them
    known at `struck_at`.
    """

    limit: float
    most: float = MOST_LINES
    slots: Slots = NO_CALLS
    unjudged: tuple[Dial, ...] = ()
    full: Full | None = None
    probe: Probe = Probe()
    habits: Habits = Habits()
    proven: float = 0.0
    highest: float = 0.0
    step: float = 0.0
    stepped_at: float = -inf
    is_first: bool = False
    margin: float = 0.0
    reserve: int = 0
    says_late: bool = False
    strikes: int = 0
    struck_at: float = -inf


def learning(known: float | None = None, at_least: float = FIRST_LINES, reserve: int = 0, now: float = 0.0) -> Pacing:
    """Learn the account's limit: from what is `known` of an earlier run, which is tried again from there, or anew.

    `reserve` lines are left to others. A limit cannot be found without reaching it: the first search goes through the
    reserve, and so does a probe, which then comes rarely; what is known of an earlier run is believed until then.
    """
    if known is None:
        start = min(max(1.0, at_least), MOST_LINES)
        return Pacing(start, step=RISE * start, is_first=True, reserve=reserve)
    limit = min(max(1.0, known), MOST_LINES)
    if reserve and limit > reserve + FIRST_LINES:
        return Pacing(limit, reserve=reserve, probe=Probe(refused_at=now), proven=limit)
    return Pacing(limit, reserve=reserve, step=1.0, proven=limit)


def searching(pacing: Pacing) -> Pacing:
    """Whatever was found out, look again from here whether the account takes more."""
    return pacing._replace(step=max(pacing.step, 1.0), strikes=0, full=None)


def confirmed(pacing: Pacing) -> float | None:
    """The limit for the next run to begin with; None while none was met. A fall that is in doubt is not kept."""
    if pacing.is_first or pacing.limit >= pacing.most:
        return None
    return max(pacing.limit, pacing.proven) if _is_doubtful(pacing) else pacing.limit


def _is_doubtful(pacing: Pacing) -> bool:
    """Whether the limit has fallen far below what was live not long ago, and nothing was tried since."""
    return pacing.limit < _FALLEN * pacing.proven


def trusting() -> Pacing:
    """Nothing is to be learned until a dial is turned away: others have said how many calls there may be."""
    return Pacing(MOST_LINES)


def with_slots(fresh: Pacing, counted: Pacing) -> Pacing:
    """Begin anew, with the calls that are counted already."""
    return fresh._replace(slots=counted.slots, unjudged=counted.unjudged, habits=counted.habits)


def lines(pacing: Pacing) -> int:
    """How many calls the account may have live now, those of others included; at least 1."""
    return max(1, int(min(_wanted(pacing), pacing.most) + 1e-9))


def _wanted(pacing: Pacing) -> float:
    if pacing.step or pacing.probe.extra:
        return pacing.limit if _is_awaited(pacing) else pacing.limit + (pacing.step or pacing.probe.extra)
    if pacing.strikes:
        if any(dial.sent >= pacing.struck_at for dial in pacing.unjudged):
            return 1.0  # one at a time, until it is known whether there is room at all
        return pacing.limit * (1.0 - _DOWN[min(pacing.strikes, len(_DOWN) - 1)]) - pacing.reserve
    return _kept(pacing)


def _kept(pacing: Pacing) -> float:
    """How many calls are kept live where nothing is to be found out."""
    return pacing.limit - int(pacing.margin) - pacing.reserve


def _is_awaited(pacing: Pacing) -> bool:
    """Whether enough dials above the limit are under way: the answer to one spares the refusal of many."""
    says_late = pacing.says_late and not pacing.step
    above = sum((says_late or dial.answered_at == inf) and dial.believed > pacing.limit for dial in pacing.unjudged)
    return above >= max(2.0 if pacing.step else 1.0, TOGETHER * pacing.limit)


def after(pacing: Pacing, heard: Heard, now: float) -> Pacing:
    """What was heard teaches this, and so much has become certain by now."""
    pacing = _learned(pacing, heard, now)
    if pacing.limit >= pacing.most and not pacing.unjudged and pacing.full is None:
        return pacing  # nothing is to be found out, and this is asked several times a dial
    return _probing(_judged(pacing, now), now)


def _learned(pacing: Pacing, heard: Heard, now: float) -> Pacing:
    match heard:
        case Taken(line, at, is_dial):
            counted = slots.changed(pacing.slots, 1, at)
            is_judged = is_dial and pacing.limit < pacing.most
            dials = (
                (*pacing.unjudged, Dial(line, at, counted.live, counted.live > pacing.limit))
                if is_judged
                else pacing.unjudged
            )
            return pacing._replace(slots=counted, unjudged=dials)
        case Placed(line) if pacing.unjudged:
            dials = tuple(dial._replace(answered_at=now) if dial.line == line else dial for dial in pacing.unjudged)
            return pacing._replace(unjudged=dials)
        case Shown(line) if pacing.unjudged:
            return pacing._replace(unjudged=tuple([_shown(dial, line, now) for dial in pacing.unjudged]))
        case Freed(line, at, since):
            return _freed(pacing, line, at, since, now)
        case Dropped(line, at):
            return _without(pacing, line)._replace(slots=slots.changed(pacing.slots, -1, at))
        case Others(change, at):
            counted = slots.changed(pacing.slots, change, at)
            # Before a limit was ever met, so many live calls are proof that the account takes as many.
            limit = max(pacing.limit, float(counted.live)) if pacing.is_first else pacing.limit
            return pacing._replace(slots=counted, limit=min(limit, max(pacing.limit, pacing.most - 1.0)))
        case Refused(line, sent):
            return _refused(pacing, line, sent, now)
    return pacing


def _dial(pacing: Pacing, line: int) -> Dial | None:
    return next((dial for dial in pacing.unjudged if dial.line == line), None)


def _shown(dial: Dial, line: int, now: float) -> Dial:
    return dial._replace(shown_at=min(dial.shown_at, now)) if dial.line == line else dial


def _without(pacing: Pacing, line: int) -> Pacing:
    if not pacing.unjudged:
        return pacing
    return pacing._replace(unjudged=tuple([dial for dial in pacing.unjudged if dial.line != line]))


def _freed(pacing: Pacing, line: int, at: float, since: float, now: float) -> Pacing:
    dial = _dial(pacing, line)
    habits = pacing.habits._replace(
        late=_later(pacing.habits.late, now - at),
        call=_towards(pacing.habits.call, max(0.0, at - since), 0.02),
    )
    pacing = pacing._replace(slots=slots.changed(pacing.slots, -1, at), habits=habits)
    return pacing if dial is None else _accepted(pacing, dial, now)


def _later(late: float, seconds: float) -> float:
    """The worst of late: what was worse before fades."""
    return max(min(seconds, _LATEST), late + 0.02 * (max(seconds, 0.0) - late))


def _towards(mean: float, value: float, weight: float) -> float:
    return mean + weight * (value - mean)


# --- a dial that was turned away -----------------------------------------------------------------


def _refused(pacing: Pacing, line: int, sent: float, now: float) -> Pacing:
    dial = _dial(pacing, line)
    credit = pacing.probe.credit if pacing.strikes else max(pacing.probe.credit - 1.0, -MOST_OWED)
    pacing = _without(pacing, line)._replace(
        says_late=pacing.says_late or _is_late(pacing, dial),
        slots=slots.changed(pacing.slots, -1, sent),
        probe=pacing.probe._replace(credit=credit),
        habits=pacing.habits._replace(late=_later(pacing.habits.late, now - sent)),
    )
    if sent < pacing.struck_at:  # it was under way when the refusal before it became known
        return pacing
    return _struck(pacing, sent, now, was_tried=dial is not None and dial.was_tried)


def _is_late(pacing: Pacing, dial: Dial | None) -> bool:
    """Whether a refusal came after the answer to the dial, or even after that was judged; at the most none is."""
    return pacing.limit < pacing.most if dial is None else dial.answered_at < inf


def _struck(pacing: Pacing, sent: float, now: float, *, was_tried: bool) -> Pacing:
    return pacing._replace(
        full=Full(sent, now + pacing.habits.patience, pacing.limit, was_tried),
        probe=pacing.probe._replace(extra=0, refused_at=now),
        step=0.0,
        is_first=False,
        strikes=0 if was_tried else pacing.strikes + 1,
        struck_at=now,
    )


def _met(pacing: Pacing, full: Full, now: float) -> Pacing:
    """The account was full at that instant: as many calls were live as it takes."""
    shown = float(max(1, slots.level(pacing.slots, full.at)))
    if full.was_tried and shown >= full.limit * (1.0 - _NOISE) - 1.0:
        shown = max(shown, full.limit)
    limit = min(shown, pacing.most)
    if now < full.until:
        return pacing._replace(limit=limit)
    margin = pacing.margin
    if not full.was_tried and shown >= full.limit:  # no less room than before: others had taken the line meanwhile
        margin = min(margin + 1.0, max(1.0, _MOST_MARGIN * shown))
    proven = limit if full.was_tried else pacing.proven  # met on purpose: that it is lower now is no accident
    return pacing._replace(limit=limit, full=None, margin=margin, proven=proven, highest=max(pacing.highest, limit))


# --- a dial that was taken, and what has become certain -------------------------------------------


def _judged(pacing: Pacing, now: float) -> Pacing:
    if pacing.full is not None:
        pacing = _met(pacing, pacing.full, now)
    patience = pacing.habits.patience
    for dial in pacing.unjudged:  # one that was not answered may not even have come there
        is_shown = not pacing.says_late and now - dial.shown_at >= SETTLES  # what is refused late may be shown before
        if is_shown or now - dial.answered_at >= patience:
            pacing = _accepted(pacing, dial, now)
    return pacing


def _accepted(pacing: Pacing, dial: Dial, now: float) -> Pacing:
    """There was room for a dial; how many calls were live with it is known by now."""
    was_above, was_down = dial.believed > pacing.limit, pacing.strikes >= 2
    pacing = _without(pacing, dial.line)._replace(
        probe=pacing.probe._replace(credit=min(pacing.probe.credit + EARNED, MOST_EARNED)),
        margin=max(0.0, pacing.margin - 1.0 / _MARGIN_FADES),
    )
    if dial.sent < pacing.struck_at:
        return pacing
    shown = float(slots.surely(pacing.slots, dial.sent, _CLOCKS)) if was_above or was_down else 0.0
    if was_down:
        limit = min(max(1.0, shown), pacing.most)
        if _FALLEN * pacing.proven <= limit < pacing.proven:  # perhaps it was only others who came and went
            return pacing._replace(limit=pacing.proven, proven=limit, strikes=0, full=None)
        return pacing._replace(limit=limit, strikes=0, step=1.0, stepped_at=now, full=None)
    pacing = pacing._replace(strikes=0)
    if _is_doubtful(pacing) and pacing.full is None and not pacing.step:
        return searching(pacing)  # one refusal alone has brought it down: perhaps it was not for want of room
    if shown > pacing.limit:
        return _risen(pacing, min(shown, pacing.most), dial.sent, now)
    if pacing.probe.extra and was_above and dial.sent >= pacing.probe.since:
        # Calls had ended of which we did not know: it has shown nothing, and one more is tried.
        since = dial.sent + pacing.habits.patience
        return pacing._replace(probe=pacing.probe._replace(extra=pacing.probe.extra + 1, since=since))
    return pacing


def _risen(pacing: Pacing, limit: float, sent: float, now: float) -> Pacing:
    pacing = pacing._replace(
        limit=limit,
        proven=max(pacing.proven, limit),
        highest=max(pacing.highest, limit),
        probe=pacing.probe._replace(extra=0),
        full=None,
    )
    if sent < pacing.stepped_at:  # of the step before
        return pacing
    step = limit * (LATE_RISE if pacing.says_late else RISE)
    return pacing._replace(step=max(1.0, step), stepped_at=now)


def _probing(pacing: Pacing, now: float) -> Pacing:
    """Whether one more than the limit is to be tried."""
    if pacing.step or pacing.strikes or pacing.probe.extra or pacing.full is not None or pacing.limit >= pacing.most:
        return pacing
    calls = EAGER if pacing.limit < 0.95 * pacing.highest else ROUTINE
    calls = RARE if pacing.reserve and calls == ROUTINE else calls
    is_time = now >= pacing.probe.refused_at + calls * pacing.habits.call
    if is_time and pacing.probe.credit >= 1.0 and pacing.slots.live >= int(_kept(pacing)) - 1:
        return pacing._replace(probe=pacing.probe._replace(extra=1, since=now))
    return pacing
