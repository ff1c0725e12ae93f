"""Runs one after the other, on a machine whose wall clock is set while a lost dial lies in the platform's queue."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.ledger import Ledger
from dialer.model import Campaign, StopCause
from dialer.runner.clockwork import Clockwork
from tests.clock_kit import DAY, Machine, Said
from tests.desk import Desk, desk, lost_before
from tests.engine_kit import Heart, campaign, heart, number, open_ledger
from tests.virtual_time import in_virtual_time, moment, running, until

PEOPLE = [number(n) for n in range(3)]
CUT_OFF = StopCause(ExitCode.WORK_REMAINS, "stopped", "stopped by a signal")
HOLD, IN_QUEUE = 120.0, 60.0


def queueing(made: Desk) -> Any:
    """The first dial of the first person is answered by a gateway, and placed a good while later."""

    async def fault(body: dict[str, Any]) -> bytes | None:
        if body["to_number"] != PEOPLE[0]:
            return None
        asyncio.get_running_loop().call_later(IN_QUEUE, made.place, body)
        made.always = None
        return await lost_before(body)

    return fault


async def cut_off(run: Heart, machine: Machine, jump: float) -> None:
    """A run that dies, a few seconds after the clock was set."""
    going_on = asyncio.create_task(run.engine.run())
    await until(lambda: len(run.desk.posts) == len(PEOPLE))
    await moment(1.0)
    machine.jump += jump
    await moment(3.0)
    run.engine.stop(CUT_OFF, see_out=0.0)
    await going_on


async def a_run(
    rules: Campaign, made: Desk, ledger: Ledger, machine: Machine, jump: float = 0.0, *, is_last: bool
) -> None:
    clockwork = Clockwork(machine.clock, ledger, Said())
    async with heart(rules, made, ledger, clockwork=clockwork) as run:
        await clockwork.begin()
        async with running(clockwork.run()):
            await (run.engine.run() if is_last else cut_off(run, machine, jump))


@pytest.mark.parametrize(
    ("in_run", "between", "reboots", "runs"),
    [
        (0.0, 0.0, False, 2),
        (DAY, 0.0, False, 2),
        (0.0, DAY, False, 2),
        (0.0, DAY, False, 4),
        (DAY, -DAY, False, 3),
        (-3600.0, DAY, False, 3),
        (0.0, DAY, True, 3),
    ],
)
def test_no_hold_is_cut_short_by_clocks_that_are_set_and_runs_that_die(
    tmp_path: Path, in_run: float, between: float, reboots: bool, runs: int
) -> None:
    """Each run notes how the clock stands: what was set before must not be lost by that."""

    async def main() -> None:
        machine = Machine()
        async with desk(machine, repeated="dialled") as verbex:
            verbex.always = queueing(verbex)
            rules = campaign(tmp_path, verbex.url, PEOPLE, hold=HOLD)
            for place in range(runs):
                async with open_ledger(tmp_path, machine) as ledger:
                    jump = in_run if place == 0 else 0.0
                    await a_run(rules, verbex, ledger, machine, jump, is_last=place == runs - 1)
                if place == 0:
                    machine.jump += between
                    machine.boot = "b2" if reboots else machine.boot
            await moment(2 * HOLD)
        assert [verbex.rang(person) for person in PEOPLE] == [1, 1, 1]
        assert len(verbex.posts) == len(PEOPLE)

    in_virtual_time(main())


@pytest.mark.parametrize("jump", [-60.0, DAY])
def test_a_jump_as_a_lost_answer_is_being_held_does_not_cut_its_hold_short(tmp_path: Path, jump: float) -> None:
    """Between the writing of the hold and its reading."""

    async def main() -> None:
        time = Machine()
        async with desk(time, repeated="dialled") as verbex:
            verbex.always = queueing(verbex)
            rules = campaign(tmp_path, verbex.url, PEOPLE, hold=HOLD)
            async with open_ledger(tmp_path, time) as ledger, heart(rules, verbex, ledger) as run:
                ledger.hold = then_jumps(time, ledger.hold, jump)  # type: ignore[method-assign]
                await run.engine.run()
        assert [verbex.rang(person) for person in PEOPLE] == [1, 1, 1]
        assert len(verbex.posts) == len(PEOPLE)

    in_virtual_time(main())


def then_jumps(machine: Machine, hold: Any, jump: float) -> Any:
    async def held(*args: Any, **more: Any) -> None:
        await hold(*args, **more)
        machine.jump += jump

    return held
