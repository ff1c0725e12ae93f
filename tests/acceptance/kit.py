"""A campaign's folder, the command as a real process, and what is left on disk to be looked at afterwards."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

import dialer
from dialer.simulator import Ring, read_rings

ROOT = Path(dialer.__file__).parents[1]
OWN = "+14155550100"
FINISHED = {"done", "exhausted", "excluded"}
KEY = "API_made_up_key"

_AREAS = (
    201,
    202,
    206,
    212,
    213,
    214,
    215,
    216,
    303,
    305,
    312,
    313,
    314,
    404,
    407,
    412,
    415,
    503,
    510,
    512,
    602,
    617,
    619,
)

QUICK: dict[str, Any] = {
    "name": "camp",
    "contacts": {"file": "people.csv", "id": "id"},
    "call": {"from": [OWN], "data": ["first_name"], "metadata": ["id"]},
    "platform": {
        "url": "simulator",
        "simulator": {
            "seed": 3,
            "time_scale": 100,
            "concurrent_calls": 20,
            "calls_per_second": 200,
            "call_seconds": 15,
            "ring_seconds": 10,
        },
    },
    "hours": "always",
    "rules": "none",
    "pace": {"calls_per_second": 60, "concurrent_calls": 12},
    "retry": {
        "unreached": "0.2s",
        "machine": "0.2s",
        "not_connected": "0.2s",
        "platform_failed": "0.2s",
        "concurrent_call_limit_reached": "0.3s",
    },
    "recovery": {"hold": "0.6s"},
    "ledger": "camp.db",
}
"""A campaign that lives fast: a conversation takes a sixth of a second, a retry follows after a fifth."""

T = TypeVar("T")


def number(n: int) -> str:
    """The n-th made-up number: valid, and kept free for fiction."""
    return f"+1{_AREAS[n // 100]}55501{n % 100:02d}"


def person(n: int) -> str:
    return f"P-{n:04d}"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended and what it said."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def closing(self) -> str:
        """The last line."""
        return self.out.splitlines()[-1] if self.out else ""


class Running:
    """A command that runs; whatever waits for something has a deadline."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.process = process
        self._out = out
        self._err = err
        self._began = time.monotonic()

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def until(self, found: Callable[[], T], within: float = 30.0) -> T:
        """Look again and again until there is something; the process must not end before it."""
        deadline = time.monotonic() + within
        while not (there := found()):
            assert self.process.poll() is None, f"it ended with {self.process.returncode} before that:\n{self.told()}"
            assert time.monotonic() < deadline, f"not seen within {within} s:\n{self.told()}"
            time.sleep(0.01)
        return there

    def send(self, number: signal.Signals) -> float:
        """Send a signal; gives the moment, in epoch seconds."""
        moment = time.time()
        self.process.send_signal(number)
        return moment

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def ended(self, within: float = 60.0) -> Ended:
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within} s:\n{self.told()}") from None
        return Ended(code, self.out, self.err, time.monotonic() - self._began)

    def told(self) -> str:
        return f"{self.out}\n{self.err}"


class World:
    """A folder with a list, campaign files and a ledger."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = folder / "camp.db"
        self.rings_file = folder / "camp.db.rings.jsonl"
        self.environ: dict[str, str] = {}
        self._started = 0

    # --- files ---

    def people(self, count: int, first: int = 0, file: str = "people.csv") -> None:
        """A list of so many people, each with a number of their own."""
        with (self.folder / file).open("w", newline="") as stream:
            lines = csv.writer(stream)
            lines.writerow(["id", "first_name", "phone"])
            lines.writerows([person(n), f"Name{n}", number(n)] for n in range(first, first + count))

    def campaign(self, name: str = "camp", **changes: Any) -> Path:
        """A campaign file: the quick one, with changes to its parts."""
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(merged(QUICK, {"name": name, **changes})))
        return path

    # --- processes ---

    @contextlib.contextmanager
    def running(self, *arguments: str | Path, **environ: str) -> Iterator[Running]:
        """`python -m dialer …` as a process, which does not outlive the test."""
        self._started += 1
        out, err = self.folder / f"{self._started}.out", self.folder / f"{self._started}.err"
        given = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), **self.environ, **environ}
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [sys.executable, "-m", "dialer", *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                env=given,
                cwd=self.folder,
            )
        try:
            yield Running(process, out, err)
        finally:
            process.kill()
            process.wait(10)

    def run(self, *arguments: str | Path, within: float = 60.0, **environ: str) -> Ended:
        """A command, to its end."""
        with self.running(*arguments, **environ) as command:
            return command.ended(within)

    # --- what is left ---

    def rings(self) -> list[Ring]:
        """All accepted dials, by the platform's own list."""
        return read_rings(self.rings_file)

    def ask(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Ask the ledger, beside whoever writes it; nothing if it is not there yet."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.ledger}?mode=ro", uri=True, timeout=5)) as db:
                db.row_factory = sqlite3.Row
                return db.execute(sql, values).fetchall()
        except sqlite3.OperationalError:
            return []

    def states(self, name: str = "camp") -> Counter[str]:
        """How many contacts of a campaign are in each state."""
        sql = """SELECT state, COUNT(*) FROM contacts JOIN campaigns ON campaigns.id = campaign_id
                 WHERE campaigns.name = ? GROUP BY state"""
        return Counter({row[0]: row[1] for row in self.ask(sql, name)})

    def contacts(self, name: str = "camp") -> dict[str, sqlite3.Row]:
        """The contacts of a campaign by person."""
        sql = """SELECT contacts.* FROM contacts JOIN campaigns ON campaigns.id = campaign_id
                 WHERE campaigns.name = ?"""
        return {row["person"]: row for row in self.ask(sql, name)}

    def attempts(self) -> list[sqlite3.Row]:
        return self.ask("SELECT attempts.*, person FROM attempts JOIN contacts ON contacts.id = contact_id ORDER BY id")


@contextlib.contextmanager
def simulator(world: World, *options: str, port: int = 0) -> Iterator[tuple[Running, int]]:
    """`dialer simulator` as a process of its own; gives it and its port."""
    fast = ["--time-scale", "100", "--call-seconds", "15", "--calls-per-second", "200", "--seed", "3"]
    arguments = ["--port", str(port), "--rings", str(world.rings_file), *fast, *options]
    with world.running("simulator", *arguments) as process:
        line = process.until(lambda: process.out.partition(";")[0])
        yield process, int(line.rpartition(":")[2])


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """One tree over another; a change to `...` takes a key away."""
    found = dict(base)
    for key, change in changes.items():
        both = isinstance(change, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = merged(found[key], change) if both else change
    return {key: value for key, value in found.items() if value is not ...}


def told_json(path: Path) -> Any:
    return json.loads(path.read_text())
