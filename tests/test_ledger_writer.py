"""The one writer: groups share a commit, each operation is whole or not at all, and a failure spoils nothing."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from dialer.errors import ExitCode, IllegalTransition, LedgerError
from dialer.ledger import InlineExecutor
from dialer.ledger.writer import Operation, Writer

ADD = "INSERT INTO notes (n) VALUES (?)"


class Bench:
    """A writer over a small database of its own; `seen` are the statements that SQLite has carried out."""

    def __init__(self, path: Path, executor: Executor) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.0)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("CREATE TABLE notes (n INTEGER UNIQUE, blob BLOB)")
        self.seen: list[str] = []
        self.db.set_trace_callback(self.seen.append)
        self.path = path
        self.executor = executor
        self.writer = Writer(self.db, executor, str(path))

    @property
    def commits(self) -> int:
        return self.seen.count("COMMIT")

    def kept(self) -> list[int]:
        """What another connection finds, in the order in which it was written."""
        with contextlib.closing(sqlite3.connect(self.path)) as db:
            return [n for (n,) in db.execute("SELECT n FROM notes ORDER BY rowid")]


@contextlib.contextmanager
def bench(folder: Path, executor: Executor | None = None) -> Iterator[Bench]:
    with executor or ThreadPoolExecutor(1) as given:
        made = Bench(folder / "notes.db", given)
        try:
            yield made
        finally:
            made.db.close()


def add(n: int) -> Operation[int]:
    return lambda db: db.execute(ADD, (n,)).rowcount


def add_large(n: int) -> Operation[int]:
    return lambda db: db.execute("INSERT INTO notes (n, blob) VALUES (?, zeroblob(300000))", (n,)).rowcount


def add_then_fail(n: int, error: Exception) -> Operation[int]:
    def both(db: sqlite3.Connection) -> int:
        db.execute(ADD, (n,))
        raise error

    return both


def words(results: list[Any]) -> list[str]:
    return [str(found) for found in results if isinstance(found, LedgerError)]


async def at_once(writer: Writer, *operations: Operation[Any]) -> list[Any]:
    return await asyncio.gather(*(writer.do(operation) for operation in operations), return_exceptions=True)


# --- groups ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", [ThreadPoolExecutor, InlineExecutor])
async def test_all_who_wait_share_one_commit(tmp_path: Path, executor: Callable[[], Executor]) -> None:
    with bench(tmp_path, executor()) as made:
        assert await at_once(made.writer, *map(add, range(200))) == [1] * 200
        assert made.commits == 1
        assert made.kept() == list(range(200))


async def test_a_very_large_group_is_cut_and_keeps_its_order(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        await at_once(made.writer, *map(add, range(1000)))
        assert made.commits == 2
        assert made.kept() == list(range(1000))


async def test_one_after_the_other_each_has_its_commit(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        for n in range(3):
            await made.writer.do(add(n))
        assert made.commits == 3


async def test_those_who_come_one_after_the_other_in_a_busy_loop_share_a_commit(tmp_path: Path) -> None:
    async def later(n: int) -> None:
        for _ in range(n):  # each comes in a round of the loop of its own
            await asyncio.sleep(0)
        await made.writer.do(add(n))

    with bench(tmp_path, InlineExecutor()) as made:
        await asyncio.gather(*map(later, range(40)))
        assert made.commits <= 2
        assert made.kept() == list(range(40))


async def test_nobody_waits_for_those_who_come_without_end(tmp_path: Path) -> None:
    """A flood that brings somebody with each round of the loop does not keep the first from being written."""
    with bench(tmp_path, InlineExecutor()) as made:
        first = asyncio.create_task(made.writer.do(add(0)))
        others: list[asyncio.Task[int]] = []
        while not first.done():
            others.append(asyncio.create_task(made.writer.do(add(len(others) + 1))))
            await asyncio.sleep(0)
        assert 50 <= len(others) <= 200
        await asyncio.gather(*others)


class Gate:
    """An operation that holds the writer's thread until it is let go."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.reached = asyncio.Event()
        self._go = threading.Event()

    def operation(self, db: sqlite3.Connection) -> int:
        self._loop.call_soon_threadsafe(self.reached.set)
        assert self._go.wait(10)
        return 0

    async def opened(self) -> None:
        self._go.set()


