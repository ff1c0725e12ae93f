"""How far the platform's clock is ahead: the best of what dates and ends tell, and begun anew where a clock was set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.verbex.ahead import Ahead


def test_nothing_is_known_at_first() -> None:
    assert Ahead().seconds == 0.0


def test_the_largest_of_the_dates_comes_nearest_since_each_is_cut_to_whole_seconds() -> None:
    ahead = Ahead()
    assert [ahead.dated(one) for one in (29.1, 29.8, 29.3)] == [29.1, 29.8, 29.8]


def test_an_end_that_is_later_than_the_dates_tell_puts_them_right_by_a_second_at_most() -> None:
    ahead = Ahead()
    ahead.dated(29.1)
    assert ahead.ended(29.9) == 29.9
    assert ahead.ended(28.0) == 29.9
    assert ahead.ended(3629.0) == 29.9


def test_an_end_alone_tells_nothing_of_a_clock() -> None:
    assert Ahead().ended(3600.0) == 0.0


def test_a_clock_that_is_set_is_learned_at_once_whichever_way() -> None:
    ahead = Ahead()
    ahead.dated(29.8)
    ahead.ended(29.9)
    assert ahead.dated(-3600.4) == -3600.4
    assert ahead.dated(0.2) == 0.2


def test_what_was_told_long_ago_is_forgotten() -> None:
    ahead = Ahead()
    ahead.dated(1.9)
    assert [ahead.dated(1.2) for _ in range(20)][-1] == 1.2


@given(
    skew=st.floats(-1e5, 1e5),
    read=st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 0.5), st.floats(0.0, 100.0)), min_size=1, max_size=50),
)
def test_it_is_never_more_than_the_truth_and_never_less_than_the_last_date(
    skew: float, read: list[tuple[float, float, float]]
) -> None:
    ahead = Ahead()
    for cut, way, ago in read:
        dated = skew - cut - way
        ahead.dated(dated)
        ahead.ended(skew - way - ago)
        assert dated <= ahead.seconds <= skew
