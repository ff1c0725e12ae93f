"""Where a person may be: which evidence decides over the time, which states' law applies, and who is held."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.places.states import by_area_code, known_place
from dialer.places.whereabouts import whereabouts
from dialer.places.zones import agree, clock, known_zone, nearest_zone, zone

NY, CHICAGO, DENVER, PHOENIX, LA = (
    f"America/{city}" for city in ("New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles")
)

# --- the number alone ----------------------------------------------------------------------------

# The 18 area codes of which the phonenumbers library knows only one of two zones, and the four of which it knows both.
SPLIT = {
    "219": (CHICAGO, NY), "270": (CHICAGO, NY), "308": (CHICAGO, DENVER), "364": (CHICAGO, NY), "423": (CHICAGO, NY),
    "458": (LA, DENVER), "541": (LA, DENVER), "574": (CHICAGO, NY), "606": (CHICAGO, NY), "620": (CHICAGO, DENVER),
    "785": (CHICAGO, DENVER), "807": (NY, "America/Winnipeg"), "812": (CHICAGO, NY), "850": (CHICAGO, NY),
    "867": ("America/Edmonton", "America/Winnipeg", NY), "906": (CHICAGO, NY), "915": (CHICAGO, DENVER),
    "931": (CHICAGO, NY),
    "208": (DENVER, LA), "605": (CHICAGO, DENVER), "701": (CHICAGO, DENVER), "986": (DENVER, LA),
}  # fmt: skip


@pytest.mark.parametrize(("area_code", "zones"), SPLIT.items(), ids=str)
@pytest.mark.parametrize("exchange", ["555", "200", "987"])
def test_an_area_code_in_two_zones_has_both(area_code: str, zones: tuple[str, ...], exchange: str) -> None:
    clocks = {clock(name) for name in whereabouts(f"+1{area_code}{exchange}0123").zones}
    assert clocks >= {clock(name) for name in zones}


NUMBERS = [
    ("+13055550123", (CHICAGO, NY), ("US", "US-FL")),  # all zones of the state
    ("+16895550123", (CHICAGO, NY), ("US", "US-FL")),  # Orlando, which the library puts in Chicago alone
    ("+12125550123", (NY,), ("US", "US-NY")),
    ("+13105550123", (LA,), ("US", "US-CA")),
    ("+16025550123", (PHOENIX,), ("US", "US-AZ")),
    ("+15205550123", (PHOENIX,), ("US", "US-AZ")),
    ("+19285550123", (DENVER, PHOENIX), ("US", "US-AZ")),  # the Navajo Nation keeps summer time
    ("+19288710123", (DENVER, PHOENIX), ("US", "US-AZ")),
    ("+17025550123", (LA,), ("US", "US-NV")),
    ("+17755550123", (DENVER, LA), ("US", "US-NV")),  # West Wendover
    ("+18085550123", ("Pacific/Honolulu",), ("US", "US-HI")),
    ("+17875550123", ("America/Puerto_Rico",), ("US", "US-PR")),
    ("+16716461234", ("Pacific/Guam",), ("US", "US-GU")),
    ("+17095550123", ("America/Goose_Bay", "America/St_Johns"), ("CA", "CA-NL")),
    ("+18795550123", ("America/Goose_Bay", "America/St_Johns"), ("CA", "CA-NL")),
    ("+14745550123", ("America/Edmonton", "America/Regina"), ("CA", "CA-SK")),
    ("+19025550123", ("America/Halifax",), ("CA", "CA-NS", "CA-PE")),
    ("+18765230123", ("America/Jamaica",), ("JM",)),
    ("+442079460000", ("Europe/London",), ("GB",)),
    ("+33612345678", ("Europe/Paris",), ("FR",)),
    ("+919812345678", ("Asia/Kolkata",), ("IN",)),
    ("+9779812345678", ("Asia/Kathmandu",), ("NP",)),
    ("+61212345678", ("Australia/Sydney",), ("AU",)),
    ("+34928123456", ("Atlantic/Canary",), ("ES",)),
    ("+34612345678", ("Atlantic/Canary", "Europe/Madrid"), ("ES",)),
    ("+5511987654321", ("America/Sao_Paulo",), ("BR",)),
    ("+383441234567", ("Europe/Belgrade",), ("XK",)),  # Kosovo, which the tz database does not list
]  # fmt: skip


@pytest.mark.parametrize(("number", "zones", "places"), NUMBERS)
def test_a_number_says_zones_and_places(number: str, zones: tuple[str, ...], places: tuple[str, ...]) -> None:
    found = whereabouts(number)
    assert (found.zones, found.places, found.held) == (zones, places, "")


def test_australian_and_russian_mobiles_may_be_anywhere_in_the_country() -> None:
    australia = whereabouts("+61412345678").zones
    assert {"Australia/Perth", "Australia/Sydney", "Australia/Darwin", "Australia/Lord_Howe"} < set(australia)
    assert {"Indian/Christmas", "Indian/Cocos"} < set(australia)
    russia = whereabouts("+79161234567").zones
    assert len(russia) == 11
    assert {"Europe/Kaliningrad", "Europe/Moscow", "Asia/Kamchatka"} < {*russia, "Asia/Kamchatka"}
    assert agree(["Asia/Kamchatka"], russia)


@pytest.mark.parametrize(
    ("number", "places"),
    [
        ("+18005550199", ("US", "US-?")),  # free to the caller
        ("+15005550123", ("US", "US-?")),  # personal
        ("+19002345678", ("US", "US-?")),  # premium
        ("+16005550123", ("CA",)),
        ("+448001234567", ("GB",)),
        ("+8005550123", ()),  # international freephone
        ("+870773111632", ()),  # a ship
        ("+88213423456", ()),
        ("+12", ()),
        ("nonsense", ()),
        ("", ()),
    ],
)
def test_a_number_that_says_no_place_is_held(number: str, places: tuple[str, ...]) -> None:
    found = whereabouts(number)
    assert (found.zones, found.places, found.held) == ((), places, "no_zone")
    assert "timezone, postcode or region" in found.why
    assert not any(digits and digits in found.why for digits in (number[5:],))


def test_a_cell_is_shown_without_what_could_steer_a_terminal_and_cut_short() -> None:
    found = whereabouts("+12125550123", region="\x1b[2J" + "x" * 10_000)
    assert len(found.why) < 250
    assert "\x1b" not in found.why


def test_nobody_without_a_number_is_called() -> None:
    assert whereabouts(()).held == "no_zone"


# --- several kinds of evidence -------------------------------------------------------------------

# number, timezone, postcode, region → zones, places
TOGETHER = [
    ("+13055550123", NY, "", "", (NY,), ("US", "US-FL")),
    ("+13055550123", " US/Eastern ", "", "", (NY,), ("US", "US-FL")),
    ("+13055550123", "", "33101", "", (NY,), ("US", "US-FL")),
    ("+13055550123", "", "32501-1234", "", (CHICAGO,), ("US", "US-FL")),  # Pensacola
    ("+13055550123", "", "", "FL", (CHICAGO, NY), ("US", "US-FL")),
    ("+13055550123", CHICAGO, "", "Florida", (CHICAGO,), ("US", "US-FL")),
    # a stronger one settles what a weaker one leaves open
    ("+13055550123", "", "32501", "FL", (CHICAGO,), ("US", "US-FL")),
    ("+13055550123", "America/Detroit", "", "", ("America/Detroit",), ("US", "US-FL")),  # one clock with New York
    # the law of the number's state stays, wherever its owner lives
    ("+13055550123", "", "10001", "", (NY,), ("US", "US-FL", "US-NY")),
    ("+12025550123", "", "", "Texas", (CHICAGO, DENVER, NY), ("US", "US-DC", "US-TX")),
    # those that disagree apply together
    ("+13055550123", LA, "", "", (CHICAGO, LA, NY), ("US", "US-FL")),
    ("+12125550123", CHICAGO, "10001", "", (CHICAGO, NY), ("US", "US-NY")),
    ("+12125550123", "", "90001", "", (LA, NY), ("US", "US-CA", "US-NY")),
    ("+12125550123", "", "10001", "CA", (LA, NY), ("US", "US-CA", "US-NY")),
    # numbers of no place, placed by their address
    ("+18005550199", "", "33101", "", (NY,), ("US", "US-FL")),
    ("+18005550199", NY, "", "", (NY,), ("US", "US-?")),
    ("+8005550123", NY, "", "", (NY,), ()),
    # elsewhere a postcode says the country, and a region says more
    ("+61212345678", "", "2000", "", None, ("AU",)),
    ("+61412345678", "", "6000", "WA", ("Australia/Eucla", "Australia/Perth"), ("AU", "AU-WA")),
    ("+442079460000", "", "SW1A 1AA", "Kent", ("Europe/London",), ("GB",)),
    ("+14165550123", "", "H2X 1Y4", "", ("America/Blanc-Sablon", "America/Halifax", "America/Toronto"),
     ("CA", "CA-ON", "CA-QC")),
    ("+12125550123", "", "V6B 1A1", "", ("America/Creston", "America/Edmonton", NY, "America/Vancouver"),
     ("CA", "CA-BC", "US", "US-NY")),
]  # fmt: skip


@pytest.mark.parametrize(("number", "timezone", "postcode", "region", "zones", "places"), TOGETHER)
def test_the_strongest_evidence_decides_and_what_disagrees_applies_too(
    number: str, timezone: str, postcode: str, region: str, zones: tuple[str, ...] | None, places: tuple[str, ...]
) -> None:
    found = whereabouts(number, timezone=timezone, postcode=postcode, region=region)
    if zones is None:
        zones = whereabouts("+61412345678").zones
    assert {clock(name) for name in found.zones} == {clock(name) for name in zones}
    assert (found.places, found.held) == (places, "")


def test_the_evidence_is_named_strongest_first() -> None:
    found = whereabouts(["+13055550123", "+12125550123"], timezone="US/Eastern", postcode="33101", region="FL")
    assert found.evidence == (
        "timezone America/New_York",
        "postcode '33101'",
        "region 'FL'",
        "number +1305",
        "number +1212",
    )


def test_of_several_numbers_all_zones_and_places_apply() -> None:
    two_homes = whereabouts(["+12125550123", "+13105550123"])
    assert (two_homes.zones, two_homes.places) == ((LA, NY), ("US", "US-CA", "US-NY"))
    with_address = whereabouts(["+12125550123", "+442079460000"], postcode="75201")
    assert with_address.zones == (CHICAGO, NY, "Europe/London")
    assert with_address.places == ("GB", "US", "US-NY", "US-TX")
    one_unknown = whereabouts(["+18005550199", "+12125550123"])
    assert (one_unknown.zones, one_unknown.places) == ((NY,), ("US", "US-?", "US-NY"))


# --- zones by name -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("America/New_York", NY),
        ("america/new york", NY),
        ("US/Eastern", NY),
        ("US/East-Indiana", "America/Indiana/Indianapolis"),
        ("America/Indianapolis", "America/Indiana/Indianapolis"),
        ("Navajo", DENVER),
        ("GB", "Europe/London"),
        ("Asia/Katmandu", "Asia/Kathmandu"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("Europe/Kiev", "Europe/Kyiv"),
        ("Europe/Amsterdam", "Europe/Amsterdam"),
        ("America/Puerto_Rico", "America/Puerto_Rico"),
    ],
)
def test_names_of_the_tz_database_are_known_old_ones_too(text: str, name: str) -> None:
    assert known_zone(text) == name
    assert name in available_timezones()
    assert clock(name) == clock(str(zone(name)))


REFUSED = [
    ("EST", "America/New_York"), ("EST5EDT", "America/New_York"), ("Eastern", "America/New_York"), ("MST", DENVER),
    ("HST", "Pacific/Honolulu"), ("CET", "Europe/Berlin"), ("GMT", "Europe/London"), ("America/New_Yrok", NY),
    ("America/Los Angelos", LA), ("UTC", None), ("Etc/GMT+5", None), ("GMT+5", None), ("+05:00", None), ("-5", None),
    ("Zulu", None), ("Factory", None), ("localtime", None), ("posix/America/New_York", NY), ("../etc/passwd", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meant"), REFUSED)
def test_a_zone_that_says_no_place_is_held_with_the_name_that_was_meant(text: str, meant: str | None) -> None:
    found = whereabouts("+13055550123", timezone=text, postcode="33101")
    assert (found.zones, found.held) == ((), "unknown_zone")
    assert repr(text) in found.why
    assert meant is None or meant in found.why
    assert known_zone(text) is None


def test_a_text_near_to_nothing_has_no_suggestion() -> None:
    assert nearest_zone("somewhere") is None


# --- postcodes -----------------------------------------------------------------------------------

ZIPS = [
    ("86503", (DENVER, PHOENIX), "US-AZ"),  # Chinle, in the Navajo Nation
    ("86045", (DENVER, PHOENIX), "US-AZ"),  # Tuba City
    ("86039", (DENVER, PHOENIX), "US-AZ"),  # Hopi land inside of it
    ("86003", (PHOENIX,), "US-AZ"),  # Flagstaff
    ("85001", (PHOENIX,), "US-AZ"),
    ("84536", (DENVER,), "US-UT"),
    ("89883", (DENVER,), "US-NV"),  # West Wendover
    ("89825", (DENVER, LA), "US-NV"),
    ("37405", (NY,), "US-TN"),  # Chattanooga
    ("83522", ("America/Boise", LA), "US-ID"),  # Cottonwood, on the Salmon River
    ("97910", ("America/Boise", LA), "US-OR"),  # Jordan Valley
    ("97914", ("America/Boise",), "US-OR"),
    ("67857", (CHICAGO, DENVER), "US-KS"),
    ("79901", (DENVER,), "US-TX"),  # El Paso
    ("49938", (CHICAGO,), "US-MI"),  # Ironwood
    ("46360", (CHICAGO,), "US-IN"),  # Michigan City
    ("47586", (CHICAGO,), "US-IN"),  # Tell City
    ("47591", (NY,), "US-IN"),  # Vincennes
    ("46204", (NY,), "US-IN"),
    ("32501", (CHICAGO,), "US-FL"),
    ("32456", (CHICAGO, NY), "US-FL"),
    ("99501", ("America/Anchorage",), "US-AK"),
    ("99546", ("America/Adak",), "US-AK"),
    ("99634", ("America/Anchorage", "America/Adak"), "US-AK"),  # of which the table gives the town for the zone
    ("96813", ("Pacific/Honolulu",), "US-HI"),
    ("00901", ("America/Puerto_Rico",), "US-PR"),
    ("96910", ("Pacific/Guam",), "US-GU"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "zones", "state"), ZIPS)
def test_a_zip_says_zone_and_state(code: str, zones: tuple[str, ...], state: str) -> None:
    found = whereabouts("+18005550199", postcode=code)
    assert {clock(name) for name in found.zones} == {clock(name) for name in zones}
    assert (found.places, found.held) == (("US", state), "")


@pytest.mark.parametrize(
    ("number", "postcode", "says"),
    [
        ("+12125550123", "99999", "no known US ZIP"),
        ("+12125550123", "2134", "write 02134"),
        ("+12125550123", "SW1A 1AA", "no known US ZIP"),
        ("+12125550123", "33101.0", "no known US ZIP"),
        ("+12125550123", "33 101", "no known US ZIP"),
        ("+12125550123", "٣٣١٠١", "no known US ZIP"),
        ("+12125550123", "09012", "mail of the forces"),
        ("+14165550123", "33101", "no known Canadian postcode"),
        ("+14165550123", "Z5V 2T6", "no known Canadian postcode"),
    ],
)
def test_a_postcode_that_is_not_known_is_held(number: str, postcode: str, says: str) -> None:
    found = whereabouts(number, postcode=postcode, timezone=NY)
    assert (found.zones, found.held) == ((), "unknown_postcode")
    assert repr(postcode) in found.why
    assert says in found.why


def test_an_address_in_a_country_of_its_own_brings_its_law() -> None:
    assert "FM" in whereabouts("+12125550123", postcode="96941").places  # Micronesia has US ZIPs


# --- regions -------------------------------------------------------------------------------------

REGIONS = [
    ("+12125550123", "FL", "US-FL"), ("+12125550123", "us-fl", "US-FL"), ("+12125550123", "FLORIDA ", "US-FL"),
    ("+12125550123", "D.C.", "US-DC"), ("+12125550123", "Washington, D.C.", "US-DC"), ("+12125550123", "WA", "US-WA"),
    ("+12125550123", "Washington", "US-WA"), ("+12125550123", "DE", "US-DE"), ("+12125550123", "PR", "US-PR"),
    ("+12125550123", "Ontario", "CA-ON"), ("+14165550123", "Québec", "CA-QC"), ("+14165550123", "quebec", "CA-QC"),
    ("+14165550123", "Newfoundland", "CA-NL"), ("+14165550123", "YT", "CA-YT"), ("+14165550123", "NT", "CA-NT"),
    ("+61412345678", "NT", "AU-NT"), ("+61412345678", "New South Wales", "AU-NSW"), ("+61412345678", "WA", "AU-WA"),
    ("+442079460000", "Florida", "US-FL"), ("+442079460000", "US-FL", "US-FL"), ("+12125550123", "DE-BY", "DE"),
    ("+12125550123", "Puerto Rico", "US-PR"), ("+12125550123", "GB", "GB"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "region", "place"), REGIONS)
def test_a_region_is_read_in_many_spellings(number: str, region: str, place: str) -> None:
    found = whereabouts(number, region=region)
    assert found.held == ""
    assert set(found.places) == {*whereabouts(number).places, place[:2], place}


@pytest.mark.parametrize(
    ("number", "region"),
    [("+4930123456", "BY"), ("+4930123456", "Bayern"), ("+442079460000", "WA"), ("+34612345678", "Canarias")],
)
def test_where_states_are_not_known_one_by_one_a_region_is_one_of_the_country(number: str, region: str) -> None:
    found, alone = whereabouts(number, region=region), whereabouts(number)
    assert (found.zones, found.places, found.held) == (alone.zones, alone.places, "")


@pytest.mark.parametrize(("number", "region"), [("+12125550123", "US"), ("+14165550123", "CA"), ("+61412345678", "AU")])
def test_a_region_that_is_the_country_says_no_more_than_the_number(number: str, region: str) -> None:
    assert whereabouts(number, region=region) == whereabouts(number)


def test_a_text_that_may_be_several_regions_is_all_of_them() -> None:
    assert {"AU-WA", "US-WA"} < set(whereabouts("+14165550123", region="WA").places)
    assert {"US-CA", "US", "CA-ON"} < set(whereabouts(["+14165550123", "+12125550123"], region="CA").places)


@pytest.mark.parametrize(
    ("number", "region"),
    [
        ("+12125550123", "XX"),
        ("+12125550123", "Bayern"),
        ("+14165550123", "Kent"),
        ("+12125550123", "US-XX"),
        ("+8005550123", "Atlantis"),
    ],
)
def test_a_region_that_is_not_known_is_held(number: str, region: str) -> None:
    found = whereabouts(number, region=region, timezone=NY)
    assert (found.zones, found.held) == ((), "unknown_region")
    assert repr(region) in found.why


@pytest.mark.parametrize("place", ["US", "US-FL", "US-PR", "CA-ON", "AU-NSW", "GB", "DE", "XK", "US-?"])
def test_places_that_rules_may_be_written_for(place: str) -> None:
    assert known_place(place)


@pytest.mark.parametrize("place", ["us-fl", "US-XX", "FL", "Florida", "", "*", "DE-BY", "ZZ", "USA"])
def test_places_that_rules_may_not_be_written_for(place: str) -> None:
    assert not known_place(place)


# --- whatever the cells --------------------------------------------------------------------------

CELLS = st.text(max_size=12) | st.sampled_from(
    ["", NY, LA, "EST", "33101", "86503", "99999", "FL", "ON", "WA", "Ontario"]
)


@pytest.mark.slow
@settings(deadline=None)  # the first ZIP loads a table
@given(
    st.lists(st.sampled_from(sorted(by_area_code())), min_size=1, max_size=3),
    CELLS,
    CELLS,
    CELLS,
)
def test_either_there_are_zones_or_the_person_is_held_and_the_law_of_each_number_stays(
    area_codes: list[str], timezone: str, postcode: str, region: str
) -> None:
    numbers = [f"+1{area_code}5550123" for area_code in area_codes]
    found = whereabouts(numbers, timezone=timezone, postcode=postcode, region=region)
    assert bool(found.held) == (not found.zones) == bool(found.why)
    assert set(found.zones) <= available_timezones()
    valid = [number for number in numbers if whereabouts(number).places]
    assert all(set(whereabouts(number).places) <= set(found.places) for number in valid)
    if found.held:
        assert "\n" not in found.why
