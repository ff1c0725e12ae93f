"""The simulated Verbex as a server, inside the event loop of whoever wants one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from starlette.applications import Starlette
from uvicorn import Config, Server

from dialer.clock import Clock
from dialer.errors import UsageError
from dialer.model import SimulatorRules
from dialer.simulator.app import application
from dialer.simulator.deliveries import Announced, Deliveries
from dialer.simulator.platform import Platform
from dialer.simulator.rings import RingsFile

_BACKLOG = 2048
_KEEP_ALIVE = 75  # seconds; far above a client's own, so that the two do not race
_GRACE = 1  # seconds for requests under way when it stops


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
            with contextlib.closing(_listen(host, port)) as listening:
                async with deliveries.running(), _serving(app, listening):
                    yield _url(listening)


@contextlib.asynccontextmanager
async def _serving(app: Starlette, listening: socket.socket) -> AsyncIterator[None]:
    server = _Quiet(_config(app))
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="simulator")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Quiet(Server):
    """A server that leaves signals to the process it is a guest in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Starlette) -> Config:
    return Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_GRACE,
    )


def _listen(host: str, port: int) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's algorithm off for no other: it costs 40 ms an answer.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"the simulator cannot listen on {host}:{port}: {why}; choose another port, or stop what uses this one"
        ) from None
    return listening


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
