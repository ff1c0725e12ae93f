"""May this person be dialled now, and if not, when: all rules together, in every zone where the person may be.

    applying → standing (what no hour changes) → openings (hours of all rules, in all zones) → caps → Permit

A telephone may still ring for `CallingRules.ring` seconds after a dial, so openings end that much before the hours do.
Whoever decides often makes a `Desk` of each audience once and asks that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo

from dialer.model.rules import Audience, CallingRules, Finding, Permit, Ring, Rule, Ruling
from dialer.policy import caps, hours
from dialer.policy.clocks import instant
from dialer.policy.hours import Holidays
from dialer.policy.spans import Spans, join, meet, without
from dialer.policy.standing import HELD, Bar, applying, bars, clocks, clocks_of, permit, standing, version, words
from dialer.policy.windows import Windows, windows

__all__ = ["FAR", "NEVER_OPENS", "Desk", "applying", "decide", "desk", "explain", "openings", "standing", "words"]

FAR = timedelta(days=400)
"""So far ahead an opening is looked for; all that comes back with the year has come once by then."""

NEVER_OPENS = "never_opens"

_NEAR = timedelta(days=14)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_NEVER = f"within {FAR.days} days there is no moment at which every rule allows a call"


def decide(
    calling: CallingRules,
    audience: Audience,
    zones: Mapping[str, tzinfo],
    holidays: Holidays,
    past: Sequence[Ring],
    debt: str,
    now: datetime,
) -> Permit:
    """May this person be dialled at `now`: ALLOW, HOLD until the earliest moment at which all rules allow it, or BLOCK.

    `past` are their rings in all campaigns, in any order, `debt` what the call is about. A HOLD names the rule that is
    the last to let go, an ALLOW the one that is the first to close. HOLD without `until` waits for a person's word:
    nobody knows where they are or by which rules they may be called, or no moment comes (`never_opens`).
    """
    return desk(calling, audience, zones, holidays, now, now + _NEAR).decide(past, debt, now)


def openings(
    calling: CallingRules,
    audience: Audience,
    zones: Mapping[str, tzinfo],
    holidays: Holidays,
    start: datetime,
    end: datetime,
) -> Spans:
    """When a dial to these people may begin, their history apart: by every rule, in every zone; UTC epoch seconds."""
    found = desk(calling, audience, zones, holidays, start, end).windows.windows
    whole = ((int(start.timestamp()), int(end.timestamp())),)
    return meet(tuple((window.start, window.end) for window in found), whole)


def desk(
    calling: CallingRules,
    audience: Audience,
    zones: Mapping[str, tzinfo],
    holidays: Holidays,
    start: datetime,
    end: datetime,
) -> Desk:
    """What is decided alike for all of an audience from `start` to `end`, worked out once.

    `zones` has a clock for each of the audience's zones. Raises what `holidays` raises for a calendar it does not know.
    """
    rules = applying(calling, audience)
    people = clocks(audience, zones)
    bound = bars(calling, audience, zones)
    far = end + timedelta(seconds=calling.ring) + _DAY
    # Where something stands against every call for good, no hours need be looked at.
    is_barred = any(bar.is_for_good for bar in bound)
    ruled = () if is_barred else _ruled(rules, bound, people, holidays, start, far)
    whole = (0, 0) if is_barred else (math.floor(start.timestamp()), math.ceil(far.timestamp()))
    found = windows(whole, ruled, calling.ring)
    limited = caps.limits(rules, people)
    return Desk(calling, audience, zones, holidays, start, end, people, bound, found, limited, rules[:1])


def _ruled(
    rules: Sequence[Rule],
    bound: Sequence[Bar],
    people: Sequence[tzinfo],
    holidays: Holidays,
    start: datetime,
    end: datetime,
) -> Iterator[tuple[Rule, Spans]]:
    """The open spans of each rule with hours, on each clock, and the time that each bar leaves."""
    whole = join([(math.floor(start.timestamp()), math.ceil(end.timestamp()))])
    for rule in rules:
        if hours.has_hours(rule):
            for clock in clocks_of(rule, people):
                yield rule, hours.open_spans(rule, clock, start, end, holidays)
    for bar in bound:
        first, last = whole[0]
        yield bar.rule, without(whole, join([(int(max(first, bar.since)), int(min(last, bar.until)))]))


@dataclass(frozen=True, slots=True)
class Desk:
    """Decides about the people of one audience, whose histories differ; made by `desk`.

    A moment outside its time, or an opening later than that, is looked for further on: slower, with the same answer.
    """

    calling: CallingRules
    audience: Audience
    zones: Mapping[str, tzinfo]
    holidays: Holidays
    start: datetime
    end: datetime
    people: tuple[tzinfo, ...]
    bars: tuple[Bar, ...]
    windows: Windows
    limits: tuple[caps.Limit, ...]
    first: tuple[Rule, ...]  # that which an ALLOW names where no rule has hours
    _further: list[Desk] = field(default_factory=list, repr=False, compare=False)

    def decide(self, past: Sequence[Ring], debt: str, now: datetime) -> Permit:
        """The answer at `now` for one of these people; as `decide`."""
        if not self.start <= now < self.end:
            return self._far(now).decide(past, debt, now)
        at = now.timestamp()
        for bar in self.bars:
            if bar.stands(at):
                return permit(bar)
        found = self._earliest(past, debt, now)
        if found is None and self.end < now + FAR:
            return self._far(now).decide(past, debt, now)
        if found is None or (found.until is not None and found.until > now + FAR):
            return Permit(Ruling.HOLD, NEVER_OPENS, _NEVER)
        return found

    def _earliest(self, past: Sequence[Ring], debt: str, now: datetime) -> Permit | None:
        """ALLOW, or HOLD until hours and history both allow it: each moves the moment on until neither does."""
        closed = caps.closures(self.limits, past, debt, self.people)
        at, said = now, None
        while (window := self.windows.next(at.timestamp())) is not None:
            if window.start > at.timestamp():
                at = instant(window.start)
                said = _permit(Ruling.HOLD, window.opener, _why_hours(window.opener), at)
            held = caps.first_free(closed, at)
            if held is None:
                return said or _permit(Ruling.ALLOW, window.closer or next(iter(self.first), None), "", None)
            at = held[0]
            said = _permit(Ruling.HOLD, held[1], caps.words(held[1]), at)
        return None

    def _far(self, now: datetime) -> Desk:
        """A desk from `now` on for as long as is ever looked ahead; one that was made before, where it will do."""
        for known in self._further:
            if known.start <= now and now + FAR <= known.end:
                return known
        made = desk(self.calling, self.audience, self.zones, self.holidays, now, now + FAR + _WEEK)
        self._further[:] = [made]
        return made


def _permit(ruling: Ruling, rule: Rule | None, why: str, until: datetime | None) -> Permit:
    if rule is None:
        return Permit(ruling, "", why, until=until)
    return Permit(ruling, rule.id, why, rule.citation, version(rule), until)


def _why_hours(rule: Rule | None) -> str:
    """Why the hours, or what stands against calls for a while, let nobody be called."""
    if rule is not None and hours.has_hours(rule):
        return f"calls only {hours.words(rule)}"
    return words(rule) if rule else ""


def explain(
    calling: CallingRules,
    audience: Audience,
    zones: Mapping[str, tzinfo],
    holidays: Holidays,
    past: Sequence[Ring],
    debt: str,
    now: datetime,
) -> tuple[Finding, ...]:
    """What each rule says by itself about a dial at `now`; first what is not known of the person, then the rules."""
    at = now.timestamp()
    unknown = [bar for bar in bars(calling, audience, zones) if bar.rule.id.startswith(HELD) and bar.stands(at)]
    found = [Finding(bar.rule, bar.ruling, None, bar.why) for bar in unknown]
    placed = replace(audience, held="")
    for rule in applying(calling, audience):
        alone = replace(calling, rules=(rule,), packs=())
        said = decide(alone, placed, zones, holidays, past, debt, now)
        found.append(Finding(rule, said.ruling, said.until, said.why or words(rule)))
    return tuple(found)
