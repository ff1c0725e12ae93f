"""Three days of a campaign over all states of the United States and eleven countries, a week-end and a change of the
clocks among them: nobody is rung at an hour that is not theirs, and everybody at the first hour that is.

What is believed is the platform's list of rings, and facts that were written down by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.calling_facts import DAY, MINUTE, OWN_HOURS, Calendar, Law, Somebody
from tests.calling_people import everybody, write
from tests.days_kit import days, moments, through_days, utc

WAIT = timedelta(hours=3)
ATTEMPTS = 9
LATE = 3 * MINUTE
"""So long it may take until all are dialled whose hours begin at one moment."""

CAMPAIGN = f"""\
contacts: {{file: people.csv, phone: [mobile, home], timezone: tz, postcode: zip, region: region, consent: ok}}
call: {{from: "+14155550100"}}
pace: {{calls_per_second: 100, concurrent_calls: 400}}
retry: {{attempts: {ATTEMPTS}, no_answer: 3h}}
rules: {{purpose: marketing, packs: [us, ca, uk, fr, au, de, it, es, in, sg, jp, bd], consent: ok, yes: ["yes"]}}
"""


@dataclass(frozen=True)
class Told:
    """What the platform and the ledger tell of some days."""

    posts: dict[str, list[datetime]]
    details: dict[str, str]


async def lived(folder: Path, people: list[Somebody], start: datetime, hours: str, lasts: timedelta) -> Told:
    """The campaign from its start on, for so long."""
    write(folder / "people.csv", people)
    wait = lasts / timedelta(seconds=1)
    async with days(folder, start, CAMPAIGN + hours, wait=wait, mix={"no_answer": 1.0}, ring_seconds=1.0) as there:
        await there.engine.run()
        assert there.engine.stopped is None, there.engine.stopped
        posts = defaultdict(list)
        for number, moment in moments(there.desk):
            posts[number].append(moment)
        query = "SELECT numbers.number, detail FROM contacts JOIN numbers ON numbers.contact_id = contacts.id"
        return Told(posts, dict(there.rows(query)))


# --- what must be so ---------------------------------------------------------------------------------


def broken(people: list[Somebody], told: Told, start: datetime, until: datetime, own: tuple[Law, ...]) -> list[str]:
    """Sentences about all that is not as it must be."""
    found: list[str] = []
    for one in people:
        posts = sorted(moment for number in one.numbers for moment in told.posts.get(number, ()))
        who = " ".join((*one.numbers, *one.cells.values()))
        if one.never:
            found += _not_held(who, one, posts, told)
        else:
            calendar = Calendar(one.laws(own), one.clocks)
            found += _outside(who, calendar, posts)
            found += _not_called(who, calendar, posts, start, until)
    return found


def _not_held(who: str, one: Somebody, posts: list[datetime], told: Told) -> list[str]:
    wrong = {told.details[number] for number in one.numbers if one.never not in told.details[number]}
    said = [f"{who} is told to be {detail!r}, and not {one.never}" for detail in wrong]
    return said + [f"{who} was dialled at {moment}, and may not be called" for moment in posts]


def _outside(who: str, calendar: Calendar, posts: list[datetime]) -> Iterator[str]:
    """I4, and the caps."""
    for nth, moment in enumerate(posts):
        if not calendar.may_dial(moment):
            yield f"{who} was dialled at {moment}, when their telephone may not ring"
        if not calendar.is_free(moment + timedelta(seconds=1), posts[:nth]):
            yield f"{who} was dialled once too often at {moment}"


def _not_called(who: str, calendar: Calendar, posts: list[datetime], start: datetime, until: datetime) -> Iterator[str]:
    """Each call comes at the first moment that hours, caps and the wait since the last one leave."""
    due = start
    for nth in range(ATTEMPTS):
        expected = calendar.first(due, until - LATE, posts[:nth])
        if expected is None:
            yield from (f"{who} was dialled at {at}, and nobody expected it" for at in posts[nth:] if at < until - LATE)
            return
        if nth == len(posts) or not expected - MINUTE < posts[nth] < expected + LATE:
            yield f"{who} may be dialled at {expected}, and was at {posts[nth:]}"
            return
        due = posts[nth] + WAIT


# --- the campaigns -------------------------------------------------------------------------------------


def goes_well(
    folder: Path, people: list[Somebody], start: str, lasts: timedelta, hours: str, own: tuple[Law, ...]
) -> None:
    """Live through it; nobody is rung who may not be, and most are rung at all."""
    told = through_days(lived(folder, people, utc(start), hours, lasts))
    assert broken(people, told, utc(start), utc(start) + lasts, own) == []
    assert len(told.posts) > len(people) / 2


ALWAYS = ("hours: always\n", ())
AS_SHIPPED = ("", (OWN_HOURS,))

STARTS = {
    "the clocks go back on a Sunday": ("2026-10-30T18:00", *ALWAYS),
    "the clocks go forward on a Sunday": ("2027-03-12T18:00", *AS_SHIPPED),
    "Thanksgiving": ("2026-11-25T18:00", *ALWAYS),
    "a law that begins on a Sunday": ("2026-10-16T18:00", *ALWAYS),
}


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize(("start", "hours", "own"), STARTS.values(), ids=STARTS)
def test_f28_in_three_days_everybody_is_rung_when_they_may_be_and_at_no_other_time(
    tmp_path: Path, start: str, hours: str, own: tuple[Law, ...]
) -> None:
    goes_well(tmp_path, everybody(2), start, 3 * DAY, hours, own)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["2026-11-01T04:00", pytest.param("2027-03-14T04:00", marks=pytest.mark.ci)])
def test_f28_on_the_day_on_which_the_clocks_change(tmp_path: Path, start: str) -> None:
    """From Saturday evening in New York to Sunday afternoon, the Monday morning of Australia with it."""
    goes_well(tmp_path, everybody(1), start, timedelta(hours=20), *ALWAYS)
