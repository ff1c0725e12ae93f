"""How often a person may be rung: caps in rolling windows, days of rest after a conversation or refusal, gaps.

A limit closes one stretch of time for one person, from now on or from the day on which its rule takes effect; the
moment that is asked for is the first that none of them closes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from math import isinf
from operator import attrgetter

from dialer.model.rules import After, Rest, Ring, Rule, Scope
from dialer.policy.clocks import begins, day_of, instant, reach


@dataclass(frozen=True, slots=True)
class Limit:
    """A rule with caps, rests or a gap, and between which instants it is in effect anywhere in a person's zones."""

    rule: Rule
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Closure:
    """From when (None: always) and until when a rule's limits let a person not be rung."""

    rule: Rule
    since: datetime | None
    until: datetime

    def holds(self, at: datetime) -> bool:
        return at < self.until and (self.since is None or self.since <= at)


def has_limits(rule: Rule) -> bool:
    """Whether the rule says how often somebody may be rung."""
    return bool(rule.caps) or bool(rule.rests) or rule.gap is not None


def limits(rules: Sequence[Rule], zones: Sequence[tzinfo]) -> tuple[Limit, ...]:
    """Those of the rules that limit how often, for a person in these zones."""
    return tuple(_limit(rule, zones) for rule in rules if has_limits(rule))


def _limit(rule: Rule, zones: Sequence[tzinfo]) -> Limit:
    since, until = reach(zones, rule.effective_from, rule.effective_until)
    return Limit(rule, None if isinf(since) else instant(since), None if isinf(until) else instant(until))


def next_allowed(
    rules: Sequence[Rule], past: Sequence[Ring], debt: str, zones: Sequence[tzinfo], now: datetime
) -> tuple[datetime, Rule] | None:
    """When the person may next be rung by these rules, and by which; None: now.

    `past` are their rings in any order, `debt` what the call is about ('': not known). A cap per debt counts rings
    about that debt and those of which nobody knows what they were about.
    """
    return first_free(closures(limits(rules, zones), past, debt, zones), now)


def closures(limits: Sequence[Limit], past: Sequence[Ring], debt: str, zones: Sequence[tzinfo]) -> tuple[Closure, ...]:
    """The time that limits which were made before close to a person with this history."""
    if not past or not limits:
        return ()
    rings = sorted(past, key=_at)
    # A ring of which nobody knows what it was about may have been about this debt.
    counted = {
        Scope.PERSON: rings,
        Scope.DEBT: [ring for ring in rings if not debt or ring.debt in ("", debt)],
    }
    found = []
    for limit in limits:
        release = _release(limit.rule, counted, zones)
        if release is not None:
            until = release if limit.until is None else min(release, limit.until)
            found.append(Closure(limit.rule, limit.since, until))
    return tuple(found)


def first_free(closed: Sequence[Closure], now: datetime) -> tuple[datetime, Rule] | None:
    """The first moment from `now` on that none of them closes, and which is the last to let go; None: now."""
    at, by = now, None
    while (held := max((each for each in closed if each.holds(at)), key=_until, default=None)) is not None:
        at, by = held.until, held.rule
    return None if by is None else (at, by)


def _at(ring: Ring) -> datetime:
    return ring.at


def _until(closure: Closure) -> datetime:
    return closure.until


def _release(rule: Rule, counted: Mapping[Scope, list[Ring]], zones: Sequence[tzinfo]) -> datetime | None:
    """From when on nothing in the rule stands against a ring; None: nothing ever did."""
    found = [
        rings[-cap.most].at + timedelta(seconds=cap.seconds)
        for cap in rule.caps
        if len(rings := counted[cap.per]) >= cap.most
    ]
    found += [morning for rest in rule.rests for morning in _mornings(rest, counted[rest.per], zones)]
    if rule.gap is not None:
        found.append(counted[Scope.PERSON][-1].at + timedelta(seconds=rule.gap))
    return max(found, default=None)


def _mornings(rest: Rest, rings: Sequence[Ring], zones: Sequence[tzinfo]) -> list[datetime]:
    """When each rest ends that one of the rings has begun."""
    is_cause = attrgetter("talked" if rest.after is After.CONVERSATION else "refused")
    return [_morning(ring.at, rest.days, zones) for ring in rings if is_cause(ring)]


def _morning(at: datetime, days: int, zones: Sequence[tzinfo]) -> datetime:
    """The local midnight that begins the day so many days after that of `at`, in the zone where it comes last."""
    if not zones:
        return at + timedelta(days=days)
    later = timedelta(days=days)
    return instant(max(begins(zone, day_of(zone, at) + later) for zone in zones))


def words(rule: Rule) -> str:
    """What the rule says of how often, as a message says it; '' for nothing."""
    parts = [f"at most {_times(cap.most)} in {length(cap.seconds)}{_per(cap.per)}" for cap in rule.caps]
    parts += [f"{_days(rest.days)} of rest after a {rest.after}{_per(rest.per)}" for rest in rule.rests]
    if rule.gap is not None:
        parts.append(f"{length(rule.gap)} between rings")
    return ", ".join(parts)


def _per(scope: Scope) -> str:
    return " about one debt" if scope is Scope.DEBT else ""


def _times(count: int) -> str:
    return "1 ring" if count == 1 else f"{count} rings"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def length(seconds: float) -> str:
    """A length of time in the largest unit that is not broken: 7 days, 24 h, 90 min, 45 s."""
    if seconds >= 2 * 86400 and seconds % 86400 == 0:
        return _days(int(seconds // 86400))
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
