"""Over real HTTP: every answer keeps to the contract, and every request that does not is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from dialer.model import Secret
from dialer.simulator import CANARY, Simulator, read_rings
from tests.simulator_kit import DIAL, OWN, REASONS, Hand, breaches, dial, number, rules, served, wrong

pytestmark = pytest.mark.slow

FULL = dial(
    call_id="a" * 128,
    override_ai_agent_id="66f1c0ffee",
    metadata={"dialer_call_id": "x", "crm": "😀 “quoted”"},
    pia_llm_dynamic_data={"name": "Åsa", "n": 3, "amount": 1.5, "deep": {"list": [None, True]}},
)

# name: (body, what the 422 points at)
BAD_DIALS: dict[str, tuple[object, list[str | int]]] = {
    "a list": ([], ["body"]),
    "null": (None, ["body"]),
    "no from": (dial(from_number=...), ["body", "from_number"]),
    "no to": (dial(to_number=...), ["body", "to_number"]),
    "no direction": (dial(direction=...), ["body", "direction"]),
    "to null": (dial(to_number=None), ["body", "to_number"]),
    "to a number": (dial(to_number=12025550123), ["body", "to_number"]),
    "no plus": (dial("12025550123"), ["body", "to_number"]),
    "a zero first": (dial("+02025550123"), ["body", "to_number"]),
    "too short": (dial("+120255"), ["body", "to_number"]),
    "too long": (dial("+1202555012345678"), ["body", "to_number"]),
    "spaces": (dial("+1 202 555 0123"), ["body", "to_number"]),
    "newline": (dial("+12025550123\n"), ["body", "to_number"]),
    "other digits": (dial("+1202555012٣"), ["body", "to_number"]),
    "not ours": (dial(from_number="+14155550199"), ["body", "from_number"]),
    "inbound": (dial(direction="inbound"), ["body", "direction"]),
    "sideways": (dial(direction="Outbound"), ["body", "direction"]),
    "unhashable direction": (dial(direction=["outbound"]), ["body", "direction"]),
    "id empty": (dial(call_id=""), ["body", "call_id"]),
    "id long": (dial(call_id="a" * 129), ["body", "call_id"]),
    "id a number": (dial(call_id=7), ["body", "call_id"]),
    "agent a number": (dial(override_ai_agent_id=7), ["body", "override_ai_agent_id"]),
    "metadata a text": (dial(metadata="x"), ["body", "metadata"]),
    "metadata with a number": (dial(metadata={"a": "b", "n": 1}), ["body", "metadata", "n"]),
    "metadata with null": (dial(metadata={"n": None}), ["body", "metadata", "n"]),
    "data a list": (dial(pia_llm_dynamic_data=[]), ["body", "pia_llm_dynamic_data"]),
    "unknown key": (dial(agent="x"), ["body", "agent"]),
}

BAD_JSON = [
    b"",
    b"{",
    b"{'a': 1}",
    b'{"a": NaN}',
    b'{"a": 1e999}',
    b"\xff",
    b"[" * 100_000,
    b'{"a": ' + b"9" * 9000 + b"}",
]

BAD_QUERIES = {
    "page_size": ["0", "1001", "-1", "ten", "1.5", "", "٣"],
    "page_token": ["", "x", "YXQ6LTE=", "YXQ6MQ"],
    "sort_direction": ["", "up", "DESC"],
    "start_time_after": ["", "yesterday", "2026-11-22T14:00:00", "2026-11-22T14:00:00 00:00", "2026-13-01T00:00:00Z"],
    "end_time_before": ["1763820000"],
}


@pytest.fixture
def simulator(tmp_path: Path) -> Simulator:
    return Simulator(rules(own_numbers=(OWN,)), tmp_path / "rings.jsonl", Hand().clock())


async def test_bad_dials_are_refused_and_leave_no_ring(simulator: Simulator, tmp_path: Path) -> None:
    async with served(simulator) as client:
        client.headers["Content-Type"] = "application/json"
        answers = {name: await client.post(DIAL, content=json.dumps(body)) for name, (body, _) in BAD_DIALS.items()}
    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 422} == {}
    assert {name: found for name, answer in answers.items() if (found := wrong(answer, "HTTPValidationError"))} == {}
    pointed = {name: answer.json()["detail"][0]["loc"] for name, answer in answers.items()}
    assert pointed == {name: loc for name, (_, loc) in BAD_DIALS.items()}
    assert read_rings(tmp_path / "rings.jsonl") == []


async def test_all_faults_of_a_dial_are_told_at_once(simulator: Simulator) -> None:
    async with served(simulator) as client:
        answer = await client.post(DIAL, json={"from_number": 1, "metadata": {"a": 1}, "x": 1})
    named = {tuple(entry["loc"][1:]) for entry in answer.json()["detail"]}
    assert named == {("to_number",), ("direction",), ("x",), ("from_number",), ("metadata", "a")}


async def test_what_is_not_json_is_refused(simulator: Simulator) -> None:
    async with served(simulator) as client:
        typed = {"Content-Type": "application/json; charset=utf-8"}
        answers = [await client.post(DIAL, content=content, headers=typed) for content in BAD_JSON]
        untyped = await client.post(DIAL, content=json.dumps(FULL), headers={"Content-Type": "text/plain"})
        large = await client.post(DIAL, json=dial(pia_llm_dynamic_data={"a": "x" * 1024 * 1024}))
        fitting = await client.post(DIAL, json=dial(pia_llm_dynamic_data={"a": "x" * 1_000_000}))
    assert [answer.status_code for answer in answers] == [422] * len(BAD_JSON)
    assert [wrong(answer, "HTTPValidationError") for answer in answers] == [[]] * len(BAD_JSON)
    assert (untyped.status_code, large.status_code, fitting.status_code) == (415, 413, 201)


async def test_bad_queries_are_refused(simulator: Simulator) -> None:
    async with served(simulator) as client:
        for name, values in BAD_QUERIES.items():
            for value in values:
                answer = await client.get("/v1/calls/", params={name: value})
                assert (name, value, answer.status_code) == (name, value, 422)
                assert wrong(answer, "HTTPValidationError") == []
                assert answer.json()["detail"][0]["loc"] == ["query", name]


async def test_a_key_is_asked_for_everywhere(tmp_path: Path) -> None:
    keyed = Simulator(rules(api_key=Secret("API_made_up")), tmp_path / "keyed", Hand().clock())
    paths = [("POST", DIAL), ("GET", "/v1/calls/"), ("GET", "/v1/calls/abc")]
    refused = [
        "",
        "Bearer",
        "Bearer,API_made_up",
        "Basic API_made_up",
        "bearer API_made_up",
        "Bearer API_made_up2",
        "API_made_up",
    ]
    async with served(keyed) as client:
        for method, path in paths:
            for header in refused:
                answer = await client.request(method, path, headers={"Authorization": header})
                assert (path, header, answer.status_code) == (path, header, 401)
                assert wrong(answer, "app__calls__schemas__ErrorResponse") == []
        assert (await client.post(DIAL, json=FULL)).status_code == 201
    async with served(Simulator(rules(), tmp_path / "open", Hand().clock())) as client:
        assert (await client.get("/v1/calls/")).status_code == 200
        assert (await client.get("/v1/calls/", headers={"Authorization": "Bearer"})).status_code == 401


async def test_paths_are_exact(simulator: Simulator) -> None:
    async with served(simulator) as client:
        moved = [await client.post(f"{DIAL}/", json=FULL), await client.get("/v1/calls?page_size=1")]
        unknown = [
            await client.post("/v1/calls/", json=FULL),
            await client.get("/v2/calls/"),
            await client.delete(DIAL),
        ]
        absent = await client.get("/v1/calls/nobody")
    assert [answer.status_code for answer in moved] == [307, 307]
    assert [httpx.URL(answer.headers["location"]).raw_path.decode() for answer in moved] == [
        DIAL,
        "/v1/calls/?page_size=1",
    ]
    assert [answer.status_code for answer in unknown] == [405, 404, 405]
    assert absent.status_code == 404
    assert [wrong(answer, "app__calls__schemas__ErrorResponse") for answer in [*unknown, absent]] == [[]] * 4


async def test_a_dial_comes_back_as_it_was_sent(simulator: Simulator) -> None:
    async with served(simulator) as client:
        placed = await client.post(DIAL, json=FULL)
        read = await client.get(f"/v1/calls/{placed.json()['_id']}")
    body = placed.json()
    assert (placed.status_code, wrong(placed, "PhoneCallResponse")) == (201, [])
    assert body == read.json()
    assert body["call_status"] == "registered"
    assert body["metadata"] == FULL["metadata"]
    assert body["pia_llm_dynamic_data"] == FULL["pia_llm_dynamic_data"]
    assert body["ai_agent_id"] == body["override_ai_agent_id"] == "66f1c0ffee"
    assert body["access_token"].startswith(CANARY)
    assert "call_id" not in body


async def test_every_reason_at_every_moment_keeps_to_the_contract(tmp_path: Path) -> None:
    hand = Hand()
    people = {number(n): (reason,) for n, reason in enumerate(REASONS)}
    many = rules(script=people, concurrent_calls=len(people))
    names = set()
    async with served(Simulator(many, tmp_path / "rings", hand.clock())) as client:
        for to in people:
            assert wrong(await client.post(DIAL, json=dial(to)), "PhoneCallResponse") == []
        for seconds in (0, 0.5, 0.5, 1, 5, 20, 60, 3600):
            hand.move(seconds)
            page: dict[str, Any] = (await client.get("/v1/calls/")).json()
            assert [found for call in page["calls"] if (found := breaches(call, "PhoneCallResponse"))] == []
            names |= {call["call_status"] for call in page["calls"]}
    assert names == {"registered", "ongoing", "ended", "error"}
    assert {call["to_number"]: (call["call_finish_reason"],) for call in page["calls"]} == people


async def test_the_contract_judge_sees_faults() -> None:
    good = {"call_status": "ended", "from_number": OWN, "to_number": OWN, "direction": "outbound"}
    assert breaches(good, "PhoneCallResponse") == []
    for change in ({"call_status": "over"}, {"call_start_time": "noon"}, {"metadata": {"a": 1}}, {"direction": None}):
        assert breaches({**good, **change}, "PhoneCallResponse") != []
