"""A run goes on with what an earlier one left, and two campaigns do not ring one number at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dialer.errors import ExitCode
from dialer.model import SimulatorRules
from dialer.runner.engine import Engine
from dialer.simulator import Platform
from tests.desk import desk
from tests.engine_kit import begun, campaign, dial_of, heart, number, open_ledger, placed, unknown, with_people
from tests.virtual_time import Time, in_virtual_time

PEOPLE = [number(n) for n in range(6)]


# --- earlier runs ---------------------------------------------------------------------------------


def test_settle_waits_for_the_calls_of_an_earlier_run_and_dials_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE)
            people = await with_people(ledger, rules, PEOPLE)
            await placed(verbex, ledger, rules, people)
            async with heart(rules, verbex, ledger, dials=False) as run:
                await run.engine.run()
                assert run.states() == dict.fromkeys(PEOPLE, "due") | {PEOPLE[0]: "done"}
                assert len(verbex.posts) == 0

    in_virtual_time(main())


def test_a_paused_campaign_still_learns_how_its_live_calls_end(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE)
            people = await with_people(ledger, rules, PEOPLE)
            await placed(verbex, ledger, rules, people)
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
                await placed(verbex, ledger, rules, people)
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
            rules = campaign(tmp_path, verbex.url, PEOPLE, lines=1, hold=30.0)
            people = await with_people(ledger, rules, PEOPLE)
            left = await begun(ledger, rules, people)
            if was_placed:
                verbex.place(dial_of(left))
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert set(run.states().values()) == {"done"}
                assert [verbex.rang(person) for person in PEOPLE] == [1] * len(PEOPLE)
                again = [(at, body) for at, body in verbex.posts if body["to_number"] == left.number]
                assert len(again) == (0 if was_placed else 1)
                assert all(at > 30.0 and body["call_id"] == left.call_id for at, body in again)

    in_virtual_time(main())


@pytest.mark.slow
def test_a_placed_call_that_the_platform_has_forgotten_is_not_dialled_again(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, longest=600.0)
            people = await with_people(ledger, rules, PEOPLE)
            forgotten = await placed(verbex, ledger, rules, people)
            verbex.platform = Platform(SimulatorRules(ring_seconds=0.5, call_seconds=1.0, seed=2), [])
            for more in range(1, 4):  # new people in each run, whose calls prove that the list tells of calls
                time.jump += 3600.0
                new = [*PEOPLE, *(number(100 + n) for n in range(3 * more))]
                rules = campaign(tmp_path, verbex.url, new, longest=600.0, hold=1.0, per_second=0.5)
                async with heart(rules, verbex, ledger) as run:
                    await run.engine.run()
                    assert run.states()[forgotten.number] == "unknown"
                    assert run.rows("SELECT COUNT(*) FROM contacts WHERE state = 'due'") == [(0,)]
            assert [body for _, body in verbex.posts if body["to_number"] == forgotten.number] == []

    in_virtual_time(main())


# --- two campaigns, one number --------------------------------------------------------------------


def test_one_number_in_two_campaigns_is_rung_by_one_after_the_other(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            engines: list[Engine] = []

            def live() -> int:
                return sum(engine.live for engine in engines)

            first = campaign(tmp_path, verbex.url, PEOPLE[:1], name="first")
            second = campaign(tmp_path, verbex.url, PEOPLE[:1], name="second")
            async with (
                heart(first, verbex, ledger, live=live) as one,
                heart(second, verbex, ledger, live=live) as other,
            ):
                engines += [one.engine, other.engine]
                await asyncio.gather(*(_to_its_end(each.engine, (one.engine, other.engine)) for each in (one, other)))
                assert one.rows("SELECT state FROM contacts") == [("done",), ("done",)]
                assert verbex.rang(PEOPLE[0]) == 2
                assert verbex.overlaps() == []

    in_virtual_time(main())


async def _to_its_end(engine: Engine, all_of_them: tuple[Engine, ...]) -> None:
    await engine.run()
    for other in all_of_them:
        other.scheduler.changed()


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
