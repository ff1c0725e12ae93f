"""How refusals are read, whatever a platform or a gateway may say; and that no body makes the reading raise."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.ledger import dialing
from dialer.model import CallPage, Reply, Secret
from dialer.verbex.answers import read_call, read_page, retry_after, skew
from dialer.verbex.excerpt import excerpt, mask_numbers
from dialer.verbex.transport import Received
from tests.raw_platform import SCHEMAS, call_body
from tests.verbex_cases import NOW

KEY = Secret("a-key-of-the-simulator")
CONTRACT_FIELDS = sorted(SCHEMAS["PhoneCallResponse"]["properties"])


def read(body: bytes, status: int = 201) -> Reply:
    return read_call(Received(status, body), NOW, KEY)


# --- refusals ------------------------------------------------------------------------------------


def refusal(status: int, body: object) -> Reply:
    return read(body if isinstance(body, bytes) else json.dumps(body).encode(), status)


def complaint(*place: object, msg: str = "bad") -> dict[str, object]:
    return {"loc": list(place), "msg": msg, "type": "value_error"}


@pytest.mark.parametrize(
    ("complaints", "fields", "message"),
    [
        ([complaint("body", "to_number")], ("to_number",), "to_number: bad"),
        (
            [complaint("body", "from_number"), complaint("body", "to_number"), complaint("body", "from_number")],
            ("from_number", "to_number"),
            "from_number: bad; to_number: bad; from_number: bad",
        ),
        ([complaint("body", "metadata", "from_number")], ("metadata",), "metadata.from_number: bad"),
        (
            [complaint("body", "override_ai_agent_id", "str")],
            ("override_ai_agent_id",),
            "override_ai_agent_id.str: bad",
        ),
        ([complaint("body", "new_field", 3)], ("new_field",), "new_field.3: bad"),
        ([complaint("query", "page_size")], ("page_size",), "page_size: bad"),
        ([complaint("to_number")], ("to_number",), "to_number: bad"),
        ([complaint("body", 12, msg="JSON decode error")], (), "12: JSON decode error"),
        ([complaint("body", msg="Field required")], (), "Field required"),
        ([complaint()], (), "bad"),
        (["odd", 7, None, {"msg": "no place"}, {"loc": "odd"}], (), "odd; no place"),
        ("from_number is not yours", (), "from_number is not yours"),
        ({"code": "x", "message": "not yours"}, (), "x: not yours"),
    ],
)
def test_a_422_names_the_fields_and_its_words(complaints: object, fields: tuple[str, ...], message: str) -> None:
    assert refusal(422, {"detail": complaints}) == Reply(422, message=message, fields=fields)


def test_only_a_422_complains_about_fields() -> None:
    assert refusal(400, {"detail": [complaint("body", "to_number")]}).fields == ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "unauthorized", "message": "Invalid API key"}, "unauthorized: Invalid API key"),
        ({"error": "full", "message": "full"}, "full"),
        ({"message": "concurrent_call_limit_reached"}, "concurrent_call_limit_reached"),
        ({"error": {"code": "full", "message": "too many calls", "limit": 5}}, "full: too many calls"),
        ({"status": "error", "limit": 5}, '{"status": "error", "limit": 5}'),
        ("no", "no"),
        (["a", "b"], '["a", "b"]'),
        ({}, ""),
        (None, ""),
        (b"", ""),
        (b"  slow\r\n\tdown  ", "slow down"),
        (b"<!doctype html><title>502 Bad Gateway</title><script>alert(1)</script>nginx", "502 Bad Gateway nginx"),
        (b"<script>alert(1)", ""),
        (b"1 < 2 &amp; 3 &gt; 2", "1 < 2 & 3 > 2"),
        (b"\x1b[31mred\x1b[0m\x00\x07 \xe2\x80\xaeturned \xff", "red turned \ufffd"),
        ({"message": "key API_live-0123.45/67 and whsec_abc= are wrong"}, "key API_*** and whsec_*** are wrong"),
        ({"message": f"key {KEY.reveal()} is wrong"}, "key *** is wrong"),
        (b"you sent Authorization: Bearer abc.def-ghi", "you sent Authorization: Bearer ***"),
        (b'{"access_token": "canary", "to_num', '{"access_token": "***", "to_num'),
    ],
)
def test_a_refusal_is_told_in_its_own_plain_words(body: object, message: str) -> None:
    assert refusal(403, body) == Reply(403, message=message)


def test_a_token_in_a_refusal_is_forgotten() -> None:
    assert refusal(500, {"access_token": "canary", "a": 1}).message == '{"a": 1}'


def test_a_long_text_is_cut_to_one_short_line() -> None:
    message = refusal(500, b"<" * 20_000 + b"word " * 20_000).message
    assert len(message) == 300
    assert message.endswith("…")


def test_a_key_that_stands_at_the_cut_is_starred_before_it_is_cut() -> None:
    assert KEY.reveal()[:4] not in excerpt("x" * 295 + " " + KEY.reveal(), KEY)


def test_a_key_of_a_letter_or_two_is_not_starred_out_of_every_word() -> None:
    assert excerpt("x marks the spot", Secret("x")) == "x marks the spot"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("to +14155550123 now", "to ***23 now"),
        ("(415) 555-0123", "***23"),
        ("192.168.100.200:45261", "192.168.100.200:45261"),
        ("127.0.0.1:45261", "127.0.0.1:45261"),
        ("errno 104", "errno 104"),
    ],
)
def test_numbers_in_a_cause_are_masked(text: str, masked: str) -> None:
    assert mask_numbers(text) == masked


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("0", 0.0),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("-5", 0.0),
        ("99999999999", 99999999999.0),
        ("9" * 400, None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("soon", None),
        ("Sun, 22 Nov 2026 14:02:00 GMT", 120.0),
        ("Sun, 22 Nov 2026 15:02:00 +0100", 120.0),
        ("Sun, 22 Nov 2026 14:02:00 -0000", 120.0),
        ("Sun, 22 Nov 2026 13:00:00 GMT", 0.0),
        ("Sun, 99 Nov 2026 13:00:00 GMT", None),
        ("2026-11-22", None),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


# --- nothing raises ------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*CONTRACT_FIELDS, "detail", "loc", "msg", "error", "message", "calls", "next_page_token"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
# Around the interpreter's limit it can still read what it can no longer write.
DEPTHS = range(850, 1050)

bodies = st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode())
broken_calls = anything.map(lambda value: call_body(messages=value, metadata=value, call_start_time=value, _id=value))


@settings(deadline=None)
@given(bodies | broken_calls, st.integers(200, 599), st.text(max_size=30), st.text(max_size=30))
def test_no_answer_makes_the_reading_raise(body: bytes, status: int, after: str, location: str) -> None:
    received = Received(status, body, retry_after=after, location=location)
    reply = read_call(received, NOW, KEY)
    assert isinstance(reply, Reply)
    assert len(reply.message) <= 300
    assert reply.retry_after is None or reply.retry_after >= 0
    assert (reply.record is None) or 200 <= status < 300
    assert isinstance(read_page(received, NOW, KEY), CallPage | Reply)


@settings(deadline=None)
@given(broken_calls)
def test_no_optional_field_hides_a_placed_call(body: bytes) -> None:
    call = read(body).record
    assert call is not None
    json.dumps(call.record, allow_nan=False, ensure_ascii=False).encode()


def test_no_depth_makes_the_reading_raise() -> None:
    for depth in DEPTHS:
        nested = b"[" * depth + b"]" * depth
        assert read(nested, 500).status == 500
        assert read(call_body(messages=0).replace(b"0}", nested + b"}")).status == 201


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Sun, 22 Nov 2026 14:00:30 GMT", 30.0),
        (" Sat, 21 Nov 2026 14:00:00 GMT ", -86400.0),
        ("", None),
        ("yesterday", None),
    ],
)
def test_the_date_of_an_answer_tells_how_far_the_clocks_are_apart(date: str, ahead: float | None) -> None:
    assert skew(date, datetime(2026, 11, 22, 14, tzinfo=UTC)) == ahead


def test_what_can_be_read_can_be_kept_but_for_what_is_too_deep() -> None:
    for depth in (*range(240, 260), *DEPTHS):
        nested = b"[" * depth + b"]" * depth
        record = read(call_body(messages=0).replace(b"0}", nested + b"}")).record
        if record is not None:  # or else it is too deep to be read
            kept = json.loads(dialing._facts(record)["record"])
            assert record.record | kept == record.record
            assert record.record.keys() - kept.keys() <= {"messages"}
