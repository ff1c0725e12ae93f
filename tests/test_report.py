"""Where a campaign stands, in words and numbers: pure functions, so tables."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import Halt, Refusal
from dialer.report import (
    CALLS_PER_SECOND,
    DAY,
    HOURS,
    LINES,
    LIST_DONE,
    NOTHING_DUE,
    Totals,
    at_minute,
    brief,
    closing_json,
    closing_line,
    estimate_left,
    in_words,
    summary,
    totals_json,
    what_binds,
    why,
)
from dialer.report.words import REASONS

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
TOTALS = Totals(
    campaign="reminders",
    at=NOW,
    states={"waiting": 400, "due": 12, "done": 180, "exhausted": 3, "excluded": 2, "unknown": 3},
    reasons={
        ("waiting", "no_answer", "no_answer"): 300,
        ("waiting", "line_busy", "line_busy"): 100,
        ("due", "", ""): 12,
        ("done", "user_ended_call", "user_ended_call"): 120,
        ("done", "agent_ended_call", "agent_ended_call"): 60,
        ("exhausted", "no_answer", "attempts_used_up:no_answer"): 2,
        ("exhausted", "line_busy", "expired"): 1,
        ("excluded", "", "withdrawn"): 1,
        ("excluded", "", "rejected: to_number is not allowed"): 1,
        ("unknown", "", "status 502"): 3,
    },
    attempts=598,
    rejects={"duplicate": 4, "invalid_number": 1},
    live=0,
    due={"now": 0, "hour": 0, "day": 412, "later": 0},
    next_due=NOW + timedelta(hours=4, minutes=29, seconds=31),
)


def test_the_closing_line() -> None:
    line = closing_line("reminders", 75, "outside_hours", TOTALS)
    assert line == "reminders 75 outside_hours next=2026-11-23T14:00Z due=412 live=0 unknown=3"


@pytest.mark.parametrize(
    ("now_due", "next_due", "told"),
    [
        (0, None, "-"),
        (5, None, "2026-11-23T09:30Z"),
        (5, NOW + timedelta(hours=1), "2026-11-23T09:30Z"),
        (0, NOW + timedelta(minutes=1), "2026-11-23T09:31Z"),
        (0, NOW + timedelta(milliseconds=1), "2026-11-23T09:31Z"),
    ],
)
def test_next_is_a_minute_at_which_there_is_work(now_due: int, next_due: datetime | None, told: str) -> None:
    totals = replace(TOTALS, due={"now": now_due}, next_due=next_due)
    assert f" next={told} " in closing_line("reminders", 75, "due_later", totals)


@given(
    name=st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True),
    code=st.sampled_from([0, 3, 75, 70]),
    states=st.dictionaries(st.sampled_from(["due", "waiting", "unknown", "done"]), st.integers(0, 10**7)),
    live=st.integers(0, 500),
    next_due=st.none() | st.integers(0, 10**10).map(lambda seconds: NOW + timedelta(seconds=seconds)),
)
def test_the_closing_line_can_be_read_back(
    name: str, code: int, states: dict[str, int], live: int, next_due: datetime | None
) -> None:
    totals = replace(TOTALS, states=states, live=live, next_due=next_due)
    words = closing_line(name, code, "a_reason", totals).split(" ")
    fields = dict(word.split("=") for word in words[3:])
    assert words[:3] == [name, str(code), "a_reason"]
    assert list(fields) == ["next", "due", "live", "unknown"]
    assert int(fields["due"]) == states.get("due", 0) + states.get("waiting", 0)
    assert (int(fields["live"]), int(fields["unknown"])) == (live, states.get("unknown", 0))
    assert fields["next"] == "-" or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", fields["next"])


def test_the_closing_json_says_what_the_line_says() -> None:
    told = closing_json("reminders", 75, "outside_hours", TOTALS)
    assert json.loads(json.dumps(told)) == told
    head = {key: told[key] for key in ("campaign", "code", "reason", "next", "due", "live", "unknown")}
    assert head == {
        "campaign": "reminders",
        "code": 75,
        "reason": "outside_hours",
        "next": "2026-11-23T14:00:00Z",
        "due": 412,
        "live": 0,
        "unknown": 3,
    }
    assert told["rows"] == 600
    assert told["states"] == {
        "due": 12,
        "dialing": 0,
        "waiting": 400,
        "done": 180,
        "exhausted": 3,
        "excluded": 2,
        "unknown": 3,
    }
    assert told["rejects"] == {"duplicate": 4, "invalid_number": 1}


SUMMARY = """\
reminders: 600 people; 598 attempts were used up.
   180 reached
         120  talked, and hung up themselves
          60  talked until the agent ended the call
   412 to be tried, the next at 2026-11-23 14:00 UTC
         300  did not answer
         100  line was busy
          12  not called yet
     3 not reached and not to be tried again
           2  did not answer; all attempts are used up
           1  line was busy; their time is over
     2 not to be called
           1  no longer on the list
           1  the platform did not take the request: to_number is not allowed
     3 unknown: nobody can say yet whether they were rung
           3  status 502
     5 faults in the list (duplicate 4, invalid_number 1): `export --rejects` lists them"""


def test_the_summary() -> None:
    assert "\n".join(summary(TOTALS)) == SUMMARY


def test_the_summary_says_who_can_be_tried_at_once() -> None:
    assert "   412 to be tried, 12 of them at once" in summary(replace(TOTALS, due={"now": 12}))
    assert "   412 to be tried at once" in summary(replace(TOTALS, due={"now": 412}, next_due=None))


def test_many_reasons_are_told_as_others() -> None:
    reasons = {("excluded", "", f"rejected: {number}"): 2 for number in range(20)}
    lines = summary(replace(TOTALS, states={"excluded": 40}, reasons=reasons, rejects={}))
    assert len(lines) == 2 + 8 + 1
    assert lines[-1] == "          24  for 12 other reasons"


def test_every_finish_reason_of_the_contract_has_words() -> None:
    contract = yaml.safe_load((Path(__file__).parent / "dial-openapi.yaml").read_text())
    response = contract["components"]["schemas"]["PhoneCallResponse"]["properties"]
    assert set(REASONS) == set(response["call_finish_reason"]["anyOf"][0]["enum"])


@pytest.mark.parametrize("code", [*Refusal, *Halt])
def test_every_detail_of_ours_has_words(code: str) -> None:
    assert why("due", "", code) not in ("", code)
    assert "the platform said" not in in_words(code)


@pytest.mark.parametrize(
    ("finish_reason", "detail", "words"),
    [
        ("", "", ""),
        ("no_answer", "", "did not answer"),
        ("moon_eclipse", "", "the platform said moon_eclipse"),
        ("moon_eclipse", "attempts_used_up:moon_eclipse", "the platform said moon_eclipse; all attempts are used up"),
        ("voicemail_detected", "never:voicemail_detected", "voicemail answered; not to be tried again after that"),
        ("call_failed", "tried_often_enough:call_failed", f"{REASONS['call_failed']}; tried often enough for that"),
        (
            "unknown_error",
            "platform_failed_in_talk:unknown_error",
            "the platform could not say what happened; somebody was on the line, so they are not rung again",
        ),
        ("", "attempts_used_up:unsent", "not rung: the platform could not be reached; all attempts are used up"),
        ("", "expired", "their time is over"),
        ("", "status 502: bad gateway", "status 502: bad gateway"),
    ],
)
def test_why(finish_reason: str, detail: str, words: str) -> None:
    assert why("exhausted", finish_reason, detail) == words


def test_a_dial_that_came_too_late_is_not_a_person_whose_time_is_over() -> None:
    assert why("due", "no_answer", "expired") == "not rung: the dial came too late to be sent"


@pytest.mark.parametrize(
    ("unfinished", "due_now", "lines", "line_limit", "binds"),
    [
        (0, 0, 0, 20, LIST_DONE),
        (9, 5, 20, 20, LINES),
        (9, 5, 25, 20, LINES),
        (9, 5, 3, 20, CALLS_PER_SECOND),
        (9, 0, 3, 20, NOTHING_DUE),
        (9, 0, 20, 20, LINES),
    ],
)
def test_what_binds(unfinished: int, due_now: int, lines: int, line_limit: int, binds: str) -> None:
    assert what_binds(unfinished=unfinished, due_now=due_now, lines=lines, line_limit=line_limit) == binds


@pytest.mark.parametrize(
    ("unfinished", "finished", "calls", "rate", "lines", "line_seconds", "last_due", "seconds"),
    [
        (0, 300, 400, 10.0, 20, 60.0, 0.0, 0.0),
        (300, 0, 5, 10.0, 20, 60.0, 0.0, None),  # nobody has finished yet
        (300, 10, 10, 10.0, 20, 0.0, 0.0, None),  # no call has ended yet
        (100, 100, 100, 10.0, 20, 1.0, 0.0, 11.0),  # the rate binds
        (100, 100, 100, 10.0, 20, 60.0, 0.0, 360.0),  # the lines bind
        (100, 100, 200, 10.0, 20, 60.0, 0.0, 660.0),  # two calls for each
        (100, 100, 100, 10.0, 20, 1.0, 7200.0, 7201.0),  # somebody waits for two hours
        (100, 100, 100, 10.0, 0, 1.0, 0.0, None),  # no lines
    ],
)
def test_estimate_left(
    unfinished: int,
    finished: int,
    calls: int,
    rate: float,
    lines: int,
    line_seconds: float,
    last_due: float,
    seconds: float | None,
) -> None:
    left = estimate_left(
        unfinished=unfinished,
        finished=finished,
        calls=calls,
        calls_per_second=rate,
        lines=lines,
        line_seconds=line_seconds,
        last_due=last_due,
    )
    assert left == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7800, "2 h 10 min"),
        (4 * 86400 + 3 * 3600 + 59, "4 d 3 h"),
    ],
)
def test_brief(seconds: float, text: str) -> None:
    assert brief(seconds) == text


def test_minutes_are_rounded_up_over_the_end_of_a_year() -> None:
    assert at_minute(datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC)) == "2027-01-01 00:00 UTC"


def test_a_full_day_and_a_pause_are_not_the_hours() -> None:
    closed = replace(TOTALS, is_closed=True)
    assert "when the hours let them, from" in "\n".join(summary(closed))
    assert "when the next day begins, from" in "\n".join(summary(replace(closed, is_day_full=True)))
    assert "to be tried once it is resumed" in "\n".join(summary(replace(closed, is_paused=True)))
    told = totals_json(replace(closed, is_day_full=True))
    assert (told["outside_hours"], told["day_full"]) == (False, True)


def test_what_keeps_those_who_are_due_has_a_word_of_its_own() -> None:
    assert what_binds(unfinished=3, due_now=3, lines=0, line_limit=5, closed_by=DAY) == "the calls of the day"
    assert what_binds(unfinished=3, due_now=3, lines=5, line_limit=5, closed_by=HOURS) == LINES
