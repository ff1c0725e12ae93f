"""Webhooks of the simulated platform, carried out: real subscribers on real sockets, restarts, and what goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from dialer.clock import Clock
from dialer.errors import UsageError
from dialer.model import Secret, SimulatorRules
from dialer.simulator import Simulator, read_rings
from tests.command_line import TEXT, campaign, told
from tests.raw_platform import Caller, Sent, http, raw_platform
from tests.simulator_kit import DIAL, START, Hand, dial, number, rules, served

pytestmark = pytest.mark.slow  # whole runs, one after the other

ONE = "/v1/public/webhook/subscription"
EVERY = f"{ONE}s"
STARTED, ENDED, ANALYSED = "CallHandler.CallStarted", "CallHandler.CallEnded", "callAnalysis.pcaCompleted"
OK = http("204 No Content")


def quick(**changes: Any) -> SimulatorRules:
    """Calls of a tenth of a second; their analysis follows within a thirtieth."""
    return rules(**{"time_scale": 1000.0, "calls_per_second": 1000.0, **changes})


class Mailbox:
    """A subscriber: what it was sent, to be waited for; it answers in turn as it is told, then always with a 204."""

    def __init__(self, *answers: bytes | None) -> None:
        self._answers = list(answers)
        self._sent: asyncio.Queue[Sent] = asyncio.Queue()
        self.url = ""

    async def script(self, caller: Caller) -> None:
        while True:
            self._sent.put_nowait(await caller.request())
            answer = self._answers.pop(0) if self._answers else OK
            if answer is None:
                caller.reset()
                return
            await caller.write(answer)

    async def next(self) -> Sent:
        """The next delivery, or a failure of the test."""
        async with asyncio.timeout(10):
            return await self._sent.get()

    async def several(self, count: int) -> list[Sent]:
        return [await self.next() for _ in range(count)]

    def so_far(self) -> int:
        return self._sent.qsize()


@contextlib.asynccontextmanager
async def mailbox(*answers: bytes | None) -> AsyncIterator[Mailbox]:
    box = Mailbox(*answers)
    async with raw_platform(box.script) as there:
        box.url = f"{there.url}/hooks"
        yield box


async def subscribe(client: httpx.AsyncClient, url: str, **changes: Any) -> dict[str, Any]:
    body = {"name": "mine", "url": url, "enable_signed_webhooks": True, **changes}
    answer = await client.post(ONE, json=body)
    assert answer.status_code == 201, answer.text
    record: dict[str, Any] = answer.json()
    return record


def signed_by(sent: Sent, secret: str) -> bool:
    """Whether one of a delivery's signatures was made with the secret."""
    (stamp,), (header,) = sent.header("X-Webhook-Timestamp"), sent.header("X-Webhook-Signature")
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + sent.body, hashlib.sha256).hexdigest()
    return f"v1={digest}" in header.split(",")


def event(sent: Sent) -> str:
    body = json.loads(sent.body)
    assert sent.header("X-Webhook-Event") == [body["eventName"]]
    assert sent.header("X-Webhook-Traceid") == [body["traceId"]]
    assert (sent.method, sent.header("Content-Type")) == ("POST", ["application/json"])
    return str(body["eventName"])


# --- the endpoints -----------------------------------------------------------------------------------


async def test_the_life_of_a_subscription(tmp_path: Path) -> None:
    async with served(Simulator(quick(), tmp_path / "rings", Clock())) as client:
        made = await subscribe(client, "http://127.0.0.1:9/a")
        one = f"{ONE}/{made['_id']}"
        rotated = await client.post(f"{one}/rotate/secret")
        put = await client.put(
            one, json={"name": "other", "url": "http://127.0.0.1:9/b", "enable_signed_webhooks": False}
        )
        listed = (await client.get(EVERY, params={"page_size": 100})).json()
        gone = await client.delete(one)
        left = (await client.get(EVERY, params={"page_size": 1})).json()
        again = await client.delete(one)
    assert (rotated.status_code, put.status_code, gone.status_code, again.status_code) == (200, 200, 204, 404)
    assert gone.content == b""
    assert listed == {"subscriptions": [put.json()], "next_page_token": None, "total_count": 1}
    assert (put.json()["url"], "secret" in put.json()) == ("http://127.0.0.1:9/b", False)
    assert left == {"subscriptions": [], "next_page_token": None, "total_count": 0}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ONE),
        ("GET", f"{EVERY}?page_size=1"),
        ("PUT", f"{ONE}/a"),
        ("DELETE", f"{ONE}/a"),
        ("POST", f"{ONE}/a/rotate/secret"),
    ],
)
async def test_they_want_the_key(tmp_path: Path, method: str, path: str) -> None:
    simulator = Simulator(quick(api_key=Secret("API_right")), tmp_path / "rings", Clock())
    async with served(simulator) as client:
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer API_wrong"}):
            refused = await client.request(method, path, json={}, headers=headers)
            assert (refused.status_code, set(refused.json())) == (401, {"error", "message"})
        right = await client.request(method, path, json={}, headers={"Authorization": "Bearer API_right"})
        assert right.status_code in (200, 404, 422)


