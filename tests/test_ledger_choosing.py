"""Whom to hand out of many audiences: the same as if all were read and sorted, whatever the pages."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from dialer.ledger.choosing import chosen
from dialer.model import Order
from tests.ledger_rows import NOW, Maker, at

AUDIENCES = list(range(1, 8))


def people(path: Path, seed: int) -> Maker:
    """Several hundred who are due, in audiences of very different size, one in three of them again."""
    made, drawn = Maker(path), random.Random(seed)
    made.db.execute("PRAGMA synchronous = OFF")
    campaign = made.campaign("reminders")
    made.imported(campaign)
    for number in range(400):
        again = number % 3 == 0
        made.contact(
            campaign,
            f"p{number}",
            "due",
            number=f"+1415555{number:04d}",
            audience=drawn.choice(AUDIENCES[: 1 + number % len(AUDIENCES)]),
            priority=drawn.choice([0, 0, 0, 5, -1]),
            due_at=at(minutes=-drawn.randrange(1, 90)) if again else None,
        )
    made.db.commit()
    made.db.row_factory = sqlite3.Row
    return made


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return people(tmp_path_factory.mktemp("crowd") / "dialer.db", seed=1)


def expected(made: Maker, opened: list[int], limit: int, order: Order) -> list[int]:
    """Read them all, and sort: of those whose time has come the longest overdue, else the first of the list."""
    rows = [dict(row) for row in made.db.execute("SELECT * FROM contacts") if row["audience"] in opened]
    again = sorted((row for row in rows if row["due_at"]), key=lambda row: (row["due_at"], row["id"]))[:limit]
    fresh = sorted((row for row in rows if not row["due_at"]), key=lambda row: (-row["priority"], row["id"]))[:limit]
    again.sort(key=lambda row: (-row["priority"], row["due_at"], row["id"]))
    both = again + fresh if order is Order.RETRIES_FIRST else fresh + again
    return [row["id"] for row in sorted(both, key=lambda row: -row["priority"])[:limit]]


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("limit", [1, 5, 17, 60, 200, 500])
@pytest.mark.parametrize("opened", [[1], [1, 2], [3, 5, 7], AUDIENCES, []])
def test_the_pages_change_nothing(crowd: Maker, opened: list[int], limit: int, order: Order) -> None:
    given = {"campaign": 1, "now": at()}
    found = [row["id"] for row in chosen(crowd.db, given, opened, limit, order)]
    assert found == expected(crowd, opened, limit, order)


def test_only_the_first_of_many_are_read(crowd: Maker) -> None:
    plan = " ".join(
        row["detail"]
        for query in ("due_again", "due_fresh")
        for row in crowd.db.execute(f"EXPLAIN QUERY PLAN {_sql(query)}", _given())
    )
    assert "contacts_due_later (" in plan
    assert "contacts_due (" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


def _sql(name: str) -> str:
    from dialer.ledger.events import SQL

    return SQL[name]


def _given() -> dict[str, object]:
    return {"campaign": 1, "audience": 1, "now": at(), "limit": 5, "at": NOW.isoformat()}
