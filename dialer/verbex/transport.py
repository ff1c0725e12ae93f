"""The wire to the platform: HTTP/1.1 through httpx over aiohttp, each setting said aloud, its failures named truly.

What matters most here is one bit: did any byte of a request leave? The classes of the exceptions do not
tell it (the transport calls a connection that was reset after the whole request had been read a
`ConnectTimeout` as well), so `unsent` asks for the cause underneath.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from dialer.errors import PlatformRefused
from dialer.model import NoReply, Secret
from dialer.verbex.excerpt import excerpt, mask_numbers, redact_bytes
from dialer.verbex.resolving import Astray, Resolver, astray

CONNECT_TIMEOUT = 10.0
"""Seconds that waiting for a free connection, finding the host, TCP and TLS may take together."""

KEEP_ALIVE = 2.0
"""Seconds that an idle connection is kept: well under any server's own, since each race of the two loses an answer."""

CAUSE_LIMIT = 200

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


def open_client(base_url: str, key: Secret, connections: int, agent: str) -> httpx.AsyncClient:
    """An HTTP client for one platform and one key; raises PlatformRefused if no header can carry the key.

    No redirects, no retries, no cookies, no proxies or certificates from the environment, and no host that leads
    into a private network. Nothing is connected before the first request.
    """
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=KEEP_ALIVE
    )
    transport = AiohttpTransport(verify=_tls(), trust_env=False, retries=0, limits=limits)
    transport.client = lambda: _aiohttp_client(transport, plain=httpx.URL(base_url).scheme != "https")
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        headers={
            "Authorization": f"Bearer {_sendable(key)}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": agent,
        },
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        limits=limits,
        follow_redirects=False,
        trust_env=False,
    )


@cache
def _tls() -> ssl.SSLContext:
    """Certificates and host names are verified; one for all clients, since loading the authorities takes a while."""
    return httpx.create_ssl_context(verify=True, trust_env=False)


def _aiohttp_client(transport: AiohttpTransport, *, plain: bool) -> aiohttp.ClientSession:
    # Left to itself the transport makes one that keeps cookies.
    connector = aiohttp.TCPConnector(
        limit=transport.limits.max_connections or 0,
        keepalive_timeout=transport.limits.keepalive_expiry,
        ssl=transport.ssl_context,
        resolver=Resolver(plain=plain),
    )
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


def _sendable(key: Secret) -> str:
    text = key.reveal()
    if not text or not all("!" <= letter <= "~" for letter in text):
        raise PlatformRefused(
            "The API key is empty or holds a blank, a line break or a letter that no HTTP header can carry: "
            "copy it again into the place that platform.api_key names."
        )
    return text


def timeouts(answer: float) -> httpx.Timeout:
    """Timeouts of one request whose answer may take that many seconds once it is connected."""
    connect = min(CONNECT_TIMEOUT, answer)
    return httpx.Timeout(connect=connect, pool=connect, read=answer, write=answer)


async def exchange(http: httpx.AsyncClient, request: httpx.Request, answer: float, limit: int) -> Received | NoReply:
    """Send one request and read its answer, at most `limit` bytes of body; nothing but cancellation is raised.

    `answer` is in seconds: as long may the head of the answer take once connected, and as long again its body.
    """
    # aiohttp asks no resolver for a host that is a number.
    if fault := astray(request.url.host, plain=request.url.scheme != "https"):
        return NoReply(unsent=True, cause=f"platform.url is {fault}")
    try:
        # The transport has no timeout for writing, and its timeout for reading starts anew with each byte.
        async with asyncio.timeout(min(CONNECT_TIMEOUT, answer) + answer):
            response = await http.send(request, stream=True)
    except Exception as exc:  # whatever it is, the answer is lost; who dials must hear of it as a value
        return NoReply(unsent=unsent(exc), cause=cause(exc, request))
    body, fault = await _body(response, answer, limit)
    headers = response.headers
    return Received(
        response.status_code,
        redact_bytes(body, _key_of(request)),
        fault,
        headers.get("Retry-After", ""),
        headers.get("Location", ""),
        headers.get("Date", ""),
    )


async def _body(response: httpx.Response, seconds: float, limit: int) -> tuple[bytes, str]:
    """The body, unpacked, or nothing and a word on why not."""
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > limit:
                    return b"", f"is larger than {limit >> 20} MiB"
    except Exception as exc:  # the status is known and counts, whatever became of the body
        return b"", f"broke off ({type(_origin(exc)).__name__})"
    finally:
        await _close(response)
    return bytes(body), ""


async def _close(response: httpx.Response) -> None:
    # The answer has been read or given up: a connection that cannot be closed in good order changes nothing.
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CONNECT_TIMEOUT):
            await response.aclose()


def unsent(exc: BaseException) -> bool:
    """Is it proven that no byte of the request left?

    Only where aiohttp never had a connection for it: the host was not found, led astray, refused, failed TLS, or
    the wait for a connection ran out. Every other failure, whatever its class, may have come after the request.
    """
    return isinstance(exc.__cause__, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def cause(exc: BaseException, request: httpx.Request) -> str:
    """A failure in a few words: what happened, then its class and text for whoever searches, without key and full
    numbers.
    """
    origin = _origin(exc)
    if isinstance(origin, aiohttp.ClientConnectorError) and isinstance(origin.os_error, Astray):
        return str(origin.os_error.strerror)
    words = mask_numbers(excerpt(str(origin), _key_of(request), CAUSE_LIMIT))
    name = type(origin).__name__
    if plain := next((plain for kind, plain in _PLAIN_WORDS if isinstance(origin, kind)), None):
        is_told = isinstance(origin, aiohttp.ServerDisconnectedError | TimeoutError) or not words
        return f"{plain} ({name})" if is_told else f"{plain} ({name}: {words})"
    return f"{name}: {words}" if words else name


def _key_of(request: httpx.Request) -> Secret:
    return Secret(request.headers.get("Authorization", "").removeprefix("Bearer "))


def _origin(exc: BaseException) -> BaseException:
    # What httpx-aiohttp raises is misnamed; what it raised it from is not.
    return exc.__cause__ if isinstance(exc, httpx.TransportError) and exc.__cause__ else exc
