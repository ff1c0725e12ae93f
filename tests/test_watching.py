"""`stop_when` in a run: the campaign stops and says which calls, stays stopped, and goes on when a person says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode
from dialer.ledger import STOP_WHEN
from dialer.model import Campaign, StopWhen, Threshold
from tests.conduct_kit import run_of
from tests.desk import Desk, desk
from tests.engine_kit import campaign, heart, number, open_ledger, placed, unknown, waits, with_people
from tests.ledger_kit import forge
from tests.virtual_time import Time, in_virtual_time, moment, until

pytestmark = pytest.mark.slow  # whole runs, one after the other

PEOPLE = [number(n) for n in range(30)]
FAILED = "llm_websocket_initialization_error"
FAILING = StopWhen(platform_failed=Threshold(0.2, 10))  # the third of ten


def watched(folder: Path, made: Desk, rules: StopWhen, people: Sequence[str] = PEOPLE, **given: Any) -> Campaign:
    overrides = {"platform_failed": waits(600.0)} | given.pop("overrides", {})
    plain = campaign(folder, made.url, people, **({"lines": 1, "attempts": 2} | given), overrides=overrides)
    return replace(plain, stop_when=rules)


def silent(record: dict[str, Any]) -> dict[str, Any]:
    """A record of a call on which the agent said nothing and the person hung up."""
    return record | {"call_duration_seconds": min(3, record.get("call_duration_seconds") or 3)}


def failing(*reasons: str) -> dict[str, Any]:
    """A simulated platform on which the first calls end so, and all others well. Nobody is on the line of a call that
    fails."""
    script = {person: (reason,) for person, reason in zip(PEOPLE, reasons, strict=False)}
    return {"script": script | dict.fromkeys(PEOPLE[len(reasons) :], ("agent_ended_call",))}


def test_a_platform_that_fails_stops_the_run_and_the_campaign(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, **failing(*[FAILED] * 8)) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = watched(tmp_path, verbex, FAILING)
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert run.engine.stopped is not None
                assert run.engine.stopped.code is ExitCode.LOOK_FIRST
                assert run.engine.stopped.reason == "stop_when_platform_failed"
                platform_ids = [one for (one,) in run.rows("SELECT platform_id FROM attempts")]
                assert f"({', '.join(platform_ids)})" in run.engine.stopped.sentence
                assert ("stopping", run.engine.stopped.sentence) in run.said
                assert len(verbex.posts) == 3
                paused = run.rows("SELECT paused, paused_by, paused_why FROM campaigns")
                assert paused == [("paused", STOP_WHEN, run.engine.stopped.sentence)]

    in_virtual_time(main())


@pytest.mark.parametrize("dials", [True, False])
def test_later_runs_dial_nobody_and_see_live_calls_out_until_a_person_says_so(tmp_path: Path, dials: bool) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, **failing(*[FAILED] * 3)) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = watched(tmp_path, verbex, FAILING)
            async with run_of(verbex, ledger, rules) as run:
                assert (await run.ending).code is ExitCode.LOOK_FIRST
            people = await with_people(ledger, rules, PEOPLE)
            forge(ledger.path, "UPDATE campaigns SET paused = NULL")  # as if these had been dialled before it broke
            await placed(verbex, ledger, rules, people)
            lost = await unknown(ledger, rules, people, 5.0)
            forge(ledger.path, "UPDATE campaigns SET paused = 'paused'")
            async with run_of(verbex, ledger, rules, dials=dials) as run:
                closed = await run.ending
            (closing,) = closed.closings
            assert (closing.code, closing.reason, closing.totals.live) == (ExitCode.LOOK_FIRST, STOP_WHEN, 0)
            assert closing.totals.states == {"waiting": 3, "done": 1, "due": 26}
            assert lost.number not in {body["to_number"] for _, body in verbex.posts}
            assert "look at them in Verbex" in run.said.getvalue()
            assert len(verbex.posts) == 3
            await ledger.pause("reminders", "resume", "mended", None, "ann")
            async with run_of(verbex, ledger, rules) as run:
                assert (await run.ending).closings[0].totals.states == {"waiting": 3, "done": 27}
            assert len(verbex.posts) == 3 + 26

    in_virtual_time(main())


def test_after_a_resume_the_calls_before_it_count_no_more_and_those_after_it_do(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        shape = failing(*[FAILED] * 5, "agent_ended_call", FAILED)
        async with desk(time, **shape) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = watched(tmp_path, verbex, FAILING)
            for dials in (3, 7):
                async with heart(rules, verbex, ledger) as run:
                    await run.engine.run()
                    assert run.engine.stopped is not None
                    assert run.engine.stopped.code is ExitCode.LOOK_FIRST
                assert len(verbex.posts) == dials
                await moment(1.0)
                await ledger.pause("reminders", "resume", "", None, "ann")

    in_virtual_time(main())


def test_calls_of_earlier_runs_count_on(tmp_path: Path) -> None:
    """Two of three in one run, a stop by a signal, and the third in the next."""

    async def main() -> None:
        time = Time()
        shape = failing(FAILED, FAILED, "agent_ended_call", FAILED)
        async with desk(time, **shape) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = watched(tmp_path, verbex, FAILING)
            async with heart(rules, verbex, ledger, max_calls=3) as run:
                await run.engine.run()
                assert run.engine.stopped is not None
                assert run.engine.stopped.code is ExitCode.WORK_REMAINS
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert run.engine.stopped.code is ExitCode.LOOK_FIRST  # type: ignore[union-attr]
            assert len(verbex.posts) == 4

    in_virtual_time(main())


def test_a_stop_that_was_not_written_down_is_found_in_the_ledger_by_the_next_run(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, **failing(*[FAILED] * 3)) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = watched(tmp_path, verbex, FAILING)
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
            forge(ledger.path, "UPDATE campaigns SET paused = NULL, paused_by = NULL, paused_why = NULL")
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert run.engine.stopped is not None
                assert run.engine.stopped.reason == "stop_when_platform_failed"
                assert run.rows("SELECT paused, paused_by FROM campaigns") == [("paused", STOP_WHEN)]
            assert len(verbex.posts) == 3

    in_virtual_time(main())


# --- which calls count ------------------------------------------------------------------------------------


def test_a_mute_agent_stops_the_run(tmp_path: Path) -> None:
    """A third of the people answer, and hear nothing."""

    async def main() -> None:
        time = Time()
        script = {p: ("user_ended_call" if n % 3 == 0 else "no_answer",) for n, p in enumerate(PEOPLE)}
        async with desk(time, script=script) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.told = silent
            rules = watched(tmp_path, verbex, StopWhen(under_8s=Threshold(0.4, 10)))
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert run.engine.stopped is not None
                assert run.engine.stopped.reason == "stop_when_under_8s"
                assert len(verbex.posts) == 13  # of which the fifth answered one breaks it

    in_virtual_time(main())


def test_an_account_that_is_full_breaks_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        shape = {"concurrent_calls": 1, "full_answer": "record", "mix": {"agent_ended_call": 1.0}}
        async with desk(time, **shape) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = watched(tmp_path, verbex, StopWhen(*[Threshold(0.01, 3)] * 3), PEOPLE[:8], lines=4)
            rules = replace(rules, stop_when=replace(rules.stop_when, under_8s=None))
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert run.engine.stopped is None
                assert set(run.states().values()) == {"done"}
                assert any(ring.turned_away for ring in verbex.rings)

    in_virtual_time(main())


def test_opt_outs_during_calls_stop_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=5.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = watched(tmp_path, verbex, StopWhen(opt_out=Threshold(0.1, 20)))
            async with run_of(verbex, ledger, rules) as run:
                for place in (1, 3, 6):
                    await until(lambda place=place: len(verbex.posts) == place)  # type: ignore[misc]
                    forge(ledger.path, "UPDATE contacts SET stop = 'opted_out' WHERE state = 'dialing'")
                (closing,) = (await run.ending).closings
            assert (closing.code, closing.reason) == (ExitCode.LOOK_FIRST, "stop_when_opt_out")
            assert len(verbex.posts) == 6

    in_virtual_time(main())


@pytest.mark.parametrize("word", ["done", "placed"])
def test_calls_that_were_marked_by_hand_are_judged_by_nothing(tmp_path: Path, word: str) -> None:
    """Nobody knows how they ended; a run that reads them from the ledger does not take them for failures."""

    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = watched(tmp_path, verbex, FAILING, PEOPLE[:6])
            people = await with_people(ledger, rules, PEOPLE[:6])
            for _ in range(3):
                await unknown(ledger, rules, people, 3600.0)
            async with run_of(verbex, ledger, rules, dials=False) as run:
                for person in PEOPLE[:3]:
                    assert f"is marked as {word}" in await run.mark(person, word)
                await run.ending
            async with heart(rules, verbex, ledger) as last:
                await last.engine.run()
                assert last.engine.stopped is None
            assert [body["to_number"] for _, body in verbex.posts] == PEOPLE[3:6]

    in_virtual_time(main())


# --- beside a person's word ---------------------------------------------------------------------------------


def test_a_campaign_that_is_cancelled_meanwhile_ends_without_an_error(tmp_path: Path) -> None:
    """Its live calls break a threshold after it was cancelled; the next run says that it is cancelled, not why else."""

    async def main() -> None:
        time = Time()
        shape = failing(*[FAILED] * 3)
        async with desk(time, ring_seconds=20.0, **shape) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = watched(tmp_path, verbex, FAILING, lines=3)
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.posts) == 3)
                assert (await run.ask("cancel", campaign="reminders")).startswith("reminders is cancelled")
                assert (await run.ending).code is ExitCode.LOOK_FIRST
            assert run.rows("SELECT paused, paused_by FROM campaigns") == [("cancelled", "ann")]
            async with run_of(verbex, ledger, rules) as run:
                assert (await run.ending).code is ExitCode.PAUSED
            assert len(verbex.posts) == 3

    in_virtual_time(main())
