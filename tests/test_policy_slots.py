"""Slot accounting: how many calls were live at an instant, whatever is learned late."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.policy import slots
from dialer.policy.slots import Slots

calls = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 300)), max_size=40)


def counted(changes: list[tuple[float, int]]) -> Slots:
    found = slots.NO_CALLS
    for at, change in changes:
        found = slots.changed(found, change, at)
    return found


@given(made=calls, order=st.randoms())
def test_the_level_is_that_of_the_calls_that_were_live_in_whatever_order_it_is_learned(made, order) -> None:  # type: ignore[no-untyped-def]
    ends = [(start / 10, (start + length) / 10) for start, length in made]
    changes = [(at, change) for start, end in ends for at, change in ((start, 1), (end, -1))]
    order.shuffle(changes)
    found = counted(changes)
    assert found.live == 0
    latest = max((end for _, end in ends), default=0.0)
    for tenth in range(0, 800, 7):
        at = tenth / 10
        if at > latest - slots.KEPT:
            assert slots.level(found, at) == sum(start <= at < end for start, end in ends)


def test_what_happened_at_the_very_instant_is_counted() -> None:
    found = counted([(1.0, 1), (2.0, 1), (3.0, -1)])
    assert [slots.level(found, at) for at in (0.5, 1.0, 2.0, 2.9, 3.0)] == [0, 1, 2, 2, 1]


def test_an_end_just_after_an_instant_makes_it_less_sure() -> None:
    found = counted([(1.0, 1), (1.5, 1), (2.1, -1), (2.2, 1)])
    assert slots.level(found, 2.0) == 2
    assert slots.surely(found, 2.0, 0.25) == 1
    assert slots.surely(found, 2.0, 0.05) == 2


def test_what_is_long_over_is_forgotten_and_the_count_stays() -> None:
    found = slots.NO_CALLS
    for second in range(5000):
        found = slots.changed(found, 1 if second % 2 else -1, float(second))
    assert found.live == 0
    assert len(found.changes) < 2 * slots.KEPT + 64
    assert slots.level(found, 4999.0) == 0
    flood = counted([(0.001 * n, 1) for n in range(6000)])
    assert flood.live == 6000
    assert len(flood.changes) <= 256 + 32
