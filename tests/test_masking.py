"""Numbers and secrets as the screen and the log may show them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.console import mask, mask_text
from dialer.console.masking import mask_value


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+14155550123", "+1415•••0123"),
        ("+4915112345678", "+4915•••5678"),
        ("+6421555123", "+6421•••123"),
        ("+3725123", "+37•••23"),
        ("14155550123", "1415•••0123"),
        ("+1 (415) 555-0123", "+1415•••0123"),
        ("%2B14155550123", "+1415•••0123"),
        ("112", "•••"),
        ("", "•••"),
    ],
)
def test_mask(number: str, masked: str) -> None:
    assert mask(number) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("dialled +14155550123 twice", "dialled +1415•••0123 twice"),
        ("number=+14155550123&x=1", "number=+1415•••0123&x=1"),
        ("tel:+1-415-555-0123,", "tel:+1415•••0123,"),
        ("call +49 (151) 123 456 78 now", "call +4915•••5678 now"),
        ("GET /v1?to=%2B14155550123", "GET /v1?to=+1415•••0123"),
        ("(415) 555-0123", "4155•••123"),
        ("4155550123", "4155•••123"),
        ("+14155550123+14155550124", "+1415•••0123+1415•••0124"),
        ("Authorization: Bearer API_abc.def-1", "Authorization: Bearer …"),
        ("b'Authorization', b'bearer xyz'", "b'Authorization', b'bearer …'"),
        ("the key API_4f3c-9.x is refused", "the key API_… is refused"),
        ("signed with whsec_abc/+=", "signed with whsec_…"),
        ('{"access_token": "eyJ.x", "a": 1}', '{"access_token": "…", "a": 1}'),
        ("access_token=hunter2", "access_token=…"),
        ("platform.api_key: VERBEX_API_KEY is not set", "platform.api_key: VERBEX_API_KEY is not set"),
        ("set VERBEX_API_KEY first", "set VERBEX_API_KEY first"),
        ("at 2026-11-23T14:00:00.000Z, +02:00", "at 2026-11-23T14:00:00.000Z, +02:00"),
        ("next=2026-11-23T14:00Z due=412 live=0", "next=2026-11-23T14:00Z due=412 live=0"),
        ("line 1234567 of 20000000", "line 1234567 of 20000000"),
        ("66f1c0ffee00112233445566", "66f1c0ffee00112233445566"),
        ("http://127.0.0.1:43210/v1", "http://127.0.0.1:43210/v1"),
    ],
)
def test_mask_text(text: str, masked: str) -> None:
    assert mask_text(text) == masked


NUMBERS = st.integers(10**6, 10**15 - 1).map(lambda digits: f"+{digits}")
WORDS = st.text("abc ,.:=()'\"", max_size=12)


@given(before=WORDS, number=NUMBERS, after=WORDS)
def test_no_number_comes_through(before: str, number: str, after: str) -> None:
    masked = mask_text(f"{before}{number}{after}")
    assert number[1:] not in masked
    assert "•••" in masked
    assert mask_text(masked) == masked


@given(key=st.text("abcXYZ019_-.", min_size=1, max_size=40), before=st.sampled_from(["", " ", "'", "key=", "x: "]))
def test_no_key_comes_through(key: str, before: str) -> None:
    for secret in (f"API_{key}", f"whsec_{key}", f"Bearer {key}"):
        masked = mask_text(f"{before}{secret} end")
        assert f"_{key} " not in masked and f" {key} " not in masked
        assert masked.endswith("… end")


def test_facts_are_masked_however_deep_they_stand() -> None:
    facts = {
        "numbers": ["+14155550123", {"to": "+14155550124"}],
        "api_key": "anything",
        "headers": {"Authorization": "Basic x"},
        "count": 3,
        "none": None,
        "path": Path("/tmp/+14155550123"),  # noqa: S108 - a text, not a file
    }
    assert mask_value(facts) == {
        "numbers": ["+1415•••0123", {"to": "+1415•••0124"}],
        "api_key": "…",
        "headers": {"Authorization": "…"},
        "count": 3,
        "none": None,
        "path": "/tmp/+1415•••0123",  # noqa: S108
    }
