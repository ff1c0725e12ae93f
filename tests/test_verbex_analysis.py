"""What is read of an analysis, whatever a platform says; and over HTTP, against the simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import NoReply, Reply, Secret
from dialer.simulator import CANARY, Simulator
from dialer.simulator.calls import DEFAULT_AGENT
from dialer.verbex import Client
from dialer.verbex.analysis import MOST_CHARACTERS, Analysis, Found, NotReady, analysis_of, read
from dialer.verbex.transport import Received
from tests.raw_platform import Caller, http, raw_platform
from tests.simulator_kit import DIAL, KEY, Hand, dial, rules, served
from tests.verbex_cases import NOW
from tests.verbex_cases import client as client_of

pytestmark = pytest.mark.slow

OWN_KEY = Secret("API_0123456789abcdef")


def body(*items: Any, **data: Any) -> Any:
    return {"data": {"call_id": "p1", "ai_agent_id": "a1", "items": list(items), **data}}


def item(name: Any, result: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "text", "result": result, **more}


def told(said: Any, status: int = 200) -> Analysis | NotReady | Reply:
    content = said if isinstance(said, bytes) else json.dumps(said).encode()
    return read(Received(status, content), NOW, OWN_KEY, ("p1", "c1"))


@pytest.mark.parametrize(
    ("said", "items"),
    [
        (body(item("summary", "Fine."), item("again", True)), {"summary": "Fine.", "again": True}),
        (body(item("score", 7.5), item("topics", ["a", {"b": None}])), {"score": 7.5, "topics": ["a", {"b": None}]}),
        (body(item("a", 1), item("a", 2)), {"a": 2}),
        (body(item("a", None)), {"a": None}),
        (body({"name": "a"}), {"a": None}),
        (body(item("", 1), item(None, 1), item("b\n", 1), item("x" * 101, 1), "odd", item("a", 1)), {"a": 1}),
        (body(item("a", 1), call_id="c1"), {"a": 1}),
        (body(item("a", 1), call_id=None), {"a": 1}),
        ({"call_id": "p1", "items": [item("a", 1)]}, {"a": 1}),
        (body(item("a", "key API_secretsecret here")), {"a": "key API_*** here"}),
        (body(item("a", {"access_token": "t", "b": [OWN_KEY.reveal()]})), {"a": {"b": ["***"]}}),
    ],
)
def test_what_was_found_is_read_by_name(said: Any, items: dict[str, Any]) -> None:
    assert told(said) == Analysis(items)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (body(), 200),
        (body(items=None), 200),
        (body(items={}), 200),
        ({"data": {}}, 200),
        ({}, 200),
        (b"<html>", 404),
        (b"", 500),
        (body(item("a", 1)), 404),
    ],
)
def test_what_is_not_ready_is_nothing_yet(said: Any, status: int) -> None:
    assert told(said, status) == NotReady()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"<html>", "is not JSON"),
        (b"", "is empty"),
        ([], "is no analysis"),
        ({"data": [1]}, "is no analysis"),
        (body(item("a", 1), call_id="p2"), "is the analysis of another call"),
        (body(item("a", "x" * MOST_CHARACTERS)), "has more than 256 KiB of items"),
    ],
)
def test_what_cannot_be_read_is_trouble(said: Any, words: str) -> None:
    found = told(said)
    assert isinstance(found, Reply)
    assert words in found.message


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503])
def test_a_refusal_is_told_as_it_came(status: int) -> None:
    found = told({"message": "no"}, status)
    assert isinstance(found, Reply)
    assert (found.status, found.message) == (status, "no")


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda one: (
            st.lists(one) | st.dictionaries(st.sampled_from(["data", "items", "name", "result", "call_id"]), one)
        ),
    )
)
def test_nothing_makes_the_reading_raise(said: Any) -> None:
    assert isinstance(told(said), Analysis | NotReady | Reply)


# --- over HTTP ------------------------------------------------------------------------------------


async def asked(client: Client, *names: str | None, agent: str = DEFAULT_AGENT) -> Found:
    return await analysis_of(client, agent, names)


@pytest.mark.parametrize("lookup", ["platform", "custom", "both"])
async def test_an_analysis_is_had_by_either_id_once_it_is_ready(tmp_path: Path, lookup: str) -> None:
    hand = Hand()
    simulator = Simulator(rules(lookup=lookup), tmp_path / "rings.jsonl", hand.clock())
    async with simulator.serve() as url, Client(url, Secret("API_made_up"), now=hand.clock().now) as client:
        async with served_at(url) as http_client:
            placed = (await http_client.post(DIAL, json=dial(call_id="ours"))).json()
        names = placed["_id"], "ours"
        assert await asked(client, *names) == NotReady()
        hand.move(7200)
        found = await until_found(hand, client, *names)
        assert set(found.items) == {"summary", "do_not_call", "callback_at"}
        assert isinstance(found.items["do_not_call"], bool)
        assert CANARY not in json.dumps(dict(found.items))
        assert await asked(client, "another") == NotReady()
        assert await asked(client, *names, agent="b" * 24) == NotReady()
        assert await asked(client, None) == NotReady()


async def until_found(hand: Hand, client: Client, *names: str | None) -> Analysis:
    """It fails now and then."""
    for _ in range(50):
        found = await asked(client, *names)
        if isinstance(found, Analysis):
            return found
        assert found == NotReady()
        hand.move(1)
    raise AssertionError("there never is one")


def served_at(url: str) -> Any:
    import httpx

    return httpx.AsyncClient(base_url=url, headers=KEY, trust_env=False)


@pytest.mark.slow
async def test_a_call_is_analysed_within_half_a_minute_of_its_end(tmp_path: Path) -> None:
    hand = Hand()
    async with served(Simulator(rules(), tmp_path / "rings.jsonl", hand.clock())) as client:
        placed = [(await client.post(DIAL, json=dial(f"+1202555{n:04}"))).json()["_id"] for n in range(12)]
        over = {call: await _over_at(client, hand, call) for call in placed}
        for call, at in over.items():
            hand.at = at
            assert (await client.get(path(call))).status_code in (404, 500)
            hand.move(30)
            seen = [(await client.get(path(call))).status_code for _ in range(40) if hand.move(1)]
            assert set(seen) <= {200, 500}
            assert seen.count(200) > seen.count(500)


async def _over_at(client: Any, hand: Hand, call: str) -> Any:
    from datetime import datetime

    began = hand.at
    hand.move(86400)
    told = (await client.get(f"/v1/calls/{call}")).json()
    hand.at = began
    return datetime.fromisoformat(told["call_end_time"])


def path(call: str) -> str:
    return f"/v2/ai-agents/{DEFAULT_AGENT}/postcall-analysis/results/{call}"


async def test_of_a_call_in_which_nothing_was_said_there_is_none(tmp_path: Path) -> None:
    hand = Hand()
    async with served(Simulator(rules(mix={"no_answer": 1.0}), tmp_path / "rings.jsonl", hand.clock())) as client:
        placed = (await client.post(DIAL, json=dial())).json()["_id"]
        hand.move(7200)
        assert {(await client.get(path(placed))).status_code for _ in range(30) if hand.move(1)} <= {404, 500}


async def test_without_a_key_nothing_is_told(tmp_path: Path) -> None:
    async with served(Simulator(rules(), tmp_path / "rings.jsonl", Hand().clock())) as client:
        assert (await client.get(path("x"), headers={"Authorization": "Basic x"})).status_code == 401


async def test_a_platform_that_is_silent_is_trouble() -> None:
    async def serve(caller: Caller) -> None:
        await caller.request()
        caller.reset()

    async with raw_platform(serve) as server, client_of(server.url, 2.0) as client:
        assert isinstance(await asked(client, "p1"), NoReply)


async def test_names_are_quoted_in_the_path() -> None:
    seen: list[str] = []

    async def serve(caller: Caller) -> None:
        seen.append((await caller.request()).target)
        await caller.write(http("404 Not Found", b""))

    async with raw_platform(serve) as server, client_of(server.url, 2.0) as client:
        await asked(client, "a/../b?c", agent="x/y")
    assert seen == ["/v2/ai-agents/x%2Fy/postcall-analysis/results/a%2F..%2Fb%3Fc"]
