"""The operator's word on unknown calls while a run goes on: in the hold, after it, and against the platform's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode, UsageError
from dialer.ledger import intending
from dialer.model import Attempt, CallRecord, Campaign, Mark
from dialer.runner import requests
from tests.conduct_kit import run_of
from tests.desk import Desk, answer, desk, lost_before, placing
from tests.engine_kit import campaign, dial_of, heart, number, open_ledger, unknown, waits, with_people
from tests.ledger_kit import forge
from tests.virtual_time import Time, in_virtual_time, moment, until

pytestmark = pytest.mark.slow  # whole runs, one after the other

ANN, BOB, CID = (number(n) for n in range(3))
AGAIN = {"platform_failed": waits(1.0)}


def blind(made: Desk) -> None:
    """From now on no read finds anything, and none proves anything."""
    made.unread = lambda path, query: None if query.get("page_size") == "1" else answer(404, {"error": "not_found"})


def ids(made: Desk, to: str) -> list[str]:
    return [body["call_id"] for _, body in made.posts if body["to_number"] == to]


# --- in the hold, and after it --------------------------------------------------------------------------

WORDS = {
    # word: what is answered, the state and the attempts at the end, how many dials in all
    "done": ("is done now", ("done", 1), 1),
    "not-placed": ("is due now", ("done", 1), 2),
    "placed": ("is waiting now, again at 2026-11-22 14:00:", ("done", 2), 2),
}


@pytest.mark.parametrize("word", WORDS)
def test_a_word_in_the_hold_takes_effect_at_once(tmp_path: Path, word: str) -> None:
    says, at_the_end, dials = WORDS[word]

    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [lost_before]
            rules = campaign(tmp_path, verbex.url, [ANN], hold=3600.0, overrides=AGAIN)
            async with run_of(verbex, ledger, rules) as run:
                await run.held()
                told = await run.mark(ANN, word)
                assert told.startswith(f"reminders: {ANN} is marked as {word}, and {says}"), told
                assert ("again at" in told) is (word == "placed")
                closed = await run.ending
            assert closed.code is ExitCode.OK
            assert time.monotonic() < 60.0
            assert run.state(ANN) == at_the_end
            assert len(set(ids(verbex, ANN))) == len(ids(verbex, ANN)) == dials
            ((why,),) = run.rows("SELECT detail FROM events WHERE event = 'marked'")
            assert why.startswith(f"{word}, says ann: looked")

    in_virtual_time(main())


@pytest.mark.parametrize("word", WORDS)
def test_a_word_on_one_whom_nothing_settles_lets_the_run_go_on_with_them(tmp_path: Path, word: str) -> None:
    """Ann's answer is lost and no read proves anything; Bob's call is long, so that the run goes on."""

    async def main() -> None:
        time = Time()
        async with desk(time, script={BOB: ("agent_ended_call",)}) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [lost_before]
            rules = campaign(tmp_path, verbex.url, [ANN, BOB], hold=2.0, overrides=AGAIN)
            blind(verbex)
            async with run_of(verbex, ledger, rules) as run:
                await run.held()
                await moment(60.0)  # looked up in vain by then, and without a line
                assert len(ids(verbex, ANN)) == 1
                assert not run.ending.done(), "bob's end cannot be read either"
                assert (await run.mark(ANN, word)).startswith(f"reminders: {ANN} is marked as {word}")
                verbex.unread = lambda path, query: None
                closed = await run.ending
            assert closed.code is ExitCode.OK
            assert run.state(ANN) == WORDS[word][1]
            assert run.state(BOB) == ("done", 1)
            assert len(set(ids(verbex, ANN))) == len(ids(verbex, ANN)) == WORDS[word][2]

    in_virtual_time(main())


def test_the_budget_of_unknowns_counts_nobody_who_is_marked(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.always = lost_before
            blind(verbex)
            rules = campaign(tmp_path, verbex.url, [ANN, BOB, CID], hold=30.0, max_unknown=1, per_second=1.0, lines=1)
            async with run_of(verbex, ledger, rules) as run:
                for count, person in enumerate((ANN, BOB), 1):
                    await until(lambda count=count: len(verbex.posts) == count)  # type: ignore[misc]
                    await run.held()
                    assert "is done now" in await run.mark(person, "done")
                closed = await run.ending
            assert closed.code is ExitCode.UNKNOWN_LEFT
            assert [run.state(person)[0] for person in (ANN, BOB, CID)] == ["done", "done", "unknown"]

    in_virtual_time(main())


# --- against the platform's word ----------------------------------------------------------------------


async def marked(run: Any, person: str, word: Mark = Mark.DONE) -> str:
    """Mark somebody past the spool, at this very moment; gives what was refused, or nothing."""
    (one,) = await run.ledger.unknowns_of(person, None)
    with contextlib.suppress(UsageError):
        await run.engine.unknowns.mark(one.attempt, word, None, "", "ann")
        return ""
    return "refused"


def test_the_platforms_word_that_is_being_written_down_wins(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=60.0) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [placing(verbex)]
            rules = campaign(tmp_path, verbex.url, [ANN], hold=1.0)
            async with heart(rules, verbex, ledger) as run:
                writes, refused = ledger.place, list[str]()

                async def place(attempt: int, record: CallRecord) -> None:
                    refused.append(await marked(run, ANN, Mark.NOT_PLACED))
                    await writes(attempt, record)

                ledger.place = place  # type: ignore[method-assign] # the operator is as quick as can be
                await run.engine.run()
                assert refused == ["refused"]
                assert run.engine.stopped is None
                assert run.states() == {ANN: "done"}
                assert verbex.rang(ANN) == 1

    in_virtual_time(main())


def test_a_word_while_the_platform_is_being_asked_wins(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [placing(verbex)]
            rules = campaign(tmp_path, verbex.url, [ANN], hold=3.0)
            async with run_of(verbex, ledger, rules) as run:
                await run.held()
                verbex.read_takes = 20.0
                await moment(5.0)  # the platform has been asked, and takes its time
                assert "is done now" in await run.mark(ANN, "done")
                closed = await run.ending
            assert closed.code is ExitCode.OK
            assert run.state(ANN) == ("done", 1)
            assert len(verbex.posts) == 1
            assert run.rows("SELECT finish_reason FROM attempts") == [(None,)]

    in_virtual_time(main())


def test_a_word_between_a_look_and_its_writing_down_does_not_end_the_run(tmp_path: Path) -> None:
    """Ann's call proves the list, so that Bob's absence is about to be written down."""

    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [None, lost_before]
            asks, marks = ledger.was_told_of, list[str]()

            async def was_told_of(call: str) -> bool:
                if not marks and time.monotonic() > 1.0:
                    marks.append(await marked(run, BOB))
                return await asks(call)

            ledger.was_told_of = was_told_of  # type: ignore[method-assign] # the operator is as quick as can be
            async with heart(campaign(tmp_path, verbex.url, [ANN, BOB], hold=1.0), verbex, ledger) as run:
                await run.engine.run()
                assert marks == [""]
                assert run.engine.stopped is None
                assert run.states() == {ANN: "done", BOB: "done"}
                assert len(verbex.posts) == 2

    in_virtual_time(main())


def test_a_word_at_the_very_start_of_a_run_holds(tmp_path: Path) -> None:
    """The run has read that Ann's call is open, and has not begun to look it up."""

    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, [ANN])
            lost = await unknown(ledger, rules, await with_people(ledger, rules, [ANN]), 0.0)
            verbex.place(dial_of(lost))
            reads, tasks = ledger.open_attempts, list[asyncio.Task[str]]()

            async def open_attempts(campaign: int) -> list[Attempt]:
                (one,) = found = await reads(campaign)
                assert one.id == lost.id
                tasks.append(asyncio.create_task(mark_now()))
                return found

            async def mark_now() -> str:
                await run.engine.unknowns.mark(lost.id, Mark.DONE, None, "", "ann")
                return ""

            ledger.open_attempts = open_attempts  # type: ignore[method-assign] # the operator is as quick as can be
            async with heart(rules, verbex, ledger) as run:
                await run.engine.run()
                assert [await task for task in tasks] == [""]
                assert run.engine.stopped is None
                assert run.states() == {ANN: "done"}
                assert verbex.posts == []

    in_virtual_time(main())


