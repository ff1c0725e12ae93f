"""The platform's side of webhooks in tests: what it sends and how it signs, written without a look at the reader."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.desk import answer
from tests.raw_platform import Caller, Sent, http
from tests.virtual_time import START

SECRET = "whsec_canary_0a1b2c3d4e5f"
OTHER = "whsec_other_99887766554433"


def in_hex(digest: bytes) -> str:
    return digest.hex()


def in_base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def told(trace: str = "trace-1", name: str = "CallHandler.CallEnded", **changed: Any) -> dict[str, Any]:
    """A body as the platform makes it."""
    body = {
        "organizationId": "org-1",
        "traceId": trace,
        "eventName": name,
        "timestamp": int(START.timestamp()),
        "payload": {"call_id": "66f1c0ffee", "agent_id": "a1", "status": "ended"},
    }
    return body | changed


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def signature(secret: str, timestamp: str, body: bytes, spelled: Callable[[bytes], str] = in_hex) -> str:
    """One value of the signature's header."""
    signed = timestamp.encode() + b"." + body
    return "v1=" + spelled(hmac.new(secret.encode(), signed, hashlib.sha256).digest())


@dataclass(frozen=True)
class Delivery:
    """One POST of the platform."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/verbex"

    def sealed(self, **headers: str) -> Delivery:
        """The same with other headers."""
        return replace(self, headers=self.headers | {name.replace("_", "-"): text for name, text in headers.items()})

    def without(self, *names: str) -> Delivery:
        return replace(self, headers={name: text for name, text in self.headers.items() if name not in names})

    def raw(self) -> bytes:
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: dialer", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {text}" for name, text in self.headers.items()]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


def delivery(
    body: dict[str, Any] | bytes | None = None,
    *,
    at: datetime = START,
    secret: str = SECRET,
    spelled: Callable[[bytes], str] = in_hex,
) -> Delivery:
    """A delivery that is signed as it should be."""
    content = told() if body is None else body
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {
        "x-webhook-timestamp": stamp(at),
        "x-webhook-signature": signature(secret, stamp(at), raw, spelled),
    }
    if isinstance(content, dict):
        headers["x-webhook-event"] = str(content.get("eventName"))
        if isinstance(content.get("traceId"), str):
            headers["x-webhook-traceid"] = content["traceId"]
    return Delivery(raw, headers)


@dataclass
class Line:
    """A connection to a receiver."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, str]:
        """The status and the body of the next answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
        length = lines.get("content-length")
        body = await (self.reader.read() if length is None else self.reader.readexactly(int(length)))
        return int(head.split()[1]), body.decode()

    async def is_closed(self) -> bool:
        """Wait until the other side has hung up."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


async def connect(address: str) -> Line:
    """A connection to `host:port`."""
    host, _, port = address.rpartition(":")
    return Line(*await asyncio.open_connection(host.strip("[]"), int(port)))


async def post(address: str, sent: Delivery) -> tuple[int, str]:
    """The status and body of what is answered to a delivery."""
    line = await connect(address)
    try:
        await line.send(sent.raw())
        return await line.answer()
    finally:
        await line.close()


class Office:
    """The platform's desk for subscriptions, behind a bare server; `asks_for` is what it calls a subscription's URL."""

    def __init__(self, *urls: str, asks_for: str = "url", pages_of: int = 100) -> None:
        self.there = {f"sub-{number}": url for number, url in enumerate(urls, 1)}
        self.asks_for = asks_for
        self.pages_of = pages_of
        self.bodies: list[dict[str, Any]] = []
        self.secret: str | None = SECRET
        self.says: dict[str, bytes] = {}
        """By method: what is answered instead."""

    async def serve(self, caller: Caller) -> None:
        """One connection."""
        while True:
            sent = await caller.request()
            await caller.write(self.says.get(sent.method) or self._said(sent))

    def _said(self, sent: Sent) -> bytes:
        parts = urlsplit(sent.target)
        if sent.method == "POST" and parts.path == "/v1/public/webhook/subscription":
            return self._made(json.loads(sent.body))
        if sent.method == "GET" and parts.path == "/v1/public/webhook/subscriptions":
            return self._page(dict(parse_qsl(parts.query)))
        _, _, rest = parts.path.partition("/v1/public/webhook/subscription/")
        name, _, verb = unquote(rest).partition("/")
        if name not in self.there:
            return answer(404, {"error": "not_found", "message": "No such subscription."})
        if (sent.method, verb) == ("POST", "rotate/secret"):
            return answer(200, {"id": name, "secret": self.secret})
        assert (sent.method, verb) == ("DELETE", "")
        del self.there[name]
        return http("204 No Content")

    def _made(self, body: dict[str, Any]) -> bytes:
        self.bodies.append(body)
        if self.asks_for not in body:
            complaint = {"loc": ["body", self.asks_for], "msg": "Field required", "type": "missing"}
            return answer(422, {"detail": [complaint]})
        name = f"sub-{len(self.there) + 1}"
        self.there[name] = body[self.asks_for]
        return answer(
            201, {"id": name, self.asks_for: body[self.asks_for], "name": body["name"], "secret": self.secret}
        )

    def _page(self, query: dict[str, str]) -> bytes:
        assert 1 <= int(query["page_size"]) <= 100
        begin = int(query.get("page_token", "0"))
        page = list(self.there.items())[begin : begin + self.pages_of]
        following = begin + self.pages_of
        told = [{"id": name, self.asks_for: url, "name": "dialer reminders"} for name, url in page]
        token = str(following) if following < len(self.there) else None
        return answer(200, {"subscriptions": told, "next_page_token": token})
