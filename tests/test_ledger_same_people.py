"""Whoever was rung stays who they are, however the list is written the next day."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.model import ListRules
from tests.ledger_kit import PEOPLE, desk, e164, row

BY_ID = ListRules((PEOPLE,), id="name", one_per="phone")
TWO_NUMBERS = ListRules((PEOPLE,), phone=("mobile", "home"), one_per="phone")


async def test_a_list_in_another_order_makes_nobody_new(tmp_path: Path) -> None:
    ann, bob = row("ann", 1), row("bob", 1)
    async with desk(tmp_path, ann, bob, rules=BY_ID) as made:
        await made.end(await made.dial("ann"), "user_ended_call")
        found = await made.take(bob, ann, rules=BY_ID)
        assert (found.added, found.withdrawn, found.rejected) == (0, 0, 1)
        assert made.states() == {"ann": "done"}
        assert await made.due() == []


async def test_of_two_with_a_number_the_one_who_was_rung_stays_though_the_row_was_gone(tmp_path: Path) -> None:
    ann, bob, cid = row("ann", 1), row("bob", 1), row("cid", 2)
    async with desk(tmp_path, ann, cid, rules=BY_ID) as made:
        await made.end(await made.dial("ann"), "user_ended_call")
        await made.take(cid, rules=BY_ID)
        found = await made.take(bob, ann, cid, rules=BY_ID)
        assert (found.added, found.rejected) == (0, 1)
        assert await made.due() == ["cid"]


@pytest.mark.parametrize("numbers", [(2, 1), (1, 2)])
async def test_a_number_that_is_filled_in_makes_nobody_new(tmp_path: Path, numbers: tuple[int, int]) -> None:
    known = row(e164(1), 1)
    async with desk(tmp_path, known, rules=TWO_NUMBERS) as made:
        person = next(iter(made.states()))
        await made.end(await made.dial(person), "user_ended_call")
        found = await made.take(row(e164(numbers[0]), *numbers), rules=TWO_NUMBERS)
        assert (found.added, found.withdrawn) == (0, 0)
        assert made.states() == {person: "done"}


ORDERS = {
    "by letters": "ann bob cid",
    "by numbers": "c9 c10 c11",
    "in no order": "c10 c9 d1",
    "twice, one after the other": "c9 c9 c10",
    "twice, far apart": "c9 c10 c11 c9",
    "twice, by letters": "b c b",
    "twice, the shorter last": "a aa a",
    "twice, in capitals too, who are somebody else": "é E é e",
}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
async def test_everybody_is_taken_once_whatever_the_order_of_a_list(tmp_path: Path, order: str) -> None:
    persons = order.split()
    async with desk(tmp_path) as made:
        found = await made.take(*(row(person, n) for n, person in enumerate(persons, start=1)))
        assert sorted(made.states()) == sorted(set(persons))
        assert found.rejected == len(persons) - len(set(persons))
