"""Admission by time: the set calls per second, evenly, whatever comes in between."""

from __future__ import annotations

import asyncio

import pytest

from dialer.pace import Pace
from tests.virtual_time import Time, in_virtual_time, moment, until


async def turns(pace: Pace, seconds: float) -> list[float]:
    """The moments of all turns that are given in so many seconds, everybody being in a hurry."""
    loop, given_at = asyncio.get_running_loop(), []
    ends = loop.time() + seconds
    while loop.time() < ends:
        await pace.turn()
        given_at.append(loop.time())
    return given_at


def most_in_a_second(moments: list[float]) -> int:
    return max(sum(start <= moment < start + 1.0 for moment in moments) for start in moments)


@pytest.mark.parametrize("rate", [0.2, 1.0, 5.0, 10.0, 25.0, 100.0])
def test_no_second_holds_more_turns_than_the_rate_and_one_and_hardly_fewer_are_given(rate: float) -> None:
    async def main() -> None:
        seconds = max(5.0, 20.0 / rate)
        moments = await turns(Pace(rate, asyncio.get_running_loop().time), seconds)
        assert most_in_a_second(moments) <= max(rate, 1.0) + 1
        assert 0.97 * rate * seconds <= len(moments) <= 1.03 * rate * seconds + 2

    in_virtual_time(main())


@pytest.mark.parametrize("rate", [5.0, 100.0])
def test_idle_time_is_not_saved_up(rate: float) -> None:
    async def main() -> None:
        pace = Pace(rate, asyncio.get_running_loop().time)
        await turns(pace, 1.0)
        await moment(3600.0)
        assert most_in_a_second(await turns(pace, 3.0)) <= rate + 1

    in_virtual_time(main())


def test_nobody_is_let_through_while_the_platform_asks_for_fewer() -> None:
    async def main() -> None:
        time = Time()
        pace = Pace(5.0, time.monotonic)
        await pace.turn()
        pace.brake(30.0)
        assert pace.is_braked
        assert (await turns(pace, 1.0))[0] >= 30.0
        assert not pace.is_braked

    in_virtual_time(main())


def test_a_brake_that_is_pulled_while_a_turn_is_waited_for_holds_it_back() -> None:
    async def main() -> None:
        time = Time()
        pace = Pace(0.1, time.monotonic)
        await pace.turn()
        waiting = asyncio.create_task(pace.turn())
        await moment(8.0)
        pace.brake(60.0)
        await until(waiting.done, 200.0)
        assert time.monotonic() >= 68.0

    in_virtual_time(main())


def test_holds_grow_with_refusals_in_a_row_and_end_with_a_dial_that_is_taken() -> None:
    async def main() -> None:
        time = Time()
        pace = Pace(100.0, time.monotonic)
        waited = []
        for is_taken in (False, False, False, True, False):
            if is_taken:
                pace.ease()
                continue
            began = time.monotonic()
            pace.brake(None)
            await pace.turn()
            waited.append(round(time.monotonic() - began, 1))
        assert waited == [1.0, 2.0, 4.0, 1.0]

    in_virtual_time(main())


@pytest.mark.parametrize(("rate", "most"), [(0.2, 1), (1.0, 2), (5.0, 6), (20.0, 21)])
def test_what_was_held_up_together_is_sent_apart(rate: float, most: int) -> None:
    async def main() -> None:
        time = Time()
        pace, sent = Pace(rate, time.monotonic), list[float]()

        async def send() -> None:
            await pace.spread()
            sent.append(time.monotonic())

        await asyncio.gather(*(send() for _ in range(4 * most)))
        assert len(sent) == 4 * most
        assert max(sum(start <= one < start + 1.0 for one in sent) for start in sent) == most

    in_virtual_time(main())
