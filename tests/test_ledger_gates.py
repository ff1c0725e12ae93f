"""A list that is refused changes nothing: the gates, the duplicates, and what is left in the middle of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.errors import ExitCode, ListError
from dialer.ledger import InlineExecutor, Ledger
from dialer.model import Chunk, ContactState, ListRules, Reject, Row
from tests.ledger_kit import (
    ABSENT,
    BY_NAME,
    BY_NUMBER,
    PEOPLE,
    UNSENT,
    Desk,
    call,
    campaign_called,
    desk,
    dump,
    e164,
    intent_for,
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


# --- the gates ---------------------------------------------------------------------------------------


async def refused(made: Desk, *rows: Row, rejects: Sequence[Reject] = (), rules: ListRules = BY_NAME) -> str:
    """What is said of a list that is not taken; all tables are as before, the reading of lists among them."""
    before = dump(made.path)
    with pytest.raises(ListError) as error:
        await made.take(*rows, rejects=rejects, rules=rules)
    assert error.value.code is ExitCode.FILE
    assert str(error.value).startswith("people.csv: ")
    assert "\n" not in str(error.value)
    assert dump(made.path) == before
    return str(error.value)


async def test_a_list_without_a_good_row_takes_nothing_from_the_old_one(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        await made.bring("ann", "waiting")
        bad = [reject(line) for line in range(2, 7)]
        said = await refused(made, rejects=bad)
        assert "none of the 5 rows can be dialled" in said
        assert "line 2 (phone): it is no number; line 3" in said
        assert "line 5" not in said


async def test_a_list_with_too_few_rows_takes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        said = await refused(made, ANN, rejects=[reject(3)], rules=replace(BY_NAME, min_rows=3))
        assert "2 rows, but `contacts.min_rows` asks for 3" in said
        assert "`contacts.min_rows` asks for 1" in await refused(made)
        await made.take(ANN, rejects=[reject(3)], rules=replace(BY_NAME, min_rows=2))


async def test_a_list_with_too_many_rejects_takes_nothing(tmp_path: Path) -> None:
    rules = replace(BY_NAME, max_rejects=0.25)
    async with desk(tmp_path, ANN) as made:
        await made.take(ANN, BOB, CID, rejects=[reject(5)], rules=rules)
        said = await refused(made, ANN, BOB, CID, rejects=[reject(5), reject(6, column="")], rules=rules)
        assert "2 of 5 rows are rejects, more than `contacts.max_rejects` allows (25%)" in said
        assert "line 6 (the row)" in said


async def test_several_bad_cells_of_a_row_are_one_bad_row_and_none_beside_a_good_number(tmp_path: Path) -> None:
    rules = replace(BY_NAME, max_rejects=0.5, phone=("mobile", "home"))
    async with desk(tmp_path) as made:
        rejects = [reject(2, column="home"), reject(3, column="mobile"), reject(3, column="home")]
        found = await made.take(replace(ANN, line=2), rejects=rejects, rules=rules)
        assert (found.read, found.good, found.rejected) == (2, 1, 1)
        assert len(made.rows("SELECT * FROM rejects")) == 3


async def test_duplicates_count_as_rejects(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        rules = replace(BY_NAME, max_rejects=0.3)
        assert "1 of 2 rows" in await refused(made, ANN, ANN, rules=rules)


async def test_more_people_gone_than_allowed_take_nothing_unless_it_is_meant(tmp_path: Path) -> None:
    people = crowd(100)
    async with desk(tmp_path, *people) as made:
        for person in ("p0", "p1"):
            await made.bring(person, "done")
        said = await refused(made, *people[21:])
        assert "21 of 100 people are no longer in the list" in said
        assert "(10%)" in said
        assert "--yes" in said
        assert (await made.take(*people[21:], yes=True)).withdrawn == 21


async def test_twenty_may_go_whatever_share_they_are(tmp_path: Path) -> None:
    people = crowd(22)
    async with desk(tmp_path, *people) as made:
        assert (await made.take(*people[20:])).withdrawn == 20
        assert (await made.take(*people)).returned == 20
        await refused(made, *people[21:])


@pytest.mark.parametrize(("share", "passes"), [(0.25, True), (0.24, False), (1.0, True), (0.0, False)])
async def test_the_share_is_of_those_whom_the_list_had(tmp_path: Path, share: float, passes: bool) -> None:
    people = crowd(110)
    rules = replace(BY_NAME, max_gone=share)
    async with desk(tmp_path, *people) as made:
        await made.take(*people[10:])  # 10 are withdrawn: 100 are left, and they are the whole
        if passes:
            assert (await made.take(*people[35:], rules=rules)).withdrawn == 25
        else:
            assert "25 of 100 people" in await refused(made, *people[35:], rules=rules)


async def test_a_refused_list_may_be_applied_once_it_is_accepted(tmp_path: Path) -> None:
    people = crowd(50)
    async with desk(tmp_path, *people) as made:
        import_id = await begun(made, *people[25:])
        before = dump(made.path)
        with pytest.raises(ListError):
            await made.ledger.apply(made.campaign, import_id, BY_NAME, False)
        assert dump(made.path) == before
        assert (await made.ledger.apply(made.campaign, import_id, BY_NAME, True)).withdrawn == 25


# --- rejects and duplicates --------------------------------------------------------------------------


def told(made: Desk) -> list[tuple[int, str, str, str]]:
    rows = made.rows('SELECT line, "column", value, reason, why FROM rejects ORDER BY line')
    assert {found["reason"] for found in rows} <= {"duplicate"}
    return [(found["line"], found["column"], found["value"], found["why"]) for found in rows]


async def test_a_second_row_about_the_same_person_is_a_reject(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        found = await made.take(ANN, BOB, row("ann", 5), row("ann", 6))
        assert (found.added, found.rejected, found.read) == (2, 2, 4)
        assert told(made) == [
            (4, "name", "ann", "the same as line 2 of people.csv"),
            (5, "name", "ann", "the same as line 2 of people.csv"),
        ]
        assert made.contact("ann")["number"] == e164(1)


async def test_a_second_row_with_the_same_number_is_a_reject(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        await made.take(ANN, BOB, row("eve", 1))
        assert told(made) == [(4, "phone", e164(1), "the same number as line 2 of people.csv")]
        assert made.states() == {"ann": "due", "bob": "due"}


async def test_one_number_may_have_several_rows_where_the_id_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        found = await made.take(ANN, row("eve", 1), row("ann", 7), rules=replace(BY_NAME, one_per="id"))
        assert (found.added, found.rejected) == (2, 1)
        ann, eve = await made.candidate("ann"), await made.candidate("eve")
        assert isinstance(await made.intend(ann), int)
        assert str(await made.intend(eve)) == "number_live"


async def test_with_several_columns_every_number_counts(tmp_path: Path) -> None:
    rules = ListRules((PEOPLE,), phone=("mobile", "home"), id="name")
    async with desk(tmp_path) as made:
        found = await made.take(row("ann", 1, 2), row("bob", 3, 1), row("cid", 4, 4), row("dan", 5, 6), rules=rules)
        assert (found.added, found.rejected) == (3, 1)
        assert told(made) == [(3, "mobile", e164(1), "the same number as line 2 of people.csv")]
        assert (await made.candidate("dan")).numbers == (e164(5), e164(6))


async def test_without_an_id_the_number_is_the_person(tmp_path: Path) -> None:
    first, second = (replace(row("x", 1), person=e164(1)), replace(row("y", 1), person=e164(1)))
    async with desk(tmp_path) as made:
        found = await made.take(first, second, rules=BY_NUMBER)
        assert (found.added, found.rejected) == (1, 1)
        assert told(made) == [(3, "phone", e164(1), "the same as line 2 of people.csv")]


async def test_a_changed_list_replaces_its_rejects(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        other = (await made.ledger.bind(campaign_called("others", made.path))).id
        await made.take(ANN, rejects=[reject(9)], campaign=other)
        await made.take(ANN, rejects=[reject(3), reject(4)])
        await made.take(ANN, BOB, rejects=[reject(7)])
        lines = made.rows("SELECT campaign_id, line FROM rejects ORDER BY line")
        assert [(one["campaign_id"], one["line"]) for one in lines] == [(made.campaign, 7), (other, 9)]


async def test_a_list_of_several_chunks_is_one_list(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        import_id = await begun(made, ANN, rejects=[reject(3)])
        more = Chunk((replace(row("ann", 5), line=4), replace(BOB, line=5)), (reject(6),))
        await made.ledger.stage(made.campaign, import_id, more)
        await made.ledger.stage(made.campaign, import_id, Chunk((), ()))
        found = await made.ledger.apply(made.campaign, import_id, BY_NAME, False)
        assert (found.read, found.good, found.rejected) == (5, 2, 3)


# --- in the middle of it -----------------------------------------------------------------------------


async def test_what_is_staged_is_nobody_yet_and_a_crash_leaves_nothing_due(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN) as made:
        before = dump(made.path, ("imports", "rejects"))
        whole = dump(made.path, ("ledger", "runs"))
        await begun(made, ANN, BOB, CID, rejects=[reject(9)])
        assert dump(made.path, ("imports", "rejects")) == before
        path, wall, campaign = made.path, made.wall, made.campaign
        made.ledger.abandon()
        ledger = Ledger.open(path, "run", wall, executor=InlineExecutor(), synchronous="OFF")
        again = Desk(ledger, wall, campaign)
        await ledger.start_run("run", ["reminders"])
        assert await again.due() == ["ann"]
        await ledger.begin_import(campaign, "g", ["people.csv"], [])
        assert again.rows("SELECT * FROM rejects") == []
        assert await again.due() == ["ann"]
        assert [
            found["fingerprint"] for found in again.rows("SELECT fingerprint FROM imports WHERE applied_at IS NULL")
        ] == ["g"]
        await ledger.drop_import(campaign)
        assert dump(path, ("ledger", "runs")) == whole
        assert again.states() == {"ann": "due"}
        await ledger.close()


async def test_an_import_of_one_campaign_leaves_anothers_alone(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        other = (await made.ledger.bind(campaign_called("others", made.path))).id
        theirs = await made.ledger.begin_import(other, "theirs", ["people.csv"], ["phone"])
        await made.ledger.stage(other, theirs, Chunk(placed_in_list([ANN, CID]), (reject(4),)))
        await made.take(ANN, BOB)
        await made.ledger.drop_import(made.campaign)
        found = await made.ledger.apply(other, theirs, BY_NAME, False)
        assert (found.added, found.rejected) == (2, 1)
        assert made.states() == {"ann": "due", "bob": "due"}


async def test_people_may_be_dialled_while_another_list_is_read(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN, BOB) as made:
        import_id = await begun(made, BOB, CID)
        attempt = await made.dial("ann")
        await made.ledger.place(attempt, call())
        await made.ledger.apply(made.campaign, import_id, BY_NAME, False)
        assert made.states() == {"ann": "dialing", "bob": "due", "cid": "due"}
        assert (await made.end(attempt, "line_busy")).state is ContactState.EXCLUDED


async def test_a_call_id_may_be_sent_again_after_the_row_has_changed(tmp_path: Path) -> None:
    async with desk(tmp_path, ANN) as made:
        attempt = await made.dial("ann")
        await made.refuse(attempt, UNSENT)
        await made.take(row("ann", 8, 9, city="Oslo"))
        made.wall.goes_on(minutes=1)
        ann = await made.candidate("ann")
        assert (ann.reuse, ann.numbers) == (attempt, (e164(8), e164(9)))
        assert await made.ledger.intend(ann, intent_for(ann, made.wall())) == attempt
        assert made.attempt(attempt)["number"] == e164(8)
        await made.hold(attempt)
        await made.refuse(attempt, ABSENT)
        assert made.contact("ann")["state"] == "due"
