"""The brake after "too many requests"."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.policy import brake
from dialer.policy.brake import Brake


@pytest.mark.parametrize(
    ("retry_after", "times", "seconds"),
    [
        (None, 1, 1.0),
        (None, 2, 2.0),
        (None, 6, 32.0),
        (None, 7, 60.0),
        (None, 10_000, 60.0),
        (None, 0, 1.0),
        (0.5, 9, 0.5),
        (17.0, 1, 17.0),
        (86400.0, 1, 300.0),
        (0.1, 3, 0.1),
        (0.09, 3, 4.0),
        (0.0, 3, 4.0),
        (-5.0, 3, 4.0),
    ],
)
def test_how_long_it_holds(retry_after: float | None, times: int, seconds: float) -> None:
    assert brake.hold(retry_after, times) == seconds
    assert brake.hold_until(retry_after, 1000.0, times) == 1000.0 + seconds


def test_the_row_grows_only_by_what_was_sent_after_the_hold() -> None:
    pulled = brake.braked(Brake(), None, 100.0)
    assert pulled == Brake(101.0, 1)
    assert brake.braked(pulled, None, 100.4) == Brake(101.4, 1)
    assert brake.braked(pulled, 30.0, 100.4) == Brake(130.4, 1)
    assert brake.braked(pulled, None, 101.0) == Brake(103.0, 2)


def test_a_dial_that_was_taken_ends_the_row_unless_it_was_under_way() -> None:
    pulled = Brake(103.0, 2)
    assert brake.eased(pulled, 102.9) == pulled
    assert brake.eased(pulled, 103.0) == Brake()


@given(answers=st.lists(st.tuples(st.none() | st.floats(-10.0, 1e6), st.floats(0.0, 400.0)), max_size=30))
def test_the_brake_never_holds_longer_than_five_minutes(answers: list[tuple[float | None, float]]) -> None:
    pulled, now = Brake(), 0.0
    for retry_after, passed in answers:
        now += passed
        pulled = brake.braked(pulled, retry_after, now)
        assert now < pulled.until <= now + 300.0


@pytest.mark.parametrize(
    ("status", "retry_after", "of_a_dial", "is_told"),
    [
        (429, None, True, False),
        (429, 0.0, True, False),
        (429, 0.1, True, True),
        (429, 30.0, True, True),
        (503, None, False, False),
        (503, 0.0, False, False),
        (503, 30.0, True, True),
        (502, 30.0, False, False),
        (201, 30.0, False, False),
    ],
)
def test_what_asks_for_fewer(status: int, retry_after: float | None, of_a_dial: bool, is_told: bool) -> None:
    assert brake.asks_for_fewer(status, retry_after) is of_a_dial
    assert brake.is_told_how_long(status, retry_after) is is_told
