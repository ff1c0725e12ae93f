"""Admission by time: the set calls per second, evenly, whatever comes in between."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.model import Answer, CallPage, CallRecord, NoReply, Reply
from dialer.pace import Brakes, Pace
from tests.pace_kit import most_in_a_second
from tests.virtual_time import Time, in_virtual_time, moment, until


async def turns(pace: Pace, seconds: float) -> list[float]:
    """The moments of all turns that are given in so many seconds, everybody being in a hurry."""
    loop, given_at = asyncio.get_running_loop(), []
    ends = loop.time() + seconds
    while loop.time() < ends:
        await pace.turn()
        given_at.append(loop.time())
    return given_at


@pytest.mark.parametrize("rate", [0.2, 1.0, 5.0, 10.0, 25.0, 100.0, 500.0])
def test_no_second_holds_more_turns_than_the_rate_and_one_and_hardly_fewer_are_given(rate: float) -> None:
    async def main() -> None:
        seconds = max(5.0, 20.0 / rate)
        moments = await turns(Pace(rate, asyncio.get_running_loop().time), seconds)
        assert most_in_a_second(moments) <= max(rate, 1.0) + 1
        assert 0.97 * rate * seconds <= len(moments) <= 1.03 * rate * seconds + 2

    in_virtual_time(main())


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.2, 1.0, 10.0, 100.0, 500.0])
def test_the_rate_holds_where_it_is_sent_however_long_an_intent_takes_to_be_written(rate: float) -> None:
    async def main() -> None:
        time, dice = Time(), random.Random(7)
        pace, sent = Pace(rate, time.monotonic), list[float]()

        async def dial(written_in: float) -> None:
            await moment(written_in)
            await pace.spread()
            sent.append(time.monotonic())

        seconds = max(4.0, 12.0 / rate)
        async with asyncio.TaskGroup() as dials:
            while time.monotonic() < seconds:
                await pace.turn()
                dials.create_task(dial(0.3 if dice.random() < 0.02 else dice.random() * 0.01))
        assert most_in_a_second(sent) <= rate + 1
        assert sum(1.0 <= at < seconds for at in sent) >= 0.98 * rate * (seconds - 1.0) - 1

    in_virtual_time(main())


@pytest.mark.parametrize("rate", [100.0, 500.0])
def test_whoever_comes_a_moment_late_takes_nothing_from_the_rate(rate: float) -> None:
    async def main() -> None:
        time, given_at = Time(), list[float]()
        pace = Pace(rate, time.monotonic)
        while time.monotonic() < 4.0:
            await pace.turn()
            given_at.append(time.monotonic())
            await moment(2.5 / rate if len(given_at) % 3 == 0 else 0.0)
        assert most_in_a_second(given_at) <= rate + 1
        assert len(given_at) >= 0.99 * rate * 4.0

    in_virtual_time(main())


@pytest.mark.parametrize("rate", [5.0, 100.0])
def test_idle_time_is_not_saved_up(rate: float) -> None:
    async def main() -> None:
        pace = Pace(rate, asyncio.get_running_loop().time)
        await turns(pace, 1.0)
        await moment(3600.0)
        following = await turns(pace, 3.0)
        assert most_in_a_second(following) <= rate + 1
        assert following[10] - following[0] >= 10 / rate - 0.051  # what may be late may be early, and no more

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


@settings(deadline=None, max_examples=40)
@given(
    rate=st.sampled_from([0.2, 0.7, 1.0, 1.99, 3.0, 20.0, 75.5]),
    delays=st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.05, 0.4, 1.0, 2.5]), min_size=1, max_size=40),
)
def test_whatever_holds_sends_up_they_go_in_order_and_no_second_holds_too_many(
    rate: float, delays: list[float]
) -> None:
    async def main() -> None:
        time, sent = Time(), list[tuple[int, float]]()
        pace = Pace(rate, time.monotonic)

        async def send(place: int) -> None:
            await pace.spread()
            sent.append((place, time.monotonic()))

        async with asyncio.TaskGroup() as sends:
            for place, delay in enumerate(delays):
                sends.create_task(send(place))
                await moment(delay)
        assert [place for place, _ in sent] == list(range(len(delays)))
        assert most_in_a_second([at for _, at in sent]) <= rate + 1

    in_virtual_time(main())


def test_whoever_goes_away_lets_the_others_go_on() -> None:
    async def main() -> None:
        time, went = Time(), list[str]()
        pace = Pace(1.0, time.monotonic)

        async def through(name: str) -> None:
            await pace.turn()
            await pace.spread()
            went.append(name)

        tasks = [asyncio.create_task(through(name)) for name in "abcd"]
        await moment(0.5)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert went == ["a", "c", "d"]
        assert time.monotonic() < 2.1

    in_virtual_time(main())


# --- another pace while it runs ----------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [(0.02, 5.0), (0.02, 500.0), (1.0, 2.0)])
def test_whoever_waits_at_a_slow_pace_is_woken_to_a_faster_one(before: float, after: float) -> None:
    async def main() -> None:
        time = Time()
        pace = Pace(before, time.monotonic)
        await pace.turn()
        waiting = asyncio.create_task(pace.turn())
        await moment(0.3)
        pace.retune(after)
        assert pace.calls_per_second == after
        await waiting
        assert time.monotonic() <= max(0.3, 1.0 / after) + 1e-6
        assert most_in_a_second(await turns(pace, 3.0)) <= after + 1

    in_virtual_time(main())


def test_a_slower_pace_holds_from_the_last_turn_on() -> None:
    async def main() -> None:
        time = Time()
        pace = Pace(50.0, time.monotonic)
        last = (await turns(pace, 2.0))[-1]
        pace.retune(0.5)
        following = await turns(pace, 6.0)
        assert following[0] == pytest.approx(last + 2.0, abs=0.05)
        assert all(1.94 <= b - a <= 2.06 for a, b in itertools.pairwise(following))

    in_virtual_time(main())


def test_no_second_holds_more_than_the_greater_of_two_paces_and_one_while_they_change() -> None:
    async def main() -> None:
        time, dice = Time(), random.Random(3)
        pace, rates, sent = Pace(20.0, time.monotonic), [(0.0, 20.0)], list[float]()

        async def dial() -> None:
            await moment(dice.random() * 0.2)
            await pace.spread()
            sent.append(time.monotonic())

        async with asyncio.TaskGroup() as dials:
            while time.monotonic() < 60.0:
                await pace.turn()
                dials.create_task(dial())
                if dice.random() < 0.05:
                    rates.append((time.monotonic(), dice.choice([1.0, 2.5, 8.0, 20.0, 100.0])))
                    pace.retune(rates[-1][1])
        changes = [at for at, _ in rates]
        assert len(rates) > 10
        for start in sent:
            holding = [rate for (_, rate), ends in zip(rates, [*changes[1:], 1e9], strict=True) if ends > start]
            begins = [at for at in changes if start < at < start + 1.0]
            held = sum(start <= at < start + 1.0 for at in sent)
            assert held <= max(holding[: len(begins) + 1]) + 1, (start, held)

    in_virtual_time(main())


def test_another_pace_does_not_release_the_brake() -> None:
    async def main() -> None:
        time = Time()
        pace = Pace(0.1, time.monotonic)
        await pace.turn()
        pace.brake(30.0)
        waiting = asyncio.create_task(pace.turn())
        await moment(1.0)
        pace.retune(100.0)
        await waiting
        assert time.monotonic() == pytest.approx(30.0, abs=0.001)

    in_virtual_time(main())


# --- the brake, of the account -----------------------------------------------------------------------


def test_a_brake_holds_for_all_campaigns_of_the_account_and_for_no_other() -> None:
    async def main() -> None:
        time = Time()
        brakes = Brakes(time.monotonic)
        one, other = (Pace(10.0, time.monotonic, brakes) for _ in range(2))
        strange = Pace(10.0, time.monotonic)
        one.brake(20.0)
        assert (one.is_braked, other.is_braked, strange.is_braked) == (True, True, False)
        await strange.turn()
        assert time.monotonic() < 1.0
        await asyncio.gather(one.turn(), other.turn())
        assert brakes.until == pytest.approx(20.0)
        assert time.monotonic() == pytest.approx(20.0, abs=0.001)

    in_virtual_time(main())


@pytest.mark.parametrize(("asked", "waited", "still"), [(2.0, 2.0, False), (4.9, 4.9, False), (60.0, 0.0, True)])
def test_a_short_brake_is_waited_out_at_the_send_and_a_long_one_is_told(
    asked: float, waited: float, still: bool
) -> None:
    async def main() -> None:
        time = Time()
        pace = Pace(10.0, time.monotonic)
        await pace.turn()
        pace.brake(asked)
        await pace.spread()
        assert time.monotonic() == pytest.approx(waited, abs=0.001)
        assert pace.is_braked == still

    in_virtual_time(main())


FULL = "concurrent call limit reached"
TAKEN = CallRecord("p1", "c1", "+14155550123", "+14155550100", "queued", None, None, None, None, False, {})


@pytest.mark.parametrize(
    ("answer", "by_dial", "by_read"),
    [
        (Reply(429, message="slow down"), 1.0, 0.0),
        (Reply(429, message="slow down", retry_after=7.0), 7.0, 7.0),
        (Reply(429, message="slow down", retry_after=0.0), 1.0, 0.0),
        (Reply(429, message="slow down", retry_after=86400.0), 300.0, 300.0),
        (Reply(503, message="maintenance", retry_after=9.0), 9.0, 9.0),
        (Reply(503, message="maintenance"), 0.0, 0.0),
        (Reply(500, message="oops", retry_after=9.0), 0.0, 0.0),
        (Reply(429, message=FULL, retry_after=7.0), 0.0, 7.0),
        (Reply(201, TAKEN), 0.0, 0.0),
        (NoReply(False, "no answer in time"), 0.0, 0.0),
    ],
)
def test_which_answers_pull_the_brake(answer: Answer, by_dial: float, by_read: float) -> None:
    dials, reads = Brakes(lambda: 100.0), Brakes(lambda: 100.0)
    dials.hear_dial(answer)
    reads.hear_read(answer)
    assert (max(dials.left, 0.0), max(reads.left, 0.0)) == (by_dial, by_read)


def test_only_a_dial_that_is_taken_ends_the_row_of_refusals() -> None:
    now = 100.0
    brakes = Brakes(lambda: now)
    lefts = []
    for answer in (Reply(429), Reply(429), Reply(404), Reply(429), Reply(200, TAKEN), Reply(429)):
        brakes.hear_dial(answer)
        brakes.hear_read(CallPage((), None, 0))
        lefts.append(max(brakes.left, 0.0))
        now += 400.0
    assert lefts == [1.0, 2.0, 0.0, 4.0, 0.0, 1.0]