async def test_what_comes_during_a_commit_goes_together_into_the_next(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        gate = Gate()
        first = asyncio.create_task(made.writer.do(gate.operation))
        await gate.reached.wait()
        # The gate is opened by the last of the tasks, when all others wait already.
        await asyncio.gather(*(made.writer.do(add(n)) for n in range(50)), gate.opened())
        await first
        assert made.commits == 2


async def test_a_result_is_given_only_after_the_commit(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        await made.writer.do(add(7))
        assert made.kept() == [7]


async def test_a_cancelled_waiter_does_not_lose_what_was_asked(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        gate = Gate()
        running = asyncio.create_task(made.writer.do(gate.operation))
        await gate.reached.wait()
        waiting = [asyncio.create_task(made.writer.do(add(n))) for n in range(3)]
        await asyncio.gather(running, asyncio.create_task(_cancel(running, waiting[1], gate)), return_exceptions=True)
        assert running.cancelled()
        async with asyncio.timeout(10):
            assert (await waiting[0], await waiting[2]) == (1, 1)
        await made.writer.idle()
        assert waiting[1].cancelled()
        assert made.kept() == [0, 1, 2]


async def _cancel(running: asyncio.Task[int], waiting: asyncio.Task[int], gate: Gate) -> None:
    running.cancel()
    waiting.cancel()
    await gate.opened()


async def test_idle_waits_for_all_of_it_and_returns_at_once_when_there_is_nothing(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        await made.writer.idle()
        tasks = [asyncio.create_task(made.writer.do(add(n))) for n in range(600)]
        await tasks[0]
        await made.writer.idle()
        assert made.kept() == list(range(600))
        assert await asyncio.gather(*tasks) == [1] * 600


# --- failures ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError("ours"), IllegalTransition("not legal")])
async def test_an_operation_that_raises_is_undone_alone(tmp_path: Path, error: Exception) -> None:
    with bench(tmp_path) as made:
        results = await at_once(made.writer, add(1), add_then_fail(2, error), add(3))
        assert results == [1, error, 1]
        assert made.commits == 1
        assert made.kept() == [1, 3]


async def test_what_nobody_spoils_is_carried_out_once_and_without_a_savepoint(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        assert await at_once(made.writer, *map(add, range(50))) == [1] * 50
        assert made.seen == ["BEGIN IMMEDIATE", *(ADD.replace("?", str(n)) for n in range(50)), "COMMIT"]


async def test_an_operation_may_undo_itself_and_answer(tmp_path: Path) -> None:
    def thinks_better_of_it(db: sqlite3.Connection) -> str:
        db.execute(ADD, (2,))
        db.execute("ROLLBACK TO one")
        return "no"

    with bench(tmp_path) as made:
        assert await at_once(made.writer, add(1), thinks_better_of_it, add(3)) == [1, "no", 1]
        assert made.kept() == [1, 3]


async def test_one_operation_by_itself_is_carried_out_once_even_if_it_raises(tmp_path: Path) -> None:
    tried: list[int] = []

    def fails(db: sqlite3.Connection) -> int:
        tried.append(db.execute(ADD, (1,)).rowcount)
        raise ValueError("ours")

    with bench(tmp_path) as made:
        (result,) = await at_once(made.writer, fails)
        assert isinstance(result, ValueError)
        assert tried == [1]
        assert made.kept() == []


async def test_what_sqlite_refuses_to_one_is_a_ledger_error_for_that_one(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        results = await at_once(made.writer, add(1), add(1), add(2))
        assert [type(found) for found in results] == [int, LedgerError, int]
        assert made.kept() == [1, 2]


async def test_a_full_disk_fails_the_whole_group_and_the_next_goes_on(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        await made.writer.do(add(1))
        pages = made.db.execute("PRAGMA page_count").fetchone()[0]
        made.db.execute(f"PRAGMA max_page_count = {pages + 2}")
        results = await at_once(made.writer, add(2), add_large(3), add(4))
        assert len(words(results)) == 3
        for sentence in words(results):
            assert str(made.path) in sentence
            assert "make room on the disk" in sentence
        assert all(found.code is ExitCode.LEDGER for found in results)
        assert made.kept() == [1]
        made.db.execute("PRAGMA max_page_count = 100000")
        assert await at_once(made.writer, add(2), add_large(3)) == [1, 1]
        assert made.kept() == [1, 2, 3]


async def test_a_commit_that_fails_fails_the_whole_group(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        # A foreign key that is checked at the commit and not before: each operation by itself succeeds.
        made.db.execute("PRAGMA foreign_keys = ON")
        made.db.execute("CREATE TABLE of (n INTEGER REFERENCES notes (n) DEFERRABLE INITIALLY DEFERRED)")
        results = await at_once(made.writer, add(1), lambda db: db.execute("INSERT INTO of VALUES (99)").rowcount)
        assert len(words(results)) == 2
        assert made.kept() == []
        assert made.seen.count("BEGIN IMMEDIATE") == 1  # what a disk has refused once is not asked of it again
        assert not made.db.in_transaction
        assert await made.writer.do(add(5)) == 1
        assert made.kept() == [5]


async def test_a_database_that_another_writes_fails_the_group_and_is_tried_anew_by_the_next(tmp_path: Path) -> None:
    with bench(tmp_path) as made, contextlib.closing(sqlite3.connect(made.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        results = await at_once(made.writer, add(1), add(2))
        assert len(words(results)) == 2
        assert "another program writes to it" in words(results)[0]
        other.execute("ROLLBACK")
        assert await at_once(made.writer, add(1), add(2)) == [1, 1]
        assert made.kept() == [1, 2]


# --- in the caller's own thread ----------------------------------------------------------------------


def test_the_inline_executor_runs_at_once_in_the_caller() -> None:
    with InlineExecutor() as executor:
        where = executor.submit(threading.get_ident)
        assert where.done()
        assert where.result() == threading.get_ident()
        failed = executor.submit(int, "x")
        with pytest.raises(ValueError, match="invalid literal"):
            failed.result()
