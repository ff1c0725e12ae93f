"""What a list must show before it is believed that nobody else was called, and whose a call is that fits several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dialer.ledger import Doubt, binding
from dialer.model import CallPage
from dialer.verbex import listing
from tests.desk import Desk, answer, body_of, client_of, desk, no_echo
from tests.engine_kit import number
from tests.test_earlier import Looking, looking, searching, told
from tests.virtual_time import START, Time, in_virtual_time


def _page(calls: list[dict[str, Any]], total: int) -> bytes:
    return answer(200, {"calls": calls, "next_page_token": None, "total_count": total})


def test_a_list_that_leaves_out_a_call_that_is_there_is_not_believed(tmp_path: Path) -> None:
    """It is empty, for want of a filter or of rights, and a GET finds a call that it ought to show."""

    async def work(at_work: Looking) -> None:
        await at_work.known()
        at_work.lost(1, 1)
        at_work.desk.time.jump += 60.0
        at_work.desk.unread = lambda path, query: _page([], 0) if path == "/v1/calls/" else None
        looked = await at_work.look(-60.0)
        assert (told(looked), looked.is_proven) == ([(1, 1)], True)

    searching(tmp_path, work, lookup="custom")


def test_a_list_that_ends_before_it_has_shown_all_that_it_counts_is_not_believed(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        at_work.lost(1, 1)
        at_work.desk.time.jump += 3600.0
        await at_work.known()
        newest = body_of(at_work.desk._read("", {}))["calls"][:1]
        at_work.desk.unread = lambda path, query: _page(newest, 25_000) if path == "/v1/calls/" else None
        looked = await at_work.look(-60.0)
        assert (told(looked), looked.is_proven) == ([(1, 1)], True)
        assert any(target.startswith("/v1/calls/b") or len(target) > 40 for target in at_work.asked())

    searching(tmp_path, work, lookup="custom")


@pytest.mark.parametrize(("count", "whole"), [(1, True), (0, True), (2, False)])
def test_a_list_is_whole_if_it_shows_as_many_as_it_counts(tmp_path: Path, count: int, whole: bool) -> None:
    async def main() -> None:
        time = Time()
        async with desk(time) as made, client_of(made, time) as client:
            call = _placed(made)
            made.unread = lambda path, query: _page([call], count)
            now = time.clock.now()
            listed = await listing.read_back(client, now, now, lambda page: None)
            assert (listed.whole_from == listing.EVER) is whole
            assert len(listed.records) == 1

    in_virtual_time(main())


def _placed(made: Desk) -> dict[str, Any]:
    body = {"call_id": "x", "from_number": number(90), "to_number": number(1), "direction": "outbound"}
    record: dict[str, Any] = body_of(made.place(body))
    return record


@pytest.mark.parametrize(
    ("then", "now", "proven"),
    [("key A", "key A", True), ("key A", "key B", False), ("", "key B", True), ("key A", "", True)],
)
def test_a_call_under_the_key_of_now_proves_nothing_of_those_under_another(
    tmp_path: Path, then: str, now: str, proven: bool
) -> None:
    """The backup was made under one key; since then somebody was called under it, and somebody else under another."""

    async def work(at_work: Looking) -> None:
        at_work.lost(2, 1)
        at_work.earlier._key_mark = now
        looked = await at_work.look(key_mark=then)
        assert (told(looked), looked.is_proven) == ([(2, 1)], proven)

    searching(tmp_path, work)


@pytest.mark.parametrize(("others", "proven"), [(set(), True), ({"another key"}, False), ({"the key of then"}, True)])
def test_where_the_campaign_was_run_under_other_keys_their_calls_must_be_shown_too(
    tmp_path: Path, others: set[str], proven: bool
) -> None:
    """The ledger may be older than the change of the key; the lock's file remembers it."""

    async def work(at_work: Looking) -> None:
        await at_work.known()
        at_work.ledger._connection.execute("UPDATE attempts SET key_mark = 'the key of then'")
        at_work.lost(2, 1)
        doubt = Doubt("it is a test", START, True, "the key of then", frozenset(others))
        looked = await at_work.earlier.look(doubt)
        assert (told(looked), looked.is_proven) == ([(2, 1)], proven)

    searching(tmp_path, work)


