"""By which rules a campaign calls: its own hours and caps, and those of its packs, put together."""

from __future__ import annotations

from datetime import datetime

from dialer import packs
from dialer.errors import CampaignError, Problem
from dialer.model import CallingRules, Campaign, LawRules, Pack, Rule


def calling_rules(campaign: Campaign, now: datetime) -> CallingRules:
    """All rules that the campaign goes by.

    Raises:
        CampaignError: a pack does not exist or has expired, a calendar of holidays is not known, or a rule that it
            declares not to bind it is in none of its packs.
    """
    law = campaign.law
    problems: list[Problem] = []
    found = _packs(campaign, now, problems)
    own = tuple(rule for rule in (campaign.hours, campaign.caps, *(law.added if law else ())) if rule is not None)
    for rule in own:
        _check_calendars(campaign, rule, now, problems)
    if law is not None and not problems:
        _check_accepted(campaign, law, found, problems)
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
        if pack.expires <= now.date():
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


def _problem(campaign: Campaign, key: str, message: str, hint: str) -> Problem:
    from dialer.config import line_of  # only where there is a fault: `status` needs no pydantic

    return Problem(key, line_of(campaign.path, tuple(key.split("."))), message, hint)
