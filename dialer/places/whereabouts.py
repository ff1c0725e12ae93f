"""Where a person may be: every zone whose clock may be theirs, every place whose law may reach them.

The time is that of the strongest evidence: timezone column, ZIP, region column, number. What is weaker and has a zone
in common with what is stronger is settled by it; where the two disagree, both apply. The law is always that of the
state of each number and of the state of the address. What is not known, or not understood, holds the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from dialer.model import Audience, Whereabouts
from dialer.places.addresses import Doubt, Evidence, findings
from dialer.places.spots import NO_COUNTRY, Spot, spot, spot_of, start_of
from dialer.places.states import UNKNOWN_STATE, country_of
from dialer.places.zones import agree, merged

_MOST_REMEMBERED = 200_000

_Findings = tuple[Evidence | Doubt, ...]
_Kept = TypeVar("_Kept")


def whereabouts(
    number: str | Sequence[str], *, timezone: str = "", postcode: str = "", region: str = ""
) -> Whereabouts:
    """Where the person with this number or these numbers (E.164) may be, by cells of their row; '' is an empty cell."""
    numbers = (number,) if isinstance(number, str) else tuple(number)
    spots = tuple(spot_of(each) for each in numbers)
    return _together(spots, findings(timezone, postcode, region, _countries(spots)))


class Placer:
    """Places the rows of a list, one after the other: what decides is looked at once.

    What is remembered is bounded, and people of whom the same is known share one Audience.
    """

    def __init__(self) -> None:
        self._audiences: dict[object, Audience] = {}
        self._same: dict[Audience, Audience] = {}
        self._addresses: dict[object, int] = {}
        self._numbers: dict[_Findings, int] = {}  # what cells say, numbered: thousands of ZIPs say the same
        self._findings: list[_Findings] = []

    def audience(
        self,
        numbers: Sequence[str],
        kinds: Sequence[str],
        countries: Sequence[str],
        timezone: str = "",
        postcode: str = "",
        region: str = "",
        consents: bool = False,
    ) -> Audience:
        """For whom it is decided in this row: numbers in E.164, kinds and regions as NumberReader names them, cells as
        they stand ('' if empty), and whether the person consents."""
        kinds, countries = tuple(kinds), tuple(countries)
        cells = (timezone, postcode, region, countries)
        address = self._addresses.get(cells)
        if address is None:
            address = self._read(timezone, postcode, region, countries)
        starts = tuple([start_of(number) for number in numbers])
        key = (starts, kinds, countries, address, consents)
        return self._audiences.get(key) or self._placed(starts, kinds, countries, address, consents)

    def _read(self, timezone: str, postcode: str, region: str, countries: tuple[str, ...]) -> int:
        lands = tuple(sorted({country_of(each) for each in countries} - {"", NO_COUNTRY}))
        found = tuple(_mute(each) for each in findings(timezone, postcode, region, lands))
        number = self._numbers.setdefault(found, len(self._findings))
        if number == len(self._findings):
            self._findings.append(found)
        return _remembered(self._addresses, (timezone, postcode, region, countries), number)

    def _placed(
        self, starts: tuple[str, ...], kinds: tuple[str, ...], countries: tuple[str, ...], address: int, consents: bool
    ) -> Audience:
        spots = tuple(spot(*each) for each in zip(starts, countries, kinds, strict=True))
        where = _together(spots, self._findings[address])
        lands = {place for place in where.places if "-" not in place}.union(each.country for each in spots)
        lines = tuple(sorted(set(kinds)))
        audience = Audience(where.zones, where.places, tuple(sorted(lands)), lines, consents, where.held)
        audience = self._same.setdefault(audience, audience)
        return _remembered(self._audiences, (starts, kinds, countries, address, consents), audience)


def _remembered(memory: dict[object, _Kept], key: object, value: _Kept) -> _Kept:
    if len(memory) >= _MOST_REMEMBERED:
        memory.clear()
    memory[key] = value
    return value


def _mute(each: Evidence | Doubt) -> Evidence | Doubt:
    """Without the cell's own words, which do not decide."""
    return replace(each, says="") if isinstance(each, Evidence) else replace(each, why="")


def _countries(spots: Iterable[Spot]) -> tuple[str, ...]:
    return tuple(sorted({each.country for each in spots} - {NO_COUNTRY}))


def _together(spots: Sequence[Spot], found: _Findings) -> Whereabouts:
    evidence = tuple(each for each in found if isinstance(each, Evidence))
    doubt = next((each for each in found if isinstance(each, Doubt)), None)
    address = {place for each in evidence for place in each.places}
    places = address.union(*(_places(each, address) for each in spots))
    zones = () if doubt is not None else _zones(spots, evidence)
    if not zones and doubt is None:
        doubt = Doubt("no_zone", _no_zone(spots))
    said = (*(each.says for each in evidence), *(f"number +{each.start}" for each in spots if each.places))
    held, why = (doubt.held, doubt.why) if doubt is not None else ("", "")
    return Whereabouts(tuple(sorted(zones)), tuple(sorted(places)), said, held, why)


def _places(each: Spot, address: Iterable[str]) -> Iterable[str]:
    is_known = any(place.startswith("US-") for place in address)
    return (place for place in each.places if not (is_known and place == UNKNOWN_STATE))


def _zones(spots: Sequence[Spot], evidence: Sequence[Evidence]) -> tuple[str, ...]:
    said = [each.zones for each in evidence]
    return merged(name for each in spots for name in _met([*said, each.zones]))


def _met(said: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The zones of the strongest, and of each that has none in common with what is stronger."""
    met: tuple[str, ...] = ()
    for zones in said:
        if not met or not agree(met, zones):
            met = (*met, *zones)
    return met


def _no_zone(spots: Sequence[Spot]) -> str:
    starts = ", ".join(f"+{each.start}…" for each in spots) or "none"
    return f"the number ({starts}) says no time zone; give a timezone, postcode or region"
