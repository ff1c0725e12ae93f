"""One campaign's run over a real ledger and a real client: whoever is due is rung once, whatever answer is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.model import StopCause
from dialer.runner.endings import ending
from tests.desk import Desk, answer, desk, lost_before, placing
from tests.engine_kit import campaign, heart, number, open_ledger, waits
from tests.virtual_time import Time, in_virtual_time, moment, until

PEOPLE = [number(n) for n in range(6)]
STOPPED = StopCause(ExitCode.WORK_REMAINS, "stopped", "stopped by a signal")


# --- the plain way --------------------------------------------------------------------------------


def test_everybody_is_called_once_and_the_lines_hold(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with (
            desk(time) as verbex,
            open_ledger(tmp_path, time) as ledger,
            heart(campaign(tmp_path, verbex.url, PEOPLE, lines=3), verbex, ledger) as run,
        ):
            await run.engine.run()
            assert set(run.states().values()) == {"done"}
            assert [ring.to_number for ring in verbex.rings] == PEOPLE
            assert run.engine.stopped is None
            assert run.engine.lines.in_use == run.engine.live == 0
            assert _most_at_once(verbex) == 3

    in_virtual_time(main())


def _most_at_once(verbex: Desk) -> int:
    moments = [(ring.at, 1) for ring in verbex.rings] + [(ring.over_at, -1) for ring in verbex.rings]
    live, most = 0, 0
    for _, change in sorted(moments):
        live += change
        most = max(most, live)
    return most


def test_a_busy_line_is_tried_again_within_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        script = {PEOPLE[0]: ("line_busy", "user_ended_call"), PEOPLE[1]: ("no_answer",)}
        async with desk(time, script=script) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(
                tmp_path, verbex.url, PEOPLE, overrides={"line_busy": waits(20.0), "no_answer": waits(5000.0)}
            )
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert run.states() == dict.fromkeys(PEOPLE, "done") | {PEOPLE[1]: "waiting"}
                assert verbex.rang(PEOPLE[0]) == 2
                assert time.monotonic() < 200.0

    in_virtual_time(main())


def test_an_account_that_is_full_is_dialled_again_under_a_new_serial(tmp_path: Path) -> None:
    async def main(full_answer: str) -> None:
        time = Time()
        folder = tmp_path / full_answer
        folder.mkdir()
        async with (
            desk(time, concurrent_calls=2, full_answer=full_answer) as verbex,
            open_ledger(folder, time) as ledger,
            heart(campaign(folder, verbex.url, PEOPLE, lines=4), verbex, ledger) as run,
        ):
            await run.engine.run()
            assert set(run.states().values()) == {"done"}
            assert [verbex.rang(person) for person in PEOPLE] == [1] * len(PEOPLE)
            assert len(verbex.posts) > len(PEOPLE)
            ids = [body["call_id"] for _, body in verbex.posts]
            assert (len(set(ids)) == len(ids)) == (full_answer in ("201", "record"))
            assert {attempts for (attempts,) in run.rows("SELECT attempts FROM contacts")} == {1}

    for full_answer in ("201", "record", "429", "403"):
        in_virtual_time(main(full_answer))


# --- lost answers ---------------------------------------------------------------------------------


def test_a_lost_answer_is_looked_up_after_the_hold_and_the_call_adopted(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=20.0) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [None, placing(verbex)]
            async with heart(campaign(tmp_path, verbex.url, PEOPLE[:3], hold=8.0), verbex, ledger) as run:
                await run.engine.run()
                assert set(run.states().values()) == {"done"}
                assert len(verbex.posts) == 3
                assert run.rows("SELECT COUNT(*) FROM events WHERE event = 'adopted'") == [(1,)]

    in_virtual_time(main())


def test_a_dial_that_was_not_placed_is_dialled_again_under_the_same_id_only_after_the_hold(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [None, lost_before]
            async with heart(campaign(tmp_path, verbex.url, PEOPLE, lines=1), verbex, ledger) as run:
                await run.engine.run()
                assert set(run.states().values()) == {"done"}
                again = [at for at, body in verbex.posts if body["to_number"] == PEOPLE[1]]
                assert len({body["call_id"] for _, body in verbex.posts}) == len(PEOPLE)
                assert len(again) == 2
                assert again[1] - again[0] > 120.0

    in_virtual_time(main())


def test_an_answer_that_is_never_explained_does_not_keep_the_run_from_ending(tmp_path: Path) -> None:
    """The platform answers no question about calls: the unknown waits without a line and without a worker."""

    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [lost_before]
            verbex.unread = lambda path, query: answer(404) if query.get("page_size") != "1" else None
            async with heart(campaign(tmp_path, verbex.url, PEOPLE[:1]), verbex, ledger) as run:
                await run.engine.run()
                assert run.states() == {PEOPLE[0]: "unknown"}
                assert ending(run.engine.stopped, {"unknown": 1}) == (ExitCode.UNKNOWN_LEFT, "unknown_left")
                assert len(verbex.posts) == 1
                assert time.monotonic() < 300.0

    in_virtual_time(main())


def test_unknowns_on_every_line_do_not_keep_the_others_from_being_dialled(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [lost_before] * 3
            rules = campaign(tmp_path, verbex.url, PEOPLE, lines=3)
            async with heart(rules, verbex, ledger) as run:
                verbex.unread = lambda path, query: answer(404) if query.get("page_size") == "1000" else None
                await run.engine.run()
                assert list(run.states().values()) == ["unknown"] * 3 + ["done"] * 3
                assert run.engine.stopped is None

    in_virtual_time(main())


def test_an_unknown_is_settled_when_the_platform_speaks_later(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=60.0) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [lost_before]
            silent = {"list": True}
            verbex.unread = lambda path, query: (
                answer(500) if silent["list"] and query.get("page_size") != "1" else None
            )
            async with heart(campaign(tmp_path, verbex.url, PEOPLE[:2], hold=8.0), verbex, ledger) as run:
                running = asyncio.create_task(run.engine.run())
                await until(lambda: run.engine.recovery.unsettled == 1)
                assert run.engine.lines.in_use == run.engine.live == 1
                silent["list"] = False
                await running
                assert set(run.states().values()) == {"done"}
                assert len(verbex.rings) == 2

    in_virtual_time(main())


@pytest.mark.parametrize(("hold", "rings"), [(120.0, 1), (0.0, 2)])
def test_the_hold_outlasts_a_platform_that_queues(tmp_path: Path, hold: float, rings: int) -> None:
    """It loses its answer, says 404 for half a minute, and only then dials. Without a hold that is a second ring."""

    async def main() -> None:
        time = Time()
        async with desk(time, repeated="dialled") as verbex, open_ledger(tmp_path, time) as ledger:
            loop = asyncio.get_running_loop()

            async def queued(body: dict[str, Any]) -> bytes:
                loop.call_later(30.0, verbex.place, body)
                return answer(504)

            verbex.faults = [None, queued]
            rules = campaign(tmp_path, verbex.url, PEOPLE[:2], hold=hold, lines=1)
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                await moment(60.0)
                assert set(run.states().values()) == {"done"}
                assert verbex.rang(PEOPLE[1]) == rings

    in_virtual_time(main())


def test_a_dial_whose_answer_was_lost_is_not_repeated_by_any_way_of_treating_a_repeated_id(tmp_path: Path) -> None:
    """The dial is late beyond the hold: the same id is sent again, and the platform does one of three things."""

    async def main(repeated: str) -> None:
        time = Time()
        folder = tmp_path / repeated
        folder.mkdir()
        async with desk(time, repeated=repeated) as verbex, open_ledger(folder, time) as ledger:

            async def late(body: dict[str, Any]) -> bytes | None:
                verbex.place(body)  # the first dial has come through just before the second
                return None

            verbex.faults = [None, lost_before, late]
            rules = campaign(folder, verbex.url, PEOPLE[:2], hold=4.0, lines=1)
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert set(run.states().values()) == {"done"}
                assert verbex.rang(PEOPLE[1]) == 1

    for repeated in ("refused", "merged"):
        in_virtual_time(main(repeated))


def test_a_turn_is_not_kept_while_a_line_is_waited_for(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, per_second=25.0, lines=3)
            async with heart(rules, verbex, ledger) as run:
                lines = run.engine.lines
                taken = [lines.take() for _ in range(3)]
                waiting = asyncio.create_task(run.engine._gate._admission())
                await moment(60.0)
                for line in taken:
                    line.free()
                await waiting
                moments = [time.monotonic()]
                for _ in range(30):
                    await run.engine._gate._admission()
                    moments.append(time.monotonic())
                assert sum(moment < moments[0] + 1.0 for moment in moments) <= 26

    in_virtual_time(main())


def test_too_many_unknown_stop_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.always = lost_before
            async with heart(campaign(tmp_path, verbex.url, PEOPLE, max_unknown=4), verbex, ledger) as run:
                await run.engine.run()
                assert run.engine.stopped is not None
                assert run.engine.stopped.code is ExitCode.LOOK_FIRST
                assert 5 <= list(run.states().values()).count("unknown") <= 10
                assert not verbex.rings

    in_virtual_time(main())
