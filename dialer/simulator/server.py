"""The simulated Verbex as a server, inside the event loop of whoever wants one."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from dialer.clock import Clock
from dialer.errors import UsageError
from dialer.model import SimulatorRules
from dialer.serving import serving
from dialer.simulator.app import application
from dialer.simulator.deliveries import Announced, Deliveries
from dialer.simulator.platform import Platform
from dialer.simulator.rings import RingsFile

_CONNECTIONS = 10_000
"""At once: a platform has room for all that a client may open."""


class Simulator:
    """A Verbex of our own over HTTP; its calls live in the rings file, and its subscriptions in one beside it,
    beyond this process.
    """

    def __init__(self, rules: SimulatorRules, rings: Path, clock: Clock) -> None:
        self._rules = rules
        self._rings = rings
        self._clock = clock

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Listen, and yield the base URL; port 0 takes any free one.

        Signals stay with the caller, nothing is logged. Raises UsageError if the address cannot be taken, the
        rings file cannot be read or has a simulator already, or the webhooks file beside it cannot be read.
        """
        with contextlib.closing(RingsFile(self._rings)) as log:
            deliveries = Deliveries(self._rules, self._rings, log, self._clock)
            platform = Platform(self._rules, Announced(log, deliveries.hear))
            app = application(platform, deliveries.subscriptions, self._clock.now, self._rules.api_key)
            async with contextlib.AsyncExitStack() as stack:
                await stack.enter_async_context(deliveries.running())
                door = serving(app, host, port, connections=_CONNECTIONS)
                try:
                    address = await stack.enter_async_context(door)
                except (OSError, OverflowError) as error:
                    raise _not_taken(host, port, error) from None
                yield f"http://{address}"


def _not_taken(host: str, port: int, error: OSError | OverflowError) -> UsageError:
    why = getattr(error, "strerror", None) or str(error)
    return UsageError(
        f"the simulator cannot listen on {host}:{port}: {why}; choose another port, or stop what uses this one"
    )
