"""What an intent asks in its transaction: whether they are on the line already, and are still who was chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.ledger import Asked, Passed
from dialer.model import Audience, Permit, Ring, Row, Ruling
from tests.ledger_kit import NOW, campaign_called, desk, dump, e164, forge, intent_for, row


async def test_who_is_being_rung_on_one_number_is_rung_on_no_other(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1, 2), row("the same ann", 2, 1)) as made:
        attempt = await made.dial("ann")
        same = await made.candidate("the same ann")
        for state in ("intended", "placed", "unknown"):
            forge(made.path, "UPDATE attempts SET state = ? WHERE id = ?", state, attempt)
            before = dump(made.path)
            assert await made.intend(same) is Passed.NUMBER_LIVE  # on her second number
            # A number that a list bars is left out of those that may be rung, and is hers all the same.
            assert await made.intend(replace(same, numbers=(e164(2),))) is Passed.NUMBER_LIVE
            assert dump(made.path) == before
        forge(made.path, "UPDATE attempts SET state = 'ended' WHERE id = ?", attempt)
        assert isinstance(await made.intend(same), int)


async def test_who_is_being_rung_under_their_id_is_rung_by_no_other_campaign(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        other = (await made.ledger.bind(campaign_called("others", made.path))).id
        await made.take(row("ann", 2), row("bob", 3), campaign=other)
        attempt = await made.dial("ann")
        ann = await made.candidate("ann", other)
        before = dump(made.path)
        assert await made.intend(ann) is Passed.NUMBER_LIVE
        assert dump(made.path) == before
        await made.hold(attempt)
        assert await made.intend(ann) is Passed.NUMBER_LIVE
        assert isinstance(await made.intend(await made.candidate("bob", other)), int)
        await made.end(attempt, "user_ended_call")
        assert isinstance(await made.intend(ann), int)


async def test_nobody_is_held_back_by_a_ring_that_may_turn_out_to_be_none(tmp_path: Path) -> None:
    def decide(past: Sequence[Ring]) -> Permit:
        return (
            Permit(Ruling.HOLD, "caps", "one in a week", until=NOW + timedelta(days=7))
            if past
            else Permit(Ruling.ALLOW)
        )

    async with desk(tmp_path, row("ann", 1)) as made:
        other = (await made.ledger.bind(campaign_called("others", made.path))).id
        await made.take(row("bob", 1), campaign=other)
        attempt = await made.dial("ann")
        bob = await made.candidate("bob", other)
        intent = intent_for(bob, made.wall())
        assert await made.ledger.intend(bob, intent, Asked(decide, has_caps=True)) is Passed.NUMBER_LIVE
        await made.end(attempt, "no_answer")
        assert await made.ledger.intend(bob, intent, Asked(decide, has_caps=True)) is Passed.NOT_NOW


@pytest.mark.parametrize(
    "changed", [row("ann", 2), replace(row("ann", 1), audience=Audience(zones=("Asia/Kathmandu",)))]
)
async def test_nobody_is_dialled_as_they_were_when_they_were_chosen(tmp_path: Path, changed: Row) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        ann = await made.candidate("ann")
        await made.take(changed)
        assert await made.intend(ann) is Passed.CHANGED
        assert isinstance(await made.intend(await made.candidate("ann")), int)
