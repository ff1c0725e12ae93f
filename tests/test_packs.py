"""The packs that ship, held against a table that was written from the facts by hand; calendars of holidays."""

from __future__ import annotations

import tomllib
from collections import Counter
from datetime import date
from itertools import chain
from pathlib import Path

import pytest

from dialer.model import After, Cap, Pack, Purpose, Rest, Scope
from dialer.model.rules import Week
from dialer.packs import codes, holidays, pack

ROOT = Path(__file__).parent.parent

DAY, HOUR = 86400.0, 3600.0
SALES = frozenset({Purpose.MARKETING})
DEBT = frozenset({Purpose.DEBT})
NOT_DEBT = frozenset({Purpose.MARKETING, Purpose.INFO, Purpose.SURVEY})
ALL = frozenset[Purpose]()
AI, ANY = frozenset({"ai"}), frozenset[str]()

PACKS = tuple(map(pack, codes()))
RULES = {rule.id: rule for each in PACKS for rule in each.rules}

# id: place, whom it binds, Mon–Fri, Sat, Sun ("" is closed), calendars, confidence
HOURS: dict[str, tuple[str, frozenset[Purpose], str, str, str, str, str]] = {
    "us-hours": ("US", NOT_DEBT, "8-21", "8-21", "8-21", "", "high"),
    "us-debt-hours": ("US", DEBT, "8-21", "8-21", "8-21", "", "high"),
    "us-al-hours": ("US-AL", SALES, "8-20", "8-20", "", "US US-AL", "high"),
    "us-az-hours": ("US-AZ", SALES, "8-21", "8-21", "8-21", "", "medium"),
    "us-ca-automated": ("US-CA", NOT_DEBT, "9-21", "9-21", "9-21", "", "high"),
    "us-ct-hours": ("US-CT", SALES, "9-20", "9-20", "9-20", "", "high"),
    "us-fl-hours": ("US-FL", SALES, "8-20", "8-20", "8-20", "", "high"),
    "us-ga-automated": ("US-GA", NOT_DEBT, "8-21", "8-21", "8-21", "", "medium"),
    "us-il-hours": ("US-IL", SALES, "8-21", "8-21", "8-21", "", "medium"),
    "us-in-automated": ("US-IN", NOT_DEBT, "9-20", "9-20", "9-20", "", "medium"),
    "us-ky-hours": ("US-KY", SALES, "10-21", "10-21", "10-21", "", "high"),
    "us-la-hours": ("US-LA", SALES, "8-20", "8-20", "", "US US-LA", "high"),
    "us-me-automated": ("US-ME", NOT_DEBT, "9-17", "", "", "", "medium"),
    "us-md-hours": ("US-MD", SALES, "8-20", "8-20", "8-20", "", "high"),
    "us-ma-hours": ("US-MA", SALES, "8-20", "8-20", "8-20", "", "high"),
    "us-mi-hours": ("US-MI", SALES, "9-21", "9-21", "9-21", "", "medium"),
    "us-mn-hours": ("US-MN", SALES, "9-21", "9-21", "9-21", "", "medium"),
    "us-nm-hours": ("US-NM", SALES, "9-21", "9-21", "9-21", "", "medium"),
    "us-ms-hours": ("US-MS", SALES, "8-20", "8-20", "", "", "medium"),
    "us-nv-hours": ("US-NV", SALES, "9-20", "9-20", "9-20", "", "low"),
    "us-nj-hours": ("US-NJ", SALES, "8-21", "8-21", "8-21", "", "medium"),
    "us-ok-hours": ("US-OK", SALES, "8-20", "8-20", "8-20", "", "high"),
    "us-ok-automated": ("US-OK", NOT_DEBT, "9-21", "9-21", "9-21", "", "high"),
    "us-or-hours": ("US-OR", SALES, "8-20", "8-20", "8-20", "", "high"),
    "us-pa-hours-before-2026-10-18": ("US-PA", SALES, "8-21", "8-21", "8-21", "US US-PA", "high"),
    "us-pa-hours": ("US-PA", SALES, "9-19", "9-19", "", "", "high"),
    "us-ri-hours": ("US-RI", SALES, "9-18", "10-17", "", "US US-RI", "high"),
    "us-sd-hours": ("US-SD", SALES, "9-21", "9-21", "", "", "medium"),
    "us-tx-hours": ("US-TX", SALES, "9-21", "9-21", "12-21", "", "high"),
    "us-ut-hours": ("US-UT", SALES, "8-21", "8-21", "", "US US-UT", "high"),
    "us-wa-hours": ("US-WA", SALES, "8-20", "8-20", "8-20", "", "medium"),
    "us-wy-hours": ("US-WY", SALES, "8-20", "8-20", "8-20", "", "high"),
    "us-unknown-hours": ("US-?", NOT_DEBT, "10-18", "10-17", "", "US US-AL US-LA US-RI US-UT", "derived"),
    "ca-hours": ("CA", ALL, "9-21:30", "10-18", "10-18", "", "high"),
    "uk-hours": ("GB", ALL, "9-20", "10-17", "", "", "own"),
    "fr-hours": ("FR", ALL, "10-13 14-20", "", "", "FR", "high"),
    "au-hours": ("AU", ALL, "9-20", "9-17", "", "AU", "high"),
    "de-hours": ("DE", ALL, "9-20", "9-20", "", "", "own"),
    "it-hours": ("IT", ALL, "9-20", "10-19", "", "IT", "high"),
    "es-hours": ("ES", ALL, "9-21", "", "", "ES", "medium"),
    "in-hours": ("IN", ALL, "10-21", "10-21", "10-21", "", "medium"),
    "sg-hours": ("SG", ALL, "9-20", "9-20", "9-20", "", "low"),
    "jp-hours": ("JP", ALL, "9-20", "9-20", "9-20", "", "low"),
    "bd-hours": ("BD", ALL, "9-20", "9-20", "9-20", "", "low"),
}

