"""An opt-out in the midst of a run: within a second nobody waits any more whom it reaches, in no campaign, and a live
call is not followed by another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.ledger.optouts import Word
from dialer.model import Campaign, OptOut
from dialer.runner import dnc
from tests.conduct_kit import Run, run_of
from tests.desk import Desk, desk
from tests.engine_kit import campaign, heart, number, open_ledger, waits
from tests.virtual_time import Time, in_virtual_time, moment, until

pytestmark = pytest.mark.slow

ANN, BOB, CY = (number(n) for n in range(3))
BUSY = {"line_busy": waits(40.0)}


def both(folder: Path, made: Desk, **more: Any) -> tuple[Campaign, Campaign]:
    """Two campaigns over the same three people, who are called again after 40 s where the line was busy."""
    return (
        replace(campaign(folder, made.url, [ANN, BOB, CY], overrides=BUSY), **more),
        replace(campaign(folder, made.url, [CY, BOB, ANN], name="monday", overrides=BUSY), **more),
    )


async def waiting(run: Run, *people: str) -> None:
    """Until these people wait in both campaigns."""
    wanted = {(one, "waiting") for one in people}
    await until(lambda: sum(row[:2] in wanted for row in stops(run)) == 2 * len(people))


def stops(run: Run) -> list[tuple[Any, ...]]:
    return run.rows("SELECT person, state, stop FROM contacts ORDER BY person, campaign_id")


def test_who_waits_is_withdrawn_from_both_campaigns_within_a_second(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        always_busy = dict.fromkeys((ANN, BOB, CY), ("line_busy",))
        async with desk(time, script=always_busy) as verbex, open_ledger(tmp_path, time) as ledger:
            async with run_of(verbex, ledger, *both(tmp_path, verbex)) as run:
                await waiting(run, ANN, BOB, CY)
                rung = verbex.rang(ANN)
                told = await run.ask(dnc.ADD, **dnc.person_facts(ANN, ANN, "asked us", "ann"))
                assert told.endswith("reminders: 1 person will not be dialled; monday: 1 person will not be dialled")
                assert stops(run)[:2] == [(ANN, "excluded", "opted_out")] * 2
                await run.ask(dnc.IMPORT, **dnc.numbers_facts([BOB], "stop.txt", "ann"))
                assert stops(run)[2:4] == [(BOB, "excluded", "opted_out")] * 2
                bobs = verbex.rang(BOB)
            assert (verbex.rang(ANN), verbex.rang(BOB)) == (rung, bobs) == (2, 2)
            assert verbex.rang(CY) == 6
            assert "will not be dialled" in run.said.getvalue()

    in_virtual_time(main())


def test_a_live_call_runs_out_and_nobody_rings_again(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        script = {ANN: ("line_busy",)}
        async with desk(time, script=script) as verbex, open_ledger(tmp_path, time) as ledger:
            async with run_of(verbex, ledger, *both(tmp_path, verbex)) as run:
                await until(lambda: verbex.rang(ANN) == 1)
                assert run.state(ANN)[0] == "dialing"
                told = await run.ask(dnc.ADD, **dnc.person_facts(ANN, ANN, "", "ann"))
                assert "1 live call runs out" in told
                assert "1 person will not be dialled" in told
            assert verbex.rang(ANN) == 1
            assert {state for person, state, _ in stops(run) if person == ANN} == {"excluded"}
            assert verbex.rang(BOB) == verbex.rang(CY) == 2

    in_virtual_time(main())


@pytest.mark.parametrize("how", ["opt-out", "cancel"])
def test_who_says_no_between_intent_and_dial_is_not_dialled(tmp_path: Path, how: str) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, [ANN, BOB], lines=1)
            async with heart(rules, verbex, ledger) as run:

                async def meanwhile() -> None:
                    """While Ann's dial is spread, which goes by the word that holds then."""
                    if run.states()[ANN] == "dialing" and how == "opt-out":
                        await ledger.opt_out([ANN], [], Word("asked us"))
                    elif run.states()[ANN] == "dialing":
                        await ledger.pause("reminders", "cancel", "", None, "ann")

                run.engine.attempts._spread = meanwhile
                await run.engine.run()
            assert verbex.rang(ANN) == 0
            assert run.rows("SELECT person, state, attempts, stop FROM contacts")[0] == (
                *(ANN, "excluded", 0),
                {"opt-out": "opted_out", "cancel": "cancelled"}[how],
            )
            assert run.rows("SELECT state, error, reusable FROM attempts")[0] == (
                "refused",
                "expired: stopped before it was sent",
                1,
            )
            assert verbex.rang(BOB) == (how == "opt-out")

    in_virtual_time(main())


def test_who_was_read_already_and_stands_at_the_gate_is_not_dialled(tmp_path: Path) -> None:
    """They are due, and wait for a line: the intent asks the ledger once more."""

    async def main() -> None:
        time = Time()
        people = [number(n) for n in range(8)]
        async with desk(time, call_seconds=30.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, people, lines=1)
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: verbex.rang(people[0]) == 1)
                await run.ask(dnc.IMPORT, **dnc.numbers_facts(people[1:], "stop.txt", "ann"))
            assert len(verbex.posts) == 1
            assert {state for _, state, _ in stops(run)[1:]} == {"excluded"}

    in_virtual_time(main())


def test_a_conversation_that_means_it_withdraws_the_other_campaigns_call(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        script = {ANN: ("line_busy", "agent_ended_call"), BOB: ("user_ended_call",), CY: ("user_ended_call",)}
        async with desk(time, script=script) as verbex, open_ledger(tmp_path, time) as ledger:
            heard = OptOut(frozenset({"agent_ended_call"}))
            first, second = both(tmp_path, verbex, opt_out=heard)
            async with run_of(verbex, ledger, first, second) as run:
                await until(lambda: bool(run.rows("SELECT 1 FROM opt_outs")))
                await moment(1.0)
                assert {stop for person, _, stop in stops(run) if person == ANN} == {"opted_out"}
            assert verbex.rang(ANN) == 2
            assert run.rows("SELECT kind, shown, source FROM opt_outs WHERE kind = 'number'") == [
                ("number", ANN, "conversation")
            ]

    in_virtual_time(main())


def test_taken_back_they_are_called_in_the_same_run(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        script = {ANN: ("line_busy", "line_busy", "user_ended_call"), CY: ("line_busy", "line_busy")}
        async with desk(time, script=script) as verbex, open_ledger(tmp_path, time) as ledger:
            async with run_of(verbex, ledger, *both(tmp_path, verbex)) as run:
                await waiting(run, ANN)
                await run.ask(dnc.ADD, **dnc.person_facts(ANN, ANN, "", "ann"))
                told = await run.ask(dnc.REMOVE, **dnc.person_facts(ANN, ANN, "", "ann"))
                assert told.endswith("reminders: 1 person due again; monday: 1 person due again")
            assert verbex.rang(ANN) == 4
            assert {state for person, state, _ in stops(run) if person == ANN} == {"done"}

    in_virtual_time(main())
