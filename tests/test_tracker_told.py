"""An end that a webhook tells is read back at once; the list is read on, more rarely once webhooks come."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dialer.model import Attempt, CallRecord
from tests.desk import Desk, answer
from tests.tracker_kit import Watching, a_line, watching
from tests.virtual_time import Time, in_virtual_time, moment, running

pytestmark = pytest.mark.slow

HIDDEN = answer(200, {"calls": [], "next_page_token": None, "total_count": 0})
OVER = {"call_status": "ended", "call_finish_reason": "user_ended_call"}
AT_ONCE = 0.1


def hide_list(made: Desk) -> None:
    """A list that shows no call of ours, so that each is asked for by itself."""
    made.unread = lambda path, query: HIDDEN if path == "/v1/calls/" else None


def name_of(call: Attempt, which: str) -> str:
    name = call.call_id if which == "custom" else call.platform_id
    assert name is not None
    return name


async def until_over(at_work: Watching) -> None:
    """Let time go on until the last call is over."""
    last = max(ring.over_at for ring in at_work.desk.rings)
    await moment(last - at_work.desk.time.wall() + 0.01)


async def soon(end: asyncio.Task[CallRecord | None]) -> bool:
    await moment(AT_ONCE)
    return end.done()


@pytest.mark.parametrize("which", ["custom", "platform"])
def test_an_end_that_is_told_by_either_id_is_read_back_at_once(tmp_path: Path, which: str) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), lookup=which, call_seconds=60.3) as at_work:
            hide_list(at_work.desk)
            call = await at_work.live()
            async with running(at_work.tracker.end_of(call, 7200.0, a_line())) as end:
                await until_over(at_work)
                assert not await soon(end)  # by reading alone it takes longer
                before = at_work.reads("get")
                assert at_work.tracker.told(name_of(call, which), is_end=True)
                assert await soon(end)
                assert at_work.reads("get") - before <= 2
                told = end.result()
                assert told is not None and told.is_over

    in_virtual_time(main())


@pytest.mark.parametrize("which", ["custom", "platform"])
def test_an_end_that_is_told_before_anybody_waits_for_it_is_remembered(tmp_path: Path, which: str) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time()) as at_work:
            hide_list(at_work.desk)
            call = await at_work.live()
            await until_over(at_work)
            assert not at_work.tracker.told(name_of(call, which), is_end=True)
            async with running(at_work.tracker.end_of(call, 7200.0, a_line())) as end:
                assert await soon(end)

    in_virtual_time(main())


def test_a_record_that_lags_behind_what_was_told_is_read_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=500.0) as at_work:
            hide_list(at_work.desk)
            call = await at_work.live()
            async with running(at_work.tracker.end_of(call, 7200.0, a_line())) as end:
                await moment(10.3)
                before = at_work.reads("get")
                at_work.tracker.told(call.call_id, is_end=True)
                await moment(3.5)
                assert at_work.reads("get") - before >= 4
                at_work.desk.told = lambda record: record | OVER
                await moment(0.6)
                assert end.done()

    in_virtual_time(main())


def test_a_word_that_the_record_never_bears_out_is_no_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=50_000.0) as at_work:
            call = await at_work.live()
            at_work.tracker.told("somebody-elses", is_end=True)
            async with running(at_work.tracker.end_of(call, 7200.0, a_line())) as end:
                await moment(5.2)
                at_work.tracker.told(call.call_id, is_end=True)
                await moment(600.0)
                assert not end.done()
                assert at_work.reads("get") == 5

    in_virtual_time(main())


def test_a_call_that_begins_is_known_and_not_read_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=500.0) as at_work:
            call = await at_work.live()
            assert not at_work.tracker.told(call.call_id, is_end=False)
            async with running(at_work.tracker.end_of(call, 7200.0, a_line())):
                await moment(10.2)
                assert at_work.tracker.told(call.call_id, is_end=False)
                await moment(10.0)
                assert at_work.reads("get") == 0
                assert at_work.tracker.pause == 0.5

    in_virtual_time(main())


def test_many_ends_at_once_are_one_reading_of_the_list(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=50_000.0) as at_work:
            calls = [await at_work.live() for _ in range(15)]
            waiting = asyncio.gather(*(at_work.tracker.end_of(call, 7200.0, a_line()) for call in calls))
            await moment(10.2)
            at_work.desk.told = lambda record: record | OVER
            before = at_work.reads("list")
            for call in calls:
                at_work.tracker.told(call.call_id, is_end=True)
            await moment(AT_ONCE)
            assert waiting.done()
            assert (at_work.reads("get"), at_work.reads("list") - before) == (0, 1)

    in_virtual_time(main())


async def _lists_read(at_work: Watching, seconds: float) -> int:
    before = at_work.reads("list")
    await moment(seconds)
    return at_work.reads("list") - before


def test_the_list_is_read_more_rarely_once_an_end_of_ours_was_told(tmp_path: Path) -> None:
    """Not before: that webhooks come for other calls of the account says nothing about ours."""

    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=50_000.0) as at_work:
            call, other = await at_work.live(), await at_work.live()
            waiting = asyncio.gather(*(at_work.tracker.end_of(one, 7200.0, a_line()) for one in (call, other)))
            at_work.tracker.told("somebody-elses", is_end=True)
            at_work.tracker.told(call.call_id, is_end=False)
            assert await _lists_read(at_work, 100.0) >= 190
            at_work.tracker.told(call.call_id, is_end=True)
            assert 35 <= await _lists_read(at_work, 100.0) <= 45
            waiting.cancel()

    in_virtual_time(main())


def test_what_no_webhook_tells_is_learned_from_the_list_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=30.0) as at_work:
            told, untold = await at_work.live(), await at_work.live()
            waiting = asyncio.gather(*(at_work.tracker.end_of(one, 7200.0, a_line()) for one in (told, untold)))
            await moment(5.0)
            at_work.tracker.told(told.call_id, is_end=True)
            await until_over(at_work)
            await moment(2.6)
            assert waiting.done()

    in_virtual_time(main())


@pytest.mark.parametrize("trouble", [answer(429), answer(503)], ids=["429", "503"])
def test_a_platform_that_refuses_reads_is_not_pressed_by_what_was_told(tmp_path: Path, trouble: bytes) -> None:
    async def main() -> None:
        async with watching(tmp_path, Time(), call_seconds=50_000.0) as at_work:
            calls = [await at_work.live() for _ in range(8)]
            waiting: Any = asyncio.gather(*(at_work.tracker.end_of(call, 7200.0, a_line()) for call in calls))
            await moment(5.0)
            at_work.desk.unread = lambda path, query: trouble
            before = at_work.reads()
            for n in range(100):
                at_work.tracker.told(calls[n % 8].call_id, is_end=True)
                await moment(1.0)
            assert at_work.reads() - before <= 25
            at_work.desk.unread = lambda path, query: None
            at_work.desk.told = lambda record: record | OVER
            await moment(31.0)
            assert waiting.done()

    in_virtual_time(main())
