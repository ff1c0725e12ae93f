"""A plan in words, as a chart's rows, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dialer.model.planning import Counted, Excluded, Forecast, Planned, Speed, Wait, ZoneForecast
from dialer.policy.chances import DEFAULT
from dialer.report import plan

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
HOUR = 3600
FORECAST = Forecast(
    at=NOW,
    people=100,
    ready=60,
    waits=(Wait(NOW + 61, 30, "hours"), Wait(NOW + 90, 5, "hours"), Wait(NOW + HOUR, 5, "times")),
    calls=207.25,
    worst=300,
    reached=72.5,
    unreached=27.5,
    first=NOW,
    last=NOW + 5 * HOUR,
    ends=NOW + 5 * HOUR + 44,
    zones=(ZoneForecast(("America/New_York",), 100, 207.25, NOW, NOW + 5 * HOUR),),
    binds={"hours": 600.0, "lines": 4.0 * HOUR},
    hours=((int(NOW), 200.0), (int(NOW) + HOUR, 7.25)),
    unfit={},
    cut=0.2,
    late=0.0,
)
PLANNED = Planned("reminders", "ledger", Counted((), {}), (), DEFAULT, Speed(1.0), 0.114, 3, FORECAST)


def told(**changes: object) -> str:
    """The plan of a forecast with these changes, as one line of single spaces."""
    lines = list(plan.text(replace(PLANNED, forecast=replace(FORECAST, **changes))))  # type: ignore[arg-type]
    assert max(map(len, lines)) <= 80
    return " ".join(" ".join(lines).split())


def test_the_whole_in_words() -> None:
    words = told()
    for part in (
        "reminders: 100 people to call, by its ledger.",
        "ready now 60 waiting 40 35 until 2026-11-23 12:02 UTC: the hours 5 until 2026-11-23 13:00 UTC: a time of",
        "calls about 207; at most 300, if nobody is reached in any of 3 attempts",
        "people about 72 reached, 28 not in all attempts",
        "first call 2026-11-23 12:00 UTC last call 2026-11-23 17:00 UTC; the line is free at 2026-11-23 17:00 UTC",
        "0.114 calls per second while people may be called: the lines bind (5 lines at 44 s a call; the file allows 1)",
        "held back by the lines for 4 h, the hours for 10 min",
        "America/New_York: 100 people, 207 calls, last at 2026-11-23 12:00 there",
        "answer=35% of the calls a person takes (assumed)",
        "length=60s a conversation lasts (assumed)",
        "of the rest: no_answer 100%",
    ):
        assert part in words
    for part in ("cannot fit", "cut short", "not through", "not called", "list faults", "finished"):
        assert part not in words


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"unfit": {"no_room": 12.4, "hours_never_open": 30.0}}, "cannot fit 42 30 the hours do not open before"),
        ({"unfit": {"time_is_over": 1.0}}, "cannot fit 1 1 their time is over already"),
        ({"cut": 7.4}, "cut short about 7.4 are called, and their next call would come too late"),
        ({"late": 1234.0}, "not through about 1,234 after 400 days"),
        ({"first": None, "last": None, "ends": None, "binds": {}}, "first call never last call never pace"),
        ({"people": 1}, "reminders: 1 person to call"),
        ({"zones": (ZoneForecast((), 5, 5.0, NOW, NOW),)}, "lines for 4 h, the hours for 10 min assumed"),
        ({"zones": (ZoneForecast(("A", "B", "C"), 5, 0.0, None, None),)}, "A + B and 1 more: 5 people, 0 calls, none"),
        (
            {"zones": (ZoneForecast(("A", "B"), 5, 5.0, NOW, NOW),)},
            "A + B: 5 people, 5 calls, last at 2026-11-23 12:00",
        ),
    ],
)
def test_what_is_told_where_it_is_so(changes: dict[str, object], words: str) -> None:
    assert words in told(**changes)


def test_long_lists_are_cut() -> None:
    zones = tuple(ZoneForecast((f"Zone/{n:02d}",), 100 - n, 1.0, NOW, NOW + n) for n in range(12))
    waits = tuple(Wait(NOW + 60 * n, n, "hours") for n in range(1, 13))
    words = told(zones=(*zones[:0],), waits=waits)
    assert "42 until later, at the latest 2026-11-23 12:12 UTC" in words
    several = replace(FORECAST, zones=tuple(replace(each, zones=(each.zones[0], "UTC")) for each in zones))
    lines = list(plan.text(replace(PLANNED, forecast=several)))
    assert any(line.startswith("    4 others: 362 people, last at 2026-11-23 12:00") for line in lines)


def test_who_is_not_called_is_told_with_why_and_some_of_them() -> None:
    excluded = [Excluded("opted_out", 1200, ("+14155550101", "+14155550102")), Excluded("dnc:national.csv", 1)]
    excluded += [Excluded(f"blocked:rule-{n}", 1, ("+14155550103",)) for n in range(8)]
    found = replace(
        PLANNED, excluded=tuple(excluded), counted=Counted((), {}, finished=7, rejects=(Excluded("ragged", 2),))
    )
    words = " ".join(" ".join(plan.text(found)).split())
    assert "finished 7 already not called 1,209" in words
    assert "1,200 asked not to be called [opted_out] (+14155550101, +14155550102, …)" in words
    assert "2 for 2 other reasons list faults 2 2 ragged calls" in words


def rows(hours: Sequence[tuple[int, float]]) -> tuple[str, list[tuple[str, float]]]:
    return plan.chart(replace(FORECAST, hours=tuple(hours), last=None))


def test_a_chart_is_by_the_hour_or_where_that_is_too_long_by_the_day() -> None:
    assert rows(FORECAST.hours) == (
        "calls per hour (UTC)", [("Mon 2026-11-23 12:00", 200.0), ("Mon 2026-11-23 13:00", 7.25)],
    )  # fmt: skip
    title, days = rows([(int(NOW) + n * HOUR, 1.0) for n in range(60)])
    assert (title, days) == (
        "calls per day (UTC); --json has each hour",
        [("Mon 2026-11-23", 12.0), ("Tue 2026-11-24", 24.0), ("Wed 2026-11-25", 24.0)],
    )


def test_as_json_instants_are_in_utc_and_lengths_in_seconds() -> None:
    found = plan.as_json(PLANNED)
    assert (found["at"], found["ends"]) == ("2026-11-23T12:00:00Z", "2026-11-23T17:00:44Z")
    assert found["binds"] == {"hours": 600.0, "lines": 14400.0}
    assert found["hours"] == [
        {"at": "2026-11-23T12:00:00Z", "calls": 200.0}, {"at": "2026-11-23T13:00:00Z", "calls": 7.25},
    ]  # fmt: skip
    assert found["waiting"] == [
        {"until": "2026-11-23T12:02:00Z", "cause": "hours", "people": 35},
        {"until": "2026-11-23T13:00:00Z", "cause": "times", "people": 5},
    ]


def test_a_chart_ends_with_the_last_call() -> None:
    hours = tuple((int(NOW) + n * HOUR, 0.2) for n in range(9))
    _, shown = plan.chart(replace(FORECAST, hours=hours, last=NOW + 2.5 * HOUR))
    assert len(shown) == 3


def test_of_those_who_were_purged_no_example_is_told() -> None:
    shown = told_of(Excluded("purged", 3, ("", "")))
    assert "forgotten by `dialer purge` [purged]" in shown and "(" not in shown


def test_one_is_a_person_and_a_call() -> None:
    assert "1 person, 1 call, last at" in told(zones=(ZoneForecast(("A", "B"), 1, 1.0, NOW, NOW),))


def test_a_full_day_has_words_of_its_own() -> None:
    assert "today has had all its calls" in told(waits=(Wait(NOW + HOUR, 4, "per_day"),))


def told_of(one: Excluded) -> str:
    (line,) = [each for each in plan.text(replace(PLANNED, excluded=(one,))) if one.why in each]
    return line
