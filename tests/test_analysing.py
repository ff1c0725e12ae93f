"""What is found in calls afterwards, in a run: fetched, kept and heeded, and harmless where it is absent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dialer.cli.look import export_to
from dialer.ledger import Ledger
from dialer.ledger.analyses import Heard, Heeded
from dialer.model import Campaign, OptOut
from dialer.runner import analysing
from tests.conduct_kit import run_of
from tests.desk import Desk, answer, desk
from tests.engine_kit import Heart, campaign, heart, number, open_ledger, waits, with_people
from tests.virtual_time import START, Time, in_virtual_time, moment, until

pytestmark = pytest.mark.slow

ANN, BOB, CARL = PEOPLE = [number(n) for n in range(3)]
ANALYSES = "/postcall-analysis/results/"
CALLBACKS = """SELECT from_state, to_state, events.detail, number FROM events JOIN contacts ON contacts.id = contact_id
               WHERE event = 'callback' ORDER BY events.id"""
ITEMS = "SELECT items FROM analyses ORDER BY attempt_id"


class Finding:
    """Answers questions for analyses: after so many that are answered in vain, with these items."""

    def __init__(self, items: Mapping[str, Any], *, vain: int = 0, status: int = 404, after: float = 0.0) -> None:
        self.items = items
        self.vain = vain
        self.status = status
        self.after = after
        self.asked: list[tuple[float, str]] = []
        self.desk: Desk | None = None

    def __call__(self, path: str, query: dict[str, str]) -> bytes | None:
        if ANALYSES not in path or self.desk is None:
            return None
        call = path.rpartition("/")[2]
        now = self.desk.time.monotonic()
        self.asked.append((now, call))
        if len(self.asked) <= self.vain or now < self.after:
            return answer(self.status, {"message": "not ready"}, *(["Retry-After: 7"] if self.status == 429 else []))
        items = [{"name": name, "type": "text", "result": result} for name, result in self.items.items()]
        return answer(200, {"data": {"call_id": call, "items": items}})

    def at(self, made: Desk) -> None:
        self.desk = made
        made.unread = self


def analysed(rules: Campaign, *, opt_out: Mapping[str, frozenset[str]] | None = None, attempts: int = 3) -> Campaign:
    retry = replace(rules.retry, callback="callback_at", attempts=attempts)
    return replace(rules, analysis=True, retry=retry, opt_out=OptOut(analysis=opt_out or {}))


@contextlib.asynccontextmanager
async def world(folder: Path, found: Finding, **sim: Any) -> AsyncIterator[tuple[Desk, Ledger, Campaign]]:
    """Carl's line is busy at first, so that a run stays for him for 40 s after the others have talked."""
    time = Time()
    script = {CARL: ("line_busy", "user_ended_call")}
    async with desk(time, script=script, **sim) as made, open_ledger(folder, time) as ledger:
        found.at(made)
        yield made, ledger, analysed(campaign(folder, made.url, PEOPLE, overrides={"line_busy": waits(40.0)}))


async def ran(rules: Campaign, made: Desk, ledger: Ledger, **options: Any) -> Heart:
    """A run, over."""
    async with heart(rules, made, ledger, **options) as run:
        await run.engine.run()
        assert run.engine.stopped is None, run.engine.stopped
    return run


