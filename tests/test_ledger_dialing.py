"""The verbs of a contact's and an attempt's life, one by one, on a ledger on disk."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from dialer.errors import ExitCode, IllegalTransition, LedgerError, LedgerHeld
from dialer.ledger import InlineExecutor, Ledger, Passed
from dialer.ledger.control import beside
from dialer.model import AttemptState, ContactState, Decision, NotPlaced, Sample
from tests.ledger_kit import (
    ABSENT,
    FULL,
    TOO_MANY,
    UNSENT,
    Desk,
    call,
    campaign_called,
    desk,
    dump,
    e164,
    forge,
    intent_for,
    row,
)

DONE = Decision(ContactState.DONE, "user_ended_call", costs=True, sample=Sample.ACCEPTED)

# --- which verb from which state ---------------------------------------------------------------------

Verb = Callable[[Desk, int], Awaitable[object]]
VERBS: dict[str, Verb] = {
    "place": lambda desk, attempt: desk.ledger.place(attempt, call(platform_id="p9")),
    "settle": lambda desk, attempt: desk.ledger.settle(attempt, call("user_ended_call"), lambda _: DONE),
    "refuse": lambda desk, attempt: desk.refuse(attempt, UNSENT),
    "hold": lambda desk, attempt: desk.hold(attempt),
    "look": lambda desk, attempt: desk.ledger.look(attempt, "not found by list"),
}
FROM: dict[str, Sequence[str]] = {
    "place": ("intended", "unknown"),
    "settle": ("intended", "placed", "unknown"),
    "refuse": ("intended", "unknown"),
    "hold": ("intended", "placed"),
    "look": ("unknown",),
}
WITH: dict[str, Sequence[str]] = {"hold": ("dialing",), "look": tuple(ContactState)}
AFTER = {
    "place": ("placed", "dialing"),
    "settle": ("ended", "done"),
    "refuse": ("refused", "due"),
    "hold": ("unknown", "unknown"),
    "look": ("unknown", "unknown"),
}
ALONGSIDE = {"intended": "dialing", "placed": "dialing", "unknown": "unknown"}
"""In which state the contact of a live attempt is."""


def _put(made: Desk, attempt: int, attempt_state: str, contact_state: str) -> None:
    forge(made.path, "UPDATE attempts SET state = ? WHERE id = ?", attempt_state, attempt)
    due_at = "2026-11-22T10:00:00.000Z" if contact_state == "waiting" else None
    forge(made.path, "UPDATE contacts SET state = ?, due_at = ?", contact_state, due_at)


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_from_a_wrong_state_is_refused_and_changes_nothing(tmp_path: Path, verb: str) -> None:
    """Over all states of the attempt and of the contact: also those that do not belong together."""
    contacts = WITH.get(verb, ("dialing", "unknown"))
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        for attempt_state, contact_state in itertools.product(AttemptState, ContactState):
            if attempt_state in FROM[verb] and contact_state in contacts:
                continue
            _put(made, attempt, attempt_state, contact_state)
            before = dump(made.path)
            with pytest.raises(IllegalTransition, match="nothing was changed"):
                await VERBS[verb](made, attempt)
            assert dump(made.path) == before, (attempt_state, contact_state)


@pytest.mark.parametrize(("verb", "state"), [(verb, state) for verb in VERBS for state in FROM[verb]])
async def test_a_verb_from_its_own_states_moves_both_and_tells(tmp_path: Path, verb: str, state: str) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        _put(made, attempt, state, ALONGSIDE[state])
        events = len(made.events("ann"))
        await VERBS[verb](made, attempt)
        assert (made.attempt(attempt)["state"], made.contact("ann")["state"]) == AFTER[verb]
        assert len(made.events("ann")) == events + 1


@pytest.mark.parametrize("verb", VERBS)
async def test_a_verb_for_an_attempt_that_does_not_exist_is_refused(tmp_path: Path, verb: str) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        before = dump(made.path)
        with pytest.raises(IllegalTransition) as error:
            await VERBS[verb](made, 99)
        assert error.value.code is ExitCode.LEDGER
        assert dump(made.path) == before


@pytest.mark.parametrize("state", [state for state in ContactState if state is not ContactState.DUE])
async def test_nobody_is_dialled_who_is_not_due(tmp_path: Path, state: str) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        stale = await made.candidate("ann")
        await made.bring("ann", state)
        before = dump(made.path)
        assert await made.intend(stale) is Passed.CHANGED
        assert dump(made.path) == before


@pytest.mark.parametrize("state", [ContactState.DIALING, ContactState.UNKNOWN])
async def test_a_decision_that_leaves_a_call_open_is_refused(tmp_path: Path, state: ContactState) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        before = dump(made.path)
        with pytest.raises(IllegalTransition, match=f"→ {state}"):
            await made.ledger.settle(attempt, call("no_answer"), lambda _: Decision(state, "", costs=False))
        assert dump(made.path) == before


async def test_waiting_without_a_time_is_refused(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        before = dump(made.path)
        with pytest.raises(LedgerError, match="CHECK constraint"):
            await made.ledger.settle(
                attempt, call("no_answer"), lambda _: Decision(ContactState.WAITING, "", costs=True)
            )
        assert dump(made.path) == before


# --- an intent ---------------------------------------------------------------------------------------


async def test_an_intent_is_all_on_disk_before_the_first_byte(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1, 2)) as made:
        candidate = await made.candidate("ann")
        assert candidate.numbers == (e164(1), e164(2))
        attempt = await made.intend(candidate, e164(2))
        assert isinstance(attempt, int)
        kept = made.attempt(attempt)
        assert (kept["state"], kept["serial"], kept["number"], kept["costs"]) == ("intended", 1, e164(2), 0)
        assert (kept["intended_at"], kept["intent_expires_at"]) == (
            "2026-11-22T09:00:00.000Z",
            "2026-11-22T09:00:30.000Z",
        )
        contact = made.contact("ann")
        assert (contact["state"], contact["serial"], contact["attempts"]) == ("dialing", 1, 0)
        assert made.events("ann") == [("intended", "due", "dialing")]


async def test_a_number_that_is_being_rung_is_rung_by_no_other_campaign(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        other = (await made.ledger.bind(campaign_called("others", made.path))).id
        await made.take(row("bob", 1), campaign=other)
        attempt = await made.dial("ann")
        bob = await made.candidate("bob", other)
        for state in ("intended", "placed", "unknown"):
            forge(made.path, "UPDATE attempts SET state = ? WHERE id = ?", state, attempt)
            before = dump(made.path)
            assert await made.intend(bob) is Passed.NUMBER_LIVE
            assert dump(made.path) == before
        forge(made.path, "UPDATE attempts SET state = 'ended' WHERE id = ?", attempt)
        assert isinstance(await made.intend(bob), int)


async def test_a_reused_call_id_does_not_ring_a_number_that_is_being_rung(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2, 1)) as made:
        await made.refuse(await made.dial("ann"), ABSENT)
        made.wall.goes_on(minutes=5)
        ann = await made.candidate("ann")
        assert ann.reuse is not None
        assert isinstance(await made.intend(await made.candidate("bob"), e164(1)), int)
        before = dump(made.path)
        assert await made.intend(ann) is Passed.NUMBER_LIVE
        assert dump(made.path) == before


async def test_a_call_id_that_another_attempt_has_is_an_error_and_no_second_ring(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        ann, bob = await made.candidate("ann"), await made.candidate("bob")
        intent = intent_for(ann, made.wall())
        await made.ledger.intend(ann, intent)
        before = dump(made.path)
        with pytest.raises(LedgerError, match=r"attempts\.call_id|attempts\.number"):
            await made.ledger.intend(bob, intent_for(ann, made.wall(), e164(2)))
        assert dump(made.path) == before


async def test_a_run_whose_ledger_was_taken_over_dials_nobody_any_more(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        attempt = await made.dial("ann")
        bob = await made.candidate("bob")
        beside(made.path, "lock").unlink()  # so that the lock no longer keeps the second one out
        second = Ledger.open(made.path, "run", made.wall, executor=InlineExecutor(), synchronous="OFF")
        try:
            await second.start_run("run", ["reminders"])
            before = dump(made.path)
            with pytest.raises(LedgerHeld) as error:
                await made.intend(bob)
            assert error.value.code is ExitCode.HELD
            assert dump(made.path) == before
            # Nor does it write down what came of its calls: those are the other run's, which asks the platform itself.
            with pytest.raises(LedgerHeld):
                await made.end(attempt, "user_ended_call")
            with pytest.raises(LedgerHeld):
                await made.hold(attempt)
            assert dump(made.path) == before
            assert isinstance(await second.intend(bob, intent_for(bob, made.wall())), int)
        finally:
            await second.close()


async def test_before_a_run_has_begun_nobody_is_dialled(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        path, wall, candidate = made.path, made.wall, await made.candidate("ann")
    ledger = Ledger.open(path, "run", wall, executor=InlineExecutor())
    with pytest.raises(LedgerHeld):
        await ledger.intend(candidate, intent_for(candidate, wall()))
    await ledger.close()


# --- the same call id, or a new one ------------------------------------------------------------------


@pytest.mark.parametrize("why", [UNSENT, TOO_MANY, ABSENT])
async def test_a_call_id_of_which_nothing_was_made_is_sent_again(tmp_path: Path, why: NotPlaced) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        first = await made.dial("ann")
        await made.refuse(first, why)
        kept = made.attempt(first)
        assert (kept["state"], kept["reusable"], kept["costs"]) == ("refused", 1, 0)
        made.wall.goes_on(minutes=5)
        candidate = await made.candidate("ann")
        assert (candidate.reuse, candidate.serial, candidate.history.refusals) == (first, 1, 1)
        assert await made.intend(candidate) == first
        again = made.attempt(first)
        assert (again["state"], again["call_id"], again["reusable"]) == ("intended", kept["call_id"], 0)
        assert (again["error"], again["closed_at"], again["intended_at"]) == ("", None, "2026-11-22T09:05:00.000Z")
        assert made.contact("ann")["serial"] == 1


async def test_after_any_record_the_next_dial_has_a_new_serial(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        first = await made.dial("ann")
        await made.refuse(first, FULL)
        made.wall.goes_on(minutes=5)
        candidate = await made.candidate("ann")
        assert (candidate.reuse, candidate.serial) == (None, 1)
        second = await made.intend(candidate)
        assert isinstance(second, int)
        assert second != first
        assert made.attempt(second)["serial"] == 2
        await made.end(second, "line_busy")
        made.wall.goes_on(hours=1)
        third = await made.candidate("ann")
        assert (third.reuse, third.serial, third.history.attempts) == (None, 2, 1)


async def test_one_who_was_handed_out_twice_is_dialled_once(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        first, second = await made.candidate("ann"), await made.candidate("ann")
        attempt = await made.intend(first)
        assert isinstance(attempt, int)
        await made.end(attempt, "line_busy")
        made.wall.goes_on(hours=1)
        await made.due()
        before = dump(made.path)
        assert await made.intend(second) is Passed.CHANGED
        assert dump(made.path) == before


async def test_one_who_was_handed_out_twice_with_a_call_id_to_reuse_is_dialled_once(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.refuse(await made.dial("ann"), UNSENT)
        made.wall.goes_on(minutes=5)
        first, second = await made.candidate("ann"), await made.candidate("ann")
        attempt = await made.intend(first)
        assert isinstance(attempt, int)
        await made.end(attempt, "line_busy")
        made.wall.goes_on(hours=1)
        await made.due()
        before = dump(made.path)
        with pytest.raises(IllegalTransition):
            await made.intend(second)
        assert dump(made.path) == before


async def test_a_call_id_that_is_sent_again_is_looked_up_from_the_start(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        await made.hold(attempt)
        for _ in range(2):
            await made.ledger.look(attempt, "not found by list")
        assert made.attempt(attempt)["looks"] == 2
        await made.refuse(attempt, ABSENT)
        made.wall.goes_on(minutes=5)
        assert await made.intend(await made.candidate("ann")) == attempt
        assert (made.attempt(attempt)["looks"], made.attempt(attempt)["held_until"]) == (0, None)