async def test_requests_that_cannot_be_taken(tmp_path: Path) -> None:
    async with served(Simulator(quick(), tmp_path / "rings", Clock())) as client:
        answers = [
            await client.get(EVERY),
            await client.get(EVERY, params={"page_size": 101}),
            await client.post(ONE, content=b"{", headers={"Content-Type": "application/json"}),
            await client.post(ONE, content=b"{}", headers={"Content-Type": "text/plain"}),
            await client.post(ONE, json={"name": "x" * 2**20}),
            await client.post(ONE, json={}),
            await client.get(f"{ONE}/a"),
            await client.patch(f"{ONE}/a", json={}),
        ]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 415, 413, 422, 405, 405]


# --- deliveries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["platform", "custom"])
async def test_a_call_is_told_from_start_to_analysis(tmp_path: Path, which: str) -> None:
    async with mailbox() as box, served(Simulator(quick(webhook_id=which), tmp_path / "rings", Clock())) as client:
        secret = (await subscribe(client, box.url, headers={"X-Mine": "yes"}))["secret"]
        placed = (await client.post(DIAL, json=dial(call_id="ours"))).json()
        sent = await box.several(3)
    assert [event(one) for one in sent] == [STARTED, ENDED, ANALYSED]
    assert all(signed_by(one, secret) and not signed_by(one, secret + "x") for one in sent)
    assert all((one.target, one.header("X-Mine")) == ("/hooks", ["yes"]) for one in sent)
    carried = {json.loads(one.body)["payload"]["call_id"] for one in sent}
    assert carried == {placed["_id"] if which == "platform" else "ours"}


async def test_each_is_told_what_it_asked_for(tmp_path: Path) -> None:
    async with (
        mailbox() as ends,
        mailbox() as starts,
        mailbox() as theirs,
        mailbox() as all_of_it,
        served(Simulator(quick(), tmp_path / "rings", Clock())) as client,
    ):
        await subscribe(client, ends.url, events=[ENDED], enable_signed_webhooks=False)
        await subscribe(client, starts.url, events=[STARTED])
        await subscribe(client, theirs.url, agent_ids=["another"])
        await subscribe(client, all_of_it.url)
        await client.post(DIAL, json=dial(override_ai_agent_id="mine"))
        assert [event(one) for one in await all_of_it.several(3)] == [STARTED, ENDED, ANALYSED]
        end, start = await ends.next(), await starts.next()
        assert (event(end), end.header("X-Webhook-Signature")) == (ENDED, [])
        assert (event(start), len(start.header("X-Webhook-Signature"))) == (STARTED, 1)
        assert (ends.so_far(), starts.so_far(), theirs.so_far()) == (0, 0, 0)


async def test_both_secrets_sign_after_a_rotation(tmp_path: Path) -> None:
    async with mailbox() as box, served(Simulator(quick(), tmp_path / "rings", Clock())) as client:
        made = await subscribe(client, box.url)
        new = (await client.post(f"{ONE}/{made['_id']}/rotate/secret")).json()["secret"]
        await client.post(DIAL, json=dial())
        sent = await box.next()
    assert signed_by(sent, made["secret"])
    assert signed_by(sent, new)


@pytest.mark.parametrize(
    "failure",
    [
        http("500 Internal Server Error"),
        http("404 Not Found"),
        http("302 Found", b"", "Location: /elsewhere"),
        b"nonsense\r\n\r\n",
        None,  # a reset
    ],
    ids=["500", "404", "302", "nonsense", "reset"],
)
async def test_it_is_tried_again_until_it_is_taken(tmp_path: Path, failure: bytes | None) -> None:
    async with (
        mailbox(failure, failure) as box,
        served(Simulator(quick(script={number(1): ("no_answer",)}), tmp_path / "rings", Clock())) as client,
    ):
        secret = (await subscribe(client, box.url, events=[ENDED]))["secret"]
        await client.post(DIAL, json=dial(number(1)))
        tries = await box.several(3)
        assert {one.target for one in tries} == {"/hooks"}
        assert len({one.body for one in tries}) == 1
        assert len({tuple(one.header("X-Webhook-Timestamp")) for one in tries}) == 3
        assert all(signed_by(one, secret) for one in tries)
        await client.post(DIAL, json=dial(number(1)))
        assert (await box.next()).body != tries[0].body  # the next call's: the one before is over


