"""The order of what a process asks of the system, read from strace: is each intent on disk before its POST leaves?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.kit import ROOT, World

_CALLS = "fdatasync,fsync,pwrite64,pwritev,write,writev,sendto,sendmsg"
_WHOLE = 1_000_000
"""Bytes of each argument that are shown: more than a page of the ledger, and more than any dial."""

_LINE = re.compile(r"(?P<pid>\d+) +(?P<rest>.*)")
_BEGUN = re.compile(r"(?P<call>\w+)\((?P<arguments>.*?)(?P<cut> <unfinished \.\.\.>)?$", re.DOTALL)
_RESUMED = re.compile(r"<\.\.\. (?P<call>\w+) resumed>.*\) += (?P<result>-?\d+)")
_ENDED = re.compile(r"\) += (?P<result>-?\d+)")
_CALL_ID = re.compile(r'call_id\\":\s?\\"(?P<id>[a-z2-7]{32})\\"')
_SOCKET = re.compile(r"\d+<(?:socket|TCP)")
_POST = "POST /v1/calls/"


@dataclass(slots=True)
class Asked:
    """One system call: when it was asked for and when it was done, as places in the trace (-1: never, or in vain)."""

    call: str
    arguments: str
    begun: int
    done: int = -1

    @property
    def is_of_wal(self) -> bool:
        return "-wal>" in self.arguments.partition(",")[0]


def traced(world: World, *arguments: str | Path, program: Sequence[str] = ("-m", "dialer")) -> list[Asked]:
    """Run a command under strace; skipped where that is absent or may not trace. The command must end well."""
    _check_may_trace()
    trace = world.folder / "trace"
    strace = ["strace", "-f", "-y", "-s", str(_WHOLE), "-e", f"trace={_CALLS}", "-o", str(trace)]
    command = [*strace, sys.executable, *program, *map(str, arguments)]
    environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **world.environ}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=world.folder, timeout=120)
    assert done.returncode == 0, done.stderr
    return read(trace.read_text("utf-8", "replace").splitlines())


def _check_may_trace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: the order of fsync and send was not checked")
    tried = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"strace may not trace here ({tried.stderr.strip()}): the order of fsync and send was not checked")


def read(lines: Iterable[str]) -> list[Asked]:
    """The system calls of a trace, those that were cut in two put together again."""
    found: list[Asked] = []
    open_calls: dict[str, Asked] = {}
    for place, line in enumerate(lines):
        if (parts := _LINE.match(line)) is None:
            continue
        pid, rest = parts["pid"], parts["rest"]
        if (resumed := _RESUMED.match(rest)) is not None:
            _end(open_calls.pop(pid), place, int(resumed["result"]))
        elif (begun := _BEGUN.match(rest)) is not None:
            asked = Asked(begun["call"], begun["arguments"], place)
            found.append(asked)
            if begun["cut"]:
                open_calls[pid] = asked
            elif (ended := _ENDED.search(rest, rest.rindex(")"))) is not None:
                _end(asked, place, int(ended["result"]))
    return found


def _end(asked: Asked, place: int, result: int) -> None:
    if result >= 0:
        asked.done = place


@dataclass(frozen=True, slots=True)
class Post:
    """A dial on the wire: the place of its first byte in the trace."""

    call_id: str
    first_byte: int


def posts(trace: Sequence[Asked]) -> Iterator[Post]:
    """The dials, in order; one may be sent in several pieces."""
    begun: dict[str, int] = {}
    for asked in trace:
        socket = asked.arguments.partition(",")[0]
        if _SOCKET.match(socket) is None:
            continue
        if _POST in asked.arguments:
            begun[socket] = asked.begun
        if socket in begun and (named := _CALL_ID.search(asked.arguments)) is not None:
            yield Post(named["id"], begun.pop(socket))


def too_early(trace: Sequence[Asked]) -> list[str]:
    """The call ids of the dials whose intent was not on disk when their first byte left, in the order of sending.

    An intent is on disk when, after the write-ahead log was written with its call id, a sync of the log was asked for
    and done. A dial that is sent again under its id needs an intent of its own.
    """
    found: list[str] = []
    last: dict[str, int] = {}
    for post in posts(trace):
        since = last.get(post.call_id, -1)
        if not _is_on_disk(trace, post, since):
            found.append(post.call_id)
        last[post.call_id] = post.first_byte
    return found


def _is_on_disk(trace: Sequence[Asked], post: Post, since: int) -> bool:
    logged = next((one.done for one in trace if one.begun > since and _writes(one, post.call_id)), None)
    if logged is None or logged < 0:
        return False
    return any(
        one.call in ("fdatasync", "fsync") and one.is_of_wal and logged < one.begun and 0 <= one.done < post.first_byte
        for one in trace
    )


def _writes(one: Asked, call_id: str) -> bool:
    return one.call.startswith("pwrite") and one.is_of_wal and call_id in one.arguments
