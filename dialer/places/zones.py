"""Time zones by name: which there are, which are the same clock, and which a country has.

Names are those of the tz database. What stands in its `zone.tab` names a place and is kept; an older name is followed
to one that does (`US/Eastern` → `America/New_York`). Names that say no place are refused: `EST` is winter all the year
to the database and Eastern time to most lists, and `UTC` is what a program writes that knows no better.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

# Names of the database that stand for an offset, a part of the world or nothing.
_NO_PLACE = frozenset(
    (
        "CET", "CST6CDT", "EET", "EST", "EST5EDT", "Factory", "GMT", "GMT+0", "GMT-0", "GMT0", "Greenwich", "HST",
        "MET", "MST", "MST7MDT", "PST8PDT", "UCT", "UTC", "Universal", "WET", "Zulu",
    )
)  # fmt: skip

# What lists mean by them, most likely: for the sentence alone, never for a decision.
_MEANT = {
    "EST": "America/New_York", "EDT": "America/New_York", "ET": "America/New_York", "EASTERN": "America/New_York",
    "EST5EDT": "America/New_York", "CST": "America/Chicago", "CDT": "America/Chicago", "CT": "America/Chicago",
    "CENTRAL": "America/Chicago", "CST6CDT": "America/Chicago", "MST": "America/Denver", "MDT": "America/Denver",
    "MT": "America/Denver", "MOUNTAIN": "America/Denver", "MST7MDT": "America/Denver", "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles", "PT": "America/Los_Angeles", "PACIFIC": "America/Los_Angeles",
    "PST8PDT": "America/Los_Angeles", "HST": "Pacific/Honolulu", "GMT": "Europe/London", "BST": "Europe/London",
    "CET": "Europe/Berlin", "CEST": "Europe/Berlin", "AEST": "Australia/Sydney", "AEDT": "Australia/Sydney",
}  # fmt: skip

_LONGEST = 40  # characters of a name, which is more than any has

# Two zones are one clock if they agree at all of these instants: four years, every six hours, which also tells apart
# those that change to summer time on one day at different hours.
_BEGIN = datetime(2026, 12, 1, tzinfo=UTC)
_STEP = timedelta(hours=6)
_INSTANTS = 4 * 365 * 4


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of this name. Raises ZoneInfoNotFoundError or ValueError where there is none."""
    return ZoneInfo(name)


def known_zone(text: str) -> str | None:
    """The zone that this text names, as the tz database calls it today; None if it names no place."""
    return _names().get(text.strip().replace(" ", "_").casefold())


def nearest_zone(text: str) -> str | None:
    """The zone that was probably meant, for a message."""
    wanted = text.strip().replace(" ", "_")[:_LONGEST]
    if (meant := _MEANT.get(wanted.upper())) is not None:
        return meant
    found = difflib.get_close_matches(wanted.casefold(), _names(), n=1, cutoff=0.7)
    return _names()[found[0]] if found else None


@cache
def country_zones(country: str) -> tuple[str, ...]:
    """The zones of a country (ISO 3166); empty for a country that the database does not list."""
    return tuple(name for codes, name in _table() if country in codes)


def merged(names: Iterable[str]) -> tuple[str, ...]:
    """These zones without those that have the same clock as one before them."""
    found: dict[int, str] = {}
    for name in names:
        found.setdefault(clock(name), name)
    return tuple(found.values())


def agree(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether the two sets of zones have a clock in common."""
    return not {clock(name) for name in some}.isdisjoint(clock(name) for name in others)


@cache
def clock(name: str) -> int:
    """A number that two zones share if their clocks show the same at any time of the coming years."""
    return _clocks().setdefault(_offsets(zone(name)), len(_clocks()))


@cache
def _clocks() -> dict[tuple[timedelta | None, ...], int]:
    return {}


def _offsets(info: ZoneInfo) -> tuple[timedelta | None, ...]:
    # `fromutc` is the way from an instant to a local time that knows no gap and no doubled hour.
    begin = _BEGIN.replace(tzinfo=info)
    return tuple(info.fromutc(begin + step * _STEP).utcoffset() for step in range(_INSTANTS))


@cache
def _table() -> tuple[tuple[frozenset[str], str], ...]:
    """Countries and name of each zone of zone.tab, in its order."""
    rows = (line.split("\t") for line in _read("zone.tab") if not line.startswith("#"))
    return tuple((frozenset(row[0].split(",")), row[2]) for row in rows)


@cache
def _names() -> dict[str, str]:
    """Every name that says a place, folded, and the name by which it goes today."""
    places = {name for _, name in _table()}
    links = dict(_links())
    followed = {old: name for old in links if (name := _followed(old, links, places)) is not None}
    kept = {old: name for old, name in followed.items() if old not in _NO_PLACE and not old.startswith("Etc/")}
    return {old.casefold(): name for old, name in {**kept, **{name: name for name in places}}.items()}


def _links() -> Iterable[tuple[str, str]]:
    for line in _read("tzdata.zi"):
        if line.startswith("L "):
            _, target, old = line.split()
            yield old, target


def _followed(name: str, links: dict[str, str], places: set[str]) -> str | None:
    while name not in places:
        if name not in links:
            return None
        name = links[name]
    return name


def _read(name: str) -> list[str]:
    return files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8").splitlines()
