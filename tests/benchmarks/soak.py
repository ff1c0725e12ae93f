"""Ten minutes at 300 lines: the real command against the simulated platform, two processes, looked at from outside.

Every five seconds: memory, descriptors and threads of the command, and the size of the WAL. `--quick` is a short one,
to see that it works. It needs the /proc of Linux.
"""

from __future__ import annotations

import contextlib
import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dialer.simulator import read_rings
from tests.benchmarks.bare_loop import number
from tests.benchmarks.kit import MEGABYTE, How, Line, Missing, megabytes, status_of

ROOT = Path(__file__).parents[2]

CAMPAIGN = """\
name: soak
contacts: {{file: people.csv, id: id}}
call: {{from: ["+14155550100"], data: [name], metadata: [id]}}
platform: {{url: "{url}", api_key: "${{VERBEX_API_KEY}}"}}
pace: {{calls_per_second: 100, concurrent_calls: {lines}}}
retry: {{attempts: 3, unreached: 90s, machine: 90s, not_connected: 90s, platform_failed: 90s}}
ledger: soak.db
"""

PAGE_CACHE = 32 * 1024 * 1024
"""Bytes of the ledger that its connection keeps in memory: so much may come to memory while a ledger grows."""

MOST_GROWTH = PAGE_CACHE + 8 * MEGABYTE
CHECKPOINT = 4000 * 4096
"""Bytes of the WAL at which the one writer brings them into the ledger."""

MOST_MORE_WAL = 8 * MEGABYTE
MOST_MORE = 10
"""Descriptors, or threads: connections come and go with the dials of a moment; thousands of calls do not add up."""


@dataclass(frozen=True)
class Size:
    """Lines, mean seconds of a talk where time goes three times as fast, people; real seconds of it all, and so on."""

    lines: int
    talk: float
    people: int
    seconds: float
    every: float
    warm: float


FULL = Size(lines=300, talk=20.0, people=60_000, seconds=600.0, every=5.0, warm=120.0)
QUICK = Size(lines=50, talk=5.0, people=3_000, seconds=20.0, every=1.0, warm=8.0)


@dataclass(frozen=True)
class Look:
    """What the command held at a second of the run; sizes in bytes."""

    at: float
    resident: int
    descriptors: int
    threads: int
    wal: int


def measure(how: How) -> list[Line]:
    """One run, and what became of it."""
    if not Path("/proc/self/fd").exists():
        raise Missing("the soak looks at another process through /proc, and this system has none: run it on Linux")
    size = QUICK if how.quick else FULL
    with _simulator(how.folder, size) as url:
        looks = _dialled(how.folder, url, size)
    warm = [look for look in looks if look.at >= size.warm]
    if len(warm) < 4:
        raise RuntimeError(f"the run was over after {looks[-1].at if looks else 0:.0f} s: {_told(how.folder)}")
    return [*_held(warm, looks), *_kept(how.folder, size, looks[-1].at)]


# --- the run -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _simulator(folder: Path, size: Size) -> Iterator[str]:
    options = {
        "port": 0,
        "rings": folder / "rings.jsonl",
        "concurrent-calls": size.lines + 100,
        "calls-per-second": 200,
        "call-seconds": size.talk,
        "time-scale": 3,
    }
    with _command(folder, "simulator", *(f"--{name}={value}" for name, value in options.items())) as process:
        said = folder / "simulator.out"
        while ";" not in said.read_text():
            if process.poll() is not None:
                raise RuntimeError(f"the simulator did not start: {_told(folder, 'simulator')}")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{said.read_text().partition(';')[0].rpartition(':')[2]}"


