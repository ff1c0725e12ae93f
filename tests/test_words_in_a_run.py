"""What a person says of a campaign while a run dials it: it holds within a second, and stands among the events with who
said so and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conduct_kit import Run, run_of
from tests.desk import desk
from tests.engine_kit import campaign, number, open_ledger
from tests.virtual_time import Time, in_virtual_time, moment, until

PEOPLE = [number(n) for n in range(60)]


def told(run: Run) -> list[tuple[Any, ...]]:
    return run.rows("SELECT event, detail FROM events WHERE contact_id IS NULL AND event <> 'imported' ORDER BY id")


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "event"), [("pause", "paused"), ("cancel", "cancelled")])
def test_nobody_new_is_dialled_a_second_after_it_was_said(tmp_path: Path, verb: str, event: str) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=30.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, per_second=5.0, lines=50)
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.posts) >= 5)
                said_at = time.monotonic()
                answer = await run.ask(verb, campaign="reminders", why="wrong prices")
                assert answer.startswith(f"reminders is {event}")
                await moment(5.0)
                await run.ask("resume", campaign="reminders", why="mended")
                closed = await run.ending
            assert max(at for at, _ in verbex.posts) <= said_at + 1.0
            assert len(verbex.posts) < 15
            assert closed.code == 4
            events = told(run)
            assert events[0] == (event, "reminders by ann: wrong prices")
            assert events[1:] == ([("resumed", "reminders by ann: mended")] if verb == "pause" else [])
            waiting = dict(run.rows("SELECT state, COUNT(*) FROM contacts GROUP BY state"))
            assert waiting.get("due", 0) == (0 if verb == "cancel" else 60 - len(verbex.posts))
            assert answer in run.said.getvalue()

    in_virtual_time(main())


def test_who_is_dropped_by_a_cancellation_has_an_event_of_their_own(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time, call_seconds=30.0) as verbex, open_ledger(tmp_path, time) as ledger:
            rules = campaign(tmp_path, verbex.url, PEOPLE, per_second=5.0)
            async with run_of(verbex, ledger, rules) as run:
                await until(lambda: len(verbex.posts) >= 3)
                await run.ask("cancel", campaign="reminders")
                await run.ending
            dropped = run.rows("SELECT contact_id FROM events WHERE event = 'cancelled' AND contact_id IS NOT NULL")
            assert len(dropped) == len(set(dropped)) == 60 - len(verbex.posts)

    in_virtual_time(main())
