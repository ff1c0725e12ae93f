"""The wall clock that jumps: what is noticed of it, and how long an attempt is held then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.policy import jumps
from dialer.policy.jumps import Offset, held_for, jump, noticed, offset, told

HOUR, DAY = 3600.0, 86400.0
JUMPS = st.floats(-10 * DAY, 10 * DAY)
LENGTHS = st.floats(0.0, 600.0)


def at(wall: float, ticks: float, boot: str = "b1") -> Offset:
    return Offset(boot, offset(wall, ticks))


@pytest.mark.parametrize(
    ("before", "now", "by"),
    [
        (at(1000.0, 10.0), at(1060.0, 70.0), 0.0),
        (at(1000.0, 10.0), at(1000.0 + DAY + 60.0, 70.0), DAY),
        (at(1000.0, 10.0), at(1060.0 - HOUR, 70.0), -HOUR),
        (at(1000.0, 10.0), at(1060.0, 70.0, boot="b2"), None),
        (at(1000.0, 10.0, boot=""), at(1060.0, 70.0, boot=""), None),
        (at(1000.0, 10.0, boot=""), at(1060.0, 70.0), None),
    ],
)
def test_a_jump_is_what_the_wall_clock_went_more_than_the_boot(before: Offset, now: Offset, by: float | None) -> None:
    assert jump(before, now) == by


@pytest.mark.parametrize(
    ("remaining", "forward", "hold", "held"),
    [
        (80.0, 0.0, 120.0, 80.0),
        (-500.0, 0.0, 120.0, 0.0),
        (80.0 - DAY, DAY, 120.0, 80.0),
        (-20.0 - DAY, DAY, 120.0, 0.0),
        (80.0 + HOUR, 0.0, 120.0, 120.0),
        (300.0, 0.0, 120.0, 120.0),
        (80.0, jumps.ANY, 120.0, 120.0),
        (-DAY, jumps.ANY, 120.0, 120.0),
        (5.0, jumps.ANY, 0.0, 0.0),
    ],
)
def test_how_long_an_attempt_is_held_yet(remaining: float, forward: float, hold: float, held: float) -> None:
    assert held_for(remaining, forward, hold) == held


@given(before=JUMPS, since=st.lists(st.tuples(LENGTHS, st.none() | JUMPS), max_size=6), hold=LENGTHS)
def test_it_is_held_at_least_as_long_as_without_the_jumps(
    before: float, since: list[tuple[float, float | None]], hold: float
) -> None:
    """The hold begins by a clock that was set before; time passes, and it is set again and again, or nobody can say."""
    forward, passed, shown = jumps.set_forward(0.0, before), 0.0, 0.0
    for seconds, by in since:
        passed, shown = passed + seconds, shown + seconds + (DAY if by is None else by)
        forward = jumps.set_forward(forward, by)
    assert max(hold - passed, 0.0) - 1e-3 <= held_for(hold - shown, forward, hold) <= hold


@given(remaining=JUMPS, forward=JUMPS.map(abs), hold=LENGTHS)
def test_it_is_never_held_longer_than_the_whole_hold(remaining: float, forward: float, hold: float) -> None:
    assert 0.0 <= held_for(remaining, forward, hold) <= hold


@pytest.mark.parametrize(
    ("by", "is_noticed"), [(None, False), (0.0, False), (2.0, False), (-2.0, False), (2.1, True), (-2.1, True)]
)
def test_small_corrections_are_not_noticed(by: float | None, is_noticed: bool) -> None:
    assert noticed(by) is is_noticed


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (DAY + 59.0, "forward by 1 d 0 h;"),
        (3 * DAY + 5 * HOUR, "forward by 3 d 5 h;"),
        (-HOUR, "back by 1 h 0 min;"),
        (-90.9, "back by 1 min 30 s;"),
        (2.5, "forward by 2 s;"),
    ],
)
def test_what_the_user_is_told(by: float, words: str) -> None:
    sentence = told(by)
    assert sentence.startswith(f"the wall clock jumped {words} this is harmless because ")
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("so_far", "jump", "back"),
    [(0.0, 0.0, 0.0), (0.0, -3600.0, 3600.0), (60.0, -3600.0, 3660.0), (60.0, 86400.0, 60.0), (60.0, None, jumps.ANY)],
)
def test_how_far_the_clock_was_set_back_in_all(so_far: float, jump: float | None, back: float) -> None:
    """A clock that is set forward takes nothing back of it: what was written down before may still lie too late."""
    assert jumps.set_back(so_far, jump) == back


@pytest.mark.parametrize(
    ("so_far", "jump", "forward"),
    [(0.0, 0.0, 0.0), (0.0, HOUR, HOUR), (60.0, HOUR, HOUR + 60.0), (60.0, -DAY, 60.0), (60.0, None, jumps.ANY)],
)
def test_how_far_the_clock_was_set_forward_in_all(so_far: float, jump: float | None, forward: float) -> None:
    assert jumps.set_forward(so_far, jump) == forward
