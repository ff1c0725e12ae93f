"""The second start of a campaign: its list is known by the stamps of its files, and nothing that must be asked is
left out."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import CampaignError, ListError
from dialer.ledger.reading import open_reader
from dialer.model import ListRules
from dialer.runner import geography
from dialer.runner.intake import _is_recognised, check_header, check_list
from tests.ledger_kit import ROOT, dump
from tests.test_ledger_intake import Intake, intake, people

HEAVY = ("pandas", "numpy", "pyarrow", "sqlite_utils", "phonenumbers", "starlette", "uvicorn")


def minutes_later(given: Intake, minutes: int = 10) -> None:
    """The wall clock stands so long after the list was last touched."""
    given.desk.wall.now = datetime.fromtimestamp(given.file.stat().st_ctime + 60 * minutes, UTC)


def stamps(given: Intake) -> Any:
    (found,) = given.desk.rows("SELECT stamps FROM imports WHERE applied_at IS NOT NULL ORDER BY id DESC LIMIT 1")
    return json.loads(found["stamps"])


async def taken(given: Intake, rows: Sequence[Sequence[str]], minutes: int = 10) -> None:
    given.write(rows)
    minutes_later(given, minutes)
    await given.take()


async def test_a_list_that_lay_still_is_stamped_as_it_is_taken_in(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        await taken(given, people(100, 101))
        ((device, inode, size, *_),) = stamps(given)
        seen = given.file.stat()
        assert (device, inode, size) == (seen.st_dev, seen.st_ino, seen.st_size)
        before = dump(given.desk.path)
        assert (await given.take()).known
        assert dump(given.desk.path) == before


async def test_a_list_of_this_minute_is_stamped_at_a_later_start(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        await taken(given, people(100), minutes=0)
        assert stamps(given) == []
        minutes_later(given)
        assert (await given.take()).known
        assert len(stamps(given)) == 1


async def test_the_stamp_and_not_the_file_is_looked_at(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        await taken(given, people(100))
        (stamp,) = stamps(given)
        forged = json.dumps([[*stamp[:-1], "0" * 64]])
        await given.desk.ledger._writer.do(lambda db: db.execute("UPDATE imports SET stamps = ?", (forged,)).rowcount)
        assert not (await given.take()).known


async def test_somebody_new_behind_the_old_times_is_called(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        await taken(given, people(100))
        before = given.file.stat()
        given.write(people(101))
        os.utime(given.file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert given.file.stat().st_size == before.st_size
        assert (await given.take(yes=True)).added == 1
        assert given.desk.states() == {"p100": "excluded", "p101": "due"}


async def test_a_known_list_passes_the_gates_at_each_start(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        await taken(given, [*people(100), ("12", "p101", "Oslo")])
        given.with_rules(newer_than=3600.0)
        assert (await given.take()).known
        minutes_later(given, 61)
        with pytest.raises(ListError, match="newer_than"):
            check_list(given.campaign, given.clock)
        await given.refused("newer_than")
        given.with_rules(newer_than=None, max_rejects=0.1)
        await given.refused("max_rejects")
        given.with_rules(max_rejects=None, min_rows=3)
        await given.refused("min_rows")


async def test_stamps_of_another_list_are_not_kept(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        await taken(given, people(100))
        before = stamps(given)
        await given.desk.ledger.keep_stamps(given.desk.campaign, "of another list", ())
        assert stamps(given) == before
        with open_reader(given.desk.path) as reader:
            assert len(reader.known_list(given.desk.campaign).stamps) == 1
            assert reader.known_list(given.desk.campaign + 1).fingerprint == ""


async def test_a_newer_dialer_places_people_anew_and_only_where_it_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with intake(tmp_path) as given:
        given.with_rules(placed=True)
        await taken(given, people(100))
        assert (await given.take()).known
        monkeypatch.setattr(geography, "_edition", lambda: "of tomorrow")
        assert not _is_recognised(given.campaign, given.clock)
        again = await given.take()
        assert (again.known, again.added, again.withdrawn) == (False, 0, 0)
        given.with_rules(placed=False)
        await given.take()
        monkeypatch.setattr(geography, "_edition", lambda: "of the day after")
        assert (await given.take()).known


def test_by_what_people_are_placed_is_told_in_a_moment() -> None:
    assert geography._edition() == geography._edition.__wrapped__() != hashlib.sha256().hexdigest()
    assert geography.geography(ListRules((), placed=False)) == ""
    assert geography._version("no-such-library-of-places") == ""


@pytest.mark.parametrize("column", ["given", "Given"])
async def test_a_column_that_is_called_like_the_word_for_everybody_is_refused(tmp_path: Path, column: str) -> None:
    async with intake(tmp_path) as given:
        given.with_rules(consents="given")
        await taken(given, people(100))
        given.file.write_text(f"phone,name,{column}\n+14155550100,p100,no\n")
        with pytest.raises(ListError, match=f"column '{column}', and `rules.consent: given`"):
            check_list(given.campaign, given.clock)
        given.with_rules(consents="column")
        assert column in check_header(given.campaign)


async def test_what_other_rules_ask_of_the_header_is_asked(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        await taken(given, people(100))
        check_list(given.campaign, given.clock)
        given.with_rules(required=("street",))
        with pytest.raises(ListError, match="street"):
            check_list(given.campaign, given.clock)
        given.with_rules(required=(), country="XX")
        with pytest.raises(CampaignError, match="XX"):
            check_list(given.campaign, given.clock)
        given.file.unlink()
        with pytest.raises(ListError, match="no such file"):
            check_list(given.campaign, given.clock)


_LOOK = """
import sys
from pathlib import Path
import dialer.cli.running
from dialer.clock import Clock
from dialer.runner.intake import _is_recognised
from tests.ledger_kit import campaign_called

ledger, people, now, *heavy = sys.argv[1:]
campaign = campaign_called("reminders", Path(ledger), files=(Path(people),))
assert _is_recognised(campaign, Clock(wall=lambda: float(now)))
print(*(name for name in heavy if name in sys.modules))
"""


@pytest.mark.slow
async def test_the_start_of_a_known_campaign_loads_nothing_heavy(tmp_path: Path) -> None:
    async with intake(tmp_path) as given:
        await taken(given, people(100))
        paths, now = (str(given.desk.path), str(given.file)), str(given.desk.wall().timestamp())
    command = [sys.executable, "-c", _LOOK, *paths, now, *HEAVY]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    assert (process.returncode, told.decode().split()) == (0, [])
