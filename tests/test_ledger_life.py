"""Whatever happens in whatever order, the books are right: lists, dials, endings, crashes, runs that take over."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dialer.errors import IllegalTransition, LedgerHeld, UsageError
from dialer.ledger import InlineExecutor, Ledger, Passed
from dialer.ledger.control import beside
from dialer.model import Candidate, NotPlaced
from dialer.policy import outcome
from dialer.policy.lifecycle import ATTEMPT_MOVES, CONTACT_MOVES
from tests.ledger_kit import (
    ABSENT,
    BY_NAME,
    FULL,
    LIVE,
    REJECTED,
    TOO_MANY,
    UNSENT,
    Desk,
    Wall,
    call,
    campaign_called,
    forge,
    founded,
    intent_for,
    reject,
    row,
)
from tests.tallies import WRONG

T = TypeVar("T")
BY_ID = replace(BY_NAME, one_per="id", expires=10 * 86400.0)
CAMPAIGNS = (0, 1)
NAMES = ["zero", "one"]
PEOPLE = tuple(f"p{n}" for n in range(8))
NUMBERS = 5
"""Fewer numbers than people: some share one, in one campaign and across both."""

lists = st.dictionaries(st.sampled_from(PEOPLE), st.integers(0, 1), min_size=4)
picks = st.integers(0, 1000)
campaigns = st.sampled_from(CAMPAIGNS)
waits = st.sampled_from([0.0, 1.0, 60.0, 1200.0, 3600.0, 3600.0, 86400.0])

Happening = tuple[tuple[str, ...], Callable[[Desk, int], Coroutine[Any, Any, object]]]
"""What can happen to attempts in these states."""


def ending(reason: str) -> Happening:
    return LIVE, lambda desk, attempt: desk.end(attempt, reason)


def refusal(why: NotPlaced) -> Happening:
    return ("intended", "unknown"), lambda desk, attempt: desk.refuse(attempt, why)


def placing(state: str) -> Happening:
    return (state,), lambda desk, attempt: desk.ledger.place(attempt, call(platform_id=f"c{attempt}"))


LOST: Happening = ("intended", "placed"), lambda desk, attempt: desk.hold(attempt)
LOOKED_UP: Happening = ("unknown",), lambda desk, attempt: desk.ledger.look(attempt, "not found by list")

happenings = st.one_of(
    st.sampled_from(["user_ended_call", "no_answer", "line_busy", *sorted(outcome.REASONS)]).map(ending),
    st.sampled_from([UNSENT, TOO_MANY, FULL, REJECTED, ABSENT]).map(refusal),
    st.sampled_from(["intended", "unknown"]).map(placing),
    st.sampled_from([LOST, LOOKED_UP]),
)

_LOG_OF_MOVES = (
    "CREATE TABLE moves (of TEXT, start TEXT, target TEXT)",
    "CREATE TRIGGER contact_moved AFTER UPDATE OF state ON contacts WHEN OLD.state <> NEW.state "
    "BEGIN INSERT INTO moves VALUES ('contact', OLD.state, NEW.state); END",
    "CREATE TRIGGER attempt_moved AFTER UPDATE OF state ON attempts WHEN OLD.state <> NEW.state "
    "BEGIN INSERT INTO moves VALUES ('attempt', OLD.state, NEW.state); END",
)

_OPT_OUT = """
UPDATE contacts SET stop = 'opted_out', state = CASE WHEN state IN ('due', 'waiting') THEN 'excluded' ELSE state END,
       detail = CASE WHEN state IN ('due', 'waiting') THEN 'opted out' ELSE detail END
