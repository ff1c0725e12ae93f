"""The three boxes, row by row: what a dial's answer proves, through the shipped transport on real sockets.

placed: 2xx with our number. Not placed, proven: never connected, a few statuses, a refusal for capacity. Unknown:
everything else. A row in the wrong box is a person rung twice, or one who is never rung.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager as AsyncContext
from dataclasses import dataclass
from pathlib import Path

import pytest

from dialer.errors import ExitCode
from dialer.model import Answer, Box, Lost, NoReply, NotPlaced, Placed, Refusal
from dialer.policy import outcome
from tests.certificates import SELF_SIGNED
from tests.raw_platform import Caller, Script, answering, call_body, close, http, raw_platform, reset, then
from tests.test_verbex_transport import READABLE, SPOILED
from tests.test_verbex_unsent import AFTER_CONNECTING, keeps_silent
from tests.verbex_cases import KEY, PLACED, REQUEST, client, dial


@dataclass(frozen=True)
class Row:
    """What a box says: `stop` is the exit code and the word with which the run ends."""

    box: type[Placed] | type[NotPlaced] | type[Lost]
    refusal: Refusal | None = None
    reusable: bool = False
    stop: tuple[ExitCode, str] | None = None
    id_taken: bool = False


UNKNOWN = Row(Lost)
PLACED_ROW = Row(Placed)
UNSENT = Row(NotPlaced, Refusal.UNSENT, reusable=True)
FULL = Row(NotPlaced, Refusal.ACCOUNT_FULL, reusable=True)
REDIRECT = Row(Lost, stop=(ExitCode.LOOK_FIRST, "redirect"))


def row_of(box: Box) -> Row:
    """A box as a row of the table."""
    if isinstance(box, Placed):
        return PLACED_ROW
    stop = None if box.stop is None else (box.stop.code, box.stop.reason)
    if isinstance(box, NotPlaced):
        return Row(NotPlaced, box.refusal, box.reusable, stop)
    return Row(Lost, stop=stop, id_taken=box.id_taken)


def sorted_row(answer: Answer) -> Row:
    return row_of(outcome.sort_dial(answer, REQUEST))


async def row_after(script: Script, seconds: float = 5.0) -> Row:
    """The row of one dial to a server that follows the script; one POST leaves at most, whatever becomes of it."""
    async with raw_platform(script) as platform:
        row = sorted_row(await dial(platform.url, seconds))
    assert platform.connections == 1
    assert len(platform.sent) <= 1
    return row


def answer(status: int, body: object = None, *headers: str) -> Script:
    """A server that gives this answer; anything but bytes goes as JSON."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return answering(http(f"{status} Whatever", content, *headers))


# --- never connected: not placed, and the same id is sent later -----------------------------------


@contextlib.asynccontextmanager
async def no_such_name(_: Path) -> AsyncIterator[str]:
    yield "http://no-such-host.invalid"


@contextlib.asynccontextmanager
async def nobody_listens(_: Path) -> AsyncIterator[str]:
    with contextlib.closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{nobody.getsockname()[1]}"


@contextlib.asynccontextmanager
async def full_queue(_: Path) -> AsyncIterator[str]:
    """A host that does not take the connection: its queue is full."""
    with contextlib.ExitStack() as stack:
        full, *waiting = [stack.enter_context(contextlib.closing(socket.socket())) for _ in range(3)]
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


def over_tls(script: Script) -> Callable[[Path], AsyncContext[str]]:
    """A port that speaks no TLS, asked for it."""

    @contextlib.asynccontextmanager
    async def serving(_: Path) -> AsyncIterator[str]:
        async with raw_platform(script) as platform:
            yield platform.url.replace("http:", "https:")
        assert not platform.sent

    return serving


