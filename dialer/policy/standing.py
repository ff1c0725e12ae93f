"""Which rules apply to people, and what stands against calling them that no hour of the day changes.

In doubt a rule applies, and in doubt nobody is dialled: whoever is not known to be in a place where all rules are known
is held until a person has found out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from math import inf
from zoneinfo import ZoneInfo

from dialer.model.rules import Audience, CallingRules, Pack, Permit, Rule, Ruling
from dialer.policy import caps, hours
from dialer.policy.clocks import reach

HELD = "held:"
NO_CONSENT = "no_consent"

_UNSURE = frozenset({"", "unknown", "fixed_line_or_mobile", "voip", "personal_number"})
"""Kinds of numbers behind which any telephone may ring."""

_WHY = {
    "no_zone": "nothing says in which time zone this person is",
    "unknown_zone": "the time zone that is given for this person is not known",
    "unknown_postcode": "the postcode that is given for this person is not known",
    "unknown_region": "the region that is given for this person is not known",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """What stands against all calls between two epoch seconds: under which rule, what is said meanwhile, and why."""

    rule: Rule
    ruling: Ruling
    why: str
    since: float = -inf
    until: float = inf

    def stands(self, at: float) -> bool:
        return self.since <= at < self.until

    @property
    def is_for_good(self) -> bool:
        return self.since == -inf and self.until == inf


def applying(calling: CallingRules, audience: Audience) -> tuple[Rule, ...]:
    """The rules that reach these people by place, purpose, voice and kind of number, those of packs first.

    Effective dates are not looked at here. What the campaign has accepted (`i_accept`) of a pack is left out; its own
    rules always count.
    """
    law = (rule for pack in calling.packs for rule in pack.rules if rule.id not in calling.accepted)
    return tuple(rule for rule in (*law, *calling.rules) if _fits(rule, calling, audience))


def _fits(rule: Rule, calling: CallingRules, audience: Audience) -> bool:
    if rule.purposes and calling.purpose is not None and calling.purpose not in rule.purposes:
        return False
    if rule.voices and calling.voice not in rule.voices:
        return False
    return _reaches(rule, audience.places) and _rings(rule, audience.lines)


def _reaches(rule: Rule, places: Sequence[str]) -> bool:
    """Whether the rule's place is one of these, or holds one; a state that is not known may be any."""
    if rule.place == "*" or rule.place in places:
        return True
    if any(place.startswith(f"{rule.place}-") for place in places):
        return True
    # A pack has rules of its own for the state that is not known; a campaign that names a state has none.
    return not rule.pack and "-" in rule.place and _may_be_any(rule.place.partition("-")[0], places)


def _may_be_any(country: str, places: Sequence[str]) -> bool:
    """Whether people are in the country, and nobody knows in which of its states."""
    states = {place for place in places if place.startswith(f"{country}-")}
    return f"{country}-?" in states or (country in places and not states)


def _rings(rule: Rule, lines: Sequence[str]) -> bool:
    return not rule.lines or not lines or any(line in rule.lines or line in _UNSURE for line in lines)


def standing(calling: CallingRules, audience: Audience, zones: Mapping[str, tzinfo], now: datetime) -> Permit | None:
    """What stands against calling these people now and would at any hour of the day; None: nothing.

    HOLD where it is not known where they are or by which rules they may be called, BLOCK where a rule forbids it or
    asks for a consent that the list does not give. `zones` has a clock for each of their zones.
    """
    at = now.timestamp()
    return next((permit(bar) for bar in bars(calling, audience, zones) if bar.stands(at)), None)


def permit(bar: Bar) -> Permit:
    """The answer while the bar stands."""
    name = NO_CONSENT if bar.ruling is Ruling.BLOCK and not bar.rule.forbidden else bar.rule.id
    return Permit(bar.ruling, name, bar.why, bar.rule.citation, version(bar.rule))


def detail_of(found: Permit) -> str:
    """What stands against a contact, as its detail in the ledger: `held:no_zone`, `blocked:us-nj-mobiles`."""
    if found.ruling is Ruling.BLOCK:
        return f"blocked:{found.rule}"
    return found.rule if found.rule.startswith(HELD) else f"{HELD}{found.rule}"