async def test_it_is_given_up_after_five_tries(tmp_path: Path) -> None:
    failing = [http("503 Service Unavailable")] * 5
    async with mailbox(*failing) as box, served(Simulator(quick(), tmp_path / "rings", Clock())) as client:
        await subscribe(client, box.url, events=[ENDED])
        await client.post(DIAL, json=dial(number(1)))
        first = await box.several(5)
        await client.post(DIAL, json=dial(number(2)))
        second = await box.next()
        assert len({one.body for one in first}) == 1
        assert second.body != first[0].body
        assert box.so_far() == 0


async def test_one_that_cannot_be_reached_holds_nobody_up(tmp_path: Path) -> None:
    async with mailbox() as box, served(Simulator(quick(), tmp_path / "rings", Clock())) as client:
        for url in ("http://127.0.0.1:1/", "http://nobody.invalid/", "http://a..b/", "http://[::ffff:0:0:1]:1/"):
            await subscribe(client, url)
        await subscribe(client, box.url)
        await client.post(DIAL, json=dial())
        assert [event(one) for one in await box.several(3)] == [STARTED, ENDED, ANALYSED]


async def test_whoever_was_removed_is_told_nothing_more(tmp_path: Path) -> None:
    failing = [http("503 Service Unavailable")] * 3
    async with (
        mailbox(*failing) as box,
        mailbox() as other,
        served(Simulator(quick(), tmp_path / "rings", Clock())) as client,
    ):
        made = await subscribe(client, box.url)
        await client.post(DIAL, json=dial(number(1)))
        await box.next()
        await client.delete(f"{ONE}/{made['_id']}")
        await subscribe(client, other.url, events=[ANALYSED])
        await client.post(DIAL, json=dial(number(2)))
        await other.next()
        before = box.so_far()
        await client.post(DIAL, json=dial(number(3)))
        await other.next()
        assert box.so_far() == before <= 1


async def test_repeats_carry_the_same_trace(tmp_path: Path) -> None:
    async with mailbox() as box, served(Simulator(quick(webhook_repeats=1.0), tmp_path / "rings", Clock())) as client:
        await subscribe(client, box.url)
        await client.post(DIAL, json=dial())
        sent = await box.several(6)
    assert len({one.body for one in sent}) == 3
    assert sorted(map(event, sent)) == sorted([STARTED, ENDED, ANALYSED] * 2)


async def test_earlier_calls_are_not_told_to_a_new_subscriber(tmp_path: Path) -> None:
    hand, path = Hand(), tmp_path / "rings"
    async with mailbox() as box, served(Simulator(rules(), path, hand.clock())) as client:
        await client.post(DIAL, json=dial(number(1)))
        hand.move(3600)
        await subscribe(client, box.url)
        placed = (await client.post(DIAL, json=dial(number(2)))).json()
        hand.move(3600)
        sent = await box.several(3)
        assert {json.loads(one.body)["payload"]["call_id"] for one in sent} == {placed["_id"]}
        assert box.so_far() == 0


# --- restarts and the file ---------------------------------------------------------------------------


async def test_subscriptions_and_what_is_due_survive_a_restart(tmp_path: Path) -> None:
    hand, path = Hand(), tmp_path / "rings"
    file = tmp_path / "rings.webhooks.json"
    async with mailbox() as box:
        async with served(Simulator(rules(), path, hand.clock())) as client:
            assert not file.exists()
            secret = (await subscribe(client, box.url))["secret"]
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            placed = (await client.post(DIAL, json=dial())).json()
            hand.move(2)
            assert event(await box.next()) == STARTED
        hand.move(600)  # it ends while no process runs
        async with served(Simulator(rules(), path, hand.clock())) as client:
            late = await box.several(2)
            assert [event(one) for one in late] == [ENDED, ANALYSED]
            assert all(signed_by(one, secret) for one in late)
            record = (await client.get(f"/v1/calls/{placed['_id']}")).json()
            ended = json.loads(late[0].body)["timestamp"]
            assert ended == int(read_rings(path)[0].over_at)
            assert record["call_status"] == "ended"
            assert (await client.get(EVERY, params={"page_size": 9})).json()["total_count"] == 1
        hand.move(600)
        async with served(Simulator(rules(), path, hand.clock())) as client:
            await client.post(DIAL, json=dial(number(2)))
            hand.move(3)
            assert json.loads((await box.next()).body)["payload"]["call_id"] != placed["_id"]  # nothing told twice
        assert [name for name in os.listdir(tmp_path) if name.endswith(".tmp")] == []


