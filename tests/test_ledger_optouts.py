"""The ledger's own do-not-call list: whom an entry stops, in all campaigns, and whom taking it back sets free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import UsageError
from dialer.ledger import Ledger, Passed, optouts
from dialer.ledger.optouts import Barred, Reached, Removed, Word
from dialer.ledger.reading import open_reader
from dialer.policy.marks import number_key
from tests.ledger_kit import BY_NAME, BY_NUMBER, Desk, campaign_called, desk, e164, forge, row, rows_of

SAID = Word("asked us to stop", "command", "ann")


async def second(made: Desk, name: str = "monday", **rules: Any) -> int:
    """Another campaign of the ledger."""
    return (await made.ledger.bind(campaign_called(name, made.path, **rules))).id


async def said_no(made: Desk, *numbers: int, people: Sequence[str] = (), word: Word = SAID) -> tuple[Reached, ...]:
    return await made.ledger.opt_out([e164(one) for one in numbers], people, word)


async def taken_back(made: Desk, *numbers: int, people: Sequence[str] = ()) -> Removed:
    return await made.ledger.opt_in([e164(one) for one in numbers], people, SAID)


async def is_barred(
    ledger: Ledger, numbers: Iterable[int], person: str, registers: Sequence[int] = ()
) -> Barred | None:
    given = [e164(one) for one in numbers]
    return await ledger._writer.do(lambda db: optouts.barred(db, ledger.secret, given, person, registers))


def stands(found: dict[str, Any]) -> tuple[str, str | None, str]:
    return found["state"], found["stop"], found["detail"]


# --- whom it stops -----------------------------------------------------------------------------------

STATES = {
    "due": ("excluded", "opted_out", "opted_out"),
    "waiting": ("excluded", "opted_out", "opted_out"),
    "dialing": ("dialing", "opted_out", ""),
    "unknown": ("unknown", "opted_out", "the answer was lost"),
    "done": ("done", "opted_out", "user_ended_call"),
    "exhausted": ("exhausted", "opted_out", "never:no_audio_input"),
    "excluded": ("excluded", "opted_out", "rejected: metadata is too long"),
}
COUNTED = {"due": (1, 0), "waiting": (1, 0), "dialing": (0, 1), "unknown": (0, 1)}


@pytest.mark.parametrize("state", STATES)
async def test_in_each_state_an_entry_stops_what_is_to_come_and_leaves_what_was(tmp_path: Path, state: str) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        await made.bring("ann", state)
        before = made.contact("ann")
        (reached,) = await said_no(made, 1)
        assert (reached.campaign, reached.withdrawn, reached.live) == ("reminders", *COUNTED.get(state, (0, 0)))
        after = made.contact("ann")
        assert stands(after) == STATES[state]
        assert after["due_at"] == before["due_at"]
        assert made.states()["bob"] == "due"
        (event,) = made.rows("SELECT * FROM events WHERE event = 'opted_out'")
        assert (event["from_state"], event["to_state"]) == (state, STATES[state][0])
        assert event["detail"] == "by ann: asked us to stop"


async def test_a_live_call_runs_out_and_is_not_followed_by_another(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.bring("ann", "dialing")
        await said_no(made, 1)
        await made.end(attempt, "no_answer")
        found = made.contact("ann")
        assert stands(found) == ("excluded", "opted_out", "opted_out")
        assert found["due_at"] is not None


async def test_a_number_stops_whoever_has_it_among_theirs_in_all_campaigns(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1, 2), row("bob", 3)) as made:
        monday = await second(made)
        await made.take(row("A-7", 2), row("B-9", 3, 4), campaign=monday)
        reached = await said_no(made, 2)
        assert reached == (Reached("reminders", 1, 0), Reached("monday", 1, 0))
        assert made.states() == {"ann": "excluded", "bob": "due"}
        assert made.contact("A-7", monday)["state"] == "excluded"
        assert made.contact("B-9", monday)["state"] == "due"


async def test_an_id_stops_all_numbers_that_anybody_with_it_has(tmp_path: Path) -> None:
    async with desk(tmp_path, row("P-1", 1, 2), row("P-2", 3)) as made:
        monday = await second(made)
        await made.take(row("P-1", 3), row("x", 1), row("y", 9), campaign=monday)
        await said_no(made, people=["P-1"])
        with open_reader(made.path) as reader:
            assert sorted(str(one.shown) for one in reader.opt_outs()) == [e164(1), e164(2), e164(3), "P-1"]
        assert made.states() == {"P-1": "excluded", "P-2": "excluded"}
        assert made.contact("x", monday)["state"] == "excluded"
        assert made.contact("y", monday)["state"] == "due"


async def test_a_number_by_which_somebody_is_known_stops_them_though_it_is_theirs_no_more(tmp_path: Path) -> None:
    """Known by number alone, they keep the first one as their id, whatever number a later list has in its place."""
    async with desk(tmp_path) as made:
        several = replace(BY_NUMBER, phone=("a", "b"))
        await made.take(row(e164(1), 1, 2), rules=several)
        await made.take(row(e164(3), 3, 2), rules=several)
        assert made.contact(e164(1))["number"] == e164(3)
        assert await said_no(made, 1) == (Reached("reminders", 1, 0),)
        assert await is_barred(made.ledger, [3, 2], e164(1)) == Barred("opted_out", (), SAID.reason)


async def test_whoever_is_withdrawn_or_cancelled_stays_so(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.ledger.pause("reminders", "cancel", "", None, "me")
        assert await said_no(made, 1) == ()
        assert stands(made.contact("ann")) == ("excluded", "cancelled", "cancelled")


async def test_said_twice_it_is_one_entry_with_its_first_reason(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await said_no(made, 1)
        made.wall.goes_on(days=1)
        assert await said_no(made, 1, word=Word("again")) == ()
        (entry,) = made.rows("SELECT * FROM opt_outs")
        assert (entry["reason"], entry["who"], entry["kind"], entry["shown"]) == (*_first(SAID), "number", e164(1))
        assert entry["key"] == number_key(made.ledger.secret, e164(1))


def _first(word: Word) -> tuple[str, str]:
    return word.reason, word.who


# --- who comes later ---------------------------------------------------------------------------------


@pytest.mark.parametrize("is_purged", [False, True])
async def test_who_comes_into_a_list_later_does_not_become_due(tmp_path: Path, is_purged: bool) -> None:
    async with desk(tmp_path, row("zoe", 9)) as made:
        await said_no(made, 2, people=["P-1"])
        if is_purged:
            forge(made.path, "UPDATE opt_outs SET shown = NULL")
        await made.take(row("zoe", 9), row("P-1", 1), row("bob", 5, 2), row("cy", 3))
        assert await made.ledger.stop_listed(made.campaign) == Reached("reminders", 2, 0)
        assert made.states() == {"zoe": "due", "P-1": "excluded", "bob": "excluded", "cy": "due"}
        details = {found["detail"] for found in made.rows("SELECT detail FROM events WHERE event = 'opted_out'")}
        assert details == {"on the do-not-call list" + ("" if is_purged else ": asked us to stop")}
        assert await made.ledger.stop_listed(made.campaign) is None


async def test_only_the_campaign_that_is_asked_about_is_looked_through(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await said_no(made, 1)
        monday = await second(made)
        await made.take(row("x", 1), campaign=monday)
        assert await made.ledger.stop_listed(made.campaign) is None
        assert made.contact("x", monday)["state"] == "due"


async def test_nobody_is_looked_through_while_the_list_is_empty(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        assert await made.ledger.stop_listed(made.campaign) is None


# --- asked at each intent ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("numbers", "person", "expected"),
    [
        ([1], "ann", None),
        ([2], "ann", "opted_out"),
        ([1, 2], "ann", "opted_out"),
        ([1], "P-1", "opted_out"),
        ([1], e164(2), "opted_out"),
        ([1], e164(3), None),
        ([], "P-1", "opted_out"),
    ],
)
async def test_somebody_is_barred_by_any_number_or_their_id(
    tmp_path: Path, numbers: list[int], person: str, expected: str | None
) -> None:
    async with desk(tmp_path) as made:
        await said_no(made, 2, people=["P-1"])
        forge(made.path, "UPDATE opt_outs SET shown = NULL")
        found = await is_barred(made.ledger, numbers, person)
        assert (found.detail if found else None) == expected


async def test_an_intent_of_who_was_stopped_is_not_written(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        candidate = await made.candidate("ann")
        await said_no(made, 1)
        assert await made.intend(candidate) is Passed.CHANGED
        assert rows_of(made.path, "SELECT * FROM attempts") == []


# --- taken back --------------------------------------------------------------------------------------


async def test_taken_back_whom_only_this_stopped_is_due_at_the_time_that_was_kept(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 1, 2), rules=replace(BY_NAME, one_per="id")) as made:
        await made.bring("ann", "waiting")
        due_at = made.contact("ann")["due_at"]
        await said_no(made, 1)
        await said_no(made, 2)
        made.wall.goes_on(minutes=1)
        assert await taken_back(made, 1) == Removed(1, {"reminders": 1}, 1)
        assert stands(made.contact("ann")) == ("due", None, "")
        assert made.contact("ann")["due_at"] == due_at
        assert stands(made.contact("bob")) == ("excluded", "opted_out", "opted_out")
        assert await taken_back(made, 2) == Removed(1, {"reminders": 1}, 0)
        assert made.events("bob")[-1] == ("opt_out_removed", "excluded", "due")


async def test_an_id_is_taken_back_with_the_numbers_that_were_entered_with_it(tmp_path: Path) -> None:
    async with desk(tmp_path, row("P-1", 1, 2), row("bob", 3)) as made:
        await said_no(made, 3)
        made.wall.goes_on(seconds=1)
        await said_no(made, people=["P-1"])
        assert await taken_back(made, people=["P-1"]) == Removed(3, {"reminders": 1}, 0)
        assert made.states() == {"P-1": "due", "bob": "excluded"}


async def test_an_id_taken_back_leaves_the_numbers_of_others_who_said_no_that_moment(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        other = await second(made)
        await made.take(row("x", 2), campaign=other)
        await said_no(made, people=["ann"])
        await said_no(made, people=["bob"])
        await said_no(made, 3)
        assert await taken_back(made, people=["ann"]) == Removed(2, {"reminders": 1}, 0)
        assert made.contact("x", other)["stop"] == "opted_out"
        assert {one["shown"] for one in rows_of(made.path, "SELECT shown FROM opt_outs")} == {"bob", e164(2), e164(3)}


@pytest.mark.parametrize("also", ["with another id", "with another id at once", "by itself", "by itself at once"])
async def test_a_number_that_came_with_an_id_and_otherwise_stays_when_the_id_is_taken_back(
    tmp_path: Path, also: str
) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.take(row("bob", 1), campaign=await second(made))
        at_once = also.endswith("at once")
        numbers, people = ([1], []) if "itself" in also else ([], ["bob"])
        await said_no(made, *(numbers if at_once else []), people=["ann", *(people if at_once else [])])
        if not at_once:
            await said_no(made, *numbers, people=people)
        assert await taken_back(made, people=["ann"]) == Removed(1, {}, 1)
        assert await is_barred(made.ledger, [1], "carl") is not None


async def test_a_number_alone_taken_back_leaves_the_id_on_the_list(tmp_path: Path) -> None:
    async with desk(tmp_path, row("P-1", 1)) as made:
        await said_no(made, people=["P-1"])
        assert await taken_back(made, 1) == Removed(1, {}, 1)
        assert made.states() == {"P-1": "excluded"}


@pytest.mark.parametrize("state", ["dialing", "unknown", "done", "exhausted", "excluded"])
async def test_of_whoever_did_not_wait_only_the_mark_is_taken_away(tmp_path: Path, state: str) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.bring("ann", state)
        await said_no(made, 1)
        assert await taken_back(made, 1) == Removed(1, {}, 0)
        found = made.contact("ann")
        assert (found["state"], found["stop"]) == (state, None)


async def test_of_a_campaign_that_was_cancelled_meanwhile_nobody_is_due_again(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await said_no(made, 1)
        await made.ledger.pause("reminders", "cancel", "", None, "me")
        assert await taken_back(made, 1) == Removed(1, {}, 0)
        assert stands(made.contact("ann")) == ("excluded", "cancelled", "cancelled")


async def test_what_is_not_on_the_list_cannot_be_taken_back(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        with pytest.raises(UsageError, match="not on the do-not-call list"):
            await taken_back(made, 1, people=["ann"])


async def test_a_purged_entry_is_taken_back_by_its_number(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await said_no(made, 1)
        forge(made.path, "UPDATE opt_outs SET shown = NULL")
        assert await taken_back(made, 1) == Removed(1, {"reminders": 1}, 0)
        assert rows_of(made.path, "SELECT * FROM opt_outs") == []


async def test_who_has_left_the_list_meanwhile_is_not_due_again_before_their_row_returns(tmp_path: Path) -> None:
    people = row("ann", 1), row("bob", 2)
    async with desk(tmp_path, *people) as made:
        await said_no(made, 1)
        await made.take(row("bob", 2), yes=True)
        assert await taken_back(made, 1) == Removed(1, {}, 0)
        assert stands(made.contact("ann")) == ("excluded", "withdrawn", "withdrawn")
        await made.take(*people)
        assert stands(made.contact("ann")) == ("due", None, "")


async def test_who_has_left_the_list_and_returns_is_still_stopped_and_due_again_when_taken_off(tmp_path: Path) -> None:
    people = row("ann", 1), row("bob", 2)
    async with desk(tmp_path, *people) as made:
        await said_no(made, 1)
        await made.take(row("bob", 2), yes=True)
        await made.take(*people)
        assert stands(made.contact("ann")) == ("excluded", "opted_out", "opted_out")
        assert await taken_back(made, 1) == Removed(1, {"reminders": 1}, 0)
        assert stands(made.contact("ann")) == ("due", None, "")


# --- shown -------------------------------------------------------------------------------------------


async def test_the_list_is_read_as_it_grew(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await said_no(made, 2)
        made.wall.goes_on(seconds=1)
        await said_no(made, people=["P-1"], word=Word("", "conversation"))
        with open_reader(made.path) as reader:
            found = reader.opt_outs()
        assert [(one.kind, one.shown, one.reason, one.source, one.who) for one in found] == [
            ("number", e164(2), "asked us to stop", "command", "ann"),
            ("id", "P-1", "", "conversation", ""),
        ]
        assert found[1].at - found[0].at == timedelta(seconds=1)


# --- heard in a call ---------------------------------------------------------------------------------

HEARD = Word("user_ended_call", "conversation")


async def test_a_call_enters_the_number_that_rang_and_all_that_they_have_and_stops_them(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        other = await second(made)
        await made.take(row("carl", 3), campaign=other)
        attempt = await made.dial("ann")
        await made.take(row("ann", 2, 3))  # the list gives other numbers while she talks
        await made.ledger.opt_out_of_call(attempt, HEARD)
        shown = {one["shown"] for one in rows_of(made.path, "SELECT shown FROM opt_outs")}
        assert shown == {e164(1), e164(2), e164(3)}
        assert made.contact("ann")["stop"] == "opted_out"
        assert stands(made.contact("carl", other)) == ("excluded", "opted_out", "opted_out")


async def test_who_has_the_same_id_in_another_campaign_may_be_somebody_else(tmp_path: Path) -> None:
    async with desk(tmp_path, row("1", 1)) as made:
        other = await second(made)
        await made.take(row("1", 2), campaign=other)
        await made.ledger.opt_out_of_call(await made.dial("1"), HEARD)
        assert made.contact("1")["stop"] == "opted_out"
        assert stands(made.contact("1", other)) == ("due", None, "")
        assert await is_barred(made.ledger, [2], "1") is None


async def test_whoever_was_called_is_stopped_even_where_no_number_is_known(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        attempt = await made.dial("ann")
        forge(made.path, "DELETE FROM numbers")
        forge(made.path, "UPDATE attempts SET number = ''")
        await made.ledger.opt_out_of_call(attempt, HEARD)
        assert made.contact("ann")["stop"] == "opted_out"
