"""The rules that ship, decided by the policy, against a plain look at each quarter of an hour."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.model.rules import Audience, CallingRules, Purpose, Ring, Rule, Ruling
from dialer.packs import codes, holidays, pack
from dialer.policy.permission import decide, openings
from dialer.policy.spans import contains
from tests.calling_kit import Oracle, at

QUARTER = timedelta(minutes=15)
PACKS = tuple(pack(code) for code in codes())
PLACES = sorted({rule.place for each in PACKS for rule in each.rules} | {"US-NY"})
ZONE_OF = {"US": "America/New_York", "CA": "America/St_Johns", "AU": "Australia/Sydney", "IN": "Asia/Kolkata"}
ZONES = {name: ZoneInfo(name) for name in (*ZONE_OF.values(), "Europe/Paris")}
STARTS = ("2026-10-16T00:00", "2026-10-30T00:00", "2026-11-25T00:00", "2026-12-24T00:00")
"""Pennsylvania's new hours, the end of summer time, Thanksgiving, Christmas."""


def plainly_applying(place: str, purpose: Purpose) -> list[Rule]:
    """The rules of this place and its country, for an AI voice and a mobile."""
    return [
        rule
        for each in PACKS
        for rule in each.rules
        if rule.place in (place, place[:2])
        and (not rule.purposes or purpose in rule.purposes)
        and (not rule.voices or "ai" in rule.voices)
        and (not rule.lines or "mobile" in rule.lines)
    ]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.DEBT])
def test_nobody_may_be_dialled_when_a_rule_of_their_place_says_no(place: str, purpose: Purpose) -> None:
    zone = ZONE_OF.get(place[:2], "Europe/Paris")
    who = Audience((zone,), (place[:2], place), (place[:2],), ("mobile",), consents=True)
    calling = CallingRules(packs=PACKS, purpose=purpose, ring=900)
    plain = Oracle(plainly_applying(place, purpose), [ZONES[zone]], True, holidays, 900)
    for start in STARTS:
        moments = [at(start) + n * QUARTER for n in range(4 * 24 * 4)]
        found = openings(calling, who, ZONES, holidays, moments[0], moments[-1] + QUARTER)
        for moment in moments:
            # All rules change on the hour or half hour, so that a quarter stands for each of its minutes.
            ends = (moment, moment + QUARTER)
            expected = all(
                plain.is_open(rule, each) and not plain.is_barred(rule, each) for rule in plain.rules for each in ends
            )
            assert contains(found, moment.timestamp()) == expected, (moment, [rule.id for rule in plain.rules])


FLORIDIAN = Audience(("America/New_York",), ("US", "US-FL"), ("US",), ("mobile",), consents=True)
SALES = CallingRules(packs=PACKS, purpose=Purpose.MARKETING)


@pytest.mark.parametrize(
    ("now", "ruling", "rule", "until"),
    [
        ("2026-11-23T00:30", Ruling.ALLOW, "us-fl-hours", None),
        ("2026-11-23T01:30", Ruling.HOLD, "us-fl-hours", "2026-11-23T13:00"),  # the state before the country
        ("2026-11-23T12:59", Ruling.HOLD, "us-fl-hours", "2026-11-23T13:00"),
    ],
)
def test_florida_closes_at_eight_in_the_evening(now: str, ruling: Ruling, rule: str, until: str | None) -> None:
    found = decide(SALES, FLORIDIAN, ZONES, holidays, (), "", at(now))
    assert (found.ruling, found.rule) == (ruling, rule)
    assert found.until == (None if until is None else at(until))
    assert found.version == f"us-{pack('us').version}"


def test_florida_hears_nobody_a_fourth_time_in_24_hours() -> None:
    now = at("2026-11-23T17:00")
    past = [Ring(now - timedelta(hours=hours)) for hours in (1, 2, 3)]
    found = decide(SALES, FLORIDIAN, ZONES, holidays, past, "", now)
    assert (found.ruling, found.until) == (Ruling.HOLD, at("2026-11-24T14:00"))
    assert found.citation == "F.S. 501.616(6)"
    assert decide(SALES, FLORIDIAN, ZONES, holidays, past[:2], "", now).ruling is Ruling.ALLOW


def test_a_person_with_a_number_in_florida_and_an_address_in_kentucky_has_both_rules() -> None:
    both = Audience(("America/New_York",), ("US", "US-FL", "US-KY"), ("US",), ("mobile",), consents=True)
    assert decide(SALES, both, ZONES, holidays, (), "", at("2026-11-23T13:30")).until == at("2026-11-23T15:00")
    assert decide(SALES, both, ZONES, holidays, (), "", at("2026-11-24T00:30")).rule == "us-fl-hours"


def test_without_consent_no_machine_calls_anybody_in_america() -> None:
    unasked = Audience(("America/New_York",), ("US", "US-NY"), ("US",), ("mobile",))
    found = decide(SALES, unasked, ZONES, holidays, (), "", at("2026-11-23T17:00"))
    assert (found.ruling, found.rule) == (Ruling.BLOCK, "no_consent")


def test_a_state_that_is_not_known_has_the_strictest_hours() -> None:
    anywhere = Audience(("America/New_York",), ("US", "US-?"), ("US",), ("mobile",), consents=True)
    sunday = at("2026-11-22T17:00")
    assert decide(SALES, anywhere, ZONES, holidays, (), "", sunday).until == at("2026-11-23T15:00")
