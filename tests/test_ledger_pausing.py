"""Who cancelled a campaign, and why, is what the first of them said."""

from __future__ import annotations

from pathlib import Path

from tests.ledger_kit import desk, row


async def test_a_second_cancel_keeps_who_and_why_of_the_first(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        name = made.rows("SELECT name FROM campaigns")[0]["name"]
        await made.ledger.pause(name, "cancel", "wrong prices", None, "ann")
        answer = await made.ledger.pause(name, "cancel", "", None, "bob")
        assert answer == f"{name} was cancelled already by ann (wrong prices), and stays so"
        kept = made.rows("SELECT paused, paused_by, paused_why FROM campaigns")[0]
        assert dict(kept) == {"paused": "cancelled", "paused_by": "ann", "paused_why": "wrong prices"}
        said = made.rows("SELECT detail FROM events WHERE event = 'cancelled' AND contact_id IS NULL")
        assert [one["detail"] for one in said] == [f"{name} by ann: wrong prices"]
