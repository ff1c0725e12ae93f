"""Admission by room: never more lines than the limit."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from dialer.lines import Lines
from dialer.model import Sample
from dialer.policy import pacing
from tests.virtual_time import in_virtual_time, moment


def lines(limit: int = 2) -> Lines:
    return Lines(pacing.fixed(limit), lambda: 0.0)


# --- lines ---------------------------------------------------------------------------------------


def test_a_line_is_counted_once_however_often_it_is_held_or_freed() -> None:
    room = lines()
    line = room.take()
    line.hold()
    assert room.in_use == 1
    line.free()
    line.free()
    assert room.in_use == 0
    line.hold()
    assert room.in_use == 1


def test_lines_are_counted_above_the_limit() -> None:
    room = lines(2)
    taken = [room.take() for _ in range(5)]
    assert (room.in_use, room.limit, room.is_full) == (5, 2, True)
    for line in taken[:4]:
        line.free()
    assert not room.is_full


def test_room_waits_until_a_line_is_free_and_not_a_moment_less() -> None:
    async def main() -> None:
        room = lines(1)
        line, other = room.take(), room.take()
        waiting = asyncio.create_task(room.room())
        await moment(1.0)
        other.free()
        await moment(1.0)
        assert not waiting.done()
        line.free()
        await moment(0.001)
        assert waiting.done()

    in_virtual_time(main())


def test_room_comes_with_a_limit_that_has_grown() -> None:
    async def main() -> None:
        room = Lines(pacing.learning(), asyncio.get_running_loop().time)
        first = room.limit
        for _ in range(first):
            room.take()
        waiting = asyncio.create_task(room.room())
        await moment(1.0)
        room.hear(Sample.ACCEPTED)
        await moment(0.001)
        assert waiting.done()
        assert room.limit == room.learned == first + 1

    in_virtual_time(main())


def test_a_refusal_takes_lines_away_and_acceptances_give_them_back() -> None:
    room = lines(10)
    for _ in range(6):
        room.take()
    room.hear(Sample.REFUSED)
    assert room.limit == 5
    for _ in range(200):
        room.hear(Sample.ACCEPTED)
    assert 5 < room.limit <= 10


@given(st.lists(st.sampled_from(["take", "free", "accepted", "refused"]), max_size=60))
def test_the_count_is_of_lines_held_whatever_happens(steps: list[str]) -> None:
    room = lines(3)
    held = []
    for step in steps:
        if step == "take":
            held.append(room.take())
        elif step == "free" and held:
            held.pop().free()
        elif step in ("accepted", "refused"):
            room.hear(Sample(step))
        assert room.in_use == len(held)
        assert 1 <= room.limit <= 3
