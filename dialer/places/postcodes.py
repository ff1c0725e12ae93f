"""Postcodes: the state and zones of a US ZIP, by the table of the zipcodes library; the province of a Canadian one.

The table is loaded when the first ZIP is asked: it takes 0.3 s and 60 MB. It knows one zone for each ZIP; where that is
wrong or not the only one stands in `zips.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from dialer.places.states import State, states
from dialer.places.zones import country_zones, known_zone

_ZIP = re.compile(r"(\d{5})(?:[- ]?\d{4})?", re.ASCII)
_CANADIAN = re.compile(r"([A-Z])\d[A-Z][ -]?\d[A-Z]\d", re.ASCII)

# States of the table that are none: mail of the forces, which says nothing of where somebody is.
_FORCES = frozenset(("AA", "AE", "AP"))


@dataclass(frozen=True, slots=True)
class Address:
    """What a postcode says: zones and places (countries and states). No zones: it does not say where."""

    zones: tuple[str, ...]
    places: tuple[str, ...]


def zip_of(text: str) -> str | None:
    """The five digits of a ZIP or ZIP+4; None if the text has not its form."""
    found = _ZIP.fullmatch(text.strip())
    return found[1] if found is not None else None


def us_address(code: str) -> Address | None:
    """Where these five digits are; None if they are no ZIP."""
    found = _sector(code[:3]).get(code)
    if found is None:
        return None
    state, zone_name = found
    if state in _FORCES:
        return Address((), ())
    place = f"US-{state}"
    known = states().get(place)
    if known is None:  # the freely associated states have ZIPs and are countries
        return Address(country_zones(state), (state,))
    return Address(_zones(code, zone_name, known), ("US", place))


def _zones(code: str, zone_name: str, state: State) -> tuple[str, ...]:
    if (corrected := _corrections().get(code)) is not None:
        return corrected
    name = known_zone(zone_name)
    return (name,) if name is not None else state.all_zones()


def canadian_address(text: str) -> Address | None:
    """The province or territories of a Canadian postcode; None if the text is none."""
    found = _CANADIAN.fullmatch(text.strip().upper())
    if found is None:
        return None
    those = [state for state in states().values() if found[1] in state.postcodes]
    if not those:
        return None
    zones = tuple(dict.fromkeys(name for state in those for name in state.all_zones()))
    return Address(zones, ("CA", *(state.code for state in those)))


@cache
def _sector(start: str) -> Mapping[str, tuple[str, str]]:
    """State and zone of the ZIPs that begin with these three digits.

    So many are asked for at once, since each question is a walk through the whole table.
    """
    import zipcodes  # only here: its table is loaded with it, and most lists have no ZIP

    rows = zipcodes.similar_to(start)  # type: ignore[no-untyped-call]  # it says it is typed, and is not
    return {row["zip_code"]: (row["state"], row["timezone"]) for row in rows}


@cache
def _corrections() -> Mapping[str, tuple[str, ...]]:
    text = files("dialer.places").joinpath("zips.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["corrections"]
    return {code: tuple(entry["zones"]) for entry in entries for code in entry["zips"]}
