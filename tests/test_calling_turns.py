"""Whose turn it is: hours, priority, times that were wished for, the order of those who are new, on a real ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.ledger import Asked, Passed
from dialer.ledger.optouts import Word
from dialer.ledger.requeuing import Wanted
from dialer.model import Audience, CallingRules, ListRules, Order, Permit, Row, Rule, Ruling, Wish
from dialer.permits import Permits
from tests.calling_kit import hours
from tests.ledger_kit import PEOPLE, REJECTED, Desk, desk, dump, e164, intent_for, row

EAST = Audience(("America/New_York",), ("US", "US-NY"), ("US",), ("mobile",))
WEST = replace(EAST, zones=("America/Los_Angeles",), places=("US", "US-CA"))
WORKDAY = Rule(id="hours", place="*", week=hours(daily="09:00-17:00"))
NEVER = replace(EAST, zones=("America/New_York", "Australia/Sydney"))
PLACED = ListRules((PEOPLE,), id="name", placed=True)


def somewhere(person: str, number: int, audience: Audience) -> Row:
    return replace(row(person, number), audience=audience)


async def permits_in(made: Desk, order: Order = Order.RETRIES_FIRST) -> Permits:
    """The rules of a workday, knowing everybody on the list."""
    permits = Permits(CallingRules(rules=(WORKDAY,), ring=0.0), order)
    permits.know(await made.ledger.audiences_of(made.campaign))
    return permits


async def who(made: Desk, turns: Permits) -> list[str]:
    return [one.person for one in await made.ledger.due(made.campaign, 100, turns=turns)]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- when the next one is ----------------------------------------------------------------------------


async def test_an_audience_in_which_nobody_is_left_is_waited_for_by_nobody(tmp_path: Path) -> None:
    """Its hours begin again tomorrow, for nobody: a run that waits would wait all night."""
    async with desk(tmp_path, somewhere("ann", 1, EAST), somewhere("bob", 2, WEST), rules=PLACED) as made:
        turns = await permits_in(made)
        made.wall.now = utc("2026-11-23T17:00")
        assert await made.ledger.next_due(made.campaign, turns=turns) is None
        for person in ("ann", "bob"):
            await made.end(await made.dial(person), "user_ended_call")
        made.wall.now = utc("2026-11-24T00:00")
        assert await made.ledger.next_due(made.campaign, turns=turns) is None


async def test_the_next_is_the_first_of_all_audiences_to_whom_somebody_belongs(tmp_path: Path) -> None:
    async with desk(tmp_path, somewhere("ann", 1, EAST), somewhere("bob", 2, WEST), rules=PLACED) as made:
        turns = await permits_in(made)
        made.wall.now = utc("2026-11-23T13:59:59")
        assert (await who(made, turns), await made.ledger.next_due(made.campaign, turns=turns)) == (
            [],
            utc("2026-11-23T14:00"),
        )
        made.wall.now = utc("2026-11-23T14:00")
        assert (await who(made, turns), await made.ledger.next_due(made.campaign, turns=turns)) == (
            ["ann"],
            utc("2026-11-23T17:00"),
        )
        made.wall.now = utc("2026-11-23T22:00")  # the East has closed, half-open
        assert await who(made, turns) == ["bob"]
        await made.end(await made.dial("bob"), "no_answer")
        made.wall.now = utc("2026-11-24T01:00")
        assert await made.ledger.next_due(made.campaign, turns=turns) == utc("2026-11-24T14:00")


async def test_who_can_never_be_called_is_held_and_told(tmp_path: Path) -> None:
    async with desk(tmp_path, somewhere("ann", 1, EAST), somewhere("eve", 2, NEVER), rules=PLACED) as made:
        turns = await permits_in(made)
        standing = turns.standing(made.wall.now)
        assert sorted(standing.values()) == [
            "",
            "held:never_opens",
            "held:no_zone",
        ]  # of no audience
        held, _ = await made.ledger.apply_standing(made.campaign, standing)
        assert held == 1
        assert (made.contact("eve")["state"], made.contact("eve")["detail"]) == ("excluded", "held:never_opens")


# --- rules that are eased ----------------------------------------------------------------------------


def held_by(rule: str, until: str | None = None) -> Asked:
    moment = None if until is None else utc(until)
    return Asked(lambda past: Permit(Ruling.HOLD, rule, "not now", until=moment))


async def hold(made: Desk, person: str, asked: Asked) -> None:
    candidate = await made.candidate(person)
    assert await made.ledger.intend(candidate, intent_for(candidate, made.wall()), asked) is Passed.NOT_NOW


NOTHING = {0: ""}


@pytest.mark.parametrize("detail", ["held:long", "blocked:long"])
async def test_who_was_excluded_when_they_were_to_be_dialled_is_asked_about_anew(tmp_path: Path, detail: str) -> None:
    ruling = Ruling.HOLD if detail.startswith("held") else Ruling.BLOCK
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        await hold(made, "ann", Asked(lambda past: Permit(ruling, "long", "not these 500 days")))
        assert made.contact("ann")["detail"] == detail
        await made.ledger.opt_out([e164(2)], [], Word())
        assert await made.ledger.apply_standing(made.campaign, NOTHING) == (0, 1)
        assert made.states() == {"ann": "due", "bob": "excluded"}
        assert made.events("ann")[-1] == ("freed", "excluded", "due")
        assert isinstance(await made.dial("ann"), int)


async def test_who_is_held_and_leaves_the_list_for_a_day_is_not_lost(tmp_path: Path) -> None:
    ann, bob = somewhere("ann", 1, EAST), somewhere("bob", 2, WEST)
    async with desk(tmp_path, ann, bob, rules=PLACED) as made:
        known = await made.ledger.audiences_of(made.campaign)
        held = {audience: "held:no_pack" if one == ann.audience else "" for audience, one in known.items()}
        await made.ledger.apply_standing(made.campaign, held)
        await made.take(bob, rules=PLACED)
        assert await made.ledger.apply_standing(made.campaign, dict.fromkeys(known, "")) == (0, 0)
        await made.take(ann, bob, rules=PLACED)
        assert made.states() == {"ann": "excluded", "bob": "due"}
        assert await made.ledger.apply_standing(made.campaign, dict.fromkeys(known, "")) == (0, 1)
        assert made.states() == {"ann": "due", "bob": "due"}


async def test_who_is_held_for_another_reason_now_is_told_so_and_not_freed(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        await made.refuse(await made.dial("bob"), REJECTED)  # which is no rule's matter
        assert await made.ledger.apply_standing(made.campaign, {0: "held:no_zone"}) == (1, 0)
        assert await made.ledger.apply_standing(made.campaign, {0: "held:no_pack"}) == (0, 0)
        assert made.contact("ann")["detail"] == "held:no_pack"
        before = dump(made.path)
        assert await made.ledger.apply_standing(made.campaign, {0: "held:no_pack"}) == (0, 0)
        assert dump(made.path) == before


async def test_who_waits_by_the_rules_of_yesterday_is_asked_about_anew(tmp_path: Path) -> None:
    """Bob was never dialled, and stays as new as he was; Cid waits for his retry, which no rule has put off."""
    async with desk(tmp_path, row("ann", 1), row("bob", 2), row("cid", 3)) as made:
        for person in ("ann", "cid"):
            await made.end(await made.dial(person), "no_answer")
        made.wall.goes_on(hours=3)
        for person in ("ann", "bob"):
            await hold(made, person, held_by("gap", "2027-01-21T00:00"))
        await made.end(await made.dial("cid"), "no_answer")
        retry = made.contact("cid")["due_at"]
        assert await made.ledger.apply_standing(made.campaign, NOTHING) == (0, 0)
        now = made.wall().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        found = {person: (made.contact(person)["state"], made.contact(person)["due_at"]) for person in made.states()}
        assert found == {"ann": ("due", now), "bob": ("due", None), "cid": ("waiting", retry)}
        assert made.events("ann")[-1] == ("woken", "waiting", "due")
        assert sorted(await made.due()) == ["ann", "bob"]


async def test_who_waits_by_the_rules_and_is_put_off_by_their_row_waits_for_that(tmp_path: Path) -> None:
    async with desk(tmp_path, wishing("ann", 1), rules=WISHES) as made:
        await hold(made, "ann", held_by("gap", "2026-11-24T00:00"))
        later = utc("2026-12-24T00:00")
        await made.take(replace(wishing("ann", 1, not_before=later), data='{"name": "ann", "nb": "x"}'), rules=WISHES)
        known = await made.ledger.audiences_of(made.campaign)
        await made.ledger.apply_standing(made.campaign, dict.fromkeys(known, ""))
        assert await made.ledger.next_due(made.campaign) == later
        assert await made.due() == []


LATER = utc("2026-12-24T17:00")


def put_off(person: str, number: int) -> Row:
    return replace(wishing(person, number, not_before=LATER), data=f'{{"name": "{person}", "nb": "later"}}')


@pytest.mark.parametrize("state", ["dialing", "unknown"])
async def test_who_is_put_off_while_on_the_line_is_not_called_again_before(tmp_path: Path, state: str) -> None:
    async with desk(tmp_path, wishing("ann", 1), rules=WISHES) as made:
        attempt = await made.bring("ann", state)
        await made.take(put_off("ann", 1), rules=WISHES)
        await made.end(attempt, "no_answer")
        assert (made.contact("ann")["state"], made.contact("ann")["detail"]) == ("waiting", "no_answer")
        made.wall.goes_on(days=2)
        assert (await made.ledger.next_due(made.campaign), await made.due()) == (LATER, [])


async def test_who_takes_their_time_back_while_on_the_line_is_called_again_as_usual(tmp_path: Path) -> None:
    async with desk(tmp_path, wishing("ann", 1), rules=WISHES) as made:
        attempt = await made.bring("ann", "dialing")
        await made.take(put_off("ann", 1), rules=WISHES)
        await made.take(wishing("ann", 1), rules=WISHES)
        await made.end(attempt, "no_answer")
        made.wall.goes_on(days=2)
        assert await made.due() == ["ann"]


async def test_who_is_put_off_while_they_are_on_the_list_is_not_called_before_once_they_are_off(tmp_path: Path) -> None:
    async with desk(tmp_path, wishing("ann", 1), rules=WISHES) as made:
        await made.ledger.opt_out([e164(1)], [], Word())
        await made.take(put_off("ann", 1), rules=WISHES)
        await made.ledger.opt_in([e164(1)], [], Word())
        assert (made.states(), await made.due()) == ({"ann": "due"}, [])
        assert await made.ledger.next_due(made.campaign) == LATER


@pytest.mark.parametrize("state", ["done", "exhausted"])
async def test_who_is_put_off_once_they_are_finished_is_not_requeued_for_today(tmp_path: Path, state: str) -> None:
    async with desk(tmp_path, wishing("ann", 1), rules=WISHES) as made:
        await made.bring("ann", state)
        await made.take(put_off("ann", 1), rules=WISHES)
        await made.ledger.requeue(Wanted("reminders", 3, only=("ann",), extra=3), "", "me")
        assert (made.states(), await made.due()) == ({"ann": "due"}, [])
        assert await made.ledger.next_due(made.campaign) == LATER


# --- who goes first ----------------------------------------------------------------------------------


WISHES = ListRules((PEOPLE,), id="name", placed=True, priority="p", not_before="nb", not_after="na")


def wishing(person: str, number: int, **wish: Any) -> Row:
    return replace(somewhere(person, number, EAST), wish=Wish(**wish))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.RETRIES_FIRST, ["cid", "ann", "bob", "eve", "dan"]),
        (Order.FRESH_FIRST, ["cid", "bob", "eve", "ann", "dan"]),
    ],
)
async def test_priority_goes_before_the_order_and_the_order_before_the_list(
    tmp_path: Path, order: Order, expected: list[str]
) -> None:
    """Ann was rung before, Dan comes last of all, and Bob was only held back, which makes nobody less new."""
    people = (
        wishing("dan", 4, priority=-1),
        *(wishing(name, place) for place, name in enumerate(("ann", "bob", "eve"), 5)),
        wishing("cid", 9, priority=3),
    )
    async with desk(tmp_path, *people, rules=WISHES) as made:
        turns = await permits_in(made, order)
        made.wall.now = utc("2026-11-23T21:59")
        await made.end(await made.dial("ann"), "no_answer")
        bob, opens = await made.candidate("bob"), utc("2026-11-24T14:00")
        closed = Asked(lambda past: Permit(Ruling.HOLD, "hours", "calls only by day", until=opens))
        assert await made.ledger.intend(bob, intent_for(bob, made.wall()), closed) is Passed.NOT_NOW
        assert (made.contact("bob")["state"], made.contact("bob")["due_at"][:16]) == ("waiting", "2026-11-24T14:00")
        made.wall.now = opens
        assert await who(made, turns) == expected


async def test_wished_moments_are_kept_by_the_millisecond(tmp_path: Path) -> None:
    """The last of them is that at which a telephone may still ring, not that of the dial."""
    begin, end = utc("2026-11-23T15:00"), utc("2026-11-23T16:00")
    people = (wishing("ann", 1, not_before=begin, not_after=end), wishing("bob", 2, not_after=end))
    async with desk(tmp_path, *people, rules=WISHES) as made:
        turns = await permits_in(made)
        made.wall.now = begin - timedelta(milliseconds=1)
        assert await who(made, turns) == ["bob"]
        assert await made.ledger.next_due(made.campaign, turns=turns) == begin
        made.wall.now = begin
        assert set(await who(made, turns)) == {"ann", "bob"}
        candidate = await made.candidate("ann")
        made.wall.now = end - timedelta(seconds=60, milliseconds=1)
        assert set(await who(made, turns)) == {"ann", "bob"}
        made.wall.now = end - timedelta(seconds=60)
        assert await made.intend(candidate) is Passed.CHANGED
        assert await who(made, turns) == []
        assert set(made.states().values()) == {"exhausted"}
