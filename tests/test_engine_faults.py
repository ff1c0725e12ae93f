"""Runs that are cut off at any moment, over a platform that fails at any dial: nobody is rung for our trouble."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.model import StopCause
from tests.desk import RESET, Desk, Fault, desk, lost_before, placing, saying
from tests.engine_kit import campaign, heart, looked_up, number, open_ledger, waits
from tests.virtual_time import Time, in_virtual_time, moment

PEOPLE = [number(n) for n in range(15)]
CUT_OFF = StopCause(ExitCode.WORK_REMAINS, "stopped", "stopped by a signal")


def faults(verbex: Desk, dice: Random) -> Fault:
    """A third of all dials go wrong, in every way in which they can."""

    async def torn(body: dict[str, Any]) -> bytes:
        verbex.place(body)
        return RESET

    async def silent(body: dict[str, Any]) -> bytes:
        verbex.place(body)
        await moment(100.0)
        return RESET

    async def right(body: dict[str, Any]) -> bytes | None:
        return None

    bad = [lost_before, placing(verbex), torn, silent, saying(429), saying(408), saying(504)]

    async def fault(body: dict[str, Any]) -> bytes | None:
        return await (dice.choice(bad) if dice.random() < 0.35 else right)(body)

    return fault


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 8))])
def test_whatever_fails_everybody_is_rung_as_often_as_the_ledger_says_and_nobody_twice_at_once(
    tmp_path: Path, seed: int
) -> None:
    async def main() -> None:
        time, dice = Time(), Random(seed)
        script = dict.fromkeys(PEOPLE[::3], ("line_busy", "user_ended_call"))
        shape = {"lookup": dice.choice(["custom", "platform", "both"]), "full_answer": dice.choice(["201", "429"])}
        async with desk(time, script=script, concurrent_calls=4, repeated="dialled", **shape) as verbex:
            verbex.always = faults(verbex, dice)
            runs = await _runs_until_done(tmp_path, verbex, dice)
        assert runs < 60
        costs = dict(looked_up(tmp_path / "dialer.db", "SELECT person, attempts FROM contacts"))
        assert costs == {one: verbex.rang(one) for one in PEOPLE}
        assert costs == {one: 2 if one in script else 1 for one in PEOPLE}
        assert verbex.overlaps() == []
        known = {call_id for (call_id,) in looked_up(tmp_path / "dialer.db", "SELECT call_id FROM attempts")}
        assert {body["call_id"] for _, body in verbex.posts} <= known

    in_virtual_time(main())


async def _runs_until_done(folder: Path, verbex: Desk, dice: Random) -> int:
    """Runs of a random length, each cut off without grace, until everybody is finished; gives their number."""
    rules = campaign(folder, verbex.url, PEOPLE, lines=6, hold=5.0, overrides={"line_busy": waits(3.0)})
    for runs in range(1, 60):
        async with open_ledger(folder, verbex.time) as ledger, heart(rules, verbex, ledger) as run:
            running = asyncio.create_task(run.engine.run())
            await asyncio.wait({running}, timeout=dice.uniform(0.0, 4.0) if runs < 12 else 900.0)
            run.engine.stop(CUT_OFF, see_out=0.0)
            await running
            if set(run.states().values()) == {"done"}:
                return runs
    return 60


@pytest.mark.parametrize("depth", [200, 300, 900])
def test_a_record_that_is_nested_deep_ends_its_call_and_no_run(tmp_path: Path, depth: int) -> None:
    def nested(record: dict[str, Any]) -> dict[str, Any]:
        deep: object = "hello"
        for _ in range(depth):
            deep = [deep]
        return record | {"messages": deep} if record["to_number"] == number(0) else record

    async def main() -> None:
        async with desk(Time()) as verbex:
            verbex.told = nested
            rules = campaign(tmp_path, verbex.url, [number(n) for n in range(3)])
            async with open_ledger(tmp_path, verbex.time) as ledger, heart(rules, verbex, ledger) as run:
                await run.engine.run()
                found = await ledger.counts(run.engine.campaign_id)
                assert {state: n for state, n in found.items() if n} == {"done": 3}
            assert [verbex.rang(number(n)) for n in range(3)] == [1, 1, 1]

    in_virtual_time(main())
