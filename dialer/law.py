"""By which rules a campaign calls: its own hours and caps, and those of its packs, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from dialer import packs
from dialer.errors import CampaignError, Problem
from dialer.model import CallingRules, Campaign, LawRules, Pack, Rule
from dialer.policy.clocks import reach


def calling_rules(campaign: Campaign, now: datetime) -> CallingRules:
    """All rules that the campaign goes by.

    Raises:
        CampaignError: a pack does not exist or has expired, a calendar of holidays is not known, a place is none in
            which anybody is looked for, two rules have one id, or a rule that it declares not to bind it is in none of
            its packs.
    """
    law = campaign.law
    problems: list[Problem] = []
    found = _packs(campaign, now, problems)
    own = tuple(rule for rule in (campaign.hours, campaign.caps, *(law.added if law else ())) if rule is not None)
    for rule in own:
        _check_calendars(campaign, rule, now, problems)
    _check_places(campaign, law, problems)
    if law is not None and not problems:
        _check_accepted(campaign, law, found, problems)
        _check_ids(campaign, own, found, problems)
    if problems:
        raise CampaignError(str(campaign.path), tuple(problems))
    return CallingRules(
        rules=own,
        packs=found,
        purpose=law.purpose if law else None,
        accepted=law.accepted if law else frozenset(),
        ring=campaign.call.ring,
        is_free=campaign.hours is None and law is None,
    )


def register_age(calling: CallingRules) -> float | None:
    """How old in seconds a do-not-call list may be by the law of the packs; None: as old as it may."""
    days = [pack.register_days for pack in calling.packs if pack.register_days is not None]
    return min(days) * 86400.0 if days else None


def _packs(campaign: Campaign, now: datetime, problems: list[Problem]) -> tuple[Pack, ...]:
    found = []
    for code in campaign.law.packs if campaign.law else ():
        try:
            pack = packs.pack(code)
        except LookupError:
            known = ", ".join(packs.codes())
            problems.append(_problem(campaign, "rules.packs", f"there is no pack '{code}'", f"there are {known}"))
            continue
        if (
            reach((), pack.expires, None)[0] <= now.timestamp()
        ):  # from when on nobody is called by it, wherever they are
            message = f"the pack {pack.code}-{pack.version} was good until {pack.expires}: its law may have changed"
            hint = "install a newer dialer, whose packs were read anew"
            problems.append(_problem(campaign, "rules.packs", message, hint))
        found.append(pack)
    return tuple(found)


def _check_calendars(campaign: Campaign, rule: Rule, now: datetime, problems: list[Problem]) -> None:
    for calendar in rule.holidays:
        try:
            packs.holidays(calendar, now.year)
        except LookupError as fault:
            where = "hours.holidays" if rule is campaign.hours else "rules.add"
            problems.append(_problem(campaign, where, str(fault.args[0] if fault.args else fault), ""))


def _check_accepted(campaign: Campaign, law: LawRules, found: tuple[Pack, ...], problems: list[Problem]) -> None:
    known = {rule.id for pack in found for rule in pack.rules}
    for rule_id in sorted(law.accepted - known):
        message = f"no pack of this campaign has a rule '{rule_id}'"
        hint = "`dialer rules show us` lists the rules of a pack"
        problems.append(_problem(campaign, "rules.i_accept", message, hint))


def _check_ids(campaign: Campaign, own: tuple[Rule, ...], found: tuple[Pack, ...], problems: list[Problem]) -> None:
    """An id names one rule: what is accepted, and what is told of a call, is told by it."""
    times = Counter(rule.id for rule in own)
    of_packs = {rule.id for pack in found for rule in pack.rules}
    for rule_id in times:
        if times[rule_id] > 1 or rule_id in of_packs:
            whose = "a pack" if rule_id in of_packs else "another of this campaign's own (hours and caps are ids too)"
            message = f"the id '{rule_id}' is that of a rule of {whose}"
            problems.append(_problem(campaign, "rules.add", message, "give the rule an id of its own"))


def _check_places(campaign: Campaign, law: LawRules | None, problems: list[Problem]) -> None:
    """A rule or an own number for a place that nobody ever has would be none, and nothing would say so."""
    named = [("rules.add", rule.place) for rule in (law.added if law else ()) if rule.place != "*"]
    named += [("call.from", place) for caller in campaign.call.callers for place in sorted(caller.places)]
    for key, place, hint in _unknown_places(named):
        problems.append(_problem(campaign, key, f"'{place}' is no place in which anybody is known to be", hint))


def _unknown_places(named: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Those of these places that are none, each with its key and what may have been meant."""
    for key, place in dict.fromkeys(named):
        from dialer.places.states import known_place, meant_place  # only here: the tables take 0.1 s

        if not known_place(place):
            meant = meant_place(place)
            hint = f"did you mean {meant}?" if meant else "write a country as US, a state of it as US-FL"
            yield key, place, hint


def _problem(campaign: Campaign, key: str, message: str, hint: str) -> Problem:
    from dialer.config import line_of  # only where there is a fault: `status` needs no pydantic

    return Problem(key, line_of(campaign.path, tuple(key.split("."))), message, hint)
