"""The breaker: opens after failures in a row, probes at growing intervals, gives up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.policy.breaker import Breaker, Health, after, state


def opened(now: float = 100.0) -> Breaker:
    breaker = Breaker()
    for _ in range(5):
        breaker = after(breaker, ok=False, now=now)
    return breaker


def test_it_opens_at_the_fifth_failure_in_a_row() -> None:
    breaker = Breaker()
    for failure in range(1, 5):
        breaker = after(breaker, ok=False, now=float(failure))
        assert state(breaker, float(failure)) is Health.CLOSED
    assert state(after(breaker, ok=False, now=5.0), 5.0) is Health.OPEN


def test_a_success_ends_the_row() -> None:
    breaker = Breaker(opens_after=2, give_up_after=9.0)
    for now in range(10):
        breaker = after(after(breaker, ok=False, now=float(now)), ok=True, now=float(now))
    assert breaker == Breaker(opens_after=2, give_up_after=9.0)


def test_probes_come_at_growing_intervals_until_it_gives_up() -> None:
    breaker, now, intervals = opened(0.0), 0.0, []
    while state(breaker, breaker.probe_at) is Health.PROBING:
        assert state(breaker, breaker.probe_at - 0.001) is Health.OPEN
        intervals.append(breaker.probe_at - now)
        now = breaker.probe_at
        breaker = after(breaker, ok=False, now=now)
    assert intervals[:8] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert state(breaker, 599.9) is not Health.GIVEN_UP
    assert state(breaker, 600.0) is Health.GIVEN_UP


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = after(opened(), ok=True, now=101.0)
    assert state(breaker, 101.0) is Health.CLOSED
    assert breaker.failures == 0


def test_dials_that_were_under_way_do_not_put_the_probe_off() -> None:
    breaker = opened(100.0)
    late = after(breaker, ok=False, now=100.5)
    assert (late.probe_at, late.probes, late.failures) == (breaker.probe_at, 0, 6)


@given(answers=st.lists(st.tuples(st.booleans(), st.floats(0.0, 40.0)), max_size=60))
def test_it_is_closed_exactly_while_fewer_than_five_failed_in_a_row(answers: list[tuple[bool, float]]) -> None:
    breaker, now, row = Breaker(), 0.0, 0
    for ok, passed in answers:
        now += passed
        breaker = after(breaker, ok, now)
        row = 0 if ok else row + 1
        assert (state(breaker, now) is Health.CLOSED) == (row < 5)
        assert breaker.opened_at is None or now < breaker.probe_at <= now + 30.0