def test_what_is_found_is_kept_and_exported(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"summary": "=Fine", "score": 7, "tags": ["a"]}, vain=2)
        async with world(tmp_path, found) as (made, ledger, rules):
            run = await ran(rules, made, ledger)
            assert [json.loads(row[0]) for row in run.rows(ITEMS)] == [dict(found.items)] * 2
            assert run.rows("SELECT COUNT(*) FROM events WHERE event = 'analysed'") == [(2,)]
        target = tmp_path / "results.jsonl"
        export_to(tmp_path / "dialer.db", "reminders", str(target))
        rows = [json.loads(line) for line in target.read_text().splitlines()]
        assert list(rows[0])[17:] == [
            *("detail", "rule", "rule_version"),
            *("analysis.score", "analysis.summary", "analysis.tags"),
            *("row.phone", "row.name"),
        ]
        assert (rows[0]["analysis.summary"], rows[0]["analysis.score"], rows[0]["analysis.tags"]) == ("=Fine", 7, ["a"])
        assert rows[2]["analysis.summary"] is None
        export_to(tmp_path / "dialer.db", "reminders", str(tmp_path / "a.csv"), attempts=True)
        head, first, *_ = (tmp_path / "a.csv").read_text().splitlines()
        assert head.endswith(",error,rule,rule_version,analysis.score,analysis.summary,analysis.tags")
        assert first.endswith(""",7,'=Fine,"[""a""]\"""")

    in_virtual_time(main())


def test_it_is_asked_for_two_seconds_after_the_end_and_then_ever_more_rarely(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"a": 1}, vain=10**6)
        async with world(tmp_path, found) as (made, ledger, rules):
            run = await ran(rules, made, ledger)
            ends = {row[0]: row[1] for row in run.rows("SELECT platform_id, closed_at FROM attempts")}
            ann = made.rings[0]
            closed = datetime.fromisoformat(ends[ann.platform_id]).timestamp() - START.timestamp()
            after = [at - closed for at, call in found.asked if call == ann.platform_id]
            assert after == pytest.approx([2, 5, 15, 30], abs=0.5)
            assert run.rows(ITEMS) == []
            assert set(run.states().values()) == {"done"}

    in_virtual_time(main())


def test_both_ids_of_a_call_are_tried(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"a": 1}, vain=1)
        async with world(tmp_path, found) as (made, ledger, rules):
            await ran(rules, made, ledger)
            (_, first), (_, second), *_ = found.asked
            ring = next(ring for ring in made.rings if ring.platform_id == first)
            assert second == ring.call_id

    in_virtual_time(main())


def test_without_analysis_nothing_is_asked(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"a": 1})
        async with world(tmp_path, found) as (made, ledger, rules):
            await ran(replace(rules, analysis=False), made, ledger)
            assert found.asked == []

    in_virtual_time(main())


def test_calls_in_which_nobody_spoke_are_not_asked_about(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"a": 1})
        async with world(tmp_path, found) as (made, ledger, rules):
            await ran(rules, made, ledger)
            busy = {ring.platform_id for ring in made.rings if ring.reason == "line_busy"}
            assert busy.isdisjoint(call for _, call in found.asked)

    in_virtual_time(main())


@pytest.mark.parametrize("status", [401, 429, 502])
def test_trouble_with_it_stops_nothing_and_is_not_hammered_at(tmp_path: Path, status: int) -> None:
    async def main() -> None:
        found = Finding({"a": 1}, vain=10**6, status=status)
        async with world(tmp_path, found) as (made, ledger, rules):
            run = await ran(rules, made, ledger)
            assert set(run.states().values()) == {"done"}
            assert 2 <= len(found.asked) < 12

    in_virtual_time(main())


@pytest.mark.parametrize("dials", [True, False])
def test_what_a_run_did_not_wait_for_the_next_one_or_settle_fetches(tmp_path: Path, dials: bool) -> None:
    async def main() -> None:
        found = Finding({"a": 1}, vain=10**6)
        async with world(tmp_path, found) as (made, ledger, rules):
            await ran(rules, made, ledger)
            found.vain = 0
            run = await ran(rules, made, ledger, dials=dials)
            assert len(run.rows(ITEMS)) == 3
            asked = len(found.asked)
            await ran(rules, made, ledger, dials=dials)
            assert len(found.asked) == asked  # what is here is not asked for again

    in_virtual_time(main())