THREE_A_DAY = (Cap(3, DAY),)
CAPS: dict[str, tuple[str, frozenset[Purpose], tuple[Cap, ...], tuple[Rest, ...]]] = {
    "us-debt-caps": (
        "US", DEBT, (Cap(7, 7 * DAY, Scope.DEBT),), (Rest(7, After.CONVERSATION, Scope.DEBT),),
    ),
    "us-fl-caps": ("US-FL", SALES, THREE_A_DAY, ()),
    "us-md-caps": ("US-MD", SALES, THREE_A_DAY, ()),
    "us-ok-caps": ("US-OK", SALES, THREE_A_DAY, ()),
    "us-or-caps": ("US-OR", SALES, THREE_A_DAY, ()),
    "us-me-caps": ("US-ME", NOT_DEBT, (Cap(1, 8 * HOUR),), ()),
    "us-unknown-caps": ("US-?", NOT_DEBT, THREE_A_DAY, ()),
    "fr-caps": ("FR", SALES, (Cap(4, 30 * DAY),), (Rest(60, After.REFUSAL),)),
}  # fmt: skip

CONSENT: dict[str, tuple[str, frozenset[Purpose], frozenset[str]]] = {
    "us-ai-consent": ("US", ALL, AI),
    "us-az-mobile": ("US-AZ", SALES, ANY),
    "us-ct-consent": ("US-CT", SALES, ANY),
    "us-nj-mobile": ("US-NJ", SALES, ANY),
    "ca-automated-consent": ("CA", SALES, AI),
    "uk-automated-consent": ("GB", SALES, AI),
    "fr-consent": ("FR", SALES, ANY),
    "de-consent": ("DE", SALES, ANY),
    "it-automated-consent": ("IT", SALES, AI),
    "es-consent": ("ES", SALES, ANY),
}

NOTICES = {"fr-ai-notice", "de-ai-notice", "it-ai-notice", "es-ai-notice"}
FORBIDDEN = {"us-wa-automated"}

EFFECTIVE = {
    "us-or-hours": (date(2026, 1, 1), None),
    "us-or-caps": (date(2026, 1, 1), None),
    "us-pa-hours-before-2026-10-18": (None, date(2026, 10, 18)),
    "us-pa-hours": (date(2026, 10, 18), None),
    "fr-consent": (date(2026, 8, 11), None),
    **dict.fromkeys(NOTICES, (date(2026, 8, 2), None)),
}

