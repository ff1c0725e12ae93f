"""`backup`."""

from __future__ import annotations

from pathlib import Path

from dialer.cli import given
from dialer.cli.telling import tell
from dialer.ledger.backup import Copied, backup


def back_up(copy: Path, campaign: Path | None, ledger: Path | None) -> None:
    """Copy a ledger and its secret, and say how the copy is put back."""
    path, _ = given.ledger_of(campaign, ledger)
    tell(_told(backup(path, copy)))


def _told(copied: Copied) -> str:
    ledger = copied.ledger.name
    return (
        f"wrote {copied.copy} and {copied.secret}: to restore them while nothing runs, move {ledger}, {ledger}-wal and "
        f"{ledger}-shm away and put the two in place as {ledger} and {ledger}.secret; the next run asks the platform "
        "about later calls before it dials anybody"
    )