def with_certificate(lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> Callable[[Path], AsyncContext[str]]:
    """A port whose certificate nobody vouches for; it sees no key."""

    @contextlib.asynccontextmanager
    async def serving(folder: Path) -> AsyncIterator[str]:
        pem = folder / "self-signed.pem"
        pem.write_text(SELF_SIGNED)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.minimum_version, tls.maximum_version = lowest, highest
        tls.load_cert_chain(pem)
        async with raw_platform(answering(PLACED), tls) as platform:
            yield platform.url
        assert not platform.sent

    return serving


async def answers_in_plain(caller: Caller) -> None:
    await caller.reader.read(16)
    await caller.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


async def hangs_up(caller: Caller) -> None:
    await caller.reader.read(16)


async def breaks_off(caller: Caller) -> None:
    await caller.reader.read(16)
    caller.reset()


async def says_nothing(caller: Caller) -> None:
    await caller.gone()


NEVER_CONNECTED: dict[str, Callable[[Path], AsyncContext[str]]] = {
    "name not resolved": no_such_name,
    "connection refused": nobody_listens,
    "connect timeout": full_queue,
    "TLS asked of plain HTTP": over_tls(answers_in_plain),
    "closed in the handshake": over_tls(hangs_up),
    "reset in the handshake": over_tls(breaks_off),
    "silence in the handshake": over_tls(says_nothing),
    "bad certificate by TLS 1.3": with_certificate(ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3),
    "bad certificate by TLS 1.2": with_certificate(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2),
}


@pytest.mark.parametrize("place", NEVER_CONNECTED.values(), ids=NEVER_CONNECTED)
async def test_never_connected(place: Callable[[Path], AsyncContext[str]], tmp_path: Path) -> None:
    async with place(tmp_path) as url:
        reply = await dial(url, seconds=0.3)
    assert isinstance(reply, NoReply), reply
    assert reply.cause
    assert KEY.reveal() not in reply.cause
    assert REQUEST.to_number not in reply.cause
    assert sorted_row(reply) == UNSENT


# --- statuses that prove that nobody was rung -----------------------------------------------------

NO_SUCH_PATH = Row(NotPlaced, Refusal.NO_SUCH_PATH, stop=(ExitCode.FILE, "no_such_path"))
KEY_REFUSED = Row(NotPlaced, Refusal.KEY, stop=(ExitCode.REFUSED, "key_refused"))
REJECTED = Row(NotPlaced, Refusal.REJECTED)

NOT_PLACED: dict[int, Row] = {
    400: REJECTED,
    401: KEY_REFUSED,
    402: Row(NotPlaced, Refusal.PAYMENT, stop=(ExitCode.REFUSED, "invalid_payment")),
    403: KEY_REFUSED,
    404: NO_SUCH_PATH,
    405: NO_SUCH_PATH,
    413: REJECTED,
    415: NO_SUCH_PATH,
    422: REJECTED,
    429: Row(NotPlaced, Refusal.TOO_MANY, reusable=True),
}
BODIES: dict[str, object] = {
    "in the contract's words": {"error": "refused", "message": "Not so."},
    "with complaints": {"detail": [{"loc": ["body", "to_number"], "msg": "bad", "type": "value_error"}]},
    "as a page": b"<html><h1>No</h1></html>",
    "without a word": None,
    "with a call in it": json.loads(call_body()),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(("status", "row"), NOT_PLACED.items())
async def test_a_status_that_proves_that_nobody_was_rung(status: int, row: Row, body: object) -> None:
    assert await row_after(answer(status, body)) == row


@pytest.mark.parametrize(("status", "row"), NOT_PLACED.items())
async def test_it_proves_it_even_where_its_body_broke_off(status: int, row: Row) -> None:
    assert await row_after(then(close, http(f"{status} Whatever", b"{", length=100))) == row


CAPACITY: dict[str, object] = {
    "as a word": {"error": "concurrent_call_limit_reached", "message": "All concurrent calls are in use."},
    "as a sentence": {"message": "The maximum of 20 concurrent calls is reached."},
    "as a complaint": {"detail": [{"loc": ["body"], "msg": "Concurrent call limit exceeded", "type": "limit"}]},
    "as a page": b"<h1>Concurrency limit reached</h1>",
}


@pytest.mark.parametrize("body", CAPACITY.values(), ids=CAPACITY)
@pytest.mark.parametrize("status", NOT_PLACED)
async def test_a_refusal_for_capacity_is_one_whatever_its_status(status: int, body: object) -> None:
    assert await row_after(answer(status, body, "Retry-After: 1")) == FULL


# --- statuses that prove nothing ------------------------------------------------------------------

OTHER_4XX = [406, 407, 408, 409, 410, 411, 412, 414, 416, 417, 418, 421, 423, 424, 425, 426, 428, 431, 451, 499]
ALL_5XX = [*range(500, 512), 520, 521, 522, 524, 525, 529, 530, 599]
WORDS: dict[str, object] = {"without a word": None, "in words of a full account": CAPACITY["as a word"]}


@pytest.mark.parametrize("body", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize("status", [*OTHER_4XX, *ALL_5XX])
async def test_a_status_that_proves_nothing(status: int, body: object) -> None:
    """Of a 409 the id is known there, so it is not sent again, whatever is found."""
    assert await row_after(answer(status, body)) == Row(Lost, id_taken=status == 409)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
async def test_a_redirect_stops_the_run_and_is_not_followed(status: int) -> None:
    async with raw_platform(answering(PLACED)) as elsewhere:
        assert await row_after(answer(status, None, f"Location: {elsewhere.url}/")) == REDIRECT
    assert elsewhere.connections == 0


async def test_a_switch_of_protocols_proves_nothing() -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    assert await row_after(then(close, switch)) == UNKNOWN


# --- 2xx -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 203, 206, 226, 299])
async def test_a_success_with_our_number_is_placed(status: int) -> None:
    assert await row_after(answer(status, call_body())) == PLACED_ROW


@pytest.mark.parametrize("whole", READABLE.values(), ids=READABLE)
async def test_a_success_is_placed_however_its_body_travels(whole: bytes) -> None:
    assert await row_after(then(close, whole)) == PLACED_ROW


OURS: dict[str, dict[str, object]] = {
    "our id echoed": {"call_id": REQUEST.call_id},
    "our id in the metadata": {"metadata": {"dialer_call_id": REQUEST.call_id}},
    "the platform's id for ours": {"call_id": "66f1c0ffee"},
    "our number in another spelling": {"to_number": "1 (415) 555-0123"},
    "over before it began": {"call_status": "error", "call_finish_reason": "concurrent_call_limit_reached"},
}


@pytest.mark.parametrize("fields", OURS.values(), ids=OURS)
async def test_an_answer_that_is_ours_is_placed(fields: dict[str, object]) -> None:
    assert await row_after(answer(201, call_body(**fields))) == PLACED_ROW


ANOTHERS: dict[str, tuple[dict[str, object], str]] = {
    "another number": ({"to_number": "+14155550124"}, "other_number"),
    "another number with our id": ({"to_number": "+14155550124", "call_id": REQUEST.call_id}, "other_number"),
    "another call id": ({"call_id": "d" * 32}, "other_call"),
    "another id in the metadata": ({"metadata": {"dialer_call_id": "d" * 32}}, "other_call"),
}


@pytest.mark.parametrize(("fields", "reason"), ANOTHERS.values(), ids=ANOTHERS)
async def test_an_answer_that_is_another_s_stops_the_run(fields: dict[str, object], reason: str) -> None:
    row = await row_after(answer(201, call_body(**fields)))
    assert row == Row(Lost, stop=(ExitCode.LOOK_FIRST, reason))


@pytest.mark.parametrize("script", [script for script, _ in SPOILED.values()], ids=SPOILED)
async def test_a_success_that_cannot_be_read_is_unknown(script: Script) -> None:
    assert await row_after(script, seconds=0.3) == UNKNOWN


# --- connected, and then no answer ------------------------------------------------------------------

NO_ANSWER: dict[str, Script] = {**AFTER_CONNECTING, "read timeout": keeps_silent}


@pytest.mark.parametrize("script", NO_ANSWER.values(), ids=NO_ANSWER)
async def test_connected_and_no_answer_is_unknown(script: Script) -> None:
    assert await row_after(script, seconds=0.3) == UNKNOWN


@pytest.mark.parametrize("end", [close, reset])
@pytest.mark.parametrize("is_read", [False, True], ids=["unread", "read"])
async def test_a_kept_connection_that_dies_under_the_next_dial_is_unknown(
    end: Callable[[Caller], None], is_read: bool
) -> None:
    async def dies(caller: Caller) -> None:
        await caller.request()
        await caller.write(PLACED)
        await (caller.request() if is_read else caller.reader.read(1))
        end(caller)

    async with raw_platform(dies) as platform, client(platform.url) as verbex:
        rows = [sorted_row(await verbex.dial(REQUEST)) for _ in range(2)]
    assert rows == [PLACED_ROW, UNKNOWN]
    assert platform.connections == 1
