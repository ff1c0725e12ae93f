"""Who writes, and what happened: the mark of a run, the fence, the events."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from dialer.errors import LedgerHeld
from dialer.ledger.moments import text
from dialer.ledger.queries import load

SQL = load("dialing.sql")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunMark:
    """Who writes: the run's row, and the fencing number that it raised."""

    run_id: int
    fence: int


def check_fence(db: sqlite3.Connection, mark: RunMark) -> None:
    """Stop a run whose lock was bypassed: another has raised the number since."""
    compare_fence(db.execute(SQL["fence"]).fetchone()[0], mark)


def compare_fence(fence: int, mark: RunMark) -> None:
    """The same, where the transaction has read the ledger's number already."""
    if fence != mark.fence:
        raise LedgerHeld(
            "another run has taken the ledger over; this one dials nobody any more, and leaves its calls to that one"
        )


def fenced(mark: RunMark, operation: Callable[[sqlite3.Connection], T]) -> Callable[[sqlite3.Connection], T]:
    """The operation, unless another run has taken the ledger over (LedgerHeld)."""

    def do(db: sqlite3.Connection) -> T:
        check_fence(db, mark)
        return operation(db)

    return do


def add_event(
    db: sqlite3.Connection,
    at: datetime,
    event: str,
    *,
    run: int | None = None,
    contact: int | None = None,
    attempt: int | None = None,
    moved: tuple[str | None, str | None] = (None, None),
    detail: str = "",
) -> None:
    """Write down what happened."""
    db.execute(
        SQL["add_event"],
        {
            "at": text(at),
            "run": run,
            "contact": contact,
            "attempt": attempt,
            "event": event,
            "from_state": moved[0],
            "to_state": moved[1],
            "detail": detail,
        },
    )