def version(rule: Rule | None) -> str:
    """The rule's pack and its version, as us-2026.11.22; '' for a campaign's own."""
    return f"{rule.pack}-{rule.version}" if rule is not None and rule.pack else ""


def clocks(audience: Audience, zones: Mapping[str, tzinfo]) -> tuple[tzinfo, ...]:
    """The clocks of these people."""
    return tuple(zones[name] for name in audience.zones if name in zones)


def clocks_of(rule: Rule, people: Sequence[tzinfo]) -> Sequence[tzinfo]:
    """The clocks by which the rule's hours count: its own, else the people's; none where its own is not known."""
    if rule.zone is None:
        return people
    try:
        return (ZoneInfo(rule.zone),)
    except (OSError, ValueError, KeyError):
        return ()


def bars(calling: CallingRules, audience: Audience, zones: Mapping[str, tzinfo]) -> tuple[Bar, ...]:
    """All that stands, or will stand, against calling these people at any hour: what is not known first."""
    rules = applying(calling, audience)
    people = clocks(audience, zones)
    unknown = () if calling.is_free else (*_nowhere(audience), *_lawless(calling.packs, audience))
    return (*unknown, *_clockless(rules, audience, people), *_barred(rules, audience, people))


def _held(word: str, why: str) -> Bar:
    return Bar(Rule(f"{HELD}{word}", "*"), Ruling.HOLD, why)


def _nowhere(audience: Audience) -> Iterator[Bar]:
    if audience.held:
        yield _held(audience.held, _WHY.get(audience.held, "it is not known where this person is"))


def _lawless(packs: Sequence[Pack], audience: Audience) -> Iterator[Bar]:
    """Countries whose rules the campaign does not have, or has no longer; without any pack it has chosen so."""
    if not packs:
        return
    countries = {*audience.countries, *(place.partition("-")[0] for place in audience.places)}
    known = {country for pack in packs for country in pack.countries}
    if not countries <= known or not countries:
        names = ", ".join(sorted(countries - known)) or "of these numbers that is not known"
        yield _held("no_pack", f"the campaign has no rules for the country {names}")
    for pack in packs:
        if pack.countries & countries:
            why = f"the rules of {pack.name} ({pack.code}-{pack.version}) have expired on {pack.expires}"
            held = Rule(f"{HELD}expired_pack", "*", pack=pack.code, version=pack.version)
            yield Bar(held, Ruling.HOLD, why, since=reach((), pack.expires, None)[0])


def _clockless(rules: Sequence[Rule], audience: Audience, people: Sequence[tzinfo]) -> Iterator[Bar]:
    timed = [rule for rule in rules if hours.has_hours(rule)]
    for rule in timed:
        if rule.zone is not None and not clocks_of(rule, people):
            yield _held("unknown_zone", f"the rule {rule.id} counts hours in {rule.zone}, which is not known")
    if any(rule.zone is None for rule in timed):
        if not audience.zones:
            yield _held("no_zone", _WHY["no_zone"])
        elif len(people) < len(audience.zones):
            yield _held("unknown_zone", _WHY["unknown_zone"])


def _barred(rules: Sequence[Rule], audience: Audience, people: Sequence[tzinfo]) -> Iterator[Bar]:
    for rule in rules:
        since, until = reach(people, rule.effective_from, rule.effective_until)
        if rule.forbidden:
            yield Bar(rule, Ruling.BLOCK, rule.forbidden, since, until)
        elif rule.needs_consent and not audience.consents:
            why = f"the rule {rule.id} asks for consent, and the list does not say that this person gave it"
            yield Bar(rule, Ruling.BLOCK, why, since, until)


def words(rule: Rule) -> str:
    """All that the rule says, as a message says it."""
    parts = [rule.forbidden, "consent is needed" if rule.needs_consent else "", hours.words(rule), caps.words(rule)]
    return "; ".join(part for part in parts if part) or rule.note