def test_a_word_that_cannot_be_written_leaves_the_call_to_the_platform(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            verbex.faults = [placing(verbex)]
            async with run_of(verbex, ledger, campaign(tmp_path, verbex.url, [ANN], hold=10.0)) as run:
                await run.held()
                wrong = {"attempts": 3, "responses": {"unknown_error": ["wait", "soon"]}}
                told = await run.mark(ANN, "placed", retry=wrong)
                assert told.startswith(requests.NOT_DONE)
                assert run.state(ANN) == ("unknown", 0)
                closed = await run.ending
            assert closed.code is ExitCode.OK
            assert run.state(ANN) == ("done", 1)
            assert verbex.rang(ANN) == 1

    in_virtual_time(main())


# --- more than one campaign -----------------------------------------------------------------------------


def two(folder: Path, made: Desk, people: Sequence[str], others: Sequence[str], **rules: Any) -> list[Campaign]:
    first = campaign(folder, made.url, people, **rules)
    return [first, campaign(folder, made.url, others, name="survey", **rules)]


@pytest.mark.parametrize(("retry", "done"), [(True, True), (False, False)])
def test_a_campaign_that_is_not_part_of_the_run_is_marked_by_the_rules_that_are_given(
    tmp_path: Path, retry: bool, done: bool
) -> None:
    """Its number is live there; once it is not, the campaign that runs may ring it."""

    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=30.0) as verbex, open_ledger(tmp_path, time) as ledger:
            running, other = two(tmp_path, verbex, [ANN, BOB], [])
            await unknown(ledger, other, await with_people(ledger, other, [ANN]), 0.0)
            async with run_of(verbex, ledger, running) as run:
                await until(lambda: len(verbex.posts) == 1)
                facts = {"retry": requests.facts_of(other.retry)} if retry else {}
                told = await run.mark(ANN, "not-placed", "survey", **facts)
                assert told.startswith(requests.NOT_DONE) is not done
                assert run.state(ANN, "survey")[0] == ("due" if done else "unknown")
                if not done:
                    assert "name the campaign file" in told
                    assert "is done now" in await run.mark(ANN, "done", None)
                closed = await run.ending
            assert closed.code is ExitCode.OK
            assert run.state(ANN) == run.state(BOB) == ("done", 1)
            assert len(ids(verbex, ANN)) == 1

    in_virtual_time(main())