CITED = {
    "us-hours": "47 CFR 64.1200, 16 CFR 310.4",
    "us-ai-consent": "FCC 24-17",
    "us-debt-hours": "12 CFR 1006.6",
    "us-debt-caps": "12 CFR 1006.14",
    "us-al-hours": "770-X-5-.17(2)",
    "us-az-hours": "44-1278(B)(3)",
    "us-az-mobile": "44-1278(B)(3)",
    "us-ca-automated": "2872, 2874",
    "us-ct-hours": "42-288a(c)",
    "us-ct-consent": "42-288a(c)",
    "us-fl-hours": "501.616(6)",
    "us-fl-caps": "501.616(6)",
    "us-ga-automated": "46-5-23",
    "us-il-hours": "413/15",
    "us-in-automated": "24-5-14-8",
    "us-ky-hours": "367.46955(16)",
    "us-la-hours": "R-29617",
    "us-me-automated": "1498(3)",
    "us-me-caps": "1498(3)",
    "us-md-hours": "14-4502(c)",
    "us-md-caps": "14-4502(c)",
    "us-ma-hours": "159C s.3",
    "us-mi-hours": "750.540e(1)(f)",
    "us-mn-hours": "325E.30",
    "us-nm-hours": "57-12-22(B)(5)",
    "us-ms-hours": "77-3-723(1)",
    "us-nv-hours": "598.0918(3)",
    "us-nj-hours": "56:8-128",
    "us-nj-mobile": "56:8-130",
    "us-ok-hours": "775C.4",
    "us-ok-caps": "775C.4",
    "us-ok-automated": "755.1",
    "us-or-hours": "HB 3865",
    "us-or-caps": "HB 3865",
    "us-pa-hours": "Act 47 of 2026",
    "us-pa-hours-before-2026-10-18": "73 P.S. 2245",
    "us-ri-hours": "5-61-2(2), 5-61-3.6",
    "us-sd-hours": "37-30A-3(2)",
    "us-tx-hours": "301.051",
    "us-ut-hours": "13-25a-103(3)",
    "us-wa-hours": "80.36.390(8)",
    "us-wa-automated": "80.36.400",
    "us-wy-hours": "40-12-302(d)",
    "fr-hours": "2022-1313",
    "fr-caps": "2022-1313",
    "fr-consent": "2025-594",
    "es-hours": "TRLGDCU 96",
    "es-consent": "TRLGDCU 96",
    "de-consent": "UWG 7, 7a",
}


def minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute or 0)


def spans(text: str) -> tuple[tuple[int, int], ...]:
    """`10-13 14-20`, in minutes."""
    return tuple((minutes(start), minutes(end)) for start, end in (each.split("-") for each in text.split()))


def inside(inner: Week, outer: Week) -> bool:
    """Whether each minute of the one is one of the other."""
    return all(
        any(start <= first and last <= end for start, end in outer[day])
        for day in range(7)
        for first, last in inner[day]
    )


@pytest.mark.parametrize("id", HOURS)
def test_hours_are_those_of_the_facts(id: str) -> None:
    place, purposes, workdays, saturday, sunday, calendars, confidence = HOURS[id]
    rule = RULES[id]
    assert rule.week == (spans(workdays),) * 5 + (spans(saturday), spans(sunday))
    assert (rule.place, rule.purposes, rule.confidence) == (place, purposes, confidence)
    assert rule.holidays == tuple(calendars.split())
    assert rule.voices == (AI if id.endswith("-automated") else ANY)


@pytest.mark.parametrize("id", CAPS)
def test_caps_are_those_of_the_facts(id: str) -> None:
    rule = RULES[id]
    assert (rule.place, rule.purposes, rule.caps, rule.rests) == CAPS[id]
    assert rule.voices == (AI if id == "us-me-caps" else ANY)


@pytest.mark.parametrize("id", CONSENT)
def test_consent_is_asked_where_the_facts_ask_for_it(id: str) -> None:
    rule = RULES[id]
    assert (rule.place, rule.purposes, rule.voices) == CONSENT[id]
    assert rule.needs_consent


def test_nothing_else_ships() -> None:
    assert {id for id, rule in RULES.items() if rule.week} == set(HOURS)
    assert {id for id, rule in RULES.items() if rule.caps or rule.rests or rule.gap} == set(CAPS)
    assert {id for id, rule in RULES.items() if rule.needs_consent} == set(CONSENT)
    assert {id for id, rule in RULES.items() if rule.forbidden} == FORBIDDEN
    assert set(RULES) == {*HOURS, *CAPS, *CONSENT, *NOTICES, *FORBIDDEN}
    assert {id for id, rule in RULES.items() if rule.zone} == {"us-ms-hours"}
    assert {id for id, rule in RULES.items() if rule.not_on} == {*LACKING, "us-unknown-hours"}


LACKING = {
    # La. R.S. 1:55: the Battle of New Orleans, Huey P. Long Day, All Saints' Day; after Thanksgiving by proclamation.
    "us-la-hours": ["2026-11-01", "2026-11-27", "2027-01-08", "2027-08-30", "2027-11-01"],
    # Ala. Code 1-3-8: Mardi Gras in two counties.
    "us-al-hours": ["2027-02-09"],
    # R.I.G.L. 25-1-1: the election of officers of the state in even years; 4 May.
    "us-ri-hours": ["2026-11-03", "2027-05-04"],
    # Utah Code 63G-1-301: Good Friday; where 19 June is a Saturday, the Monday after it.
    "us-ut-hours": ["2027-03-26", "2027-06-21"],
}
"""Legal holidays of the states that the library's calendars lack, while the pack is good."""


