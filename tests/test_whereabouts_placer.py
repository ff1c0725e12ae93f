"""Rows are placed one after the other as if each were looked at alone."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.model import Audience, Number
from dialer.places import NumberReader
from dialer.places import whereabouts as module
from dialer.places.whereabouts import Placer, whereabouts

NUMBERS = [
    "+13055550123", "+13055550124", "+12125550123", "+12195550123", "+12199880123", "+12082345678", "+18005550199",
    "+17875552345", "+14165550123", "+442079460000", "+447781123456", "+4930123456", "+61412345678", "+61212345678",
    "+34612345678", "+34928123456", "+8005550123",
]  # fmt: skip
CELLS = ["", "America/New_York", "US/Pacific", "EST", "33101", "33102", "90001", "99999", "FL", "Texas", "Kent", "WA"]
read = NumberReader(None)


def numbered(text: str) -> Number:
    found = read(text)
    assert isinstance(found, Number)
    return found


def placed(placer: Placer, numbers: list[str], timezone: str, postcode: str, region: str, consents: bool) -> Audience:
    found = [numbered(each) for each in numbers]
    return placer.audience(
        [each.e164 for each in found],
        [each.kind for each in found],
        [each.region for each in found],
        timezone,
        postcode,
        region,
        consents,
    )


SHARED = Placer()


@settings(deadline=None)  # the first ZIP loads a table
@given(
    st.lists(st.sampled_from([each for each in NUMBERS if each != "+8005550123"]), min_size=1, max_size=3),
    st.sampled_from(CELLS),
    st.sampled_from(CELLS),
    st.sampled_from(CELLS),
    st.booleans(),
)
def test_what_was_seen_before_changes_nothing(
    numbers: list[str], timezone: str, postcode: str, region: str, consents: bool
) -> None:
    found = placed(SHARED, numbers, timezone, postcode, region, consents)
    where = whereabouts(numbers, timezone=timezone, postcode=postcode, region=region)
    assert (found.zones, found.places, found.held) == (where.zones, where.places, where.held)
    assert found.consents is consents
    assert found.lines == tuple(sorted({numbered(each).kind for each in numbers}))
    assert found == placed(Placer(), numbers, timezone, postcode, region, consents)


def test_countries_are_those_of_the_numbers_and_of_the_address() -> None:
    assert placed(Placer(), ["+13055550123", "+442079460000"], "", "", "", False).countries == ("GB", "US")
    assert placed(Placer(), ["+442079460000"], "", "", "Florida", False).countries == ("GB", "US")
    assert placed(Placer(), ["+17875552345"], "", "", "", False).countries == ("US",)  # Puerto Rico
    assert placed(Placer(), ["+447781123456"], "", "", "", False).countries == ("GG",)


def test_a_number_of_no_country_is_of_one_that_no_pack_has() -> None:
    found = Placer().audience(["+80055501234"], ["unknown"], ["001"], "America/New_York")
    assert (found.countries, found.zones, found.held) == (("001",), ("America/New_York",), "")
    assert Placer().audience(["+80055501234"], ["unknown"], [""]).countries == ("001",)


def test_people_of_whom_the_same_is_known_share_one_audience() -> None:
    placer = Placer()
    first = placed(placer, ["+13055550123"], "", "33101", "", True)
    assert placed(placer, ["+13057770123"], "", "33139", "", True) is first
    assert placed(placer, ["+13057770123"], "", "33139", "", False) is not first


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 10)
    placer = Placer()
    for row in range(100):
        placer.audience(["+442079460000"], ["fixed_line"], ["GB"], "", f"SW{row} 1AA", "")
        placer.audience([f"+1{305 + row % 5}5550123"], ["fixed_line_or_mobile"], ["US"], "", "", "", bool(row % 2))
    assert len(placer._addresses) <= 10
    assert len(placer._audiences) <= 10
    assert len(placer._findings) <= 3


def test_numbers_kinds_and_countries_belong_together() -> None:
    with pytest.raises(ValueError, match="shorter"):
        Placer().audience(["+13055550123", "+12125550123"], ["mobile"], ["US", "US"])


@pytest.mark.slow
def test_the_table_of_zips_is_loaded_by_the_first_zip_alone() -> None:
    code = (
        "import sys; from dialer.places.whereabouts import whereabouts as w;"
        "w('+13055550123', timezone='America/New_York', region='FL'); assert 'zipcodes' not in sys.modules;"
        "w('+13055550123', postcode='33101'); assert 'zipcodes' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