def test_an_id_that_is_unknown_in_two_campaigns_is_marked_in_neither_until_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intending, "is_live", lambda *_: False)  # as in a ledger that an older version wrote

    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            first, second = two(tmp_path, verbex, [], [])
            for rules, to in ((first, ANN), (second, BOB)):
                await unknown(ledger, rules, await with_people(ledger, rules, [f"P-1={to}"]), 3600.0)
            async with run_of(verbex, ledger, first, second, dials=False) as run:
                told = await run.mark("P-1", "done", None)
                assert told.startswith(f"{requests.NOT_DONE}2 calls to P-1 are unknown (reminders, survey): say which")
                assert [run.state("P-1", name)[0] for name in ("reminders", "survey")] == ["unknown"] * 2
                assert "is done now" in await run.mark("P-1", "done", "survey")
                assert [run.state("P-1", name)[0] for name in ("reminders", "survey")] == ["unknown", "done"]
                ((call_id,),) = run.rows("SELECT call_id FROM attempts WHERE state = 'unknown'")
                assert "reminders: P-1 is marked as placed" in await run.mark(call_id, "placed", None)
                closed = await run.ending
            assert closed.code is ExitCode.WORK_REMAINS
            assert verbex.posts == []

    in_virtual_time(main())


def test_an_engine_that_is_over_dials_nobody_who_is_marked_later(tmp_path: Path) -> None:
    """Ann's campaign is over and she is unknown from an earlier run, while the other waits until Bob is due."""

    async def main() -> None:
        time = Time()
        async with desk(time) as verbex, open_ledger(tmp_path, time) as ledger:
            over, other = two(tmp_path, verbex, [ANN], [BOB], hold=1.0)
            await with_people(ledger, other, [BOB])
            forge(ledger.path, "UPDATE contacts SET due_at = '2026-11-22T14:00:50.000Z'")
            await unknown(ledger, over, await with_people(ledger, over, [ANN]), 1.0)
            blind(verbex)
            async with run_of(verbex, ledger, over, other) as run:
                await moment(40.0)
                assert "is due now" in await run.mark(ANN, "not-placed")
                verbex.unread = lambda path, query: None
                closed = await run.ending
            assert [closing.code for closing in closed.closings] == [ExitCode.WORK_REMAINS, ExitCode.OK]
            assert run.state(ANN) == ("due", 0)
            assert [body["to_number"] for _, body in verbex.posts] == [BOB]

    in_virtual_time(main())


# --- pause and resume in a run -------------------------------------------------------------------------


def test_a_resume_takes_effect_at_the_next_run_and_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=30.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, [ANN, BOB], lines=1)
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.posts) == 1)
                assert await run.ask("resume", campaign="reminders") == "reminders was not paused"
                assert await run.ask("pause", campaign="reminders") == "reminders is paused; live calls run out"
                assert await run.ask("resume", campaign="reminders") == "reminders goes on at the next run"
                closed = await run.ending
            assert closed.code is ExitCode.PAUSED
            assert len(verbex.posts) == 1
            async with run_of(verbex, ledger, rules) as run:
                assert (await run.ending).code is ExitCode.OK

    in_virtual_time(main())
