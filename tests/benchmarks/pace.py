"""Calls per second: whether the set rate holds over every second, and how much of it is used while there is work.

The moment that counts is the send: right before the request is handed to the HTTP client. When the requests came in at
a server in a process of its own is shown beside it; what lies between the two is not the pace's to decide.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import floor
from pathlib import Path

from dialer import config
from dialer.clock import Clock
from dialer.console import choose
from dialer.model import Answer, DialRequest
from dialer.pace import Pace
from dialer.runner import Options
from dialer.runner import run as run_campaigns
from dialer.verbex import Client
from tests.benchmarks.bare_loop import write_list
from tests.benchmarks.kit import How, Line, pinned
from tests.benchmarks.server import Platform, serve
from tests.pace_kit import mean_rate, most_in_a_second

LINES = 200
WRITTEN_IN = 0.003
"""Seconds between a turn and its send, where nothing but the pace is measured: about what an intent takes."""

SLOW = (0.2, 1.0, 10.0)
FAST = (100.0, 500.0)


def measure(how: How) -> list[Line]:
    """The pace alone at each rate, then real runs over a real ledger."""
    if how.quick:
        return [*_alone((10.0,), 4.0), *_alone_by_turns(FAST, 2.0), *(_run(how, rate, 3.0) for rate in FAST)]
    runs = [_run(how, rate, seconds) for rate, seconds in ((1.0, 15.0), (10.0, 15.0), (100.0, 15.0), (500.0, 15.0))]
    return [*_alone(SLOW, 60.0), *_alone_by_turns(FAST, 15.0), *runs]


def _line(what: str, rate: float, sent: list[float], note: str = "") -> Line:
    most, share = most_in_a_second(sent), mean_rate(sent) / rate
    return Line(
        what=f"{what}, {rate:g} a second",
        against="the set rate",
        goal=f"at most {floor(rate) + 1} in any second, mean ≥ 0.98",
        measured=f"at most {most}, mean {share:.3f}",
        holds=most <= rate + 1 and share >= 0.98,
        note=note,
    )


# --- the pace alone ------------------------------------------------------------------------------


def _alone(rates: tuple[float, ...], seconds: float) -> list[Line]:
    """Several at the same time: they leave the loop idle nearly always."""

    async def all_of_them() -> list[list[float]]:
        return await asyncio.gather(*(_sent(rate, seconds) for rate in rates))

    found = asyncio.run(all_of_them())
    return [_line("turn and spread alone", rate, sent) for rate, sent in zip(rates, found, strict=True)]


def _alone_by_turns(rates: tuple[float, ...], seconds: float) -> list[Line]:
    return [line for rate in rates for line in _alone((rate,), seconds)]


async def _sent(rate: float, seconds: float) -> list[float]:
    pace, sent = Pace(rate, time.monotonic), list[float]()

    async def send() -> None:
        await asyncio.sleep(WRITTEN_IN)
        await pace.spread()
        sent.append(time.monotonic())

    ends = time.monotonic() + seconds
    async with asyncio.TaskGroup() as sends:
        while time.monotonic() < ends:
            await pace.turn()
            sends.create_task(send())
    return sent


# --- real runs -----------------------------------------------------------------------------------

_CAMPAIGN = """\
name: paced
contacts: {{file: people.csv}}
call: {{from: "+14155550100"}}
platform: {{url: "{url}", api_key: API_made_up}}
pace: {{calls_per_second: {rate:g}, concurrent_calls: {lines}}}
hours: always
rules: none
ledger: paced.db
"""


def _run(how: How, rate: float, seconds: float) -> Line:
    """A run of `dialer` in this process, over a synced ledger; the server in another one, on another core."""
    folder = how.folder / f"{rate:g}"
    folder.mkdir()
    people = floor(rate * seconds) + 1
    write_list(folder / "people.csv", people)
    came = folder / "came.json"
    with _server(came) as url:
        path = folder / "campaign.yaml"
        path.write_text(_CAMPAIGN.format(url=url, rate=rate, lines=LINES))
        began = time.process_time()
        sent = _run_of(path)
        cpu = time.process_time() - began
    if len(sent) != people:
        raise AssertionError(f"{len(sent)} of {people} were dialled")
    arrived = json.loads(came.read_text())
    note = (
        f"came in at the server: at most {most_in_a_second(arrived)} in a second; "
        f"the run used {cpu / (sent[-1] - sent[0]):.0%} of a core"
    )
    return _line("a real run", rate, sent, note)


def _run_of(path: Path) -> list[float]:
    campaign = config.load(path, os.environ)
    console = choose(io.StringIO(), log_format="text", quiet=True, is_terminal=False, now=Clock().now)
    with _noting_sends() as sent, pinned(0):
        asyncio.run(run_campaigns([campaign], Options(), console, Clock()))
    return sent


@contextlib.contextmanager
def _noting_sends() -> Iterator[list[float]]:
    """The moments at which dials are handed to the HTTP client."""
    sent: list[float] = []
    dial: Callable[[Client, DialRequest, bytes], object] = Client.dial

    async def noted(client: Client, request: DialRequest, content: bytes = b"") -> Answer:
        sent.append(time.monotonic())
        return await dial(client, request, content)  # type: ignore[misc,no-any-return]

    Client.dial = noted  # type: ignore[method-assign,assignment]
    try:
        yield sent
    finally:
        Client.dial = dial  # type: ignore[method-assign,assignment]


# --- the server ----------------------------------------------------------------------------------


@dataclass
class _Noting(Platform):
    """Notes when each dial came in. The clock is one for all processes of a machine."""

    came: list[float] = field(default_factory=list)

    def dial(self, body: bytes, now: float) -> bytes:
        self.came.append(time.monotonic())
        return super().dial(body, now)


@contextlib.contextmanager
def _server(came: Path) -> Iterator[str]:
    """The server in a process of its own; when it has ended, `came` holds the moments at which dials came in."""
    command = [sys.executable, "-m", "tests.benchmarks.pace", str(came)]
    with pinned(1), subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


def _serve(came: Path) -> None:
    platform = _Noting(answers_after=0.0, calls_last=0.0)
    asyncio.run(serve(platform))
    came.write_text(json.dumps(platform.came))


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
