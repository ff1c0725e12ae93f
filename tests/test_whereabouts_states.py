"""The tables of states, ZIPs and corrections against what the libraries and the tz database know."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache

import phonenumbers
import pytest
import zipcodes
from phonenumbers import PhoneNumber, PhoneNumberType
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

from dialer.places.postcodes import us_address, zip_of
from dialer.places.spots import spot, start_of
from dialer.places.states import by_area_code, country_of, is_divided, named_states, states
from dialer.places.zones import agree, clock, country_zones, known_zone, merged, zone

SUBSCRIBERS = ("5550123", "2345678", "4612345", "7301234")
GEOGRAPHIC = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


@cache
def zip_table() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = zipcodes.filter_by()  # type: ignore[no-untyped-call]  # it says it is typed, and is not
    return rows


def regions_of(area_code: str) -> set[str]:
    """The regions of the numbers of a place in this area code, by the phonenumbers library."""
    numbers = (PhoneNumber(1, int(area_code + subscriber)) for subscriber in SUBSCRIBERS)
    return {
        country_of(phonenumbers.region_code_for_number(number) or "")
        for number in numbers
        if phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in GEOGRAPHIC
    }


def test_every_area_code_of_the_united_states_is_of_one_state_and_every_canadian_one_of_a_province() -> None:
    for area_code in map(str, range(200, 1000)):
        those = by_area_code().get(area_code, ())
        regions = regions_of(area_code)
        if "US" in regions:
            assert [state.country for state in those] == ["US"], area_code
        elif "CA" in regions:
            assert those, area_code
            assert {state.country for state in those} == {"CA"}, area_code
        elif regions:
            assert not those, area_code
    assert sum(len(those) == 1 for those in by_area_code().values()) > 400


def test_only_the_maritimes_and_the_north_of_canada_share_an_area_code() -> None:
    shared = {code: [state.code for state in those] for code, those in by_area_code().items() if len(those) > 1}
    assert shared == {
        "782": ["CA-NS", "CA-PE"],
        "867": ["CA-NT", "CA-NU", "CA-YT"],
        "902": ["CA-NS", "CA-PE"],
    }


def test_every_town_that_the_geocoder_knows_lies_in_the_state_of_its_area_code() -> None:
    wrong = {"1201631"}  # Englewood, New Jersey, which it takes for New York
    seen = set()
    for start, names in GEOCODE_DATA.items():
        state = names.get("en", "").rpartition(", ")[2]
        those = by_area_code().get(start[1:4], ()) if start.startswith("1") else ()
        if those and len(state) == 2 and start not in wrong:
            assert state in [each.code[3:] for each in those], (start, names)
            seen.add(start[1:4])
    assert len(seen) > 290


def test_there_are_fifty_states_and_the_rest() -> None:
    codes = list(states())
    assert sum(code.startswith("US-") for code in codes) == 50 + 1 + 5
    assert sum(code.startswith("CA-") for code in codes) == 13
    assert sum(code.startswith("AU-") for code in codes) == 8
    assert is_divided("US")
    assert not is_divided("DE")


@pytest.mark.parametrize("country", ["US", "CA", "AU"])
def test_the_states_have_the_zones_of_their_country_and_no_others(country: str) -> None:
    # The territories, Macquarie Island and the Falklands of the seas have entries of their own in zone.tab.
    known = {zone_name for state in states().values() if state.country == country for zone_name in state.all_zones()}
    listed = set(country_zones(country)) - {"Antarctica/Macquarie", "Australia/Lord_Howe"}
    territories = {"America/Puerto_Rico", "America/St_Thomas", "Pacific/Guam", "Pacific/Pago_Pago", "Pacific/Saipan"}
    assert listed <= known
    assert known - listed <= (territories if country == "US" else set())


def test_every_name_of_a_zone_in_the_tables_is_one_of_today() -> None:
    for state in states().values():
        for name in state.all_zones():
            assert known_zone(name) == name


@pytest.mark.slow
def test_every_zip_is_on_a_clock_of_its_state() -> None:
    for row in zip_table():
        state = states().get("US-" + row["state"])
        address = us_address(row["zip_code"])
        assert address is not None
        if state is not None:
            assert address.places == ("US", state.code)
            assert address.zones
            assert all(agree([name], state.all_zones()) for name in address.zones), row


@pytest.mark.slow
def test_arizona_has_no_zip_in_the_navajo_nation_that_is_not_in_both_zones() -> None:
    for row in zip_table():
        if (row["state"], row["timezone"]) != ("AZ", "America/Denver"):
            continue
        address = us_address(row["zip_code"])
        assert address is not None
        assert set(address.zones) == {"America/Phoenix", "America/Denver"} or row["zip_code"] == "86003"


# Counties of Indiana on Central time, by 49 CFR 71.5.
CENTRAL = {
    "Gibson", "Jasper", "Lake", "LaPorte", "La Porte", "Newton", "Perry", "Porter", "Posey", "Spencer", "Starke",
    "Vanderburgh", "Warrick",
}  # fmt: skip


@pytest.mark.slow
def test_the_counties_of_indiana_are_on_their_time() -> None:
    for row in zip_table():
        if row["state"] != "IN":
            continue
        address = us_address(row["zip_code"])
        assert address is not None
        expected = "America/Chicago" if row["county"].removesuffix(" County") in CENTRAL else "America/New_York"
        assert [clock(name) for name in address.zones] == [clock(expected)], row


# Counties with a line between two times in them. All others are on one time, whichever of their ZIPs is asked.
DIVIDED = {
    ("NV", "Elko County"), ("FL", "Gulf County"), ("NE", "Cherry County"), ("ID", "Idaho County"),
    ("ND", "McKenzie County"),
    ("AZ", "Navajo County"), ("AZ", "Apache County"), ("AZ", "Coconino County"), ("AK", "Aleutians West Census Area"),
}  # fmt: skip


@pytest.mark.slow
def test_no_other_county_is_on_two_times() -> None:
    clocks = defaultdict(list)
    for row in zip_table():
        address = us_address(row["zip_code"])
        if address is not None and address.zones:
            clocks[row["state"], row["county"]].append({clock(name) for name in address.zones})
    apart = {county for county, found in clocks.items() if not set.intersection(*found)}
    assert apart <= DIVIDED


def test_a_zip_has_five_digits_or_nine() -> None:
    assert [zip_of(text) for text in ("33101", "33101-1234", "331011234", " 33101 ")] == ["33101"] * 4
    assert [zip_of(text) for text in ("3310", "331012", "33101-", "33101-12", "3310a", "")] == [None] * 6


def test_the_library_has_no_zone_of_a_number_that_its_state_has_not_but_for_two_known() -> None:
    # Adak for Honolulu, and exchanges of the Yukon that are listed with Vancouver: both are taken with the state's.
    beyond = set()
    for start in TIMEZONE_DATA:
        those = by_area_code().get(start[1:4], ()) if start.startswith("1") else ()
        if those:
            own = [name for state in those for name in state.all_zones()]
            found = spot(start_of(f"+{start:0<11}"), those[0].country, "fixed_line_or_mobile")
            beyond |= {(start[1:4], name) for name in found.zones if not agree([name], own)}
    assert {area_code for area_code, _ in beyond} <= {"867", "907"}


def test_corrections_are_of_what_the_library_still_says_wrongly() -> None:
    # When one of these is right in the library, its line can go.
    assert TIMEZONE_DATA["1689"] == ("America/Chicago",)
    assert TIMEZONE_DATA["1474"] == ("America/Winnipeg",)
    assert "America/Puerto_Rico" in TIMEZONE_DATA["1879"]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("America/New_York", "America/Detroit", True),
        ("America/New_York", "America/Indiana/Indianapolis", True),
        ("America/Chicago", "America/Menominee", True),
        ("America/Denver", "America/Boise", True),
        ("America/Denver", "America/Phoenix", False),  # the same in winter
        ("America/New_York", "America/Havana", False),  # the same but on two nights
        ("America/New_York", "America/Panama", False),
        ("America/Halifax", "America/Goose_Bay", True),
        ("America/Halifax", "America/Puerto_Rico", False),
        ("Europe/Berlin", "Europe/Paris", True),
        ("Australia/Brisbane", "Australia/Sydney", False),
    ],
)
def test_zones_are_one_clock_if_they_never_differ(one: str, other: str, is_same: bool) -> None:
    assert (clock(one) == clock(other)) == is_same


@pytest.mark.slow
def test_zones_that_are_taken_for_one_clock_agree_at_every_quarter_of_an_hour() -> None:
    groups = defaultdict(list)
    for state in states().values():
        for name in state.all_zones():
            groups[clock(name)].append(name)
    begin = datetime(2026, 12, 1, tzinfo=UTC)
    instants = [begin + step * timedelta(minutes=15) for step in range(2 * 365 * 96)]
    for names in groups.values():
        first, *others = map(zone, dict.fromkeys(names))
        offsets = [instant.astimezone(first).utcoffset() for instant in instants]
        for each in others:
            assert [instant.astimezone(each).utcoffset() for instant in instants] == offsets, each


def test_of_zones_with_one_clock_the_first_stays() -> None:
    assert merged(["America/Detroit", "America/Chicago", "America/New_York"]) == ("America/Detroit", "America/Chicago")


def test_a_state_of_the_own_country_comes_before_others_of_that_name() -> None:
    assert [state.code for state in named_states("WA", ["AU"])] == ["AU-WA"]
    assert [state.code for state in named_states("WA", ["GB"])] == ["US-WA", "AU-WA"]
    assert named_states("Atlantis", ["US"]) == ()
