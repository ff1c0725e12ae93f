"""People of all states and of the countries whose rules ship, each with what is known of them: written down by hand."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests.calling_facts import NEEDS_CONSENT, Somebody

NY, CHICAGO, DENVER, PHOENIX, LA = (
    f"America/{city}" for city in ("New_York", "Chicago", "Denver", "Phoenix", "Los_Angeles")
)
HONOLULU, LONDON, PARIS, SYDNEY = "Pacific/Honolulu", "Europe/London", "Europe/Paris", "Australia/Sydney"

# By area code: the state, and every clock that is somebody's in it.
AREAS: Mapping[int, tuple[str, tuple[str, ...]]] = {
    205: ("AL", (CHICAGO,)), 907: ("AK", ("America/Anchorage", "America/Adak")), 602: ("AZ", (PHOENIX,)),
    928: ("AZ", (PHOENIX, DENVER)), 501: ("AR", (CHICAGO,)), 213: ("CA", (LA,)), 303: ("CO", (DENVER,)),
    203: ("CT", (NY,)), 302: ("DE", (NY,)), 202: ("DC", (NY,)), 305: ("FL", (NY, CHICAGO)),
    850: ("FL", (NY, CHICAGO)), 689: ("FL", (NY, CHICAGO)), 404: ("GA", (NY,)), 808: ("HI", (HONOLULU,)),
    208: ("ID", (DENVER, LA)), 312: ("IL", (CHICAGO,)), 317: ("IN", (NY, CHICAGO)), 219: ("IN", (NY, CHICAGO)),
    515: ("IA", (CHICAGO,)), 913: ("KS", (CHICAGO, DENVER)), 620: ("KS", (CHICAGO, DENVER)),
    502: ("KY", (NY, CHICAGO)), 270: ("KY", (NY, CHICAGO)), 504: ("LA", (CHICAGO,)), 207: ("ME", (NY,)),
    410: ("MD", (NY,)), 617: ("MA", (NY,)), 313: ("MI", (NY, CHICAGO)), 906: ("MI", (NY, CHICAGO)),
    612: ("MN", (CHICAGO,)), 601: ("MS", (CHICAGO,)), 816: ("MO", (CHICAGO,)), 406: ("MT", (DENVER,)),
    402: ("NE", (CHICAGO, DENVER)), 308: ("NE", (CHICAGO, DENVER)), 702: ("NV", (LA,)), 775: ("NV", (LA, DENVER)),
    603: ("NH", (NY,)), 201: ("NJ", (NY,)), 505: ("NM", (DENVER,)), 212: ("NY", (NY,)), 919: ("NC", (NY,)),
    701: ("ND", (CHICAGO, DENVER)), 216: ("OH", (NY,)), 405: ("OK", (CHICAGO,)), 503: ("OR", (LA, DENVER)),
    541: ("OR", (LA, DENVER)), 215: ("PA", (NY,)), 401: ("RI", (NY,)), 803: ("SC", (NY,)),
    605: ("SD", (CHICAGO, DENVER)), 615: ("TN", (NY, CHICAGO)), 423: ("TN", (NY, CHICAGO)),
    931: ("TN", (NY, CHICAGO)), 214: ("TX", (CHICAGO, DENVER)), 915: ("TX", (CHICAGO, DENVER)),
    801: ("UT", (DENVER,)), 802: ("VT", (NY,)), 804: ("VA", (NY,)), 206: ("WA", (LA,)), 304: ("WV", (NY,)),
    414: ("WI", (CHICAGO,)), 307: ("WY", (DENVER,)),
}  # fmt: skip

AUSTRALIA = (SYDNEY, "Australia/Brisbane", "Australia/Adelaide", "Australia/Darwin", "Australia/Perth",
             "Australia/Eucla", "Australia/Lord_Howe", "Indian/Christmas", "Indian/Cocos")  # fmt: skip

# By the first digits: the places whose law it is, the clocks, and how many digits follow.
ABROAD: Mapping[str, tuple[str, tuple[str, ...], int]] = {
    "+1709726": ("CA", ("America/St_Johns", "America/Goose_Bay"), 4),
    "+1902422": ("CA", ("America/Halifax",), 4),
    "+1416923": ("CA", ("America/Toronto", "America/Winnipeg", "America/Panama"), 4),
    "+1204945": ("CA", ("America/Winnipeg",), 4),
    "+1403269": ("CA", ("America/Edmonton",), 4),
    "+1306933": ("CA", ("America/Regina", "America/Edmonton"), 4),
    "+442079460": ("GB", (LONDON,), 3),
    "+447400123": ("GB", (LONDON,), 3),
    "+3314266": ("FR", (PARIS,), 4),
    "+3361234": ("FR", (PARIS,), 4),
    "+6121234": ("AU", (SYDNEY,), 4),
    "+6141234": ("AU", AUSTRALIA, 4),
    "+493012": ("DE", ("Europe/Berlin",), 5),
    "+49151234": ("DE", ("Europe/Berlin",), 5),
    "+390612": ("IT", ("Europe/Rome",), 6),
    "+3491234": ("ES", ("Europe/Madrid",), 4),
    "+3492812": ("ES", ("Atlantic/Canary",), 4),
    "+3461234": ("ES", ("Europe/Madrid", "Atlantic/Canary"), 4),
    "+91981234": ("IN", ("Asia/Kolkata",), 4),
    "+656123": ("SG", ("Asia/Singapore",), 4),
    "+8131234": ("JP", ("Asia/Tokyo",), 4),
    "+880171234": ("BD", ("Asia/Dhaka",), 4),
}

NEVER_PLACED = ("+18005550199", "+448001234567")  # free to the caller, and nobody's place


def _american(area: int, n: int) -> Somebody:
    state, clocks = AREAS[area]
    return Somebody((f"+1{area}555{n:04d}",), clocks, ("US", f"US-{state}"))


def _foreign(start: str, n: int) -> Somebody:
    place, clocks, digits = ABROAD[start]
    return Somebody((f"{start}{n:0{digits}d}",), clocks, (place,))


def _with_cells() -> Iterator[Somebody]:
    """Whose row tells more than their number does."""

    def one(area: int, n: int, clocks: Sequence[str], *places: str, never: str = "", **cells: str) -> Somebody:
        places = ("US", f"US-{AREAS[area][0]}", *places)
        return Somebody((f"+1{area}555{n:04d}",), tuple(clocks), places, cells, never)

    yield one(305, 301, [NY], tz=NY)
    yield one(305, 302, [CHICAGO], zip="32501")  # Pensacola
    yield one(305, 303, [NY], "US-NY", zip="10001")
    yield one(305, 304, [NY, CHICAGO, LA], tz=LA)  # who disagrees with their number
    yield one(212, 305, [LA, NY], "US-CA", zip="90001")
    yield one(202, 306, [CHICAGO, DENVER, NY], "US-TX", region="Texas")
    yield one(202, 307, [NY], "US-ME", region="ME")
    yield one(504, 308, [CHICAGO, HONOLULU], "US-HI", region="HI")
    yield one(601, 309, [CHICAGO, NY], tz=NY)  # Mississippi's hours are Central Time for all that
    yield one(928, 310, [DENVER], tz="America/Shiprock")
    yield one(208, 311, [DENVER], tz="America/Boise")
    yield one(212, 312, [NY, LA], "US-WA", region="WA", never="us-wa-automated", tz=NY)
    yield one(212, 313, [], tz="Mars/Olympus", never="held:unknown_zone")
    yield one(212, 314, [], zip="00000", never="held:unknown_postcode")
    yield one(212, 315, [], region="Atlantis", never="held:unknown_region")
    yield Somebody(("+18005550141",), (NY,), ("US", "US-FL"), {"zip": "33101"})
    yield Somebody(("+18005550142",), (NY,), ("US", "US-?"), {"tz": NY})
    yield Somebody(("+61412350001",), (SYDNEY,), ("AU",), {"tz": SYDNEY})


def _with_two_numbers() -> Iterator[Somebody]:
    """Each call is inside the hours of both, whichever number it goes to."""

    def both(one: Somebody, other: Somebody) -> Somebody:
        return Somebody((*one.numbers, *other.numbers), (*one.clocks, *other.clocks), (*one.places, *other.places))

    yield both(_american(212, 401), _american(213, 401))
    yield both(_american(617, 402), _american(808, 402))
    yield both(_american(207, 403), _american(405, 403))
    yield both(_american(312, 404), _foreign("+442079460", 404))
    yield both(_american(203, 405), _foreign("+6121234", 405))
    yield both(_foreign("+3314266", 406), _foreign("+447400123", 406))
    yield both(_american(808, 407), _foreign("+3314266", 407))  # an hour, on some days
    # Where one clock's evening is before the other's morning, there is no common hour.
    yield replace(both(_american(207, 408), _foreign("+6121234", 408)), never="never_opens")


def _who_may_not_be_called() -> Iterator[Somebody]:
    for number in NEVER_PLACED:
        yield Somebody((number,), (), (), never="held:no_zone")
    yield Somebody(("+41446681800",), ("Europe/Zurich",), ("CH",), never="held:no_pack")
    yield Somebody(("+12125550501", "+41446681801"), (NY, "Europe/Zurich"), ("US", "CH"), never="held:no_pack")


def everybody(each: int) -> list[Somebody]:
    """`each` people of every area code and country, and one of each who is out of the ordinary."""
    found = [_american(area, 100 + n) for area in AREAS for n in range(each)]
    found = [replace(one, never="us-wa-automated") if "US-WA" in one.places else one for one in found]
    found += [_foreign(start, 100 + n) for start in ABROAD for n in range(each)]
    found += [*_with_cells(), *_with_two_numbers(), *_who_may_not_be_called()]
    return found + list(_without_consent())


def _without_consent() -> Iterator[Somebody]:
    for area in (212, 305, 201):
        yield replace(_american(area, 600), never="consent", cells={"ok": "no"})
    for start in ABROAD:
        one = replace(_foreign(start, 600), cells={"ok": ""})
        yield replace(one, never="consent") if one.places[0] in NEEDS_CONSENT else one


def write(path: Path, people: Sequence[Somebody]) -> None:
    """Their list; the two numbers of a person stand in two columns."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["mobile", "home", "tz", "zip", "region", "ok"])
        for one in people:
            given = {"tz": "", "zip": "", "region": "", "ok": "yes", **one.cells}
            rows.writerow([*one.numbers, ""][:2] + [given[name] for name in ("tz", "zip", "region", "ok")])
