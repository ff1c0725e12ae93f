"""People for whom no own number can show: they wait, or are held; whoever was halted meanwhile is dropped."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.engine_kit import OWN
from tests.ledger_kit import desk, forge, row


@pytest.mark.parametrize(("waits", "state"), [(True, "waiting"), (False, "excluded")])
async def test_nobody_is_dialled_without_an_own_number(tmp_path: Path, waits: bool, state: str) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        contact = made.contact("ann")["id"]
        until = made.wall() + timedelta(hours=3) if waits else None
        await made.ledger.put_off(contact, until, "no_caller_id", "none is meant for them")
        found = made.contact("ann")
        assert (found["state"], found["detail"]) == (state, "held:no_caller_id")
        assert made.events("ann")[-1] == ("held_back", "due", state)


async def test_whoever_was_halted_is_dropped_and_does_not_wait(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        contact = made.contact("ann")["id"]
        forge(made.path, "UPDATE contacts SET stop = 'opted_out' WHERE id = ?", contact)
        await made.ledger.put_off(contact, made.wall() + timedelta(hours=3), "no_caller_id", "not today")
        found = made.contact("ann")
        assert (found["state"], found["detail"]) == ("excluded", "opted_out")


async def test_what_was_shown_before_the_clock_was_set_back_counts_all_the_same(tmp_path: Path) -> None:
    async with desk(tmp_path, *(row(f"p{n}", n) for n in range(3))) as made:
        now = made.wall.now
        for n, hours in enumerate((0, 0, -30)):
            made.wall.now = now + timedelta(hours=hours)
            await made.end(await made.dial(f"p{n}"), "user_ended_call")
        made.wall.now = now + timedelta(hours=1)
        assert list((await made.ledger.used_today([OWN])).values()) == [2]
