"""The one writer: whatever waits goes into one transaction, one fsync, then those who waited go on.

A commit a row from the event loop costs most of the dial rate; committed in groups, the fsync is shared by all
workers that wait for it. The executor comes from outside: a thread in the product, inline in simulation.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from dialer.errors import LedgerError

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

_MOST_IN_A_GROUP = 512
"""So that one commit stays a matter of milliseconds."""

_WAITED_FOR = 128
"""So many are waited for at most; more would gain little, and all of them wait for the first."""

_LONGEST_WAIT = 0.05
"""Seconds for which is waited at most: a round may be a long one."""


class InlineExecutor(Executor):
    """Runs what it is given at once, in the caller: for virtual time, where a thread would let time run away."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


class Writer:
    """Commits operations in groups over one connection; each operation is whole or not at all."""

    def __init__(self, connection: sqlite3.Connection, executor: Executor, path: str) -> None:
        self._connection = connection
        self._executor = executor
        self._path = path
        self._waiting: list[tuple[Operation[Any], asyncio.Future[Any]]] = []
        self._draining: asyncio.Task[None] | None = None

    async def do(self, operation: Operation[T]) -> T:
        """Run the operation in a transaction and return its result once that is on disk.

        It may be run twice, the first time undone: it changes nothing but the database. A caller that is cancelled
        while it waits does not undo it.

        Raises:
            LedgerError: the ledger cannot be written; nothing of the operation was kept.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, future))
        if self._draining is None or self._draining.done():
            self._draining = asyncio.create_task(self._drain(), name="ledger writer")
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            await self._wait_for_others()
            group, self._waiting = self._waiting[:_MOST_IN_A_GROUP], self._waiting[_MOST_IN_A_GROUP:]
            results = await self._committed([operation for operation, _ in group])
            for (_, future), result in zip(group, results, strict=True):
                if future.cancelled():
                    continue
                if isinstance(result, BaseException):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _wait_for_others(self) -> None:
        """Wait for as long as each round of the event loop brings somebody else who has something to write: what a
        commit costs is shared by more, and where nobody else writes it is one round."""
        loop, waiting = asyncio.get_running_loop(), 0
        until = loop.time() + _LONGEST_WAIT
        while waiting < len(self._waiting) < _WAITED_FOR and loop.time() <= until:
            waiting = len(self._waiting)
            await asyncio.sleep(0)

    async def _committed(self, operations: list[Operation[Any]]) -> list[Any]:
        """Commit where the executor works; whatever fails there, those who wait are told: else they wait for ever."""
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.shield(loop.run_in_executor(self._executor, self.commit, operations))
        except Exception as error:
            return [explained(error, self._path)] * len(operations)

    def commit(self, operations: list[Operation[Any]]) -> list[Any]:
        """One transaction for all; an operation that raises is undone alone, a commit that fails undoes all."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            results = self._carried_out(operations)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, _TransactionLost) as error:
            self._undo()
            cause = error.__cause__ if isinstance(error, _TransactionLost) else error
            failure = explained(cause or error, self._path)
            return [failure] * len(operations)
        return results

    def _carried_out(self, operations: list[Operation[Any]]) -> list[Any]:
        """Hardly any operation raises, and to be able to undo one alone costs a tenth of them all: so several are
        carried out as they are, and only if one raises all are undone and carried out again, each behind a savepoint.
        One by itself, which may be a long one, is never carried out twice."""
        if len(operations) > 1:
            try:
                return [operation(self._connection) for operation in operations]
            except Exception:  # whatever it is: it is raised again behind its savepoint
                self._undo()
            self._connection.execute("BEGIN IMMEDIATE")
        return [self._one(operation) for operation in operations]

    def _one(self, operation: Operation[Any]) -> Any:
        self._connection.execute("SAVEPOINT one")
        try:
            result = operation(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:  # disk full and the like end the whole transaction
                raise _TransactionLost from error
            self._connection.execute("ROLLBACK TO one")
            self._connection.execute("RELEASE one")
            return explained(error, self._path) if isinstance(error, sqlite3.Error) else error
        self._connection.execute("RELEASE one")
        return result

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    async def idle(self) -> None:
        """Wait until everything that was asked for is on disk."""
        while self._draining is not None and not self._draining.done():
            await asyncio.shield(self._draining)


class _TransactionLost(Exception):
    """SQLite has rolled the whole transaction back by itself."""


def explained(error: BaseException, path: str) -> LedgerError:
    """What SQLite says, in a sentence that tells the user what to do."""
    words = str(error)
    if "disk is full" in words or "disk I/O" in words:
        advice = "make room on the disk, then run the same command again"
    elif "readonly" in words or "unable to open" in words:
        advice = "the file and its folder must be writable by this user"
    elif "locked" in words:
        advice = "another program writes to it; close it, then run the same command again"
    elif "not a database" in words or "malformed" in words:
        advice = "it is not an undamaged SQLite database; name another file under `ledger`, or restore a backup"
    else:
        advice = "nothing was dialled without being written down; run the same command again"
    return LedgerError(f"the ledger {path} cannot be written or read ({words}): {advice}")
