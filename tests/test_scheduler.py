"""Who is next: those who are due, each once, and how long it is worth waiting for the others."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.attempt import INTENT_HOLDS, request_for
from dialer.ledger import Ledger
from dialer.model import Campaign, Candidate, Ending, Intent
from dialer.policy import lifecycle
from dialer.scheduler import Scheduler
from tests.engine_kit import campaign, number, open_ledger, waits, with_people
from tests.ledger_kit import call
from tests.virtual_time import Time, in_virtual_time, moment

PEOPLE = [number(n) for n in range(6)]


@dataclass
class Queue:
    """A scheduler over a ledger, and what counts as live beside it."""

    scheduler: Scheduler
    ledger: Ledger
    rules: Campaign
    campaign_id: int
    time: Time
    live: list[int]

    async def next(self) -> str | None:
        candidate = await self.scheduler.next()
        return None if candidate is None else candidate.person

    async def waits_for(self, candidate: Candidate, seconds: float) -> None:
        """The contact was dialled, and is due again after so many seconds."""
        request = request_for(self.rules, candidate.person, candidate.numbers[0], candidate.data, 1, b"s")
        now = self.time.clock.now()
        attempt = await self.ledger.intend(candidate, Intent(request, 1, "h", now, now + INTENT_HOLDS))
        assert isinstance(attempt, int)
        retry = campaign(self.rules.path.parent, "", overrides={"line_busy": waits(seconds)}).retry
        ending = Ending("line_busy", "ended", 0, False)
        await self.ledger.settle(
            attempt, call("line_busy"), lambda history: lifecycle.settle(history, ending, retry, now, 0.0)
        )
        self.scheduler.back(candidate)

    async def all_wait(self, *seconds: float) -> None:
        """Everybody was dialled once, and is due again then; the rest a year from now."""
        for n in range(len(PEOPLE)):
            candidate = await self.scheduler.next()
            assert candidate is not None
            await self.waits_for(candidate, seconds[n] if n < len(seconds) else 3e7)


@contextlib.asynccontextmanager
async def queue(folder: Path, **options: Any) -> AsyncIterator[Queue]:
    time, live = Time(), [0]
    async with open_ledger(folder, time) as ledger:
        rules = campaign(folder, "http://x", PEOPLE)
        campaign_id = await with_people(ledger, rules, PEOPLE)
        scheduler = Scheduler(ledger, campaign_id, time.clock, lambda: live[0], **options)
        yield Queue(scheduler, ledger, rules, campaign_id, time, live)


def test_each_is_handed_out_once_in_the_order_of_the_list(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path, at_once=2) as due:
            assert [await due.next() for _ in PEOPLE] == PEOPLE
            assert await due.next() is None

    in_virtual_time(main())


def test_whoever_becomes_due_goes_before_those_who_were_read_long_ago(tmp_path: Path) -> None:
    """A retry whose time has come waits no longer than some seconds for those behind whom it does not stand."""

    async def main() -> None:
        async with queue(tmp_path) as due:
            first = await due.scheduler.next()
            assert first is not None
            await due.waits_for(first, 5.0)
            assert await due.next() == PEOPLE[1]
            await moment(6.0)
            assert await due.next() == PEOPLE[2]
            await moment(6.0)
            assert [await due.next() for _ in range(4)] == [PEOPLE[0], *PEOPLE[3:]]
            assert await due.next() is None

    in_virtual_time(main())


def test_whoever_becomes_due_while_it_is_asked_who_is_due_is_not_forgotten(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path) as due:
            await due.all_wait(5.0)
            await moment(4.995)
            began, asked = due.time.clock.now(), itertools.count()
            due.ledger._now = lambda: began + next(asked) * timedelta(milliseconds=10)
            assert await due.next() == PEOPLE[0]

    in_virtual_time(main())


def test_a_contact_that_comes_back_undialled_is_handed_out_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path) as due:
            first = await due.scheduler.next()
            assert first is not None
            rest = [await due.next() for _ in PEOPLE[1:]]
            due.scheduler.back(first)
            assert await due.next() == PEOPLE[0]
            assert rest == PEOPLE[1:]

    in_virtual_time(main())


def test_whoever_is_due_again_comes_before_those_who_are_new(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path, at_once=1) as due:
            first = await due.scheduler.next()
            assert first is not None
            await due.waits_for(first, 10.0)
            assert await due.next() == PEOPLE[1]
            await moment(11.0)
            assert [await due.next() for _ in range(2)] == [PEOPLE[0], PEOPLE[2]]

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("seconds", "wait", "stays"),
    [
        (59.0, None, True),
        (61.0, None, False),
        (61.0, 30.0, False),
        (61.0, 62.0, True),
        (7000.0, 7200.0, True),
        (86400.0, 7200.0, False),
        (86400.0, float("inf"), True),
    ],
)
def test_it_stays_for_what_is_due_within_a_minute_or_the_wait(
    tmp_path: Path, seconds: float, wait: float | None, stays: bool
) -> None:
    async def main() -> None:
        async with queue(tmp_path, wait=wait) as due:
            await due.all_wait(seconds)
            assert await due.next() == (PEOPLE[0] if stays else None)
            assert due.time.monotonic() == pytest.approx(seconds if stays else 0.0, abs=0.1)

    in_virtual_time(main())


def test_the_wait_is_counted_from_the_start(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path, wait=200.0) as due:
            await due.all_wait(150.0, 290.0)
            assert await due.next() == PEOPLE[0]
            assert await due.next() is None
            assert due.time.monotonic() == pytest.approx(150.0, abs=0.1)

    in_virtual_time(main())


def test_while_calls_are_live_it_waits_for_what_may_become_due(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path) as due:
            handed = [await due.scheduler.next() for _ in PEOPLE]
            due.live[0] = 1
            waiting = asyncio.create_task(due.next())
            await moment(5000.0)
            assert not waiting.done()
            assert handed[2] is not None
            due.scheduler.back(handed[2])
            assert await waiting == PEOPLE[2]
            waiting = asyncio.create_task(due.next())
            await moment(1.0)
            due.live[0] = 0
            due.scheduler.changed()
            assert await waiting is None

    in_virtual_time(main())


def test_what_waits_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path) as due:
            await due.all_wait(40.0)
            waiting = asyncio.create_task(due.next())
            await moment(1.0)
            assert due.scheduler.waits_until is not None
            assert (due.scheduler.waits_until - due.time.clock.now()).total_seconds() == pytest.approx(39.0, abs=0.1)
            await waiting
            assert due.scheduler.waits_until is None

    in_virtual_time(main())


def test_a_wall_clock_that_jumps_is_noticed_within_the_hour(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path, wait=float("inf")) as due:
            await due.all_wait(86400.0)
            waiting = asyncio.create_task(due.next())
            await moment(10.0)
            due.time.jump += 86400.0
            assert await waiting == PEOPLE[0]
            assert due.time.monotonic() <= 3601.0

    in_virtual_time(main())


# --- numbers that are being rung -----------------------------------------------------------------


def test_a_contact_whose_number_is_being_rung_is_left_alone_for_a_second(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path) as due:
            due.live[0] = 1
            first = await due.scheduler.next()
            assert first is not None
            due.scheduler.back(first, aside=True)
            assert [await due.next() for _ in PEOPLE[1:]] == PEOPLE[1:]
            assert await due.next() == PEOPLE[0]
            assert 1.0 <= due.time.monotonic() <= 2.1

    in_virtual_time(main())


def test_when_nothing_is_live_any_more_those_left_alone_are_tried_once_more_and_then_left(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path) as due:
            handed = [await due.scheduler.next() for _ in PEOPLE]
            assert handed[0] is not None
            due.scheduler.back(handed[0], aside=True)
            assert await due.next() == PEOPLE[0]
            due.scheduler.back(handed[0], aside=True)
            assert await due.next() is None
            assert due.time.monotonic() < 0.001

    in_virtual_time(main())


def test_whoever_was_tried_in_vain_is_tried_again_after_another_call(tmp_path: Path) -> None:
    """A call of another campaign to their number began just when nothing was live here: its end frees them."""

    async def main() -> None:
        async with queue(tmp_path) as due:
            handed = [await due.scheduler.next() for _ in PEOPLE]
            assert handed[0] is not None
            due.scheduler.back(handed[0], aside=True)
            assert await due.next() == PEOPLE[0]
            due.live[0] = 1
            due.scheduler.back(handed[0], aside=True)
            following = asyncio.create_task(due.next())
            await moment(0.3)
            due.live[0] = 0
            due.scheduler.changed()
            assert await following == PEOPLE[0]

    in_virtual_time(main())


def test_people_whose_numbers_stay_busy_do_not_keep_a_run_going(tmp_path: Path) -> None:
    """Not even where each takes a turn, by the calls per second, that is longer than they are left alone."""

    async def main() -> None:
        async with queue(tmp_path) as due:
            handed = 0
            while (candidate := await due.scheduler.next()) is not None:
                await moment(0.7)
                due.scheduler.back(candidate, aside=True)
                handed += 1
                assert handed < 10 * len(PEOPLE), "they are tried for ever"

    in_virtual_time(main())


# --- stopping, and one person only ---------------------------------------------------------------


def test_after_a_stop_nobody_is_handed_out_not_even_to_who_waits(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path, wait=float("inf")) as due:
            await due.all_wait(5000.0)
            waiting = asyncio.create_task(due.next())
            await moment(1.0)
            due.scheduler.stop()
            assert await waiting is None
            assert await due.next() is None

    in_virtual_time(main())


def test_a_stop_while_the_ledger_is_asked_hands_nobody_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path) as due:
            waiting = asyncio.create_task(due.next())
            await asyncio.wait({waiting}, timeout=0)
            due.scheduler.stop()
            assert await waiting is None

    in_virtual_time(main())


def test_only_one_person_is_handed_out_by_id_or_number(tmp_path: Path) -> None:
    async def main() -> None:
        async with queue(tmp_path, only=PEOPLE[3]) as due:
            assert [await due.next() for _ in range(2)] == [PEOPLE[3], None]

    in_virtual_time(main())
