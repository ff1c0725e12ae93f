"""The wall clock, watched while a run goes on and from one run to the next."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from dialer.ledger.control import beside
from dialer.policy import jumps
from dialer.runner.clockwork import Clockwork
from tests.clock_kit import DAY, Machine, Said
from tests.engine_kit import begun, campaign, number, open_ledger, with_people
from tests.ledger_kit import ABSENT, deciding
from tests.virtual_time import in_virtual_time, moment, running


async def a_run(folder: Path, machine: Machine, seconds: float = 5.0, jump: float = 0.0) -> tuple[float | None, Said]:
    """A run of so many seconds, in the middle of which the clock jumps; gives what it made of the time before it."""
    said = Said()
    async with open_ledger(folder, machine) as ledger:
        clockwork = Clockwork(machine.clock, ledger, said)
        await clockwork.begin()
        async with running(clockwork.run()):
            await moment(seconds / 2)
            machine.jump += jump
            await moment(seconds / 2)
    return clockwork.jump, said


async def was_set(folder: Path, machine: Machine, jump: float = 0.0) -> list[float]:
    """How far the clock was set back, and forward, in all, at the end of a run in which it jumps."""
    async with open_ledger(folder, machine) as ledger:
        clockwork = Clockwork(machine.clock, ledger, Said())
        await clockwork.begin()
        async with running(clockwork.run()):
            machine.jump += jump
            await moment(3.0)
    return [clockwork.set_back, clockwork.set_forward]


def noted(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(beside(folder / "dialer.db", "lock").read_bytes())
    return found


@pytest.mark.parametrize("by", [-3600.0, DAY])
def test_a_jump_in_a_run_is_told_once_and_does_not_count_for_the_next(tmp_path: Path, by: float) -> None:
    async def main() -> None:
        machine = Machine()
        jump, said = await a_run(tmp_path, machine, jump=by)
        assert jump is None
        assert said.seconds == [pytest.approx(by, abs=0.01)]
        assert said.jumps[0][1]["level"] == "warning"
        jump, said = await a_run(tmp_path, machine)
        assert jump == pytest.approx(0.0, abs=0.01)
        assert said.jumps == []

    in_virtual_time(main())


@pytest.mark.parametrize("by", [-3600.0, DAY, 1.5])
def test_a_jump_between_two_runs_is_known_to_the_second(tmp_path: Path, by: float) -> None:
    async def main() -> None:
        machine = Machine()
        await a_run(tmp_path, machine)
        machine.jump += by
        jump, said = await a_run(tmp_path, machine)
        assert jump == pytest.approx(by, abs=0.01)
        assert said.seconds == ([] if abs(by) < 2 else [pytest.approx(by, abs=0.01)])

    in_virtual_time(main())


def test_a_jump_counts_before_it_is_noticed(tmp_path: Path) -> None:
    """A hold that is read between a jump and the next look must know of it."""

    async def main() -> None:
        machine = Machine()
        async with open_ledger(tmp_path, machine) as ledger:
            clockwork = Clockwork(machine.clock, ledger, Said())
            await clockwork.begin()
            async with running(clockwork.run()):
                for forward, back in ((DAY, 0.0), (DAY, 3600.0), (DAY + 60.0, 3600.0)):
                    machine.jump += forward - back - machine.jump
                    for _ in range(2):
                        assert clockwork.set_forward == pytest.approx(forward, abs=0.01)
                        assert clockwork.set_back == pytest.approx(back, abs=0.01)
                        await moment(1.5)  # noticed

    in_virtual_time(main())


def test_a_jump_while_another_is_being_told_is_counted_too(tmp_path: Path) -> None:
    async def main() -> None:
        machine, said = Machine(), Said()

        def slowly(event: str, sentence: str, **facts: Any) -> None:
            said(event, sentence, **facts)
            machine.jump += 600.0 if len(said.jumps) == 1 else 0.0

        async with open_ledger(tmp_path, machine) as ledger:
            clockwork = Clockwork(machine.clock, ledger, slowly)
            await clockwork.begin()
            async with running(clockwork.run()):
                machine.jump += DAY
                await moment(3.0)
            assert clockwork.set_forward == pytest.approx(DAY + 600.0, abs=0.01)
            assert said.seconds == pytest.approx([DAY, 600.0], abs=0.01)

    in_virtual_time(main())


def test_a_clock_that_is_corrected_little_by_little_is_no_jump_from_run_to_run(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Machine()
        total = 0.0
        for _ in range(4):
            jump, said = await a_run(tmp_path, machine, jump=1.0)
            total += jump or 0.0
            assert said.jumps == []
        assert total <= 4.0

    in_virtual_time(main())


def test_a_machine_that_slept_has_a_clock_that_did_not_jump(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Machine()
        await a_run(tmp_path, machine)
        machine.asleep += DAY
        jump, said = await a_run(tmp_path, machine)
        assert jump == pytest.approx(0.0, abs=0.01)
        assert said.jumps == []

    in_virtual_time(main())


@pytest.mark.parametrize("boot", ["b2", ""])
def test_after_a_boot_nobody_can_say(tmp_path: Path, boot: str) -> None:
    async def main() -> None:
        machine = Machine()
        await a_run(tmp_path, machine)
        machine.boot = boot
        machine.jump += DAY
        jump, said = await a_run(tmp_path, machine)
        assert jump is None
        assert said.jumps == []

    in_virtual_time(main())


@pytest.mark.parametrize("note", [{}, {"boot": 5, "offset": 1.0}, {"boot": "b1", "offset": "1"}, {"boot": "b1"}])
def test_a_note_that_tells_nothing_of_the_clock_says_nothing(tmp_path: Path, note: dict[str, Any]) -> None:
    async def main() -> None:
        machine = Machine()
        beside(tmp_path / "dialer.db", "lock").write_text(json.dumps(note))
        jump, said = await a_run(tmp_path, machine)
        assert (jump, said.jumps) == (None, [])

    in_virtual_time(main())


def test_the_note_is_kept_up_while_a_run_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Machine()
        async with open_ledger(tmp_path, machine) as ledger:
            clockwork = Clockwork(machine.clock, ledger, Said())
            await clockwork.begin()
            before = noted(tmp_path)
            assert before["boot"] == "b1"
            async with running(clockwork.run()):
                machine.jump += DAY
                await moment(1.5)
                after = noted(tmp_path)
            assert after["offset"] - before["offset"] == pytest.approx(DAY, abs=0.01)
            await asyncio.gather(ledger.note(), ledger.note())
            assert noted(tmp_path)["offset"] == after["offset"]

    in_virtual_time(main())


def test_how_far_it_was_set_counts_on_while_a_dial_is_open(tmp_path: Path) -> None:
    """Its moment was written down by a clock that was ahead, its hold by one that was behind; once nothing is open,
    that is over."""

    async def main() -> None:
        machine = Machine()
        rules = campaign(tmp_path, "http://127.0.0.1:1")
        async with open_ledger(tmp_path, machine) as ledger:
            attempt = await begun(ledger, rules, await with_people(ledger, rules, [number(0)]))
        assert await was_set(tmp_path, machine) == [jumps.ANY, jumps.ANY]  # nothing is noted of the run before
        nothing = {"set_back": 0.0, "set_forward": 0.0}
        beside(tmp_path / "dialer.db", "lock").write_text(json.dumps(noted(tmp_path) | nothing))
        for by, between, back, forward in (
            (-3600.0, 0.0, 3600.0, 0.0),
            (DAY, 0.0, 3600.0, DAY),
            (0.0, -60.0, 3600.0, DAY),
            (0.0, 30.0, 3660.0, DAY),
            (0.0, 0.0, 3660.0, DAY + 30.0),
        ):
            found = await was_set(tmp_path, machine, by)
            assert found == pytest.approx([back, forward], abs=0.1)
            machine.jump += between
        machine.boot = "b2"
        for _ in range(2):  # a boot hides what was set, from this run and from those that follow
            assert await was_set(tmp_path, machine) == [jumps.ANY, jumps.ANY]
        async with open_ledger(tmp_path, machine) as ledger:
            await ledger.refuse(attempt.id, ABSENT, deciding(ABSENT, machine.clock.now()))
        assert await was_set(tmp_path, machine) == [0.0, 0.0]

    in_virtual_time(main())


def test_a_note_of_an_earlier_version_does_not_say_what_was_set_forward(tmp_path: Path) -> None:
    async def main() -> None:
        machine = Machine()
        rules = campaign(tmp_path, "http://127.0.0.1:1")
        await was_set(tmp_path, machine)
        async with open_ledger(tmp_path, machine) as ledger:
            await begun(ledger, rules, await with_people(ledger, rules, [number(0)]))
        earlier = noted(tmp_path)
        del earlier["set_forward"]
        beside(tmp_path / "dialer.db", "lock").write_text(json.dumps(earlier))
        assert await was_set(tmp_path, machine) == pytest.approx([0.0, jumps.ANY], abs=0.1)

    in_virtual_time(main())