@pytest.mark.parametrize("id", LACKING)
def test_legal_holidays_that_a_calendar_lacks_are_named(id: str) -> None:
    rule, days = RULES[id], frozenset(map(date.fromisoformat, LACKING[id]))
    assert rule.not_on == days
    assert all(date(2026, 11, 1) <= day < pack("us").expires for day in days)
    assert not days & (holidays(rule.place, 2026) | holidays(rule.place, 2027)), "the calendar has them by now"


def test_whoever_may_be_in_any_state_has_the_holidays_of_all() -> None:
    ours = RULES["us-unknown-hours"]
    states = [rule for id, rule in RULES.items() if id in LACKING]
    assert ours.not_on == frozenset().union(*(rule.not_on for rule in states))
    assert set(ours.holidays) == {calendar for rule in states for calendar in rule.holidays}


LEGAL = {
    "us-al-hours": """2026-11-11 2026-11-26 2026-12-25 2027-01-01 2027-01-18 2027-02-09 2027-02-15 2027-04-26 2027-05-31
        2027-06-07 2027-06-19 2027-07-04 2027-07-05 2027-09-06 2027-10-11 2027-11-11""",
    "us-ri-hours": """2026-11-03 2026-11-11 2026-11-26 2026-12-25 2027-01-01 2027-01-18 2027-02-15 2027-05-04 2027-05-31
        2027-06-19 2027-07-04 2027-07-05 2027-08-09 2027-09-06 2027-10-11 2027-11-11""",
    "us-ut-hours": """2026-11-11 2026-11-26 2026-12-25 2027-01-01 2027-01-18 2027-02-15 2027-03-26 2027-05-31 2027-06-21
        2027-07-04 2027-07-05 2027-07-23 2027-09-06 2027-10-11 2027-11-11""",
}
"""The legal holidays of a year, written down by hand from the statutes, a day off for one at the weekend among them."""


@pytest.mark.parametrize("id", LEGAL)
def test_every_legal_holiday_of_a_state_is_closed(id: str) -> None:
    rule = RULES[id]
    closed = rule.not_on.union(*(holidays(one, year) for one in rule.holidays for year in (2026, 2027)))
    assert set(map(date.fromisoformat, LEGAL[id].split())) <= closed


def test_days_from_which_and_until_which_rules_hold() -> None:
    found = {id: (rule.effective_from, rule.effective_until) for id, rule in RULES.items()}
    assert {id: days for id, days in found.items() if days != (None, None)} == EFFECTIVE


@pytest.mark.parametrize("id", CITED)
def test_citations_are_those_of_the_facts(id: str) -> None:
    assert CITED[id] in RULES[id].citation


def test_washington_bars_sales_by_an_automated_voice() -> None:
    rule = RULES["us-wa-automated"]
    assert (rule.place, rule.purposes, rule.voices) == ("US-WA", SALES, AI)


def test_the_hours_of_mississippi_are_by_the_clock_of_chicago() -> None:
    assert RULES["us-ms-hours"].zone == "America/Chicago"


@pytest.mark.parametrize("id", ["us-az-mobile", "us-nj-mobile"])
def test_a_ban_for_mobiles_reaches_what_may_be_one(id: str) -> None:
    assert RULES[id].lines >= {"mobile", "fixed_line_or_mobile", "unknown"}
    assert "fixed_line" not in RULES[id].lines


def test_where_no_state_is_known_the_hours_are_inside_those_of_every_state() -> None:
    unknown = RULES["us-unknown-hours"]
    states = [rule for rule in pack("us").rules if rule.place.startswith("US-") and rule.id != "us-me-automated"]
    assert unknown.week is not None
    for rule in states:
        assert rule.week is None or inside(unknown.week, rule.week), rule.id
    assert set(unknown.holidays) == set(chain(*(rule.holidays for rule in states if rule.effective_until is None)))


@pytest.mark.parametrize("each", PACKS, ids=codes())
def test_every_rule_says_where_it_is_from(each: Pack) -> None:
    assert each.rules
    for rule in each.rules:
        assert rule.id.startswith(f"{each.code}-")
        assert rule.citation, rule.id
        assert rule.confidence in {"high", "medium", "low", "derived", "own"}
        assert rule.read_on == each.read_on
        assert (rule.pack, rule.version) == (each.code, each.version)
        assert rule.place.partition("-")[0] in each.countries


