"""Hours, caps, wishes and orders of a campaign file, as the whole of a run goes by them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.days_kit import TimeFrom, by_minute, campaign, days, moments, through_days, utc
from tests.desk import desk
from tests.engine_kit import Heart, heart, number, open_ledger
from tests.virtual_time import moment

ANN, BOB, CID, DAN = (f"+1{area}5550123" for area in (212, 312, 303, 213))
"""New York, Chicago, Denver, Los Angeles."""

SUNDAY = utc("2026-11-22T14:00")
DAY = 86400.0
TALK: dict[str, Any] = {"mix": {"user_ended_call": 1.0}}
NO_ANSWER: dict[str, Any] = {"mix": {"no_answer": 1.0}}
FILE = """\
contacts: {file: people.csv%s}
call: {from: "+14155550100"}
pace: {calls_per_second: 1, concurrent_calls: 1}
"""


def listed(folder: Path, *rows: str) -> None:
    (folder / "people.csv").write_text("\n".join([*rows, ""]))


def lived(folder: Path, text: str, columns: str = "", wait: float | None = 3 * DAY, **rules: Any) -> Heart:
    """The campaign to its end, from a Sunday morning on."""

    async def main() -> Heart:
        whole = FILE % columns + text
        async with days(folder, SUNDAY, whole, wait=wait, **(TALK | rules)) as there:
            await there.engine.run()
            assert there.engine.stopped is None, there.engine.stopped
            return there

    return through_days(main())


def dialled(there: Heart) -> list[tuple[str, str]]:
    return by_minute(there.desk)


# --- hours -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_each_is_dialled_when_their_own_day_begins(tmp_path: Path) -> None:
    listed(tmp_path, "phone", DAN, CID, BOB, ANN)
    there = lived(tmp_path, "hours: {daily: 10:00-11:00}\nrules: none\n")
    assert dialled(there) == [(ANN, "11-22 15:00"), (BOB, "11-22 16:00"), (CID, "11-22 17:00"), (DAN, "11-22 18:00")]


def test_a_run_that_waits_ends_when_nobody_is_left(tmp_path: Path) -> None:
    """At once, and not when the hours begin again for nobody."""

    async def main() -> float:
        async with days(tmp_path, SUNDAY, FILE % "" + text, wait=3 * DAY, **TALK) as there:
            await there.engine.run()
            return there.desk.time.monotonic()

    text = "hours: {daily: 10:00-10:05}\nrules: none\n"
    listed(tmp_path, "phone", ANN)
    assert through_days(main()) < 3700


@pytest.mark.slow
def test_nobody_is_dialled_whose_telephone_could_ring_beyond_the_hours(tmp_path: Path) -> None:
    """Of two minutes the first is for dials, the last for those that ring; who comes too late is rung tomorrow."""
    listed(tmp_path, "phone", *(f"+1212555{n:04d}" for n in range(200, 260)))
    there = lived(tmp_path, "hours: {sun: 09:58-10:00, mon: 09:00-20:00}\nrules: none\n", wait=2 * DAY)
    assert len(dialled(there)) == 60
    first = [at for _, at in moments(there.desk) if at < utc("2026-11-23T00:00")]
    assert utc("2026-11-22T14:58:50") < first[-1] <= utc("2026-11-22T14:59")


@pytest.mark.slow
def test_a_day_that_is_closed_is_passed_over(tmp_path: Path) -> None:
    listed(tmp_path, "phone", ANN)
    there = lived(tmp_path, "hours: {daily: 08:00-08:30, not_on: [2026-11-23]}\nrules: none\n")
    assert dialled(there) == [(ANN, "11-24 13:00")]


def test_a_number_of_no_place_is_held_and_told(tmp_path: Path) -> None:
    listed(tmp_path, "phone", "+18005550199", ANN)
    there = lived(tmp_path, "hours: {daily: 09:00-20:00}\nrules: none\n")
    assert dialled(there) == [(ANN, "11-22 14:00")]
    assert there.rows("SELECT state, detail FROM contacts ORDER BY id")[0] == ("excluded", "held:no_zone")


# --- several numbers -----------------------------------------------------------------------------------

TWO = ", phone: [mobile, home]"


@pytest.mark.slow
def test_of_two_numbers_each_rings_in_turn_within_the_hours_of_both(tmp_path: Path) -> None:
    """09:00 in Los Angeles is 12:00 in New York, where it ends at 13:00."""
    listed(tmp_path, "mobile,home", f"{ANN},{DAN}")
    text = "hours: {daily: 09:00-13:00}\nrules: none\nretry: {attempts: 3, no_answer: 30m}\n"
    there = lived(tmp_path, text, TWO, **NO_ANSWER)
    assert dialled(there) == [(ANN, "11-22 17:00"), (DAN, "11-22 17:30"), (ANN, "11-23 17:00")]


def test_after_a_conversation_on_one_number_the_other_does_not_ring(tmp_path: Path) -> None:
    listed(tmp_path, "mobile,home", f"{ANN},{BOB}", f"{CID},{DAN}")
    text = "hours: always\nrules: none\nretry: {attempts: 4, no_answer: 10m}\n"
    there = lived(tmp_path, text, TWO, script={CID: ("no_answer",), ANN: ("user_ended_call",)})
    assert dialled(there) == [(ANN, "11-22 14:00"), (CID, "11-22 14:00"), (DAN, "11-22 14:10")]


# --- wishes ---------------------------------------------------------------------------------------------


def test_whoever_has_a_higher_priority_goes_first(tmp_path: Path) -> None:
    listed(tmp_path, "phone,p", f"{ANN},", f"{BOB},-1", f"{CID},7", f"{DAN},7")
    there = lived(tmp_path, "hours: always\nrules: none\n", ", priority: p")
    assert [each for each, _ in dialled(there)] == [CID, DAN, ANN, BOB]


@pytest.mark.slow
@pytest.mark.parametrize(("order", "expected"), [("fresh", [1, 2, 0]), ("retries", [0, 1, 2])])
def test_those_who_are_new_go_first_or_those_who_were_rung(tmp_path: Path, order: str, expected: list[int]) -> None:
    """On Sunday there is time for one call, to whom nobody answers; on Monday all are due."""
    people = [f"+1212555{n:04d}" for n in range(200, 203)]
    listed(tmp_path, "phone", *people)
    text = "hours: {sun: 09:00-09:02, mon: 09:00-20:00}\nrules: none\nretry: {attempts: 2, no_answer: 1h}\n"
    script = {people[0]: ("no_answer", "user_ended_call")}
    there = lived(tmp_path, f"{text}order: {order}\n", script=script, ring_seconds=600.0)
    called = [number for number, _ in dialled(there)]
    assert called == [people[0], *(people[n] for n in expected)]


@pytest.mark.slow
def test_nobody_is_dialled_before_or_after_the_moments_that_they_wish_for(tmp_path: Path) -> None:
    """A moment without an offset is the person's own; the last is over when his hours begin."""
    rows = [
        f"{ANN},2026-11-22T12:30,",
        f"{BOB},2026-11-23T09:00-06:00,2026-11-24",
        f"{CID},,2026-11-22T16:00Z",
        f"{DAN},,2026-11-22T16:00Z",
    ]
    listed(tmp_path, "phone,nb,na", *rows)
    text = "hours: {daily: 08:00-20:00}\nrules: none\n"
    there = lived(tmp_path, text, ", not_before: nb, not_after: na")
    assert dialled(there) == [(CID, "11-22 15:00"), (ANN, "11-22 17:30"), (BOB, "11-23 15:00")]
    assert there.states() == {ANN: "done", BOB: "done", CID: "done", DAN: "exhausted"}


