"""`simulator`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dialer.clock import Clock
from dialer.errors import UsageError
from dialer.model import SimulatorRules
from dialer.runner import signals
from dialer.simulator import Simulator


def word(option: str, value: str, *words: str) -> str:
    """One of the words that an option may have."""
    if value not in words:
        raise UsageError(f"{option}: {value!r} is not {' or '.join(words)}")
    return value


def serve(rules: SimulatorRules, rings: Path, host: str, port: int) -> None:
    """Serve a simulated Verbex until a signal."""
    asyncio.run(_serve(rules, rings, host, port))


async def _serve(rules: SimulatorRules, rings: Path, host: str, port: int) -> None:
    stop = asyncio.Event()
    async with Simulator(rules, rings, Clock()).serve(host, port) as url:
        print(f"a simulated Verbex listens on {url}; its rings stand in {rings}. Ctrl-C ends it.", flush=True)
        with signals.heard(lambda name: stop.set(), lambda name: stop.set()):
            await stop.wait()