def test_the_keys_of_a_campaign_are_noted_and_outlive_its_ledger() -> None:
    noted: object = None
    for name, key in (("a", "k1"), ("b", "k2"), ("a", "k3"), ("a", "k1")):
        noted = binding.with_key(noted, name, key)
    assert binding.keys_of(noted, "a") == {"k1", "k3"}
    assert binding.keys_of(noted, "b") == {"k2"}
    assert binding.keys_of("torn", "a") == frozenset()
    for n in range(500):
        noted = binding.with_key(noted, f"c{n}", "k" * 16)
    assert len(json.dumps(noted)) < 3000


def test_of_two_people_with_one_number_the_call_is_that_ones_who_could_be_dialled(tmp_path: Path) -> None:
    """Nothing names the person: who is finished would not have been called again."""
    people = [f"ann={number(0)}", f"bob={number(1)}"]

    async def main() -> None:
        async with looking(tmp_path, Time(), people, lookup="platform") as at_work:
            at_work.desk.told = no_echo
            at_work.ledger._connection.execute("UPDATE contacts SET state = 'done', serial = 1 WHERE person = 'ann'")
            at_work.ledger._connection.execute("UPDATE numbers SET number = ?", (number(0),))
            at_work.place("told to nobody", number(0))
            looked = await at_work.look()
            assert [call.candidate.person for call in looked.calls] == ["bob"]

    in_virtual_time(main())


def test_a_call_is_found_although_the_list_has_another_number_for_the_person_since(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        at_work.lost(1, 1)
        at_work.ledger._connection.execute("UPDATE numbers SET number = ? WHERE contact_id = 2", (number(77),))
        looked = await at_work.look(None, has_attempts=False)
        assert (told(looked), looked.is_proven) == ([(1, 1)], True)

    searching(tmp_path, work)


# --- where nothing speaks for a doubt ----------------------------------------------------------------


def test_a_glimpse_shows_what_was_called_since_the_last_moment_that_is_known(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        since = at_work.desk.time.clock.now()
        await at_work.known()
        assert not await at_work.earlier.glimpse(since)
        at_work.lost(1, 1)
        assert await at_work.earlier.glimpse(since)
        assert len(at_work.asked()) <= 4
        assert all(isinstance(one, CallPage) for one in at_work.heard)

    searching(tmp_path, work)


def test_a_glimpse_finds_it_behind_many_newer_calls_of_others(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        since = at_work.desk.time.clock.now()
        at_work.lost(1, 1)
        at_work.desk.time.jump += 600.0
        for n in range(150):
            at_work.place(f"other-{n}", number(300 + n))
        assert await at_work.earlier.glimpse(since)

    searching(tmp_path, work)


@pytest.mark.parametrize("status", [404, 503])
def test_without_a_list_a_glimpse_shows_nothing(tmp_path: Path, status: int) -> None:
    async def work(at_work: Looking) -> None:
        at_work.lost(1, 1)
        at_work.desk.unread = lambda path, query: answer(status)
        assert not await at_work.earlier.glimpse(None)

    searching(tmp_path, work)


def test_of_a_long_list_only_what_is_asked_for_is_kept_and_it_is_whole_all_the_same(tmp_path: Path) -> None:
    async def work(at_work: Looking) -> None:
        at_work.lost(1, 1)
        for n in range(300):
            at_work.place(f"other-{n}", number(300 + n))
        now, client = at_work.desk.time.clock.now(), at_work.earlier._client
        listed = await listing.read_back(client, now, now, lambda page: None, lambda one: one.to_number == number(1))
        assert listed.whole_from == listing.EVER
        assert len(listed.records) == 201
        assert listed.records[-1].to_number == number(1)

    searching(tmp_path, work)
