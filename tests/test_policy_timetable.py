"""Hours of a week between text and value."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model.rules import EVERY_MINUTE, Week
from dialer.policy.timetable import DAYS, BadRule, week, words

NINE_TO_TWELVE = ((540, 720),)
SPLIT = ((540, 720), (780, 1170))


@pytest.mark.parametrize(
    ("hours", "expected", "said"),
    [
        (
            {"mon-fri": ["09:00-12:00", "13:00-19:30"], "sat": ["10:00-16:00"]},
            (SPLIT,) * 5 + (((600, 960),), ()),
            "Mon–Fri 09:00–12:00, 13:00–19:30; Sat 10:00–16:00",
        ),
        ({"daily": "00:00-24:00"}, EVERY_MINUTE, "Mon–Sun 00:00–24:00"),
        ({"mon-sat": ["9:00 – 12:00"], "sun": []}, (NINE_TO_TWELVE,) * 6 + ((),), "Mon–Sat 09:00–12:00"),
        ({"sat-sun": ["09:00-12:00"]}, ((),) * 5 + (NINE_TO_TWELVE,) * 2, "Sat–Sun 09:00–12:00"),
        (
            {"mon, Wed": ["09:00-12:00"]},
            (NINE_TO_TWELVE, (), NINE_TO_TWELVE, (), (), (), ()),
            "Mon 09:00–12:00; Wed 09:00–12:00",
        ),
        (
            {"fri-mon": ["09:00-12:00"]},
            (NINE_TO_TWELVE, (), (), (), *(NINE_TO_TWELVE,) * 3),
            "Mon 09:00–12:00; Fri–Sun 09:00–12:00",
        ),
        ({"sun-sat": ["09:00-12:00"]}, (NINE_TO_TWELVE,) * 7, "Mon–Sun 09:00–12:00"),
        ({"Monday–tue": ["13:00-19:30", "09:00-12:00"]}, (SPLIT, SPLIT, (), (), (), (), ()), None),
        ({"tue": ["22:00-24:00", "20:00-22:00"]}, ((), ((1200, 1320), (1320, 1440)), (), (), (), (), ()), None),
    ],
)
def test_hours_that_can_be_taken(hours: Mapping[str, object], expected: Week, said: str | None) -> None:
    assert week(hours) == expected
    assert said is None or words(expected) == said


def test_a_week_that_never_opens_says_never() -> None:
    assert words(((),) * 7) == "never"


@pytest.mark.parametrize(
    ("hours", "key", "message", "suggestion"),
    [
        ({}, "", "these hours never open", "give at least one day a window"),
        ({"mon": [], "tue": []}, "", "these hours never open", "give at least one day"),
        (
            {"mon-fri": ["09:00-12:00"], "fri": ["09:00-11:00"]},
            "fri",
            "fri is named twice, here and in 'mon-fri'",
            "once",
        ),
        ({"mon,mon": ["09:00-12:00"]}, "mon,mon", "mon is named twice", "once"),
        ({"monn": ["09:00-12:00"]}, "monn", "'monn' is not a day", "mon-fri or daily"),
        ({"mon-": ["09:00-12:00"]}, "mon-", "'' is not a day", "mon-fri or daily"),
        ({"mon": ["9-12"]}, "mon", "'9-12' is not a window", "write it as 09:00-12:00"),
        ({"mon": [["09:00-12:00"]]}, "mon", "windows are needed", "write them as"),
        ({"mon": {"from": "09:00"}}, "mon", "windows are needed", "write them as"),
        ({"mon": ["09:60-12:00"]}, "mon", "past the clock's end", "24:00 ends a day"),
        ({"mon": ["09:00-24:01"]}, "mon", "past the clock's end", "24:00 ends a day"),
        ({"mon": ["24:00-24:00"]}, "mon", "past the clock's end", "24:00 ends a day"),
        ({"mon": ["09:00-09:00"]}, "mon", "the window '09:00-09:00' is empty", "another end"),
        ({"mon": ["09:00-00:00"]}, "mon", "ends before it begins", "write 09:00-24:00"),
        (
            {"mon": ["22:00-02:00"]},
            "mon",
            "crosses midnight",
            "write two: 22:00-24:00 on the first day and 00:00-02:00 on the next",
        ),
        (
            {"mon": ["11:30-19:00", "09:00-12:00"]},
            "mon",
            "09:00-12:00 and 11:30-19:00 overlap",
            "write one window, 09:00-19:00",
        ),
        ({"mon": ["09:00-19:00", "10:00-12:00"]}, "mon", "overlap", "write one window, 09:00-19:00"),
    ],
)
def test_hours_that_cannot_be_taken(hours: Mapping[str, object], key: str, message: str, suggestion: str) -> None:
    with pytest.raises(BadRule) as caught:
        week(hours)
    assert caught.value.key == key
    assert message in caught.value.message
    assert suggestion in caught.value.suggestion


def test_a_fault_says_its_key_and_can_be_said_of_one_further_up() -> None:
    fault = BadRule("mon", "is wrong", "right it").under("hours")
    assert str(fault) == "hours.mon: is wrong; right it"
    assert str(BadRule("", "is wrong").under("hours")) == "hours: is wrong"


spans = st.lists(st.integers(0, 1440), max_size=6, unique=True).map(
    lambda edges: tuple(zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)
weeks = st.tuples(*[spans] * 7).filter(any)


@given(week_=weeks)
def test_what_is_said_of_a_week_makes_the_same_week(week_: Week) -> None:
    hours = dict(part.split(" ", 1) for part in words(week_).split("; "))
    assert week({days: windows.split(", ") for days, windows in hours.items()}) == week_


@given(text=st.from_regex(re.compile(r"[0-9:\-– ]{0,12}"), fullmatch=True))
def test_no_window_is_misread(text: str) -> None:
    """Whatever is taken is a window of one day whose digits are those of the text."""
    try:
        found = week({"mon": text})[0]
    except BadRule:
        return
    ((start, end),) = found
    assert 0 <= start < end <= 1440
    digits = [int(part) for part in re.findall("[0-9]+", text)]
    assert [start // 60, start % 60, end // 60, end % 60] == digits


def test_the_days_are_seven() -> None:
    assert len(DAYS) == len(set(DAYS)) == 7
