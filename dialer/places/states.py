"""States and provinces: which one an area code belongs to, which one a cell means, and which zones it has.

What is known of them stands in `states.toml`. They are named by ISO 3166-2 (`US-FL`).
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import phonenumbers

from dialer.places.zones import country_zones

UNKNOWN_STATE = "US-?"
"""The place of those in the United States of whom no state is known."""

# Regions with telephone numbers of their own that are territories of the United States.
_TERRITORIES = frozenset(("AS", "GU", "MP", "PR", "VI"))

# What is written for countries and is another or no country's code.
_MEANT = {"UK": "GB", "EN": "GB"}

_SUBDIVISION = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class State:
    """A state, province or territory: its zones, and those in `corners`, by area code, that are not for all of it."""

    code: str
    name: str
    zones: tuple[str, ...]
    also: tuple[str, ...] = ()
    area_codes: tuple[int, ...] = ()
    corners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    postcodes: str = ""

    @property
    def country(self) -> str:
        return self.code[:2]

    def zones_of(self, area_code: str) -> tuple[str, ...]:
        """The zones in which a number of this area code may be."""
        return (*self.zones, *self.corners.get(area_code, ()))

    def all_zones(self) -> tuple[str, ...]:
        return (*self.zones, *(name for zones in self.corners.values() for name in zones))


@cache
def states() -> Mapping[str, State]:
    """All that are known, by code."""
    text = files("dialer.places").joinpath("states.toml").read_text(encoding="utf-8")
    return {code: _state(code, entry) for code, entry in tomllib.loads(text).items()}


def _state(code: str, entry: Mapping[str, Any]) -> State:
    corners = {area_code: tuple(zones) for area_code, zones in entry.get("corners", {}).items()}
    return State(
        code,
        entry["name"],
        tuple(entry["zones"]),
        tuple(entry.get("also", ())),
        tuple(entry.get("area_codes", ())),
        corners,
        entry.get("postcodes", ""),
    )


@cache
def by_area_code() -> Mapping[str, tuple[State, ...]]:
    """The states of an area code of North America: one, but in Canada's north and its Maritimes."""
    found: dict[str, list[State]] = defaultdict(list)
    for state in states().values():
        for area_code in state.area_codes:
            found[str(area_code)].append(state)
    return {area_code: tuple(those) for area_code, those in found.items()}


def country_of(region: str) -> str:
    """The country to which a region with numbers of its own belongs: US for Puerto Rico, else itself."""
    return "US" if region in _TERRITORIES else region


def named_states(text: str, countries: Iterable[str]) -> tuple[State, ...]:
    """The states that a cell may mean: those of these countries if one has such a state, else all; none if unknown.

    Codes (`US-FL`, `FL`) and names (`Florida`) are read in any case, with accents and full stops or without.
    """
    found = _names().get(_folded(text), ())
    return tuple(state for state in found if state.country in countries) or found


def is_divided(country: str) -> bool:
    """Whether the states of this country are known one by one."""
    return any(state.country == country for state in states().values())


def named_country(text: str) -> str | None:
    """The country of a cell like `DE`, or like `DE-BY` where the states of that country are not known one by one."""
    bare = text.strip().upper()
    if known_country(bare):
        return country_of(bare)
    parts = _SUBDIVISION.fullmatch(bare)
    if parts is not None and known_country(parts[1]) and not is_divided(parts[1]):
        return parts[1]
    return None


def known_country(text: str) -> bool:
    """Whether this is an ISO 3166 country with telephone numbers or a time zone, in capitals."""
    return text in phonenumbers.SUPPORTED_REGIONS or bool(len(text) == 2 and country_zones(text))


def known_place(text: str) -> bool:
    """Whether rules may be written for this place: a country (`US`) or a state that is known (`US-FL`), in capitals.

    Not a territory by its own letters: whoever is in Puerto Rico is in `US` and `US-PR`.
    """
    return text in states() or text == UNKNOWN_STATE or (known_country(text) and country_of(text) == text)


def meant_place(text: str) -> str | None:
    """The place that was probably meant by one that is none; None where that cannot be told."""
    country, _, state = text.partition("-")
    country = _MEANT.get(country, country)
    found = (f"{country}-{state}", f"{country_of(country)}-{country}", country)
    return next((place for place in found if place != text and known_place(place)), None)


@cache
def _names() -> Mapping[str, tuple[State, ...]]:
    found: dict[str, list[State]] = defaultdict(list)
    for state in states().values():
        for name in (state.code, state.code.partition("-")[2], state.name, *state.also):
            found[_folded(name)].append(state)
    return {name: tuple(those) for name, those in found.items()}


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(mark for mark in plain if not unicodedata.combining(mark) and mark not in ".,'’")
    return " ".join(letters.casefold().split())
