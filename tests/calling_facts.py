"""When people may be called, told a second time: written down by hand from the laws' own words, and looked up minute by
minute. Nothing of the product is asked; slow and plain on purpose.

All is for sales calls by an AI voice to people who consent, which is what the campaigns of these tests are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
RING = timedelta(seconds=60)
DAY = timedelta(days=1)

Hours = Mapping[str, Sequence[tuple[str, str]]]
"""Days, as letters of `MTWTFSS` by their numbers 1 to 7, with the windows of each: from, until."""

DAILY, MON_SAT, MON_FRI = "1234567", "123456", "12345"


@dataclass(frozen=True)
class Law:
    """Hours on the called person's clock, or on `clock`; days without calls; (so many, in such a time)."""

    hours: Hours
    closed: frozenset[date] = frozenset()
    clock: str = ""
    caps: tuple[tuple[int, timedelta], ...] = ()
    barred: bool = False
    since: date = date.min
    until: date = date.max

    def is_open(self, moment: datetime, clocks: Iterable[str]) -> bool:
        """Whether a telephone may ring in this minute, on each of the clocks."""
        return all(self._is_open_on(moment, clock) for clock in ([self.clock] if self.clock else clocks))

    def _is_open_on(self, moment: datetime, clock: str) -> bool:
        local = moment.astimezone(_zone(clock))
        if not self.since <= local.date() < self.until:
            return True
        if local.date() in self.closed:
            return False
        windows = next((each for days, each in self.hours.items() if str(local.isoweekday()) in days), ())
        return any(start <= local.strftime("%H:%M") < end for start, end in windows)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _days(*days: str) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, days))


# Only those that fall into the days of the campaigns, or near them.
FEDERAL_DAYS = _days("2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25", "2027-02-15")
# La. R.S. 1:55: All Saints' Day and Mardi Gras among others; the Friday after Thanksgiving by proclamation.
LOUISIANA_DAYS = FEDERAL_DAYS | _days("2026-11-01", "2026-11-03", "2026-11-27", "2027-02-09", "2027-03-26")
# Ala. Code 1-3-8, R.I.G.L. 25-1-1, Utah Code 63G-1-301: Mardi Gras; the election of 2026; Good Friday.
ALABAMA_DAYS = FEDERAL_DAYS | _days("2027-02-09")
RHODE_ISLAND_DAYS = FEDERAL_DAYS | _days("2026-11-03")
UTAH_DAYS = FEDERAL_DAYS | _days("2027-03-26")
ALL_SAINTS = _days("2026-11-01")
FRENCH_DAYS = _days("2026-11-01", "2026-11-11", "2027-03-29")
AUSTRALIAN_DAYS = _days("2026-12-25", "2026-12-26", "2027-03-26", "2027-03-29")

THRICE_A_DAY = ((3, DAY),)


def _from(days: str, start: str, end: str) -> Hours:
    return {days: [(start, end)]}


