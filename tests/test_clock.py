"""The clock: its sources can be replaced, and its waits end when they should."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialer import clock
from dialer.clock import Boot, Clock, machine_boot
from tests.virtual_time import in_virtual_time, moment


def test_now_is_aware_and_in_utc_and_comes_from_its_source() -> None:
    assert Clock(wall=lambda: 0.0).now() == datetime(1970, 1, 1, tzinfo=UTC)
    assert Clock().now().tzinfo is UTC
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_dice_and_monotonic_seconds_come_from_their_sources() -> None:
    seconds = iter([1.0, 2.5])
    clock = Clock(monotonic=lambda: next(seconds), dice=lambda: 0.25)
    assert (clock.monotonic(), clock.monotonic(), clock.dice()) == (1.0, 2.5, 0.25)
    assert all(0.0 <= Clock().dice() < 1.0 for _ in range(100))


@pytest.mark.parametrize(
    ("seconds", "set_after", "came", "took"),
    [
        (5.0, None, False, 5.0),
        (5.0, 2.0, True, 2.0),
        (None, 7.0, True, 7.0),
        (0.0, None, False, 0.0),
        (-1.0, None, False, 0.0),
        (5.0, 0.0, True, 0.0),
        (0.0, 0.0, True, 0.0),
    ],
)
def test_wait_ends_with_the_event_or_the_time(
    seconds: float | None, set_after: float | None, came: bool, took: float
) -> None:
    async def main() -> None:
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        if set_after == 0.0:
            event.set()
        elif set_after is not None:
            loop.call_later(set_after, event.set)
        assert await Clock().wait(event, seconds) is came
        assert loop.time() == pytest.approx(took, abs=1e-6)

    in_virtual_time(main())


def test_a_wait_that_is_cancelled_is_not_taken_for_one_that_is_over() -> None:
    async def main() -> None:
        waiting = asyncio.create_task(Clock().wait(asyncio.Event(), 10.0))
        await moment(1.0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    in_virtual_time(main())


def test_the_boot_has_a_name_and_goes_on_as_the_time_does() -> None:
    first, now = Clock().boot(), Clock().boot()
    assert first.id == now.id
    assert 0.0 <= now.seconds - first.seconds < 5.0


@pytest.mark.skipif(sys.platform != "linux", reason="boots have names on Linux alone")
def test_on_linux_the_boot_is_the_kernels() -> None:
    found = Clock().boot()
    assert found.id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert abs(found.seconds - time.clock_gettime(time.CLOCK_BOOTTIME)) < 5.0


def test_the_boot_comes_from_its_source() -> None:
    assert Clock(boot=lambda: Boot("b1", 7.5)).boot() == Boot("b1", 7.5)


def test_time_that_is_not_the_machines_has_no_boot_of_the_machine() -> None:
    one, other = (Clock(monotonic=lambda: 12.5) for _ in range(2))
    assert one.boot() == Boot(one.boot().id, 12.5)
    assert len({one.boot().id, other.boot().id, Clock().boot().id, ""}) == 4, "nothing can be said from one to the next"


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_boot_without_a_name(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "boot_id").write_bytes(content)
    assert machine_boot(tmp_path / "boot_id") is None


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="the machine does not count since its boot")
def test_a_boot_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "boot_id").write_text("b828c79d\n")
    told = machine_boot(tmp_path / "boot_id")
    assert told is not None
    assert told().id == "b828c79d"
    assert told().seconds <= told().seconds


def test_how_long_the_machine_slept_is_what_its_boot_went_more_than_its_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_BOOTTIME", 7)
    monkeypatch.setattr(time, "clock_gettime", lambda which: {7: 9_000.0}[which])
    monkeypatch.setattr(time, "monotonic", lambda: 1_800.0)
    assert clock.asleep() == 7_200.0
    monkeypatch.setattr(clock, "_BOOTTIME", None)
    assert clock.asleep() == 0.0, "a system that does not tell"
