"""Who may be dialled at this moment: the order, the pause, the time to live, a person's word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.errors import UsageError
from dialer.ledger import Passed, Paused
from dialer.model import ContactState, ListRules
from tests.ledger_kit import (
    ABSENT,
    BY_NAME,
    PEOPLE,
    Desk,
    desk,
    dump,
    e164,
    forge,
    row,
)

# --- who may not be dialled though due ---------------------------------------------------------------


async def _pause(made: Desk) -> None:
    await made.ledger.pause("reminders", "pause", "lunch", None, "ann")


async def _expire(made: Desk) -> None:
    made.wall.goes_on(hours=1)


async def _withdraw(made: Desk) -> None:
    await made.take(row("bob", 2), yes=True)


async def _cancel(made: Desk) -> None:
    await made.ledger.pause("reminders", "cancel", "", None, "ann")


@pytest.mark.parametrize(
    ("do", "passed"),
    [
        (_pause, Passed.PAUSED),
        (_cancel, Passed.PAUSED),
        (_expire, Passed.CHANGED),
        (_withdraw, Passed.CHANGED),
    ],
)
async def test_what_happened_since_somebody_was_handed_out_counts(
    tmp_path: Path, do: Callable[[Desk], Awaitable[None]], passed: Passed
) -> None:
    rules = ListRules((PEOPLE,), id="name", expires=3600.0)
    async with desk(tmp_path, row("ann", 1), row("bob", 2), rules=rules) as made:
        candidate = await made.candidate("ann")
        await do(made)
        before = dump(made.path)
        assert await made.intend(candidate) is passed
        assert dump(made.path) == before


async def test_who_was_halted_while_due_is_dropped_when_their_turn_comes(tmp_path: Path) -> None:
    """By a hand that told nobody: once they are dropped, they are handed out no more."""
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        candidate = await made.candidate("ann")
        forge(made.path, "UPDATE contacts SET stop = 'opted_out' WHERE person = 'ann'")
        assert await made.intend(candidate) is Passed.CHANGED
        assert (made.contact("ann")["state"], made.contact("ann")["detail"]) == ("excluded", "opted_out")
        assert made.events("ann") == [("halted", "due", "excluded")]
        assert await made.due() == ["bob"]


async def test_somebody_expires_at_the_very_moment_and_not_before(tmp_path: Path) -> None:
    rules = ListRules((PEOPLE,), id="name", expires=3600.0)
    async with desk(tmp_path, row("ann", 1), row("bob", 2), rules=rules) as made:
        await made.end(await made.dial("ann"), "line_busy")
        made.wall.goes_on(minutes=59, seconds=59.999)
        assert await made.due() == ["ann", "bob"]
        made.wall.goes_on(seconds=0.001)
        assert await made.due() == []
        assert made.states() == {"ann": "exhausted", "bob": "exhausted"}
        assert {made.contact(person)["detail"] for person in ("ann", "bob")} == {"expired"}
        assert made.events("bob") == [("expired", "due", "exhausted")]


# --- pause, resume, cancel ---------------------------------------------------------------------------


async def test_a_pause_holds_until_its_time_or_until_it_is_taken_back(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        until = made.wall() + timedelta(minutes=10)
        said = await made.ledger.pause("reminders", "pause", "lunch", until, "ann")
        assert said == "reminders is paused until 2026-11-22 09:10:00 UTC; live calls run out"
        assert await made.ledger.pause_of(made.campaign) == Paused("paused: lunch", "lunch", by_rule=False)
        made.wall.goes_on(minutes=10)
        assert await made.ledger.pause_of(made.campaign) is None
        assert isinstance(await made.intend(await made.candidate("ann")), int)
        await made.ledger.pause("reminders", "pause", "", None, "ann")
        assert await made.ledger.pause_of(made.campaign) == Paused("paused", "", by_rule=False)
        assert await made.ledger.pause("reminders", "resume", "", None, "ann") == "reminders goes on at the next run"
        assert isinstance(await made.intend(await made.candidate("bob")), int)


async def test_a_cancelled_campaign_lets_live_calls_run_out_and_stays_cancelled(tmp_path: Path) -> None:
    names = ("ann", "bob", "cid", "dan", "eve")
    async with desk(tmp_path, *(row(name, n) for n, name in enumerate(names))) as made:
        live, lost = await made.bring("bob", "dialing"), await made.bring("cid", "unknown")
        await made.bring("dan", "waiting")
        await made.bring("eve", "done")
        said = await made.ledger.pause("reminders", "cancel", "wrong text", None, "ann")
        assert said == "reminders is cancelled: 2 people will not be dialled, 2 live calls run out"
        states = {"ann": "excluded", "bob": "dialing", "cid": "unknown", "dan": "excluded", "eve": "done"}
        assert made.states() == states
        assert made.contact("dan")["due_at"] is None
        assert (await made.end(live, "no_answer")).state is ContactState.EXCLUDED
        assert (await made.refuse(lost, ABSENT)).state is ContactState.EXCLUDED
        assert made.contact("bob")["detail"] == "cancelled"
        with pytest.raises(UsageError, match="was cancelled \\(wrong text\\) and stays so"):
            await made.ledger.pause("reminders", "resume", "", None, "ann")
        said = await made.ledger.pause("reminders", "cancel", "", None, "ann")
        assert said == "reminders was cancelled already by ann (wrong text), and stays so"


async def test_a_campaign_that_was_never_run_is_named(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        with pytest.raises(UsageError, match="has no campaign 'nobodys'"):
            await made.ledger.pause("nobodys", "pause", "", None, "ann")


# --- who is due --------------------------------------------------------------------------------------


async def test_overdue_retries_come_first_then_the_list_in_its_order(tmp_path: Path) -> None:
    names = ("ann", "bob", "cid", "dan", "eve")
    async with desk(tmp_path, *(row(name, n) for n, name in enumerate(names))) as made:
        await made.end(await made.dial("bob"), "no_answer")
        await made.end(await made.dial("dan"), "line_busy")
        assert await made.due() == ["ann", "cid", "eve"]
        assert await made.ledger.next_due(made.campaign) == made.wall() + timedelta(minutes=10)
        made.wall.goes_on(minutes=10)
        assert await made.due() == ["dan", "ann", "cid", "eve"]
        made.wall.goes_on(hours=2)
        assert await made.due() == ["dan", "bob", "ann", "cid", "eve"]
        assert [found.person for found in await made.ledger.due(made.campaign, 3)] == ["dan", "bob", "ann"]
        assert await made.ledger.next_due(made.campaign) is None


async def test_one_person_is_found_by_id_or_number_and_only_when_due(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        for name in ("ann", e164(1)):
            assert [found.person for found in await made.ledger.due(made.campaign, 5, name)] == ["ann"]
        assert await made.ledger.due(made.campaign, 5, "nobody") == []
        await made.end(await made.dial("ann"), "line_busy")
        assert await made.ledger.due(made.campaign, 5, "ann") == []
        assert await made.ledger.next_due(made.campaign, "ann") == made.wall() + timedelta(minutes=10)
        assert await made.ledger.next_due(made.campaign, "bob") is None


async def test_counts_are_kept_by_state(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2), rules=BY_NAME) as made:
        await made.bring("ann", "waiting")
        counted = {state: n for state, n in (await made.ledger.counts(made.campaign)).items() if n}
        assert counted == {"due": 1, "waiting": 1}


async def test_the_excluded_for_no_fault_of_theirs_are_due_again(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2), row("cid", 3), row("dan", 4)) as made:
        await made.bring("ann", "excluded")
        await made.bring("bob", "done")
        await made.take(row("ann", 1), row("bob", 2), row("dan", 4), yes=True)
        contacts = [made.contact(person)["id"] for person in ("ann", "bob", "cid", "dan")]
        await made.ledger.due_again([*contacts, 99], "rejected for a fault of the campaign")
        assert made.states() == {"ann": "due", "bob": "done", "cid": "excluded", "dan": "due"}
        assert made.events("ann")[-1] == ("due_again", "excluded", "due")
        assert [event for event, _, _ in made.events("bob")] == ["intended", "ended"]
        assert await made.due() == ["ann", "dan"]
