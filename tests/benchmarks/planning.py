"""What a forecast of a million people costs, by their list and by a ledger; and what it costs to decide one dial."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from dialer import packs
from dialer.model import Audience, CallingRules, Candidate, Cap, ContactState, History, Purpose, Ring, Rule
from dialer.permits import Permits
from tests.benchmarks.kit import MEGABYTE, How, Line, Spent, in_process, megabytes

FULL, QUICK = 1_000_000, 20_000
RULES = 200
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
_MOST_SECONDS, _MOST_MEMORY, _MOST_A_DIAL = 30.0, 300 * MEGABYTE, 50e-6
_DIALS, _FIRST = 5_000, 500

_WHERE = (
    ("212", "10001"), ("415", "94105"), ("713", "77002"), ("305", "33101"), ("602", "85001"), ("312", "60601"),
    ("617", "02108"), ("404", "30301"), ("303", "80202"), ("208", "83701"), ("502", "40201"), ("615", "37201"),
    ("850", "32501"), ("219", "46401"), ("701", "58501"), ("605", "57701"), ("913", "66101"), ("308", "69101"),
)  # fmt: skip
_CAMPAIGN = """\
name: million
contacts: {file: list.csv, phone: phone, id: id, country: US, postcode: zip}
call: {from: ["+14155550100"], data: [first_name]}
platform: {url: simulator}
pace: {calls_per_second: 20, concurrent_calls: 1500}
hours: {mon-fri: [09:00-12:00, 13:00-19:30], sat: [10:00-16:00], holidays: [US]}
rules: {purpose: info, packs: [us], consent: given}
ledger: million.db
"""


def measure(how: How) -> list[Line]:
    """Time and peak memory of both plans, in processes of their own; then the decision of a dial."""
    people = QUICK if how.quick else FULL
    path = written(how.folder, people)
    by_list = in_process(planned, str(path))
    taken = in_process(take, str(path))
    by_ledger = in_process(planned, str(path))
    return [
        *_lines(f"planning {people:,} people by their list", by_list, how.quick),
        *_lines(f"planning {taken.answer:,} people by the ledger", by_ledger, how.quick),
        _dial_line(in_process(dials).answer),
    ]


def _lines(what: str, spent: Spent[int], quick: bool) -> Iterator[Line]:
    seconds = f"{spent.seconds:.1f} s, {spent.cpu_seconds:.1f} s of CPU"
    yield Line(what, "–", "≤ 30 s", seconds, None if quick else spent.seconds <= _MOST_SECONDS)
    is_small = None if quick else spent.peak_bytes <= _MOST_MEMORY
    yield Line("peak memory of that", "–", "≤ 300 MB", megabytes(spent.peak_bytes), is_small)


def _dial_line(taken: list[float]) -> Line:
    median, late = statistics.median(taken), sorted(taken)[int(0.99 * len(taken))]
    measured = f"{median * 1e6:.1f} µs (99 %: {late * 1e6:.0f} µs)"
    return Line(f"deciding one dial, {RULES} rules loaded", "–", "≤ 50 µs median", measured, median <= _MOST_A_DIAL)


def written(folder: Path, people: int) -> Path:
    """A campaign, and a list of Americans of whom one in ten lives elsewhere than their number says."""
    dice = random.Random(1)
    with (folder / "list.csv").open("w", encoding="utf-8") as out:
        out.write("phone,id,first_name,zip,note\n")
        for n in range(people):
            area, home = _WHERE[n % len(_WHERE)]
            home = home if dice.random() < 0.9 else dice.choice(_WHERE)[1]
            line = n // len(_WHERE)
            out.write(f"+1{area}{2 + line % 8}{line // 8:06d},a{n},Ann,{home},order {n} of last week\n")
    path = folder / "campaign.yaml"
    path.write_text(_CAMPAIGN)
    return path


def planned(path: str) -> int:
    """Plan the campaign as the command does; gives how many people it is about."""
    from dialer.clock import Clock
    from dialer.config import load
    from dialer.report import plan as report
    from dialer.runner import planning

    found = planning.plan(load(Path(path), {}), Clock(wall=NOW.timestamp), {})
    assert list(report.text(found))
    return found.forecast.people


def take(path: str) -> int:
    """Take the list in as a run does; gives how many people it has."""
    from tests.command_line import taken_in

    found = taken_in(Path(path))
    assert found is not None
    return found.good


def dials() -> list[float]:
    """Seconds for each of many decisions about people with rings behind them, as the dialling of a campaign asks."""
    permits, audiences, dice, taken = _permits(), len(_states()), random.Random(2), []
    for n in range(_DIALS + _FIRST):
        person = Candidate(
            n, 1, f"P-{n}", ContactState.DUE, 0, ("+14155550123",), "{}", History(), audience=1 + n % audiences
        )
        past = tuple(_ring(dice) for _ in range(dice.randrange(4)))
        now = NOW + timedelta(minutes=dice.randrange(8 * 60))
        began = time.perf_counter()
        asked = permits.asked(person, now)
        assert asked is not None
        asked.decide(past)
        taken.append(time.perf_counter() - began)
    return taken[_FIRST:]  # the first of an audience works its hours out, for all of its people


def _ring(dice: random.Random) -> Ring:
    return Ring(NOW - timedelta(hours=dice.randrange(1, 24 * 30)), talked=dice.random() < 0.2)


def _states() -> list[str]:
    """Each state that the pack has a rule for."""
    return sorted({rule.place for rule in packs.pack("us").rules if "-" in rule.place})


def _permits() -> Permits:
    """All packs, and rules of the campaign's own up to 200: one in ten reaches everybody, the others a state."""
    known = tuple(map(packs.pack, packs.codes()))
    missing = RULES - sum(len(pack.rules) for pack in known)
    week = tuple([((540, 1200),)] * 7)
    places = ("US", *_states()[:9])
    own = tuple(
        Rule(
            f"own-{n}",
            places[n % 10],
            week=week,
            caps=(Cap(3 + n, 7 * 86400.0),),
            not_on=frozenset({date(2026, 12, 24)}),
        )
        for n in range(missing)
    )
    permits = Permits(CallingRules(own, known, Purpose.INFO))
    zones = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles")
    audiences = {
        at: Audience((zones[at % 4],), ("US", state), ("US",), ("mobile",), consents=True)
        for at, state in enumerate(_states(), 1)
    }
    permits.know(audiences)
    return permits
