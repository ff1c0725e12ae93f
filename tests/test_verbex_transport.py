"""Answers as they travel: whole, packed, in chunks, spoiled; and what the client keeps between requests."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from dialer.model import Reply
from tests.raw_platform import Caller, Script, answering, call_body, close, http, raw_platform, reset, then
from tests.verbex_cases import PLACED, REQUEST, client, dial

MIB = 1 << 20

# --- an answer whose status is known -------------------------------------------------------------


async def stalls_in_the_body(caller: Caller) -> None:
    await caller.request()
    await caller.write(http("201 Created", PLACED[-20:], length=500))
    await caller.gone()


HEAD = b"HTTP/1.1 201 Created\r\n"
SPOILED: dict[str, tuple[Script, str]] = {
    "cut off": (then(close, http("201 Created", call_body(), length=500)), "broke off"),
    "reset": (then(reset, http("201 Created", call_body(), length=50_000)), "broke off"),
    "stalled": (stalls_in_the_body, "broke off"),
    "chunks cut off": (then(close, HEAD + b"Transfer-Encoding: chunked\r\n\r\n40\r\n{"), "broke off"),
    "bad gzip": (answering(http("201 Created", b"no gzip", "Content-Encoding: gzip")), "broke off"),
    "empty": (answering(http("201 Created")), "is empty"),
    "no content": (then(close, b"HTTP/1.1 204 No Content\r\n\r\n"), "is empty"),
    "broken JSON": (answering(http("201 Created", call_body()[:-9])), "is not JSON"),
    "HTML": (answering(http("200 OK", b"<h1>Log in to the hotel's network</h1>")), "is not JSON"),
    "a list": (answering(http("201 Created", b"[]")), "is not an object"),
    "no number": (
        answering(http("201 Created", b'{"call_status": "registered"}')),
        "from_number, to_number, direction",
    ),
    "too large": (answering(http("201 Created", b" " * (4 * MIB + 1))), "larger than 4 MiB"),
    "too large unpacked": (
        answering(http("201 Created", gzip.compress(b" " * (5 * MIB), mtime=0), "Content-Encoding: gzip")),
        "larger than 4 MiB",
    ),
}


@pytest.mark.parametrize(("script", "why"), SPOILED.values(), ids=SPOILED)
async def test_a_success_that_cannot_be_read_is_a_reply_without_a_call(script: Script, why: str) -> None:
    async with raw_platform(script) as platform:
        answer = await dial(platform.url, seconds=0.3)
    assert isinstance(answer, Reply), answer
    assert 200 <= answer.status < 300
    assert answer.record is None
    assert why in answer.message
    assert answer.message.startswith(f"The platform answered {answer.status}, but its body ")


def chunked(body: bytes) -> bytes:
    halves = (body[:40], body[40:], b"")
    return b"".join(b"%x\r\n%s\r\n" % (len(half), half) for half in halves)


READABLE: dict[str, bytes] = {
    "plain": PLACED,
    "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(call_body()),
    "gzip": http("201 Created", gzip.compress(call_body(), mtime=0), "Content-Encoding: gzip"),
    "gzip in chunks": HEAD
    + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    + chunked(gzip.compress(call_body(), mtime=0)),
    "until the end": HEAD + b"Connection: close\r\n\r\n" + call_body(),
    "HTTP/1.0": b"HTTP/1.0 201 Created\r\n\r\n" + call_body(),
    "a hint first": b"HTTP/1.1 100 Continue\r\n\r\n" + PLACED,
    "a byte order mark": http("201 Created", b"\xef\xbb\xbf" + call_body()),
}


@pytest.mark.parametrize("answer", READABLE.values(), ids=READABLE)
async def test_a_call_is_read_however_its_body_travels(answer: bytes) -> None:
    async with raw_platform(then(close, answer)) as platform:
        reply = await dial(platform.url)
    assert isinstance(reply, Reply)
    assert reply.status == 201
    assert reply.record is not None
    assert reply.record.to_number == REQUEST.to_number


async def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else() -> None:
    async with raw_platform(answering(PLACED)) as elsewhere:
        location = f"Location: {elsewhere.url}/login?token=abc"
        for status in ("301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"):
            async with raw_platform(answering(http(status, b"", location))) as platform:
                answer = await dial(platform.url)
            assert answer == Reply(int(status[:3]), message=f"redirects to {elsewhere.url}/login")
    assert elsewhere.connections == 0


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 502, 503, 504, 599])
async def test_a_status_counts_even_where_its_body_broke_off(status: int) -> None:
    async with raw_platform(then(close, http(f"{status} Whatever", b"{", length=100))) as platform:
        answer = await dial(platform.url)
    assert isinstance(answer, Reply)
    assert answer.status == status
    assert answer.message.startswith("its body broke off")


async def test_an_error_page_is_told_in_plain_words() -> None:
    page = b"<html><head><style>p {}</style></head><body><h1>503</h1>\n<p>Try&nbsp;later\x1b[31m</p></body></html>"
    async with raw_platform(answering(http("503 Unavailable", page, "Retry-After: 7"))) as platform:
        assert await dial(platform.url) == Reply(503, message="503 Try later", retry_after=7.0)


# --- what is kept between requests, and what is not ----------------------------------------------


async def test_a_cookie_is_not_sent_back() -> None:
    async with (
        raw_platform(answering(http("201 Created", call_body(), "Set-Cookie: who=you; Path=/"))) as platform,
        client(platform.url) as verbex,
    ):
        await verbex.dial(REQUEST)
        await verbex.dial(REQUEST)
    assert platform.connections == 1
    assert [sent.header("Cookie") for sent in platform.sent] == [[], []]


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_platform(answering(PLACED)) as proxy, raw_platform(answering(PLACED)) as platform:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert isinstance(await dial(platform.url), Reply)
    assert (proxy.connections, platform.connections) == (0, 1)


async def test_no_more_connections_than_told_are_opened() -> None:
    async with raw_platform(answering(PLACED)) as platform, client(platform.url, connections=3) as verbex:
        answers = await asyncio.gather(*(verbex.dial(REQUEST) for _ in range(30)))
    assert all(isinstance(answer, Reply) for answer in answers)
    assert platform.connections == 3
    assert len(platform.sent) == 30
