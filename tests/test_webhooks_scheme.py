"""Whom a webhook is believed to come from, and what is read out of one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.model import Secret
from dialer.verbex import webhooks
from dialer.verbex.webhooks import Refused, read, verify
from dialer.verbex.wire import Unreadable
from tests.virtual_time import START
from tests.webhook_kit import OTHER, SECRET, Delivery, delivery, in_base64, in_hex, signature, stamp, told

MINUTE = timedelta(minutes=1)


def judged(sent: Delivery, *secrets: str, now: datetime = START) -> Refused | None:
    return verify(sent.headers, sent.body, [Secret(one) for one in secrets or (SECRET,)], now)


def unpadded(digest: bytes) -> str:
    return in_base64(digest).rstrip("=")


def of_urls(digest: bytes) -> str:
    return in_base64(digest).translate(str.maketrans("+/", "-_"))


@pytest.mark.parametrize("spelled", [in_hex, lambda digest: digest.hex().upper(), in_base64, unpadded, of_urls])
def test_however_a_signature_is_spelled(spelled: Any) -> None:
    for number in range(20):  # enough digests for every sign of both alphabets
        body = told(trace=f"trace-{number}")
        assert judged(delivery(body, spelled=spelled)) is None
        assert judged(delivery(body, spelled=spelled, secret=OTHER)) is Refused.FORGED


@pytest.mark.parametrize("between", [",", ", ", " ", ";", "; "])
@pytest.mark.parametrize("order", [0, 1])
def test_one_of_several_signatures_by_one_of_two_secrets(between: str, order: int) -> None:
    sent = delivery(secret=OTHER)
    good = sent.headers["x-webhook-signature"]
    others = [signature("whsec_gone_long_ago", stamp(START), sent.body), "v0=" + "0" * 64, "t=1", "v1=", "rubbish"]
    both = between.join([good, *others] if order else [*others, good])
    assert judged(sent.sealed(x_webhook_signature=both), SECRET, OTHER) is None
    assert judged(sent.sealed(x_webhook_signature=both), OTHER, SECRET) is None
    assert judged(sent.sealed(x_webhook_signature=both), SECRET) is Refused.FORGED


@pytest.mark.parametrize(
    ("off", "refused"),
    [
        (timedelta(0), None),
        (5 * MINUTE, None),
        (-5 * MINUTE, None),
        (5 * MINUTE + timedelta(seconds=1), Refused.STALE),
        (-5 * MINUTE - timedelta(seconds=1), Refused.STALE),
        (6 * MINUTE, Refused.STALE),
        (-6 * MINUTE, Refused.STALE),
        (timedelta(days=3650), Refused.STALE),
    ],
)
def test_five_minutes_either_way(off: timedelta, refused: Refused | None) -> None:
    assert judged(delivery(at=START + off)) is refused


@pytest.mark.parametrize(
    "timestamp",
    ["2026-11-22T14:00:00Z", "2026-11-22T14:00:00.123456+00:00", "2026-11-22T09:00:00-05:00", "2026-11-22 14:00:00"],
)
def test_a_timestamp_is_iso_8601_and_in_utc_where_it_has_no_offset(timestamp: str) -> None:
    sent = delivery()
    sealed = sent.sealed(x_webhook_timestamp=timestamp, x_webhook_signature=signature(SECRET, timestamp, sent.body))
    assert judged(sealed) is None


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "soon",
        "1795356000",
        "2026-11-22T14:00:00Z, 2026-11-22T14:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-22é14:00",
    ],
)
def test_a_time_that_cannot_be_read_is_refused_however_well_it_is_signed(timestamp: str) -> None:
    sent = delivery()
    sealed = sent.sealed(x_webhook_timestamp=timestamp, x_webhook_signature=signature(SECRET, timestamp, sent.body))
    assert judged(sealed) is Refused.NO_TIME


@pytest.mark.parametrize(
    ("header", "refused"),
    [
        ("", Refused.NO_SIGNATURE),
        ("v1", Refused.FORGED),
        ("v2=" + "0" * 64, Refused.NO_SIGNATURE),
        ("v1=", Refused.FORGED),
        ("v1=zz", Refused.FORGED),
        ("v1=é", Refused.FORGED),
        ("v1=" + "0" * 64, Refused.FORGED),
        ("v1=" + "0" * 63, Refused.FORGED),
    ],
)
def test_what_is_no_signature_is_refused(header: str, refused: Refused) -> None:
    assert judged(delivery().sealed(x_webhook_signature=header)) is refused


def test_whatever_is_missing_is_refused() -> None:
    assert judged(delivery().without("x-webhook-signature")) is Refused.NO_SIGNATURE
    assert judged(delivery().without("x-webhook-timestamp")) is Refused.NO_TIME
    assert verify(delivery().headers, delivery().body, [], START) is Refused.KEYLESS
    assert judged(delivery(secret=""), "") is Refused.KEYLESS  # anybody could sign with no secret at all


def test_a_header_that_tries_many_signatures_is_refused_although_one_fits() -> None:
    sent = delivery()
    guesses = ",".join(["v1=" + "0" * 64] * 8 + [sent.headers["x-webhook-signature"]])
    assert judged(sent.sealed(x_webhook_signature=guesses)) is Refused.FORGED


@settings(deadline=None)
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_no_byte_of_the_body_can_be_changed(place: int, flip: int) -> None:
    sent = delivery()
    raw = bytearray(sent.body)
    raw[place % len(raw)] ^= flip
    assert judged(Delivery(bytes(raw), sent.headers)) is Refused.FORGED


@settings(deadline=None)
@given(seconds=st.integers(1, 299))
def test_the_timestamp_is_signed_too(seconds: int) -> None:
    later = delivery().sealed(x_webhook_timestamp=stamp(START + timedelta(seconds=seconds)))
    assert judged(later) is Refused.FORGED


@settings(deadline=None)
@given(
    headers=st.dictionaries(
        st.sampled_from(["x-webhook-signature", "x-webhook-timestamp", "x-webhook-traceid"]), st.text(max_size=40)
    ),
    body=st.binary(max_size=60),
)
def test_rubbish_is_refused_and_never_an_error(headers: dict[str, str], body: bytes) -> None:
    assert verify(headers, body, [Secret(SECRET)], START) is not None


# --- what is said ---------------------------------------------------------------------------------


def read_of(**changed: Any) -> Any:
    return read(json.dumps(told(**changed)).encode())


def test_an_end_is_read() -> None:
    event = read_of()
    assert (event.trace_id, event.name, event.call_id) == ("trace-1", webhooks.ENDED, "66f1c0ffee")
    assert event.at == START
    assert event.is_end
    assert json.loads(event.body) == told()


@pytest.mark.parametrize("name", [webhooks.STARTED, "CallHandler.CallTransferred", "callAnalysis.pcaCompleted", "new"])
def test_other_names_are_kept_and_are_no_end(name: str) -> None:
    event = read_of(name=name)
    assert (event.name, event.is_end) == (name, False)


@pytest.mark.parametrize("payload", [None, [], "x", {}, {"call_id": 7}, {"call_id": ""}, {"call_id": "a\x1b[2J"}])
def test_a_payload_that_names_no_call_is_kept(payload: Any) -> None:
    event = read_of(payload=payload)
    assert event.call_id == ""
    assert json.loads(event.body)["payload"] == payload


@pytest.mark.parametrize("name", [None, 7, ["CallHandler.CallEnded"], "CallEnded\n", "x" * 1000])
def test_a_name_that_is_none_is_empty_and_the_body_is_kept(name: Any) -> None:
    event = read(json.dumps(told() | {"eventName": name}).encode())
    assert (event.name, event.is_end) == ("", False)
    assert json.loads(event.body)["eventName"] == name


def test_access_tokens_are_forgotten_wherever_they_stand() -> None:
    event = read_of(payload={"call_id": "c1", "access_token": "tok_canary", "deep": [{"access_token": "tok_canary"}]})
    assert "tok_canary" not in event.body
    assert event.call_id == "c1"


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("the key API_canary.9-x is wrong", "the key API_*** is wrong"),
        ("signed with whsec_canary1 and own-canary-77", "signed with whsec_*** and ***"),
        ("Authorization: Bearer canary", "Authorization: Bearer ***"),
        ('{"access_token": "canary"}', '{"access_token": "***"}'),
        ('access_token=canary\\"', 'access_token=***"'),
        ("rings +12015550101 at noon", "rings +12015550101 at noon"),
    ],
)
def test_secrets_in_what_is_told_are_not_kept(words: str, kept: str) -> None:
    """Wherever they stand, names and ids too; it stays JSON, and the rest stays as it came."""
    payload = {"call_id": "c1", "deep": [{words: words}], "n": 1}
    body = json.dumps(told(words, words, payload=payload)).encode()
    event = read(body, {"x-webhook-traceid": words}, [Secret("own-canary-77")])
    assert (event.trace_id, event.name, event.call_id) == (kept, kept, "c1")
    assert json.loads(event.body) == told(kept, kept, payload={"call_id": "c1", "deep": [{kept: kept}], "n": 1})


@pytest.mark.parametrize(
    ("told_at", "at"),
    [
        (1795356000, datetime(2026, 11, 22, 14, tzinfo=UTC)),
        (1795356000.5, datetime(2026, 11, 22, 14, 0, 0, 500000, tzinfo=UTC)),
        (1795356000500, datetime(2026, 11, 22, 14, 0, 0, 500000, tzinfo=UTC)),
        ("2026-11-22T09:00:00-05:00", datetime(2026, 11, 22, 14, tzinfo=UTC)),
    ],
)
def test_when_it_happened(told_at: Any, at: datetime) -> None:
    assert read_of(timestamp=told_at).at == at


@pytest.mark.parametrize("told_at", [None, True, "soon", -1e300, 1e99, [1], "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_cannot_be_read_is_the_headers(told_at: Any) -> None:
    body = json.dumps(told(timestamp=told_at)).encode()
    assert read(body, {"x-webhook-timestamp": stamp(START)}).at == START
    with pytest.raises(Unreadable, match="timestamp"):
        read(body)


@pytest.mark.parametrize(
    ("body", "header", "found"),
    [("t1", "t1", "t1"), ("t1", "", "t1"), (None, "t1", "t1"), ("", "t1", "t1"), ("x\x00y", "t1", "t1")],
)
def test_the_trace_of_the_body_or_of_the_header(body: str | None, header: str, found: str) -> None:
    content = json.dumps(told() | {"traceId": body}).encode()
    assert read(content, {"x-webhook-traceid": header} if header else {}).trace_id == found


@pytest.mark.parametrize(
    ("content", "header", "words"),
    [
        (told(trace="t1"), "t2", "has another traceId than its header"),
        (told() | {"traceId": None}, "", "lacks a readable traceId"),
        (told() | {"traceId": "t" * 1000}, "", "lacks a readable traceId"),
        ([told()], "t1", "is not an object"),
    ],
)
def test_what_cannot_be_told_from_another_is_not_taken(content: Any, header: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read(json.dumps(content).encode(), {"x-webhook-traceid": header} if header else {})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000])
def test_what_is_no_json_is_not_taken(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda below: st.lists(below) | st.dictionaries(st.text(), below),
        max_leaves=8,
    )
)
def test_whatever_is_read_can_be_kept(value: Any) -> None:
    body = json.dumps({"traceId": "t1", "timestamp": 1795356000, "payload": value}).encode()
    event = read(body)
    assert event.body.encode()  # no half of a character, which no database takes
    assert json.loads(event.body)["traceId"] == "t1"
