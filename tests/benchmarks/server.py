"""A platform that costs as little as it can: `python -m tests.benchmarks.server [--answers-after S] [--calls-last S]`.

It reads each request whole, echoes its numbers, call id and metadata in a record of the contract, and shows its calls
in a list, newest first. It checks nothing, knows no limits and keeps nothing on disk: it is there to be faster than
whoever dials it. It prints its address, and ends when its input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from tests.benchmarks.kit import pinned

CALLS = "/v1/calls/"
_KEPT = 5_000
"""So many calls the list shows, the newest; more than may be live at once."""

_TALK = [
    {"role": "agent", "content": "Good morning, this is a call about your appointment on Friday at three."},
    {"role": "user", "content": "Yes, I will be there. Thank you."},
]


@dataclass
class Platform:
    """The calls that were dialled; seconds are those of the event loop. Calls last 0.2 to 1.8 times `calls_last`."""

    answers_after: float
    calls_last: float
    dice: random.Random = field(default_factory=lambda: random.Random(4711))
    calls: deque[tuple[float, bytes, bytes]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """When each ends, and its record before and after that."""
    by_id: dict[str, tuple[float, bytes, bytes]] = field(default_factory=dict)

    def dial(self, body: bytes, now: float) -> bytes:
        """Take a dial; the answer's body."""
        seconds = self.calls_last * self.dice.uniform(0.2, 1.8)
        asked = json.loads(body)
        live, over = _records(asked, seconds)
        self.calls.append((now + seconds, live, over))
        self.by_id[asked["call_id"]] = self.calls[-1]
        return live if self.calls_last else over

    def get(self, path: str, now: float) -> bytes | None:
        """One call by our own id; None if there is none."""
        found = self.by_id.get(path.rpartition("/")[2])
        return None if found is None else found[2] if found[0] <= now else found[1]

    def list(self, query: str, now: float) -> bytes:
        """A page of the list; its token is how many calls were passed over."""
        asked = dict(parse_qsl(query))
        size, begin = int(asked.get("page_size", "100")), int(asked.get("page_token", "0"))
        calls = list(self.calls)[::-1][begin : begin + size]
        token = f'"{begin + size}"' if begin + size < len(self.calls) else "null"
        page = b",".join(over if ends <= now else live for ends, live, over in calls)
        return b'{"calls":[' + page + b'],"next_page_token":' + token.encode() + b"}"


def _records(asked: dict[str, Any], seconds: float) -> tuple[bytes, bytes]:
    started = datetime.now(UTC)
    record = {
        "_id": os.urandom(12).hex(),
        "ai_agent_id": "66f1c0ffee",
        "call_id": asked["call_id"],
        "call_status": "in_progress",
        "call_type": "phone_call",
        "direction": "outbound",
        "from_number": asked["from_number"],
        "to_number": asked["to_number"],
        "metadata": asked["metadata"],
        "pia_llm_dynamic_data": asked.get("pia_llm_dynamic_data"),
        "call_start_time": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    over = record | {
        "call_status": "ended",
        "call_finish_reason": "agent_ended_call",
        "call_duration_seconds": max(1, round(seconds)),
        "call_end_time": datetime.fromtimestamp(started.timestamp() + seconds, UTC).isoformat(timespec="milliseconds"),
        "messages": _TALK,
    }
    return json.dumps(record).encode(), json.dumps(over).encode()


class Connection(asyncio.Protocol):
    """One connection, its requests one after the other."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._loop = asyncio.get_running_loop()
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        while (end := self._came.find(b"\r\n\r\n") + 4) > 3:
            head = self._came[:end]
            whole = end + _length(head)
            if len(self._came) < whole:
                return
            body, self._came = self._came[end:whole], self._came[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        target = head.split(b" ", 2)[1].decode()
        if head.startswith(b"POST"):
            answer = _http(b"201 Created", self._platform.dial(body, self._loop.time()))
            if self._platform.answers_after:
                self._loop.call_later(self._platform.answers_after, self._send, answer)
                return
        else:
            answer = self._read(*target.partition("?")[::2])
        self._send(answer)

    def _read(self, path: str, query: str) -> bytes:
        now = self._loop.time()
        if path == CALLS:
            return _http(b"200 OK", self._platform.list(query, now))
        found = self._platform.get(path, now)
        return _http(b"404 Not Found", b"{}") if found is None else _http(b"200 OK", found)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 : head.index(b"\r", at)]) if at >= 0 else 0


def _http(status: bytes, body: bytes) -> bytes:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()).encode()
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nDate: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        date,
        len(body),
        body,
    )


async def serve(platform: Platform) -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(platform), "127.0.0.1", 0, backlog=2048)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@contextlib.contextmanager
def served(*, answers_after: float = 0.0, calls_last: float = 0.0, core: int = 0) -> Iterator[str]:
    """The server in a process of its own, on a core of its own; gives its URL."""
    command = [sys.executable, "-m", "tests.benchmarks.server"]
    command += ["--answers-after", str(answers_after), "--calls-last", str(calls_last)]
    with pinned(core):
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers-after", type=float, default=0.0, help="seconds that the answer to a dial takes")
    parser.add_argument(
        "--calls-last", type=float, default=0.0, help="mean seconds of a call; 0: the answer says ended"
    )
    asked = parser.parse_args()
    asyncio.run(serve(Platform(asked.answers_after, asked.calls_last)))


if __name__ == "__main__":
    main()
