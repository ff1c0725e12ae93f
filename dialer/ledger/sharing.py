"""With which other campaigns of the ledger a campaign shares people: caps and opt-outs reach over all of them."""

from __future__ import annotations

import sqlite3

from dialer.ledger.queries import load

SQL = load("sharing.sql")


def shared_with(db: sqlite3.Connection, campaign: int) -> dict[str, int]:
    """By the other campaign's name, how many people of this one have a number that somebody has there."""
    return dict(map(tuple, db.execute(SQL["shared_with"], {"campaign": campaign})))
