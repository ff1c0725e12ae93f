"""An event loop without sockets, whose time is its own, that counts its steps and can be killed between any two.

It does one thing after the other in an order that follows from what was asked of it alone: no thread, no descriptor,
no set of tasks ordered by their addresses. So a run replays exactly, and "kill it at step 4711" means the same twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

MOST_STEPS = 3_000_000
"""Steps after which a process is taken to be going round in a circle."""

_TICK = 1e-9
"""A clock that stood exactly at its deadlines would keep there for ever whoever waits for them."""

_CLOSINGS = 20
"""A coroutine that awaits in its `finally` is closed once more for each of those awaits."""


class Killed(Exception):
    """The process is gone: from one step to the next, without a word."""


class Stuck(AssertionError):
    """Nothing is under way and nothing ever will be; or too much is."""


class _Task(asyncio.Task[Any]):
    """A task that is hashed by its number: the product keeps tasks in sets, and walks through them."""

    def __init__(self, number: int, coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any], **given: Any) -> None:
        self.number = number
        super().__init__(coro, **given)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class SteppedLoop(asyncio.AbstractEventLoop):
    """Begins at the second `begins`; ends itself with `Killed` before step `kill_at`, if that is given.

    What is given to an executor is done in place; `commits_for()` says how many seconds pass until whoever asked hears
    of it, so that a process can be killed after a commit and before it knows.
    """

    def __init__(self, begins: float, kill_at: int | None, commits_for: Callable[[], float]) -> None:
        self.steps = 0
        self.errors: list[str] = []
        self._now = begins
        self._kill_at = kill_at
        self._commits_for = commits_for
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._tasks: list[_Task] = []
        self._timed = 0
        self._made = 0
        self._is_dead = False

    # --- what asyncio asks of a loop ---

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_closed(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._is_dead

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None, **_: Any) -> asyncio.Task[Any]:
        self._made += 1
        task = _Task(self._made, coro, loop=self, name=name or f"task {self._made}", context=context)
        self._tasks.append(task)
        if len(self._tasks) > 2000:
            self._tasks = [one for one in self._tasks if not one.done()]
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = events.Handle(callback, args, self, context)
        if not self._is_dead:
            self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        handle = events.TimerHandle(when, callback, args, self, context)
        if not self._is_dead:
            self._timed += 1
            heapq.heappush(self._timers, (when, self._timed, handle))
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """It stays in the heap until its time has come, and is passed over then."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except Exception as error:
            future.set_exception(error)
            return future
        if executor is None or (seconds := self._commits_for()) <= 0:
            future.set_result(result)
        else:
            self.call_later(seconds, _tell, future, result)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self._is_dead:
            self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    # --- living and dying ---

    def run(self, main: Coroutine[Any, Any, T], until: float) -> T:
        """Run to the end of `main`; raises Killed, or Stuck where nothing can go on or the second `until` is past."""
        before = events._get_running_loop()
        events._set_running_loop(self)
        try:
            task: asyncio.Task[T] = self.create_task(main)
            while not task.done():
                self._one_step(until)
            return task.result()
        finally:
            events._set_running_loop(before)

    def _one_step(self, until: float) -> None:
        while not self._ready:
            self._to_next_timer(until)
        handle = self._ready.popleft()
        if handle._cancelled:
            return
        self.steps += 1
        if self.steps == self._kill_at:
            raise Killed
        if self.steps > MOST_STEPS:
            raise Stuck(f"{MOST_STEPS} steps, and no end")
        handle._run()

    def _to_next_timer(self, until: float) -> None:
        while self._timers and self._timers[0][2]._cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            raise Stuck("nothing is under way, and no timer will ever end the wait")
        if self._timers[0][0] > until:
            raise Stuck(f"it still waits after {until:.0f} s")
        self._now = max(self._now, self._timers[0][0]) + _TICK
        while self._timers and self._timers[0][0] <= self._now:
            self._ready.append(heapq.heappop(self._timers)[2])

    def bury(self) -> None:
        """Let go of what was under way. Call this when all that the process held is closed: nothing that runs now in a
        `finally` reaches anything."""
        self._is_dead = True
        self._ready.clear()
        self._timers.clear()
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                _close(task.get_coro())
        self._tasks.clear()


def stepped(begins: float = 0.0, kill_at: int | None = None, commits_for: Callable[[], float] = float) -> SteppedLoop:
    """A loop; of what a loop may be asked for it has what the product asks for."""
    return SteppedLoop(begins, kill_at, commits_for)  # type: ignore[abstract]


async def passes(seconds: float) -> None:
    """Let so much of the running loop's time pass."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    handle = loop.call_later(seconds, _tell, future, None)
    try:
        await future
    finally:
        handle.cancel()


def _tell(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _close(coro: Any) -> None:
    for _ in range(_CLOSINGS):
        with contextlib.suppress(Exception):
            coro.close()
            return
