"""The list of each morning of a run that waits: when it is looked at, and what comes of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

import pytest

from dialer.config import calling
from dialer.errors import ListError
from dialer.ledger import Ledger
from dialer.model import Campaign, Register
from dialer.runner import Options
from dialer.runner.edits import Edits
from dialer.runner.ruling import Today, permits_of
from tests.days_kit import days, through_days, utc
from tests.engine_kit import campaign, listed, looked_up, number, open_ledger
from tests.virtual_time import Time, in_virtual_time

PEOPLE = [number(n) for n in range(3)]
HOUR = 3600.0
MINUTE = 60.0


@dataclass
class Days:
    """A campaign whose list was taken in, and a wall clock that is moved by hand."""

    edits: Edits
    ledger: Ledger
    rules: Campaign
    time: Time
    said: list[tuple[str, str]]
    stopping: bool = False

    def write(self, *people: str) -> None:
        listed(self.rules.contacts.files[0], people)

    async def found(self, *after: float) -> list[bool]:
        """Somebody is found due after each of these waits in turn: whether the list was looked at."""
        looks = []
        for seconds in after:
            self.time.jump += seconds
            looks.append(await self.edits.morning())
        return looks

    def states(self) -> dict[str, str]:
        return dict(looked_up(self.ledger.path, "SELECT person, state FROM contacts"))

    @property
    def events(self) -> list[str]:
        return [event for event, _ in self.said]


@asynccontextmanager
async def begun(folder: Path, wait: float | None = inf, yes: bool = False, **rules: Any) -> AsyncIterator[Days]:
    time = Time()
    made = campaign(folder, "http://127.0.0.1:9", PEOPLE)
    made = replace(made, **{key: rules.pop(key) for key in ["registers", "hours"] if key in rules})
    made = replace(made, contacts=replace(made.contacts, **rules))
    async with open_ledger(folder, time) as ledger:
        bound, said, today = await ledger.bind(made), [], Today()

        def say(event: str, sentence: str, *, is_trouble: bool = False) -> None:
            said.append((event, sentence))

        parts = ledger, made, bound.id, time.clock, Options(wait=wait, yes=yes)
        edits = Edits(
            *parts,
            permits_of(made, ledger, time.clock, today),
            today,
            say,
            stop=lambda cause: None,
            is_stopping=lambda: made_days.stopping,
        )
        made_days = Days(edits, ledger, made, time, said)
        await edits.take_in()
        said.clear()
        yield made_days


@pytest.mark.parametrize(
    ("after", "looks"),
    [
        ([0.0, 1.0, 59 * MINUTE, 3 * HOUR, 3.9 * HOUR], [False] * 5),
        ([4 * HOUR], [True]),
        ([9 * HOUR, MINUTE, 3 * HOUR], [True, False, False]),
        ([9 * HOUR, 3 * HOUR, 14 * HOUR], [True, False, True]),
        ([3 * HOUR] * 9, [False] * 7 + [True, False]),
        ([3 * HOUR] * 17, [False] * 7 + [True] + [False] * 7 + [True, False]),
        ([-9 * HOUR, 3 * HOUR], [False, False]),
    ],
    ids=["no night", "a night", "the day after it", "two nights", "a day without one", "two days", "a clock set back"],
)
def test_the_list_is_looked_at_after_a_night_or_after_a_day_without_one(
    tmp_path: Path, after: Sequence[float], looks: Sequence[bool]
) -> None:
    async def main() -> None:
        async with begun(tmp_path) as made:
            assert await made.found(*after) == looks

    in_virtual_time(main())


def test_a_run_that_does_not_wait_looks_at_no_list(tmp_path: Path) -> None:
    async def main() -> None:
        async with begun(tmp_path, wait=None) as made:
            made.write(PEOPLE[0])
            assert await made.found(9 * HOUR, 30 * HOUR) == [False, False]
            assert made.said == []

    in_virtual_time(main())


def test_the_list_of_the_morning_is_taken_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with begun(tmp_path) as made:
            made.write(PEOPLE[0], PEOPLE[2], number(7))
            assert await made.found(9 * HOUR) == [True]
            assert made.states() == dict(zip([*PEOPLE, number(7)], ["due", "excluded", "due", "due"], strict=True))
            assert made.events == ["list_taken", "rows_changed"]
            assert made.edits.imported is not None
            assert made.edits.imported.added == 1
            await made.edits.at_the_end()
            assert "list_changed" not in made.events

    in_virtual_time(main())


def test_a_list_that_is_the_same_is_not_spoken_of(tmp_path: Path) -> None:
    async def main() -> None:
        async with begun(tmp_path) as made:
            assert await made.found(9 * HOUR) == [True]
            assert made.said == []

    in_virtual_time(main())


REFUSED: dict[str, tuple[dict[str, Any], Callable[[Days], object], str]] = {
    "too few rows": ({"min_rows": 3}, lambda made: made.write(PEOPLE[0]), "asks for 3"),
    "cut off": ({}, lambda made: made.rules.contacts.files[0].write_text(""), "the file is empty"),
    "not there": ({}, lambda made: made.rules.contacts.files[0].unlink(), "reminders.csv"),
    "another header": ({}, lambda made: made.rules.contacts.files[0].write_text("tel\n+14152010000\n"), "phone"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_list_that_is_wrong_leaves_the_one_before(tmp_path: Path, case: str) -> None:
    rules, spoil, told = REFUSED[case]

    async def main() -> None:
        async with begun(tmp_path, **rules) as made:
            spoil(made)
            assert await made.found(9 * HOUR, 9 * HOUR) == [True, True]
            assert made.states() == dict.fromkeys(PEOPLE, "due")
            assert made.events == ["list_refused"] * 2
            sentence = made.said[0][1]
            assert sentence.startswith("the list of this morning is not taken in, the one before goes on. A new run ")
            assert told in sentence
            made.write(*PEOPLE, number(8))
            await made.found(9 * HOUR)
            assert made.states()[number(8)] == "due"

    in_virtual_time(main())


def test_a_yes_that_was_said_before_does_not_hold_for_the_list_of_the_morning(tmp_path: Path) -> None:
    people = [number(n) for n in range(100, 140)]

    async def main() -> None:
        async with begun(tmp_path, yes=True) as made:
            made.write(*people)
            assert await made.found(9 * HOUR) == [True]
            made.write(*people[:10])
            assert await made.found(9 * HOUR) == [True]
            assert made.events[-1] == "list_refused"
            assert [made.states()[one] for one in people] == ["due"] * 40

    in_virtual_time(main())


def test_a_list_of_the_morning_of_whom_nobody_can_be_called_is_told_once(tmp_path: Path) -> None:
    nowhere = ["+18005550123", "+18005550124"]  # toll-free: nobody knows where they ring

    async def main() -> None:
        async with begun(tmp_path, hours=calling.default_hours(), placed=True, max_gone=1.0) as made:
            made.write(*nowhere)
            assert await made.found(9 * HOUR, 9 * HOUR) == [True, True]
            assert [made.states()[one] for one in nowhere] == ["excluded"] * 2
            (told,) = [sentence for event, sentence in made.said if event == "nobody_left"]
            assert (
                "reminders.csv: nobody of the list who is not finished can be called by the rules as they are" in told
            )
            assert "in which time zone they are (2 of 2)" in told
            made.write(*nowhere, PEOPLE[0])
            assert await made.found(9 * HOUR) == [True]
            made.write(*nowhere)
            await made.found(9 * HOUR)
            assert made.events.count("nobody_left") == 2

    in_virtual_time(main())


def test_a_run_that_is_stopped_meanwhile_takes_nothing_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with begun(tmp_path) as made:
            made.write(number(9))
            made.stopping = True
            await made.found(9 * HOUR)
            assert made.states() == dict.fromkeys(PEOPLE, "due")
            assert made.said == []

    in_virtual_time(main())


def test_a_do_not_call_list_is_read_anew_each_morning_and_must_not_be_too_old(tmp_path: Path) -> None:
    async def main() -> None:
        barred = tmp_path / "national.csv"

        def write(*people: str) -> None:
            barred.write_text("".join(f"{one}\n" for one in people))
            os.utime(barred, (made_at.clock.now().timestamp(),) * 2)

        made_at = Time()
        write("+14155550199")
        async with begun(tmp_path, registers=(Register(str(barred), max_age=20 * HOUR),)) as made:
            made_at.jump += 9 * HOUR
            write(PEOPLE[1])
            assert await made.found(9 * HOUR) == [True]
            assert list(made.states().values()) == ["due", "excluded", "due"]
            with pytest.raises(ListError, match="national"):
                await made.found(21 * HOUR)

    in_virtual_time(main())


def test_a_run_that_does_not_wait_looks_at_its_do_not_call_lists_once_a_day(tmp_path: Path) -> None:
    async def main() -> None:
        barred = tmp_path / "national.csv"
        barred.write_text("+14155550199\n")
        now = Time().clock.now().timestamp()
        os.utime(barred, (now, now))
        async with begun(tmp_path, wait=None, registers=(Register(str(barred), max_age=31 * HOUR),)) as made:
            made.write(PEOPLE[0])
            barred.write_text(f"+14155550199\n{PEOPLE[1]}\n")
            os.utime(barred, (now, now))
            assert await made.found(9 * HOUR, 14 * HOUR, 2 * HOUR) == [False, False, True]
            assert list(made.states().values()) == ["due", "excluded", "due"]
            assert await made.found(20 * HOUR) == [False]
            with pytest.raises(ListError, match="national"):
                await made.found(5 * HOUR)

    in_virtual_time(main())


# --- over a night of a whole run -----------------------------------------------------------------------


@pytest.mark.slow
def test_whoever_is_new_in_the_morning_is_called_from_that_morning_on(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("phone\n" + "".join(f"{one}\n" for one in PEOPLE))
    text = (
        "contacts: {file: people.csv, country: US}\n"
        'call: {from: ["+14155550100"]}\n'
        "pace: {calls_per_second: 5, concurrent_calls: 5}\n"
        "retry: {attempts: 2, no_answer: [30m]}\n"
        "hours: {daily: [09:00-10:00]}\n"
        "rules: none\n"
    )

    async def main() -> None:
        async with days(tmp_path, utc("2026-11-23 17:45"), text, wait=inf, mix={"no_answer": 1}) as run:
            going = asyncio.create_task(run.engine.run())
            await asyncio.sleep(600)
            path.write_text("phone\n" + "".join(f"{one}\n" for one in [PEOPLE[0], number(9)]))
            await going
            rang = {one: run.desk.rang(one) for one in [*PEOPLE, number(9)]}
            assert rang == dict(zip([*PEOPLE, number(9)], [2, 1, 1, 2], strict=True))
            assert [event for event, _ in run.said].count("list_taken") == 2

    through_days(main())