def _dialled(folder: Path, url: str, size: Size) -> list[Look]:
    """Run the campaign for so long, then ask it to stop, and wait until it has seen its calls out."""
    _write_people(folder / "people.csv", size.people)
    (folder / "campaign.yaml").write_text(CAMPAIGN.format(url=url, lines=size.lines))
    looks: list[Look] = []
    with _command(folder, "run", "campaign.yaml") as process:
        began = time.monotonic()
        while (at := time.monotonic() - began) < size.seconds and process.poll() is None:
            if (folder / "soak.db-wal").exists():
                looks.append(_look(process.pid, folder / "soak.db-wal", at))
            time.sleep(size.every)
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    return looks


@contextlib.contextmanager
def _command(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "VERBEX_API_KEY": "API_made_up"}
    with (folder / f"{name}.out").open("wb") as out, (folder / f"{name}.err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "dialer", name, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=environ,
            cwd=folder,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def _look(pid: int, wal: Path, at: float) -> Look:
    status = status_of(pid)
    descriptors = len(os.listdir(f"/proc/{pid}/fd"))
    return Look(at, status["VmRSS"], descriptors, status["Threads"], wal.stat().st_size)


def _write_people(path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "phone", "name"])
        rows.writerows((f"P{n}", number(n), f"Name{n}") for n in range(count))


def _told(folder: Path, name: str = "run") -> str:
    return " ".join((folder / f"{name}.{stream}").read_text()[-2000:] for stream in ("out", "err"))


# --- what became of it -------------------------------------------------------------------------------


def _held(warm: Sequence[Look], looks: Sequence[Look]) -> list[Line]:
    first, second = warm[: len(warm) // 2], warm[len(warm) // 2 :]
    grown = _most(second, "resident") - warm[0].resident
    taken_in, longest = max(warm[0].wal, CHECKPOINT), _most(looks, "wal")
    return [
        Line(
            "memory after warming up",
            "",
            f"grows by no more than {megabytes(MOST_GROWTH)}",
            f"{megabytes(grown)}, from {megabytes(warm[0].resident)} to {megabytes(warm[-1].resident)}",
            grown <= MOST_GROWTH,
            f"the ledger's page cache may take {megabytes(PAGE_CACHE)} of it while the ledger grows",
        ),
        _same("descriptors", first, second),
        _same("threads", first, second),
        Line(
            "the WAL at its longest",
            "a checkpoint, or the list taken in",
            f"≤ {megabytes(MOST_MORE_WAL)} more",
            f"{longest / MEGABYTE:.1f} MB, against {taken_in / MEGABYTE:.1f} MB",
            longest <= taken_in + MOST_MORE_WAL,
            "a list is taken in by one transaction, the file keeps that length and is written from its beginning again",
        ),
    ]


def _same(what: str, first: Sequence[Look], second: Sequence[Look]) -> Line:
    before, after = _most(first, what), _most(second, what)
    goal = f"≤ {MOST_MORE} more"
    return Line(f"most {what}, second half", "first half", goal, f"{after}, {before}", after <= before + MOST_MORE)


def _most(looks: Sequence[Look], what: str) -> int:
    return max(int(getattr(look, what)) for look in looks)


def _kept(folder: Path, size: Size, seconds: float) -> list[Line]:
    with contextlib.closing(sqlite3.connect(folder / "soak.db")) as db:
        whole = db.execute("PRAGMA integrity_check").fetchone()[0]
        states = dict(db.execute("SELECT call_id, state FROM attempts WHERE state <> 'refused'"))
    rings = read_rings(folder / "rings.jsonl")
    once = len(rings) == len(states) and {ring.call_id for ring in rings} == states.keys()
    still_open = sum(state != "ended" for state in states.values())
    return [
        Line("integrity_check", "", "ok", str(whole), whole == "ok"),
        Line(
            "calls in the ledger",
            "rung on the platform",
            "the same, each once",
            f"{len(states)} and {len(rings)}",
            once,
        ),
        Line("calls a second", "", "", f"{len(rings) / seconds:.1f} on {size.lines} lines", None),
        Line("calls open after the stop", "", "", f"{still_open}", None, "the next run asks the platform about them"),
    ]
