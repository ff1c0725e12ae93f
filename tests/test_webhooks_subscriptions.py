"""Subscriptions to webhooks, over the shipped transport to a bare server."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dialer.errors import DialerError, LookFirst, PlatformRefused, PlatformUnreachable, UsageError
from dialer.model import Secret
from dialer.verbex.subscriptions import NAMES, Subscription, Subscriptions
from dialer.verbex.webhooks import USED
from tests.desk import answer
from tests.raw_platform import RawPlatform, close, http, raw_platform, reset, then
from tests.virtual_time import START
from tests.webhook_kit import SECRET, Office

KEY = Secret("API_canary_0123456789")
URL = "https://calls.example.com/verbex"


@contextlib.asynccontextmanager
async def asking(office: Office) -> AsyncIterator[tuple[Subscriptions, RawPlatform]]:
    async with (
        raw_platform(office.serve) as platform,
        Subscriptions(platform.url, KEY, lambda: START) as subscriptions,
    ):
        yield subscriptions, platform


async def test_one_is_made_signed_and_its_secret_is_told() -> None:
    office = Office()
    async with asking(office) as (subscriptions, platform):
        made = await subscriptions.create("dialer reminders", URL, USED)
    assert (made.id, made.url, made.name, made.secret) == ("sub-1", URL, "dialer reminders", Secret(SECRET))
    assert SECRET not in repr(made)
    assert office.bodies == [
        {
            "name": "dialer reminders",
            "url": URL,
            "enable_signed_webhooks": True,
            "events": ["CallHandler.CallStarted", "CallHandler.CallEnded", "callAnalysis.pcaCompleted"],
        }
    ]
    assert platform.sent[0].header("authorization") == [f"Bearer {KEY.reveal()}"]


@pytest.mark.parametrize("name", NAMES.url[1:])
async def test_the_name_of_the_url_is_the_one_that_the_platform_asks_for(name: str) -> None:
    office = Office(asks_for=name)
    async with asking(office) as (subscriptions, _):
        made = await subscriptions.create("dialer reminders", URL, USED)
        assert await subscriptions.list() == (Subscription("sub-1", URL, "dialer reminders"),)
    assert (made.id, made.url) == ("sub-1", URL)
    assert [sorted(set(body) & set(NAMES.url)) for body in office.bodies] == [["url"], [name]]


@pytest.mark.parametrize(
    "body",
    [
        {"id": "s1", "secret": SECRET, "url": URL},
        {"_id": "s1", "signing_secret": SECRET, "endpoint": URL, "headers": {"id": "x"}},
        {"data": {"id": "s1", "secret": SECRET, "url": URL}},
        {"organization": {"id": "org"}, "subscription": {"id": "s1", "url": URL}, "secret": SECRET},
        {"subscription_id": "s1", "secret": SECRET},
    ],
)
async def test_an_answer_is_understood_whatever_its_shape(body: dict[str, Any]) -> None:
    office = Office()
    office.says["POST"] = answer(201, body)
    async with asking(office) as (subscriptions, _):
        made = await subscriptions.create("dialer", URL, USED)
    assert (made.id, made.url, made.secret) == ("s1", URL, Secret(SECRET))


async def test_all_pages_of_the_list() -> None:
    urls = [f"https://{number}.example.com/" for number in range(25)]
    async with asking(Office(*urls, pages_of=10)) as (subscriptions, platform):
        assert [each.url for each in await subscriptions.list()] == urls
    assert [sent.target.partition("?")[2] for sent in platform.sent] == [
        "page_size=100",
        "page_size=100&page_token=10",
        "page_size=100&page_token=20",
    ]


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ([{"id": "s1"}, {"id": "s2"}], ["s1", "s2"]),
        ({"data": [{"id": "s1"}], "total": 1}, ["s1"]),
        ({"items": []}, []),
        ({}, []),
        ([{"id": "s1"}, {"name": "no id"}, 7, {"id": "s1"}, {"id": "a\x1b[2J"}], ["s1"]),
        ({"subscriptions": [{"id": "s1", "secret": SECRET}], "next_page_token": "again"}, ["s1"]),
    ],
)
async def test_a_list_is_understood_whatever_its_shape_and_has_an_end(body: Any, ids: list[str]) -> None:
    office = Office()
    office.says["GET"] = answer(200, body)
    async with asking(office) as (subscriptions, platform):
        found = await subscriptions.list()
    assert [each.id for each in found] == ids
    assert all(each.secret is None for each in found)
    assert len(platform.sent) <= 2


async def test_one_is_removed() -> None:
    office = Office(URL, "https://other.example.com/")
    async with asking(office) as (subscriptions, platform):
        await subscriptions.remove("sub-1")
        assert [each.id for each in await subscriptions.list()] == ["sub-2"]
        with pytest.raises(UsageError, match=r"subscription a/b\?c: the platform answered 404: .*No such subscription"):
            await subscriptions.remove("a/b?c")
    assert [sent.target for sent in platform.sent if sent.method == "DELETE"] == [
        "/v1/public/webhook/subscription/sub-1",
        "/v1/public/webhook/subscription/a%2Fb%3Fc",
    ]


async def test_a_new_secret_is_told() -> None:
    office = Office(URL)
    async with asking(office) as (subscriptions, _):
        assert await subscriptions.rotate("sub-1") == Subscription("sub-1", "", "", Secret(SECRET))
        office.secret = None
        with pytest.raises(LookFirst, match="A new secret for subscription sub-1 may have been made"):
            await subscriptions.rotate("sub-1")


SAYING = {"error": "no", "message": f"key {KEY.reveal()} and {SECRET} are not good"}


@pytest.mark.parametrize("ask", ["create", "list", "remove", "rotate"])
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer(401, SAYING), PlatformRefused),
        (answer(402, SAYING), PlatformRefused),
        (answer(403, SAYING), PlatformRefused),
        (answer(400, SAYING), UsageError),
        (answer(404, SAYING), UsageError),
        (answer(422, {"detail": [{"loc": ["body", "url"], "msg": f"bad {SECRET}", "type": "x"}]}), UsageError),
        (answer(429, SAYING), PlatformUnreachable),
        (answer(500, SAYING), PlatformUnreachable),
        (http("502 Bad Gateway", b"<html>API_canary_0123456789</html>"), PlatformUnreachable),
        (http("307 Elsewhere", b"", "Location: https://elsewhere.example.com/x"), LookFirst),
    ],
)
async def test_whatever_fails_is_an_error_in_one_sentence_without_secrets(
    ask: str, said: bytes, kind: type[DialerError]
) -> None:
    office = Office(URL)
    office.says = dict.fromkeys(("GET", "POST", "DELETE"), said)
    with pytest.raises(kind) as error:
        async with asking(office) as (subscriptions, platform):
            await _asked(subscriptions, ask)
    sentence = str(error.value)
    assert type(error.value) is kind
    assert f"the platform answered {said.split()[1].decode()}" in sentence
    assert "\n" not in sentence
    assert KEY.reveal() not in sentence
    assert SECRET not in sentence
    assert len(platform.sent) == 1


async def _asked(subscriptions: Subscriptions, ask: str) -> None:
    if ask == "create":
        await subscriptions.create("dialer", URL, USED)
    elif ask == "list":
        await subscriptions.list()
    else:
        await getattr(subscriptions, ask)("sub-1")


@pytest.mark.parametrize("ask", ["create", "list", "rotate"])
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": ', b"[" * 100_000])
async def test_a_success_that_cannot_be_read_is_for_somebody_to_look_at(ask: str, body: bytes) -> None:
    office = Office(URL)
    office.says = dict.fromkeys(("GET", "POST"), http("200 OK", body))
    with pytest.raises(LookFirst, match="dialer webhooks list"):
        async with asking(office) as (subscriptions, _):
            await _asked(subscriptions, ask)


@pytest.mark.parametrize("body", [{}, [], {"id": 7}, {"ok": True}])
async def test_a_success_that_names_no_subscription_is_for_somebody_to_look_at(body: Any) -> None:
    office = Office()
    office.says["POST"] = http("201 Created", json.dumps(body).encode())
    with pytest.raises(LookFirst, match="may have been made"):
        async with asking(office) as (subscriptions, _):
            await subscriptions.create("dialer", URL, USED)


@pytest.mark.parametrize("end", [close, reset])
async def test_an_answer_that_is_lost_is_not_tried_again(end: Any) -> None:
    async with raw_platform(then(end)) as platform, Subscriptions(platform.url, KEY, lambda: START) as subscriptions:
        with pytest.raises(PlatformUnreachable, match=r"did not answer .*Look with `dialer webhooks list` before"):
            await subscriptions.create("dialer", URL, USED)
    assert len(platform.sent) == 1


async def test_a_platform_that_is_not_there() -> None:
    async with raw_platform(then(close)) as platform:
        gone = platform.url
    async with Subscriptions(gone, KEY, lambda: START) as subscriptions:
        with pytest.raises(PlatformUnreachable, match="Nothing was changed; try again"):
            await subscriptions.create("dialer", URL, USED)


async def test_a_key_that_cannot_be_sent() -> None:
    with pytest.raises(PlatformRefused, match="API key"):
        Subscriptions("https://api.verbex.ai", Secret("a b"), lambda: START)
