"""Whether everybody of the packs' countries must have consented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from dialer.model import CallingRules, Pack, Rule
from dialer.policy.consent import asks_everybody

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)
ASKS = Rule("xx-consent", "US", needs_consent=True, pack="xx")


def pack(*rules: Rule, country: str = "US") -> Pack:
    return Pack("xx", "Somewhere", "1", date(2026, 1, 1), date(2030, 1, 1), frozenset({country}), rules)


@pytest.mark.parametrize(
    ("packs", "found"),
    [
        ((), None),
        ((pack(),), None),
        ((pack(ASKS),), "xx-consent"),
        ((pack(replace(ASKS, lines=frozenset({"mobile"}))),), None),
        ((pack(replace(ASKS, place="US-FL")),), None),
        ((pack(replace(ASKS, voices=frozenset({"human"}))),), None),
        ((pack(replace(ASKS, forbidden="never")),), None),
        ((pack(replace(ASKS, effective_from=date(2027, 1, 1))),), None),
        ((pack(replace(ASKS, effective_until=date(2026, 1, 1))),), None),
        ((pack(ASKS), pack(country="CA")), None),
        ((pack(ASKS), pack(replace(ASKS, id="ca", place="CA"), country="CA")), "ca"),
    ],
)
def test_a_rule_for_some_is_not_one_for_all(packs: tuple[Pack, ...], found: str | None) -> None:
    rule = asks_everybody(CallingRules(packs=packs), NOW)
    assert (rule.id if rule else None) == found


def test_a_territory_goes_by_the_rules_of_its_country() -> None:
    both = replace(pack(ASKS), countries=frozenset({"US", "PR"}))
    assert asks_everybody(CallingRules(packs=(both,)), NOW) == ASKS


def test_what_does_not_bind_the_campaign_asks_nothing() -> None:
    calling = CallingRules(packs=(pack(ASKS),), accepted=frozenset({"xx-consent"}))
    assert asks_everybody(calling, NOW) is None
