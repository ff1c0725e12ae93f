"""Stopping by signals: the first takes nothing new, the second leaves at once."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def heard(first: Callable[[str], None], again: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, the first signal calls `first` with its name, each later one `again`."""
    loop = asyncio.get_running_loop()
    seen: list[str] = []

    def hear(name: str) -> None:
        seen.append(name)
        (first if len(seen) == 1 else again)(name)

    for number in _SIGNALS:
        loop.add_signal_handler(number, hear, number.name)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
