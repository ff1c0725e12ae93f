"""The simulator as a server: restarts, addresses, connections, and a platform that goes on while it is down."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from dialer.clock import Clock
from dialer.errors import UsageError
from dialer.simulator import Simulator, read_rings
from tests.simulator_kit import DIAL, KEY, Hand, dial, number, rules, served

pytestmark = pytest.mark.slow

CHILD = """
import asyncio, sys
from pathlib import Path
from dialer.clock import Clock
from dialer.model import SimulatorRules
from dialer.simulator import Simulator

async def main():
    async with Simulator(SimulatorRules(), Path(sys.argv[1]), Clock()).serve() as url:
        print(url, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.slow
async def test_calls_go_on_while_no_process_runs(tmp_path: Path) -> None:
    hand, path = Hand(), tmp_path / "rings.jsonl"
    async with served(Simulator(rules(concurrent_calls=1), path, hand.clock())) as client:
        first = (await client.post(DIAL, json=dial(number(1), call_id="a"))).json()
    hand.move(2)
    async with served(Simulator(rules(concurrent_calls=1), path, hand.clock())) as client:
        assert (await client.get("/v1/calls/a")).json()["call_status"] == "ongoing"
        full = (await client.post(DIAL, json=dial(number(2)))).json()
        assert full["call_finish_reason"] == "concurrent_call_limit_reached"
    hand.move(3600)
    async with served(Simulator(rules(concurrent_calls=1), path, hand.clock())) as client:
        over = (await client.get("/v1/calls/a")).json()
        assert (over["_id"], over["call_status"]) == (first["_id"], "ended")
        assert (await client.post(DIAL, json=dial(number(1), call_id="a"))).status_code == 409
        assert (await client.post(DIAL, json=dial(number(1), call_id="b"))).status_code == 201
    assert [(ring.call_id, ring.nth, ring.rang) for ring in read_rings(path)] == [
        ("a", 1, True),
        (None, 0, False),
        ("b", 2, True),
    ]


async def test_another_time_scale_leaves_earlier_calls_alone(tmp_path: Path) -> None:
    hand, path = Hand(), tmp_path / "rings.jsonl"
    async with served(Simulator(rules(time_scale=1.0), path, hand.clock())) as client:
        await client.post(DIAL, json=dial(call_id="a"))
    hand.move(2)
    async with served(Simulator(rules(time_scale=1000.0), path, hand.clock())) as client:
        assert (await client.get("/v1/calls/a")).json()["call_status"] == "ongoing"


def test_an_accepted_dial_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "rings.jsonl"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        answers = [httpx.post(url + DIAL, json=dial(number(n)), headers=KEY, trust_env=False) for n in range(3)]
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    assert [ring.platform_id for ring in read_rings(path)] == [answer.json()["_id"] for answer in answers]


async def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use; choose another port"
        with pytest.raises(UsageError, match=sentence):
            await begin(Simulator(rules(), tmp_path / "rings", Clock()), port=port)
    async with Simulator(rules(), tmp_path / "rings", Clock()).serve():  # its lock was given back
        pass


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("256.0.0.1", 0)])
async def test_an_address_that_cannot_be_is_named(tmp_path: Path, host: str, port: int) -> None:
    with pytest.raises(UsageError, match=rf"cannot listen on {re.escape(host)}:{port}: "):
        await begin(Simulator(rules(), tmp_path / "rings", Clock()), host, port)


async def begin(simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> None:
    async with simulator.serve(host, port):
        raise AssertionError("it should not have begun")


async def test_two_simulators_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rings"
    async with Simulator(rules(), path, Clock()).serve():
        with pytest.raises(UsageError, match="another simulator is running"):
            await begin(Simulator(rules(), path, Clock()))


async def test_stopping_does_not_wait_for_idle_connections(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with httpx.AsyncClient(headers=KEY, trust_env=False) as client:
        async with Simulator(rules(), tmp_path / "rings", Clock()).serve() as url:
            await client.get(f"{url}/v1/calls/")
            stopping = loop.time()
        assert loop.time() - stopping < 2
        with pytest.raises(httpx.TransportError):
            await client.get(f"{url}/v1/calls/")


async def test_an_error_within_gives_everything_back(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        async with Simulator(rules(), tmp_path / "rings", Clock()).serve():
            raise KeyError("mine")
    async with Simulator(rules(), tmp_path / "rings", Clock()).serve():
        pass


async def test_signals_stay_with_the_process(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with served(Simulator(rules(), tmp_path / "rings", Clock())) as client:
        await client.get("/v1/calls/")
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_nothing_is_logged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with served(Simulator(rules(), tmp_path / "rings", Clock())) as client:
        await client.post(DIAL, json=dial())
        await client.get("/v1/calls/nobody")
        url = client.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"not http at all\r\n\r\n")
        assert b"400" in await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert capfd.readouterr() == ("", "")


async def test_many_dials_at_once_are_each_written_once(tmp_path: Path) -> None:
    path = tmp_path / "rings"
    busy = rules(concurrent_calls=20, calls_per_second=1000.0)
    async with served(Simulator(busy, path, Clock())) as client:
        answers = await asyncio.gather(*(client.post(DIAL, json=dial(number(n))) for n in range(60)))
    rings = read_rings(path)
    assert sorted(answer.json()["_id"] for answer in answers) == sorted(ring.platform_id for ring in rings)
    assert sum(ring.rang for ring in rings) == 20


async def test_an_answer_waits_for_no_acknowledgement(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with served(Simulator(rules(), tmp_path / "rings", Clock())) as client:
        begun = loop.time()
        for _ in range(50):
            await client.post(DIAL, json={})
        assert loop.time() - begun < 1.8  # with Nagle's algorithm it is 2 s at the least


async def test_a_full_disk_accepts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    async with served(Simulator(rules(), tmp_path / "rings", Clock())) as client:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            refused = await client.post(DIAL, json=dial(call_id="a"))
        again = await client.post(DIAL, json=dial(call_id="a"))
    assert (refused.status_code, refused.json()["error"]) == (500, "not_written")
    assert again.status_code == 201
