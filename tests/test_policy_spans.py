"""Sets of instants."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.policy.spans import Spans, contains, join, meet, next_in, shortened, without

LAST = 40
raw = st.lists(st.tuples(st.integers(0, LAST), st.integers(0, LAST)), max_size=6)
spans = raw.map(join)


def members(found: Spans) -> set[int]:
    return {at for start, end in found for at in range(start, end)}


def is_tidy(found: Spans) -> bool:
    return all(start < end for start, end in found) and all(one[1] < other[0] for one, other in pairwise(found))


@pytest.mark.parametrize(
    ("given_", "joined"),
    [
        ([], ()),
        ([(3, 3), (5, 4)], ()),
        ([(5, 7), (1, 3)], ((1, 3), (5, 7))),
        ([(1, 3), (3, 5)], ((1, 5),)),
        ([(1, 9), (3, 5)], ((1, 9),)),
    ],
)
def test_joining(given_: list[tuple[int, int]], joined: Spans) -> None:
    assert join(given_) == joined


@given(one=raw, other=raw)
def test_a_join_holds_what_any_holds(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    joined = join(one, other)
    assert is_tidy(joined)
    assert members(joined) == {at for start, end in one + other for at in range(start, end)}


@given(one=spans, other=spans)
def test_a_meeting_holds_what_both_hold(one: Spans, other: Spans) -> None:
    assert members(meet(one, other)) == members(one) & members(other)
    assert is_tidy(meet(one, other))


@given(one=spans, other=spans)
def test_without_takes_away(one: Spans, other: Spans) -> None:
    assert members(without(one, other)) == members(one) - members(other)
    assert is_tidy(without(one, other))


@given(one=spans, seconds=st.integers(0, 10))
def test_a_dial_may_ring_only_inside(one: Spans, seconds: int) -> None:
    whole = members(one)
    expected = {at for at in range(LAST) if all(at + after in whole for after in range(seconds + 1))}
    assert members(shortened(one, seconds)) == expected


def test_part_of_a_second_of_ringing_counts_as_a_whole_one() -> None:
    assert shortened(((0, 10),), 1.5) == ((0, 8),)


@given(one=spans, at=st.integers(-2, LAST + 2))
def test_membership_and_what_comes_next(one: Spans, at: int) -> None:
    whole = members(one)
    assert contains(one, at) == (at in whole)
    assert next_in(one, at) == min((each for each in whole if each >= at), default=None)


def test_between_two_seconds() -> None:
    assert contains(((3, 5),), 4.999)
    assert not contains(((3, 5),), 5.0)
    assert next_in(((3, 5), (9, 10)), 4.25) == 4.25
    assert next_in(((3, 5), (9, 10)), 5.25) == 9
