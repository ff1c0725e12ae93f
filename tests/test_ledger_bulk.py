"""Very many rows at once: what is kept up by row is made anew, and all is as if it had been kept up by row."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.ledger import importing
from dialer.ledger.bulk import little_memory, without
from dialer.model import Chunk, ListRules, Number, Row, Rows
from tests.ledger_kit import BY_NAME, Desk, campaign_called, desk, dump, e164, founded, reject, row

ANY_NUMBER = replace(BY_NAME, phone=("phone", "mobile"))
TABLES = ("contacts", "numbers", "rejects", "tallies", "due_minutes", "reject_tallies")

LISTS: dict[str, tuple[ListRules, list[Row]]] = {
    "nobody twice": (BY_NAME, [row("ann", 1), row("bob", 2, 7), row("cid", 3)]),
    "out of order": (BY_NAME, [row("cid", 3), row("ann", 1), row("bob", 2)]),
    "a person twice": (BY_NAME, [row("cid", 3), row("ann", 1), row("cid", 4), row("ann", 5)]),
    "a number twice": (BY_NAME, [row("ann", 1), row("bob", 2), row("cid", 1), row("dan", 2), row("eve", 1)]),
    "both": (BY_NAME, [row("bob", 2), row("ann", 1), row("bob", 3), row("cid", 1), row("dan", 3)]),
    "a number behind another's first": (
        ANY_NUMBER,
        [row("ann", 1, 2), row("bob", 2), row("cid", 3, 1), row("dan", 4, 3), row("eve", 9, 8)],
    ),
    "numbers as often as wanted": (replace(BY_NAME, one_per="id"), [row("ann", 1), row("bob", 1), row("ann", 2)]),
}


def kept(made: Desk) -> dict[str, Any]:
    return {table: rows for table, rows in dump(made.path).items() if table in TABLES}


async def imported(folder: Path, rules: ListRules, rows: list[Row], *before: Row) -> dict[str, Any]:
    async with desk(folder, *before, rules=rules) as made:
        await made.take(*rows, rejects=[reject(99)], rules=rules, yes=True)
        schema = made.rows("SELECT type, name, sql FROM sqlite_master ORDER BY name")
        return {**kept(made), "schema": sorted((one["type"], one["name"], one["sql"] or "") for one in schema)}


@pytest.mark.slow
@pytest.mark.parametrize("before", [(), (row("zoe", 30),)], ids=["the first list", "a later one"])
@pytest.mark.parametrize(("rules", "rows"), LISTS.values(), ids=LISTS)
async def test_many_rows_give_what_few_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: ListRules, rows: list[Row], before: tuple[Row, ...]
) -> None:
    (tmp_path / "few").mkdir()
    (tmp_path / "many").mkdir()
    few = await imported(tmp_path / "few", rules, rows, *before)
    monkeypatch.setattr(importing, "_MANY", 1)
    many = await imported(tmp_path / "many", rules, rows, *before)
    assert many == few
    assert len(few["contacts"]) >= 2


async def test_a_list_that_fails_at_a_gate_leaves_the_ledger_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_MANY", 1)
    async with desk(tmp_path) as made:
        before, schema = dump(made.path), made.rows("SELECT name, sql FROM sqlite_master ORDER BY name")
        with pytest.raises(Exception, match="min_rows"):
            await made.take(row("ann", 1), row("bob", 1), rules=replace(BY_NAME, min_rows=5))
        assert dump(made.path) == before
        assert made.rows("SELECT name, sql FROM sqlite_master ORDER BY name") == schema
        await made.take(row("ann", 1), row("bob", 2))
        assert made.states() == {"ann": "due", "bob": "due"}


async def test_lists_of_two_campaigns_are_read_by_turns(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        other = (await made.ledger.bind(campaign_called("others", made.path))).id
        ours = await made.ledger.begin_import(made.campaign, "ours", ["people.csv"], ["phone"])
        theirs = await made.ledger.begin_import(other, "theirs", ["people.csv"], ["phone"])
        for line in (2, 3):
            await made.ledger.stage(
                made.campaign, ours, Chunk((row(f"our{line}", line, line=line),), (reject(line + 7),))
            )
            await made.ledger.stage(other, theirs, Chunk((row(f"their{line}", line, 50 + line, line=line),), ()))
        assert (await made.ledger.apply(other, theirs, BY_NAME, False)).rejected == 0
        found = await made.ledger.apply(made.campaign, ours, BY_NAME, False)
        assert (found.added, found.rejected) == (2, 2)
        assert made.states() == {"our2": "due", "our3": "due"}
        assert len(made.rows("SELECT * FROM numbers WHERE rank = 1")) == 2


# --- what is taken away for a moment -------------------------------------------------------------------


def test_what_is_taken_away_is_made_again(tmp_path: Path) -> None:
    with sqlite3.connect(founded(tmp_path / "dialer.db"), isolation_level=None) as db:
        db.row_factory = sqlite3.Row
        before = [tuple(one) for one in db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name")]
        with without(db, ("contacts_by_person", "contacts_tallied_in")):
            names = {one["name"] for one in db.execute("SELECT name FROM sqlite_master")}
            assert names.isdisjoint({"contacts_by_person", "contacts_tallied_in"})
        assert [tuple(one) for one in db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name")] == before
        with pytest.raises(LookupError, match="'nothing'"), without(db, ("nothing",)):
            pass
    db.close()


def test_less_is_kept_in_memory_for_a_while(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(founded(tmp_path / "dialer.db"), isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = -32768")
        with pytest.raises(ValueError, match="within"), little_memory(db):
            assert db.execute("PRAGMA cache_size").fetchone() == (-16384,)
            raise ValueError("within")
        assert db.execute("PRAGMA cache_size").fetchone() == (-32768,)


# --- rows by the column --------------------------------------------------------------------------------


def test_rows_by_the_column_are_the_rows() -> None:
    given = [row("ann", 1, 2, line=2), row("bob", 3, line=3), replace(row("cid", 4, line=2), file="more.csv")]
    parts = list(Rows.of(given))
    assert [part.file for part in parts] == ["people.csv", "more.csv"]
    assert [found for part in parts for found in part] == given
    assert parts[0][:1] == (given[0],)
    assert parts[0][-1].numbers == (Number(e164(3), "US", given[1].numbers[0].kind),)
    assert list(Rows.of(parts[0])) == [parts[0]]
    with pytest.raises(IndexError):
        parts[1][1]