def test_no_two_rules_share_an_id() -> None:
    found = Counter(rule.id for each in PACKS for rule in each.rules)
    assert [id for id, count in found.items() if count > 1] == []


@pytest.mark.parametrize("each", PACKS, ids=codes())
def test_a_pack_is_good_for_a_year(each: Pack) -> None:
    assert each.version == each.read_on.strftime("%Y.%m.%d") == "2026.11.22"
    assert each.expires == each.read_on.replace(year=each.read_on.year + 1)


def test_no_country_is_in_two_packs() -> None:
    assert max(Counter(chain(*(each.countries for each in PACKS))).values()) == 1
    assert pack("us").countries == {"US", "AS", "GU", "MP", "PR", "VI"}
    assert pack("uk").countries == {"GB"}


def test_registers_and_records() -> None:
    assert {each.code: each.register_days for each in PACKS if each.register_days} == {
        "us": 31, "ca": 31, "uk": 28, "sg": 21,
    }  # fmt: skip
    assert {each.code for each in PACKS if each.keeps} == {"us", "de"}
    assert all("five years" in sentence for each in PACKS for sentence in each.keeps)


def test_the_packs_that_are_promised() -> None:
    assert codes() == ("au", "bd", "ca", "de", "es", "fr", "in", "it", "jp", "sg", "uk", "us")


@pytest.mark.parametrize("code", ["", "US", "xx", "../us", "us.yaml"])
def test_a_pack_that_does_not_exist_is_told_with_those_that_do(code: str) -> None:
    with pytest.raises(LookupError, match=r"there is no rule pack .* there are au, bd, ca"):
        pack(code)


def test_a_pack_is_read_once() -> None:
    assert pack("us") is pack("us")


def test_nothing_of_a_pack_can_be_changed() -> None:
    with pytest.raises(AttributeError):
        pack("us").rules[0].week = None  # type: ignore[misc]


# --- holidays --------------------------------------------------------------------------------------------------------

DAYS_OFF = [
    ("US", "2026-11-26", True),  # Thanksgiving moves
    ("US", "2027-11-25", True),
    ("US", "2027-11-26", False),
    ("US", "2026-07-03", True),  # for the 4th, a Saturday
    ("US", "2026-12-24", False),
    ("US", "2026-04-03", False),
    ("US-LA", "2026-02-17", True),  # Mardi Gras
    ("US-LA", "2027-02-09", True),
    ("US-LA", "2026-04-03", True),  # Good Friday
    ("US-LA", "2027-03-26", True),
    ("US-AL", "2026-04-27", True),  # Confederate Memorial Day
    ("US-UT", "2026-07-24", True),  # Pioneer Day
    ("US-RI", "2026-08-10", True),  # Victory Day
    ("US-FL", "2026-07-24", False),
    ("FR", "2026-07-14", True),
    ("FR", "2026-05-14", True),  # Ascension moves
    ("IT", "2026-04-06", True),  # Easter Monday
    ("ES", "2026-10-12", True),
    ("AU", "2026-01-26", True),
]


@pytest.mark.parametrize(("calendar", "day", "off"), DAYS_OFF)
def test_holidays(calendar: str, day: str, off: bool) -> None:
    asked = date.fromisoformat(day)
    assert (asked in holidays(calendar, asked.year)) is off


def test_every_calendar_that_a_rule_names_is_known() -> None:
    for rule in RULES.values():
        for calendar in rule.holidays:
            assert all(holidays(calendar, year) for year in (2026, 2027, 2028)), rule.id


@pytest.mark.parametrize("calendar", ["", "XX", "US-XX", "us", "US-", "Texas", "US-LA-X"])
def test_a_calendar_that_is_not_known_is_no_calendar_without_days(calendar: str) -> None:
    with pytest.raises(LookupError, match="no calendar of holidays is known by"):
        holidays(calendar, 2026)


def test_a_year_of_which_nothing_is_known_is_no_year_without_days() -> None:
    with pytest.raises(LookupError, match="says nothing of the year 1500"):
        holidays("US", 1500)


def test_all_that_ships_is_in_the_package() -> None:
    """The wheel takes everything under `dialer/`; a pack anywhere else would be missing where it is installed."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["dialer"]
    assert {path.stem for path in (ROOT / "dialer/packs").glob("*.yaml")} == set(codes())
