"""What the client puts on the wire, byte by byte, held against the contract."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dialer
from dialer.errors import PlatformRefused
from dialer.model import CallPage, DialRequest, Reply, Secret
from dialer.verbex import Client, payload, payload_bytes
from dialer.verbex.wire import REQUEST_FIELDS
from tests.raw_platform import SCHEMAS, answering, call_body, call_fields, check, http, raw_platform
from tests.verbex_cases import KEY, NOW, PLACED, REQUEST, client

BARE = DialRequest("c" * 32, "+14155550100", "+14155550123", None, {"dialer_call_id": "c" * 32}, {})
PAGE = http("200 OK", json.dumps({"calls": [], "next_page_token": None, "total_count": 0}).encode())

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
requests = st.builds(
    DialRequest,
    call_id=st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=32, max_size=32),
    from_number=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    to_number=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    agent=st.none() | st.text("0123456789abcdef", min_size=1, max_size=24),
    metadata=st.dictionaries(texts, texts, max_size=4),
    data=st.dictionaries(texts, json_values, max_size=4),
)


# --- the body ------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(requests)
def test_every_payload_is_what_the_contract_asks_for_and_nothing_more(request: DialRequest) -> None:
    body = payload(request)
    check("CreatePhoneCallRequest", body)
    assert body["direction"] == "outbound"
    assert body["call_id"] == request.call_id
    assert body["to_number"] == request.to_number
    assert body["from_number"] == request.from_number
    assert body["metadata"] == request.metadata
    assert body.get("pia_llm_dynamic_data", {}) == request.data
    assert body.get("override_ai_agent_id") == request.agent


def test_what_is_not_set_is_not_sent() -> None:
    assert payload(BARE) == {
        "call_id": "c" * 32,
        "from_number": "+14155550100",
        "to_number": "+14155550123",
        "metadata": {"dialer_call_id": "c" * 32},
        "direction": "outbound",
    }


@settings(max_examples=50, deadline=None)
@given(requests)
def test_the_bytes_say_what_the_payload_says_and_do_not_depend_on_the_order_of_columns(request: DialRequest) -> None:
    turned = DialRequest(
        request.call_id,
        request.from_number,
        request.to_number,
        request.agent,
        dict(reversed(list(request.metadata.items()))),
        dict(reversed(list(request.data.items()))),
    )
    assert json.loads(payload_bytes(request)) == payload(request)
    assert payload_bytes(turned) == payload_bytes(request)


def test_the_bytes_stay_as_they_are_from_version_to_version() -> None:
    request = DialRequest("id", "+1", "+2", "a1", {"b": "ü", "a": "1"}, {"z": 1, "due": 2.5, "n": None})
    assert payload_bytes(request) == (
        b'{"call_id":"id","direction":"outbound","from_number":"+1","metadata":{"a":"1","b":"\\u00fc"},'
        b'"override_ai_agent_id":"a1","pia_llm_dynamic_data":{"due":2.5,"n":null,"z":1},"to_number":"+2"}'
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_never_sent(number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        payload_bytes(DialRequest("id", "+1", "+2", None, {}, {"amount": number}))


def test_the_names_of_the_request_are_the_contracts() -> None:
    assert set(REQUEST_FIELDS) == set(SCHEMAS["CreatePhoneCallRequest"]["properties"])


# --- the request as a whole ----------------------------------------------------------------------


async def test_a_dial_as_it_stands_on_the_wire() -> None:
    async with raw_platform(answering(PLACED)) as platform, client(platform.url) as verbex:
        answer = await verbex.dial(REQUEST)
    (sent,) = platform.sent
    assert isinstance(answer, Reply)
    assert answer.status == 201
    assert sent.method == "POST"
    assert sent.target == "/v1/calls/dial-outbound-phone-call"
    assert sent.body == payload_bytes(REQUEST)
    names = sorted(name.lower() for name, _ in sent.headers)
    assert names == [
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "user-agent",
    ]
    assert sent.header("Authorization") == [f"Bearer {KEY.reveal()}"]
    assert sent.header("Content-Type") == ["application/json"]
    assert sent.header("Accept") == ["application/json"]
    assert sent.header("User-Agent") == [f"dialer/{dialer.__version__}"]


@settings(max_examples=8, deadline=None)
@given(st.lists(requests, min_size=1, max_size=10))
def test_any_request_arrives_as_its_payload(batch: list[DialRequest]) -> None:
    async def dial_all() -> list[bytes]:
        async with raw_platform(answering(PLACED)) as platform, client(platform.url) as verbex:
            for request in batch:
                await verbex.dial(request)
        return [sent.body for sent in platform.sent]

    bodies = asyncio.run(dial_all())
    assert bodies == [payload_bytes(request) for request in batch]
    for body in bodies:
        check("CreatePhoneCallRequest", json.loads(body))


async def test_a_base_url_with_a_path_and_a_slash_keeps_its_path() -> None:
    async with raw_platform(answering(PLACED)) as platform:
        for base in ("/verbex", "/verbex/"):
            async with Client(platform.url + base, KEY, now=lambda: NOW) as verbex:
                await verbex.dial(REQUEST)
                await verbex.get("7")
    assert [sent.target for sent in platform.sent] == [
        "/verbex/v1/calls/dial-outbound-phone-call",
        "/verbex/v1/calls/7",
    ] * 2


@pytest.mark.parametrize(
    ("call_id", "target"),
    [
        ("c" * 32, "/v1/calls/" + "c" * 32),
        ("66f1c0ffee", "/v1/calls/66f1c0ffee"),
        ("a/b?c#d e", "/v1/calls/a%2Fb%3Fc%23d%20e"),
    ],
)
async def test_one_call_is_asked_for_by_its_id(call_id: str, target: str) -> None:
    body = call_body(call_status="ended", call_finish_reason="no_answer")
    async with raw_platform(answering(http("200 OK", body))) as platform, client(platform.url) as verbex:
        answer = await verbex.get(call_id)
    (sent,) = platform.sent
    assert (sent.method, sent.target, sent.body) == ("GET", target, b"")
    assert sent.header("Authorization") == [f"Bearer {KEY.reveal()}"]
    assert sent.header("Content-Type") == []
    assert isinstance(answer, Reply)
    assert answer.record is not None
    assert answer.record.is_over


async def test_the_list_is_asked_for_with_its_slash_and_its_defaults() -> None:
    async with raw_platform(answering(PAGE)) as platform, client(platform.url) as verbex:
        assert await verbex.list() == CallPage((), None, 0)
    (sent,) = platform.sent
    assert (sent.method, sent.target) == ("GET", "/v1/calls/?page_size=100&sort_direction=desc")


async def test_every_parameter_of_the_list_arrives_as_it_was_given() -> None:
    evening = datetime(2026, 11, 22, 18, 30, tzinfo=timezone(timedelta(hours=2)))
    async with raw_platform(answering(PAGE)) as platform, client(platform.url) as verbex:
        await verbex.list(
            page_size=1000,
            page_token="a+b/c==&d é%2B",
            start_time_after=evening,
            start_time_before=evening + timedelta(seconds=1.25),
            sort_direction="asc",
        )
    url = urlsplit(platform.sent[0].target)
    assert url.path == "/v1/calls/"
    assert parse_qs(url.query, strict_parsing=True) == {
        "page_size": ["1000"],
        "page_token": ["a+b/c==&d é%2B"],
        "start_time_after": ["2026-11-22T16:30:00.000Z"],
        "start_time_before": ["2026-11-22T16:30:01.250Z"],
        "sort_direction": ["asc"],
    }


# --- pages ---------------------------------------------------------------------------------------


async def test_a_large_page_is_read_without_stopping_the_loop() -> None:
    messages = [{"role": "agent", "content": "Good day, this is the clinic."}] * 20
    calls = [call_fields(_id=str(number), messages=messages) for number in range(1000)]
    page = http("200 OK", json.dumps({"calls": calls, "next_page_token": "next", "total_count": 2000}).encode())
    async with raw_platform(answering(page)) as platform, client(platform.url) as verbex:
        answer = await verbex.list(page_size=1000)
    assert isinstance(answer, CallPage)
    assert [call.platform_id for call in answer.calls] == [str(number) for number in range(1000)]
    assert all(call.has_messages for call in answer.calls)
    assert (answer.next_page_token, answer.total_count) == ("next", 2000)


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (http("200 OK", b"[]"), 200, "The platform answered 200, but its body is not an object."),
        (http("200 OK", b'{"items": []}'), 200, "The platform answered 200, but its body lacks a readable calls."),
        (http("200 OK", b"<html>"), 200, "The platform answered 200, but its body is not JSON."),
        (http("401 Unauthorized", b'{"error": "unauthorized", "message": "Who?"}'), 401, "unauthorized: Who?"),
        (http("429 Too Many Requests", b"slow down"), 429, "slow down"),
    ],
)
async def test_a_list_that_is_no_page_is_the_reply(answer: bytes, status: int, message: str) -> None:
    async with raw_platform(answering(answer)) as platform, client(platform.url) as verbex:
        assert await verbex.list() == Reply(status, message=message)


# --- the key -------------------------------------------------------------------------------------


async def test_the_key_shows_nowhere() -> None:
    async with Client("https://user:word@api.verbex.ai/x", KEY, now=lambda: NOW) as verbex:
        assert repr(verbex) == "Client('https://api.verbex.ai')"
        assert KEY.reveal() not in repr(vars(verbex))


@pytest.mark.parametrize("text", ["", "API_abc\n", "API_ abc", "API_\tabc", "API_äbc", "API_abc\r\nX-Admin: 1"])
def test_a_key_that_no_header_can_carry_is_refused_in_a_sentence_without_it(text: str) -> None:
    with pytest.raises(PlatformRefused, match=r"^The API key is empty or holds a blank.*platform\.api_key") as caught:
        Client("https://api.verbex.ai", Secret(text), now=lambda: NOW)
    assert "API_" not in str(caught.value)
