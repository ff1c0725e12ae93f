"""The only reader of time and the only dice.

Everything else is handed instants and dice numbers. `now` is the wall clock, aware and in UTC, for what
is written down; `monotonic` is for pacing and waiting within a process, since a wall clock can jump; `boot` tells, from
one process to the next, whether it did.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""On Linux: it goes on while the machine sleeps, as `monotonic` does not."""


@dataclass(frozen=True, slots=True)
class Boot:
    """The boot of this machine, and the seconds since then, those among them in which it slept.

    Where a boot has no name, `id` is one that only this clock has: the seconds are those of `monotonic` then, good for
    one process alone. '' is a boot of which nothing can be said.
    """

    id: str
    seconds: float


class Clock:
    """Now, monotonic seconds, the boot, waiting and dice; the sources can be replaced (virtual time, a seed)."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        dice: Callable[[], float] | None = None,
        boot: Callable[[], Boot] | None = None,
    ) -> None:
        """Where time is not the machine's own (`monotonic` is replaced), neither is the boot: it is this clock's."""
        self._wall = wall
        self._monotonic = monotonic
        own = machine_boot() if monotonic is time.monotonic else None
        self._boot = boot or own or partial(_own_boot, secrets.token_hex(8), monotonic)
        self._dice = dice if dice is not None else random.Random().random  # noqa: S311 - jitter, not secrecy  # nosec B311

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        return datetime.fromtimestamp(self._wall(), UTC)

    def monotonic(self) -> float:
        """Seconds that only ever grow; comparable within this process alone."""
        return self._monotonic()

    def boot(self) -> Boot:
        """The boot that goes on, and the seconds since it; with the wall clock, the two that tell of a jump."""
        return self._boot()

    def dice(self) -> float:
        """A number in [0, 1)."""
        return self._dice()

    async def sleep(self, seconds: float) -> None:
        """Wait, on the event loop's clock."""
        await asyncio.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Wait, where there is no event loop."""
        time.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Wait for the event, at most that many seconds (None: for ever); tell whether it came."""
        if seconds is not None and seconds <= 0:
            return event.is_set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
        return event.is_set()


def asleep() -> float:
    """For how many seconds this machine has slept since it was booted; 0 where it does not tell. Timers of monotonic
    seconds, as those of an event loop, stood still meanwhile."""
    return max(0.0, time.clock_gettime(_BOOTTIME) - time.monotonic()) if _BOOTTIME is not None else 0.0


def _own_boot(name: str, monotonic: Callable[[], float]) -> Boot:
    return Boot(name, monotonic())


def machine_boot(name: Path = _BOOT_ID) -> Callable[[], Boot] | None:
    """What tells the boot of a Linux machine, from the file that names it; None: there is none."""
    ticks = _BOOTTIME
    try:
        boot = name.read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    if not boot or ticks is None:
        return None
    return lambda: Boot(boot, time.clock_gettime(ticks))
