"""The tasks of one engine: workers who dial, and all else that has to end before the engine may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

Work = Coroutine[Any, Any, None]


class Crew:
    """Starts tasks and sees to their end; `failed` is told of an error that one of them raises.

    `progressed` is set whenever one has ended.
    """

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()
        self._working: set[asyncio.Task[None]] = set()
        self._helping: list[asyncio.Task[None]] = []
        self.progressed = asyncio.Event()

    @property
    def is_running(self) -> bool:
        """Whether anything has yet to end by itself."""
        return bool(self._running)

    @property
    def is_at_work(self) -> bool:
        """Whether there is anybody who dials."""
        return bool(self._working)

    def start(self, work: Work) -> asyncio.Task[None]:
        """Begin what ends by itself."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def hire(self, work: Work) -> None:
        """Begin a worker's work."""
        self._working.add(self.start(work))

    def help(self, works: Iterable[Work]) -> None:
        """Begin what goes on until `dismiss`."""
        for work in works:
            task = asyncio.create_task(work)
            self._helping.append(task)
            task.add_done_callback(self._watched)

    def step_aside(self) -> Callable[[], None] | None:
        """Whoever calls is no worker for a while: their place is free for another. Gives what takes it again; None if
        they were no worker."""
        task = asyncio.current_task()
        if task is None or task not in self._working:
            return None
        self._working.discard(task)
        return lambda: self._working.add(task)

    async def dismiss(self) -> None:
        """Cancel whatever still goes on, and wait for it."""
        left = [*self._helping, *self._running]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._working.discard(task)
        self.progressed.set()
        self._watched(task)

    def _watched(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed(error)
