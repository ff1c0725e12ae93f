"""Where a telephone number says that its owner is: countries, states and zones, by its first digits.

North American numbers have the zones of their state, united with what the phonenumbers library says of their first
digits, since that alone misses a zone in 18 of the 22 area codes that have two. Elsewhere the library is believed for
numbers of a place; mobile numbers, and all that say no place, have every zone of their country. Numbers that are free
to the caller, and those of no country, have none.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import phonenumbers
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from dialer.places.states import UNKNOWN_STATE, by_area_code, country_of
from dialer.places.zones import agree, country_zones, known_zone, merged

NO_COUNTRY = "001"
"""The region of numbers of no country (satellites, international services), as the library calls it."""

_AREA = 4  # the 1 and the area code
_EXCHANGE = 7  # and the three digits after it

# North American area codes of which the library knows more than one answer.
_BY_EXCHANGE = frozenset(key[:_AREA] for key in TIMEZONE_DATA if key.startswith("1") and len(key) > _AREA)

# Mobile numbers of these islands cannot be told from Australia's.
_SHARED = {"AU": ("Indian/Christmas", "Indian/Cocos")}


@dataclass(frozen=True, slots=True)
class Spot:
    """What is known of all numbers that begin with `start` (digits), of one region and kind."""

    start: str
    country: str
    zones: tuple[str, ...]
    places: tuple[str, ...]


def start_of(number: str) -> str:
    """The first digits of an E.164 number that decide over its zones and its state."""
    digits = number[1:]
    area = digits[:_AREA]
    if area[:1] == "1":
        return area if area not in _BY_EXCHANGE else _longest(digits, _EXCHANGE, _AREA)
    return _longest(digits, TIMEZONE_LONGEST_PREFIX, 1)


def _longest(digits: str, longest: int, shortest: int) -> str:
    for length in range(longest, shortest, -1):
        if digits[:length] in TIMEZONE_DATA:
            return digits[:length]
    return digits[:_AREA]


@cache
def spot(start: str, region: str, kind: str) -> Spot:
    """What numbers say that begin so, are of this region (ISO 3166, '' or 001 for none) and of this kind."""
    if region in ("", NO_COUNTRY):
        return Spot(start, NO_COUNTRY, (), ())
    if start.startswith("1") and (region in ("US", "CA") or start[1:_AREA] in by_area_code()):
        return _north_american(start, country_of(region))
    zones = () if kind == "toll_free" else _abroad(start, region, kind)
    return Spot(start, region, zones, (region,))


def spot_of(number: str) -> Spot:
    """What this E.164 number says. A number that is not valid is of no country."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return spot("", "", "unknown")
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(parsed)).lower()
    return spot(start_of(number), phonenumbers.region_code_for_number(parsed) or "", kind)


def _north_american(start: str, country: str) -> Spot:
    those = by_area_code().get(start[1:_AREA], ())
    if not those:  # toll-free, personal numbers, services: nothing but the country is known, and hardly that
        return Spot(start, country, (), (country, UNKNOWN_STATE) if country == "US" else (country,))
    zones = merged([*(name for state in those for name in state.zones_of(start[1:_AREA])), *_said(start)])
    return Spot(start, country, zones, (country, *(state.code for state in those)))


def _abroad(start: str, region: str, kind: str) -> tuple[str, ...]:
    everywhere = zones_of_country(region)
    if len(everywhere) < 2 or not _is_of_a_place(region, kind):
        return everywhere
    return merged(name for name in _said(start) if agree([name], everywhere)) or everywhere


@cache
def zones_of_country(country: str) -> tuple[str, ...]:
    """All zones in which somebody with a number of this country may be; of each clock the name that is best known."""
    own = country_zones(country)
    said = _said(str(phonenumbers.country_code_for_region(country)))
    return merged([*(name for name in said if name in own), *own, *_SHARED.get(country, ())]) or merged(said)


def _is_of_a_place(region: str, kind: str) -> bool:
    number_type = getattr(phonenumbers.PhoneNumberType, kind.upper(), phonenumbers.PhoneNumberType.UNKNOWN)
    return phonenumbers.is_number_type_geographical(number_type, phonenumbers.country_code_for_region(region))


def _said(start: str) -> tuple[str, ...]:
    """What the library says, corrected, in today's names."""
    corrected = _corrections().get(start[:_AREA])
    return corrected or tuple(name for said in TIMEZONE_DATA.get(start, ()) if (name := known_zone(said)))


@cache
def _corrections() -> Mapping[str, tuple[str, ...]]:
    text = files("dialer.places").joinpath("library.toml").read_text(encoding="utf-8")
    return {start: tuple(entry["zones"]) for start, entry in tomllib.loads(text).items()}
