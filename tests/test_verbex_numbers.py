"""What is read of an account's numbers and agents, whatever a platform says; and over HTTP, against the simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import NoReply, Reply, Secret
from dialer.simulator import Simulator
from dialer.simulator.accounts import TRUNK_PASSWORD
from dialer.simulator.calls import DEFAULT_AGENT
from dialer.verbex import Client
from dialer.verbex.numbers import Agents, Numbers, OwnNumber, agents, own_numbers, read_agents, read_numbers
from dialer.verbex.transport import Received
from tests.raw_platform import Caller, raw_platform
from tests.simulator_kit import Hand, rules, served
from tests.verbex_cases import KEY, NOW
from tests.verbex_cases import client as client_of

pytestmark = pytest.mark.slow

A, B = "+14155550100", "+14155550101"


def number(number: Any, agent: Any = None) -> dict[str, Any]:
    return {"_id": "n", "phone_number": number, "outbound_agent_id": agent, "sip_trunk_password": TRUNK_PASSWORD}


def numbers_of(said: Any, status: int = 200) -> Numbers | Reply:
    return read_numbers(received(said, status), NOW, KEY)


def received(said: Any, status: int = 200) -> Received:
    return Received(status, said if isinstance(said, bytes) else json.dumps(said).encode())


ONE = (OwnNumber(A, None),)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([number(A), number(B, "a1")], Numbers((OwnNumber(A, None), OwnNumber(B, "a1")), True)),
        ([], Numbers((), True)),
        ({"phone_numbers": [number(A)]}, Numbers(ONE, True)),
        ({"items": [number(A)], "total": 1}, Numbers(ONE, True)),
        ({"data": [number(A)], "total_count": 1, "next_page_token": None}, Numbers(ONE, True)),
        ({"data": [number(A)], "total_count": 2}, Numbers(ONE, False)),
        ({"data": [number(A)], "has_more": True}, Numbers(ONE, False)),
        ({"data": [number(A)], "next_page_token": "t"}, Numbers(ONE, False, "t")),
        ([number(A, 7)], Numbers(ONE, True)),
        ([number(A)] * 100, Numbers(ONE * 100, False)),
    ],
)
def test_numbers_are_read_however_they_are_wrapped(said: Any, found: Numbers) -> None:
    assert numbers_of(said) == found


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        (b"<html>", 200, "its body is not JSON"),
        ({"a": [], "b": []}, 200, "its body is no list as it should be"),
        ({}, 200, "its body is no list as it should be"),
        ("text", 200, "its body is no list as it should be"),
        ([1], 200, "its body is no list as it should be"),
        ([{"number": A}], 200, "its body lists something without a phone_number"),
        ({"message": TRUNK_PASSWORD}, 404, ""),
        (b"", 500, ""),
    ],
)
def test_what_is_not_shown_is_not_known_and_nothing_is_quoted(said: Any, status: int, words: str) -> None:
    assert numbers_of(said, status) == Reply(status, message=words)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([{"_id": "a1"}, {"id": "a2", "name": "x"}], Agents(frozenset({"a1", "a2"}), True)),
        ({"agents": [{"ai_agent_id": "a1"}], "next_page_token": "t"}, Agents(frozenset({"a1"}), False)),
        ([], Agents(frozenset(), True)),
        ([{"name": "x"}], Reply(200, message="its body lists agents without ids")),
    ],
)
def test_agents_are_known_by_their_ids(said: Any, found: Agents | Reply) -> None:
    assert read_agents(received(said), NOW, KEY) == found


_KEYS = st.sampled_from(["data", "phone_number", "next_page_token", "total_count", "has_more", "id"])


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda one: st.lists(one) | st.dictionaries(_KEYS, one),
    )
)
def test_nothing_makes_the_reading_raise(said: Any) -> None:
    assert isinstance(numbers_of(said), Numbers | Reply)
    assert isinstance(read_agents(received(said), NOW, KEY), Agents | Reply)


# --- over HTTP ------------------------------------------------------------------------------------


def simulator(folder: Path, **changes: Any) -> Simulator:
    return Simulator(rules(**changes), folder / "rings.jsonl", Hand().clock())


async def test_the_simulator_shows_its_numbers_page_by_page(tmp_path: Path) -> None:
    own = tuple(f"+1415555{n:04}" for n in range(150))
    own_key, served_by = Secret("API_made_up"), simulator(tmp_path, own_numbers=own)
    async with served_by.serve() as url, Client(url, own_key, now=lambda: NOW) as client:
        first = await own_numbers(client)
        assert isinstance(first, Numbers)
        assert (len(first.numbers), first.is_whole) == (100, False)
        rest = await own_numbers(client, first.next_page)
        assert isinstance(rest, Numbers)
        assert rest.is_whole
        assert tuple(one.number for one in (*first.numbers, *rest.numbers)) == own
        assert {one.agent for one in first.numbers} == {DEFAULT_AGENT}
        assert await agents(client) == Agents(frozenset({DEFAULT_AGENT}), True)
        assert TRUNK_PASSWORD not in repr(first)


async def test_a_simulator_that_takes_any_number_lists_none(tmp_path: Path) -> None:
    async with simulator(tmp_path).serve() as url, Client(url, Secret("API_made_up"), now=lambda: NOW) as client:
        assert await own_numbers(client) == Reply(404)


@pytest.mark.parametrize("query", ["", "?page_size=0", "?page_size=101", "?page_size=x", "?page_size=5&page_token=x"])
async def test_the_simulator_is_strict(tmp_path: Path, query: str) -> None:
    async with served(simulator(tmp_path, own_numbers=(A,))) as client:
        answer = await client.get(f"/v1/phone-numbers{query}")
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"][0] == "query"


async def test_the_simulator_asks_for_the_key(tmp_path: Path) -> None:
    async with served(simulator(tmp_path, own_numbers=(A,), api_key=Secret("API_other"))) as client:
        for path in ("/v1/phone-numbers?page_size=5", "/v2/ai-agents/"):
            assert (await client.get(path)).status_code == 401


async def test_a_platform_that_is_silent_shows_nothing() -> None:
    async def serve(caller: Caller) -> None:
        await caller.request()
        caller.reset()

    async with raw_platform(serve) as server, client_of(server.url, 2.0) as client:
        assert isinstance(await own_numbers(client), NoReply)
        assert isinstance(await agents(client), NoReply)


async def test_the_simulators_numbers_hold_a_password_to_prove_that_nobody_keeps_it(tmp_path: Path) -> None:
    async with served(simulator(tmp_path, own_numbers=(A,))) as client:
        answer: httpx.Response = await client.get("/v1/phone-numbers?page_size=1")
        assert TRUNK_PASSWORD in answer.text