async def test_what_was_under_way_at_the_end_is_begun_anew(tmp_path: Path) -> None:
    hand, path = Hand(), tmp_path / "rings"
    refusing = [http("503 Service Unavailable")]
    async with mailbox(*refusing) as box:
        async with served(Simulator(rules(), path, hand.clock())) as client:
            await subscribe(client, box.url, events=[STARTED])
            await client.post(DIAL, json=dial())
            hand.move(5)
            first = await box.next()
        hand.move(60)
        async with served(Simulator(rules(), path, hand.clock())):
            again = await box.next()
    assert again.body == first.body
    assert again.header("X-Webhook-Timestamp") != first.header("X-Webhook-Timestamp")


async def test_a_killed_simulator_repeats_little(tmp_path: Path) -> None:
    hand = Hand()
    file = tmp_path / "rings.webhooks.json"

    def noted() -> float:
        return float(json.loads(file.read_bytes())["delivered_until"]) - START.timestamp()

    async with mailbox() as box, served(Simulator(rules(), tmp_path / "rings", hand.clock())) as client:
        await subscribe(client, box.url)
        await client.post(DIAL, json=dial(number(1)))
        hand.move(3600)
        await client.post(DIAL, json=dial(number(2)))  # it looks again with each ring
        await box.several(3)
        hand.move(3)
        await client.post(DIAL, json=dial(number(3)))
        await client.get("/v1/calls/")
        assert 3600 <= noted() <= 3603  # not beyond what is under way or to come


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b'{"subscriptions": [{}], "delivered_until": 1}',
        b'{"subscriptions": []}',
        b"\xff",
    ],
)
async def test_a_file_that_does_not_read_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rings.webhooks.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"rings\.webhooks\.json does not read; move it away and subscribe again"):
        async with Simulator(quick(), tmp_path / "rings", Clock()).serve():
            raise AssertionError("it should not have begun")
    (tmp_path / "rings.webhooks.json").unlink()
    (tmp_path / "rings.webhooks.json").mkdir()
    with pytest.raises(UsageError, match=r"cannot read the simulator's webhooks file .*: Is a directory"):
        async with Simulator(quick(), tmp_path / "rings", Clock()).serve():
            raise AssertionError("it should not have begun")


async def test_a_disk_that_refuses_accepts_no_subscription(tmp_path: Path) -> None:
    (tmp_path / "rings.webhooks.json.tmp").mkdir()
    async with served(Simulator(quick(), tmp_path / "rings", Clock())) as client:
        body = {"name": "mine", "url": "http://127.0.0.1:9/", "enable_signed_webhooks": True}
        refused = await client.post(ONE, json=body)
        assert (refused.status_code, refused.json()["error"]) == (500, "not_written")
        assert (await client.get(EVERY, params={"page_size": 1})).json()["total_count"] == 0
        (tmp_path / "rings.webhooks.json.tmp").rmdir()
        assert (await client.post(ONE, json=body)).status_code == 201


async def test_nothing_is_said_on_the_way(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with mailbox(None) as box, served(Simulator(quick(), tmp_path / "rings", Clock())) as client:
        await subscribe(client, box.url)
        await client.post(DIAL, json=dial())
        await box.several(4)
    assert capfd.readouterr() == ("", "")


# --- inside a run, and on the command line -----------------------------------------------------------


@contextlib.contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """A subscriber in a thread; its address, and the events that it was told of."""
    heard: list[str] = []

    class Subscriber(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(self.headers["X-Webhook-Event"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Subscriber) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", heard
        finally:
            server.shutdown()
            thread.join(10)


async def _subscribed(rings: Path, url: str) -> None:
    async with served(Simulator(quick(), rings, Clock())) as client:
        await subscribe(client, url)


def test_the_simulator_within_a_run_tells_its_subscribers_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path, text=TEXT)
    with listening() as (url, heard):
        asyncio.run(_subscribed(tmp_path / "dialer.db.rings.jsonl", url))
        assert told(capsys, "run", path).code == 0
    assert (heard.count(STARTED), heard.count(ENDED)) == (3, 3)


def test_the_command_refuses_words_that_mean_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for option, word, sentence in (
        ("--webhook-id", "both", "--webhook-id: 'both' is not custom or platform"),
        ("--webhook-calls", "none", "--webhook-calls: 'none' is not all or connected"),
        ("--webhook-encoding", "hexx", "--webhook-encoding: 'hexx' is not hex or base64"),
    ):
        ended = told(capsys, "simulator", "--port", "0", option, word)
        assert (ended.code, sentence in ended.said) == (2, True)
