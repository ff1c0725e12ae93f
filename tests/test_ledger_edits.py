"""Edits of a file and of a list: what they would come to is foreseen without a trace, and nobody who is finished is
dialled again because of one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.errors import ListError
from dialer.ledger import Change, Expiry, Foreseen, Imported, Trial, reading
from dialer.ledger.moments import text
from dialer.ledger.optouts import Word
from dialer.model import Audience, Chunk, ListRules, Row
from dialer.model.rows import Wish
from tests.ledger_kit import BY_NAME, Desk, desk, dump, forge, placed_in_list, row
from tests.test_ledger_importing import crowd

ANN, BOB, CID, DAN = row("ann", 1), row("bob", 2), row("cid", 3), row("dan", 4)


def nothing_stands(audiences: Mapping[int, Audience]) -> Mapping[int, str]:
    return dict.fromkeys(audiences, "")


async def staged(made: Desk, *rows: Row) -> int:
    import_id = await made.ledger.begin_import(made.campaign, "f", ["people.csv"], ["phone", "name"])
    await made.ledger.stage(made.campaign, import_id, Chunk(placed_in_list(rows), ()))
    return import_id


def trial(import_id: int | None, rules: ListRules = BY_NAME, expiry: Expiry | None = None) -> Trial:
    return Trial(import_id, rules, False, expiry, (), nothing_stands)


# --- what would come of it ---------------------------------------------------------------------------


async def test_what_a_list_would_change_is_foreseen_and_then_done(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB, CID) as made:
        await made.bring("cid", "waiting")
        await made.take(ANN, CID)
        import_id = await staged(made, row("ann", 7, city="Oslo"), BOB, DAN)
        before = dump(made.path)
        found = await made.ledger.foresee(made.campaign, trial(import_id))
        counted = found.taken
        assert (counted.added, counted.changed, counted.withdrawn, counted.returned) == (1, 1, 1, 1)
        assert counted.examples == (Change("ann", ("phone", "city")),)
        assert (found.barred, found.freed, found.given_up) == (0, 0, 0)
        assert found.is_anything
        assert dump(made.path) == before
        assert await made.ledger.apply(made.campaign, import_id, BY_NAME, False) == counted
        assert made.states() == {"ann": "due", "bob": "due", "cid": "excluded", "dan": "due"}


async def test_the_same_rows_change_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        found = await made.ledger.foresee(made.campaign, trial(await staged(made, BOB, ANN)))
        assert not found.is_anything


async def test_a_gate_stops_what_is_only_tried_too(tmp_path: Path) -> None:
    people = crowd(40)
    async with desk(tmp_path, *people) as made:
        import_id = await staged(made, *people[:5])
        before = dump(made.path)
        with pytest.raises(ListError, match="35 of 40 people are no longer in the list"):
            await made.ledger.foresee(made.campaign, trial(import_id))
        assert dump(made.path) == before


async def test_at_most_three_rows_are_examples(tmp_path: Path) -> None:
    async with desk(tmp_path, *crowd(5)) as made:
        changed = [replace(one, data=json.dumps(json.loads(one.data) | {"city": "Bergen"})) for one in crowd(5)]
        found = await made.ledger.foresee(made.campaign, trial(await staged(made, *changed)))
        assert found.taken.changed == 5
        assert found.taken.examples == tuple(Change(f"p{n}", ("city",)) for n in range(3))


async def test_whom_the_rules_would_bar_or_free_is_foreseen(tmp_path: Path) -> None:
    here, there = Audience(zones=("America/New_York",)), Audience(zones=("Asia/Kathmandu",))
    people = [replace(one, audience=where) for one, where in ((ANN, here), (BOB, there), (CID, there))]
    async with desk(tmp_path, *people) as made:

        def bars(where: Audience) -> Trial:
            def stands(known: Mapping[int, Audience]) -> Mapping[int, str]:
                return {audience: "held:no_zone" if one == where else "" for audience, one in known.items()}

            return replace(trial(None), stands=stands)

        assert (await made.ledger.foresee(made.campaign, bars(there))).barred == 2
        assert set(made.states().values()) == {"due"}
        stands = bars(there).stands(await made.ledger.audiences_of(made.campaign))
        await made.ledger.apply_standing(made.campaign, stands)
        before = dump(made.path)
        found = await made.ledger.foresee(made.campaign, bars(here))
        assert (found.barred, found.freed) == (1, 2)
        assert dump(made.path) == before


async def test_somebody_new_who_has_opted_out_would_not_be_dialled(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN) as made:
        await made.ledger.opt_out([BOB.numbers[0].e164], [], Word("asked us"))
        found = await made.ledger.foresee(made.campaign, trial(await staged(made, ANN, BOB)))
        assert (found.taken.added, found.barred) == (1, 1)


# --- what somebody sees who only looks ---------------------------------------------------------------


@pytest.mark.parametrize(
    "listed",
    [
        (ANN, BOB, CID),
        (ANN, CID),
        (row("ann", 9), BOB, CID, DAN),
        (row("ann", 1, 8), row("bob", 2, city="Oslo"), DAN),
        (DAN,),
    ],
    ids=["the same", "one gone", "a new number, and one new", "a second number, new data, one gone", "all others"],
)
async def test_whoever_looks_sees_what_a_run_would_do(tmp_path: Path, listed: Sequence[Row]) -> None:
    async with desk(tmp_path, ANN, BOB, CID, row("eve", 5)) as made:
        await made.bring("cid", "done")
        await made.take(ANN, BOB, CID)
        before = dump(made.path)
        with reading.open_reader(made.path) as reader, reader.comparing(made.campaign) as comparison:
            comparison.add(listed[:1])
            comparison.add(listed[1:])
            seen = comparison.result()
        assert dump(made.path) == before
        import_id = await staged(made, *listed)
        done = await made.ledger.apply(made.campaign, import_id, BY_NAME, False)
        told = ("added", "changed", "withdrawn", "returned", "examples")
        assert [getattr(seen, name) for name in told] == [getattr(done, name) for name in told]


# --- what the file said ------------------------------------------------------------------------------


async def test_what_the_file_said_is_kept_and_edits_stand_among_the_events(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN) as made:
        assert await made.ledger.said(made.campaign) is None
        await made.ledger.keep_said(made.campaign, {"hours": "Mon–Fri"}, [], None)
        assert await made.ledger.said(made.campaign) == {"hours": "Mon–Fri"}
        assert made.rows("SELECT * FROM events WHERE event = 'file_changed'") == []
        await made.ledger.keep_said(made.campaign, {"hours": "Sat"}, ["hours: Mon–Fri → Sat", "order: a → b"], None)
        with reading.open_reader(made.path) as reader:
            assert reader.said(made.campaign) == {"hours": "Sat"}
        (event,) = made.rows("SELECT contact_id, detail FROM events WHERE event = 'file_changed'")
        assert event == {"contact_id": None, "detail": "hours: Mon–Fri → Sat; order: a → b"}


# --- another time until which people are called ------------------------------------------------------

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


async def expire(made: Desk, seconds: float | None, *, had_none: bool = False) -> None:
    await made.ledger.keep_said(made.campaign, {"contacts.expires": "x"}, [], Expiry(seconds, had_none))


async def test_another_expiry_reaches_those_who_wait_and_not_those_who_are_finished(tmp_path: Path) -> None:
    states = ("due", "waiting", "dialing", "unknown", "done", "exhausted")
    people = [row(state, n) for n, state in enumerate(states, 1)]
    async with desk(tmp_path, *people, rules=replace(BY_NAME, expires=10 * 3600.0)) as made:
        seen = made.wall()
        for state in states:
            await made.bring(state, state)
        made.wall.goes_on(minutes=30)
        await expire(made, 20 * 3600.0)
        ends = {state: made.contact(state)["expires_at"] for state in states}
        still = text(seen + 10 * HOUR)
        assert ends.pop("done") == ends.pop("exhausted") == still
        assert set(ends.values()) == {text(seen + 20 * HOUR)}
        await expire(made, None)
        assert made.contact("waiting")["expires_at"] is None


async def test_a_shorter_expiry_gives_people_up_as_was_foreseen(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB, rules=replace(BY_NAME, expires=5 * 3600.0)) as made:
        made.wall.goes_on(hours=2)
        await made.take(ANN, BOB, CID, rules=replace(BY_NAME, expires=5 * 3600.0))
        shorter = Expiry(3600.0, had_none=False)
        assert (await made.ledger.foresee(made.campaign, trial(None, expiry=shorter))).given_up == 2
        await expire(made, 3600.0)
        assert await made.due() == ["cid"]
        assert made.states() == {"ann": "exhausted", "bob": "exhausted", "cid": "due"}


async def test_whom_a_person_made_due_again_keeps_the_time_that_they_were_given(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB, rules=replace(BY_NAME, expires=3600.0)) as made:
        forge(made.path, "UPDATE contacts SET expires_at = NULL WHERE person = 'ann'")
        await expire(made, 1800.0)
        assert made.contact("ann")["expires_at"] is None
        assert made.contact("bob")["expires_at"] == text(made.wall() + HOUR / 2)


async def test_the_first_expiry_reaches_all_and_a_row_s_own_end_stays(tmp_path: Path) -> None:
    rules = replace(BY_NAME, not_after="until")
    async with desk(tmp_path) as made:
        soon, late = made.wall() + HOUR, made.wall() + 9 * HOUR
        people = [replace(ANN, wish=Wish(0, None, soon)), replace(BOB, wish=Wish(0, None, late)), CID]
        await made.take(*people, rules=rules)
        await expire(made, 2 * 3600.0, had_none=True)
        ends = [made.contact(one)["expires_at"] for one in ("ann", "bob", "cid")]
        assert ends == [text(soon - MINUTE), text(made.wall() + 2 * HOUR), text(made.wall() + 2 * HOUR)]
        await expire(made, None)
        ends = [made.contact(one)["expires_at"] for one in ("ann", "bob", "cid")]
        assert ends == [text(soon - MINUTE), text(late - MINUTE), None]
        later = made.wall() + 3 * HOUR
        await made.take(replace(ANN, data='{"a": 1}', wish=Wish(0, None, later)), *people[1:], rules=rules)
        await expire(made, 4 * 3600.0, had_none=True)
        assert made.contact("ann")["expires_at"] == text(later - MINUTE)


async def test_a_telephone_that_may_ring_longer_is_dialled_no_later_than_that_before_its_end(tmp_path: Path) -> None:
    rules = replace(BY_NAME, not_after="until", ring=20.0)
    async with desk(tmp_path) as made:
        end = made.wall() + HOUR
        await made.take(replace(ANN, wish=Wish(0, None, end)), BOB, rules=rules)
        assert made.contact("ann")["expires_at"] == text(end - MINUTE / 3)
        longer = Expiry(None, had_none=False, ring=3600.0)
        assert (await made.ledger.foresee(made.campaign, trial(None, expiry=longer))).given_up == 1
        await made.ledger.keep_said(made.campaign, {"call.ring": "1h"}, [], longer)
        assert made.contact("ann")["expires_at"] == text(end - HOUR)
        assert made.contact("bob")["expires_at"] is None
        assert await made.due() == ["bob"]


# --- nobody who is finished --------------------------------------------------------------------------

FINISHED = ("done", "exhausted")


def changed(one: Row) -> list[Row]:
    return [replace(one, data=json.dumps({"phone": "x", "name": "y", "new": "z"}))]


LISTS: dict[str, Callable[[Row], list[Row]]] = {
    "the row has new data": changed,
    "the number was corrected": lambda one: [row(one.person, 77)],
    "a second number was added": lambda one: [row(one.person, 1, 77)],
    "the row is gone": lambda one: [],
    "the row stands elsewhere": lambda one: [BOB, CID, one],
    "the row is there twice": lambda one: [one, one],
    "their place is known now": lambda one: [replace(one, audience=Audience(zones=("America/New_York",)))],
}


@pytest.mark.parametrize("state", FINISHED)
@pytest.mark.parametrize("edit", LISTS)
async def test_nobody_finished_is_dialled_again_because_of_the_list(tmp_path: Path, state: str, edit: str) -> None:
    async with desk(tmp_path, ANN, DAN) as made:
        await made.bring("ann", state)
        before = made.contact("ann")
        await made.take(*LISTS[edit](ANN), DAN)
        assert await is_finished(made, state)
        await made.take(ANN, DAN)  # and back to what it was
        assert await is_finished(made, state)
        after = made.contact("ann")
        assert [after[key] for key in ("serial", "attempts", "finish_reason", "detail", "stop")] == [
            before[key] for key in ("serial", "attempts", "finish_reason", "detail", "stop")
        ]


async def is_finished(made: Desk, state: str) -> bool:
    made.wall.goes_on(days=3)
    return made.contact("ann")["state"] == state and "ann" not in await made.due()


@pytest.mark.parametrize("state", FINISHED)
@pytest.mark.parametrize("expiry", [Expiry(None, False), Expiry(90 * 86400.0, False), Expiry(90 * 86400.0, True)])
async def test_nobody_finished_is_dialled_again_because_of_the_file(tmp_path: Path, state: str, expiry: Expiry) -> None:
    async with desk(tmp_path, ANN, rules=replace(BY_NAME, expires=3600.0)) as made:
        await made.bring("ann", state)
        await made.ledger.keep_said(made.campaign, {"retry.attempts": "9"}, ["retry.attempts: 3 → 9"], expiry)
        known = await made.ledger.audiences_of(made.campaign)
        await made.ledger.apply_standing(made.campaign, dict.fromkeys(known, "held:no_zone"))
        await made.ledger.apply_standing(made.campaign, dict.fromkeys(known, ""))
        assert await is_finished(made, state)


async def test_somebody_whose_time_was_over_is_not_called_because_there_is_more_of_it(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, rules=replace(BY_NAME, expires=3600.0)) as made:
        made.wall.goes_on(hours=2)
        assert await made.due() == []
        assert made.states() == {"ann": "exhausted"}
        await expire(made, 86400.0)
        assert await made.due() == []
        assert made.states() == {"ann": "exhausted"}


async def test_whom_the_platform_refused_comes_back_where_the_row_is_corrected(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN) as made:
        await made.bring("ann", "excluded")
        import_id = await staged(made, row("ann", 77))
        assert (await made.ledger.foresee(made.campaign, trial(import_id))).taken.changed == 1
        await made.ledger.apply(made.campaign, import_id, BY_NAME, False)
        assert await made.due() == ["ann"]


HERE = Audience(zones=("America/New_York",))


async def test_another_place_alone_brings_nobody_back_whom_the_platform_refused(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.bring("ann", "excluded")
        import_id = await staged(made, replace(ANN, audience=HERE), replace(BOB, audience=HERE))
        found = await made.ledger.foresee(made.campaign, trial(import_id))
        assert (found.taken.changed, found.taken.moved, found.taken.examples) == (2, 2, ())
        assert not found.is_anything
        await made.ledger.apply(made.campaign, import_id, BY_NAME, False)
        assert made.states() == {"ann": "excluded", "bob": "due"}
        assert {HERE} == set((await made.ledger.audiences_of(made.campaign)).values()) - {Audience()}


async def test_whom_the_rules_held_is_due_once_their_place_is_known(tmp_path: Path) -> None:
    async with desk(tmp_path, replace(ANN, audience=Audience(held="no_zone"))) as made:
        known = await made.ledger.audiences_of(made.campaign)
        stands = {n: "held:no_zone" if one.held else "" for n, one in known.items()}
        await made.ledger.apply_standing(made.campaign, stands)
        assert made.states() == {"ann": "excluded"}
        await made.take(replace(ANN, audience=HERE))
        assert made.states() == {"ann": "due"}


def test_nothing_foreseen_is_nothing() -> None:
    assert not Foreseen(Imported()).is_anything
    assert not Foreseen(Imported(read=5, good=4, rejected=1)).is_anything
