"""What the tests of the calling rules share: rules and people to decide about, and an oracle that decides about them.

The oracle is slow and plain: it looks at each minute by itself, converts it to each local clock, and asks each rule.
It uses nothing of what it judges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from dialer.model.rules import After, Audience, CallingRules, Cap, Rest, Ring, Rule, Scope, Week
from dialer.policy.hours import Holidays
from dialer.policy.timetable import week

MINUTE = timedelta(minutes=1)
ZONES: Mapping[str, ZoneInfo] = {
    name: ZoneInfo(name)
    for name in (
        "America/New_York",
        "America/Denver",
        "America/Phoenix",
        "America/Indiana/Knox",
        "America/St_Johns",  # half an hour off the others
        "America/Havana",  # in spring midnight itself is missing
        "Africa/Casablanca",  # goes back for Ramadan
        "Asia/Kathmandu",  # three quarters of an hour off
        "Australia/Lord_Howe",  # its summer time is half an hour
        "Europe/London",
        "Pacific/Kiritimati",
        "Pacific/Pago_Pago",  # a day behind the line above
    )
}
MOMENTS = (
    datetime(2026, 10, 25, tzinfo=UTC),
    datetime(2026, 10, 31, 12, tzinfo=UTC),
    datetime(2026, 12, 31, tzinfo=UTC),
    datetime(2027, 3, 13, 20, tzinfo=UTC),
    datetime(2027, 4, 3, tzinfo=UTC),
    datetime(2028, 2, 28, tzinfo=UTC),
)
"""Before a change of the clocks, a new year, a leap day."""


def at(text: str) -> datetime:
    """The instant in UTC, as 2026-11-01T05:30."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(**days: str) -> Week:
    """A week in short: `hours(mon_fri="09:00-12:00 13:00-17:00")`."""
    return week({key.replace("_", "-"): value.split() for key, value in days.items()})


def no_holidays(calendar: str, year: int) -> frozenset[date]:
    return frozenset()


def holidays_on(*days: date) -> Holidays:
    """One calendar, `XX`, with these days."""
    return lambda calendar, year: frozenset(day for day in days if calendar == "XX" and day.year == year)


def people(*zones: str, consents: bool = False, held: str = "") -> Audience:
    return Audience(zones, ("US", "US-FL"), ("US",), ("mobile",), consents, held)


# --- the oracle ---


