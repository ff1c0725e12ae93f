"""A plan in words, as a chart's rows, and as JSON. Pure; numbers in it are masked by whoever shows it."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dialer.model.planning import Assumed, Excluded, Forecast, Planned, ZoneForecast
from dialer.policy.ahead import FAR_DAYS
from dialer.policy.chances import line_seconds
from dialer.report import brief, why

_WIDTH = 80
_HEAD = 14  # columns for what a line is about
_MOST = 8  # lines under one heading
_MOST_HOURS = 48
_SOME = 0.5  # of a person: what is less is not told

BINDS: Mapping[str, str] = {
    "lines": "the lines",
    "calls_per_second": "the calls per second",
    "per_day": "the calls that a day may have",
    "hours": "the hours",
    "times": "that the next call is due later",
}
"""What holds calls back, in words."""

UNFIT: Mapping[str, str] = {
    "time_is_over": "their time is over already",
    "hours_never_open": "the hours do not open before their end, or not at all",
    "no_room": "the pace does not reach them before their end",
}
"""Why somebody cannot be called before their end, in words."""

_SHARES = ("answer", "machine")
_ASSUMED: Mapping[str, str] = {
    "answer": "of the calls a person takes",
    "machine": "of the calls a machine takes",
    "length": "a conversation lasts",
    "machine_length": "a call that a machine takes lasts",
    "ring": "it rings before it is taken, or given up",
    "lines": "calls at once",
}


# --- for people --------------------------------------------------------------------------------------


def text(planned: Planned) -> Iterator[str]:
    """The plan in lines of 80 columns, without its chart."""
    found = planned.forecast
    whence = "its ledger" if planned.source == "ledger" else "its list, which no run has taken in yet"
    yield from _wrapped(f"{planned.campaign}: {_people(found.people)} to call, by {whence}.", "")
    yield from _line("ready now", f"{found.ready:,}")
    yield from _waiting(found)
    yield from _left_out(planned)
    yield from _calls(planned)
    yield from _held(planned)
    yield from _unfit(found)
    yield from _zones(found.zones)
    yield from _assumptions(planned.assumed)
    for note in planned.notes:
        yield from _line("note", note)


def _line(head: str, words: str) -> Iterator[str]:
    yield from _wrapped(words, f"  {head:<{_HEAD}}")


def _wrapped(words: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(
        words, _WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent), break_on_hyphens=False
    )


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _about(count: float) -> str:
    return f"{count:,.1f}" if 0 < count < 10 and count != round(count) else f"{count:,.0f}"


def _moment(at: float | None) -> str:
    return "never" if at is None else _utc(at).strftime("%Y-%m-%d %H:%M UTC")


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _waiting(found: Forecast) -> Iterator[str]:
    waits = _by_minute(found)
    if not waits:
        return
    yield from _line("waiting", f"{sum(people for _, _, people in waits):,}")
    for until, cause, people in waits[:_MOST]:
        yield f"  {people:>{_HEAD},}  until {_moment(until)}: {_WAITS.get(cause, 'a time of their own')}"
    if rest := waits[_MOST:]:
        count = sum(people for _, _, people in rest)
        yield f"  {count:>{_HEAD},}  until later, at the latest {_moment(rest[-1][0])}"


_WAITS: Mapping[str, str] = {"hours": "the hours", "per_day": "today has had all its calls"}


def _by_minute(found: Forecast) -> list[tuple[float, str, int]]:
    """Who waits, by the minute: many have a time of their own."""
    waits = defaultdict[tuple[float, str], int](int)
    for each in found.waits:
        waits[-(-each.until // 60) * 60, each.cause] += each.people
    return [(until, cause, people) for (until, cause), people in sorted(waits.items())]


def _left_out(planned: Planned) -> Iterator[str]:
    counted = planned.counted
    if counted.finished:
        yield from _line("finished", f"{counted.finished:,} already")
    yield from _excluded("not called", planned.excluded, _why)
    yield from _excluded("list faults", counted.rejects, _fault)


def _why(detail: str) -> str:
    words = why("excluded", "", detail)
    return detail if words == detail else f"{words} [{detail}]"


def _fault(reason: str) -> str:
    return reason


def _excluded(head: str, found: Sequence[Excluded], words: Callable[[str], str]) -> Iterator[str]:
    if not found:
        return
    yield from _line(head, f"{sum(each.people for each in found):,}")
    for each in found[:_MOST]:
        known = [example for example in each.examples if example]  # of those who were purged nothing is
        some = f" ({', '.join(known)}{', …' if each.people > len(known) else ''})" if known else ""
        yield from _wrapped(f"{words(each.why)}{some}", f"  {each.people:>{_HEAD},}  ")
    if rest := found[_MOST:]:
        yield f"  {sum(each.people for each in rest):>{_HEAD},}  for {len(rest)} other reasons"


def _calls(planned: Planned) -> Iterator[str]:
    found = planned.forecast
    worst = f"at most {found.worst:,}, if nobody is reached in any of {planned.attempts} attempts"
    yield from _line("calls", f"about {_about(found.calls)}; {worst}")
    yield from _line("people", f"about {_about(found.reached)} reached, {_about(found.unreached)} not in all attempts")
    yield from _line("first call", _moment(found.first))
    over = "" if found.ends is None else f"; the line is free at {_moment(found.ends)}"
    yield from _line("last call", f"{_moment(found.last)}{over}")


def _held(planned: Planned) -> Iterator[str]:
    length, assumed = line_seconds(planned.assumed), planned.assumed
    slowest = "calls per second bind" if planned.rate >= planned.speed.calls_per_second else "lines bind"
    told = f"{assumed.lines:g} lines at {length:.3g} s a call; the file allows {planned.speed.calls_per_second:g}"
    yield from _line("pace", f"{planned.rate:.3g} calls per second while people may be called: the {slowest} ({told})")
    found = sorted(planned.forecast.binds.items(), key=lambda item: -item[1])
    if found:
        yield from _line("held back by", ", ".join(f"{BINDS[cause]} for {brief(seconds)}" for cause, seconds in found))


def _unfit(found: Forecast) -> Iterator[str]:
    if total := sum(found.unfit.values()):
        yield from _line("cannot fit", f"{_about(total)}")
        for cause, people in sorted(found.unfit.items(), key=lambda item: -item[1]):
            yield from _wrapped(UNFIT[cause], f"  {_about(people):>{_HEAD}}  ")
    if found.cut >= _SOME:
        yield from _line("cut short", f"about {_about(found.cut)} are called, and their next call would come too late")
    if found.late >= _SOME:
        yield from _line("not through", f"about {_about(found.late)} after {FAR_DAYS} days, when the forecast ends")


def _zones(found: Sequence[ZoneForecast]) -> Iterator[str]:
    if not any(each.zones for each in found):
        return
    yield "  by time zone"
    ordered = sorted(found, key=lambda each: -each.people)
    for each in ordered[:_MOST]:
        calls = "1 call" if each.calls == 1 else f"{_about(each.calls)} calls"
        told = f"{_people(each.people)}, {calls}, {_ended(each)}"
        yield from textwrap.wrap(
            f"{_named(each.zones)}: {told}", _WIDTH, initial_indent="    ", subsequent_indent=" " * 6
        )
    if rest := ordered[_MOST:]:
        people, last = sum(each.people for each in rest), max((each.last or 0.0 for each in rest), default=0.0)
        yield f"    {len(rest)} others: {_people(people)}, last at {_moment(last or None)}"


def _named(zones: Sequence[str]) -> str:
    if not zones:
        return "no zone asked"
    more = f" and {len(zones) - 2} more" if len(zones) > 2 else ""
    return " + ".join(zones[:2]) + more


def _ended(each: ZoneForecast) -> str:
    """The last call, on the clock that is theirs; where they have several, in UTC."""
    if each.last is None:
        return "none of them can be made"
    if len(each.zones) != 1:
        return f"last at {_moment(each.last)}"
    return f"last at {_utc(each.last).astimezone(ZoneInfo(each.zones[0])):%Y-%m-%d %H:%M} there"


def _assumptions(assumed: Assumed) -> Iterator[str]:
    yield "  assumed, and changed by --assume NAME=VALUE,…"
    for name, words in _ASSUMED.items():
        value = getattr(assumed, name)
        yield from _wrapped(f"{words} ({assumed.sources.get(name, 'assumed')})", f"    {_named_value(name, value):<24}")
    rest = ", ".join(f"{reason} {share:.0%}" for reason, share in sorted(assumed.others.items(), key=lambda i: -i[1]))
    yield from _wrapped(f"of the rest: {rest}", "    ")


def _named_value(name: str, value: float) -> str:
    """As `--assume` takes it."""
    if name in _SHARES:
        return f"{name}={value * 100:.3g}%"
    return f"{name}={value:.4g}" if name == "lines" else f"{name}={value:.3g}s"


# --- as a chart --------------------------------------------------------------------------------------


def chart(found: Forecast) -> tuple[str, list[tuple[str, float]]]:
    """The chart's heading and its rows: calls by the hour, or by the day where there would be too many hours.

    It ends with the last call: what comes after that is less than half of one.
    """
    hours = [(at, calls) for at, calls in found.hours if found.last is None or at <= found.last]
    if len(hours) <= _MOST_HOURS:
        return "calls per hour (UTC)", [(f"{_utc(at):%a %Y-%m-%d %H:%M}", calls) for at, calls in hours]
    days = defaultdict[str, float](float)
    for at, calls in hours:
        days[f"{_utc(at):%a %Y-%m-%d}"] += calls
    return "calls per day (UTC); --json has each hour", list(days.items())


# --- as JSON -----------------------------------------------------------------------------------------


def as_json(planned: Planned) -> dict[str, object]:
    """All of the plan; instants in UTC, lengths in seconds, people and calls in fractions where they are expected."""
    found, counted = planned.forecast, planned.counted
    return {
        "campaign": planned.campaign,
        "at": _iso(found.at),
        "source": planned.source,
        "people": found.people,
        "ready": found.ready,
        "waiting": [{"until": _iso(until), "cause": cause, "people": n} for until, cause, n in _by_minute(found)],
        "finished": counted.finished,
        "on_the_line": counted.live,
        "unknown": counted.unknown,
        "excluded": [_excluded_json(each) for each in planned.excluded],
        "list_faults": [_excluded_json(each) for each in counted.rejects],
        "calls": _round(found.calls),
        "most_calls": found.worst,
        "reached": _round(found.reached),
        "unreached": _round(found.unreached),
        "first_call": _iso(found.first),
        "last_call": _iso(found.last),
        "ends": _iso(found.ends),
        "rate": round(planned.rate, 6),
        "binds": {cause: _round(seconds) for cause, seconds in found.binds.items()},
        "cannot_fit": {cause: _round(people) for cause, people in found.unfit.items()},
        "cut_short": _round(found.cut),
        "not_through": _round(found.late),
        "zones": [_zone_json(each) for each in found.zones],
        "hours": [{"at": _iso(at), "calls": _round(calls)} for at, calls in found.hours],
        "assumed": _assumed_json(planned.assumed),
        "notes": list(planned.notes),
    }


def _round(value: float) -> float:
    return round(value, 3)


def _iso(at: float | None) -> str | None:
    return None if at is None else _utc(at).isoformat(timespec="seconds").replace("+00:00", "Z")


def _excluded_json(each: Excluded) -> dict[str, object]:
    return {"why": each.why, "people": each.people, "examples": list(each.examples)}


def _zone_json(each: ZoneForecast) -> dict[str, object]:
    moments = {"first_call": _iso(each.first), "last_call": _iso(each.last)}
    return {"zones": list(each.zones), "people": each.people, "calls": _round(each.calls), **moments}


def _assumed_json(assumed: Assumed) -> dict[str, object]:
    values = {name: {"value": getattr(assumed, name), "from": assumed.sources.get(name)} for name in _ASSUMED}
    return {**values, "others": dict(assumed.others)}
