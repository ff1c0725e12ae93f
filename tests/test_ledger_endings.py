"""What a call that is over, refused, held or found leaves in the ledger."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from dialer.model import AttemptState, ContactState, Decision, Halt, History, Sample
from tests.ledger_kit import (
    REJECTED,
    UNSENT,
    call,
    campaign_called,
    desk,
    e164,
    row,
)

DONE = Decision(ContactState.DONE, "user_ended_call", costs=True, sample=Sample.ACCEPTED)


async def test_the_history_is_the_one_that_stands_when_it_is_decided(tmp_path: Path) -> None:
    seen: list[History] = []

    def decide(history: History) -> Decision:
        seen.append(history)
        return DONE

    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        await made.take(row("bob", 2), yes=True)
        await made.ledger.settle(attempt, call("user_ended_call"), decide)
        assert [history.halt for history in seen] == [Halt.WITHDRAWN]


async def test_attempts_refusals_and_tally_grow_with_what_happened(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        for turn, (attempts, refusals, tally) in enumerate(
            [(0, 1, {}), (0, 2, {}), (1, 0, {"line_busy": 1}), (2, 0, {"line_busy": 2}), (2, 1, {"line_busy": 2})]
        ):
            attempt = await made.dial("ann")
            if turn in (2, 3):
                await made.end(attempt, "line_busy")
            else:
                await made.refuse(attempt, UNSENT)
            made.wall.goes_on(hours=2)
            history = (await made.candidate("ann")).history
            assert (history.attempts, history.refusals, dict(history.tally)) == (attempts, refusals, tally)
        assert made.contact("ann")["finish_reason"] == "line_busy"


async def test_an_ended_call_is_kept_whole(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        await made.ledger.place(attempt, call(platform_id="p1"))
        assert await made.ledger.knows("p1")
        assert not await made.ledger.knows("p2")
        made.wall.goes_on(minutes=1)
        await made.end(attempt, "user_ended_call")
        (result,) = made.rows("SELECT * FROM results")
        assert (result["id"], result["state"], result["phone"], result["attempts"]) == ("ann", "done", e164(1), 1)
        assert (result["platform_id"], result["call_status"], result["duration_seconds"]) == ("p1", "ended", 60)
        assert (result["recording_url"], result["ai_agent_id"]) == ("https://x/1.mp3", "agent")
        assert result["finish_reason"] == result["detail"] == "user_ended_call"
        kept = made.attempt(attempt)
        assert (kept["costs"], kept["placed_at"], kept["closed_at"]) == (
            1,
            "2026-11-22T09:00:00.000Z",
            "2026-11-22T09:01:00.000Z",
        )
        (reason,) = made.rows("SELECT * FROM reasons")
        assert (reason["campaign"], reason["state"], reason["contacts"]) == ("reminders", "done", 1)


async def test_an_unknown_is_held_looked_up_and_found(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        await made.hold(attempt)
        await made.ledger.look(attempt, "not found by list")
        (found,) = await made.ledger.open_attempts(made.campaign)
        assert (found.id, found.state, found.person) == (attempt, AttemptState.UNKNOWN, "ann")
        assert found.held_until == made.wall() + timedelta(seconds=120)
        await made.ledger.place(attempt, call(platform_id="p1"))
        kept = made.attempt(attempt)
        assert (kept["looks"], kept["held_until"], kept["error"], kept["platform_id"]) == (1, None, "", "p1")
        assert made.contact("ann")["state"] == "dialing"
        assert [event for event, _, _ in made.events("ann")] == ["intended", "held", "looked_up", "adopted"]


async def test_open_attempts_are_the_live_ones_of_that_campaign_in_their_order(tmp_path: Path) -> None:
    states = ("dialing", "waiting", "unknown", "done", "excluded", "exhausted")
    async with desk(tmp_path, *(row(state, n) for n, state in enumerate(states))) as made:
        for state in states:
            await made.bring(state, state)
        found = await made.ledger.open_attempts(made.campaign)
        assert [(attempt.person, str(attempt.state)) for attempt in found] == [
            ("dialing", "placed"),
            ("unknown", "unknown"),
        ]
        other = (await made.ledger.bind(campaign_called("others", made.path))).id
        assert await made.ledger.open_attempts(other) == []


async def test_a_rejection_excludes_with_the_platforms_words(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        assert (await made.refuse(attempt, REJECTED)).state is ContactState.EXCLUDED
        assert made.contact("ann")["detail"] == "rejected: metadata is too long"
        assert made.attempt(attempt)["error"] == "rejected: metadata is too long"
        assert made.events("ann")[-1] == ("refused", "dialing", "excluded")