def test_a_paused_campaign_is_settled_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"a": 1}, vain=10**6)
        async with world(tmp_path, found) as (made, ledger, rules):
            await ran(rules, made, ledger)
            found.vain = 0
            async with heart(rules, made, ledger, dials=False) as run:
                run.engine.pause("reminders is paused")
                await run.engine.run()
            assert len(run.rows(ITEMS)) == 3

    in_virtual_time(main())


def test_all_calls_of_earlier_runs_are_asked_about_page_by_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysing, "MOST_OF_EARLIER", 2)

    async def main() -> None:
        found = Finding({"a": 1}, vain=10**6)
        async with world(tmp_path, found) as (made, ledger, rules):
            await ran(rules, made, ledger)
            found.asked.clear()
            await ran(rules, made, ledger, dials=False)
            assert len(found.asked) == 6  # each by two names, though in vain

    in_virtual_time(main())


def test_what_is_a_week_old_is_not_asked_for_any_more(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"a": 1}, vain=10**6)
        async with world(tmp_path, found) as (made, ledger, rules):
            await ran(rules, made, ledger)
            found.asked.clear()
            made.time.jump = 7 * 86400.0
            await ran(rules, made, ledger, dials=False)
            assert found.asked == []
            made.time.jump = 6 * 86400.0
            await ran(rules, made, ledger, dials=False)
            assert len(found.asked) == 6  # each by two names, and once only

    in_virtual_time(main())


# --- what is heeded -------------------------------------------------------------------------------


def test_who_wants_no_more_is_stopped_in_all_campaigns(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"do_not_call": True})
        async with world(tmp_path, found) as (made, ledger, rules):
            await with_people(ledger, campaign(tmp_path, made.url, name="others"), PEOPLE)
            rules = analysed(rules, opt_out={"do_not_call": frozenset({"true"})})
            run = await ran(rules, made, ledger)
            others = "SELECT number, state, stop FROM contacts WHERE campaign_id = 1 ORDER BY id"
            assert run.rows(others) == [
                (ANN, "excluded", "opted_out"),
                (BOB, "excluded", "opted_out"),
                (CARL, "due", None),
            ]
            told = run.rows("SELECT source, reason FROM opt_outs WHERE kind = 'number'")
            assert told == [("conversation", "do_not_call: true")] * 2
            assert "somebody said in a call that they want no more of them" in dict(run.said)["opted_out"]

    in_virtual_time(main())


def test_what_is_found_is_not_kept_without_the_opt_out_in_it(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"do_not_call": True}, vain=10**6)
        async with world(tmp_path, found) as (made, ledger, rules):
            await ran(rules, made, ledger)
            found.vain = 0
            rules = analysed(rules, opt_out={"do_not_call": frozenset({"true"})})
            in_ledger(ledger, "CREATE TRIGGER full BEFORE INSERT ON opt_outs BEGIN SELECT RAISE(ABORT, 'full'); END")
            async with heart(rules, made, ledger, dials=False) as run:
                await run.engine.run()
            assert run.rows(ITEMS) == []  # else nobody would ask for it again, and the opt-out is lost
            in_ledger(ledger, "DROP TRIGGER full")
            await ran(rules, made, ledger, dials=False)
            assert len(run.rows(ITEMS)) == 3
            assert {row[0] for row in run.rows("SELECT shown FROM opt_outs")} == set(PEOPLE)

    in_virtual_time(main())


def in_ledger(ledger: Ledger, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(ledger.path)) as db, db:
        db.execute(statement)


def test_the_next_run_hears_of_it_before_it_dials(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"do_not_call": "yes"}, vain=10**6)
        async with world(tmp_path, found) as (made, ledger, rules):
            await ran(rules, made, ledger)
            rung = len(made.rings)
            found.vain = 0
            again = replace(rules, name="again", path=tmp_path / "again.yaml")
            wants = {"do_not_call": frozenset({"Yes"})}
            async with heart(analysed(rules, opt_out=wants), made, ledger, dials=False) as first:
                await first.engine.run()
            run = await ran(again, made, ledger)
            assert len(made.rings) == rung
            assert run.rows("SELECT DISTINCT stop FROM contacts WHERE campaign_id = 2") == [("opted_out",)]

    in_virtual_time(main())


