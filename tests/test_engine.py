"""One campaign's run over a real ledger and a real client: recover, dial, drain; that it ends, and how."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.model import StopCause
from dialer.runner.endings import ending
from tests.engine_kit import (
    Desk,
    Time,
    answer,
    begun,
    campaign,
    desk,
    heart,
    in_virtual_time,
    lost_before,
    moment,
    no_echo,
    number,
    open_ledger,
    placing,
    saying,
    the_due,
    unknown,
    until,
    waits,
    with_people,
)

PEOPLE = [number(n) for n in range(12)]
STOPPED = StopCause(ExitCode.WORK_REMAINS, "stopped", "stopped by a signal")


# --- the plain way -------------------------------------------------------------------------------


def test_everybody_is_called_once_and_the_lines_hold(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            async with heart(campaign(tmp_path, verbex.url, PEOPLE, lines=3), verbex, ledger) as run:
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
                tmp_path, verbex.url, PEOPLE, overrides={"line_busy": waits(40.0), "no_answer": waits(5000.0)}
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


# --- lost answers --------------------------------------------------------------------------------


def test_a_lost_answer_is_looked_up_after_the_hold_and_the_call_adopted(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=400.0) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [None, placing(verbex)]
            async with heart(campaign(tmp_path, verbex.url, PEOPLE[:3]), verbex, ledger) as run:
                await run.engine.run()
                assert set(run.states().values()) == {"done"}
                assert len(verbex.posts) == 3
                assert run.rows("SELECT COUNT(*) FROM events WHERE event = 'adopted'") == [(1,)]

    in_virtual_time(main())


def test_a_dial_that_was_not_placed_is_dialled_again_under_the_same_id_only_after_the_hold(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=60.0) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [None, lost_before]
            async with heart(campaign(tmp_path, verbex.url, PEOPLE[:8], lines=1), verbex, ledger) as run:
                await run.engine.run()
                assert set(run.states().values()) == {"done"}
                again = [at for at, body in verbex.posts if body["to_number"] == PEOPLE[1]]
                assert len({body["call_id"] for _, body in verbex.posts}) == 8
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
            verbex.told = no_echo
            verbex.unread = lambda path, query: answer(500) if "start_time_after" in query else None
            rules = campaign(tmp_path, verbex.url, PEOPLE, lines=3)
            async with heart(rules, verbex, ledger) as run:
                verbex.unread = lambda path, query: answer(404) if query.get("page_size") == "1000" else None
                await run.engine.run()
                assert list(run.states().values()) == ["unknown"] * 3 + ["done"] * 9
                assert run.engine.stopped is None

    in_virtual_time(main())


def test_an_unknown_is_settled_when_the_platform_speaks_later(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=500.0) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [lost_before]
            silent = {"list": True}
            verbex.unread = lambda path, query: (
                answer(500) if silent["list"] and query.get("page_size") != "1" else None
            )
            async with heart(campaign(tmp_path, verbex.url, PEOPLE[:2]), verbex, ledger) as run:
                running = asyncio.create_task(run.engine.run())
                await until(lambda: run.engine.recovery.unsettled == 1)
                assert run.engine.lines.in_use == run.engine.live == 1
                silent["list"] = False
                await running
                assert set(run.states().values()) == {"done"}
                assert len(verbex.rings) == 2

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


# --- earlier runs --------------------------------------------------------------------------------


def test_settle_waits_for_the_calls_of_an_earlier_run_and_dials_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE)
            people = await with_people(ledger, rules, PEOPLE)
            await _placed(verbex, ledger, rules, people)
            async with heart(rules, verbex, ledger, dials=False) as run:
                await run.engine.run()
                assert run.states() == dict.fromkeys(PEOPLE, "due") | {PEOPLE[0]: "done"}
                assert len(verbex.posts) == 0

    in_virtual_time(main())


async def _placed(verbex: Desk, ledger: Any, rules: Any, people: int) -> Any:
    """A call of an earlier run, live: placed on the platform and in the ledger."""
    attempt = await begun(ledger, rules, people)
    _place(verbex, attempt)
    from dialer.verbex.wire import call

    record = call(verbex.platform.get(attempt.call_id, verbex.time.clock.now()).body)
    await ledger.place(attempt.id, record)
    return attempt


def _place(verbex: Desk, attempt: Any) -> None:
    """The dial of an attempt, as the platform got it from an earlier run."""
    verbex.place(
        {
            "call_id": attempt.call_id,
            "from_number": attempt.from_number,
            "to_number": attempt.number,
            "metadata": {"dialer_call_id": attempt.call_id},
            "direction": "outbound",
        }
    )


def test_a_paused_campaign_still_learns_how_its_live_calls_end(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE)
            people = await with_people(ledger, rules, PEOPLE)
            await _placed(verbex, ledger, rules, people)
            async with heart(rules, verbex, ledger) as run:
                run.engine.pause("reminders is paused")
                await run.engine.run()
                assert run.states() == dict.fromkeys(PEOPLE, "due") | {PEOPLE[0]: "done"}
                assert run.engine.stopped is not None
                assert run.engine.stopped.code is ExitCode.PAUSED

    in_virtual_time(main())


def test_more_open_calls_than_lines_are_all_counted_before_anybody_new_is_dialled(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, lines=2)
            people = await with_people(ledger, rules, PEOPLE)
            for _ in range(4):
                await _placed(verbex, ledger, rules, people)
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert set(run.states().values()) == {"done"}
                ends = sorted(ring.over_at for ring in verbex.rings[:4])
                assert verbex.rings[4].at >= ends[2]
                assert [verbex.rang(person) for person in PEOPLE] == [1] * len(PEOPLE)

    in_virtual_time(main())


@pytest.mark.parametrize("was_placed", [True, False])
def test_an_intent_of_a_killed_run_is_held_before_its_absence_counts(tmp_path: Path, was_placed: bool) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, lines=1, per_second=0.1)
            people = await with_people(ledger, rules, PEOPLE)
            left = await begun(ledger, rules, people)
            if was_placed:
                _place(verbex, left)
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert set(run.states().values()) == {"done"}
                assert [verbex.rang(person) for person in PEOPLE] == [1] * len(PEOPLE)
                again = [(at, body) for at, body in verbex.posts if body["to_number"] == left.number]
                assert len(again) == (0 if was_placed else 1)
                assert all(at > 120.0 and body["call_id"] == left.call_id for at, body in again)

    in_virtual_time(main())


def test_a_placed_call_that_the_platform_has_forgotten_is_not_dialled_again(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, longest=600.0)
            people = await with_people(ledger, rules, PEOPLE)
            forgotten = await _placed(verbex, ledger, rules, people)
            kept = verbex.rings.pop()
            verbex.platform._book.by_call_id.clear()
            verbex.platform._book.by_platform_id.clear()
            verbex.platform._book._rings.clear()
            verbex.platform._book._ats.clear()
            assert kept.to_number == forgotten.number
            for _ in range(3):
                time.jump += 3600.0
                async with heart(rules, verbex, ledger) as run:
                    await run.engine.run()
                    assert run.states()[forgotten.number] == "unknown"
            assert [body for _, body in verbex.posts if body["to_number"] == forgotten.number] == []

    in_virtual_time(main())


# --- options -------------------------------------------------------------------------------------


def test_max_calls_counts_placed_calls_and_awaits_their_ends(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [saying(429)]
            async with heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger, max_calls=4) as run:
                await run.engine.run()
                assert len(verbex.rings) == 4
                assert sorted(run.states().values()) == ["done"] * 4 + ["due"] * 8
                assert run.engine.stopped is not None
                assert run.engine.stopped.reason == "max_calls"

    in_virtual_time(main())


def test_max_calls_is_not_widened_by_what_an_earlier_run_left(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=300.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, hold=1.0)
            people = await with_people(ledger, rules, PEOPLE)
            await _placed(verbex, ledger, rules, people)
            for _ in range(3):
                await unknown(ledger, rules, people, 0.0)
            async with heart(rules, verbex, ledger, max_calls=2) as run:
                await run.engine.run()
                assert len(verbex.posts) == 2

    in_virtual_time(main())


def test_only_rings_one_person_however_many_others_are_overdue(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        people = [number(n) for n in range(300)]
        async with desk(time, script={one: ("line_busy", "user_ended_call") for one in people}) as verbex:
            async with open_ledger(tmp_path, time) as ledger:
                rules = campaign(
                    tmp_path, verbex.url, people, lines=300, per_second=1000.0, overrides={"line_busy": waits(900.0)}
                )
                async with heart(rules, verbex, ledger) as run:
                    await run.engine.run()
                    assert set(run.states().values()) == {"waiting"}
                last = run.rows("SELECT person FROM contacts ORDER BY due_at DESC LIMIT 1")[0][0]
                time.jump += 3600.0
                rules = campaign(tmp_path, verbex.url, people, lines=5)
                async with heart(rules, verbex, ledger, only=last) as run:
                    await run.engine.run()
                    assert run.states()[last] == "done"
                    assert len(verbex.rings) == 301

    in_virtual_time(main())


@pytest.mark.parametrize(("wait", "ends_before", "state"), [(None, 100.0, "waiting"), (7200.0, 100.0, "waiting")])
def test_a_run_does_not_stay_for_what_it_would_not_see(
    tmp_path: Path, wait: float | None, ends_before: float, state: str
) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, script={PEOPLE[0]: ("no_answer", "user_ended_call")}) as verbex:
            async with open_ledger(tmp_path, time) as ledger:
                rules = campaign(tmp_path, verbex.url, PEOPLE[:1], overrides={"no_answer": waits(86400.0)})
                async with heart(rules, verbex, ledger, wait=wait) as run:
                    await run.engine.run()
                    assert run.states() == {PEOPLE[0]: state}
                    assert time.monotonic() < ends_before

    in_virtual_time(main())


@pytest.mark.parametrize("wait", [4 * 3600.0, float("inf")])
def test_wait_stays_for_what_is_due_within_it(tmp_path: Path, wait: float) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, script={PEOPLE[0]: ("no_answer", "user_ended_call")}) as verbex:
            async with open_ledger(tmp_path, time) as ledger:
                rules = campaign(tmp_path, verbex.url, PEOPLE[:1], overrides={"no_answer": waits(3 * 3600.0)})
                async with heart(rules, verbex, ledger, wait=wait) as run:
                    await run.engine.run()
                    assert run.states() == {PEOPLE[0]: "done"}

    in_virtual_time(main())


# --- stopping ------------------------------------------------------------------------------------


def test_after_a_stop_nobody_is_dialled_and_live_calls_are_seen_out(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            async with heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger, grace=500.0) as run:
                running = asyncio.create_task(run.engine.run())
                await until(lambda: len(verbex.posts) == 3)
                run.engine.stop(STOPPED)
                await running
                assert len(verbex.posts) == 3
                assert sorted(run.states().values()) == ["done"] * 3 + ["due"] * 9
                assert ending(run.engine.stopped, {"due": 9, "done": 3}) == (ExitCode.WORK_REMAINS, "stopped")

    in_virtual_time(main())


def test_after_the_grace_the_run_leaves_and_the_next_one_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=300.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE)
            async with heart(rules, verbex, ledger, grace=2.0) as run:
                running = asyncio.create_task(run.engine.run())
                await until(lambda: len(verbex.posts) == 3)
                stopped_at = time.monotonic()
                run.engine.stop(STOPPED)
                await running
                assert time.monotonic() - stopped_at < 3.0
                assert sorted(run.states().values()) == ["dialing"] * 3 + ["due"] * 9
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert [verbex.rang(person) for person in PEOPLE] == [1] * len(PEOPLE)
                assert set(run.states().values()) == {"done"}

    in_virtual_time(main())


def test_a_second_signal_leaves_at_once_even_before_the_platform_has_answered(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, _deaf(verbex), PEOPLE)
            verbex.url = rules.platform.url or ""
            async with heart(rules, verbex, ledger) as run:
                running = asyncio.create_task(run.engine.run())
                await moment(1.0)
                run.engine.stop(STOPPED)
                await moment(0.5)
                run.engine.stop(STOPPED, see_out=0.0)
                await running
                assert time.monotonic() < 2.0

    def _deaf(verbex: Desk) -> str:
        return verbex.url

    in_virtual_time(main())


def test_a_graver_cause_that_comes_later_is_the_one_that_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            async with heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger) as run:
                running = asyncio.create_task(run.engine.run())
                await until(lambda: len(verbex.posts) == 2)
                run.engine.stop(STOPPED)
                ledger._connection.execute("PRAGMA query_only = 1")
                await running
                ledger._connection.execute("PRAGMA query_only = 0")
                assert run.engine.stopped is not None
                assert run.engine.stopped.code is ExitCode.LEDGER

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


# --- a platform that is gone ---------------------------------------------------------------------


@pytest.mark.parametrize("dials", [True, False])
def test_a_platform_that_is_gone_is_given_up_though_every_line_has_a_live_call(tmp_path: Path, dials: bool) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=600.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, lines=2)
            people = await with_people(ledger, rules, PEOPLE)
            for _ in range(2):
                await _placed(verbex, ledger, rules, people)
            async with heart(rules, verbex, ledger, dials=dials) as run:
                running = asyncio.create_task(run.engine.run())
                await moment(5.0)
                verbex.unread = lambda path, query: answer(503)
                verbex.always = saying(503)
                await running
                assert run.engine.stopped is not None
                assert run.engine.stopped.code is ExitCode.UNREACHABLE
                assert 600.0 < time.monotonic() < 700.0
                assert len(verbex.posts) == 0

    in_virtual_time(main())


# --- two campaigns, one number -------------------------------------------------------------------


def test_one_number_in_two_campaigns_is_rung_by_one_after_the_other(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            engines: list[Any] = []

            def live() -> int:
                return sum(engine.live for engine in engines)

            first = campaign(tmp_path, verbex.url, PEOPLE[:1], name="first")
            second = campaign(tmp_path, verbex.url, PEOPLE[:1], name="second")
            async with (
                heart(first, verbex, ledger, live=live) as one,
                heart(second, verbex, ledger, live=live) as other,
            ):
                engines += [one.engine, other.engine]
                await asyncio.gather(one.engine.run(), other.engine.run())
                assert one.rows("SELECT state FROM contacts") == [("done",), ("done",)]
                assert verbex.rang(PEOPLE[0]) == 2
                assert verbex.overlaps() == []

    in_virtual_time(main())


def test_a_number_that_an_unknown_holds_does_not_keep_the_run_from_ending(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE[:1], name="first")
            people = await with_people(ledger, rules, PEOPLE[:1])
            await unknown(ledger, rules, people, 1.0)
            second = campaign(tmp_path, verbex.url, PEOPLE[:1], name="second")
            async with heart(second, verbex, ledger) as run:
                await run.engine.run()
                assert run.rows("SELECT state FROM contacts ORDER BY id") == [("unknown",), ("due",)]
                assert verbex.posts == []
                assert time.monotonic() < 60.0

    in_virtual_time(main())


# --- the parts -----------------------------------------------------------------------------------


def test_a_helper_that_fails_stops_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            async with heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger) as run:
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


_ = the_due
