"""An HTTP server as a guest in somebody's event loop: it leaves signals and the log alone, and ends with its host.

Nobody can hold it up: connections are counted, and one that brings no whole request in time is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept; far above a client's own, so that the two do not race."""

REQUEST_SECONDS = 10.0
"""How long the head of a request may take to come, or the rest of one that was answered early."""

_BACKLOG = 2048
_STOPPING = 2  # seconds for requests under way when it stops


@contextlib.asynccontextmanager
async def serving(app: Any, host: str, port: int, *, connections: int) -> AsyncIterator[str]:
    """Serve an ASGI application; yields the address as `host:port`. At most `connections` are kept, others are closed.

    Port 0 takes any free one. At the end requests under way are seen out, for a few seconds. Raises OSError or
    OverflowError if the address cannot be taken.
    """
    with contextlib.closing(_listen(host, port)) as listening:
        server = _Guest(_Settings(app, connections))
        task = asyncio.create_task(server.serve(sockets=[listening]), name=f"serving {host}:{port}")
        try:
            yield _spelled(listening)
        finally:
            server.should_exit = True
            await task
            await server.leave()


class _Settings(Config):
    def __init__(self, app: Any, connections: int) -> None:
        super().__init__(
            app,
            http=_Patience,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=_BACKLOG,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=_STOPPING,
        )
        self.connections = connections


class _Guest(Server):
    """A server that leaves signals to the process it is a guest in, and nothing behind."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def leave(self) -> None:
        """End what did not end by itself."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Patience(H11Protocol):
    """One connection: closed at once if there are too many, and later if a request does not come to its end."""

    config: _Settings
    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.config.connections:
            transport.abort()
        else:
            self._wait(REQUEST_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait(None)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        is_whole = not self.cycle.more_body
        self._wait(KEEP_ALIVE + REQUEST_SECONDS if is_whole else REQUEST_SECONDS)
        super().on_response_complete()

    def _wait(self, seconds: float | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._limit = None if seconds is None else self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        # While the application is at work the time is its own; when it has answered, this begins anew.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


def _listen(host: str, port: int) -> socket.socket:
    # The protocol is named because asyncio turns Nagle's algorithm off for no other: it costs 40 ms an answer.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError):
        listening.close()
        raise
    return listening


def _spelled(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
