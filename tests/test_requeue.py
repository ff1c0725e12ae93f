"""`dialer requeue`: who is made due again, who is left out and told, and how a running campaign hears of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.clock import Clock
from dialer.config import load
from dialer.errors import UsageError
from dialer.ledger import Ledger
from dialer.ledger.requeuing import Reach, Wanted, reach_of
from dialer.runner import requeue
from tests.command_line import campaign as file_of
from tests.command_line import taken_in, told
from tests.conduct_kit import run_of
from tests.desk import desk as platform
from tests.engine_kit import campaign, number, open_ledger, waits
from tests.ledger_kit import Desk, desk, forge, row, rows_of
from tests.test_ledger_tallies import faults
from tests.virtual_time import Time, in_virtual_time, until

ANY = Wanted("reminders", attempts=3, extra=1)


def by(*reasons: str, **others: Any) -> Wanted:
    return replace(ANY, reasons=reasons, **others)


async def asked(made: Desk, wanted: Wanted) -> Reach:
    """What is told beforehand is what is done."""
    before = reach_of(made.path, wanted, made.wall())
    done = await made.ledger.requeue(wanted, "a new offer", "ann")
    assert done == before
    assert faults(made.path) == []
    return done


async def used_up(made: Desk, person: str, reason: str = "no_answer") -> None:
    """Three calls that nobody answered."""
    for _ in range(3):
        await made.end(await made.dial(person), reason)
        made.wall.goes_on(days=2)


# --- whom it reaches ---------------------------------------------------------------------------------


async def test_by_the_reason_of_the_last_call_and_by_nothing_else(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2), row("cid", 3), row("dan", 4)) as made:
        await used_up(made, "ann")
        await made.bring("bob", "exhausted")  # no_audio_input
        await made.bring("cid", "waiting")  # no_answer, but it goes on by itself
        assert await asked(made, by("no_answer")) == Reach(1)
        assert made.states() == {"ann": "due", "bob": "exhausted", "cid": "waiting", "dan": "due"}
        ann = made.contact("ann")
        assert (ann["attempts"], ann["extra_attempts"], ann["detail"], ann["due_at"]) == (3, 1, "requeued", None)
        (event,) = made.rows("SELECT * FROM events WHERE event = 'requeued' AND contact_id = ?", ann["id"])
        assert (event["from_state"], event["to_state"]) == ("exhausted", "due")
        assert event["detail"] == "by ann, 1 attempt more: a new offer"
        (whole,) = made.rows("SELECT detail FROM events WHERE event = 'requeued' AND contact_id IS NULL")
        assert whole["detail"] == "reminders: 1 person, by ann, 1 attempt more: a new offer"
        assert "ann" in await made.due()


@pytest.mark.parametrize("word", ["rejected", "metadata is too long"])
async def test_by_the_words_of_a_detail(tmp_path: Path, word: str) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        await made.bring("ann", "excluded")
        assert await asked(made, by(word, extra=0)) == Reach(1)
        assert await asked(made, by(word, extra=0)) == Reach(0)


async def test_nobody_beyond_the_attempts_that_they_have(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        await used_up(made, "ann")
        assert await asked(made, by("no_answer", extra=0)) == Reach(0, used_up=1)
        assert await asked(made, by("no_answer", attempts=4, extra=0)) == Reach(1)
        forge(made.path, "UPDATE contacts SET state = 'exhausted', attempts = 4, extra_attempts = 1")
        assert await asked(made, by("no_answer", extra=0)) == Reach(0, used_up=1)


async def test_who_has_talked_is_left_out_unless_named(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2), row("cid", 3)) as made:
        await made.bring("ann", "done")
        await made.bring("bob", "done")
        assert await asked(made, by("user_ended_call")) == Reach(0, talked=2)
        assert await asked(made, by("user_ended_call", only=("ann", "cid"))) == Reach(1, unfinished=1)
        assert made.states() == {"ann": "due", "bob": "done", "cid": "due"}
        assert await asked(made, replace(ANY, only=("+14155550002",))) == Reach(1)


async def test_a_conversation_before_the_last_call_counts_too(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        forge(
            made.path,
            """UPDATE contacts SET state = 'exhausted', finish_reason = 'no_answer', attempts = 2,
                            tally = '{"inactivity_timeout": 1, "no_answer": 1}'""",
        )
        assert await asked(made, by("no_answer")) == Reach(0, talked=1)


async def test_who_may_not_be_called_is_not_even_if_named(tmp_path: Path) -> None:
    async with desk(tmp_path, *(row(f"p{n}", n) for n in range(4))) as made:
        excluded = "UPDATE contacts SET state = 'excluded', detail = ?, stop = ? WHERE person = ?"
        forge(made.path, excluded, "opted_out", "opted_out", "p0")
        forge(made.path, excluded, "held:no_zone", None, "p1")
        forge(made.path, excluded, "dnc:national.csv", None, "p2")
        found = await asked(made, replace(ANY, only=("p0", "p1", "p2")))
        assert found == Reach(0, halted=1, barred=2)
        assert set(made.states().values()) == {"due", "excluded"}


async def test_whose_time_is_over_is_called_only_where_named_and_then_has_time(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        past = "2026-11-22T08:00:00.000Z"
        forge(made.path, "UPDATE contacts SET state = 'exhausted', detail = 'expired', expires_at = ?", past)
        assert await asked(made, by("expired")) == Reach(0, late=2)
        assert await asked(made, by("expired", only=("ann",))) == Reach(1)
        assert await made.due() == ["ann"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (replace(ANY, campaign="survey", reasons=("no_answer",)), "the ledger has no campaign 'survey'"),
        (replace(ANY, only=("ann", "zoe")), "--only zoe: reminders has nobody with this id or number"),
    ],
)
async def test_what_cannot_be_meant_is_refused_and_changes_nothing(tmp_path: Path, wanted: Wanted, words: str) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        with pytest.raises(UsageError, match=words):
            await made.ledger.requeue(wanted, "", "ann")
        with pytest.raises(UsageError, match=words):
            reach_of(made.path, wanted, made.wall())


async def test_a_cancelled_campaign_stays_so(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.ledger.pause("reminders", "cancel", "called off", None, "ann")
        with pytest.raises(UsageError, match=r"reminders was cancelled \(called off\) and stays so"):
            await made.ledger.requeue(by("cancelled"), "", "ann")


# --- as a request ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [by("a", "b"), replace(ANY, only=("x",), state="done"), by("a", extra=0)])
def test_a_word_comes_through_a_request_whole(wanted: Wanted) -> None:
    assert requeue.wanted_of(requeue.facts_of(wanted, "why", "who")) == wanted


@pytest.mark.parametrize("facts", [{"reasons": []}, {"state": "waiting"}, {"extra": -1}, {"extra": "x"}])
def test_what_names_nobody_is_refused(facts: dict[str, Any]) -> None:
    with pytest.raises((UsageError, ValueError)):
        requeue.wanted_of({**requeue.facts_of(by("no_answer"), "", ""), **facts})


def test_all_who_are_left_out_are_told_of() -> None:
    told = list(requeue.left_out(Reach(1, 2, 3, 4, 5, 6, 7)))
    assert [sentence.split()[2] for sentence in told[:5]] == ["4", "5", "6", "2", "3"]
    assert told[5].startswith("7 of those named")


# --- a running campaign ------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_running_campaign_dials_them_within_a_second(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        people = [number(n) for n in range(3)]
        script = {people[0]: ("no_answer", "user_ended_call")}
        async with platform(time, script=script, call_seconds=300.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, people, attempts=1, overrides={"no_answer": waits(60.0)})
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.posts) == 3)
                await until(lambda: run.state(people[0]) == ("exhausted", 1))
                facts = requeue.facts_of(by("no_answer", attempts=1), "again", "ann")
                answer = await run.ask("requeue", **facts)
                assert answer == "reminders: 1 person is due again, with 1 attempt more"
                assert verbex.rang(people[0]) == 2
                assert answer in run.said.getvalue()
                await run.ending
            assert run.rows("SELECT detail FROM events WHERE event = 'requeued'")[0][0].endswith(": again")

    in_virtual_time(main())


# --- the command -------------------------------------------------------------------------------------


def ended(path: Path, *reasons: str) -> None:
    """The first few people have been called, and their calls ended so."""
    taken_in(path)
    asyncio.run(_end(path, reasons))


async def _end(path: Path, reasons: tuple[str, ...]) -> None:
    rules = load(path, {})
    ledger = Ledger.open(rules.ledger, "run", Clock().now)
    try:
        await ledger.start_run("run", [rules.name])
        made = Desk(ledger, Clock().now, (await ledger.bind(rules)).id)  # type: ignore[arg-type]
        for place, reason in enumerate(reasons, 1):
            await made.end(await made.dial(f"A{place}"), reason)
    finally:
        await ledger.close()


def test_the_command_says_whom_it_reaches_asks_and_does_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_of(tmp_path)
    ended(path, "no_audio_input", "user_ended_call")
    unasked = told(capsys, "requeue", path, "--reason", "no_audio_input")
    assert unasked.code == 2
    assert "reminders: 1 person will be called again. Do it? There is no terminal to ask" in unasked.err
    for answer, code in (("n", 2), ("", 2), ("y", 0)):
        monkeypatch.setattr("sys.stdin", _Terminal(answer))
        result = told(capsys, "requeue", path, "--reason", "no_audio_input", "--reason", "user_ended_call")
        assert result.code == code
    assert result.out == (
        "reminders: 1 person is due again\n  left out: 1 who had a conversation, unless --only names them\n"
    )
    found = rows_of(tmp_path / "dialer.db", "SELECT person, state FROM contacts ORDER BY person")
    assert [one["state"] for one in found] == ["due", "done", "due"]


class _Terminal:
    def __init__(self, says: str) -> None:
        self._says = says

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return f"{self._says}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say who is to be called again: by --reason, or one by one with --only"),
        (("--reason", "no_answer", "--state", "waiting"), "'waiting' is none of done, exhausted, excluded"),
        (("--only", "A9"), "--only A9: reminders has nobody with this id or number"),
    ],
)
def test_a_wrong_word_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    path = file_of(tmp_path)
    taken_in(path)
    refused = told(capsys, "requeue", path, *arguments, "--yes")
    assert (refused.code, words in refused.err) == (2, True), refused.err


def test_before_the_first_run_there_is_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    early = told(capsys, "requeue", file_of(tmp_path), "--reason", "no_answer", "--yes")
    assert (early.code, "has not been run yet" in early.err) == (2, True)
    assert not (tmp_path / "dialer.db").exists()
