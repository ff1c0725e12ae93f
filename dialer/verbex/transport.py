"""The wire to the platform: HTTP/1.1 through httpx over aiohttp, each setting said aloud, its failures named truly.

Requests go straight to httpx's transport. What `httpx.AsyncClient` adds around it (cookies, redirects, sign-on, merging
of addresses) is all turned off here, and cost two fifths of a dial.

What matters most here is one bit: did any byte of a request leave? The classes of the exceptions do not
tell it (the transport calls a connection that was reset after the whole request had been read a
`ConnectTimeout` as well), so `unsent` asks for the cause underneath.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from dialer.clock import asleep
from dialer.errors import PlatformRefused
from dialer.model import NoReply, Secret
from dialer.verbex.excerpt import excerpt, mask_numbers, redact_bytes
from dialer.verbex.resolving import Astray, Resolver, astray

CONNECT_TIMEOUT = 10.0
"""Seconds that waiting for a free connection, finding the host, TCP and TLS may take together."""

KEEP_ALIVE = 2.0
"""Seconds that an idle connection is kept: well under any server's own, since each race of the two loses an answer."""

CAUSE_LIMIT = 200

_NAP = 1.0
"""Seconds of sleep that change nothing."""

_PLAIN_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ServerDisconnectedError, "the connection closed before the answer came"),
    (aiohttp.ConnectionTimeoutError, "no connection in time"),
    (TimeoutError, "no answer in time"),
    (aiohttp.ClientConnectorDNSError, "the host was not found"),
    (aiohttp.ClientConnectorCertificateError, "the host's certificate is not to be trusted"),
    (aiohttp.ClientConnectorSSLError, "no encrypted connection could be made"),
    (aiohttp.ClientConnectorError, "the host could not be reached"),
    (aiohttp.ClientOSError, "the connection broke off"),
    (aiohttp.ClientResponseError, "the answer was not HTTP as it should be"),
)
"""What a failure of the wire means to a person; the first kind that fits."""


@dataclass(frozen=True, slots=True)
class Received:
    """An answer whose head was read; `fault` says, after "its body", why that is not whole, or is empty."""

    status: int
    body: bytes
    fault: str = ""
    retry_after: str = ""
    location: str = ""
    date: str = ""


