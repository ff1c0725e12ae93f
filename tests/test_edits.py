"""Edits of a campaign in a run: shown before they take effect, asked about where somebody can be asked, heard of each
morning of a run that waits, and told at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.ledger.moments import text
from dialer.model import Campaign, PaceRules, Register, StopCause
from dialer.policy import retry
from tests.desk import Desk, desk
from tests.engine_kit import Heart, campaign, heart, listed, number, open_ledger, waits
from tests.ledger_kit import dump, forge
from tests.virtual_time import Time, in_virtual_time

pytestmark = pytest.mark.slow

ANN, BOB, CID, DAN = (number(n) for n in range(4))
PEOPLE = [ANN, BOB, CID]
HOUR = 3600.0
During = Callable[[], object]


@dataclass
class Office:
    """A campaign that is run again and again on one platform and ledger, and what was asked."""

    folder: Path
    time: Time
    verbex: Desk
    rules: Campaign
    asked: list[str]

    async def run(self, answer: bool | None = None, during: During = lambda: None, **options: Any) -> Heart:
        """One run; `answer` is what somebody at the terminal says, None: there is no terminal."""

        async def ask(text: str) -> bool:
            self.asked.append(text)
            return bool(answer)

        options = {"ask": None if answer is None else ask} | options
        async with (
            open_ledger(self.folder, self.time) as ledger,
            heart(self.rules, self.verbex, ledger, **options) as run,
        ):
            going = asyncio.create_task(run.engine.run())
            await asyncio.sleep(60)
            during()
            await going
            return run

    def list(self, *people: str) -> None:
        listed(self.rules.contacts.files[0], people)

    def calls(self, name: str, **rules: Any) -> None:
        self.rules = replace(self.rules, **{name: replace(getattr(self.rules, name), **rules)})

    @property
    def ledger(self) -> Path:
        return self.folder / "dialer.db"


def in_office(folder: Path, do: Callable[[Office], Awaitable[None]], *, gap: float = 10 * HOUR, **rules: Any) -> None:
    """People who do not answer, and are called again after `gap` seconds."""

    async def main() -> None:
        time = Time()
        async with desk(time, mix={"no_answer": 1}) as verbex:
            overrides = {"no_answer": waits(gap)}
            made = campaign(folder, verbex.url, PEOPLE, overrides=overrides, **rules)
            await do(Office(folder, time, verbex, made, []))

    in_virtual_time(main())


def events(run: Heart) -> list[str]:
    return [event for event, _ in run.said]


def words(run: Heart, event: str) -> str:
    (sentence,) = [sentence for told, sentence in run.said if told == event]
    return sentence


# --- asked -------------------------------------------------------------------------------------------


def test_nobody_is_asked_at_the_first_run_nor_where_nothing_changes_for_people(tmp_path: Path) -> None:
    async def day(office: Office) -> None:
        await office.run(False)
        office.rules = replace(office.rules, pace=PaceRules(9.0, 3))
        await office.run(False)
        path = office.rules.contacts.files[0]
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([head, *reversed(rows)]))
        office.calls("contacts", max_gone=0.5)
        run = await office.run(False)
        assert office.asked == []
        assert run.engine.stopped is None
        assert "list_taken" in events(run)

    in_office(tmp_path, day)


def test_what_has_changed_is_shown_and_without_a_yes_nothing_is(tmp_path: Path) -> None:
    async def day(office: Office) -> None:
        await office.run()
        rings = len(office.verbex.rings)
        office.list(ANN, CID, DAN)
        office.rules = replace(office.rules, retry=retry.rules(5, {"no_answer": waits(10 * HOUR)}))
        kept = ("runs", "ledger")
        before = dump(office.ledger, kept)
        office.time.jump += 11 * HOUR
        run = await office.run(False)
        assert office.asked == [
            "reminders: the campaign file says something else than when it was last run\n"
            "  retry.attempts: 3 → 5\n"
            "the list: 1 new, 1 with new data, 1 gone (not dialled any more), 0 back\n"
            f"  {CID}: name"
        ]
        assert run.engine.stopped is not None
        assert (run.engine.stopped.code, run.engine.stopped.reason) == (ExitCode.WORK_REMAINS, "not_confirmed")
        assert len(office.verbex.rings) == rings
        after = dump(office.ledger, kept)
        assert {name for name in after if after[name] != before[name]} <= {"sqlite_sequence"}

        run = await office.run(True)
        assert len(office.asked) == 2
        assert office.asked[0] == office.asked[1]
        assert run.states() == {ANN: "waiting", BOB: "excluded", CID: "waiting", DAN: "waiting"}
        run = await office.run(False)
        assert len(office.asked) == 2

    in_office(tmp_path, day)


def test_without_a_terminal_it_is_said_and_goes_on(tmp_path: Path) -> None:
    async def day(office: Office) -> None:
        await office.run()
        office.list(ANN, CID, DAN)
        office.calls("call", ring=45.0)
        run = await office.run()
        assert words(run, "file_changed") == "reminders.yaml says something else than before: call.ring: 1 min → 45 s"
        assert words(run, "rows_changed") == f"rows that say something else: {CID}: name"
        assert events(run).index("file_changed") < events(run).index("list_taken")
        assert run.states()[DAN] == "waiting"
        assert "file_changed" not in events(await office.run())

    in_office(tmp_path, day)


def test_a_run_that_is_stopped_while_somebody_is_asked_ends(tmp_path: Path) -> None:
    async def day(office: Office) -> None:
        await office.run()
        office.list(ANN, DAN)

        async def ask(text: str) -> bool:
            await asyncio.Event().wait()
            return True

        async with (
            open_ledger(tmp_path, office.time) as ledger,
            heart(office.rules, office.verbex, ledger, ask=ask) as run,
        ):
            going = asyncio.create_task(run.engine.run())
            await asyncio.sleep(30)
            assert not going.done()
            run.engine.stop(StopCause(ExitCode.WORK_REMAINS, "stopped", "stopped by a signal"))
            await asyncio.wait_for(going, 5)
            assert run.engine.stopped is not None
            assert run.engine.stopped.reason == "stopped"
            assert "not_confirmed" not in events(run)
            assert DAN not in run.states()

    in_office(tmp_path, day)


def test_whom_the_rules_of_the_file_bar_is_shown(tmp_path: Path) -> None:
    async def day(office: Office) -> None:
        await office.run()
        barred = tmp_path / "national.csv"
        barred.write_text(f"{ANN}\n{BOB}\n")
        office.rules = replace(office.rules, registers=(Register(str(barred)),))
        await office.run(False)
        assert office.asked[0].splitlines() == [
            "reminders: the campaign file says something else than when it was last run",
            "  dnc: nothing → national.csv",
            "2 people would be excluded: by the rules, by a do-not-call list, or held",
        ]
        run = await office.run(True)
        assert sorted(run.states().values()) == ["excluded", "excluded", "waiting"]

    in_office(tmp_path, day)


def test_another_expiry_in_the_file_gives_people_up(tmp_path: Path) -> None:
    async def day(office: Office) -> None:
        await office.run()
        office.time.jump += 2 * HOUR
        office.calls("contacts", expires=HOUR)
        run = await office.run(True)
        assert "3 people would be given up: their time is over" in office.asked[0]
        assert set(run.states().values()) == {"exhausted"}
        office.calls("contacts", expires=90 * 86400.0)
        run = await office.run(True)
        assert set(run.states().values()) == {"exhausted"}

    in_office(tmp_path, day)


def test_a_telephone_that_may_ring_longer_gives_those_up_whose_time_is_over_by_then(tmp_path: Path) -> None:
    async def day(office: Office) -> None:
        office.calls("contacts", expires=90 * HOUR)
        await office.run()
        end = office.time.clock.now() + timedelta(hours=3)
        forge(office.ledger, "UPDATE contacts SET not_after = ? WHERE person = ?", text(end), ANN)
        office.calls("call", ring=4 * HOUR)
        run = await office.run(True)
        assert "1 person would be given up: their time is over" in office.asked[0]
        assert sorted(run.states().values()) == ["exhausted", "waiting", "waiting"]

    in_office(tmp_path, day)


# --- nobody who is finished, whatever the file says ----------------------------------------------------


@pytest.mark.parametrize(
    "edit",
    [
        lambda one: replace(one, retry=retry.rules(9, {"no_answer": waits(HOUR)})),
        lambda one: replace(one, contacts=replace(one.contacts, expires=900 * HOUR)),
        lambda one: replace(one, contacts=replace(one.contacts, required=("name",))),
        lambda one: replace(one, call=replace(one.call, data=("name",))),
        lambda one: replace(one, call=replace(one.call, from_numbers=("+14155550177",))),
        lambda one: replace(one, per_day=100),
    ],
    ids=["attempts", "expires", "required", "data", "own number", "per_day"],
)
def test_nobody_finished_is_called_because_of_the_file(tmp_path: Path, edit: Callable[[Campaign], Campaign]) -> None:
    async def day(office: Office) -> None:
        office.rules = replace(office.rules, retry=retry.rules(1, {}))
        run = await office.run()
        assert set(run.states().values()) == {"exhausted"}
        rings = len(office.verbex.rings)
        office.rules = edit(office.rules)
        office.time.jump += 40 * HOUR
        run = await office.run(True)
        assert run.engine.stopped is None
        assert set(run.states().values()) == {"exhausted"}
        assert len(office.verbex.rings) == rings

    in_office(tmp_path, day)


# --- while it runs -----------------------------------------------------------------------------------


def test_a_list_that_changes_meanwhile_is_told_at_the_end_and_left_to_the_next_run(tmp_path: Path) -> None:
    async def day(office: Office) -> None:
        run = await office.run(during=lambda: office.list(ANN, DAN), wait=300.0)
        assert events(run).count("list_changed") == 1
        assert words(run, "list_changed") == "the list has changed meanwhile: the next run takes it in"
        assert DAN not in run.states()
        run = await office.run()
        assert run.states()[DAN] == "waiting"
        assert "list_changed" not in events(run)

    in_office(tmp_path, day, gap=120.0)


def test_a_list_that_is_gone_at_the_end_is_told(tmp_path: Path) -> None:
    async def day(office: Office) -> None:
        run = await office.run(during=lambda: office.rules.contacts.files[0].unlink(), wait=300.0)
        assert words(run, "list_changed").startswith("the list cannot be read any more, as the next run will say: ")

    in_office(tmp_path, day, gap=120.0)
