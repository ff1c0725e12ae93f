"""`plan`: whom a campaign has, by its ledger or its list, and how it will go on by the rules that decide each dial.

Nobody is dialled, nothing is written, and no network is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dialer import packs
from dialer.clock import Clock
from dialer.errors import DialerError
from dialer.law import calling_rules, register_age
from dialer.ledger import planning, reading
from dialer.model import Audience, CallingRules, Campaign
from dialer.model.planning import Assumed, Counted, Crowd, Ended, Excluded, Planned, Speed
from dialer.permits import clocks
from dialer.policy import caps, chances, pacing, permission
from dialer.policy import plan as policy
from dialer.policy.plan import Going, Kind
from dialer.policy.spans import Spans
from dialer.policy.standing import bars, detail_of
from dialer.runner import plan_list
from dialer.runner.registers import check_age

LEDGER, LIST = "ledger", "list"
GIVEN, GUESSED = "given", "assumed"

NAMES = ("answer", "machine", "length", "machine_length", "ring", "lines")
"""What can be assumed otherwise, as `--assume` names it: shares, seconds, calls at once."""


def plan(campaign: Campaign, clock: Clock, given: Mapping[str, float]) -> Planned:
    """The plan of a campaign; `given` are assumptions by name, which go before what is known and what is guessed.

    Raises:
        CampaignError: its rules cannot be read, or have expired.
        ListError: its list, or a do-not-call list, cannot be read.
        LedgerError: its ledger cannot be read.
    """
    now = clock.now()
    calling = calling_rules(campaign, now)
    check_age(campaign, clock, register_age(calling))
    known = planning.counted(campaign.ledger, campaign.name, now) if campaign.ledger.exists() else None
    counted = plan_list.counted(campaign, clock) if known is None else known
    alike = _alike(calling, counted, now)
    assumed = _assumed(campaign, counted, given)
    going = Going(
        chances.Following(campaign.retry, chances.alike(chances.shares(assumed), campaign.retry)),
        assumed,
        Speed(campaign.pace.calls_per_second, _per_day(campaign), counted.made_today),
        campaign.retry.attempts,
        campaign.order,
    )
    return Planned(
        campaign=campaign.name,
        source=LIST if known is None else LEDGER,
        counted=counted,
        excluded=(*counted.excluded, *alike.excluded),
        assumed=assumed,
        speed=going.speed,
        rate=going.rate,
        attempts=going.attempts,
        forecast=policy.forecast(alike.crowds, alike.kinds, alike.opens, going, now),
        notes=tuple(_notes(campaign, counted, known is not None)),
    )


# --- who is decided about alike ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Alike:
    """People by what is decided about them: kinds with one audience that stands for all of its own."""

    calling: CallingRules
    kinds: tuple[Kind, ...]
    audiences: tuple[Audience, ...]
    crowds: tuple[Crowd, ...]
    excluded: tuple[Excluded, ...]

    def opens(self, kind: int, start: datetime, end: datetime) -> Spans:
        """When dials to a kind may begin."""
        audience = self.audiences[kind]
        return permission.openings(self.calling, audience, clocks(audience), packs.holidays, start, end)


def _alike(calling: CallingRules, counted: Counted, now: datetime) -> _Alike:
    """One decision for all of whom the same rules hold on the same clocks, and one for those whom a rule bars."""
    kinds: dict[object, int] = {}
    made: list[tuple[Kind, Audience]] = []
    of_audience: dict[int, int] = {}
    barred: dict[int, str] = {}
    for name in sorted({crowd.kind for crowd in counted.crowds}):
        audience = counted.audiences.get(name, _NOWHERE)
        zones = clocks(audience)
        stands = permission.standing(calling, audience, zones, now)
        if stands is not None:
            barred[name] = detail_of(stands)
            continue
        rules = permission.applying(calling, audience)
        key = tuple(rule.id for rule in rules), audience.zones, _bars(calling, audience, zones)
        of_audience[name] = kinds.setdefault(key, len(made))
        if kinds[key] == len(made):
            people = tuple(zones.values())
            made.append((Kind(audience.zones, people, caps.limits(rules, people)), audience))
    crowds = tuple(replace(each, kind=of_audience[each.kind]) for each in counted.crowds if each.kind in of_audience)
    return _Alike(
        calling,
        tuple(kind for kind, _ in made),
        tuple(audience for _, audience in made),
        _joined(crowds),
        _barred(counted, barred),
    )


_NOWHERE = Audience(held="no_zone")
"""Of an audience that is not known nobody is dialled."""


def _bars(calling: CallingRules, audience: Audience, zones: Mapping[str, ZoneInfo]) -> object:
    """What will stand against them, of which nothing stands now."""
    return tuple((bar.rule.id, bar.since, bar.until) for bar in bars(calling, audience, zones))


def _joined(crowds: tuple[Crowd, ...]) -> tuple[Crowd, ...]:
    """Those that are alike now, as one."""
    found: dict[Crowd, int] = {}
    for each in crowds:
        key = replace(each, people=0, priority=_rough(each.priority))
        found[key] = found.get(key, 0) + each.people
    return tuple(replace(key, people=people) for key, people in found.items())


def _rough(priority: int) -> int:
    """Two digits of it: whoever has a list of a million priorities is not told of each."""
    step = int("1" + "0" * max(0, len(str(abs(priority))) - 2))
    return priority // step * step


def _barred(counted: Counted, barred: Mapping[int, str]) -> tuple[Excluded, ...]:
    people: dict[str, int] = {}
    some: dict[str, tuple[str, ...]] = {}
    for crowd in counted.crowds:
        if (why := barred.get(crowd.kind)) is not None:
            people[why] = people.get(why, 0) + crowd.people
            some[why] = tuple(dict.fromkeys((*some.get(why, ()), *counted.examples.get(crowd.kind, ()))))[:3]
    ordered = sorted(people.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Excluded(why, count, some[why]) for why, count in ordered)


# --- what is assumed ---------------------------------------------------------------------------------


def _assumed(campaign: Campaign, counted: Counted, given: Mapping[str, float]) -> Assumed:
    """A guess, then what this campaign's calls have shown, then what is given; the simulator's time passes quicker."""
    scale = campaign.platform.simulator.time_scale if campaign.platform.url is None else 1.0
    lengths = {name: getattr(chances.DEFAULT, name) / scale for name in ("length", "machine_length", "ring")}
    lines, whence = _lines(campaign, counted)
    sources = {**dict.fromkeys(NAMES, GUESSED), "lines": whence}
    guess = replace(chances.DEFAULT, lines=lines, sources=sources, **lengths)
    ended = [Ended(each.reason, each.calls, each.talk / scale, each.line) for each in counted.ended]
    shown = chances.learned(guess, ended, campaign.retry, f"the {sum(each.calls for each in ended)} calls so far")
    told: dict[str, Any] = {**given, "sources": {**shown.sources, **dict.fromkeys(given, GIVEN)}}
    return replace(shown, **told)


def _lines(campaign: Campaign, counted: Counted) -> tuple[float, str]:
    pace = campaign.pace
    if pace.concurrent_calls is not None:
        return float(pace.concurrent_calls), "the campaign file"
    lines, whence = (counted.lines, "learned") if counted.lines else (pacing.FIRST_LINES, GUESSED)
    lines = max(1.0, lines - pace.leave_free)
    return (lines, whence) if pace.at_most is None else (min(lines, float(pace.at_most)), whence)


def _per_day(campaign: Campaign) -> int | None:
    """So many calls a day may be made: by the campaign's cap, and by those of its own numbers where each has one."""
    own = [each.per_day for each in campaign.call.callers if each.per_day is not None]
    of_all = [sum(own)] if own and len(own) == len(campaign.call.callers) else []
    return min([*of_all, *([] if campaign.per_day is None else [campaign.per_day])], default=None)


