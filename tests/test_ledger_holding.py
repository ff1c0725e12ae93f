"""Whom caps hold back is held before it would be their turn, and whoever stands behind them comes up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from dialer.model import Candidate, Permit, Ring, Ruling
from dialer.model.turns import AnyTime, Asked
from tests.ledger_kit import desk, row


class OncePerDay(AnyTime):
    """Everybody may be called at any hour, and once a day."""

    @property
    def has_caps(self) -> bool:
        return True

    def asked(self, candidate: Candidate, now: datetime) -> Asked:
        def decide(past: Sequence[Ring]) -> Permit:
            if not past:
                return Permit(Ruling.ALLOW)
            return Permit(Ruling.HOLD, "caps", "once a day", until=past[-1].at + timedelta(days=1))

        return Asked(decide, has_caps=True)


async def test_those_who_were_rung_are_held_and_the_next_ones_come_up(tmp_path: Path) -> None:
    people = [row(f"p{number:02}", number) for number in range(1, 9)]
    async with desk(tmp_path, *people) as made:
        for each in people[:5]:
            await made.end(await made.dial(each.person), "no_answer")
        due_again = [made.contact(each.person)["id"] for each in people[:5]]
        assert len(due_again) == 5
        made.wall.goes_on(hours=5)  # their retries are due by now
        turns, ledger = OncePerDay(), made.ledger
        assert await ledger.due(made.campaign, 2, turns=turns)
        held = 0
        while found := await ledger.hold_back(made.campaign, 2, turns):
            held += found
            await ledger.due(made.campaign, 2, turns=turns)  # wakes the next of those who wait
        assert held == 5
        first = [one.person for one in await ledger.due(made.campaign, 10, turns=turns)]
        assert first == ["p06", "p07", "p08"]
        ann = made.contact("p01")
        assert (ann["state"], ann["detail"]) == ("waiting", "held:caps")


async def test_what_comes_of_a_live_call_decides_first(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        await made.dial("ann")
        assert await made.ledger.hold_back(made.campaign, 10, OncePerDay()) == 0
        assert made.contact("bob")["state"] == "due"


async def test_where_nobody_can_be_held_it_does_not_go_on_for_ever(tmp_path: Path) -> None:
    """A campaign that is paused moves nobody: whoever asks until it is nobody would ask without end."""
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.end(await made.dial("ann"), "no_answer")
        made.wall.goes_on(hours=5)
        turns = OncePerDay()
        assert await made.ledger.due(made.campaign, 5, turns=turns)
        await made.ledger.pause("reminders", "pause", "lunch", None, "ann")
        assert await made.ledger.hold_back(made.campaign, 5, turns) == 0
        assert made.contact("ann")["state"] == "due"
        await made.ledger.pause("reminders", "resume", "", None, "ann")
        assert await made.ledger.hold_back(made.campaign, 5, turns) == 1
