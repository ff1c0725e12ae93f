"""Updates that name the state which they expect: one that does not find it fails loudly."""

from __future__ import annotations

import sqlite3

from dialer.errors import IllegalTransition


def moved(cursor: sqlite3.Cursor, what: str) -> None:
    """Fail loudly where an update did not find the state that it expects."""
    if cursor.rowcount != 1:
        raise illegal(what)


def illegal(what: str) -> IllegalTransition:
    """The error of a step that the ledger does not take."""
    return IllegalTransition(f"the ledger refused a step that is not legal ({what}); nothing was changed")
