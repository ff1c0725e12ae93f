"""The ledger: what happened to whom, on disk at every moment.

`Ledger` is the writing side, one per process, and its verbs are few: import, due, intend, place, settle, refuse, hold,
look. `reading` is the side of those who want to look. No SQL and no SQLite type leaves this room.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from dialer.ledger import (
    binding,
    dialing,
    due,
    endings,
    holding,
    identity,
    importing,
    intending,
    opening,
    pausing,
    unknowns,
)
from dialer.ledger.around import Around
from dialer.ledger.audiences import Audiences
from dialer.ledger.binding import Bound, dialled_elsewhere
from dialer.ledger.changing import Changes
from dialer.ledger.control import Lock, take_lock
from dialer.ledger.dialing import Decide
from dialer.ledger.due import STOP_WHEN, Paused
from dialer.ledger.earlier import Doubt
from dialer.ledger.edits import Edits, Expiry, Foreseen, Trial
from dialer.ledger.events import SQL, RunMark, fenced
from dialer.ledger.importing import Change, Imported
from dialer.ledger.intending import Known, Passed
from dialer.ledger.lookups import Lookups
from dialer.ledger.moments import text
from dialer.ledger.standing import Standing
from dialer.ledger.unknowns import Unknown
from dialer.ledger.writer import InlineExecutor, Writer
from dialer.model import (
    Attempt,
    CallRecord,
    Campaign,
    Candidate,
    Chunk,
    Decision,
    Intent,
    ListRules,
    Mark,
    NotPlaced,
)
from dialer.model.turns import AT_ANY_TIME, FREE, Asked, Turns
from dialer.policy.stopping import EndedCall

__all__ = [
    "FREE",
    "STOP_WHEN",
    "Asked",
    "Bound",
    "Change",
    "Doubt",
    "Expiry",
    "Foreseen",
    "Imported",
    "InlineExecutor",
    "Ledger",
    "Passed",
    "Paused",
    "Trial",
    "Unknown",
    "dialled_elsewhere",
]

Now = Callable[[], datetime]


class Ledger(Lookups, Changes, Around, Standing, Audiences, Edits):
    """The writing side of a ledger, from `open` to `close`; the process holds its lock for that time."""

    def __init__(self, path: Path, connection: sqlite3.Connection, executor: Executor, lock: Lock, now: Now) -> None:
        self.path = path
        self._connection = connection
        self._executor = executor
        self._lock = lock
        self._now = now
        self._writer = Writer(connection, executor, str(path))
        self._mark = RunMark(0, 0)
        self.secret = b""
        self.halts = 0  # rises whenever somebody may be stopped, before that is written: see `is_stopped`
        self._registers: dict[int, tuple[int, ...]] = {}

    @classmethod
    def open(
        cls, path: Path, command: str, now: Now, *, executor: Executor | None = None, synchronous: str = "FULL"
    ) -> Ledger:
        """Take the lock and open the ledger, making it if it is not there.

        `now` is the wall clock; `executor` where the writer works (default: a thread of its own).

        Raises:
            LedgerHeld: another run holds it.
            LedgerError: it cannot be read or written, is not a ledger, or its secret is missing.
        """
        lock = take_lock(path, command, text(now()))
        try:
            connection = opening.open_for_writing(path, text(now()), synchronous, lock.earlier)
        except BaseException:
            lock.release()
            raise
        worker = executor or ThreadPoolExecutor(1, thread_name_prefix="ledger")
        ledger = cls(path, connection, worker, lock, now)
        try:
            ledger.secret = opening.secret_of(path, connection)
        except BaseException:
            ledger.abandon()
            raise
        return ledger

    async def close(self) -> None:
        """Wait for what is being written, close the file, let the lock go."""
        await self._writer.idle()
        self._executor.shutdown(wait=True)
        try:
            self._connection.close()
        finally:
            self._lock.release()

    def abandon(self) -> None:
        """Let go without waiting for anything, as a killed process would."""
        self._connection.close()
        self._lock.release()

    # --- runs and campaigns ---

    async def start_run(self, command: str, campaigns: Sequence[str]) -> int:
        """Raise the fence and write down that a run has begun; gives the run's id."""

        def start(db: sqlite3.Connection) -> RunMark:
            fence = db.execute(SQL["raise_fence"]).fetchone()[0]
            given = {
                "fence": fence,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "command": command,
                "campaigns": json.dumps(list(campaigns)),
                "at": text(self._now()),
            }
            return RunMark(int(db.execute(SQL["start_run"], given).lastrowid or 0), fence)

        self._mark = await self._writer.do(start)
        await self.note()
        return self._mark.run_id

    @property
    def noted(self) -> Mapping[str, Any]:
        """What the lock's file told when it was taken: the note of the run before."""
        return self._lock.earlier

    async def note(self, **facts: Any) -> None:
        """Note in the lock's file how far the ledger has come, so that an older one in its place is noticed; with
        `facts` of the caller's own. What is noted is on disk in the ledger already."""
        standing = await self._writer.do(identity.standing_of)
        with contextlib.suppress(OSError):  # a full disk: the note stays as it was, and is no promise
            self._lock.tell(fence=standing.fence, events=standing.events, **facts)

    async def end_run(self, code: int, reason: str) -> None:
        """Write down how the run ended."""
        given = {"at": text(self._now()), "code": code, "reason": reason, "run": self._mark.run_id}
        await self._writer.do(lambda db: db.execute(SQL["end_run"], given).rowcount)

    async def bind(self, campaign: Campaign) -> Bound:
        """The campaign's row, made at its first run and bound to its platform.

        Raises:
            CampaignError: the campaign was dialled on another platform; what is finished there is not finished here.
        """
        bound = await self._writer.do(partial(binding.bind, campaign=campaign, secret=self.secret, now=self._now()))
        with contextlib.suppress(OSError):  # as for `note`
            self._lock.tell(keys=binding.with_key(self._lock.note.get("keys"), campaign.name, bound.key_mark))
        return bound

    def other_keys(self, campaign: str, key_mark: str) -> frozenset[str]:
        """The marks of other API keys under which this campaign was run here, by the note in the lock's file: that
        outlives a ledger that is put back."""
        return binding.keys_of(self._lock.note.get("keys"), campaign) - {key_mark}

    async def remember_lines(self, campaign: int, lines: float) -> None:
        """Keep the learned concurrent-call limit for the next run."""
        given = {"campaign": campaign, "lines": lines}
        await self._writer.do(lambda db: db.execute(SQL["remember_lines"], given).rowcount)

    # --- importing ---

    async def known(self, campaign: int, fingerprint: str, rules: ListRules) -> Imported | None:
        """The last import, if it was of this very list; it passes the gates again (ListError)."""
        return await self._writer.do(lambda db: importing.known(db, campaign, fingerprint, rules))

    async def begin_import(self, campaign: int, fingerprint: str, files: Sequence[str], columns: Sequence[str]) -> int:
        """Begin to take a list in; gives the import's id."""
        now = self._now()
        begin = partial(
            importing.begin, campaign=campaign, fingerprint=fingerprint, files=files, columns=columns, at=now
        )
        return await self._writer.do(fenced(self._mark, begin))

    async def stage(self, campaign: int, import_id: int, chunk: Chunk) -> None:
        """Keep a piece of the list; nothing of it is due."""
        await self._writer.do(fenced(self._mark, lambda db: importing.stage(db, import_id, chunk)))

    async def apply(self, campaign: int, import_id: int, rules: ListRules, accept_gone: bool) -> Imported:
        """Make contacts of what was staged, after the gates (ListError)."""
        self.halts += 1
        now, mark, secret = self._now(), self._mark, self.secret
        return await self._writer.do(
            fenced(mark, lambda db: importing.apply(db, campaign, import_id, rules, now, mark, accept_gone, secret))
        )

    async def drop_import(self, campaign: int) -> None:
        """Drop whatever was staged and never applied."""
        await self._writer.do(fenced(self._mark, lambda db: importing.drop(db, campaign)))

    # --- dialling ---

    async def due(
        self, campaign: int, limit: int, only: str | None = None, turns: Turns = AT_ANY_TIME
    ) -> list[Candidate]:
        """Contacts that may be dialled now, most urgent first."""
        now, mark, registers = self._now(), self._mark, self.registers_of(campaign)
        return await self._writer.do(lambda db: due.due(db, campaign, now, limit, only, mark, turns, registers))

    async def hold_back(self, campaign: int, limit: int, turns: Turns) -> int:
        """Hold those of the next who are due whom caps hold back, so that nobody waits behind them; gives how many."""
        now, mark, known = self._now(), self._mark, Known(self.secret, self.registers_of(campaign))
        return await self._writer.do(lambda db: holding.hold_back(db, campaign, now, limit, turns, known, mark))

    async def next_due(self, campaign: int, only: str | None = None, turns: Turns = AT_ANY_TIME) -> datetime | None:
        """When the next contact is due that is not due now, or may be called then."""
        now = self._now()
        return await self._writer.do(lambda db: due.next_due(db, campaign, now, only, turns))

    async def has_person(self, campaign: int, person: str) -> bool:
        """Whether the campaign knows this id or number."""
        given = {"campaign": campaign, "person": person}
        return await self._writer.do(lambda db: bool(db.execute(SQL["has_person"], given).fetchone()[0]))

    async def pause_of(self, campaign: int) -> Paused | None:
        """What a person, or a threshold, has said if the campaign is paused or cancelled."""
        now = self._now()
        return await self._writer.do(lambda db: due.pause_of(db, campaign, now))

    async def intend(self, candidate: Candidate, intent: Intent, asked: Asked = FREE) -> int | Passed:
        """Commit an intent, if the rules allow the dial; only after this may the first byte of its POST leave."""
        mark, known = self._mark, Known(self.secret, self.registers_of(candidate.campaign_id))
        return await self._writer.do(lambda db: intending.intend(db, candidate, intent, mark, asked, known))

    def goes_by(self, campaign: int, registers: Sequence[int]) -> None:
        """From here on the campaign dials nobody whose number is in one of these registers."""
        self._registers[campaign] = tuple(registers)

    def registers_of(self, campaign: int) -> tuple[int, ...]:
        """The registers by which the campaign goes."""
        return self._registers.get(campaign, ())

    async def place(self, attempt: int, record: CallRecord) -> None:
        """The platform made a call of it."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: dialing.place(db, attempt, record, now, mark))

    async def settle(self, attempt: int, record: CallRecord, decide: Decide) -> Decision:
        """A call is over; what follows is decided on the history as it stands then."""
        now, mark = self._now(), self._mark
        return await self._writer.do(lambda db: dialing.settle(db, attempt, record, decide, now, mark))

    async def refuse(self, attempt: int, why: NotPlaced, decide: Decide) -> Decision:
        """It is proven that nobody was rung."""
        now, mark = self._now(), self._mark
        return await self._writer.do(lambda db: dialing.refuse(db, attempt, why, decide, now, mark))

    async def hold(self, attempt: int, until: datetime, why: str, *, id_taken: bool = False) -> None:
        """The fate of an attempt is open; `id_taken`: its call id may not be sent again, whatever is found."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: dialing.hold(db, attempt, until, why, id_taken, now, mark))

    async def look(self, attempt: int, detail: str) -> None:
        """An unknown was looked up and not found."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: dialing.look(db, attempt, now, mark, detail))

    async def open_attempts(self, campaign: int) -> list[Attempt]:
        """The live attempts, as a run finds them when it starts."""
        return await self._writer.do(lambda db: dialing.open_attempts(db, campaign))

    async def has_open(self) -> bool:
        """Whether an attempt of any campaign is live, or its fate open."""
        return await self._writer.do(lambda db: bool(db.execute(SQL["has_open"]).fetchone()[0]))

    async def knows(self, call: str) -> bool:
        """Whether a call's id, ours or the platform's, belongs to an attempt of this ledger."""
        given = {"id": call}
        return await self._writer.do(lambda db: bool(db.execute(SQL["knows"], given).fetchone()[0]))

    async def counts(self, campaign: int) -> dict[str, int]:
        """How many contacts are in each state."""
        given = {"campaign": campaign}
        return await self._writer.do(lambda db: dict(tuple(row) for row in db.execute(SQL["counts"], given)))

    async def due_again(self, contacts: Iterable[int], detail: str) -> None:
        """Contacts that were excluded by a fault that was not theirs."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: dialing.due_again(db, contacts, detail, now, mark))

    # --- a person's word ---

    async def pause(self, campaign: str, verb: str, why: str, until: datetime | None, who: str) -> str:
        """Pause, resume or cancel a campaign; gives a sentence that says what was done."""
        self.halts += 1
        now, mark = self._now(), self._mark
        return await self._writer.do(lambda db: pausing.act(db, campaign, verb, why, until, who, now, mark))

    async def pace_changed(self, campaign: str, words: str, who: str) -> None:
        """Somebody has changed the pace of a campaign while this run goes on; it stands among the events."""
        now, mark = self._now(), self._mark
        await self._writer.do(lambda db: pausing.pace_changed(db, campaign, words, who, now, mark))

    async def unknowns_of(self, person: str, campaign: str | None) -> list[Unknown]:
        """The held attempts of a person, by id, number or call id, in one campaign or in all."""
        return await self._writer.do(lambda db: unknowns.unknowns_of(db, person, campaign))

    async def mark(self, attempt: int, word: Mark, decide: Decide, why: str, who: str) -> Decision:
        """The operator's word on a held attempt."""
        now, run = self._now(), self._mark
        return await self._writer.do(lambda db: unknowns.mark(db, attempt, word, decide, why, who, now, run))

    async def recent_endings(self, campaign: int, limit: int) -> list[EndedCall]:
        """The last calls that ended since a person had the campaign go on, the oldest first."""
        return await self._writer.do(lambda db: endings.recent(db, campaign, limit))
