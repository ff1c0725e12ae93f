"""How calls and pages are read: what makes a call, what is kept of it, and what must never be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from dialer.model import CallPage, CallRecord, Reply
from dialer.verbex import wire
from dialer.verbex.answers import read_call, read_page
from dialer.verbex.transport import Received
from tests.raw_platform import FINISH_REASONS, SCHEMAS, call_body, call_fields, check
from tests.verbex_cases import KEY, NOW

CONTRACT_FIELDS = set(SCHEMAS["PhoneCallResponse"]["properties"])

FULL: Mapping[str, Any] = {
    "_id": "66f1c0ffee",
    "ai_agent_id": "66f1a6e47",
    "ai_agent_name": "Reminders",
    "call_status": "ended",
    "override_ai_agent_id": None,
    "metadata": {"dialer_call_id": "c" * 32, "crm_id": "7"},
    "pia_llm_dynamic_data": {"first_name": "Ann", "amount_due": 12.5},
    "call_start_time": "2026-11-22T15:00:00.500+01:00",
    "call_end_time": "2026-11-22T14:01:00Z",
    "messages": [{"role": "agent", "content": "Good day"}, {"role": "user", "content": "Yes?"}],
    "recorded_call_audio_url": "https://example.com/a.mp3",
    "access_token": "canary-7f3a",
    "call_duration_seconds": 60,
    "call_type": "phone_call",
    "from_number": "+14155550100",
    "to_number": "+14155550123",
    "direction": "outbound",
    "call_finish_reason": "agent_ended_call",
}


def read(body: bytes) -> Reply:
    return read_call(Received(201, body), NOW, KEY)


def record(**fields: object) -> CallRecord:
    found = read(call_body(**fields)).record
    assert found is not None
    return found


# --- a call --------------------------------------------------------------------------------------


def test_a_full_call_is_read_whole() -> None:
    check("PhoneCallResponse", FULL)
    assert read(json.dumps(FULL).encode()) == Reply(
        201,
        CallRecord(
            platform_id="66f1c0ffee",
            own_id="c" * 32,
            to_number="+14155550123",
            from_number="+14155550100",
            status="ended",
            finish_reason="agent_ended_call",
            started_at=datetime(2026, 11, 22, 14, 0, 0, 500_000, UTC),
            ended_at=datetime(2026, 11, 22, 14, 1, tzinfo=UTC),
            duration_seconds=60,
            has_messages=True,
            record={name: value for name, value in FULL.items() if name != "access_token"},
        ),
    )


def test_every_field_of_the_contract_is_kept_but_the_token() -> None:
    assert set(FULL) == CONTRACT_FIELDS
    assert set(wire.CONTRACT) == CONTRACT_FIELDS - {"access_token"}


@pytest.mark.parametrize("reason", [*FINISH_REASONS, "a_reason_of_the_future", "Twilio Error"])
def test_any_finish_reason_is_kept_as_it_came(reason: str) -> None:
    call = record(call_status="ended", call_finish_reason=reason)
    assert call.finish_reason == reason
    assert call.is_over


def test_there_are_26_finish_reasons() -> None:
    assert len(FINISH_REASONS) == 26


@pytest.mark.parametrize(
    ("status", "reason", "over"),
    [
        ("registered", None, False),
        ("ongoing", None, False),
        ("ended", None, True),
        ("error", None, True),
        ("ongoing", "no_answer", True),
        ("a_status_of_the_future", None, False),
        ("registered", "", False),
    ],
)
def test_any_status_is_kept_as_it_came(status: str, reason: str | None, over: bool) -> None:
    call = record(call_status=status, call_finish_reason=reason)
    assert call.status == status
    assert call.is_over is over


@pytest.mark.parametrize("name", ["call_status", "from_number", "to_number", "direction"])
@pytest.mark.parametrize("value", ["absent", None, "", 7, ["outbound"], {}])
def test_without_one_of_the_four_required_fields_there_is_no_call(name: str, value: object) -> None:
    fields = call_fields(**{name: value})
    if value == "absent":
        del fields[name]
    reply = read(json.dumps(fields).encode())
    assert reply == Reply(201, message=f"The platform answered 201, but its body lacks a readable {name}.")


def test_a_direction_that_the_contract_does_not_know_is_no_call() -> None:
    assert read(call_body(direction="sideways")).record is None


@pytest.mark.parametrize("value", [7, 1.5, True, [1], {"a": 1}, "text", "", None])
@pytest.mark.parametrize("name", sorted(CONTRACT_FIELDS - set(SCHEMAS["PhoneCallResponse"]["required"])))
def test_no_value_of_an_optional_field_makes_a_call_unreadable(name: str, value: object) -> None:
    call = record(**{name: value})
    assert call.to_number == "+14155550123"
    assert json.loads(json.dumps(call.record)) == call.record
    assert call.record.get(name) in (value, None)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *((0, 0), (12, 12), (12.0, 12), (12.7, 13), (0.2, 1), ("12", 12), ("12.7", 13)),
        *((None, None), (-1, None), (True, None), ("long", None), ("", None), ([], None), ({}, None)),
        *((10**18, None), ("nan", None), ("inf", None), ("1e99", None)),
    ],
)
def test_a_duration_is_read_as_whole_seconds_and_never_as_none_at_all_where_it_lasted(
    value: object, seconds: int | None
) -> None:
    call = record(call_duration_seconds=value)
    assert call.duration_seconds == seconds
    assert ("call_duration_seconds" in call.record) is (seconds is not None or value is None)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-22T14:00:00Z", NOW),
        ("2026-11-22T15:00:00+01:00", NOW),
        ("2026-11-22T14:00:00", NOW),
        ("2026-11-22 14:00:00.000", NOW),
        ("2026-11-22T14:00:00.000000000Z", NOW),
        (int(NOW.timestamp()), NOW),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("", None),
        (True, None),
    ],
)
def test_times_are_read_in_any_usual_form_and_are_aware(text: object, instant: datetime | None) -> None:
    call = record(call_start_time=text, call_end_time=text)
    assert call.started_at == call.ended_at == instant
    assert ("call_start_time" in call.record) is (instant is not None)


@pytest.mark.parametrize(
    ("messages", "spoken", "kept"),
    [
        ([{"role": "agent", "content": "Good day"}], True, True),
        ([{"role": "system", "content": None, "at": 1}], True, True),
        (["Good day"], True, True),
        ("Good day", True, False),
        ({"0": "Good day"}, True, False),
        ([], False, True),
        (None, False, True),
    ],
)
def test_messages_of_any_kind_say_that_somebody_spoke(messages: object, spoken: bool, kept: bool) -> None:
    call = record(messages=messages)
    assert call.has_messages is spoken
    assert ("messages" in call.record) is kept


@pytest.mark.parametrize(
    ("fields", "own_id"),
    [
        ({"metadata": {"dialer_call_id": "ours"}}, "ours"),
        ({"call_id": "ours"}, "ours"),
        ({"call_id": "theirs", "metadata": {"dialer_call_id": "ours"}}, "ours"),
        ({"call_id": "ours", "metadata": {"crm_id": "7"}}, "ours"),
        ({"call_id": "ours", "metadata": "odd"}, "ours"),
        ({"metadata": {"dialer_call_id": 7, "crm_id": ["odd"]}}, None),
        ({"call_id": ""}, None),
        ({"call_id": {}}, None),
        ({}, None),
    ],
)
def test_our_own_id_is_found_where_the_platform_echoes_it(fields: dict[str, object], own_id: str | None) -> None:
    assert record(**fields).own_id == own_id


def test_a_token_is_forgotten_at_any_depth() -> None:
    inner = {"access_token": "canary-2", "kept": 1}
    deep = call_fields(
        access_token="canary-1",
        metadata=inner,
        pia_llm_dynamic_data={"a": [{"b": inner}]},
        messages=[inner],
    )
    escaped = json.dumps(deep).replace("access_token", "access\\u005ftoken")
    for body in (json.dumps(deep), escaped):
        call = read(body.encode()).record
        assert call is not None
        assert call.record["pia_llm_dynamic_data"] == {"a": [{"b": {"kept": 1}}]}
        assert "canary" not in repr(call)
        assert "access_token" not in repr(call)


def test_fields_beyond_the_contract_are_ignored() -> None:
    call = record(pcs_status="new", call_id="x", sip_trunk_password="canary")
    assert set(call.record) == set(call_fields())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NaN", None),
        ("-Infinity", None),
        ("1e999", None),
        ("12345678901234567890123", 12345678901234567890123),
        (r'"\ud83d\ude00 \u00fc"', "😀 ü"),
        (r'"cut \ud83d"', "cut \ufffd"),
        (r'"\ude00 cut"', "\ufffd cut"),
        (r'"\ud83d\ud83d\ude00"', "\ufffd😀"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'"\\\ud83d"', "\\\ufffd"),
    ],
)
def test_what_is_kept_can_be_stored(text: str, value: object) -> None:
    body = call_body(pia_llm_dynamic_data={"a": 0}).replace(b'{"a": 0}', b'{"a": %s}' % text.encode())
    call = read(body).record
    assert call is not None
    assert call.record["pia_llm_dynamic_data"] == {"a": value}
    json.dumps(call.record, ensure_ascii=False, allow_nan=False).encode()


def test_a_body_that_is_nested_without_end_is_not_json() -> None:
    assert read(b"[" * 100_000).message == "The platform answered 201, but its body is not JSON."


# --- a page --------------------------------------------------------------------------------------


def page(body: object) -> CallPage | Reply:
    return read_page(Received(200, json.dumps(body).encode()), NOW, KEY)


def test_a_page_is_read_in_its_order() -> None:
    found = page({"calls": [FULL, call_fields(_id="2")], "next_page_token": "t", "total_count": 2})
    assert isinstance(found, CallPage)
    assert [call.platform_id for call in found.calls] == ["66f1c0ffee", "2"]
    assert found.calls[0] == read(json.dumps(FULL).encode()).record
    assert (found.next_page_token, found.total_count) == ("t", 2)


@pytest.mark.parametrize(
    ("token", "read_as"), [("t", "t"), (7, "7"), ("", None), (None, None)], ids=["text", "number", "empty", "null"]
)
def test_a_page_token_is_followed_or_is_none(token: object, read_as: str | None) -> None:
    found = page({"calls": [], "next_page_token": token})
    assert found == CallPage((), read_as, None)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"calls": None},
        {"calls": {"0": FULL}},
        {"calls": [FULL, "odd"]},
        {"calls": [FULL, None]},
        {"calls": [], "next_page_token": ["t"]},
        {"calls": [], "next_page_token": {"t": 1}},
    ],
)
def test_what_could_hide_a_call_is_no_page(body: object) -> None:
    found = page(body)
    assert isinstance(found, Reply)
    assert found.message.startswith("The platform answered 200, but its body ")


def test_a_call_of_another_kind_stays_in_the_page() -> None:
    web_call = {"_id": "w", "call_type": "web_call", "call_status": "ongoing", "direction": None, "from_number": None}
    ours = {"_id": "o", "metadata": {"dialer_call_id": "ours"}}
    found = page({"calls": [web_call, ours], "total_count": "many"})
    assert isinstance(found, CallPage)
    assert [(call.platform_id, call.own_id, call.status, call.to_number) for call in found.calls] == [
        ("w", None, "ongoing", ""),
        ("o", "ours", "", ""),
    ]
