"""The inbox: each delivery once, on disk before anybody is thanked, never taken away; and what it tells of calls."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.ledger import Ledger
from tests.ledger_kit import NOW, Desk, Wall, call, desk, founded, row, rows_of

STARTED, ENDED = "CallHandler.CallStarted", "CallHandler.CallEnded"


async def keep(made: Desk, trace: str, told_of: str = "", event: str = ENDED) -> bool:
    return await made.ledger.keep(trace, event, told_of, "{}")


# --- each once ------------------------------------------------------------------------------------


async def test_a_delivery_is_kept_as_it_came_and_once(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        assert await made.ledger.keep("t1", ENDED, "p1", '{"a":1}')
        made.wall.goes_on(minutes=1)
        assert not await made.ledger.keep("t1", STARTED, "p2", '{"a":2}')
        kept = made.rows("SELECT * FROM inbox")
        assert [(one["trace_id"], one["event"], one["call"], one["body"]) for one in kept] == [
            ("t1", ENDED, "p1", '{"a":1}')
        ]
        assert kept[0]["received_at"].startswith(NOW.isoformat()[:16])


async def test_of_ten_at_once_one_is_new(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        found = await asyncio.gather(*(keep(made, "t1", "p1") for _ in range(10)))
        assert sorted(found) == [False] * 9 + [True]


async def test_it_is_in_the_file_by_the_time_that_it_is_said_to_be_kept(tmp_path: Path) -> None:
    """By another connection, while the run that kept it is still at work."""
    async with desk(tmp_path, row("ann", 1)) as made:
        for n in range(20):
            assert await keep(made, f"t{n}", "p1")
            assert len(rows_of(made.ledger.path, "SELECT trace_id FROM inbox")) == n + 1


async def test_the_next_run_knows_what_was_kept(tmp_path: Path) -> None:
    path = founded(tmp_path / "dialer.db")
    for command, is_new in (("run", True), ("settle", False)):
        ledger = Ledger.open(path, command, Wall())
        try:
            assert await ledger.keep("t1", ENDED, "p1", "{}") is is_new
            assert await ledger.was_told_of("p1")
        finally:
            await ledger.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(traces=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8), max_size=30))
def test_whatever_is_repeated_in_whatever_order_each_is_new_once(
    tmp_path_factory: pytest.TempPathFactory, traces: list[str]
) -> None:
    async def main() -> None:
        path = founded(tmp_path_factory.mktemp("inbox") / "dialer.db")
        ledger = Ledger.open(path, "run", Wall())
        try:
            new = [trace for trace in traces if await ledger.keep(trace, ENDED, trace, "{}")]
            assert new == list(dict.fromkeys(traces))
        finally:
            await ledger.close()
        assert {kept["trace_id"] for kept in rows_of(path, "SELECT trace_id FROM inbox")} == set(traces)

    asyncio.run(main())


# --- what it tells --------------------------------------------------------------------------------


async def test_a_call_was_told_of_by_the_very_id_that_was_told(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await keep(made, "t1", "p1")
        await keep(made, "t2", "")  # an event without a call
        assert await made.ledger.was_told_of("p1")
        for other in ("p", "P1", "p11", "t1", ""):
            assert not await made.ledger.was_told_of(other)


async def test_strangers_are_calls_that_no_attempt_knows_by_either_id(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1), row("bob", 2)) as made:
        ann, bob = await made.dial("ann"), await made.dial("bob")
        await made.ledger.place(ann, call(platform_id="p-ann"))
        [bobs] = made.rows("SELECT call_id FROM attempts WHERE id = ?", bob)
        for n, told_of in enumerate(("p-ann", bobs["call_id"], "p-bob", "", "p-bob", "elsewhere")):
            made.wall.goes_on(seconds=1)
            await keep(made, f"t{n}", told_of)
        assert await made.ledger.strangers(NOW, 10) == ["elsewhere", "p-bob"]
        await made.ledger.place(bob, call(platform_id="p-bob"))
        assert await made.ledger.strangers(NOW, 10) == ["elsewhere"]


async def test_strangers_are_told_from_a_moment_on_the_newest_first_and_so_many(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        began = made.wall()
        for n in range(6):
            await keep(made, f"t{n}", f"p{n}")
            made.wall.goes_on(seconds=1)
        await keep(made, "again", "p0")
        assert await made.ledger.strangers(began, 10) == ["p0", "p5", "p4", "p3", "p2", "p1"]
        assert await made.ledger.strangers(began, 2) == ["p0", "p5"]
        assert await made.ledger.strangers(began + timedelta(seconds=4), 10) == ["p0", "p5", "p4"]


async def test_deliveries_change_nothing_but_the_inbox(tmp_path: Path) -> None:
    async with desk(tmp_path, row("ann", 1)) as made:
        await made.dial("ann")
        [attempt] = made.rows("SELECT * FROM attempts")
        before = made.rows("SELECT * FROM contacts"), made.rows("SELECT * FROM events")
        await keep(made, "t1", attempt["call_id"])
        assert made.rows("SELECT * FROM attempts") == [attempt]
        assert (made.rows("SELECT * FROM contacts"), made.rows("SELECT * FROM events")) == before
