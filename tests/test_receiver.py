"""The receiver on real sockets: what it takes, what it turns away, and how it begins and ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest

from dialer.errors import ExitCode, WebhookError
from dialer.model import Secret, WebhookRules
from dialer.receiver import MOST_BYTES, Receiver, check_can_receive
from tests.receiver_kit import RULES, Desk, answered, longer, receiving, virtually
from tests.virtual_time import START, Time, moment
from tests.webhook_kit import (
    OTHER,
    SECRET,
    Delivery,
    connect,
    delivery,
    in_base64,
    post,
    stamp,
    told,
)

# --- taken ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "secrets"),
    [
        (delivery(), (SECRET,)),
        (delivery(spelled=in_base64), (SECRET,)),
        (delivery(secret=OTHER), (SECRET, OTHER)),
        (delivery(secret=SECRET), (SECRET, OTHER)),
        (delivery(at=START - timedelta(minutes=4, seconds=50)), (SECRET,)),
        (delivery(at=START + timedelta(minutes=5)), (SECRET,)),
        (delivery(told(name="something.new", payload=[1, 2])), (SECRET,)),
        (delivery(longer(told(), MOST_BYTES)), (SECRET,)),
        (delivery().without("x-webhook-traceid", "x-webhook-event"), (SECRET,)),
    ],
)
def test_what_is_signed_is_kept_and_heard(sent: Delivery, secrets: tuple[str, ...]) -> None:
    rules = WebhookRules("127.0.0.1", 0, RULES.url, "/verbex", tuple(Secret(one) for one in secrets))
    status, words, desk = answered(sent, rules)
    assert (status, words) == (200, "kept\n")
    assert json.loads(desk.kept["trace-1"].body) == json.loads(sent.body)
    assert desk.heard == ["trace-1"]
    assert desk.amiss == []


@virtually
async def test_a_delivery_that_is_repeated_is_thanked_for_and_heard_once() -> None:
    async with receiving() as (address, desk):
        assert [await post(address, delivery()) for _ in range(3)] == [(200, "kept\n")] * 3
    assert (list(desk.kept), desk.heard) == (["trace-1"], ["trace-1"])


@virtually
async def test_ten_at_once_are_one_event() -> None:
    async with receiving() as (address, desk):
        desk.goes_on.clear()
        asked = [asyncio.create_task(post(address, delivery())) for _ in range(10)]
        await moment(1)
        desk.goes_on.set()
        assert await asyncio.gather(*asked) == [(200, "kept\n")] * 10
    assert desk.heard == ["trace-1"]


@virtually
async def test_nothing_is_answered_before_it_is_kept() -> None:
    async with receiving() as (address, desk):
        desk.goes_on.clear()
        asked = asyncio.create_task(post(address, delivery()))
        await moment(60)
        assert not asked.done()
        assert desk.heard == []
        desk.goes_on.set()
        assert await asked == (200, "kept\n")


@virtually
async def test_what_could_not_be_kept_is_not_heard_and_may_come_again() -> None:
    async with receiving() as (address, desk):
        desk.fault = OSError(28, "No space left on device")
        assert await post(address, delivery()) == (503, "not kept\n")
        assert desk.heard == []
        desk.fault = None
        assert await post(address, delivery()) == (200, "kept\n")
    assert desk.heard == ["trace-1"]
    assert desk.amiss == ["a webhook could not be written down (OSError); the platform will send it again"]


# --- turned away ------------------------------------------------------------------------------------

BROKEN = b'{"traceId": "trace-1", "secret'
TWO_MIB = longer(told(), 2 << 20)
FORGED = delivery().sealed(x_webhook_signature="v1=" + "0" * 64)
TWICE = delivery().sealed(X_Webhook_Timestamp=stamp(START + timedelta(seconds=1)))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (FORGED, 401),
        (delivery(secret=OTHER), 401),
        (delivery(at=START - timedelta(minutes=6)), 401),
        (delivery(at=START + timedelta(minutes=6)), 401),
        (delivery().without("x-webhook-signature"), 401),
        (delivery().without("x-webhook-timestamp"), 401),
        (delivery().sealed(x_webhook_timestamp="soon"), 401),
        (TWICE, 401),
        (Delivery(b"", {}), 401),
        (delivery(TWO_MIB), 413),
        (delivery(longer(told(), MOST_BYTES + 1)), 413),
        (delivery(BROKEN), 400),
        (delivery(b"[]"), 400),
        (delivery(told() | {"traceId": None}), 400),
        (delivery().sealed(x_webhook_traceid="trace-2"), 400),
        (Delivery(delivery().body, delivery().headers, path="/"), 404),
        (Delivery(delivery().body, delivery().headers, path="/verbex/"), 404),
        (Delivery(delivery().body, delivery().headers, path="/verbex/x"), 404),
        (Delivery(delivery().body, delivery().headers, method="PUT"), 405),
        (Delivery(b"", delivery().headers, method="GET"), 405),
    ],
)
def test_what_is_turned_away_changes_nothing(sent: Delivery, status: int) -> None:
    found, words, desk = answered(sent)
    assert (found, desk.kept, desk.heard) == (status, {}, [])
    for private in (SECRET, "66f1c0ffee", "trace-", *sent.headers.values()):
        assert private not in words
        assert all(private not in sentence for sentence in desk.amiss)


@virtually
async def test_whoever_knocks_a_hundred_times_is_told_of_once() -> None:
    async with receiving() as (address, desk):
        for _ in range(100):
            assert (await post(address, FORGED))[0] == 401
        assert (await post(address, delivery().without("x-webhook-signature")))[0] == 401
    assert desk.amiss == [
        "a webhook was refused: its signature fits no secret of this campaign file",
        "a webhook was refused: it is not signed",
    ]


def test_a_receiver_without_a_secret_takes_nothing() -> None:
    rules = WebhookRules("127.0.0.1", 0, RULES.url, "/verbex")
    with pytest.raises(WebhookError, match=r"`dialer webhooks subscribe campaign\.yaml`") as refused:
        check_can_receive(rules)
    assert refused.value.code is ExitCode.FILE
    with pytest.raises(WebhookError, match=r"webhooks\.secret is missing"):
        answered(delivery(), rules)
    check_can_receive(RULES)


# --- beginning and ending ---------------------------------------------------------------------------


@contextlib.contextmanager
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with contextlib.closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_an_address_that_is_in_use_is_told() -> None:
    with taken() as port:
        rules = WebhookRules("127.0.0.1", port, RULES.url, "/verbex", RULES.secrets)
        with pytest.raises(WebhookError, match=rf"webhooks\.listen: 127\.0\.0\.1:{port} .*in use") as refused:
            answered(delivery(), rules)
    assert refused.value.code is ExitCode.FILE


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "::2"])
def test_an_address_that_is_not_this_machines_is_told(host: str) -> None:
    rules = WebhookRules(host, 0, RULES.url, "/verbex", RULES.secrets)
    with pytest.raises(WebhookError, match=r"webhooks\.listen: .* cannot be listened on"):
        answered(delivery(), rules)


@virtually
async def test_a_delivery_under_way_is_seen_out_at_the_end() -> None:
    desk, clock = Desk(), Time().clock
    desk.goes_on.clear()
    async with Receiver(RULES, desk.keep, clock.now, desk.hear).serve() as address:
        asked = asyncio.create_task(post(address, delivery()))
        await moment(1)
        asyncio.get_running_loop().call_later(1, desk.goes_on.set)
    assert await asked == (200, "kept\n")
    with pytest.raises(ConnectionError):
        await connect(address)


@virtually
async def test_whoever_hangs_on_does_not_hold_up_the_end() -> None:
    async with receiving() as (address, desk):
        desk.goes_on.clear()
        asked, silent = asyncio.create_task(post(address, delivery())), await connect(address)
        await moment(1)
        began = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began < 5
    assert desk.kept == {}
    assert (await asked)[0] == 500  # no 2xx: the platform sends it again
    await silent.close()


@virtually
async def test_signals_stay_with_the_caller() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with receiving():
        await moment(1)
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_nothing_is_logged_or_printed(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(0)
    for sent in (delivery(), FORGED, delivery(TWO_MIB), delivery(BROKEN)):
        answered(sent)
    assert capfd.readouterr() == ("", "")
    assert [record.getMessage() for record in caplog.records if record.name != "asyncio"] == []


def test_ipv6() -> None:
    rules = WebhookRules("::1", 0, RULES.url, "/", RULES.secrets)
    sent = delivery()
    status, _, desk = answered(Delivery(sent.body, sent.headers, path="/?from=proxy"), rules)
    assert (status, desk.heard) == (200, ["trace-1"])
