"""The operator's word in the ledger: what it moves, what it writes down, and what it does not touch."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.errors import IllegalTransition, UsageError
from dialer.ledger import Unknown
from dialer.ledger.unknowns import Decide
from dialer.model import Decision, Mark, RetryRules
from dialer.policy import lifecycle
from tests.ledger_kit import RETRY, Desk, campaign_called, desk, dump, e164, forge, row


def deciding(made: Desk, word: Mark, rules: RetryRules | None = RETRY) -> Decide:
    return lambda history: lifecycle.marked(history, word, rules, made.wall(), 0.0)


async def mark(made: Desk, attempt: int, word: Mark, why: str = "looked", rules: RetryRules | None = RETRY) -> Decision:
    return await made.ledger.mark(attempt, word, deciding(made, word, rules), why, "ann")


@pytest.mark.parametrize(
    ("word", "attempt_state", "costs", "reason", "state", "attempts", "refusals"),
    [
        (Mark.PLACED, "ended", 1, "unknown_error", "waiting", 1, 0),
        (Mark.NOT_PLACED, "refused", 0, None, "due", 0, 1),
        (Mark.DONE, "ended", 1, None, "done", 1, 0),
    ],
)
async def test_what_each_word_moves(
    tmp_path: Path,
    word: Mark,
    attempt_state: str,
    costs: int,
    reason: str | None,
    state: str,
    attempts: int,
    refusals: int,
) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.bring("ann", "unknown")
        made.wall.goes_on(minutes=5)
        decision = await mark(made, attempt, word)
        found, contact = made.attempt(attempt), made.contact("ann")
        assert (found["state"], found["costs"], found["finish_reason"]) == (attempt_state, costs, reason)
        assert (found["held_until"], found["closed_at"]) == (None, "2026-11-22T09:05:00.000Z")
        assert found["reusable"] == 0, "whoever was wrong is not to be rung under an id that has rung"
        assert (contact["state"], contact["attempts"], contact["refusals"]) == (state, attempts, refusals)
        assert contact["state"] == decision.state
        assert made.events("ann")[-1] == ("marked", "unknown", state)
        (told,) = made.rows("SELECT detail, attempt_id FROM events WHERE event = 'marked'")
        assert told["detail"].startswith(f"{word}, says ann: looked")
        assert ("; again at " in told["detail"]) is (decision.due_at is not None)
        assert told["attempt_id"] == attempt


async def test_one_who_was_not_placed_is_dialled_under_a_new_id(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.bring("ann", "unknown")
        await mark(made, attempt, Mark.NOT_PLACED, why="")
        made.wall.goes_on(minutes=1)
        again = await made.dial("ann")
        assert made.attempt(again)["call_id"] != made.attempt(attempt)["call_id"]
        assert made.rows("SELECT detail FROM events WHERE event = 'marked'")[0]["detail"].startswith(
            "not-placed, says ann; again at "
        )


@pytest.mark.parametrize("state", ["dialing", "waiting", "done", "exhausted", "excluded"])
@pytest.mark.parametrize("word", Mark)
async def test_only_what_is_unknown_is_marked(tmp_path: Path, state: str, word: Mark) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.bring("ann", state)
        before = dump(made.path)
        assert await made.ledger.unknowns_of("ann", None) == []
        with pytest.raises(IllegalTransition):
            await mark(made, attempt, word)
        assert dump(made.path) == before


async def test_a_word_that_cannot_be_decided_changes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.bring("ann", "unknown")
        before = dump(made.path)
        with pytest.raises(UsageError):
            await mark(made, attempt, Mark.PLACED, rules=None)
        assert dump(made.path) == before


async def test_a_second_word_on_the_same_call_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.bring("ann", "unknown")
        await mark(made, attempt, Mark.DONE)
        with pytest.raises(IllegalTransition):
            await mark(made, attempt, Mark.NOT_PLACED)
        assert made.contact("ann")["state"] == "done"


async def test_one_who_was_halted_meanwhile_is_excluded_and_not_called(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        attempts = [await made.bring(person, "unknown") for person in ("ann", "bob")]
        await made.ledger.pause("reminders", "cancel", "", None, "eve")
        await mark(made, attempts[0], Mark.NOT_PLACED)
        await mark(made, attempts[1], Mark.DONE)
        assert made.states() == {"ann": "excluded", "bob": "done"}


async def test_who_is_meant_by_an_id_a_number_or_a_call(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2), row("cid", 3)) as made:
        ann, bob = [await made.bring(person, "unknown") for person in ("ann", "bob")]
        other = (await made.ledger.bind(campaign_called("survey", made.path))).id
        await made.take(row("ann", 4), campaign=other)
        # Two at once have been possible, and the platform may still show two.
        forge(made.path, "UPDATE contacts SET state = 'done' WHERE person = 'ann' AND state = 'unknown'")
        written = await made.intend(await made.candidate("ann", other))
        assert isinstance(written, int)
        forge(made.path, "UPDATE contacts SET state = 'unknown' WHERE person = 'ann' AND state = 'done'")
        await made.hold(written)
        here, there = Unknown(ann, "reminders", "ann"), Unknown(written, "survey", "ann")
        assert await made.ledger.unknowns_of("ann", None) == [here, there]
        assert await made.ledger.unknowns_of("ann", "survey") == [there]
        assert await made.ledger.unknowns_of(e164(2), None) == [Unknown(bob, "reminders", "bob")]
        assert await made.ledger.unknowns_of(made.attempt(written)["call_id"], None) == [there]
        for nobody in ("cid", e164(3), "", "%"):
            assert await made.ledger.unknowns_of(nobody, None) == []


async def test_what_was_marked_is_told_to_no_threshold(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2), row("cid", 3)) as made:
        for person, word in (("ann", Mark.PLACED), ("bob", Mark.DONE)):
            await mark(made, await made.bring(person, "unknown"), word, why="")
        await made.bring("cid", "done")
        (ended,) = await made.ledger.recent_endings(made.campaign, 10)
        assert ended.finish_reason == "user_ended_call"


async def test_nobody_is_lost_to_the_counts(tmp_path: Path) -> None:
    async with desk(tmp_path, *(row(name, n) for n, name in enumerate(("ann", "bob", "cid")))) as made:
        for person, word in zip(("ann", "bob", "cid"), Mark, strict=True):
            await mark(made, await made.bring(person, "unknown"), word)
        counted = {state: n for state, n in (await made.ledger.counts(made.campaign)).items() if n}
        assert counted == {"waiting": 1, "due": 1, "done": 1}
        assert await made.ledger.open_attempts(made.campaign) == []
