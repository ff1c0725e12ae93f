"""What the cells of a row say of where somebody is: time zone, postcode, region.

A cell that is empty says nothing; one that is not understood holds the person, since it may mean anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from dialer.places.postcodes import Address, canadian_address, us_address, zip_of
from dialer.places.spots import zones_of_country
from dialer.places.states import State, is_divided, named_country, named_states
from dialer.places.zones import known_zone, nearest_zone

_LONGEST_CODE = 3  # of a state: NSW
_SHOWN = 40  # characters


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one cell says: in which zones somebody is, and in which places."""

    says: str
    zones: tuple[str, ...]
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why nobody may be called before a cell is corrected: the word for the listing, and the sentence."""

    held: str
    why: str


Finding = Evidence | Doubt | None


def findings(timezone: str, postcode: str, region: str, countries: Collection[str]) -> tuple[Evidence | Doubt, ...]:
    """What these cells say of somebody with numbers of these countries, strongest first."""
    found = (
        _of_timezone(timezone.strip()),
        _of_postcode(postcode.strip(), countries),
        _of_region(region.strip(), countries),
        _of_other_postcode(postcode.strip(), countries),
    )
    return tuple(each for each in found if each is not None)


def _of_timezone(text: str) -> Finding:
    if not text:
        return None
    if (name := known_zone(text)) is not None:
        return Evidence(f"timezone {name}", (name,))
    meant = nearest_zone(text)
    advice = f"did you mean {meant}?" if meant else "write one like America/New_York, or leave the cell empty"
    return Doubt("unknown_zone", f"timezone {_quoted(text)} is no time zone with a place; {advice}")


def _of_postcode(text: str, countries: Collection[str]) -> Finding:
    """A ZIP or a Canadian postcode; those of other countries say less than a region does."""
    if not text or not {"US", "CA"}.intersection(countries):
        return None
    code = zip_of(text) if "US" in countries else None
    address = us_address(code) if code is not None else canadian_address(text)
    if address is not None:
        return _located(text, address)
    if set(countries) <= {"US", "CA"}:
        return Doubt("unknown_postcode", f"postcode {_quoted(text)} {_unknown(text, countries)}")
    return None


def _located(text: str, address: Address) -> Finding:
    if not address.zones:
        why = "is mail of the forces, which says no place; give a timezone and leave this cell empty"
        return Doubt("unknown_postcode", f"postcode {_quoted(text)} {why}")
    return Evidence(f"postcode {_quoted(text)}", address.zones, address.places)


def _unknown(text: str, countries: Collection[str]) -> str:
    if "US" in countries and re.fullmatch("[0-9]{3,4}", text):
        return f"is no ZIP; if a spreadsheet has cut its first zeros, write {text.zfill(5)}"
    kind = "US ZIP" if "CA" not in countries else "Canadian postcode" if "US" not in countries else "ZIP or postcode"
    return f"is no known {kind}; correct it, or leave the cell empty"


def _of_other_postcode(text: str, countries: Collection[str]) -> Finding:
    """Elsewhere a postcode is taken for one of the number's country, and says no more than that."""
    others = tuple(country for country in countries if country not in ("US", "CA"))
    if not text or not others or isinstance(_of_postcode(text, countries), Evidence):
        return None
    return _anywhere_in(f"postcode {_quoted(text)}", others)


def _of_region(text: str, countries: Collection[str]) -> Finding:
    own = _own(text, countries)
    if not text or (text.upper() in countries and not own):
        return None
    if own:
        return _in_states(text, own)
    undivided = tuple(country for country in countries if not is_divided(country))
    within = _anywhere_in(f"region {_quoted(text)}", undivided) if undivided else None
    if within is not None and len(text) <= _LONGEST_CODE:
        return within
    return _elsewhere(text) or within or _no_region(text, countries)


def _own(text: str, countries: Collection[str]) -> tuple[State, ...]:
    return tuple(state for state in named_states(text, countries) if state.country in countries)


def _elsewhere(text: str) -> Evidence | None:
    """A state or country that the number is not of; a text that may be several is all of them."""
    found = _in_states(text, named_states(text, ()))
    country = named_country(text)
    if country is None:
        return found if found.zones else None
    zones = (*found.zones, *zones_of_country(country))
    return Evidence(found.says, zones, tuple(dict.fromkeys((*found.places, country))))


def _in_states(text: str, those: tuple[State, ...]) -> Evidence:
    zones = tuple(dict.fromkeys(name for state in those for name in state.all_zones()))
    places = tuple(dict.fromkeys(place for state in those for place in (state.country, state.code)))
    return Evidence(f"region {_quoted(text)}", zones, places)


def _anywhere_in(says: str, countries: Collection[str]) -> Evidence:
    zones = tuple(dict.fromkeys(name for country in countries for name in zones_of_country(country)))
    return Evidence(says, zones, tuple(countries))


def _no_region(text: str, countries: Collection[str]) -> Doubt:
    where = " or ".join(sorted(countries)) or "any country"
    advice = "write its code (FL, US-FL) or its name, or leave the cell empty"
    return Doubt("unknown_region", f"region {_quoted(text)} is no state or province of {where}; {advice}")


def _quoted(text: str) -> str:
    """A cell as it is shown: without control characters, and not endless."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
