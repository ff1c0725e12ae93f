"""A platform made of a bare TCP server: it keeps the bytes that it was sent, and answers, or fails, as it is told.

It knows no HTTP library, so that what a client really puts on the wire can be looked at, and so that an
answer can be cut off, or a connection torn down, at any byte.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "dial-openapi.yaml").read_text("utf-8"))
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
FINISH_REASONS: list[str] = SCHEMAS["PhoneCallResponse"]["properties"]["call_finish_reason"]["anyOf"][0]["enum"]


def check(schema: str, value: object) -> None:
    """Raise unless a value is what the contract's schema of that name says, and has no field beyond it."""
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": SCHEMAS}})
    assert isinstance(value, dict)
    assert set(value) <= set(SCHEMAS[schema]["properties"])


@dataclass(frozen=True)
class Sent:
    """One request, as it came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class RawPlatform:
    """What a server was sent, and where it is."""

    url: str = ""
    connections: int = 0
    sent: list[Sent] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Caller:
    """One connection to the server, for a script to read from, write to or break."""

    platform: RawPlatform
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def request(self) -> Sent:
        """Read one whole request; IncompleteReadError when the client has gone."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = tuple((name, value) for name, _, value in pairs)
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        sent = Sent(method, target, headers, await self.reader.readexactly(length))
        self.platform.sent.append(sent)
        self.platform.arrived.set()
        return sent

    async def write(self, data: bytes) -> None:
        """Send bytes, whatever they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Say nothing until the client hangs up."""
        await self.reader.read()

    def reset(self) -> None:
        """Break the connection off with a reset."""
        self.writer.transport.abort()


Script = Callable[[Caller], Awaitable[None]]


def http(status: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """An HTTP answer as bytes; `length` to lie about the body's length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answering(*answers: bytes) -> Script:
    """A script that answers each request of a connection in turn, the last answer repeating."""

    async def script(caller: Caller) -> None:
        turn = 0
        while True:
            await caller.request()
            await caller.write(answers[min(turn, len(answers) - 1)])
            turn += 1

    return script


def then(after: Callable[[Caller], None], *pieces: bytes) -> Script:
    """A script that reads one request, sends some bytes, and ends the connection in a certain way."""

    async def script(caller: Caller) -> None:
        await caller.request()
        for piece in pieces:
            await caller.write(piece)
        after(caller)

    return script


def close(caller: Caller) -> None:
    """End a connection in good order."""
    caller.writer.close()


def reset(caller: Caller) -> None:
    """End a connection with a reset."""
    caller.reset()


@asynccontextmanager
async def raw_platform(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawPlatform]:
    """A server on a free port of this machine that runs the script for each connection."""
    platform = RawPlatform()
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        platform.connections += 1
        try:
            await script(Caller(platform, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls, limit=1 << 24)
    platform.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield platform
    finally:
        server.close()
        for task in tuple(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def call_body(**fields: object) -> bytes:
    """The JSON of a call as the contract has it, with some fields of one's own."""
    return json.dumps(call_fields(**fields)).encode()


def call_fields(**fields: object) -> dict[str, Any]:
    """A call as the contract has it, with some fields of one's own."""
    return {
        "_id": "66f1c0ffee",
        "call_status": "registered",
        "from_number": "+14155550100",
        "to_number": "+14155550123",
        "direction": "outbound",
    } | fields
