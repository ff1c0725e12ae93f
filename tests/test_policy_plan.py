"""The forecast: who is called when, what holds the calls back, who does not fit."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.model import Action, Order, Response, RetryRules
from dialer.model.planning import FRESH, Crowd, Forecast, Speed, Wait
from dialer.model.rules import Cap, Rule
from dialer.policy import caps, plan, retry
from dialer.policy.ahead import FAR_DAYS, Course, Hours, Opens
from dialer.policy.chances import DEFAULT, Following, line_seconds, shares
from dialer.policy.plan import HOURS, LINES, NEVER_OPEN, NO_ROOM, OVER, PER_DAY, RATE, TIMES, Going, Kind
from dialer.policy.spans import Spans, contains, meet
from tests.calling_kit import at

NOON = at("2026-11-23T12:00")
NOW = NOON.timestamp()
HOUR, DAY = 3600, 86400
NOBODY = replace(DEFAULT, answer=0.0, machine=0.0, ring=10.0, lines=1000.0)
EVERYBODY = replace(DEFAULT, answer=1.0, machine=0.0, length=50.0, ring=10.0, lines=1000.0)
ALWAYS: Spans = ((0, 2**40),)
ONCE = retry.rules(1, {})


def near(value: Any, rel: float | None = None, abs: float | None = None) -> Any:
    """What is equal but for the arithmetic of fractions, or by so much."""
    return pytest.approx(value, rel=rel, abs=abs)


def daily(first: float, last: float) -> Spans:
    """Open from one hour to another of each day, UTC."""
    days = range(int(NOW) // DAY - 1, int(NOW) // DAY + FAR_DAYS + 2)
    return tuple((int(day * DAY + first * HOUR), int(day * DAY + last * HOUR)) for day in days)


def opens(*kinds: Spans) -> Opens:
    """The hours of each kind."""

    def opened(kind: int, start: datetime, end: datetime) -> Spans:
        return meet(kinds[kind], ((int(start.timestamp()), int(end.timestamp())),))

    return opened


def told(
    *crowds: Crowd,
    hours: Sequence[Spans] = (ALWAYS,),
    kinds: Sequence[Kind] | None = None,
    rules: RetryRules = ONCE,
    order: Order = Order.RETRIES_FIRST,
    rate: float = 1.0,
    assumed: Any = EVERYBODY,
    **speed: int,
) -> Forecast:
    going = Going(Following(rules, shares(assumed)), assumed, Speed(rate, **speed), rules.attempts, order)
    return plan.forecast(crowds, kinds or [Kind((f"zone {n}",)) for n in range(len(hours))], opens(*hours), going, NOON)


def after(seconds: float) -> Any:
    return near(NOW + seconds, abs=1)


# --- one call each -----------------------------------------------------------------------------------


def test_people_are_called_as_fast_as_the_pace_lets_them() -> None:
    found = told(Crowd(0, 7200), rate=2.0)
    assert (found.people, found.ready, found.waits, found.worst) == (7200, 7200, (), 7200)
    assert (found.calls, found.reached, found.unreached) == (near(7200), near(7200), 0)
    assert (found.first, found.last, found.ends) == (NOW, after(3600), after(3660))
    assert found.binds == {RATE: near(3600, abs=1)}
    assert found.hours == ((int(NOW), near(7200)),)
    (zone,) = found.zones
    assert (zone.zones, zone.people, zone.calls, zone.last) == (("zone 0",), 7200, near(7200), after(3600))


def test_lines_bind_where_calls_are_long() -> None:
    found = told(Crowd(0, 3600), rate=50.0, assumed=replace(EVERYBODY, lines=30.0))
    assert line_seconds(EVERYBODY) == 60.0
    assert (found.last, list(found.binds)) == (after(7200), [LINES])


def test_the_calls_of_a_day_bind_and_the_day_is_that_of_utc() -> None:
    found = told(Crowd(0, 250), rate=1.0, per_day=100, made_today=60)
    assert [round(sum(n for hour, n in found.hours if hour // DAY == NOW // DAY + day)) for day in range(4)] == [
        40, 100, 100, 10,
    ]  # fmt: skip
    assert max(found.binds, key=lambda cause: found.binds[cause]) == PER_DAY
    assert found.last is not None and found.last // DAY == NOW // DAY + 3


def test_nobody_is_called_outside_their_hours() -> None:
    found = told(Crowd(0, 7200), Crowd(1, 60), hours=[daily(9, 13), daily(15.5, 16)])
    assert (found.ready, found.waits) == (7200, (Wait(NOW + 3.5 * HOUR, 60, HOURS),))
    assert {hour: round(calls) for hour, calls in found.hours} == {
        NOW: 3600, NOW + 3 * HOUR: 60, NOW + 21 * HOUR: 3600,
    }  # fmt: skip
    assert [round(zone.last or 0) - NOW for zone in found.zones] == [22 * HOUR, near(3.5 * HOUR + 60, abs=60)]
    assert found.zones[1].first == NOW + 3.5 * HOUR
    assert found.binds[HOURS] == near(20 * HOUR, abs=120)


def test_the_first_call_is_made_when_the_hours_open_wherever_a_step_begins() -> None:
    found = told(Crowd(0, 300_000), hours=[daily(14.25, 15)])
    assert found.first == NOW + 2.25 * HOUR
    assert found.hours[0] == (int(NOW) + 2 * HOUR, near(0.75 * HOUR))


def test_nobody_at_all() -> None:
    found = told()
    assert (found.people, found.calls, found.first, found.last, found.ends, found.binds) == (0, 0, None, None, None, {})


# --- whose turn it is --------------------------------------------------------------------------------


def turns(order: Order) -> list[str]:
    """In which order four crowds come to an end that have a zone each."""
    crowds = [
        Crowd(0, 600), Crowd(1, 600, again=True, past=(1, ())), Crowd(2, 600, priority=5), Crowd(3, 600, priority=-5),
    ]  # fmt: skip
    found = told(*crowds, hours=[ALWAYS] * 4, order=order, rules=retry.rules(2, {}))
    return [zone.zones[0] for zone in sorted(found.zones, key=lambda zone: zone.last or 0)]


def test_a_higher_priority_goes_first_then_the_order_of_the_campaign() -> None:
    assert turns(Order.RETRIES_FIRST) == ["zone 2", "zone 1", "zone 0", "zone 3"]
    assert turns(Order.FRESH_FIRST) == ["zone 2", "zone 0", "zone 1", "zone 3"]


def test_equals_are_called_in_equal_parts() -> None:
    found = told(Crowd(0, 3000), Crowd(1, 600), hours=[ALWAYS] * 2)
    first, second = found.zones
    assert first.last == second.last == after(3600)


def test_a_time_of_their_own_is_waited_for() -> None:
    found = told(Crowd(0, 60, due_at=NOW + HOUR), Crowd(0, 60), Crowd(0, 5, due_at=NOW - HOUR))
    assert (found.ready, found.waits) == (65, (Wait(NOW + HOUR, 60, TIMES),))
    assert found.last == after(HOUR + 60)
    assert found.binds[TIMES] == near(HOUR - 65, abs=10)
    closed = told(Crowd(0, 60, due_at=NOW + 2 * HOUR), hours=[daily(9, 13)])
    assert closed.waits == (Wait(NOW + 21 * HOUR, 60, HOURS),)


# --- again -------------------------------------------------------------------------------------------

TWICE = retry.rules(3, {"no_answer": Response(Action.WAIT, (2 * HOUR, DAY))})


def test_whoever_is_not_reached_is_called_again_after_the_waits_of_the_campaign() -> None:
    found = told(Crowd(0, 60), rules=TWICE, assumed=NOBODY)
    assert (found.calls, found.worst, found.reached) == (near(180), 180, 0)
    assert found.unreached == near(60)
    waits = 2 * HOUR * 1.05 + DAY * 1.05
    assert found.last == near(NOW + 60 + waits, abs=60)
    assert found.binds[TIMES] == near(waits - 120, rel=0.01)


def test_calls_are_those_of_all_who_were_not_reached_before() -> None:
    found = told(Crowd(0, 1000), rules=TWICE, rate=10.0, assumed=replace(NOBODY, answer=0.4))
    assert found.calls == near(1000 * (1 + 0.6 + 0.36))
    assert (found.reached, found.unreached) == (near(1000 * (1 - 0.216)), near(216))


def test_what_was_used_up_before_counts() -> None:
    used = Crowd(0, 10, again=True, past=(2, (("no_answer", 2),)))
    found = told(used, rules=TWICE, assumed=NOBODY)
    assert (found.calls, found.worst) == (near(10), 10)


def test_less_than_half_a_call_is_not_waited_for() -> None:
    found = told(Crowd(0, 3), rules=TWICE, assumed=replace(NOBODY, answer=0.9))
    assert found.calls == near(3 + 0.3 + 0.03)
    assert found.last == near(NOW, abs=10)
    assert list(found.binds) == [RATE]


# --- caps --------------------------------------------------------------------------------------------


def capped(**rule: Any) -> Kind:
    limits = caps.limits((Rule("caps", "*", **rule),), (ZoneInfo("UTC"),))
    return Kind(("UTC",), (ZoneInfo("UTC"),), limits)


@pytest.mark.parametrize(
    ("kind", "last"),
    [
        (capped(gap=6.0 * HOUR), 6 * HOUR + DAY * 1.05),
        (capped(caps=(Cap(1, 2.0 * DAY),)), 4 * DAY),
        (capped(caps=(Cap(2, 3.0 * DAY),)), 3 * DAY),
        (capped(caps=(Cap(3, 30.0 * DAY),)), 2 * HOUR * 1.05 + DAY * 1.05),
    ],
)
def test_caps_and_gaps_hold_the_next_call_back(kind: Kind, last: float) -> None:
    found = told(Crowd(0, 60), kinds=[kind], rules=TWICE, assumed=NOBODY)
    assert found.calls == near(180)
    # What caps remember of earlier rings is rounded up to the full hour.
    assert NOW + last <= (found.last or 0) <= NOW + last + HOUR + 120


# --- who does not fit --------------------------------------------------------------------------------


def test_whoever_ends_before_the_hours_open_cannot_be_called() -> None:
    found = told(
        Crowd(0, 10, expires_at=NOW + HOUR), Crowd(0, 20), Crowd(0, 3, expires_at=NOW - 1), Crowd(1, 4),
        hours=[daily(15, 16), ()],
    )  # fmt: skip
    assert found.unfit == {NEVER_OPEN: 14, OVER: 3}
    assert (found.people, found.calls, found.worst, found.ready) == (37, near(20), 20, 0)
    assert [(zone.last is None, zone.people) for zone in found.zones] == [(False, 33), (True, 4)]


def test_whoever_is_not_reached_by_the_pace_before_their_end_does_not_fit() -> None:
    found = told(Crowd(0, 7200, expires_at=NOW + HOUR), Crowd(0, 60, priority=1))
    assert found.unfit == {NO_ROOM: near(3660, abs=60)}
    assert found.calls == near(3600, abs=60)


def test_a_call_that_would_come_too_late_is_cut() -> None:
    found = told(Crowd(0, 60, expires_at=NOW + HOUR), rules=TWICE, assumed=NOBODY)
    assert (found.calls, found.cut, found.unfit) == (near(60), near(60), {})
    later = told(Crowd(0, 60, expires_at=NOW + 4 * HOUR), hours=[daily(9, 14)], rules=TWICE, assumed=NOBODY)
    assert (later.calls, later.cut, later.unreached) == (near(60), near(60), near(60))


def test_nobody_is_called_in_the_part_of_a_step_that_comes_after_their_end() -> None:
    found = told(Crowd(0, 100, expires_at=NOW + 13), rate=5.0, hours=[ALWAYS])
    assert found.calls == near(65)
    assert found.unfit == {NO_ROOM: near(35)}


def test_a_forecast_has_an_end() -> None:
    found = told(Crowd(0, 10_000_000), rate=0.01)
    assert found.calls == near(0.01 * FAR_DAYS * DAY, rel=0.01)
    assert found.late == near(10_000_000 - found.calls)
    once = told(Crowd(0, 1000), hours=[((int(NOW) + DAY, int(NOW) + DAY + 60),)])
    assert (once.calls, once.late) == (near(60), near(940))


# --- always ------------------------------------------------------------------------------------------

crowds = st.builds(
    Crowd,
    kind=st.integers(0, 2),
    people=st.integers(1, 3000),
    priority=st.integers(-1, 1),
    again=st.booleans(),
    due_at=st.none() | st.floats(NOW - DAY, NOW + 3 * DAY),
    expires_at=st.none() | st.floats(NOW - HOUR, NOW + 4 * DAY),
    past=st.sampled_from([FRESH, (1, (("no_answer", 1),))]),
)
windows = st.tuples(st.integers(0, 23), st.integers(1, 5)).map(lambda pair: daily(pair[0], pair[0] + pair[1]))


@given(
    st.lists(crowds, max_size=5),
    st.lists(windows, min_size=3, max_size=3),
    st.floats(0.05, 20.0),
    st.none() | st.integers(1, 5000),
    st.sampled_from(Order),
    st.floats(0.0, 1.0),
)
@settings(max_examples=40, deadline=None)
def test_nobody_is_lost_nobody_is_called_at_night_and_the_pace_is_kept(
    people: list[Crowd], hours: list[Spans], rate: float, per_day: int | None, order: Order, answer: float
) -> None:
    assumed = replace(DEFAULT, answer=answer, lines=50.0)
    going = Going(Following(TWICE, shares(assumed)), assumed, Speed(rate, per_day), 3, order)
    found = plan.forecast(people, [Kind((f"{n}",)) for n in range(3)], opens(*hours), going, NOON)
    ended = found.reached + found.unreached + sum(found.unfit.values()) + found.late
    assert ended == near(found.people, abs=1e-3)
    assert found.cut <= found.unreached + 1e-6
    assert found.calls <= found.worst + 1e-3
    assert found.ready + sum(wait.people for wait in found.waits) <= found.people
    assert sum(calls for _, calls in found.hours) == near(found.calls)
    assert sum(zone.calls for zone in found.zones) == near(found.calls)
    for hour, calls in found.hours:
        assert calls <= going.rate * HOUR + 1e-3
        assert any(meet(each, ((hour, hour + HOUR),)) for each in hours)
    for day in {hour // DAY for hour, _ in found.hours} if per_day else ():
        assert sum(calls for hour, calls in found.hours if hour // DAY == day) <= per_day + 1e-3  # type: ignore[operator]
    for zone in found.zones:
        assert zone.first is None or contains(hours[int(zone.zones[0])], zone.first)


# --- the hours ahead ---------------------------------------------------------------------------------


def test_hours_are_asked_only_as_far_as_it_comes_to() -> None:
    asked: list[tuple[int, float]] = []

    def opened(kind: int, start: datetime, end: datetime) -> Spans:
        asked.append((kind, (end - NOON) / timedelta(days=1)))
        return meet((daily(9, 13), ())[kind], ((int(start.timestamp()), int(end.timestamp())),))

    hours = Hours(opened, NOW)
    assert (hours.next(0, NOW), hours.next(0, NOW + 2 * HOUR)) == (NOW, NOW + 21 * HOUR)
    assert hours.part(0, NOW + HOUR / 2, NOW + 22 * HOUR) == HOUR / 2 + HOUR
    assert asked == [(0, 14)]
    assert hours.next(1, NOW) is None
    assert [days for kind, days in asked if kind == 1] == [14, 28, 56, 112, 224, 400]
    assert hours.part(1, NOW, NOW + DAY) == 0


def test_a_course_ends_with_the_last_half_of_a_call() -> None:
    course = Course()
    assert course.tail == deque()
    for second in range(4):
        course.add(NOW + second, NOW + second + 1, 0.2)
    assert [course.first, course.last] == [NOW, NOW + 2]
    assert course.calls == near(0.8)


def test_nobody_is_ready_on_a_day_that_has_had_its_calls() -> None:
    midnight = (int(NOW) // DAY + 1) * DAY
    due_later = Crowd(0, 5, due_at=NOW + 2 * DAY)
    found = told(Crowd(0, 60), due_later, per_day=100, made_today=100)
    assert found.ready == 0
    assert found.waits == (Wait(midnight, 60, PER_DAY), Wait(NOW + 2 * DAY, 5, TIMES))
    assert told(Crowd(0, 60), per_day=100, made_today=99).ready == 60
    closed = told(Crowd(0, 60), hours=(daily(9, 20),), per_day=100, made_today=100)
    assert closed.waits == (Wait(midnight + 9 * HOUR, 60, HOURS),)
