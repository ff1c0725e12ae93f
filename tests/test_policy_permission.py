"""May this person be dialled now, and if not, when: all rules together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.model.rules import Audience, CallingRules, Cap, Pack, Permit, Ring, Rule, Ruling, Week
from dialer.policy.clocks import instant
from dialer.policy.hours import Holidays
from dialer.policy.permission import FAR, desk, explain, openings
from dialer.policy.permission import decide as decide_by_all
from tests.calling_kit import MINUTE, ZONES, at, holidays_on, hours, no_holidays, people

SECOND = timedelta(seconds=1)
ALLOW, HOLD, BLOCK = Ruling.ALLOW, Ruling.HOLD, Ruling.BLOCK
NEW_YORKER = people("America/New_York")
ALL_ZONES = {**ZONES, "America/Los_Angeles": ZoneInfo("America/Los_Angeles")}


def rule(name: str = "us-hours", week: Week | None = None, place: str = "*") -> Rule:
    return Rule(name, place, week=week, citation=f"Act of {name}", pack="us", version="2026.11.22")


def calling(*rules: Rule, ring: float = 60.0) -> CallingRules:
    return CallingRules(rules=rules, ring=ring)


def decide(
    rules: CallingRules,
    now: datetime,
    past: Sequence[Ring] = (),
    audience: Audience = NEW_YORKER,
    holidays: Holidays = no_holidays,
    debt: str = "",
) -> Permit:
    return decide_by_all(rules, audience, ALL_ZONES, holidays, past, debt, now)


WORKDAYS = rule(week=hours(mon_fri="09:00-20:00"))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at("2026-11-23T14:00"), None),
        (at("2026-11-23T14:00") - SECOND, "2026-11-23T14:00"),
        # A telephone rings for 60 s: at 19:59 it could still ring at 20:00, when nobody may be called.
        (at("2026-11-24T00:59") - SECOND / 1000, None),
        (at("2026-11-24T00:59"), "2026-11-24T14:00"),
        (at("2026-11-24T01:00"), "2026-11-24T14:00"),
        (at("2026-11-22T17:00"), "2026-11-23T14:00"),
        (at("2026-11-28T02:00"), "2026-11-30T14:00"),
        # From Friday to Monday the clocks go back: nine o'clock is an hour later in UTC.
        (at("2026-10-30T13:00"), None),
        (at("2026-10-31T00:00"), "2026-11-02T14:00"),
        (at("2027-03-13T02:00"), "2027-03-15T13:00"),
    ],
)
def test_hours_of_one_person(now: datetime, expected: str | None) -> None:
    found = decide(calling(WORKDAYS), now)
    if expected is None:
        assert found == Permit(ALLOW, "us-hours", "", "Act of us-hours", "us-2026.11.22")
    else:
        why = "calls only Mon–Fri 09:00–20:00"
        assert found == Permit(HOLD, "us-hours", why, "Act of us-hours", "us-2026.11.22", at(expected))


@pytest.mark.parametrize(("ring", "last"), [(0, "00:59:59"), (30, "00:59:29"), (29.5, "00:59:29"), (3600, "23:59:59")])
def test_the_last_dial_is_a_ringing_time_before_the_end(ring: float, last: str) -> None:
    day = "2026-11-24" if last.startswith("00") else "2026-11-23"
    assert decide(calling(WORKDAYS, ring=ring), at(f"{day}T{last}")).ruling is ALLOW
    assert decide(calling(WORKDAYS, ring=ring), at(f"{day}T{last}") + SECOND).ruling is HOLD


def test_hours_shorter_than_a_ring_never_open() -> None:
    minute = rule(week=hours(daily="09:00-09:01"))
    assert decide(calling(minute, ring=59), at("2026-11-22T20:00")).until == at("2026-11-23T14:00")
    assert decide(calling(minute, ring=60), at("2026-11-22T20:00")).rule == "never_opens"


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        (("America/New_York",), "2026-11-23T14:00"),
        (("America/New_York", "America/Los_Angeles"), "2026-11-23T17:00"),
        (("America/Phoenix", "America/Denver"), "2026-11-23T16:00"),
        (("America/New_York", "Europe/London"), "2026-11-23T14:00"),
        (("America/New_York", "Asia/Kathmandu"), "2026-11-23T14:00"),  # until 14:15, when it is 20:00 in Nepal
    ],
)
def test_somebody_who_may_be_in_several_zones(zones: tuple[str, ...], expected: str) -> None:
    found = decide(calling(WORKDAYS), at("2026-11-22T12:00"), audience=people(*zones))
    assert (found.ruling, found.until) == (HOLD, at(expected))


def test_no_common_hour_is_a_hold_without_end() -> None:
    office = rule(week=hours(daily="09:00-17:00"))
    found = decide(calling(office), at("2026-11-22T12:00"), audience=people("America/New_York", "Asia/Kathmandu"))
    why = "within 400 days there is no moment at which every rule allows a call"
    assert found == Permit(HOLD, "never_opens", why)


def test_the_navajo_nation_opens_with_phoenix_and_closes_with_denver_in_summer() -> None:
    either = people("America/Phoenix", "America/Denver")
    start, end = at("2027-06-14T06:00"), at("2027-06-15T06:00")
    found = openings(calling(WORKDAYS), either, ZONES, no_holidays, start, end)
    assert [(instant(first), instant(last)) for first, last in found] == [
        (at("2027-06-14T16:00"), at("2027-06-15T01:59"))
    ]


def test_a_rule_may_count_on_a_clock_of_its_own() -> None:
    """As in Mississippi, whose hours are Central wherever the person is."""
    central = replace(rule("us-ms-hours", hours(mon_sat="08:00-20:00")), zone="America/Chicago")
    found = decide(calling(central), at("2026-11-23T13:30"))
    assert (found.until, found.why) == (at("2026-11-23T14:00"), "calls only Mon–Sat 08:00–20:00 America/Chicago")


@pytest.mark.parametrize(
    ("now", "until", "name"),
    [
        (at("2026-11-23T13:30"), "2026-11-23T14:00", "us-b"),  # the last to open
        (at("2026-11-22T17:00"), "2026-11-23T14:00", "us-b"),
        (at("2026-11-23T15:00"), None, "us-a"),  # the first to close
        (at("2026-11-23T23:30"), "2026-11-24T14:00", "us-b"),
    ],
)
def test_the_strictest_of_all_rules_is_named(now: datetime, until: str | None, name: str) -> None:
    early = rule("us-a", hours(daily="08:00-18:00"))
    late = rule("us-b", hours(mon_fri="09:00-20:00"))
    for rules in ((early, late), (late, early)):
        found = decide(calling(*rules), now)
        assert (found.rule, found.until) == (name, None if until is None else at(until))


def test_of_equals_the_one_of_a_pack_is_named() -> None:
    law = rule("us-hours", hours(daily="09:00-20:00"))
    own = replace(law, id="own", pack="", version="")
    pack = Pack("us", "", "2026.11.22", date(2026, 1, 1), date(2027, 1, 1), frozenset({"US"}), (law,))
    both = CallingRules(rules=(own,), packs=(pack,))
    assert decide(both, at("2026-11-23T15:00")).rule == "us-hours"
    assert decide(both, at("2026-11-23T05:00")).rule == "us-hours"
    assert decide(replace(both, accepted=frozenset({"us-hours"})), at("2026-11-23T15:00")).rule == "own"


def test_without_rules_nothing_stands_against_a_call() -> None:
    assert decide(CallingRules(), at("2026-11-22T05:00")) == Permit(ALLOW)
    assert decide(CallingRules(is_free=True), at("2026-11-22T05:00"), audience=Audience()) == Permit(ALLOW)


def test_where_no_rule_has_hours_an_allow_names_the_first() -> None:
    capped = replace(rule("us-caps"), caps=(Cap(3, 86400.0),))
    assert decide(calling(capped), at("2026-11-22T05:00")).rule == "us-caps"


CAPPED = replace(rule("us-caps"), caps=(Cap(1, 86400.0),))


@pytest.mark.parametrize(
    ("now", "rung", "until", "name"),
    [
        # The cap lets go while nobody may be called: the hours are the last.
        (at("2026-11-23T17:00"), at("2026-11-23T02:00"), "2026-11-24T14:00", "us-hours"),
        # It lets go in the middle of a day.
        (at("2026-11-23T17:00"), at("2026-11-23T15:00"), "2026-11-24T15:00", "us-caps"),
        (at("2026-11-24T06:00"), at("2026-11-23T15:00"), "2026-11-24T15:00", "us-caps"),
        # It lets go in the last minute of a Friday, when a telephone would ring too long.
        (at("2026-11-27T10:00"), at("2026-11-27T00:59"), "2026-11-30T14:00", "us-hours"),
        (at("2026-11-24T17:00"), at("2026-11-23T17:00"), None, "us-hours"),
    ],
)
def test_hours_and_history_both_must_allow_it(now: datetime, rung: datetime, until: str | None, name: str) -> None:
    found = decide(calling(WORKDAYS, CAPPED), now, [Ring(rung)])
    assert (found.rule, found.until) == (name, None if until is None else at(until))
    if name == "us-caps":
        assert found.why == "at most 1 ring in 24 h"


def test_a_prohibition_that_begins_before_the_next_opening_is_seen() -> None:
    barred = replace(rule("us-ban"), forbidden="such calls are barred", effective_from=date(2026, 11, 23))
    sunday = at("2026-11-22T17:00")
    assert decide(calling(WORKDAYS, barred), sunday).rule == "never_opens"
    for_a_day = replace(barred, effective_until=date(2026, 11, 24))
    assert decide(calling(WORKDAYS, for_a_day), sunday).until == at("2026-11-24T14:00")
    all_week = rule(week=hours(mon_sat="00:00-24:00", sun="00:00-12:00"))
    found = decide(calling(all_week, for_a_day), sunday)
    assert (found.rule, found.why, found.until) == ("us-ban", "such calls are barred", at("2026-11-24T05:00"))
    assert decide(calling(WORKDAYS, for_a_day), at("2026-11-23T17:00")).ruling is BLOCK


def test_no_dial_rings_into_a_prohibition() -> None:
    midnight = at("2026-11-23T05:00")
    barred = replace(rule("us-ban"), forbidden="such calls are barred", effective_from=date(2026, 11, 23))
    assert decide(calling(barred), midnight - 61 * SECOND).ruling is ALLOW
    assert decide(calling(barred), midnight - 60 * SECOND).ruling is HOLD


def test_openings_are_those_of_the_time_that_is_asked_for() -> None:
    start, end = at("2026-11-23T15:00"), at("2026-11-25T15:00")
    found = openings(calling(WORKDAYS), NEW_YORKER, ZONES, no_holidays, start, end)
    assert [(instant(first), instant(last)) for first, last in found] == [
        (at("2026-11-23T15:00"), at("2026-11-24T00:59")),
        (at("2026-11-24T14:00"), at("2026-11-25T00:59")),
        (at("2026-11-25T14:00"), at("2026-11-25T15:00")),
    ]
    barred = replace(WORKDAYS, forbidden="such calls are barred")
    assert openings(calling(barred), NEW_YORKER, ZONES, no_holidays, start, end) == ()
    assert openings(calling(), NEW_YORKER, ZONES, no_holidays, start, end) == (
        (int(start.timestamp()), int(end.timestamp())),
    )


def test_a_holiday_that_moves_is_one_in_each_year() -> None:
    thanksgivings = holidays_on(date(2026, 11, 26), date(2027, 11, 25))
    resting = calling(replace(WORKDAYS, holidays=("XX",)))
    assert decide(resting, at("2026-11-26T15:00"), holidays=thanksgivings).until == at("2026-11-27T14:00")
    assert decide(resting, at("2027-11-25T15:00"), holidays=thanksgivings).until == at("2027-11-26T14:00")
    assert decide(resting, at("2027-11-26T15:00"), holidays=thanksgivings).ruling is ALLOW


LEAP_DAY = rule("us-leap", hours(tue="09:00-17:00"))


def only_on(day: date, start: date = date(2026, 1, 1)) -> Rule:
    """A rule that closes all days of three years but one."""
    others = frozenset(start + timedelta(days=n) for n in range(3 * 366)) - {day}
    return replace(LEAP_DAY, not_on=others)


def test_an_opening_is_looked_for_400_days_ahead() -> None:
    opening = at("2028-02-29T14:00")
    rare = calling(only_on(date(2028, 2, 29)))
    assert decide(rare, opening - timedelta(days=20)).until == opening
    assert decide(rare, opening - FAR).until == opening
    assert decide(rare, opening - FAR - SECOND).rule == "never_opens"


def test_a_desk_says_the_same_outside_its_time() -> None:
    opening = at("2028-02-29T14:00")
    rare = calling(only_on(date(2028, 2, 29)))
    made = desk(rare, NEW_YORKER, ZONES, no_holidays, opening - timedelta(days=300), opening - timedelta(days=290))
    for days in (500, 399, 300, 299, 295, 290, 10, -10):
        now = opening - timedelta(days=days)
        assert made.decide((), "", now) == decide(rare, now), days
    assert made.decide((), "", opening).ruling is ALLOW


def test_a_desk_looks_far_ahead_once_for_all_whom_it_is_asked_about() -> None:
    asked: list[int] = []

    def days(calendar: str, year: int) -> frozenset[date]:
        asked.append(year)
        return frozenset()

    never = calling(
        replace(rule(week=hours(mon="09:00-10:00")), holidays=("XX",)), rule("us-b", hours(tue="09:00-10:00"))
    )
    start = at("2026-11-22T12:00")
    made = desk(never, NEW_YORKER, ZONES, days, start, start + timedelta(days=2))
    assert made.decide((), "", start).rule == "never_opens"
    before = len(asked)
    assert before > 0
    for minutes in range(0, 2880, 480):
        assert made.decide((), "", start + minutes * MINUTE).rule == "never_opens"
    assert len(asked) == before


def test_a_hold_for_what_is_not_known_waits_for_a_person() -> None:
    found = decide(calling(WORKDAYS), at("2026-11-23T15:00"), audience=replace(NEW_YORKER, held="no_zone"))
    assert found == Permit(HOLD, "held:no_zone", "nothing says in which time zone this person is")


def test_each_rule_says_what_it_thinks_by_itself() -> None:
    barred = replace(rule("us-ban"), forbidden="such calls are barred")
    asking = replace(rule("us-consent"), needs_consent=True)
    noted = replace(rule("us-note"), note="say that it is a machine")
    elsewhere = rule("us-ga-hours", hours(mon="09:00-10:00"), place="US-GA")
    rules = calling(WORKDAYS, CAPPED, barred, asking, noted, elsewhere)
    sunday = at("2026-11-22T17:00")
    told = explain(rules, NEW_YORKER, ZONES, no_holidays, [Ring(sunday)], "", sunday)
    assert [(found.rule.id, found.says, found.until, found.words) for found in told] == [
        ("us-hours", HOLD, at("2026-11-23T14:00"), "calls only Mon–Fri 09:00–20:00"),
        ("us-caps", HOLD, at("2026-11-23T17:00"), "at most 1 ring in 24 h"),
        ("us-ban", BLOCK, None, "such calls are barred"),
        (
            "us-consent",
            BLOCK,
            None,
            "the rule us-consent asks for consent, and the list does not say that this person gave it",
        ),
        ("us-note", ALLOW, None, "say that it is a machine"),
    ]
    monday = at("2026-11-23T17:00")
    told = explain(calling(WORKDAYS, CAPPED), NEW_YORKER, ZONES, no_holidays, [Ring(sunday)], "", monday)
    assert [(found.says, found.words) for found in told] == [
        (ALLOW, "Mon–Fri 09:00–20:00"),
        (ALLOW, "at most 1 ring in 24 h"),
    ]


def test_what_is_not_known_is_found_before_the_rules() -> None:
    pack = Pack("us", "United States", "1", date(2026, 1, 1), date(2026, 2, 1), frozenset({"US"}), (WORKDAYS,))
    lost = Audience(("America/New_York",), ("US",), ("US", "FR"), (), held="no_zone")
    told = explain(CallingRules(packs=(pack,)), lost, ZONES, no_holidays, (), "", at("2026-11-23T15:00"))
    assert [(found.rule.id, found.says) for found in told] == [
        ("held:no_zone", HOLD),
        ("held:no_pack", HOLD),
        ("held:expired_pack", HOLD),
        ("us-hours", ALLOW),
    ]


def test_a_calendar_that_is_not_known_lets_nobody_be_called() -> None:
    def unknown(calendar: str, year: int) -> frozenset[date]:
        raise LookupError(f"no calendar {calendar}")

    with pytest.raises(LookupError, match="no calendar XX"):
        decide(calling(replace(WORKDAYS, holidays=("XX",))), at("2026-11-23T15:00"), holidays=unknown)
