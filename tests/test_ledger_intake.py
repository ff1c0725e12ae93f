"""From files to contacts: real lists, read and taken into a real ledger, whole or not at all."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from dialer.clock import Clock
from dialer.errors import CampaignError, ListError
from dialer.ledger import Imported
from dialer.model import Campaign
from dialer.runner.intake import take_in
from tests.ledger_kit import Desk, campaign_called, desk, dump, e164
from tests.lists import as_csv, write

HEADER = ("phone", "name", "city")


def people(*numbers: int, city: str = "Oslo") -> list[tuple[str, str, str]]:
    return [(e164(number), f"p{number}", city) for number in numbers]


@dataclass
class Intake:
    """A ledger, a campaign and its list `people.csv`, which is written anew as often as wanted."""

    desk: Desk
    campaign: Campaign
    file: Path

    async def take(self, *, yes: bool = False) -> Imported:
        found = await take_in(self.desk.ledger, self.campaign, self.desk.campaign, self.clock, yes=yes)
        assert found is not None
        return found

    @property
    def clock(self) -> Clock:
        return Clock(wall=lambda: self.desk.wall().timestamp())

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        write(self.file, as_csv([HEADER, *rows]))

    def with_rules(self, **rules: Any) -> None:
        self.campaign = replace(self.campaign, contacts=replace(self.campaign.contacts, **rules))

    async def refused(self, *words: str) -> None:
        """The list is not taken, in these words, and nothing in the ledger is another than before."""
        before = dump(self.desk.path)
        with pytest.raises(ListError) as error:
            await self.take()
        assert "\n" not in str(error.value)
        for word in words:
            assert word in str(error.value)
        assert dump(self.desk.path) == before


@asynccontextmanager
async def intake(folder: Path, name: str = "people.csv", **rules: Any) -> AsyncIterator[Intake]:
    async with desk(folder) as made:
        file = folder / name
        campaign = campaign_called("reminders", made.path, files=(file,), **rules)
        yield Intake(made, campaign, file)


async def test_a_list_is_taken_in_once_and_known_after_that(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        given.write([*people(100, 101), ("12", "p102", "Rome"), ("", "p103", "Rome")])
        found = await given.take()
        assert (found.read, found.good, found.added, found.rejected, found.known) == (4, 2, 2, 2, False)
        rejects = given.desk.rows('SELECT file, line, "column", value, reason FROM rejects ORDER BY line')
        assert [(one["line"], one["column"], one["value"]) for one in rejects] == [(4, "phone", "12"), (5, "phone", "")]
        assert rejects[1]["reason"] == "no_number"
        contact = given.desk.contact("p101")
        assert json.loads(contact["data"]) == {"phone": e164(101), "name": "p101", "city": "Oslo"}
        assert (contact["file"], contact["line"]) == ("people.csv", 3)
        before = dump(given.desk.path)
        found = await given.take()
        assert (found.known, found.read, found.good, found.added) == (True, 4, 2, 0)
        assert dump(given.desk.path) == before


async def test_a_file_that_changed_changes_just_that(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        given.write(people(100, 101, 102))
        await given.take()
        given.write([*people(101), *people(102, city="Bergen"), *people(103)])
        found = await given.take()
        assert (found.added, found.changed, found.withdrawn) == (1, 1, 1)
        assert given.desk.states() == {"p100": "excluded", "p101": "due", "p102": "due", "p103": "due"}


async def test_a_list_read_by_other_rules_is_read_again(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        given.write([*people(100), (e164(101), "p101", "")])
        await given.take()
        given.with_rules(required=("city",))
        found = await given.take()
        assert (found.known, found.good, found.rejected, found.withdrawn) == (False, 1, 1, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["people.csv"]),
        (b"phone,name,city\r\n", ["people.csv"]),
        (b"number,name,city\r\n+14155550100,p100,Oslo\r\n", ["phone", "number"]),
        (b"phone,name,city\r\n+14155550103,p103,\xffslo\r\n", ["people.csv"]),
        (b'phone,name,city\r\n+14155550103,p103,"Oslo\r\n', ["people.csv"]),
        (b"phone,name,city\r\n12,p1,Oslo\r\n13,p2,Oslo\r\n", ["none of the 2 rows can be dialled"]),
    ],
)
async def test_a_faulty_file_takes_nothing_from_the_list_before(
    tmp_path: Path, content: bytes, words: list[str]
) -> None:
    async with intake(tmp_path) as given:
        given.write(people(100, 101))
        await given.take()
        attempt = await given.desk.dial("p100")
        write(given.file, content)
        await given.refused(*words)
        await given.desk.end(attempt, "user_ended_call")
        assert given.desk.states() == {"p100": "done", "p101": "due"}


async def test_a_fault_far_into_the_file_leaves_nothing_of_what_came_before_it(tmp_path: Path) -> None:
    """The reader has given several pieces when it finds the fault."""
    async with intake(tmp_path) as given:
        given.write(people(100, 101))
        await given.take()
        many = [(f"+1415555{n % 10000:04d}", f"q{n}", "Oslo") for n in range(22_000)]
        whole = as_csv([HEADER, *many]).encode()
        write(given.file, whole + b'+14155550103,last,"Os')
        await given.refused("people.csv")
        assert given.desk.rows("SELECT COUNT(*) AS n FROM imports WHERE applied_at IS NULL") == [{"n": 0}]
        assert given.desk.states() == {"p100": "due", "p101": "due"}


async def test_a_reading_that_is_stopped_in_the_middle_takes_nothing(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        given.write(people(100, 101))
        await given.take()
        given.write([(f"+1415555{n % 10000:04d}", f"q{n}", "Oslo") for n in range(22_000)])
        before = dump(given.desk.path)
        asked = iter([False, True])
        found = await take_in(
            given.desk.ledger,
            given.campaign,
            given.desk.campaign,
            given.clock,
            yes=True,
            is_stopping=lambda: next(asked),
        )
        assert found is None
        assert dump(given.desk.path) == before


async def test_a_cut_gzip_leaves_the_list_before(tmp_path: Path) -> None:
    async with intake(tmp_path, "people.csv.gz") as given:
        whole = gzip.compress(as_csv([HEADER, *people(*range(100, 200))]).encode())
        write(given.file, whole)
        assert (await given.take()).good == 100
        write(given.file, gzip.compress(os.urandom(60_000))[:30_000])
        await given.refused("people.csv.gz")
        write(given.file, whole[:-20])
        await given.refused("people.csv.gz")
        assert set(given.desk.states().values()) == {"due"}


async def test_the_gates_say_what_to_do_and_yes_opens_the_one_for_the_gone(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        given.write(people(*range(100, 150)))
        await given.take()
        given.write(people(*range(100, 125)))
        await given.refused("25 of 50 people", "--yes")
        assert (await given.take(yes=True)).withdrawn == 25
        given.with_rules(min_rows=30)
        await given.refused("25 rows", "`contacts.min_rows` asks for 30")


async def test_a_list_of_yesterday_and_a_strange_country_are_told_before_anything_is_read(tmp_path: Path) -> None:
    async with intake(tmp_path, newer_than=3600.0) as given:
        given.write(people(100))
        now = given.desk.wall().timestamp()
        os.utime(given.file, (now - 7200, now - 7200))
        await given.refused("2.0 h ago", "`contacts.newer_than`")
        os.utime(given.file, (now - 1800, now - 1800))
        given.with_rules(country="Narnia")
        with pytest.raises(CampaignError, match=r"contacts\.country"):
            await given.take()


async def test_several_files_are_one_list(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        given.write(people(100, 101))
        second = write(tmp_path / "more.csv", as_csv([HEADER, *people(101, 102)]))
        given.with_rules(files=(given.file, second))
        found = await given.take()
        assert (found.added, found.rejected) == (3, 1)
        (reject,) = given.desk.rows("SELECT file, line, reason, why FROM rejects")
        assert reject == {
            "file": "more.csv",
            "line": 2,
            "reason": "duplicate",
            "why": "the same as line 3 of people.csv",
        }
