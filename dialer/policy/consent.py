"""Whether the packs ask everybody for a consent: then a campaign that says nothing of it could call nobody. Pure."""

from __future__ import annotations

from datetime import datetime

from dialer.model import Audience, CallingRules, Pack, Rule
from dialer.policy.standing import bars


def asks_everybody(calling: CallingRules, now: datetime) -> Rule | None:
    """A rule by which whoever is called must have consented, wherever in the countries of the packs; None: there is
    somebody who needs not. Rules for some kinds of numbers, or for one state, are not for everybody."""
    countries = sorted({country for pack in calling.packs for country in _countries(pack)})
    found = [_asks(calling, country, now.timestamp()) for country in countries]
    return found[0] if found and all(found) else None


def _countries(pack: Pack) -> frozenset[str]:
    """Those of which the pack has rules: a territory with a code of its own goes by those of its country."""
    return frozenset(rule.place.partition("-")[0] for rule in pack.rules) & pack.countries or pack.countries


def _asks(calling: CallingRules, country: str, at: float) -> Rule | None:
    somebody = Audience(places=(country,), countries=(country,))
    asking = (bar.rule for bar in bars(calling, somebody, {}) if bar.stands(at))
    return next((rule for rule in asking if rule.needs_consent and not rule.forbidden and not rule.lines), None)
