"""Do-not-call lists in the ledger: whom they bar, and whom they bar no more."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.clock import Clock
from dialer.errors import ListError
from dialer.ledger import Asked, Passed, optouts
from dialer.ledger.optouts import Barred, Word
from dialer.ledger.register_names import file_of, known_as
from dialer.ledger.rings import Told
from dialer.model import Campaign, Permit, Register, Ring, Ruling
from dialer.runner import registers
from tests.ledger_kit import BY_NAME, Desk, campaign_called, desk, e164, forge, intent_for, row

DAY = 86400.0
SHARED = replace(BY_NAME, one_per="id")


def clock(made: Desk) -> Clock:
    return Clock(lambda: made.wall().timestamp())


def listing(folder: Path, *numbers: int, name: str = "national.csv") -> Path:
    path = folder / name
    path.write_text("phone\n" + "".join(f"{e164(one)}\n" for one in numbers))
    return path


def going_by(made: Desk, *files: Path, max_age: float | None = None) -> Campaign:
    rules = campaign_called("reminders", made.path)
    return replace(rules, registers=tuple(Register(str(file), max_age) for file in files))


def dated(made: Desk, path: Path, days: float = 0.0) -> None:
    """The file was written so long before the clock of the test."""
    moment = made.wall().timestamp() - days * DAY
    os.utime(path, (moment, moment))


async def taken(made: Desk, *files: Path) -> tuple[tuple[int, ...], list[str]]:
    found = await registers.take_in(made.ledger, going_by(made, *files), clock(made), None)
    return registers.ids(found), [one.sentence for one in found]


async def goes(made: Desk, *files: Path) -> tuple[int, int]:
    found, _ = await taken(made, *files)
    return await made.ledger.go_by_registers(made.campaign, found)


# --- whom they bar -----------------------------------------------------------------------------------


async def test_who_has_no_other_number_is_excluded_until_the_file_has_them_no_more(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2, 3), row("cy", 2, 4), row("di", 5), rules=SHARED) as made:
        await made.bring("ann", "waiting")
        due_at = made.contact("ann")["due_at"]
        path = listing(tmp_path, 1, 2, 3, 9)
        assert await goes(made, path) == (2, 0)
        assert made.states() == {"ann": "excluded", "bob": "excluded", "cy": "due", "di": "due"}
        found = made.contact("ann")
        assert (found["detail"], found["stop"], found["due_at"]) == ("dnc:national.csv", None, due_at)
        assert made.events("ann")[-1] == ("registered", "waiting", "excluded")
        assert await goes(made, path) == (0, 0)
        listing(tmp_path, 2, 9)
        assert await goes(made, path) == (0, 2)
        assert made.states() == {"ann": "due", "bob": "due", "cy": "due", "di": "due"}
        assert made.contact("ann")["due_at"] == due_at
        assert made.events("bob")[-1] == ("unregistered", "excluded", "due")


async def test_two_files_bar_together_and_the_first_number_says_which(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1, 2), row("bob", 1), rules=SHARED) as made:
        files = listing(tmp_path, 1), listing(tmp_path, 2, name="state.txt")
        assert await goes(made, files[1]) == (0, 0)
        assert await goes(made, *files) == (2, 0)
        assert {made.contact(one)["detail"] for one in ("ann", "bob")} == {"dnc:national.csv"}
        assert await goes(made, files[1]) == (0, 2)


async def test_a_campaign_that_goes_by_none_any_more_calls_them_again(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await goes(made, listing(tmp_path, 1))
        assert await goes(made) == (0, 1)


@pytest.mark.parametrize("state", ["dialing", "unknown", "done", "exhausted", "excluded"])
async def test_whoever_does_not_wait_is_left_as_they_are(tmp_path: Path, state: str) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.bring("ann", state)
        before = made.contact("ann")
        assert await goes(made, listing(tmp_path, 1)) == (0, 0)
        assert await goes(made) == (0, 0)
        assert made.contact("ann") == before


async def test_an_opt_out_outlives_the_register(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        path = listing(tmp_path, 1)
        await goes(made, path)
        await made.ledger.opt_out([e164(1)], [], optouts.Word())
        assert await goes(made) == (0, 0)
        assert made.contact("ann")["stop"] == "opted_out"


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([3], None),
        ([1], Barred("dnc:national.csv", ())),
        ([1, 3, 2], Barred("dnc:national.csv", (e164(3),))),
    ],
)
async def test_at_an_intent_only_the_numbers_that_are_listed_are_barred(
    tmp_path: Path, numbers: Sequence[int], expected: Barred | None
) -> None:
    async with desk(tmp_path) as made:
        found, _ = await taken(made, listing(tmp_path, 1, 2))
        given = [e164(one) for one in numbers]
        secret, writer = made.ledger.secret, made.ledger._writer
        assert await writer.do(lambda db: optouts.barred(db, secret, given, "ann", found)) == expected
        assert await writer.do(lambda db: optouts.barred(db, secret, given, "ann", ())) is None


# --- when they are read ------------------------------------------------------------------------------


async def test_a_number_that_may_not_be_rung_is_theirs_where_rings_and_opt_outs_are_looked_up(tmp_path: Path) -> None:
    seen: list[int] = []

    def decide(past: Sequence[Ring]) -> Permit:
        seen.append(len(past))
        return Permit(Ruling.ALLOW)

    async with desk(tmp_path, row("ann", 1, 2)) as made:
        await made.ledger.keep_rings([Told(e164(1), "", "", made.wall(), talked=False)])
        found, _ = await taken(made, listing(tmp_path, 1))
        made.ledger.goes_by(made.campaign, found)
        ann = await made.candidate("ann")
        assert ann.numbers == (e164(2),)
        await made.ledger.opt_out([e164(1)], [], Word())
        forge(made.path, "UPDATE contacts SET state = 'due', stop = NULL, detail = ''")  # as one who came in beside it
        assert await made.intend(ann) is Passed.CHANGED
        assert made.contact("ann")["stop"] == "opted_out"
        await made.ledger.opt_in([e164(1)], [], Word())
        intent = intent_for(ann, made.wall())
        assert isinstance(await made.ledger.intend(ann, intent, Asked(decide, has_caps=True)), int)
        assert seen == [1]


async def test_a_file_is_read_again_only_when_it_was_changed(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        path = listing(tmp_path, 1, 2)
        assert (await taken(made, path))[1] == ["national.csv: 2 numbers that are not rung"]
        assert (await taken(made, path))[1] == ["national.csv is unchanged: 2 numbers that are not rung"]
        listing(tmp_path, 3)
        assert (await taken(made, path))[1] == ["national.csv: 1 number that is not rung"]
        assert made.rows("SELECT number FROM registered") == [{"number": int(e164(3)[1:])}]


@pytest.mark.parametrize(
    ("before", "left", "is_taken"),
    [(21, 0, False), (20, 0, True), (200, 180, True), (200, 179, False), (220, 198, True), (230, 206, False)],
)
async def test_a_file_that_was_cut_off_frees_nobody(tmp_path: Path, before: int, left: int, is_taken: bool) -> None:
    async with desk(tmp_path, row("ann", 999)) as made:
        old = [*range(before - 1), 999]
        await goes(made, path := listing(tmp_path, *old))
        listing(tmp_path, *old[:left], 5000)
        if is_taken:
            await goes(made, path)
        else:
            with pytest.raises(ListError, match=rf"{before - left} of the {before} numbers .* run once with --yes"):
                await goes(made, path)
            assert len(made.rows("SELECT 1 FROM registered")) == before
            found = await registers.take_in(made.ledger, going_by(made, path), clock(made), None, yes=True)
            await made.ledger.go_by_registers(made.campaign, registers.ids(found))
        assert made.states() == {"ann": "due"}
        assert len(made.rows("SELECT 1 FROM registered")) == left + 1


async def test_check_tells_of_a_file_that_was_cut_off_as_a_run_does(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        (tmp_path / "x").mkdir()
        rules = going_by(made, path := listing(tmp_path, *range(100)))
        assert registers.check(replace(rules, ledger=tmp_path / "other.db"), clock(made), None)
        await goes(made, path)
        listing(tmp_path, *range(50))
        for ask in (rules, replace(rules, registers=(Register(str(tmp_path / "x" / ".." / "national.csv")),))):
            with pytest.raises(ListError, match=r"50 of the 100 numbers of the copy before are no longer in"):
                registers.check(ask, clock(made), None)
            with pytest.raises(ListError, match=r"50 of the 100 numbers of the copy before are no longer in"):
                await registers.take_in(made.ledger, ask, clock(made), None)


async def test_a_list_is_known_by_its_name_however_it_is_reached_and_wherever_that_points(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        folder, copies = tmp_path / "lists", tmp_path / "copies"
        folder.mkdir()
        copies.mkdir()
        (tmp_path / "linked").symlink_to(folder)
        (folder / "national.csv").symlink_to(listing(copies, *range(100), name="november.csv"))
        await goes(made, folder / "national.csv")
        (folder / "national.csv").unlink()
        (folder / "national.csv").symlink_to(listing(copies, *range(50), name="december.csv"))
        for path in (folder / "national.csv", tmp_path / "linked" / "national.csv"):
            with pytest.raises(ListError, match="50 of the 100 numbers"):
                await goes(made, path)


async def test_the_same_file_for_another_country_is_another_register(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        rules = going_by(made, listing(tmp_path, 1))
        abroad = replace(rules, contacts=replace(rules.contacts, country="GB"))
        for one in (rules, abroad):
            await registers.take_in(made.ledger, one, clock(made), None)
        assert len(made.rows("SELECT * FROM registers")) == 2


async def test_a_file_that_is_too_old_is_refused_whether_it_is_known_or_not(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        path = listing(tmp_path, 1)
        rules = going_by(made, path, max_age=31 * DAY)
        dated(made, path)
        await registers.take_in(made.ledger, rules, clock(made), 31 * DAY)
        dated(made, path, days=32)
        for ask in (registers.check, registers.check_age):
            with pytest.raises(ListError, match=r"written 32\.0 days ago, and dnc\.max_age allows 31"):
                ask(rules, clock(made), None)
        with pytest.raises(ListError, match="put a newer copy in its place; nobody was dialled"):
            await registers.take_in(made.ledger, rules, clock(made), None)


async def test_check_reads_as_a_run_does_and_tells_what_it_could_not_read(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        path = listing(tmp_path, *range(200))
        path.write_text(path.read_text() + "x\n")
        (told,) = registers.check(going_by(made, path), clock(made), None)
        assert told.startswith(
            "national.csv: 200 numbers that are not rung; 1 of 201 lines cannot be read (line 202: 'x'"
        )
        path.write_text("phone\nx\n")
        with pytest.raises(ListError):
            registers.check(going_by(made, path), clock(made), None)
        with pytest.raises(ListError):
            await taken(made, path)
        assert made.rows("SELECT * FROM registers") == []


def test_a_register_is_known_by_file_column_and_country() -> None:
    one = Register("/lists/national.csv", None, "phone")
    assert file_of(known_as(one, "US")) == "national.csv"
    assert len({known_as(one, "US"), known_as(one, None), known_as(replace(one, column=None), "US")}) == 3
