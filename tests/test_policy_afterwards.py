"""When a call's analysis is asked for, and what becomes of a time for which somebody asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import JSON
from dialer.policy import afterwards, outcome

NOW = datetime(2026, 10, 30, 14, tzinfo=UTC)
EAST, PHOENIX, NEPAL = ZoneInfo("America/New_York"), ZoneInfo("America/Phoenix"), ZoneInfo("Asia/Kathmandu")
LOCAL = datetime.fromisoformat("2026-10-31T00:00")
NO_MOMENT = "is not a date and a time"
TOO_FAR = "is not between 1 day ago and 90 days from now"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_analysis_is_asked_for_soon_and_then_ever_more_rarely() -> None:
    asked = list(accumulate(afterwards.wait_before(questions) for questions in range(8)))
    assert asked == [2, 5, 15, 30, 60, 120, 180, 240]


@pytest.mark.parametrize(
    ("reason", "has_messages", "has_talked"),
    [
        ("user_ended_call", False, True),
        ("call_transferred", True, True),
        ("no_audio_input", True, True),
        ("no_audio_input", False, False),
        ("llm_websocket_connection_lost", True, True),
        ("potential_scam_detected", True, True),
        ("voicemail_detected", True, False),
        ("no_answer", False, False),
        (None, True, True),
        ("something new", False, False),
    ],
)
def test_a_conversation_can_be_analysed(reason: str | None, has_messages: bool, has_talked: bool) -> None:
    assert afterwards.has_talked(reason, has_messages) is has_talked


@given(reason=st.sampled_from(sorted(outcome.REASONS)))
def test_every_call_that_reached_somebody_is_a_conversation(reason: str) -> None:
    assert afterwards.has_talked(reason, False) is (outcome.verdict(reason) == "reached")


@pytest.mark.parametrize(
    ("value", "zones", "moment"),
    [
        (None, (EAST,), None),
        ("  ", (EAST,), None),
        ("2026-11-03T15:00:00Z", (), utc("2026-11-03T15:00")),
        ("2026-11-03T15:00:00+05:45", (EAST,), utc("2026-11-03T09:15")),
        ("2026-11-03 15:00", (EAST,), utc("2026-11-03T20:00")),
        (" 2026-11-03T15:00 ", (NEPAL,), utc("2026-11-03T09:15")),
        # Never too early in any of the zones: 15:00 in Phoenix is two hours after 15:00 in New York.
        ("2026-11-03T15:00", (EAST, PHOENIX), utc("2026-11-03T22:00")),
        ("2026-11-03T15:00", (PHOENIX, EAST), utc("2026-11-03T22:00")),
        # Shown twice on 1 November: the later one.
        ("2026-11-01T01:30", (EAST,), utc("2026-11-01T06:30")),
        ("2026-10-29T15:00:00Z", (), utc("2026-10-29T15:00")),
        ("2026-10-29T13:00:00Z", (), TOO_FAR),
        ("2027-01-28T15:00:00Z", (), TOO_FAR),
        ("2026-11-03T15:00", (), "has no offset, and nobody knows where the person is"),
        ("2026-11-03", (EAST,), NO_MOMENT),
        ("tomorrow at three", (EAST,), NO_MOMENT),
        ("0001-01-01T00:00", (NEPAL,), NO_MOMENT),
        ("0001-01-01T00:00:00+05:00", (), NO_MOMENT),
        (1762182000, (EAST,), NO_MOMENT),
        (True, (EAST,), NO_MOMENT),
        (["2026-11-03T15:00"], (EAST,), NO_MOMENT),
    ],
)
def test_a_time_that_somebody_asks_for(value: JSON, zones: tuple[ZoneInfo, ...], moment: datetime | str | None) -> None:
    assert afterwards.called_back_at(value, zones, NOW) == moment


def test_a_time_that_a_clock_leaves_out_is_the_one_after_it() -> None:
    now = datetime(2027, 3, 10, tzinfo=UTC)
    assert afterwards.called_back_at("2027-03-14T02:30", (EAST,), now) == utc("2027-03-14T07:30")


@given(
    local=st.integers(0, 80 * 1440).map(lambda minutes: LOCAL + timedelta(minutes=minutes)),
    zones=st.lists(st.sampled_from([EAST, PHOENIX, NEPAL]), min_size=1),
)
def test_nobody_is_called_before_their_own_clock_shows_the_time(local: datetime, zones: list[ZoneInfo]) -> None:
    moment = afterwards.called_back_at(local.isoformat(), zones, NOW)
    assert isinstance(moment, datetime)
    assert all(moment.astimezone(zone).replace(tzinfo=None) >= local for zone in zones)


@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.datetimes().map(str)))
def test_whatever_is_told_there_is_a_word_on_it(value: JSON) -> None:
    found = afterwards.called_back_at(value, (EAST,), NOW)
    if isinstance(found, datetime):
        assert NOW - timedelta(days=1) <= found <= NOW + timedelta(days=90)