@dataclass(frozen=True)
class Oracle:
    """What is allowed to one person, minute by minute."""

    rules: Sequence[Rule]
    zones: Sequence[ZoneInfo]
    consents: bool
    holidays: Holidays
    ring: int
    past: Sequence[Ring] = ()
    debt: str = ""

    def is_open(self, rule: Rule, moment: datetime) -> bool:
        """Whether the rule lets a telephone ring in this minute, on every clock."""
        clocks = [ZoneInfo(rule.zone)] if rule.zone else self.zones
        return all(self._is_open_at(rule, moment.astimezone(clock)) for clock in clocks)

    def _is_open_at(self, rule: Rule, local: datetime) -> bool:
        day = local.date()
        if rule.effective_from and day < rule.effective_from:
            return True
        if rule.effective_until and day >= rule.effective_until:
            return True
        if day in rule.not_on or any(day in self.holidays(calendar, day.year) for calendar in rule.holidays):
            return False
        minute = local.hour * 60 + local.minute
        return rule.week is None or any(start <= minute < end for start, end in rule.week[local.weekday()])

    def is_in_effect(self, rule: Rule, moment: datetime) -> bool:
        """Whether it holds in any of the person's zones."""
        days = [moment.astimezone(zone).date() for zone in self.zones]
        has_begun = rule.effective_from is None or any(day >= rule.effective_from for day in days)
        return has_begun and (rule.effective_until is None or any(day < rule.effective_until for day in days))

    def is_barred(self, rule: Rule, moment: datetime) -> bool:
        bars = bool(rule.forbidden) or (rule.needs_consent and not self.consents)
        return bars and self.is_in_effect(rule, moment)

    def is_blocked(self, moment: datetime) -> bool:
        return any(self.is_barred(rule, moment) for rule in self.rules)

    def may_ring(self, rule: Rule, moment: datetime) -> bool:
        """Whether the rule lets a telephone begin to ring that rings until it is given up."""
        moments = [moment + n * MINUTE for n in range(self.ring // 60 + 1)]
        return all(self.is_open(rule, each) and not self.is_barred(rule, each) for each in moments)

    def is_free(self, rule: Rule, moment: datetime) -> bool:
        """Whether the person's history lets them be rung."""
        if not self.is_in_effect(rule, moment):
            return True
        if any(not self._is_under(cap, moment) for cap in rule.caps):
            return False
        if rule.gap is not None and any(ring.at + timedelta(seconds=rule.gap) > moment for ring in self.past):
            return False
        return not any(self._is_resting(rest, moment) for rest in rule.rests)

    def _is_under(self, cap: Cap, moment: datetime) -> bool:
        since = moment - timedelta(seconds=cap.seconds)
        return sum(ring.at > since for ring in self._about(cap.per)) < cap.most

    def _is_resting(self, rest: Rest, moment: datetime) -> bool:
        causes = [
            ring for ring in self._about(rest.per) if (ring.talked if rest.after == "conversation" else ring.refused)
        ]
        return any(
            (moment.astimezone(zone).date() - ring.at.astimezone(zone).date()).days < rest.days
            for ring in causes
            for zone in self.zones
        )

    def _about(self, scope: Scope) -> list[Ring]:
        if scope is Scope.PERSON or not self.debt:
            return list(self.past)
        return [ring for ring in self.past if ring.debt in (self.debt, "")]

    def allows(self, moment: datetime) -> bool:
        return all(self.may_ring(rule, moment) and self.is_free(rule, moment) for rule in self.rules)

    def first_allowed(self, moments: Iterable[datetime]) -> datetime | None:
        return next((moment for moment in moments if self.allows(moment)), None)


# --- strategies ---

_edges = st.lists(
    st.sampled_from([0, 60, 119, 120, 150, 180, 540, 720, 1200, 1260, 1439, 1440]), max_size=4, unique=True
)
_spans = _edges.map(lambda found: tuple(zip(sorted(found)[::2], sorted(found)[1::2], strict=False)))
_open_spans = st.one_of(st.just(((0, 1440),)), st.just(((540, 1260),)), _spans)
weeks: st.SearchStrategy[Week] = st.tuples(*[_open_spans] * 7)
_days_on = st.integers(-1, 3)
_lengths = st.sampled_from([3600.0, 7200.0, 86400.0, 90000.0])
_caps = st.lists(st.builds(Cap, st.integers(1, 3), _lengths, st.sampled_from(Scope)), max_size=2).map(tuple)
_rests = st.lists(st.builds(Rest, st.integers(1, 3), st.sampled_from(After), st.sampled_from(Scope)), max_size=1).map(
    tuple
)


@st.composite
def rules(draw: st.DrawFn, first: date) -> Rule:
    """A rule whose days, if it has any, are near the first."""
    day = st.none() | _days_on.map(lambda n: first + timedelta(days=n))
    since = draw(day)
    until = draw(day)
    return Rule(
        id=draw(st.sampled_from(["us-a", "us-b", "us-c", "us-d"])),
        place=draw(st.sampled_from(["*", "US", "US-FL"])),
        week=draw(st.none() | weeks),
        holidays=draw(st.sampled_from([(), (), ("XX",)])),
        not_on=draw(st.frozensets(_days_on.map(lambda n: first + timedelta(days=n)), max_size=1)),
        zone=draw(st.sampled_from([None, None, None, *ZONES])),
        caps=draw(_caps),
        rests=draw(_rests),
        gap=draw(st.none() | _lengths),
        forbidden="such calls are barred" if draw(st.integers(0, 15)) == 15 else "",
        needs_consent=draw(st.integers(0, 15)) == 15,
        effective_from=since,
        effective_until=until if until is None or since is None or since < until else None,
    )


@dataclass(frozen=True)
class Scene:
    """Somebody to decide about, at one moment, with what both sides are told."""

    calling: CallingRules
    audience: Audience
    holidays: Holidays
    past: tuple[Ring, ...]
    debt: str
    now: datetime

    @property
    def oracle(self) -> Oracle:
        zones = [ZONES[name] for name in self.audience.zones]
        ring = int(self.calling.ring)
        rules = self.calling.rules
        return Oracle(rules, zones, self.audience.consents, self.holidays, ring, self.past, self.debt)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Any rules and any person, around a moment at which clocks change or calendars turn."""
    now = draw(st.sampled_from(MOMENTS)) + draw(st.integers(0, 2 * 1440)) * MINUTE
    back = st.integers(0, 3 * 1440).map(lambda minutes: now - minutes * MINUTE)
    told = st.builds(Ring, back, st.sampled_from(["", "loan", "rent"]), st.booleans(), st.booleans())
    found = draw(st.lists(rules(now.date()), min_size=draw(st.integers(0, 3)), max_size=4))
    named = tuple(replace(rule, id=f"us-{number}") for number, rule in enumerate(found))
    return Scene(
        calling=CallingRules(rules=named, ring=float(draw(st.sampled_from([0, 60, 120])))),
        audience=people(*draw(st.lists(st.sampled_from(sorted(ZONES)), min_size=1, max_size=3, unique=True))),
        holidays=holidays_on(*draw(st.lists(_days_on.map(lambda n: now.date() + timedelta(days=n)), max_size=2))),
        past=tuple(draw(st.lists(told, max_size=5))),
        debt=draw(st.sampled_from(["", "loan"])),
        now=now,
    )