# --- caps -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_campaign_makes_no_more_calls_on_a_day_than_it_may(tmp_path: Path) -> None:
    listed(tmp_path, "phone", *(number(n) for n in range(5)))
    there = lived(tmp_path, "hours: always\nrules: none\ncaps: {per_day: 2}\n")
    assert [minute[:5] for _, minute in dialled(there)] == ["11-22", "11-22", "11-23", "11-23", "11-24"]


def test_a_day_that_has_had_its_calls_is_known_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        time = TimeFrom(SUNDAY)
        async with desk(time, **TALK) as made:
            rules = campaign(tmp_path, made.url, FILE % "" + "hours: always\nrules: none\ncaps: {per_day: 2}\n")
            for _ in range(2):
                async with open_ledger(tmp_path, time) as ledger, heart(rules, made, ledger) as there:
                    await there.engine.run()
                    assert Counter(there.states().values())["done"] == 2
                await moment(600)
            await moment(10 * 3600)
            async with open_ledger(tmp_path, time) as ledger, heart(rules, made, ledger) as there:
                await there.engine.run()
            assert [minute[:5] for _, minute in by_minute(made)] == ["11-22", "11-22", "11-23", "11-23"]

    listed(tmp_path, "phone", *(number(n) for n in range(5)))
    through_days(main())


@pytest.mark.slow
def test_nobody_is_rung_oftener_than_the_caps_say_and_with_a_gap(tmp_path: Path) -> None:
    listed(tmp_path, "phone", ANN)
    text = "hours: always\nrules: none\nretry: {attempts: 5, no_answer: 10m}\ncaps: {per_person: 3 per 1d, gap: 4h}\n"
    there = lived(tmp_path, text, **NO_ANSWER)
    assert [minute for _, minute in dialled(there)] == [
        "11-22 14:00",
        "11-22 18:00",
        "11-22 22:00",
        "11-23 14:00",
        "11-23 18:00",
    ]