LAWS: Mapping[str, tuple[Law, ...]] = {
    "US": (Law(_from(DAILY, "08:00", "21:00")),),
    "US-AL": (Law(_from(MON_SAT, "08:00", "20:00"), ALABAMA_DAYS),),
    "US-CA": (Law(_from(DAILY, "09:00", "21:00")),),
    "US-CT": (Law(_from(DAILY, "09:00", "20:00")),),
    "US-FL": (Law(_from(DAILY, "08:00", "20:00"), caps=THRICE_A_DAY),),
    "US-IN": (Law(_from(DAILY, "09:00", "20:00")),),
    "US-KY": (Law(_from(DAILY, "10:00", "21:00")),),
    "US-LA": (Law(_from(MON_SAT, "08:00", "20:00"), LOUISIANA_DAYS),),
    "US-ME": (Law(_from(MON_FRI, "09:00", "17:00"), caps=((1, timedelta(hours=8)),)),),
    "US-MD": (Law(_from(DAILY, "08:00", "20:00"), caps=THRICE_A_DAY),),
    "US-MA": (Law(_from(DAILY, "08:00", "20:00")),),
    "US-MI": (Law(_from(DAILY, "09:00", "21:00")),),
    "US-MN": (Law(_from(DAILY, "09:00", "21:00")),),
    "US-NM": (Law(_from(DAILY, "09:00", "21:00")),),
    "US-MS": (Law(_from(MON_SAT, "08:00", "20:00"), clock="America/Chicago"),),
    "US-NV": (Law(_from(DAILY, "09:00", "20:00")),),
    "US-OK": (
        Law(_from(DAILY, "08:00", "20:00"), caps=THRICE_A_DAY),
        Law(_from(DAILY, "09:00", "21:00")),  # by an automated device
    ),
    "US-OR": (Law(_from(DAILY, "08:00", "20:00"), caps=THRICE_A_DAY),),
    "US-PA": (
        Law(_from(DAILY, "08:00", "21:00"), FEDERAL_DAYS, until=date(2026, 10, 18)),
        Law(_from(MON_SAT, "09:00", "19:00"), since=date(2026, 10, 18)),
    ),
    "US-RI": (Law({MON_FRI: [("09:00", "18:00")], "6": [("10:00", "17:00")]}, RHODE_ISLAND_DAYS),),
    "US-SD": (Law(_from(MON_SAT, "09:00", "21:00")),),
    "US-TX": (Law({MON_SAT: [("09:00", "21:00")], "7": [("12:00", "21:00")]}),),
    "US-UT": (Law(_from(MON_SAT, "08:00", "21:00"), UTAH_DAYS),),
    "US-WA": (Law(_from(DAILY, "08:00", "20:00"), barred=True),),
    "US-WY": (Law(_from(DAILY, "08:00", "20:00")),),
    # Nobody knows in which state: what all of the rows above allow.
    "US-?": (Law({MON_FRI: [("10:00", "18:00")], "6": [("10:00", "17:00")]}, LOUISIANA_DAYS, caps=THRICE_A_DAY),),
    "CA": (Law({MON_FRI: [("09:00", "21:30")], "67": [("10:00", "18:00")]}),),
    "GB": (Law({MON_FRI: [("09:00", "20:00")], "6": [("10:00", "17:00")]}),),
    "FR": (
        Law({MON_FRI: [("10:00", "13:00"), ("14:00", "20:00")]}, FRENCH_DAYS, caps=((4, 30 * DAY),)),
    ),
    "DE": (Law(_from(MON_SAT, "09:00", "20:00")),),
    "IT": (Law({MON_FRI: [("09:00", "20:00")], "6": [("10:00", "19:00")]}, ALL_SAINTS),),
    "ES": (Law(_from(MON_FRI, "09:00", "21:00"), ALL_SAINTS),),
    "IN": (Law(_from(DAILY, "10:00", "21:00")),),
    "SG": (Law(_from(DAILY, "09:00", "20:00")),),
    "JP": (Law(_from(DAILY, "09:00", "20:00")),),
    "BD": (Law(_from(DAILY, "09:00", "20:00")),),
    "AU": (Law({MON_FRI: [("09:00", "20:00")], "6": [("09:00", "17:00")]}, AUSTRALIAN_DAYS),),
}  # fmt: skip
"""States that are not named have the federal hours, and those alone."""

NEEDS_CONSENT = {"US", "CA", "GB", "FR", "DE", "IT", "ES"}
"""Of the countries here. In the others no rule that is known asks for it of a voice that is not human."""

OWN_HOURS = Law(_from(DAILY, "09:00", "20:00"))
"""Those of a campaign that names none."""


@dataclass(frozen=True)
class Somebody:
    """A person of a list, and what is so of them: every clock that may be theirs, every place whose law reaches them.

    `never`: nobody may call them, and the contact's detail says so in these words.
    """

    numbers: tuple[str, ...]
    clocks: tuple[str, ...]
    places: tuple[str, ...]
    cells: Mapping[str, str] = field(default_factory=dict)
    never: str = ""

    def laws(self, own: Sequence[Law] = ()) -> list[Law]:
        return [*own, *(law for place in self.places for law in LAWS.get(place, ()))]


@dataclass(frozen=True)
class Calendar:
    """What one person may be called, minute by minute; `own` are the hours of the campaign itself."""

    laws: Sequence[Law]
    clocks: Sequence[str]
    _known: dict[datetime, bool] = field(default_factory=dict)

    def may_ring(self, minute: datetime) -> bool:
        if minute not in self._known:
            self._known[minute] = all(law.is_open(minute, self.clocks) for law in self.laws)
        return self._known[minute]

    def may_dial(self, moment: datetime) -> bool:
        """Whether a telephone that begins to ring at this moment may ring to its last second."""
        minute = moment.replace(second=0, microsecond=0)
        whole = [minute]
        while whole[-1] + MINUTE < moment + RING:
            whole.append(whole[-1] + MINUTE)
        return all(map(self.may_ring, whole))

    def is_free(self, moment: datetime, past: Sequence[datetime]) -> bool:
        """Whether the earlier rings leave room for one more, by every law."""
        caps = [cap for law in self.laws for cap in law.caps]
        return all(sum(ring > moment - length for ring in past) < most for most, length in caps)

    def first(self, moment: datetime, until: datetime, past: Sequence[datetime]) -> datetime | None:
        """The first moment from that one on at which they may be called; None: not before `until`."""
        at = moment
        while at < until:
            if self.may_dial(at) and self.is_free(at, past):
                return at
            at = at.replace(second=0, microsecond=0) + MINUTE
        return None
