"""Taking a list in: what is new, what is changed, what is gone, what is back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.errors import ListError
from dialer.ledger.requeuing import Wanted
from dialer.model import Audience, Chunk, ContactState, Reject, Row
from tests.ledger_kit import (
    BY_NAME,
    BY_NUMBER,
    Desk,
    campaign_called,
    desk,
    dump,
    e164,
    fingerprint,
    placed_in_list,
    reject,
    row,
)

ANN, BOB, CID = row("ann", 1), row("bob", 2), row("cid", 3)
STATES = [str(state) for state in ContactState]
LIVE_STATES = ("dialing", "unknown")


def crowd(people: int) -> list[Row]:
    return [row(f"p{n}", n) for n in range(people)]


async def begun(made: Desk, *rows: Row, rejects: Sequence[Reject] = ()) -> int:
    """An import that was staged and not yet applied."""
    import_id = await made.ledger.begin_import(made.campaign, "f", ["people.csv"], ["phone", "name"])
    await made.ledger.stage(made.campaign, import_id, Chunk(placed_in_list(rows), tuple(rejects)))
    return import_id


# --- new rows ----------------------------------------------------------------------------------------


async def test_a_list_becomes_contacts_in_its_order(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        found = await made.take(CID, row("ann", 1, 7), BOB, rejects=[reject(9)], columns=["phone", "name", "Straße"])
        assert (found.read, found.good, found.added, found.rejected) == (4, 3, 3, 1)
        assert (found.changed, found.withdrawn, found.returned, found.known) == (0, 0, 0, False)
        assert await made.due() == ["cid", "ann", "bob"]
        ann = made.contact("ann")
        assert (ann["number"], json.loads(ann["data"])["name"], ann["file"], ann["line"]) == (
            e164(1),
            "ann",
            "people.csv",
            3,
        )
        assert (await made.candidate("ann")).numbers == (e164(1), e164(7))
        (campaign,) = made.rows("SELECT columns FROM campaigns")
        assert json.loads(campaign["columns"]) == ["phone", "name", "Straße"]
        assert made.rows("SELECT line, reason FROM rejects") == [{"line": 9, "reason": "invalid_number"}]
        assert not {one["name"] for one in made.rows("SELECT name FROM sqlite_master")} & {
            "staged",
            "origins",
            "refused",
        }
        (told,) = made.rows("SELECT event, detail FROM events")
        assert told == {"event": "imported", "detail": "3 added, 0 changed, 0 withdrawn, 0 returned, 1 rejected"}


async def test_the_same_list_again_is_known(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        mark = fingerprint(placed_in_list([ANN, BOB]))
        known = await made.ledger.known(made.campaign, mark, BY_NAME)
        assert known is not None
        assert (known.known, known.read, known.good, known.added) == (True, 2, 2, 0)
        assert await made.ledger.known(made.campaign, "another", BY_NAME) is None
        await made.take(ANN, BOB, CID)
        assert await made.ledger.known(made.campaign, mark, BY_NAME) is None


async def test_a_known_list_passes_the_gates_of_today(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await made.take(ANN, rejects=[reject(3)])
        mark = fingerprint(placed_in_list([ANN]), [reject(3)])
        assert await made.ledger.known(made.campaign, mark, BY_NAME)
        with pytest.raises(ListError, match=r"1 of 2 rows are rejects.*line 3 \(phone\)"):
            await made.ledger.known(made.campaign, mark, replace(BY_NAME, max_rejects=0.2))
        with pytest.raises(ListError, match="min_rows"):
            await made.ledger.known(made.campaign, mark, replace(BY_NAME, min_rows=3))


async def test_the_same_rows_taken_in_again_change_nobody(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.bring("ann", "waiting")
        kept = ("imports", "events", "campaigns")
        before = dump(made.path, kept)
        found = await made.take(ANN, BOB)
        assert (found.added, found.changed, found.withdrawn, found.returned) == (0, 0, 0, 0)
        assert dump(made.path, kept) == before


async def test_new_rows_are_added_behind_the_old_ones(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.bring("ann", "done")
        found = await made.take(CID, ANN, BOB)
        assert (found.added, found.changed) == (1, 0)
        assert await made.due() == ["bob", "cid"]
        assert made.states() == {"ann": "done", "bob": "due", "cid": "due"}


async def test_two_campaigns_have_lists_of_their_own(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        other = (await made.ledger.bind(campaign_called("others", made.path))).id
        found = await made.take(row("ann", 9), campaign=other)
        assert (found.added, found.withdrawn) == (1, 0)
        assert made.contact("ann", other)["number"] == e164(9)
        assert made.contact("ann")["number"] == e164(1)
        assert made.states() == {"ann": "due", "bob": "due"}


# --- changed rows ------------------------------------------------------------------------------------

NEW_ANN = row("ann", 8, 9, city="Oslo")


@pytest.mark.parametrize("state", ["due", "waiting", "dialing", "unknown"])
async def test_who_is_not_finished_takes_the_new_data(tmp_path: Path, state: str) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        attempt = await made.bring("ann", state)
        due_at = made.contact("ann")["due_at"]
        found = await made.take(BOB, NEW_ANN)
        assert (found.added, found.changed) == (0, 1)
        ann = made.contact("ann")
        assert (ann["state"], ann["due_at"], ann["number"], ann["line"]) == (state, due_at, e164(8), 3)
        assert json.loads(ann["data"])["city"] == "Oslo"
        numbers = made.rows("SELECT number FROM numbers WHERE contact_id = ? ORDER BY rank", ann["id"])
        assert [one["number"] for one in numbers] == [e164(8), e164(9)]
        assert made.events("ann")[-1] == ("changed", state, state)
        assert not attempt or made.attempt(attempt)["number"] == e164(1)


@pytest.mark.parametrize("state", ["done", "exhausted"])
async def test_who_is_finished_stays_so_and_is_rung_by_their_new_row_if_a_person_has_them_rung(
    tmp_path: Path, state: str
) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.bring("ann", state)
        before, told = made.contact("ann"), made.events("ann")
        made.wall.goes_on(hours=1)
        oslo = replace(NEW_ANN, audience=Audience(zones=("Europe/Oslo",)))
        found = await made.take(oslo, BOB)
        assert (found.changed, found.moved, found.examples, found.is_anything) == (0, 0, (), False)
        ann = made.contact("ann")
        kept = ("state", "detail", "due_at", "attempts", "finish_reason", "updated_at")
        assert {name: ann[name] for name in kept} == {name: before[name] for name in kept}
        assert (made.events("ann"), await made.due()) == (told, ["bob"])
        await made.ledger.requeue(Wanted("reminders", 3, only=("ann",), extra=3), "", "me")
        again = await made.candidate("ann")
        assert (again.numbers, json.loads(again.data)["city"]) == ((e164(8), e164(9)), "Oslo")
        assert (await made.ledger.audiences_of(made.campaign))[again.audience] == oslo.audience


async def test_without_an_id_who_was_rung_on_a_number_is_known_by_it_for_good(tmp_path: Path) -> None:
    rules = replace(BY_NUMBER, phone=("mobile", "home"))

    def known(*numbers: int) -> Row:
        return replace(row("", *numbers), person=e164(numbers[0]))

    async with desk(tmp_path, known(1, 2), rules=rules) as made:
        attempt = await made.intend(await made.candidate(e164(1)), e164(2))
        assert isinstance(attempt, int)
        await made.end(attempt, "user_ended_call")
        for listed in (known(1), known(3, 2), known(4, 2, 1)):
            await made.take(listed, rules=rules)
            assert made.states() == {e164(1): "done"}


async def test_a_corrected_row_of_one_whom_the_platform_rejected_is_due_again(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.bring("ann", "excluded")
        await made.take(BOB, ANN)
        assert made.contact("ann")["state"] == "excluded"
        found = await made.take(NEW_ANN, BOB)
        assert found.changed == 1
        ann = made.contact("ann")
        assert (ann["state"], ann["detail"], ann["number"], ann["stop"]) == ("due", "", e164(8), None)
        assert made.events("ann")[-1] == ("changed", "excluded", "due")
        assert isinstance(await made.dial("ann"), int)


async def test_another_number_behind_the_first_is_a_change_too(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1, 2)) as made:
        moved = replace(row("ann", 1, 3), data=row("ann", 1).data)
        assert (await made.take(moved)).changed == 1
        assert (await made.candidate("ann")).numbers == (e164(1), e164(3))
        assert (await made.take(moved)).changed == 0


# --- rows that are gone, and back --------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
async def test_a_row_that_is_gone_is_withdrawn_and_back_when_it_returns(tmp_path: Path, state: str) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.bring("ann", state)
        before = made.contact("ann")["due_at"]
        found = await made.take(BOB)
        assert (found.withdrawn, found.good) == (1, 1)
        ann = made.contact("ann")
        gone = "excluded" if state in ("due", "waiting") else state
        assert (ann["state"], ann["stop"]) == (gone, "withdrawn")
        assert "ann" not in await made.due()
        if state in ("due", "waiting"):
            assert (ann["detail"], ann["due_at"]) == ("withdrawn", before)
            assert made.events("ann")[-1] == ("withdrawn", state, "excluded")
        assert (await made.take(BOB)).withdrawn == 0
        found = await made.take(ANN, BOB)
        assert (found.returned, found.added, found.changed) == (1, 0, 0)
        ann = made.contact("ann")
        assert (ann["state"], ann["stop"]) == ("due" if state in ("due", "waiting") else state, None)
        assert (state == "waiting") <= (ann["due_at"] == before and "ann" not in await made.due())  # waits it out


@pytest.mark.parametrize("state", LIVE_STATES)
async def test_a_live_call_of_one_who_is_gone_runs_out_and_is_not_followed_by_another(
    tmp_path: Path, state: str
) -> None:
    async with desk(tmp_path, ANN, BOB, CID) as made:
        ann, bob = await made.bring("ann", state), await made.bring("bob", state)
        await made.take(CID)
        assert (made.contact("ann")["state"], made.events("ann")[-1]) == (state, ("withdrawn", state, state))
        assert (await made.end(ann, "no_answer")).state is ContactState.EXCLUDED
        assert (await made.end(bob, "user_ended_call")).state is ContactState.DONE
        assert made.states() == {"ann": "excluded", "bob": "done", "cid": "due"}
        assert made.contact("ann")["detail"] == "withdrawn"
        await made.take(ANN, BOB, CID)
        assert await made.due() == ["cid"]  # ann waits as long as she would have
        assert made.states() == {"ann": "due", "bob": "done", "cid": "due"}
        assert made.events("ann")[-1] == ("returned", "excluded", "due")


async def test_one_whose_attempts_were_used_up_while_gone_is_not_due_for_returning(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        ann = await made.bring("ann", "dialing")
        await made.take(BOB)
        assert (await made.end(ann, "no_audio_input")).state is ContactState.EXHAUSTED
        await made.take(ANN, BOB)
        assert (made.contact("ann")["state"], made.contact("ann")["stop"]) == ("exhausted", None)


async def test_a_returned_row_with_new_data_is_due_with_them(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.take(BOB)
        found = await made.take(BOB, NEW_ANN)
        assert (found.returned, found.changed) == (1, 1)
        assert (await made.candidate("ann")).numbers == (e164(8), e164(9))


async def test_one_who_was_rejected_and_gone_is_not_due_for_returning(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.bring("ann", "excluded")
        await made.take(BOB)
        await made.take(ANN, BOB)
        ann = made.contact("ann")
        assert (ann["state"], ann["stop"], ann["detail"]) == ("excluded", None, "rejected: metadata is too long")


async def test_the_cancelled_do_not_return_and_nobody_joins_them(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.ledger.pause("reminders", "cancel", "", None, "ann")
        await made.take(BOB, CID, yes=True)
        await made.take(NEW_ANN, BOB, CID)
        assert made.states() == {"ann": "excluded", "bob": "excluded", "cid": "excluded"}
        assert made.contact("ann")["stop"] == "cancelled"


# --- when somebody was first seen --------------------------------------------------------------------


async def test_the_time_to_live_counts_from_the_first_sight(tmp_path: Path) -> None:
    rules = replace(BY_NAME, expires=7200.0)
    async with desk(tmp_path, ANN, rules=rules) as made:
        assert made.contact("ann")["expires_at"] == "2026-11-22T11:00:00.000Z"
        made.wall.goes_on(hours=1)
        await made.take(NEW_ANN, BOB, rules=rules)
        ann, bob = made.contact("ann"), made.contact("bob")
        assert (ann["first_seen_at"], ann["expires_at"]) == ("2026-11-22T09:00:00.000Z", "2026-11-22T11:00:00.000Z")
        assert (bob["first_seen_at"], bob["expires_at"]) == ("2026-11-22T10:00:00.000Z", "2026-11-22T12:00:00.000Z")
        await made.take(BOB, rules=rules)
        await made.take(ANN, BOB, rules=rules)
        assert made.contact("ann")["expires_at"] == "2026-11-22T11:00:00.000Z"
        made.wall.goes_on(hours=1)
        assert await made.due() == ["bob"]
