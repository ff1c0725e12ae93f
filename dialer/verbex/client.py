"""The client of the platform: its requests, each tried once, whose every outcome is a value."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlsplit

import dialer
from dialer.model import Answer, CallPage, CallRecord, DialRequest, NoReply, Reply, Secret
from dialer.verbex import answers
from dialer.verbex.ahead import Ahead
from dialer.verbex.answers import read_call, read_page
from dialer.verbex.transport import Received, Wire
from dialer.verbex.wire import payload_bytes

DIAL = "/v1/calls/dial-outbound-phone-call"
CALLS = "/v1/calls/"

CALL_LIMIT = 4 << 20
"""Bytes of body that the answer about one call may have."""

PAGE_LIMIT = 64 << 20
"""Bytes of body that a page of the list may have."""

OFF_LOOP = 64 << 10
"""Bytes of body above which it is read in a thread, so that dials do not wait for it."""

T = TypeVar("T")


class Client:
    """Dials and reads calls on one platform under one key.

    Never retries, and never raises for anything that the network or the platform does: a failure is a
    `NoReply`, an answer of any status a `Reply`. Only cancellation passes through. `connections` should be
    at least the dial rate times the seconds that an answer takes. `dial_timeout` and `read_timeout` are the
    seconds that an answer may take once connected; the wait for a connection (at most 10 s) comes on top,
    and ends in an unsent `NoReply`. `skew` tells by how many seconds the platform's clock is ahead of ours (below 0:
    behind), by the answers' dates and the ends of calls in them. Raises PlatformRefused if the key cannot be sent.
    """

    skew: float = 0.0

    def __init__(
        self,
        base_url: str,
        api_key: Secret,
        *,
        connections: int = 100,
        dial_timeout: float = 30.0,
        read_timeout: float = 20.0,
        now: Callable[[], datetime],
    ) -> None:
        self._wire = Wire(base_url, api_key, connections, f"dialer/{dialer.__version__}")
        self._dial_url = self._wire.url(DIAL)
        self._key = api_key
        self._place = _place(base_url)
        self._dial_timeout = dial_timeout
        self._read_timeout = read_timeout
        self._now = now
        self._ahead = Ahead()

    def __repr__(self) -> str:
        return f"Client({self._place!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.aclose()

    async def dial(self, request: DialRequest, content: bytes = b"") -> Answer:
        """Ask the platform to ring somebody. One POST at most leaves, ever, for one call of this method. `content` are
        the request's `payload_bytes`, where they are made already."""
        content = content or payload_bytes(request)
        received = await self._wire.exchange("POST", self._dial_url, self._dial_timeout, CALL_LIMIT, content=content)
        return await self._read(received, read_call)

    async def get(self, call_id: str) -> Answer:
        """One call, by whichever of its ids the platform understands."""
        received = await self._ask(CALLS + quote(call_id, safe=""), {}, CALL_LIMIT)
        answer = await self._read(received, read_call)
        if isinstance(answer, Reply) and answer.record is not None:
            self._learn_clock((answer.record,))
        return answer

    async def list(
        self,
        *,
        page_size: int = 100,
        page_token: str | None = None,
        start_time_after: datetime | None = None,
        start_time_before: datetime | None = None,
        sort_direction: str = "desc",
    ) -> CallPage | Answer:
        """A page of the account's calls, of 1 to 1,000; a CallPage only from a readable 200.

        A time filter misses calls that have not started yet.
        """
        query = {"page_size": str(page_size), "sort_direction": sort_direction}
        if page_token is not None:
            query["page_token"] = page_token
        if start_time_after is not None:
            query["start_time_after"] = _instant(start_time_after)
        if start_time_before is not None:
            query["start_time_before"] = _instant(start_time_before)
        page = await self._read(await self._ask(CALLS, query, PAGE_LIMIT), read_page)
        if isinstance(page, CallPage):
            self._learn_clock(page.calls)
        return page

    async def ask(
        self, path: str, query: dict[str, str], read: Callable[[Received, datetime, Secret], T]
    ) -> T | NoReply:
        """A GET of what is no call, by its path, which is quoted already, read by whoever knows its shape."""
        return await self._read(await self._ask(path, query, CALL_LIMIT), read)

    async def _ask(self, path: str, query: dict[str, str], limit: int) -> Received | NoReply:
        # Of a GET aiohttp may send a second one by itself, if a kept connection turns out to be dead. It rings nobody.
        return await self._wire.exchange("GET", self._wire.url(path), self._read_timeout, limit, query=query)

    async def _read(self, received: Received | NoReply, read: Callable[[Received, datetime, Secret], T]) -> T | NoReply:
        if isinstance(received, NoReply):
            return received
        now = self._now()
        seen = answers.skew(received.date, now)
        self.skew = self.skew if seen is None else self._ahead.dated(seen)
        if len(received.body) > OFF_LOOP:
            return await asyncio.to_thread(read, received, now, self._key)
        return read(received, now, self._key)

    def _learn_clock(self, calls: Sequence[CallRecord]) -> None:
        ends = [call.ended_at for call in calls if call.ended_at is not None]
        if ends:
            self.skew = self._ahead.ended((max(ends) - self._now()) / timedelta(seconds=1))


def _place(url: str) -> str:
    """Scheme, host and port of a URL: what can be shown of it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
