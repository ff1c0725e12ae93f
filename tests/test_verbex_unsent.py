"""Every way in which a dial can fail without an answer, on real sockets through the shipped transport.

The one thing that counts is `unsent`: where it is wrongly true, somebody is rung twice. Into which box each falls,
`test_three_boxes` shows, with the ways of never getting a connection.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import aiohttp
import httpx
import pytest

from dialer.model import Answer, NoReply, Reply
from dialer.verbex import Client, transport
from dialer.verbex.transport import cause, unsent
from tests.raw_platform import Caller, Script, answering, close, http, raw_platform, reset, then
from tests.verbex_cases import KEY, NOW, PLACED, REQUEST, client, dial


def assert_lost(answer: Answer, *, unsent: bool) -> None:
    assert isinstance(answer, NoReply), answer
    assert answer.unsent is unsent, answer
    assert answer.cause
    assert KEY.reveal() not in answer.cause
    assert REQUEST.to_number not in answer.cause


# --- never connected: proven unsent --------------------------------------------------------------


async def keeps_silent(caller: Caller) -> None:
    await caller.request()
    await caller.gone()


async def test_a_request_for_which_no_connection_gets_free_is_unsent() -> None:
    async with (
        raw_platform(keeps_silent) as platform,
        Client(platform.url, KEY, connections=1, read_timeout=0.1, now=lambda: NOW) as verbex,
    ):
        busy = asyncio.create_task(verbex.dial(REQUEST))
        await platform.arrived.wait()
        assert_lost(await verbex.get("any"), unsent=True)
        busy.cancel()
        await asyncio.wait([busy])
    assert busy.cancelled()
    assert [sent.method for sent in platform.sent] == ["POST"]


async def test_what_would_leave_after_the_machine_slept_is_unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    """It falls asleep while it connects and wakes hours later, by a clock of which no timer knows."""
    slept = iter([0.0, 7200.0])
    monkeypatch.setattr(transport, "asleep", lambda: next(slept, 7200.0))
    async with raw_platform(keeps_silent) as platform:
        answer = await dial(platform.url)
        assert_lost(answer, unsent=True)
        assert isinstance(answer, NoReply) and "the machine slept meanwhile" in answer.cause
        assert_lost(await dial(platform.url, 0.2), unsent=False)  # whoever slept before may send
    assert len(platform.sent) == 1


# --- connected, then anything: unknown -----------------------------------------------------------


async def ends_unread(caller: Caller) -> None:
    caller.writer.close()


async def resets_unread(caller: Caller) -> None:
    await caller.reader.read(1)
    caller.reset()


async def echoes(caller: Caller) -> None:
    sent = await caller.request()
    await caller.write("\r\n".join(f"{name}: {value}" for name, value in sent.headers).encode() + sent.body)


AFTER_CONNECTING: dict[str, Script] = {
    "closed before the request was read": ends_unread,
    "reset before the request was read": resets_unread,
    "closed after the whole request was read": then(close),
    "reset after the whole request was read": then(reset),
    "status line cut off": then(close, b"HTTP/1.1 20"),
    "status line reset": then(reset, b"HTTP/1.1 20"),
    "headers cut off": then(close, b"HTTP/1.1 201 Created\r\nContent-Type: appl"),
    "no HTTP at all": then(close, b"220 mail.example.com ESMTP\r\n\r\n"),
    "our own request as the answer": echoes,
    "a header without end": then(close, b"HTTP/1.1 201 Created\r\nX: " + b"x" * 65536 + b"\r\n\r\n"),
    "a status that is no number": then(close, b"HTTP/1.1 abc Created\r\n\r\n"),
    "two different lengths": then(close, b"HTTP/1.1 201 Created\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
    "a length that is no number": then(close, b"HTTP/1.1 201 Created\r\nContent-Length: one\r\n\r\n{}"),
    "bad chunks": then(close, b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "an empty line alone": then(close, b"\r\n"),
}


@pytest.mark.parametrize("script", AFTER_CONNECTING.values(), ids=AFTER_CONNECTING)
async def test_what_fails_after_connecting_is_unknown_and_not_tried_again(script: Script) -> None:
    async with raw_platform(script) as platform:
        assert_lost(await dial(platform.url), unsent=False)
    assert platform.connections == 1
    assert len(platform.sent) <= 1


def drips(beginning: bytes, drop: bytes) -> Script:
    """An answer that never ends, in pieces that come soon enough for each of them."""

    async def script(caller: Caller) -> None:
        await caller.request()
        await caller.write(beginning)
        while not caller.reader.at_eof():
            await caller.write(drop)
            with suppress(TimeoutError):
                async with asyncio.timeout(0.03):
                    await caller.reader.read()

    return script


async def test_an_answer_that_comes_in_drops_ends_at_the_limit() -> None:
    async with raw_platform(drips(b"HTTP/1.1 201 Created\r\n", b"X-Drop: 1\r\n")) as platform:
        answer = await dial(platform.url, seconds=0.1)
    assert answer == NoReply(unsent=False, cause="no answer in time (TimeoutError)")


async def test_a_body_that_comes_in_drops_ends_at_the_limit_and_is_not_believed() -> None:
    async with raw_platform(drips(b"HTTP/1.1 201 Created\r\nContent-Length: 100000\r\n\r\n{", b" ")) as platform:
        answer = await dial(platform.url, seconds=0.1)
    assert answer == Reply(201, message="The platform answered 201, but its body broke off (TimeoutError).")


async def test_a_client_that_was_closed_says_so_without_raising() -> None:
    async with raw_platform(answering(PLACED)) as platform:
        async with client(platform.url) as verbex:
            pass
        assert_lost(await verbex.dial(REQUEST), unsent=False)
    assert not platform.sent


async def test_cancellation_passes_through() -> None:
    async with raw_platform(keeps_silent) as platform, client(platform.url) as verbex:
        dialling = asyncio.create_task(verbex.dial(REQUEST))
        await platform.arrived.wait()
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling


async def test_cancellation_in_the_middle_of_a_body_passes_through() -> None:
    async def stalls(caller: Caller) -> None:
        await caller.request()
        await caller.write(http("201 Created", b"{", length=100))
        await caller.gone()

    async with raw_platform(stalls) as platform, client(platform.url) as verbex:
        dialling = asyncio.create_task(verbex.dial(REQUEST))
        await platform.arrived.wait()
        await asyncio.wait([dialling], timeout=0.05)
        dialling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dialling


# --- what is told of it ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [httpx.ReadError, httpx.ConnectTimeout])
def test_a_cause_is_one_short_line_without_key_and_number(kind: type[httpx.HTTPError]) -> None:
    error = raised_from(aiohttp.ClientError(f"bad line:\r\n {KEY.reveal()} {REQUEST.to_number}" + " x" * 500), kind)
    words = cause(error, KEY)
    assert words.startswith("ClientError: bad line: *** ***23 x x")
    assert len(words) <= 220


# --- the decision by itself ----------------------------------------------------------------------


def raised_from(origin: BaseException, kind: type[httpx.HTTPError] = httpx.ConnectTimeout) -> httpx.HTTPError:
    error = kind("words")
    error.__cause__ = origin
    return error


KEY_OF_NOWHERE = aiohttp.client_reqrep.ConnectionKey("host", 443, True, True, None, None, None)
REFUSED = aiohttp.ClientConnectorError(KEY_OF_NOWHERE, OSError(111, "refused"))


@pytest.mark.parametrize(
    ("error", "proven"),
    [
        (raised_from(REFUSED, httpx.ConnectError), True),
        (raised_from(aiohttp.ClientConnectorDNSError(KEY_OF_NOWHERE, OSError(-2, "unknown"))), True),
        (raised_from(aiohttp.ClientConnectorSSLError(KEY_OF_NOWHERE, OSError(1, "handshake"))), True),
        (raised_from(aiohttp.ConnectionTimeoutError()), True),
        (raised_from(aiohttp.SocketTimeoutError()), False),
        (raised_from(aiohttp.ServerTimeoutError()), False),
        (raised_from(aiohttp.ServerDisconnectedError()), False),
        (raised_from(aiohttp.ClientOSError(104, "reset")), False),
        (raised_from(aiohttp.ClientPayloadError()), False),
        (httpx.ConnectError("no cause"), False),
        (httpx.ConnectTimeout("no cause"), False),
        (httpx.PoolTimeout("no cause"), False),
        (REFUSED, False),
        (TimeoutError(), False),
        (ConnectionRefusedError(), False),
        (ValueError(), False),
    ],
)
def test_only_a_connector_that_never_had_a_connection_proves_that_nothing_left(
    error: BaseException, proven: bool
) -> None:
    assert unsent(error) is proven


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            raised_from(aiohttp.ServerDisconnectedError()),
            "the connection closed before the answer came (ServerDisconnectedError)",
        ),
        (TimeoutError(), "no answer in time (TimeoutError)"),
        (raised_from(aiohttp.SocketTimeoutError("read")), "no answer in time (SocketTimeoutError)"),
        (raised_from(aiohttp.ConnectionTimeoutError("all 5")), "no connection in time (ConnectionTimeoutError)"),
        (
            raised_from(aiohttp.ClientOSError(104, "reset by peer")),
            "the connection broke off (ClientOSError: [Errno 104] reset by peer)",
        ),
        (raised_from(REFUSED), "the host could not be reached (ClientConnectorError: Cannot connect to host host:443 "),
        (
            raised_from(aiohttp.ClientConnectorDNSError(KEY_OF_NOWHERE, OSError(-2, "unknown"))),
            "the host was not found (ClientConnectorDNSError: ",
        ),
        (
            raised_from(aiohttp.ClientConnectorSSLError(KEY_OF_NOWHERE, OSError(1, "handshake"))),
            "no encrypted connection could be made (ClientConnectorSSLError: ",
        ),
        (ValueError("canary"), "ValueError: canary"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_a_failure_is_told_in_words_that_a_person_understands(error: BaseException, words: str) -> None:
    told = cause(error, KEY)
    assert told == words or (words.endswith(" ") and told.startswith(words))