class Wire:
    """The way to one platform under one key; raises PlatformRefused if no header can carry the key.

    No redirects, no retries, no cookies, no proxies or certificates from the environment, and no host that leads
    into a private network. Nothing is connected before the first request.
    """

    def __init__(self, base_url: str, key: Secret, connections: int, agent: str) -> None:
        self._base = httpx.URL(base_url)
        self._key = key
        headers = {
            "Authorization": f"Bearer {_sendable(key)}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Connection": "keep-alive",
            "User-Agent": agent,
        }
        self._transport = open_transport(connections, headers, plain=self._base.scheme != "https")
        self._is_closed = False
        # aiohttp asks no resolver for a host that is a number.
        self._fault = astray(self._base.host, plain=self._base.scheme != "https")

    def url(self, path: str) -> httpx.URL:
        """The address of a path, which is quoted already, below that of the platform."""
        return self._base.copy_with(raw_path=self._base.raw_path.rstrip(b"/") + path.encode("ascii"))

    async def exchange(
        self,
        method: str,
        url: httpx.URL,
        answer: float,
        limit: int,
        *,
        content: bytes = b"",
        query: Mapping[str, str] | None = None,
    ) -> Received | NoReply:
        """Send one request and read its answer, at most `limit` bytes of body; nothing but cancellation is raised.

        `content` is JSON. `answer` is in seconds: as long may the answer be silent once connected; its head may take
        as long and the time for connecting, and its body what is left of that, or as long again.
        """
        if self._fault:
            return NoReply(unsent=True, cause=f"platform.url is {self._fault}")
        request = self._request(method, url if query is None else url.copy_merge_params(query), content, answer)
        response: httpx.Response | None = None
        told: Mapping[bytes, str] = {}
        body = bytearray()
        fault: str | None = None
        try:
            # The transport has no timeout for writing, and its timeout for reading starts anew with each byte.
            async with asyncio.timeout(min(CONNECT_TIMEOUT, answer) + answer) as patience:
                response = await self._sent(request)
                _prolong(patience, answer)
                told = _headers(response)
                fault = await _read(response, told, body, limit)
        except Exception as exc:  # whatever it is, the answer is lost; who dials must hear of it as a value
            if response is None:
                return NoReply(unsent=unsent(exc), cause=cause(exc, self._key))
            # The status is known and counts, whatever became of the body.
            fault = f"broke off ({type(_origin(exc)).__name__})"
        finally:
            if response is not None and fault != "":  # one that was read to its end has given its connection back
                await _close(response)
        return Received(
            response.status_code,
            b"" if fault else redact_bytes(bytes(body), self._key),
            fault,
            told.get(b"retry-after", ""),
            told.get(b"location", ""),
            told.get(b"date", ""),
        )

    def _request(self, method: str, url: httpx.URL, content: bytes, answer: float) -> httpx.Request:
        request = httpx.Request(
            method,
            url,
            headers=_JSON if content else None,
            stream=httpx.ByteStream(content),  # not as `content`: httpx would look through the headers twice more
            extensions={"timeout": _timeouts(answer)},
        )
        request.read()
        return request

    async def _sent(self, request: httpx.Request) -> httpx.Response:
        if self._is_closed:  # the transport would open itself again
            raise RuntimeError("the client was closed before")
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections; nothing is sent any more."""
        self._is_closed = True
        await self._transport.aclose()


_JSON = httpx.Headers({"Content-Type": "application/json"})


def open_transport(connections: int, headers: Mapping[str, str], *, plain: bool) -> AiohttpTransport:
    """httpx's transport with at most that many connections; `headers` go with each request, and are aiohttp's: httpx
    would copy and decode them for each. `plain` is for requests without TLS."""
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEP_ALIVE
    )
    transport = AiohttpTransport(verify=_tls(), trust_env=False, retries=0, limits=limits)
    transport.client = lambda: _aiohttp_client(transport, headers, plain=plain)
    return transport


@cache
def _tls() -> ssl.SSLContext:
    """Certificates and host names are verified; one for all clients, since loading the authorities takes a while."""
    return httpx.create_ssl_context(verify=True, trust_env=False)


def _aiohttp_client(transport: AiohttpTransport, headers: Mapping[str, str], *, plain: bool) -> aiohttp.ClientSession:
    # Left to itself the transport makes one that keeps cookies.
    connector = _Connector(
        limit=transport.limits.max_connections or 0,
        keepalive_timeout=transport.limits.keepalive_expiry,
        ssl=transport.ssl_context,
        resolver=Resolver(plain=plain),
    )
    jar = aiohttp.DummyCookieJar()
    return aiohttp.ClientSession(connector=connector, headers=headers, cookie_jar=jar, trust_env=False)


class _Connector(aiohttp.TCPConnector):
    """Gives no connection while whose making the machine slept: hours later, what was decided before does not hold any
    more, and no timer has noticed. Nothing was sent on it."""

    async def connect(self, req: aiohttp.ClientRequest, *given: Any, **named: Any) -> Any:
        before = asleep()
        connection = await super().connect(req, *given, **named)
        if asleep() - before > _NAP:
            connection.close()
            raise aiohttp.ClientConnectorError(req.connection_key, OSError(errno.ETIME, "the machine slept meanwhile"))
        return connection


def _sendable(key: Secret) -> str:
    text = key.reveal()
    if not text or not all("!" <= letter <= "~" for letter in text):
        raise PlatformRefused(
            "The API key is empty or holds a blank, a line break or a letter that no HTTP header can carry: "
            "copy it again into the place that platform.api_key names."
        )
    return text


@cache
def _timeouts(answer: float) -> Mapping[str, float | None]:
    """Timeouts of one request whose answer may take that many seconds once it is connected."""
    connect = min(CONNECT_TIMEOUT, answer)
    return httpx.Timeout(connect=connect, pool=connect, read=answer, write=answer).as_dict()


def _prolong(patience: asyncio.Timeout, seconds: float) -> None:
    """So much time is left from now on at least; mostly there is more, and one timer serves for head and body."""
    until = asyncio.get_running_loop().time() + seconds
    if (ends := patience.when()) is not None and ends < until:
        patience.reschedule(until)


async def _read(response: httpx.Response, told: Mapping[bytes, str], body: bytearray, limit: int) -> str:
    """Read the body into `body`, unpacked; gives a word on why not, or ''."""
    # What is not packed is taken from below httpx, which would hand it on three times.
    is_packed = b"content-encoding" in told
    pieces = response.aiter_bytes() if is_packed else cast(httpx.AsyncByteStream, response.stream)
    async for piece in pieces:
        body += piece
        if len(body) > limit:
            return f"is larger than {limit >> 20} MiB"
    return ""


async def _close(response: httpx.Response) -> None:
    # The answer was given up: a connection that cannot be closed in good order changes nothing.
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await response.aclose()


_HEARD = frozenset({b"retry-after", b"location", b"date", b"content-encoding"})


def _headers(response: httpx.Response) -> dict[bytes, str]:
    """The headers that count, by their names in small letters, those that stand several times joined."""
    told: dict[bytes, str] = {}
    for name, value in response.headers.raw:
        if (small := name.lower()) in _HEARD:
            text = value.decode("latin-1")
            told[small] = f"{told[small]}, {text}" if small in told else text
    return told


def unsent(exc: BaseException) -> bool:
    """Is it proven that no byte of the request left?

    Only where aiohttp never had a connection for it: the host was not found, led astray, refused, failed TLS, or
    the wait for a connection ran out. Every other failure, whatever its class, may have come after the request.
    """
    return isinstance(exc.__cause__, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def cause(exc: BaseException, key: Secret) -> str:
    """A failure in a few words: what happened, then its class and text for whoever searches, without key and full
    numbers.
    """
    origin = _origin(exc)
    if isinstance(origin, aiohttp.ClientConnectorError) and isinstance(origin.os_error, Astray):
        return str(origin.os_error.strerror)
    words = mask_numbers(excerpt(str(origin), key, CAUSE_LIMIT))
    name = type(origin).__name__
    if plain := next((plain for kind, plain in _PLAIN_WORDS if isinstance(origin, kind)), None):
        is_told = isinstance(origin, aiohttp.ServerDisconnectedError | TimeoutError) or not words
        return f"{plain} ({name})" if is_told else f"{plain} ({name}: {words})"
    return f"{name}: {words}" if words else name


def _origin(exc: BaseException) -> BaseException:
    # What httpx-aiohttp raises is misnamed; what it raised it from is not.
    return exc.__cause__ if isinstance(exc, httpx.TransportError) and exc.__cause__ else exc
