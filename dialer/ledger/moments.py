"""Instants as the ledger writes them: ISO 8601 in UTC with milliseconds, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

UNTIL = "%Y-%m-%dT%H:%M:%fZ"
"""The same for SQLite's own clock work."""


def by_sqlite(seconds: float | None) -> str | None:
    """A length of time as SQLite's clock work adds it; None: no time at all."""
    return None if seconds is None else f"{seconds:+.3f} seconds"


def text(moment: datetime) -> str:
    """`2026-11-22T14:00:00.000Z`; the moment must be aware."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError("an instant without a time zone has no place in the ledger")
        moment = moment.astimezone(UTC)
    return _written(moment)


@lru_cache(maxsize=64)
def _written(moment: datetime) -> str:
    """A moment in UTC; the same few are asked for several times a dial. Of other zones two may be equal and mean two
    instants, where an hour comes twice."""
    return moment.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def text_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else text(moment)


def instant(written: str) -> datetime:
    """The aware instant that `text` wrote."""
    return datetime.fromisoformat(written)


def instant_or_none(written: str | None) -> datetime | None:
    return None if written is None else instant(written)