def test_who_asks_to_be_called_again_is_at_that_time(tmp_path: Path) -> None:
    async def main() -> None:
        wanted = START + timedelta(seconds=30)
        found = Finding({"callback_at": wanted.isoformat()})
        async with world(tmp_path, found) as (made, ledger, rules):
            run = await ran(analysed(rules, attempts=2), made, ledger)
            rings = [ring.at - START.timestamp() for ring in made.rings if ring.to_number == ANN]
            assert len(rings) == 2  # the second conversation asks for another one, and the attempts are used up
            assert rings[1] == pytest.approx(30.0, abs=2.0)
            rows = run.rows(CALLBACKS)
            events = [row[:3] for row in rows if row[3] == ANN]
            assert events[0] == ("done", "due", "asked for: 2026-11-22T14:00:30.000Z")
            assert {row[:2] for row in events[1:]} == {(None, None)}

    in_virtual_time(main())


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("when the sun shines", "callback_at: 'when the sun shines' is not a date and a time"),
        ("2026-11-23T15:00", "callback_at: '2026-11-23T15:00' has no offset, and nobody knows where the person is"),
        ("2036-11-23T15:00Z", "callback_at: '2036-11-23T15:00Z' is not between 1 day ago and 90 days from now"),
    ],
)
def test_a_time_that_is_none_does_no_harm(tmp_path: Path, value: str, told: str) -> None:
    async def main() -> None:
        async with world(tmp_path, Finding({"callback_at": value})) as (made, ledger, rules):
            run = await ran(rules, made, ledger)
            assert set(run.states().values()) == {"done"}
            assert run.rows("SELECT DISTINCT detail FROM events WHERE event = 'callback'") == [(told,)]

    in_virtual_time(main())


def test_a_local_time_is_the_person_s_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, Finding({"callback_at": "2026-11-23T15:00"})) as (made, ledger, rules):
            async with heart(rules, made, ledger) as run:
                task = asyncio.create_task(run.engine.run())
                await until(lambda: bool(run.rows("SELECT 1 FROM contacts")))
                facts = json.dumps({"zones": ["America/New_York", "America/Phoenix"]})
                placed_in(ledger.path, facts)
                await task
            rows = run.rows("SELECT number, state, due_at, detail FROM contacts")
            assert (ANN, "due", "2026-11-23T22:00:00.000Z", "callback") in rows

    in_virtual_time(main())


