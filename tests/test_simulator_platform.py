"""The platform without sockets: limits, settings, the life of a call, the list of calls."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.simulator import HttpAnswer, Platform, Ring
from tests.simulator_kit import START, after, dial, number, platform, rules, wrong

FULL = "concurrent_call_limit_reached"


def place(there: Platform, n: int, seconds: float = 0.0, **changes: Any) -> HttpAnswer:
    return there.dial(dial(number(n), **changes), after(seconds))


def page(there: Platform, seconds: float = 0.0, **query: str) -> dict[str, Any]:
    answer = there.list(list(query.items()), after(seconds))
    assert answer.status == 200
    body: dict[str, Any] = answer.body
    return body


def numbers(body: dict[str, Any]) -> list[int]:
    return [int(call["to_number"][-4:]) for call in body["calls"]]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- the life of a call ---------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_a_call_goes_through_its_states_in_real_seconds(scale: float) -> None:
    there, log = platform(time_scale=scale)
    placed = place(there, 1)
    fate = log[0].fate
    rings, talks, ends = (
        (fate.setup) / scale,
        (fate.setup + fate.ring) / scale,
        (fate.setup + fate.ring + fate.talk) / scale,
    )

    def read(seconds: float) -> dict[str, Any]:
        body: dict[str, Any] = there.get(placed.body["_id"], after(seconds)).body
        return body

    registered, ringing, talking, over = read(rings - 0.001), read(rings + 0.001), read(ends - 0.001), read(ends)
    states = [call["call_status"] for call in (registered, ringing, talking, over)]
    assert states == ["registered", "ongoing", "ongoing", "ended"]
    assert registered["call_start_time"] is None
    assert ringing["messages"] is None
    assert read(talks + 0.001)["messages"] == []
    assert 0 < len(talking["messages"]) < len(over["messages"])
    assert talking["call_finish_reason"] is talking["call_end_time"] is talking["recorded_call_audio_url"] is None
    assert abs(moment(over["call_start_time"]) - after(rings)) < timedelta(milliseconds=1)
    assert abs(moment(over["call_end_time"]) - after(ends)) < timedelta(milliseconds=1)
    assert over["call_duration_seconds"] == round(fate.talk)
    assert over["call_finish_reason"] == "agent_ended_call"
    assert over["recorded_call_audio_url"].startswith("https://")


def test_who_does_not_answer_says_nothing() -> None:
    there, _ = platform(mix={"no_answer": 1})
    over = there.get(place(there, 1).body["_id"], after(60)).body
    assert (over["call_finish_reason"], over["call_duration_seconds"]) == ("no_answer", 0)
    assert over["messages"] is over["recorded_call_audio_url"] is None
    assert over["call_start_time"] < over["call_end_time"]


def test_who_was_never_rung_has_no_start() -> None:
    there, log = platform(mix={"invalid_payment": 1})
    over = there.get(place(there, 1).body["_id"], after(60)).body
    assert (over["call_status"], over["call_start_time"], over["call_duration_seconds"]) == ("error", None, 0)
    assert not log[0].rang


# --- limits ---------------------------------------------------------------------------------------


def test_lines_are_held_until_the_calls_are_over() -> None:
    there, log = platform(concurrent_calls=2, full_answer="429")
    assert [place(there, n).status for n in range(3)] == [201, 201, 429]
    first = min(ring.over_at for ring in log) - START.timestamp()
    assert place(there, 3, first - 0.01).status == 429
    assert [place(there, n, first + 0.01).status for n in (4, 5)] == [201, 429]


@pytest.mark.parametrize(("setting", "status"), [("429", 429), ("403", 403)])
def test_full_without_a_record(setting: str, status: int) -> None:
    there, log = platform(concurrent_calls=1, full_answer=setting)
    place(there, 1)
    refused = place(there, 2, call_id="again")
    assert (refused.status, refused.body["error"]) == (status, FULL)
    assert ("Retry-After" in refused.headers) == (status == 429)
    assert wrong(refused, "app__calls__schemas__ErrorResponse") == []
    assert len(log) == page(there)["total_count"] == 1
    assert place(there, 2, 3600, call_id="again").status == 201


def test_full_said_in_the_201() -> None:
    there, log = platform(concurrent_calls=1)
    place(there, 1)
    told = place(there, 2)
    assert (told.status, told.body["call_status"], told.body["call_finish_reason"]) == (201, "error", FULL)
    assert told.body["call_start_time"] is told.body["call_duration_seconds"] is None
    assert wrong(told, "PhoneCallResponse") == []
    assert [ring.rang for ring in log] == [True, False]


@pytest.mark.parametrize("scale", [1.0, 60.0])
def test_full_said_by_the_record_a_moment_later(scale: float) -> None:
    there, log = platform(concurrent_calls=1, full_answer="record", time_scale=scale)
    place(there, 1)
    told = place(there, 2)
    assert (told.status, told.body["call_status"], told.body["call_finish_reason"]) == (201, "registered", None)
    later = [there.get(told.body["_id"], after(seconds)).body for seconds in (0.29, 0.31)]
    assert [(call["call_status"], call["call_finish_reason"]) for call in later] == [
        ("registered", None),
        ("error", FULL),
    ]
    assert not log[1].rang


@pytest.mark.parametrize("setting", ["201", "record"])
def test_the_turned_away_hold_no_line_and_are_no_ring(setting: str) -> None:
    there, log = platform(concurrent_calls=1, full_answer=setting, mix={"line_busy": 1})
    place(there, 1)
    over = log[0].over_at - START.timestamp()
    place(there, 2, over - 0.01)
    assert place(there, 2, over + 0.01).body["call_status"] == "registered"
    assert [(ring.nth, ring.rang) for ring in log] == [(1, True), (0, False), (1, True)]


@pytest.mark.parametrize(
    ("rate", "times", "statuses"),
    [
        (2.0, [0, 0.1, 0.2, 0.99, 1.0, 1.05, 1.1], [201, 201, 429, 429, 201, 429, 201]),
        (0.5, [0, 1.9, 2.0, 3.9, 4.0], [201, 429, 201, 429, 201]),
        (1.5, [0, 0.1, 1.3, 1.34, 1.4, 1.44], [201, 201, 429, 201, 429, 201]),
    ],
)
def test_dials_in_a_second(rate: float, times: list[float], statuses: list[int]) -> None:
    there, _ = platform(calls_per_second=rate, time_scale=100.0)
    assert [place(there, n, at).status for n, at in enumerate(times)] == statuses


def test_too_fast_says_when_to_come_back() -> None:
    there, log = platform(calls_per_second=0.25)
    place(there, 1)
    refused = place(there, 2, 0.5)
    assert (refused.status, refused.headers["Retry-After"], len(log)) == (429, "4", 1)
    assert wrong(refused, "app__calls__schemas__ErrorResponse") == []


# --- settings that nobody knows of the real one ---------------------------------------------------


@pytest.mark.parametrize(
    ("lookup", "custom", "own"), [("custom", 200, 404), ("platform", 404, 200), ("both", 200, 200)]
)
def test_which_id_is_understood(lookup: str, custom: int, own: int) -> None:
    there, _ = platform(lookup=lookup)
    platform_id = place(there, 1, call_id="mine").body["_id"]
    assert there.get("mine", START).status == custom
    assert there.get(platform_id, START).status == own
    assert there.get("nobody's", START).status == 404


def test_a_repeated_id_refused() -> None:
    there, log = platform(repeated="refused")
    statuses = [place(there, 1, n, call_id=name).status for n, name in enumerate(["a", "a", "b"])]
    assert (statuses, len(log)) == ([201, 409, 201], 2)


def test_a_repeated_id_merged() -> None:
    there, log = platform(repeated="merged")
    first, again = place(there, 1, call_id="a"), place(there, 1, 3600, call_id="a")
    assert (again.status, again.body["_id"], again.body["call_status"]) == (201, first.body["_id"], "ended")
    assert len(log) == 1


def test_a_repeated_id_dialled() -> None:
    there, log = platform(repeated="dialled")
    first, again = place(there, 1, call_id="a"), place(there, 1, 1, call_id="a")
    assert first.body["_id"] != again.body["_id"]
    assert [(ring.call_id, ring.nth, ring.rang) for ring in log] == [("a", 1, True), ("a", 2, True)]
    assert there.get("a", after(1)).body["_id"] == again.body["_id"]


def test_calls_without_an_id_are_all_different() -> None:
    there, log = platform()
    assert [place(there, 1).status, place(there, 1, call_id=None).status] == [201, 201]
    assert len({ring.platform_id for ring in log}) == 2


def test_a_ring_that_cannot_be_written_was_not_accepted() -> None:
    class Full(list[Ring]):
        def append(self, ring: Ring, /) -> None:
            raise OSError(28, "No space left on device")

    there = Platform(rules(), Full())
    with pytest.raises(OSError, match="No space"):
        place(there, 1, call_id="a")
    assert page(there)["total_count"] == 0
    assert there.get("a", START).status == 404


# --- the list of calls ----------------------------------------------------------------------------


def crowd(count: int, apart: float = 1.0, **changes: Any) -> Platform:
    there, _ = platform(concurrent_calls=count, calls_per_second=1e6, **changes)
    for n in range(count):
        assert place(there, n, n * apart).status == 201
    return there


def test_newest_first_a_hundred_a_page() -> None:
    there = crowd(250)
    first = page(there, 250)
    assert (numbers(first), first["total_count"]) == (list(range(249, 149, -1)), 250)
    second = page(there, 250, page_token=first["next_page_token"])
    third = page(there, 250, page_token=second["next_page_token"])
    assert numbers(first) + numbers(second) + numbers(third) == list(range(249, -1, -1))
    assert third["next_page_token"] is None


def test_oldest_first_when_asked() -> None:
    there = crowd(5)
    assert numbers(page(there, 5, sort_direction="asc", page_size="3")) == [0, 1, 2]


def test_a_page_that_just_fits_is_the_last() -> None:
    there = crowd(4)
    assert page(there, 4, page_size="4")["next_page_token"] is None
    assert numbers(page(there, 4, page_size="3")) == [3, 2, 1]


def test_new_calls_shift_the_pages() -> None:
    there, _ = platform(concurrent_calls=9)
    for n in range(4):
        place(there, n, n)
    first = page(there, 4, page_size="2")
    place(there, 4, 4)
    second = page(there, 4, page_size="2", page_token=first["next_page_token"])
    assert (numbers(first), numbers(second)) == ([3, 2], [2, 1])


def test_a_time_filter_misses_what_is_registered() -> None:
    there, log = platform()
    place(there, 1)
    early, late = log[0].fate.setup - 0.01, log[0].fate.setup + 0.01
    since = (START - timedelta(hours=1)).isoformat()
    assert numbers(page(there, early)) == [1]
    assert numbers(page(there, early, start_time_after=since)) == []
    assert numbers(page(there, late, start_time_after=since)) == [1]


@given(
    at=st.integers(0, 400),
    after_=st.none() | st.integers(-10, 400),
    before=st.none() | st.integers(-10, 400),
    which=st.sampled_from(["start", "end"]),
)
def test_time_filters_are_those_of_the_times_told(at: int, after_: int | None, before: int | None, which: str) -> None:
    there = mixed_crowd()
    span = {f"{which}_time_after": after_, f"{which}_time_before": before}
    query = {name: after(bound).isoformat() for name, bound in span.items() if bound is not None}
    whole = page(there, at, page_size="1000")["calls"]
    expected = [call for call in whole if within(call[f"call_{which}_time"], after_, before)]
    found = page(there, at, page_size="1000", **query)
    assert found["calls"] == expected
    assert found["total_count"] == len(expected)


@functools.cache
def mixed_crowd() -> Platform:
    return crowd(120, apart=1.7, mix={"agent_ended_call": 3, "no_answer": 1, "invalid_payment": 1})


def within(time: str | None, after_: int | None, before: int | None) -> bool:
    if after_ is None and before is None:
        return True
    return time is not None and (
        (after_ is None or moment(time) > after(after_)) and (before is None or moment(time) < after(before))
    )


def test_agents_and_batches() -> None:
    there, _ = platform()
    for n, agent in enumerate(["one", "two", "three", None]):
        place(there, n, n, override_ai_agent_id=agent)
    pairs = [("ai_agent_ids", "one"), ("ai_agent_ids", "three"), ("unknown", "ignored")]
    assert numbers(there.list(pairs, after(9)).body) == [2, 0]
    assert page(there, 9, batch_call_id="x")["calls"] == []


@given(seconds=st.lists(st.floats(0, 100), min_size=1, max_size=30))
def test_lines_in_use_are_those_of_the_list_in_whatever_order_it_is_asked(seconds: list[float]) -> None:
    there, log = platform(concurrent_calls=3, full_answer="403", calls_per_second=1e6)
    for n, at in enumerate(seconds):
        accepted = {ring.platform_id for ring in log if ring.at <= after(at).timestamp()}  # wall clocks can go back
        told = [call for call in page(there, at)["calls"] if call["_id"] in accepted]
        live = sum(call["call_status"] in ("registered", "ongoing") for call in told)
        assert place(there, n, at).status == (403 if live >= 3 else 201)
