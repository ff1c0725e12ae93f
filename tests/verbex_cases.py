"""One dial to a bare server, with a client as it is shipped: what the tests of the transport share."""

from __future__ import annotations

from datetime import UTC, datetime

from dialer.model import Answer, DialRequest, Secret
from dialer.verbex import Client
from tests.raw_platform import call_body, http

KEY = Secret("API_0123456789abcdef")
NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
REQUEST = DialRequest("c" * 32, "+14155550100", "+14155550123", None, {"dialer_call_id": "c" * 32}, {"name": "Ann"})
PLACED = http("201 Created", call_body())


def client(url: str, seconds: float = 5.0, connections: int = 10) -> Client:
    """A client with one patience, in seconds, for all that it asks."""
    return Client(url, KEY, connections=connections, dial_timeout=seconds, read_timeout=seconds, now=lambda: NOW)


async def dial(url: str, seconds: float = 5.0) -> Answer:
    """The outcome of a single dial."""
    async with client(url, seconds) as verbex:
        return await verbex.dial(REQUEST)
