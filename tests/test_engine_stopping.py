"""A run stops when it should, leaves what can be gone on with, and says why."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.model import StopCause
from dialer.runner.endings import ending
from tests.desk import answer, desk, lost_before, saying
from tests.engine_kit import campaign, heart, number, open_ledger, placed, with_people
from tests.virtual_time import Time, in_virtual_time, moment, until

PEOPLE = [number(n) for n in range(6)]
STOPPED = StopCause(ExitCode.WORK_REMAINS, "stopped", "stopped by a signal")


# --- stopping -------------------------------------------------------------------------------------


def test_after_a_stop_nobody_is_dialled_and_live_calls_are_seen_out(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with (
            desk(time) as verbex,
            open_ledger(tmp_path, time) as ledger,
            heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger, grace=500.0) as run,
        ):
            running = asyncio.create_task(run.engine.run())
            await until(lambda: len(verbex.posts) == 3)
            run.engine.stop(STOPPED)
            await running
            assert len(verbex.posts) == 3
            assert sorted(run.states().values()) == ["done"] * 3 + ["due"] * 3
            assert ending(run.engine.stopped, {"due": 3, "done": 3}) == (ExitCode.WORK_REMAINS, "stopped")

    in_virtual_time(main())


def test_after_the_grace_the_run_leaves_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=12.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE)
            async with heart(rules, verbex, ledger, grace=2.0) as run:
                running = asyncio.create_task(run.engine.run())
                await until(lambda: len(verbex.posts) == 3)
                stopped_at = time.monotonic()
                run.engine.stop(STOPPED)
                await running
                assert time.monotonic() - stopped_at < 3.0
                assert sorted(run.states().values()) == ["dialing"] * 3 + ["due"] * 3
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert [verbex.rang(person) for person in PEOPLE] == [1] * len(PEOPLE)
                assert set(run.states().values()) == {"done"}

    in_virtual_time(main())


def test_a_second_signal_leaves_at_once_even_before_the_platform_has_answered(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.read_takes = 3600.0
            async with heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger) as run:
                running = asyncio.create_task(run.engine.run())
                await moment(1.0)
                run.engine.stop(STOPPED)
                await moment(0.5)
                run.engine.stop(STOPPED, see_out=0.0)
                await running
                assert time.monotonic() < 2.0

    in_virtual_time(main())


def test_a_graver_cause_that_comes_later_is_the_one_that_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with (
            desk(time) as verbex,
            open_ledger(tmp_path, time) as ledger,
            heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger) as run,
        ):
            running = asyncio.create_task(run.engine.run())
            await until(lambda: len(verbex.posts) == 2)
            run.engine.stop(STOPPED)
            ledger._connection.execute("PRAGMA query_only = 1")
            await running
            ledger._connection.execute("PRAGMA query_only = 0")
            assert run.engine.stopped is not None
            assert run.engine.stopped.code is ExitCode.LEDGER

    in_virtual_time(main())


def test_a_ledger_that_is_gone_altogether_stops_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with (
            desk(time) as verbex,
            open_ledger(tmp_path, time) as ledger,
            heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger) as run,
        ):
            running = asyncio.create_task(run.engine.run())
            await until(lambda: len(verbex.posts) == 2)
            ledger._connection.close()
            await running
            assert run.engine.stopped is not None
            assert run.engine.stopped.code is ExitCode.LEDGER
            assert len(verbex.posts) == 2

    in_virtual_time(main())


def test_a_ledger_that_fails_between_the_dial_and_its_answer_leaves_an_intent_to_look_up(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:

            async def fills(body: dict[str, Any]) -> None:
                ledger._connection.execute("PRAGMA query_only = 1")

            verbex.faults = [None, fills]
            rules = campaign(tmp_path, verbex.url, PEOPLE)
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                ledger._connection.execute("PRAGMA query_only = 0")
                assert run.engine.stopped is not None
                assert run.engine.stopped.code is ExitCode.LEDGER
                assert len(verbex.posts) == 2
                assert sorted(run.states().values())[:2] == ["dialing"] * 2
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert [verbex.rang(person) for person in PEOPLE] == [1] * len(PEOPLE)
                assert set(run.states().values()) == {"done"}

    in_virtual_time(main())


# --- a platform that is gone ----------------------------------------------------------------------


@pytest.mark.parametrize("dials", [True, False])
def test_a_platform_that_is_gone_is_given_up_though_every_line_has_a_live_call(tmp_path: Path, dials: bool) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=9000.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, lines=2)
            people = await with_people(ledger, rules, PEOPLE)
            for _ in range(2):
                await placed(verbex, ledger, rules, people)
            async with heart(rules, verbex, ledger, dials=dials) as run:
                running = asyncio.create_task(run.engine.run())
                await moment(5.0)
                verbex.unread = lambda path, query: answer(503)
                verbex.always = saying(503)
                await running
                assert run.engine.stopped is not None
                assert run.engine.stopped.code is ExitCode.UNREACHABLE
                assert 600.0 < time.monotonic() < 640.0
                assert len(verbex.posts) == 0

    in_virtual_time(main())


def test_a_platform_that_fails_at_dials_alone_is_tried_with_one_at_a_time_and_given_up(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            people = [number(n) for n in range(60)]
            verbex.faults = [None] * 5
            verbex.always = lost_before
            async with heart(campaign(tmp_path, verbex.url, people, hold=30.0), verbex, ledger) as run:
                await run.engine.run()
                assert run.engine.stopped is not None
                assert run.engine.stopped.code is ExitCode.UNREACHABLE
                assert len(verbex.rings) == 5
                assert len(verbex.posts) < 60
                assert 600.0 < time.monotonic() < 1000.0

    in_virtual_time(main())


def test_a_platform_that_nobody_has_asked_since_is_not_given_up(tmp_path: Path) -> None:
    """Five dials in a row failed, and nobody else is due: the call that is live is seen to its end all the same."""

    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [None, *[lost_before] * 5]
            verbex.unread = lambda path, query: (
                answer(429) if query.get("page_size") != "1" and time.monotonic() < 800.0 else None
            )
            async with heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger) as run:
                await run.engine.run()
                assert run.states()[PEOPLE[0]] == "done"
                assert run.engine.stopped is None
                assert time.monotonic() > 800.0

    in_virtual_time(main())


# --- the parts ------------------------------------------------------------------------------------


def test_a_helper_that_fails_stops_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with (
            desk(time) as verbex,
            open_ledger(tmp_path, time) as ledger,
            heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger) as run,
        ):
            running = asyncio.create_task(run.engine.run())
            await until(lambda: len(verbex.posts) == 2)
            run.engine.tracker._watches = None  # type: ignore[assignment] # a fault of ours
            await running
            assert run.engine.stopped is not None
            assert run.engine.stopped.code is ExitCode.ERROR
            assert "an error of ours" in run.engine.stopped.sentence

    in_virtual_time(main())


def test_no_task_is_left_when_a_run_has_ended(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=500.0) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [lost_before]
            async with heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger, grace=1.0) as run:
                before = {task for task in asyncio.all_tasks() if "serve" not in repr(task)}
                running = asyncio.create_task(run.engine.run())
                await until(lambda: len(verbex.posts) == 4)
                run.engine.stop(STOPPED)
                await running
                left = {task for task in asyncio.all_tasks() if "serve" not in repr(task)} - before - {running}
                assert left == set()
                assert run.engine.live == run.engine.lines.in_use == 0

    in_virtual_time(main())
