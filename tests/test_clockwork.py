"""The wall clock, watched while a run goes on and from one run to the next."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dialer.clock import Boot, Clock
from dialer.ledger.control import beside
from dialer.policy import jumps
from dialer.runner.clockwork import Clockwork
from tests.engine_kit import begun, campaign, number, open_ledger, with_people
from tests.ledger_kit import ABSENT, deciding
from tests.virtual_time import Time, in_virtual_time, moment, running

DAY = 86400.0


@dataclass
class Said:
    """What the user was told."""

    jumps: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __call__(self, event: str, sentence: str, **facts: Any) -> None:
        assert event == "clock_jumped"
        self.jumps.append((sentence, facts))

    @property
    def seconds(self) -> list[float]:
        return [facts["seconds"] for _, facts in self.jumps]


class Machine(Time):
    """A machine with a count since its boot, beside a wall clock that `jump` moves."""

    def __init__(self, boot: str = "b1") -> None:
        super().__init__()
        self.boot = boot
        self.asleep = 0.0
        self.clock = Clock(self.wall, self.monotonic, lambda: 0.0, boot=lambda: Boot(self.boot, self.ticks()))

    def ticks(self) -> float:
        return 500.0 + self.monotonic() + self.asleep

    def wall(self) -> float:
        return super().wall() + self.asleep


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


async def set_back(folder: Path, machine: Machine, jump: float = 0.0) -> float:
    """How far the clock was set back in all, at the end of a run in which it jumps."""
    async with open_ledger(folder, machine) as ledger:
        clockwork = Clockwork(machine.clock, ledger, Said())
        await clockwork.begin()
        async with running(clockwork.run()):
            machine.jump += jump
            await moment(3.0)
    return clockwork.set_back


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
        await a_run(tmp_path, machine)
        machine.jump += 60.0
        async with open_ledger(tmp_path, machine) as ledger:
            clockwork = Clockwork(machine.clock, ledger, Said())
            await clockwork.begin()
            assert clockwork.moved() == pytest.approx(60.0, abs=0.01)
            async with running(clockwork.run()):
                for place in (1, 2):
                    machine.jump += DAY
                    assert clockwork.moved() == pytest.approx(60.0 + place * DAY, abs=0.01)
                    await moment(1.5)  # noticed, and noted for the next run
            machine.boot = "b2"
            assert clockwork.moved() is None

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


def test_how_far_it_was_set_back_counts_on_while_a_dial_is_open(tmp_path: Path) -> None:
    """Its moment was written down by a clock that was ahead; once nothing is open, that is over."""

    async def main() -> None:
        machine = Machine()
        rules = campaign(tmp_path, "http://127.0.0.1:1")
        async with open_ledger(tmp_path, machine) as ledger:
            attempt = await begun(ledger, rules, await with_people(ledger, rules, [number(0)]))
        assert await set_back(tmp_path, machine) == jumps.ANY  # nothing is noted of the run before
        beside(tmp_path / "dialer.db", "lock").write_text(json.dumps(noted(tmp_path) | {"set_back": 0.0}))
        assert await set_back(tmp_path, machine, jump=-3600.0) == pytest.approx(3600.0, abs=0.01)
        assert await set_back(tmp_path, machine, jump=DAY) == pytest.approx(3600.0, abs=0.01)
        machine.jump -= 60.0
        assert await set_back(tmp_path, machine) == pytest.approx(3660.0, abs=0.01)
        async with open_ledger(tmp_path, machine) as ledger:
            await ledger.refuse(attempt.id, ABSENT, deciding(ABSENT, machine.clock.now()))
        assert await set_back(tmp_path, machine) == 0.0

    in_virtual_time(main())
