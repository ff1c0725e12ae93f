"""The clock: its sources can be replaced, and its waits end when they should."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from dialer.clock import Clock
from tests.virtual_time import in_virtual_time, moment


def test_now_is_aware_and_in_utc_and_comes_from_its_source() -> None:
    assert Clock(wall=lambda: 0.0).now() == datetime(1970, 1, 1, tzinfo=UTC)
    assert Clock().now().tzinfo is UTC
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_dice_and_monotonic_seconds_come_from_their_sources() -> None:
    seconds = iter([1.0, 2.5])
    clock = Clock(monotonic=lambda: next(seconds), dice=lambda: 0.25)
    assert (clock.monotonic(), clock.monotonic(), clock.dice()) == (1.0, 2.5, 0.25)
    assert all(0.0 <= Clock().dice() < 1.0 for _ in range(100))


@pytest.mark.parametrize(
    ("seconds", "set_after", "came", "took"),
    [
        (5.0, None, False, 5.0),
        (5.0, 2.0, True, 2.0),
        (None, 7.0, True, 7.0),
        (0.0, None, False, 0.0),
        (-1.0, None, False, 0.0),
        (5.0, 0.0, True, 0.0),
        (0.0, 0.0, True, 0.0),
    ],
)
def test_wait_ends_with_the_event_or_the_time(
    seconds: float | None, set_after: float | None, came: bool, took: float
) -> None:
    async def main() -> None:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        if set_after == 0.0:
            event.set()
        elif set_after is not None:
            loop.call_later(set_after, event.set)
        assert await Clock().wait(event, seconds) is came
        assert loop.time() == pytest.approx(took, abs=1e-6)

    in_virtual_time(main())


def test_a_wait_that_is_cancelled_is_not_taken_for_one_that_is_over() -> None:
    async def main() -> None:
        waiting = asyncio.create_task(Clock().wait(asyncio.Event(), 10.0))
        await moment(1.0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    in_virtual_time(main())
