"""What a run does with the options of its command."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.errors import ExitCode
from dialer.model import StopCause
from tests.desk import desk, saying
from tests.engine_kit import campaign, heart, number, open_ledger, placed, unknown, waits, with_people
from tests.virtual_time import Time, in_virtual_time

PEOPLE = [number(n) for n in range(6)]
STOPPED = StopCause(ExitCode.WORK_REMAINS, "stopped", "stopped by a signal")


# --- options --------------------------------------------------------------------------------------


def test_max_calls_counts_placed_calls_and_awaits_their_ends(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [saying(429)]
            async with heart(campaign(tmp_path, verbex.url, PEOPLE), verbex, ledger, max_calls=4) as run:
                await run.engine.run()
                assert len(verbex.rings) == 4
                assert sorted(run.states().values()) == ["done"] * 4 + ["due"] * 2
                assert run.engine.stopped is not None
                assert run.engine.stopped.reason == "max_calls"

    in_virtual_time(main())


def test_max_calls_is_not_widened_by_what_an_earlier_run_left(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=12.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, hold=1.0)
            people = await with_people(ledger, rules, PEOPLE)
            await placed(verbex, ledger, rules, people)
            for _ in range(3):
                await unknown(ledger, rules, people, 0.0)
            async with heart(rules, verbex, ledger, max_calls=2) as run:
                await run.engine.run()
                assert len(verbex.posts) == 2

    in_virtual_time(main())


def test_only_rings_one_person_however_many_others_are_overdue(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        people = [number(n) for n in range(90)]
        async with (
            desk(time, script=dict.fromkeys(people, ("line_busy", "user_ended_call"))) as verbex,
            open_ledger(tmp_path, time) as ledger,
        ):
            rules = campaign(
                tmp_path, verbex.url, people, lines=90, per_second=1000.0, overrides={"line_busy": waits(900.0)}
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
                assert len(verbex.rings) == 91

    in_virtual_time(main())


@pytest.mark.parametrize(("wait", "ends_before", "state"), [(None, 100.0, "waiting"), (7200.0, 100.0, "waiting")])
def test_a_run_does_not_stay_for_what_it_would_not_see(
    tmp_path: Path, wait: float | None, ends_before: float, state: str
) -> None:
    async def main() -> None:
        time = Time()
        async with (
            desk(time, script={PEOPLE[0]: ("no_answer", "user_ended_call")}) as verbex,
            open_ledger(tmp_path, time) as ledger,
        ):
            rules = campaign(tmp_path, verbex.url, PEOPLE[:1], overrides={"no_answer": waits(86400.0)})
            async with heart(rules, verbex, ledger, wait=wait) as run:
                await run.engine.run()
                assert run.states() == {PEOPLE[0]: state}
                assert time.monotonic() < ends_before

    in_virtual_time(main())


@pytest.mark.parametrize("wait", [900.0, float("inf")])
def test_wait_stays_for_what_is_due_within_it(tmp_path: Path, wait: float) -> None:
    async def main() -> None:
        time = Time()
        async with (
            desk(time, script={PEOPLE[0]: ("no_answer", "user_ended_call")}) as verbex,
            open_ledger(tmp_path, time) as ledger,
        ):
            rules = campaign(tmp_path, verbex.url, PEOPLE[:1], overrides={"no_answer": waits(600.0)})
            async with heart(rules, verbex, ledger, wait=wait) as run:
                await run.engine.run()
                assert run.states() == {PEOPLE[0]: "done"}

    in_virtual_time(main())