# --- what the forecast does not know -----------------------------------------------------------------


def _notes(campaign: Campaign, counted: Counted, is_in_ledger: bool) -> list[str]:
    found = []
    if counted.gate:
        found.append(f"as the list is, `run` takes nothing of it in and dials nobody: {counted.gate}")
    if counted.paused:
        found.append(f"the campaign is {counted.paused}; the forecast is what follows if it goes on now")
    if is_in_ledger and _has_changed(campaign):
        found.append("the list has been touched since it was taken in; the next run reads it, this forecast does not")
    if counted.live or counted.unknown:
        found.append(f"left out of the forecast: {counted.live} on the line, {counted.unknown} unknown")
    if is_in_ledger and campaign.registers:
        found.append("do-not-call lists in files count as the last run has read them; the next reads them again")
    found.append("rings by other campaigns, which caps count too, are asked about at each dial, and not here")
    return found


def _has_changed(campaign: Campaign) -> bool:
    """Whether the files are not those that were taken in, as far as it can be told without reading them."""
    try:
        with reading.open_reader(campaign.ledger) as reader:
            known = reader.known_list(reader.find(campaign.name).id).stamps
        now = [(path.stat().st_size, path.stat().st_mtime_ns) for path in campaign.contacts.files]
    except (DialerError, OSError):
        return True
    return bool(known) and now != [(each.size, each.modified) for each in known]
