"""Whom of those who are due to hand out: the first of all audiences together, without reading the many behind them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dialer.ledger.events import SQL
from dialer.model import Order

_PAGE = 16
"""Of each audience so many are looked at first, at least."""

_Row = tuple[Any, ...]  # (id, priority, due_at or None)


def chosen(
    db: sqlite3.Connection, given: Mapping[str, object], audiences: Sequence[int], limit: int, order: Order
) -> list[sqlite3.Row]:
    """The contacts of these audiences who go first, whole rows in that order; `given` has campaign and moment.

    Whoever has a higher priority goes first; of equals, by `order`, those who were rung before or those who were not.
    Those who wait are taken by their time, the others as they stand in the list.
    """
    again = _first(db, "due_again", given, audiences, limit, key=lambda row: (row[2], row[0]))
    fresh = _first(db, "due_fresh", given, audiences, limit, key=lambda row: (-row[1], row[0]))
    again.sort(key=lambda row: (-row[1], row[2], row[0]))
    parts = (again, fresh) if order is Order.RETRIES_FIRST else (fresh, again)
    wanted = sorted([*parts[0], *parts[1]], key=lambda row: -row[1])[:limit]  # stable: the order above stays
    return _whole(db, [row[0] for row in wanted])


def _first(
    db: sqlite3.Connection,
    query: str,
    given: Mapping[str, object],
    audiences: Sequence[int],
    limit: int,
    key: Callable[[_Row], Any],
) -> list[_Row]:
    """The first of all together. Each audience gives a page; one whose page is used up to its end gives more."""
    page = limit if len(audiences) == 1 else max(_PAGE, 4 * limit // max(len(audiences), 1))
    pages = {audience: _page(db, query, given, audience, min(page, limit)) for audience in audiences}
    while True:
        found = sorted((row for rows in pages.values() for row in rows), key=key)[:limit]
        taken = set(map(key, found))
        short = [each for each, rows in pages.items() if page <= len(rows) < limit and key(rows[-1]) in taken]
        if not short:
            return found
        for audience in short:
            pages[audience] = _page(db, query, given, audience, limit)


def _page(db: sqlite3.Connection, query: str, given: Mapping[str, object], audience: int, limit: int) -> list[_Row]:
    return list(map(tuple, db.execute(SQL[query], {**given, "audience": audience, "limit": limit})))


def _whole(db: sqlite3.Connection, ids: Sequence[int]) -> list[sqlite3.Row]:
    rows = {row["id"]: row for row in db.execute(SQL["contacts_whole"], {"contacts": json.dumps(ids)})}
    return [rows[each] for each in ids]