WHERE id = ?"""
"""They were told by somebody beside the run, who wrote it down as it came."""

BROKEN: dict[str, str] = {
    **WRONG,
    "a number is rung twice": """
        SELECT number FROM attempts WHERE state IN ('intended', 'placed', 'unknown')
        GROUP BY number HAVING COUNT(*) > 1""",
    "a contact and its attempts do not fit": """
        SELECT contacts.id, contacts.state, live.states FROM contacts LEFT JOIN (
            SELECT contact_id, GROUP_CONCAT(state) AS states FROM attempts
            WHERE state IN ('intended', 'placed', 'unknown') GROUP BY contact_id
        ) AS live ON live.contact_id = contacts.id
        WHERE CASE contacts.state WHEN 'dialing' THEN COALESCE(live.states, '') NOT IN ('intended', 'placed')
                                  WHEN 'unknown' THEN COALESCE(live.states, '') <> 'unknown'
                                  ELSE live.states IS NOT NULL END""",
    "somebody who is not to be called is due": """
        SELECT id FROM contacts WHERE stop IS NOT NULL AND state IN ('due', 'waiting')""",
    "somebody finished is due at a time": """
        SELECT id FROM contacts WHERE due_at IS NOT NULL AND state NOT IN ('due', 'waiting')
        AND NOT (state = 'excluded' AND stop IS NOT NULL)""",
    "attempts are miscounted": """
        SELECT id FROM contacts
        WHERE attempts <> (SELECT COALESCE(SUM(costs), 0) FROM attempts WHERE contact_id = contacts.id)""",
    "a serial is not the last": """
        SELECT id FROM contacts
        WHERE serial <> (SELECT COALESCE(MAX(serial), 0) FROM attempts WHERE contact_id = contacts.id)""",
    "an attempt has no event, or the last does not tell its state": """
        SELECT attempts.id, attempts.state FROM attempts LEFT JOIN events AS last
            ON last.id = (SELECT MAX(id) FROM events WHERE attempt_id = attempts.id AND event <> 'looked_up')
        WHERE COALESCE(last.event, '') <> CASE attempts.state WHEN 'unknown' THEN 'held' ELSE attempts.state END
          AND NOT (attempts.state = 'placed' AND last.event = 'adopted')""",
    "an attempt began without an intent": """
        SELECT id FROM attempts
        WHERE 'intended' <> (SELECT event FROM events WHERE attempt_id = attempts.id ORDER BY id LIMIT 1)""",
    "a contact has no number, or not the first": """
        SELECT id FROM contacts
        WHERE number IS NOT (SELECT number FROM numbers WHERE contact_id = contacts.id AND rank = 0)""",
    "a row points nowhere": "PRAGMA foreign_key_check",
    "an import does not add up": """
        SELECT id FROM imports WHERE applied_at IS NOT NULL AND rows_read <> rows_good + rejected""",
}
"""What can never be found in a ledger, whatever happened."""


class Life(RuleBasedStateMachine):
    """Two campaigns in one ledger, over people who share numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.wall = Wall()
        self.path = founded(self.folder / "dialer.db")
        for sql in _LOG_OF_MOVES:
            forge(self.path, sql)
        self.beside = sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)
        self.ids: list[int] = []
        self.listed: list[dict[str, int]] = [{}, {}]
        self.ever: list[set[str]] = [set(), set()]
        self.handed_out: list[Candidate] = []
        self.opted_out: dict[int, tuple[str, int]] = {}
        self._begin()

    def _begin(self) -> None:
        self.ledger = Ledger.open(self.path, "run", self.wall, executor=InlineExecutor(), synchronous="OFF")
        self.does(self.ledger.start_run("run", NAMES))
        self.ids = [self.does(self.ledger.bind(campaign_called(name, self.path))).id for name in NAMES]
        self.desk = Desk(self.ledger, self.wall, self.ids[0])

    def does(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)

    def found(self, sql: str, *given: Any) -> list[tuple[Any, ...]]:
        return self.beside.execute(sql, given).fetchall()

    def live(self, *states: str) -> list[int]:
        return [id_ for id_, state in self.found("SELECT id, state FROM attempts ORDER BY id") if state in states]

    def teardown(self) -> None:
        self.beside.close()
        self.does(self.ledger.close())
        self.runner.close()
        shutil.rmtree(self.folder)

    # --- what happens ---

    @initialize(first=lists, second=lists)
    def lists_of_the_first_day(self, first: dict[str, int], second: dict[str, int]) -> None:
        self.list_comes(0, first, 0)
        self.list_comes(1, second, 1)

    @rule(which=campaigns, people=lists, rejects=st.integers(0, 2))
    def list_comes(self, which: int, people: dict[str, int], rejects: int) -> None:
        rows = [row(person, int(person[1:]) % NUMBERS, version=str(version)) for person, version in people.items()]
        bad = [reject(100 + n) for n in range(rejects)]
        given = self.does(self.desk.take(*rows, rejects=bad, rules=BY_ID, yes=True, campaign=self.ids[which]))
        assert (given.read, given.good, given.rejected) == (len(rows) + rejects, len(rows), rejects)
        assert given.added == len(people.keys() - self.ever[which])
        self.listed[which] = people
        self.ever[which] |= people.keys()

    @rule(seconds=waits, which=campaigns, limit=st.integers(1, 10), at_once=st.integers(0, 5))
    def people_are_due_and_some_are_dialled(self, seconds: float, which: int, limit: int, at_once: int) -> None:
        self.wall.goes_on(seconds=seconds)
        self.handed_out = self.does(self.ledger.due(self.ids[which], limit))
        assert len(self.handed_out) <= limit
        for pick in range(min(at_once, limit)):
            self.one_is_dialled_of_those_handed_out(pick)

    @rule(pick=picks)
    def one_is_dialled_of_those_handed_out(self, pick: int) -> None:
        """Perhaps a while ago: what has happened since counts."""
        if not self.handed_out:
            return
        candidate = self.handed_out.pop(pick % len(self.handed_out))
        before = self.found("SELECT COUNT(*), MAX(id) FROM events")
        try:
            written = self.does(self.ledger.intend(candidate, intent_for(candidate, self.wall())))
        except IllegalTransition:
            assert candidate.reuse is not None  # its call id has been sent meanwhile
            written = Passed.CHANGED
        if isinstance(written, Passed):
            assert self.found("SELECT COUNT(*), MAX(id) FROM events") == before
        else:
            assert self.found("SELECT state FROM attempts WHERE id = ?", written) == [("intended",)]

    @rule(seconds=waits, picked=st.lists(st.tuples(picks, happenings), min_size=2, max_size=8))
    def calls_go_on(self, seconds: float, picked: list[tuple[int, Happening]]) -> None:
        self.wall.goes_on(seconds=seconds)
        for pick, (states, happens) in picked:
            if attempts := self.live(*states):
                self.does(happens(self.desk, attempts[pick % len(attempts)]))

    @rule(pick=picks)
    def a_fault_was_not_theirs(self, pick: int) -> None:
        excluded = [id_ for (id_,) in self.found("SELECT id FROM contacts WHERE state = 'excluded' ORDER BY id")]
        if excluded:
            self.does(self.ledger.due_again([excluded[pick % len(excluded)]], "rejected for a fault of the campaign"))

    @rule(which=campaigns, verb=st.sampled_from(["pause", "resume", "cancel"]), minutes=st.integers(0, 90))
    def a_person_speaks(self, which: int, verb: str, minutes: int) -> None:
        until = self.wall() + timedelta(minutes=minutes) if verb == "pause" else None
        if verb == "cancel" and minutes < 80:
            return  # a seldom word: little happens in a campaign after it
        with contextlib.suppress(UsageError):  # a cancelled campaign stays so
            self.does(self.ledger.pause(NAMES[which], verb, "", until, "ann"))

    @rule(pick=picks)
    def somebody_opts_out(self, pick: int) -> None:
        """Whoever waits is excluded at once; a live call runs out, and is not followed by another."""
        if pick % 3:
            return  # not everybody does: little happens to those who have
        may = "SELECT id FROM contacts WHERE stop IS NULL OR stop = 'withdrawn' ORDER BY id"
        if people := [id_ for (id_,) in self.found(may)]:
            chosen = people[pick % len(people)]
            forge(self.path, _OPT_OUT, chosen)
            self.opted_out |= self.told_of([chosen])

    def told_of(self, contacts: Iterable[int]) -> dict[int, tuple[str, int]]:
        """Why these are not called, and how often they were to be."""
        sql = """SELECT id, stop, (SELECT COUNT(*) FROM events WHERE contact_id = contacts.id AND event = 'intended')
                 FROM contacts WHERE id IN (SELECT value FROM json_each(?))"""
        return {id_: (stop, intents) for id_, stop, intents in self.found(sql, json.dumps([*contacts]))}

    @rule()
    def a_run_ends_well_and_another_begins(self) -> None:
        self.does(self.ledger.close())
        self._begin()

    # --- what goes wrong ---

    @rule()
    def a_second_run_is_turned_away(self) -> None:
        before = self.found("SELECT COUNT(*), MAX(fence) FROM runs")
        with pytest.raises(LedgerHeld):
            Ledger.open(self.path, "run", self.wall, executor=InlineExecutor(), synchronous="OFF")
        assert self.found("SELECT COUNT(*), MAX(fence) FROM runs") == before

    @rule(reading=st.none() | campaigns)
    def the_process_is_killed(self, reading: int | None) -> None:
        """Perhaps in the middle of a list."""
        if reading is not None:
            self.does(self.ledger.begin_import(self.ids[reading], "half", ["people.csv"], []))
        live = self.live(*LIVE)
        self.ledger.abandon()
        self._begin()
        found = [attempt for id_ in self.ids for attempt in self.does(self.ledger.open_attempts(id_))]
        assert sorted(attempt.id for attempt in found) == live

    @rule(pick=picks)
    def another_run_takes_the_ledger_over(self, pick: int) -> None:
        first = self.ledger
        beside(self.path, "lock").unlink()
        self._begin()
        if self.handed_out:
            candidate = self.handed_out[pick % len(self.handed_out)]
            with pytest.raises(LedgerHeld):
                self.does(first.intend(candidate, intent_for(candidate, self.wall())))
        self.does(first.close())

    # --- what is always so ---

    @invariant()
    def nothing_is_broken(self) -> None:
        for fault, sql in BROKEN.items():
            assert self.found(sql) == [], fault

    @invariant()
    def only_legal_moves_were_made(self) -> None:
        made = set(self.found("SELECT DISTINCT of, start, target FROM moves"))
        legal = {("contact", str(start), str(end)) for start, end in CONTACT_MOVES}
        legal |= {("attempt", str(start), str(end)) for start, end in ATTEMPT_MOVES}
        assert made <= legal

    @invariant()
    def every_row_of_every_list_stands_in_one_state(self) -> None:
        for which, id_ in enumerate(self.ids):
            people = dict(self.found("SELECT person, stop FROM contacts WHERE campaign_id = ?", id_))
            assert people.keys() == self.ever[which]
            for person, stop in people.items():
                assert (person in self.listed[which]) == (stop != "withdrawn") or stop in ("cancelled", "opted_out")

    @invariant()
    def whoever_has_opted_out_is_never_dialled_again(self) -> None:
        assert self.told_of(self.opted_out) == self.opted_out

    @invariant()
    def whoever_may_still_be_called_has_the_data_of_the_last_list(self) -> None:
        sql = "SELECT person, data FROM contacts WHERE campaign_id = ? AND state IN ('due', 'waiting') AND stop IS NULL"
        for which, id_ in enumerate(self.ids):
            for person, data in self.found(sql, id_):
                assert json.loads(data)["version"] == str(self.listed[which][person])


_QUIET = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@pytest.mark.slow
def test_the_books_are_right_whatever_happens() -> None:
    run_state_machine_as_test(Life, settings=settings(_QUIET, max_examples=12, stateful_step_count=40))


@pytest.mark.ci
@pytest.mark.slow
def test_the_books_are_right_whatever_happens_for_long() -> None:
    run_state_machine_as_test(Life, settings=settings(_QUIET, max_examples=100, stateful_step_count=80))
