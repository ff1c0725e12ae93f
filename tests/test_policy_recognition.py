"""Whether a record of the platform is a call of ours: by the ids, or by numbers and time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from dialer.model import Attempt, AttemptState, CallRecord, History
from dialer.policy import callid, recognition
from dialer.policy.recognition import SKEW

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
TO, FROM = "+14152010001", "+14155550100"
ATTEMPT = Attempt(1, 1, 1, "ann", 1, "our id", TO, FROM, AttemptState.UNKNOWN, NOW, History(), platform_id="p1")
EXACTLY = timedelta(0)
MOMENT = timedelta(milliseconds=1)
NOTHING: Mapping[str, Any] = MappingProxyType({})


def record(**changes: Any) -> CallRecord:
    """A call that fits by numbers and time, and bears no id."""
    plain: dict[str, Any] = {
        "platform_id": None,
        "own_id": None,
        "to_number": TO,
        "from_number": FROM,
        "status": "ended",
        "finish_reason": None,
        "started_at": NOW,
        "ended_at": None,
        "duration_seconds": None,
        "has_messages": False,
        "record": {},
    }
    return CallRecord(**(plain | changes))


@pytest.mark.parametrize(
    ("ids", "named", "without"),
    [
        ({}, False, True),
        ({"own_id": "our id"}, True, False),
        ({"own_id": "our id", "platform_id": "p2"}, True, False),
        ({"platform_id": "p1"}, True, True),
        ({"platform_id": "p1", "own_id": "p1"}, True, True),
        ({"platform_id": "p2"}, False, True),
        ({"platform_id": "p2", "own_id": "p2"}, False, True),
        ({"platform_id": "p2", "own_id": "another"}, False, False),
    ],
)
def test_by_the_ids(ids: dict[str, str], named: bool, without: bool) -> None:
    assert recognition.is_named(record(**ids), ATTEMPT) is named
    assert recognition.bears_no_id_of_ours(record(**ids)) is without


def test_a_platforms_id_that_neither_has_names_nobody() -> None:
    nameless = Attempt(1, 1, 1, "ann", 1, "our id", TO, FROM, AttemptState.UNKNOWN, NOW, History())
    assert not recognition.is_named(record(), nameless)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"to_number": "+14152019999"}, False),
        ({"to_number": "+14152019999", "own_id": "our id"}, True),
        ({"to_number": "1 (415) 201-0001"}, True),
    ],
)
def test_the_answer_to_a_question(changes: dict[str, str], same: bool) -> None:
    assert recognition.is_same_call(record(**changes), ATTEMPT) is same


@pytest.mark.parametrize(
    ("number", "other", "same"),
    [("+1 415-201-0001", "14152010001", True), ("+14152010001", "4152010001", False), ("", "", True)],
)
def test_the_spelling_of_a_number(number: str, other: str, same: bool) -> None:
    assert recognition.is_same_number(number, other) is same


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        (NOTHING, True),
        ({"platform_id": "p2", "own_id": "p2"}, True),
        ({"own_id": "another"}, False),
        ({"to_number": TO[1:]}, True),
        ({"to_number": "+14152019999"}, False),
        ({"from_number": FROM[1:]}, True),
        ({"from_number": "+14155550199"}, False),
        ({"started_at": NOW - SKEW}, True),
        ({"started_at": NOW - SKEW - MOMENT}, False),
        ({"started_at": NOW + timedelta(days=9)}, True),
        ({"started_at": None}, True),
        ({"started_at": None, "ended_at": NOW - SKEW - MOMENT}, False),
        ({"started_at": NOW, "ended_at": NOW - timedelta(days=1)}, True),
    ],
)
def test_by_numbers_and_time(changes: dict[str, Any], fits: bool) -> None:
    assert recognition.looks_alike(record(**changes), ATTEMPT, NOW - SKEW) is fits


@pytest.mark.parametrize(
    ("skew", "since"),
    [(0.0, EXACTLY), (90.0, EXACTLY), (-90.0, timedelta(seconds=90))],
)
def test_a_platform_whose_clock_is_behind_dates_our_calls_before_we_made_them(skew: float, since: timedelta) -> None:
    assert recognition.seen_from(NOW, skew) == NOW - SKEW - since


def test_without_a_moment_every_time_fits() -> None:
    old = record(started_at=NOW - timedelta(days=400))
    assert recognition.is_one_of(old, (TO, "+14152010002"), (FROM,), None)
    assert not recognition.is_one_of(old, (TO,), (FROM,), NOW)
    assert not recognition.is_one_of(old, (), (FROM,), None)


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (callid.call_id(b"secret", "reminders", "ann", 1), True),
        ("", False),
        ("a" * callid.LENGTH, True),
        ("a" * (callid.LENGTH - 1), False),
        ("A" * callid.LENGTH, False),
        ("0" * callid.LENGTH, False),
        ("66f1c0ffee66f1c0ffee66f1", False),
    ],
)
def test_the_form_of_an_id_of_ours(text: str, ours: bool) -> None:
    assert callid.may_be_ours(text) is ours


@pytest.mark.parametrize(
    ("seconds", "skew", "found"),
    [(None, 30.0, 0.0), (-12.0, 0.0, 12.0), (18.0, 30.0, 12.0), (-42.0, -30.0, 12.0), (5.0, 0.0, 0.0)],
)
def test_how_long_ago_a_moment_of_the_platforms_clock_was(seconds: float | None, skew: float, found: float) -> None:
    moment = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert recognition.ago(moment, NOW, skew) == found
