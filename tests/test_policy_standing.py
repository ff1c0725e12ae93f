"""Which rules apply, and what stands against a call at any hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from dialer.model.rules import Audience, CallingRules, Pack, Permit, Purpose, Rule, Ruling
from dialer.policy.standing import applying, bars, detail_of, standing, words
from tests.calling_kit import ZONES, at, hours, people

NOW = at("2026-11-22T17:00")
FLORIDIAN = people("America/New_York")
RULE = Rule("us-rule", "*", forbidden="such calls are barred", citation="Act 1", pack="us", version="2026.11.22")


def us_pack(*rules: Rule) -> Pack:
    return Pack("us", "United States", "2026.11.22", date(2026, 11, 22), date(2027, 11, 22), frozenset({"US"}), rules)


def applies(rule: Rule, audience: Audience = FLORIDIAN, **calling: object) -> bool:
    given = replace(CallingRules(rules=(rule,), purpose=Purpose.MARKETING), **calling)  # type: ignore[arg-type]
    return rule in applying(given, audience)


@pytest.mark.parametrize(
    ("places", "place", "is_own", "expected"),
    [
        (("US", "US-FL"), "*", False, True),
        ((), "*", False, True),
        (("US", "US-FL"), "US", False, True),
        (("US", "US-FL"), "US-FL", False, True),
        (("US-FL",), "US", False, True),
        (("US", "US-FL"), "US-GA", False, False),
        (("US", "US-FL", "US-GA"), "US-GA", False, True),
        (("US", "US-FL"), "FR", False, False),
        (("US", "US-?"), "US-?", False, True),
        (("US", "US-FL"), "US-?", False, False),
        # A pack has rules for the state that is not known; what a campaign says of a state may then hold for anybody.
        (("US", "US-?"), "US-FL", False, False),
        (("US", "US-?"), "US-FL", True, True),
        (("CA", "CA-?"), "US-FL", True, False),
        (("CA",), "CA-QC", True, True),
        (("CA",), "CA-QC", False, False),
        (("CA", "CA-ON"), "CA-QC", True, False),
        (("CA", "CA-ON"), "US-FL", True, False),
        (("AU", "CA"), "US", True, False),
        ((), "US", True, False),
    ],
)
def test_rules_of_a_place(places: tuple[str, ...], place: str, is_own: bool, expected: bool) -> None:
    rule = replace(RULE, place=place, pack="" if is_own else "us")
    assert applies(rule, replace(FLORIDIAN, places=places)) == expected


@pytest.mark.parametrize(
    ("lines", "of_rule", "expected"),
    [
        (("mobile",), "mobile", True),
        (("fixed_line",), "mobile", False),
        (("toll_free",), "mobile", False),
        (("fixed_line", "mobile"), "mobile", True),
        (("fixed_line_or_mobile",), "mobile", True),
        (("fixed_line_or_mobile",), "fixed_line", True),
        (("unknown",), "mobile", True),
        (("voip",), "mobile", True),
        (("",), "mobile", True),
        ((), "mobile", True),
    ],
)
def test_rules_of_a_kind_of_number(lines: tuple[str, ...], of_rule: str, expected: bool) -> None:
    rule = replace(RULE, lines=frozenset({of_rule}))
    assert applies(rule, replace(FLORIDIAN, lines=lines)) == expected


def test_rules_of_a_purpose_and_a_voice() -> None:
    for_sales = replace(RULE, purposes=frozenset({Purpose.MARKETING, Purpose.SURVEY}))
    assert applies(for_sales)
    assert not applies(for_sales, purpose=Purpose.DEBT)
    assert applies(for_sales, purpose=None)  # a campaign that does not say what it calls for keeps them all
    for_people = replace(RULE, voices=frozenset({"human"}))
    assert not applies(for_people)
    assert applies(for_people, voice="human")


def test_rules_of_packs_come_first_and_what_is_accepted_is_left_out() -> None:
    own, other = Rule("own", "*", gap=60.0), replace(RULE, id="us-other")
    calling = CallingRules(rules=(own,), packs=(us_pack(RULE, other),))
    assert applying(calling, FLORIDIAN) == (RULE, other, own)
    assert applying(replace(calling, accepted=frozenset({"us-other"})), FLORIDIAN) == (RULE, own)
    # What a campaign asks of itself is not taken away by a pack's rule of the same name.
    assert applying(replace(calling, accepted=frozenset({"own"})), FLORIDIAN) == (RULE, other, own)


def said(calling: CallingRules, audience: Audience = FLORIDIAN, now: str = "2026-11-22T17:00") -> tuple[str, str]:
    """The ruling and the rule that stands against a call, or two empty texts."""
    found = standing(calling, audience, ZONES, at(now))
    return ("", "") if found is None else (found.ruling.value, found.rule)


NOTHING = ("", "")
TIMED = Rule("own", "*", week=hours(daily="09:00-20:00"))


@pytest.mark.parametrize(
    ("calling", "audience", "expected"),
    [
        (CallingRules(), FLORIDIAN, NOTHING),
        (CallingRules(), replace(FLORIDIAN, held="no_zone"), ("HOLD", "held:no_zone")),
        (CallingRules(), replace(FLORIDIAN, held="unknown_postcode"), ("HOLD", "held:unknown_postcode")),
        (CallingRules(is_free=True), replace(FLORIDIAN, held="no_zone"), NOTHING),
        (CallingRules(is_free=True), Audience(), NOTHING),
        # Hours want a clock, even of those who ask nothing of a person's whereabouts.
        (CallingRules(rules=(TIMED,)), Audience(), ("HOLD", "held:no_zone")),
        (CallingRules(rules=(TIMED,), is_free=True), Audience(), ("HOLD", "held:no_zone")),
        (CallingRules(rules=(replace(TIMED, zone="America/Chicago"),)), Audience(), NOTHING),
        (CallingRules(rules=(replace(TIMED, zone="America/Chicgo"),)), FLORIDIAN, ("HOLD", "held:unknown_zone")),
        (CallingRules(rules=(TIMED,)), people("America/New_York", "America/Nowhere"), ("HOLD", "held:unknown_zone")),
        (CallingRules(rules=(TIMED,)), FLORIDIAN, NOTHING),
        # Rules of every country, once there are any.
        (CallingRules(packs=(us_pack(),)), FLORIDIAN, NOTHING),
        (CallingRules(packs=(us_pack(),)), replace(FLORIDIAN, countries=("US", "FR")), ("HOLD", "held:no_pack")),
        (CallingRules(packs=(us_pack(),)), replace(FLORIDIAN, countries=("FR",), places=()), ("HOLD", "held:no_pack")),
        (CallingRules(packs=(us_pack(),)), replace(FLORIDIAN, places=("US", "FR")), ("HOLD", "held:no_pack")),
        (CallingRules(packs=(us_pack(),)), replace(FLORIDIAN, countries=(), places=()), ("HOLD", "held:no_pack")),
        (CallingRules(packs=(us_pack(),), is_free=True), replace(FLORIDIAN, countries=("FR",)), NOTHING),
        # Prohibitions and consent.
        (CallingRules(rules=(RULE,)), FLORIDIAN, ("BLOCK", "us-rule")),
        (CallingRules(rules=(RULE,)), replace(FLORIDIAN, consents=True), ("BLOCK", "us-rule")),
        (CallingRules(rules=(replace(RULE, forbidden="", needs_consent=True),)), FLORIDIAN, ("BLOCK", "no_consent")),
        (
            CallingRules(rules=(replace(RULE, forbidden="", needs_consent=True),)),
            replace(FLORIDIAN, consents=True),
            NOTHING,
        ),
        # What is not known comes first: somebody may find it out.
        (CallingRules(rules=(RULE,)), replace(FLORIDIAN, held="no_zone"), ("HOLD", "held:no_zone")),
    ],
)
def test_what_stands_against_a_call(calling: CallingRules, audience: Audience, expected: tuple[str, str]) -> None:
    assert said(calling, audience) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-22T17:00", NOTHING),
        ("2027-11-21T09:59", NOTHING),
        ("2027-11-21T10:00", ("HOLD", "held:expired_pack")),  # where the day begins first
        ("2030-01-01T00:00", ("HOLD", "held:expired_pack")),
    ],
)
def test_nobody_is_called_by_rules_that_have_expired(now: str, expected: tuple[str, str]) -> None:
    assert said(CallingRules(packs=(us_pack(),)), now=now) == expected


def test_a_pack_that_is_not_asked_may_expire() -> None:
    french = replace(us_pack(), code="fr", countries=frozenset({"FR"}), expires=date(2026, 1, 1))
    assert said(CallingRules(packs=(us_pack(), french))) == NOTHING


@pytest.mark.parametrize(
    ("now", "is_barred"),
    [
        ("2026-11-20T04:59", False),
        ("2026-11-20T05:00", True),
        ("2026-11-23T06:59", True),  # in Denver it is still the 22nd
        ("2026-11-23T07:00", False),
    ],
)
def test_a_prohibition_holds_on_its_days_in_any_zone(now: str, is_barred: bool) -> None:
    dated = replace(RULE, effective_from=date(2026, 11, 20), effective_until=date(2026, 11, 23))
    audience = people("America/New_York", "America/Denver")
    assert (said(CallingRules(rules=(dated,)), audience, now) != NOTHING) == is_barred


def test_the_answer_says_why_by_which_law_and_in_which_version() -> None:
    found = standing(CallingRules(rules=(RULE,)), FLORIDIAN, ZONES, NOW)
    assert found is not None
    assert (found.why, found.citation, found.version) == ("such calls are barred", "Act 1", "us-2026.11.22")
    assert (found.ruling, found.until) == (Ruling.BLOCK, None)
    asks = replace(RULE, forbidden="", needs_consent=True, pack="")
    found = standing(CallingRules(rules=(asks,)), FLORIDIAN, ZONES, NOW)
    assert found is not None
    assert found.why.startswith("the rule us-rule asks for consent")
    assert found.version == ""


@pytest.mark.parametrize(
    ("audience", "sentence"),
    [
        (replace(FLORIDIAN, held="no_zone"), "nothing says in which time zone"),
        (replace(FLORIDIAN, held="two_homes"), "it is not known where this person is"),
        (replace(FLORIDIAN, countries=("FR", "DE", "US")), "no rules for the country DE, FR"),
        (replace(FLORIDIAN, countries=(), places=()), "no rules for the country of these numbers that is not known"),
    ],
)
def test_a_hold_says_what_is_not_known(audience: Audience, sentence: str) -> None:
    found = standing(CallingRules(packs=(us_pack(),)), audience, ZONES, NOW)
    assert found is not None
    assert sentence in found.why


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        (Permit(Ruling.BLOCK, "us-nj-mobiles"), "blocked:us-nj-mobiles"),
        (Permit(Ruling.HOLD, "held:no_zone"), "held:no_zone"),
        (Permit(Ruling.HOLD, "never_opens"), "held:never_opens"),
    ],
)
def test_what_the_ledger_says_of_whom_is_not_called(found: Permit, detail: str) -> None:
    assert detail_of(found) == detail


def test_a_bar_for_good_has_no_ends() -> None:
    dated = replace(RULE, effective_until=date(2030, 1, 1))
    assert [bar.is_for_good for bar in bars(CallingRules(rules=(RULE, dated)), FLORIDIAN, ZONES)] == [True, False]


def test_the_clocks_of_a_rule_may_be_fixed() -> None:
    """A zone that the caller gave no clock for is not one that is known."""
    found = standing(CallingRules(rules=(TIMED,)), people("America/New_York"), {}, NOW)
    assert found is not None
    assert found.rule == "held:unknown_zone"
    assert standing(CallingRules(rules=(TIMED,)), people("x"), {"x": ZoneInfo("Asia/Kathmandu")}, NOW) is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (RULE, "such calls are barred"),
        (Rule("x", "*", needs_consent=True), "consent is needed"),
        (replace(TIMED, gap=60.0), "Mon–Sun 09:00–20:00; 1 min between rings"),
        (Rule("x", "*", note="say that it is a machine"), "say that it is a machine"),
    ],
)
def test_a_rule_in_words(given: Rule, sentence: str) -> None:
    assert words(given) == sentence
