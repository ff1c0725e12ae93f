"""The write-ahead log stays small: the one writer brings it into the ledger by itself, whoever looks meanwhile."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dialer.ledger import InlineExecutor, Ledger, reading
from dialer.ledger.opening import CHECKPOINT_PAGES, WAL_KEPT
from tests.ledger_kit import founded
from tests.virtual_time import START

PAGE = 4096
CHECKPOINT = CHECKPOINT_PAGES * PAGE
DELIVERY = 2 << 20
"""Bytes that are written at once: more than a group of intents."""

MOST = CHECKPOINT + 2 * DELIVERY
"""What the WAL comes to before it is brought in, and the last that was written then."""


@contextlib.asynccontextmanager
async def written(folder: Path) -> AsyncIterator[Ledger]:
    path = founded(folder / "dialer.db")
    ledger = Ledger.open(path, "run", lambda: START, executor=InlineExecutor(), synchronous="OFF")
    await ledger.start_run("run", [])
    try:
        yield ledger
    finally:
        await ledger.close()


async def write(ledger: Ledger, megabytes: int, name: str) -> int:
    """Write so much, a delivery at a time; the most bytes that the WAL had."""
    most = 0
    for place in range(megabytes * (1 << 20) // DELIVERY):
        assert await ledger.keep(f"{name} {place}", "call_ended", "", "x" * DELIVERY)
        most = max(most, size(ledger))
    return most


def size(ledger: Ledger) -> int:
    return Path(f"{ledger.path}-wal").stat().st_size


def look(ledger: Ledger) -> None:
    """What `status` does."""
    with reading.open_reader(ledger.path) as reader:
        assert reader.campaigns() == []


@pytest.mark.parametrize("looked_at", [False, True])
async def test_a_long_run_keeps_it_small_also_while_somebody_looks(tmp_path: Path, looked_at: bool) -> None:
    async with written(tmp_path) as ledger:
        for part in range(6):
            assert await write(ledger, 10, f"part {part}") <= MOST
            if looked_at:
                look(ledger)
        assert ledger.path.stat().st_size > 40 << 20  # it has been brought in, several times


async def test_it_grows_while_somebody_keeps_reading_and_is_cut_after_that(tmp_path: Path) -> None:
    async with written(tmp_path) as ledger:
        with contextlib.closing(sqlite3.connect(ledger.path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT COUNT(*) FROM inbox").fetchone() == (0,)
            assert await write(ledger, 40, "while it is read") > WAL_KEPT
            reader.execute("COMMIT")
        await write(ledger, 4, "after it")
        assert size(ledger) <= WAL_KEPT