def placed_in(path: Path, facts: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE audiences SET facts = ? WHERE id = 0", (facts,))


CALLED_BACK = [
    ("done", 1, None, None, "", "due"),
    ("waiting", 1, None, None, "", "waiting"),
    ("done", 3, None, None, "the attempts are used up", "done"),
    ("excluded", 1, "opted_out", None, "opted_out", "excluded"),
    ("done", 1, "withdrawn", None, "withdrawn", "done"),
    ("exhausted", 1, None, None, "the contact is exhausted", "exhausted"),
    ("dialing", 1, None, None, "the contact is dialing", "dialing"),
    ("done", 1, None, "2026-11-22T15:00:00.000Z", "they were called since, expire before", "done"),
]


@pytest.mark.parametrize(("state", "attempts", "stop", "expires", "why", "after"), CALLED_BACK)
def test_whom_a_callback_reaches(
    tmp_path: Path, state: str, attempts: int, stop: str | None, expires: str | None, why: str, after: str
) -> None:
    async def main() -> None:
        async with world(tmp_path, Finding({}, vain=10**6)) as (made, ledger, rules):
            run = await ran(rules, made, ledger)
            ended = (await ledger.unanalysed(1, START, 10))[-1]
            with contextlib.closing(sqlite3.connect(ledger.path)) as db, db:
                db.execute(
                    "UPDATE contacts SET state = ?, attempts = ?, stop = ?, expires_at = ?, due_at = ? WHERE id = ?",
                    (state, attempts, stop, expires, "2026-11-22T20:00:00.000Z", ended.contact),
                )
            wanted = START + timedelta(hours=3)
            heeded = await ledger.keep_analysis(ended, {}, Heard(back=wanted, most=3))
            assert heeded is not None and heeded.is_due is (not why)
            found = run.rows("SELECT id, state, due_at FROM contacts")
            assert (ended.contact, after, f"2026-11-22T{17 if not why else 20}:00:00.000Z") in found
            (told,) = run.rows("SELECT detail FROM events WHERE event = 'callback'")
            assert why in told[0]

    in_virtual_time(main())


def test_a_cancelled_campaign_and_an_earlier_call_reach_nobody(tmp_path: Path) -> None:
    async def main() -> None:
        async with world(tmp_path, Finding({}, vain=10**6)) as (made, ledger, rules):
            run = await ran(rules, made, ledger)
            calls = await ledger.unanalysed(1, START, 10)
            busy = next(one for one in calls if one.finish_reason == "line_busy")
            assert calls[0].contact == busy.contact
            wanted = Heard(back=START + timedelta(hours=3), most=3)
            assert await ledger.keep_analysis(busy, {}, wanted) == Heeded()
            await ledger.pause("reminders", "cancel", "", None, "ann")
            assert await ledger.keep_analysis(calls[0], {}, wanted) == Heeded()
            assert set(run.states().values()) == {"done"}

    in_virtual_time(main())


def test_a_campaign_that_is_over_asks_on_while_another_of_the_run_dials(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"do_not_call": True}, after=10.0)
        async with world(tmp_path, found) as (made, ledger, rules):
            wants = {"do_not_call": frozenset({"true"})}
            first = replace(analysed(rules, opt_out=wants), contacts=campaign(tmp_path, made.url, [ANN]).contacts)
            busy = {"line_busy": waits(40.0)}
            second = campaign(tmp_path, made.url, name="others", overrides=busy, not_before="from")
            later = (START + timedelta(seconds=30)).isoformat()
            second.contacts.files[0].write_text(f"phone,from\n{CARL},\n{ANN},{later}\n")
            async with run_of(made, ledger, first, second) as run:
                pass
            assert run.rows("SELECT shown FROM opt_outs") == [(ANN,)]
            assert (made.rang(ANN), made.rang(CARL)) == (1, 2)

    in_virtual_time(main())


# --- told by webhook ------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["platform_id", "call_id"])
def test_a_webhook_that_tells_of_it_has_it_asked_for_at_once(tmp_path: Path, by: str) -> None:
    async def main() -> None:
        found = Finding({"a": 1}, vain=10**6)
        async with world(tmp_path, found) as (made, ledger, rules), heart(rules, made, ledger) as run:
            task = asyncio.create_task(run.engine.run())
            await until(lambda: len(found.asked) >= 8)  # twice for each of two calls, by two names
            began, found.vain = made.time.monotonic(), 0
            ann = next(ring for ring in made.rings if ring.to_number == ANN)
            run.engine.analysing.told(getattr(ann, by))
            await until(lambda: bool(run.rows(ITEMS)))
            assert made.time.monotonic() - began < 1.0
            await task

    in_virtual_time(main())


def test_a_webhook_that_tells_of_somebody_else_s_call_costs_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        found = Finding({"a": 1}, vain=10**6)
        async with world(tmp_path, found) as (made, ledger, rules), heart(rules, made, ledger) as run:
            task = asyncio.create_task(run.engine.run())
            await moment(10.0)
            before = len(found.asked)
            run.engine.analysing.told("a" * 24)
            await moment(1.0)
            assert len(found.asked) == before
            await task

    in_virtual_time(main())
