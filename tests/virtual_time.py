"""An event loop whose time is its own, for the tests of what waits.

The clock jumps to the next timer as soon as nothing is left to be done, sockets included: hours pass in milliseconds,
and a wait that nothing will ever end is an error rather than a hang.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from dialer.clock import Clock

T = TypeVar("T")

START = datetime(2026, 11, 22, 14, tzinfo=UTC)


class _Jumping(selectors.SelectSelector):
    """Where there is nothing to read or write, time goes on to the next timer at once."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        self.loop.passed += 1e-9  # a clock that stood still would keep a wait at its deadline for ever
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        found = super().select(0.00005)  # bytes on loopback, and a thread that ends, may take a moment
        if found:
            return found
        if timeout is None:
            raise AssertionError("a hang: nothing is under way, and no timer will ever end the wait")
        self.loop.passed += timeout
        return []


class _Quick(_Jumping):
    """For days on end: once nothing has come over loopback for a while, nothing is waited for there."""

    _idle = 0

    def select(self, timeout: float | None = None) -> Any:
        if self._idle < _IDLE or timeout is None or timeout <= 0:
            found = super().select(timeout)
            self._idle = 0 if found else self._idle + 1
            return found
        self.loop.passed += timeout
        found = selectors.SelectSelector.select(self, 0)
        self._idle = 0 if found else self._idle
        return found


_IDLE = 100
"""So many looks in vain are a while."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is its own. What is given to a thread is done in place, so that time stands still."""

    def __init__(self, is_quick: bool = False) -> None:
        selector = _Quick() if is_quick else _Jumping()
        selector.loop = self
        self.passed = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self.passed

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine to its end in virtual time; two virtual days are too long for anything."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:

        async def bounded() -> T:
            async with asyncio.timeout(2 * 86400):
                return await work

        return runner.run(bounded())


class Time:
    """A clock on the running loop's time; `jump` moves the wall clock alone, as an operator or NTP may."""

    def __init__(self, dice: float = 0.0) -> None:
        self.jump = 0.0
        self.clock = Clock(self.wall, self.monotonic, lambda: dice)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return START.timestamp() + self.monotonic() + self.jump


@contextlib.asynccontextmanager
async def running(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """A task beside the test, which must not have failed when the test is over, and ends with it."""
    task = asyncio.create_task(work)
    try:
        yield task
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 3600.0) -> None:
    """Let virtual time go on until the condition holds."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    while not condition():
        assert loop.time() < ends, "it did not come to that"
        await moment(0.05)


async def moment(seconds: float) -> None:
    """Let so much time pass."""
    if seconds <= 0:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().create_future()
