"""The command line in tests: small campaigns on disk, commands in this process and in one of their own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dialer.cli import _run
from dialer.clock import Clock
from dialer.config import load
from dialer.ledger import Imported, Ledger
from dialer.model import Secret, SimulatorRules
from dialer.runner.intake import take_in
from dialer.simulator import Simulator, read_rings

ROOT = Path(__file__).parent.parent
KEY = "API_canary51d7c0ffee"
PEOPLE = "id,phone,name\nA1,+14155550123,Ann\nA2,+14155550124,Bob\nA3,+14155550125,Cy\n"

TEXT = """\
name: reminders
contacts:
  file: contacts.csv
  phone: phone
  id: id
call:
  from: ["+14155550100"]
  data: [name]
platform:
  url: simulator
  simulator: {time_scale: 600, mix: {user_ended_call: 1}}
pace: {calls_per_second: 50, concurrent_calls: 10}
ledger: dialer.db
hours: always
rules: none
"""
"""A campaign that a run on the simulator finishes in a moment."""


@dataclass(frozen=True)
class Told:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err


def campaign(folder: Path, people: str = PEOPLE, text: str = TEXT) -> Path:
    """A campaign file beside its list."""
    (folder / "contacts.csv").write_text(people)
    path = folder / "campaign.yaml"
    path.write_text(text)
    return path


def change(path: Path, old: str, new: str) -> None:
    """Put other words into a campaign file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def on_platform(path: Path, url: str, key: str = "${VERBEX_API_KEY}") -> None:
    """Point a campaign at an address."""
    change(path, "  url: simulator\n", f"  url: {url}\n  api_key: {key}\n")
    change(path, "  simulator: {time_scale: 600, mix: {user_ended_call: 1}}\n", "")


def taken_in(path: Path, environ: Mapping[str, str] | None = None) -> Imported | None:
    """Import a campaign's list as `run` does, without dialling anybody."""
    return asyncio.run(_take_in(path, environ or {}))


async def _take_in(path: Path, environ: Mapping[str, str]) -> Imported | None:
    found, clock = load(path, environ), Clock()
    ledger = Ledger.open(found.ledger, "run", clock.now)
    try:
        await ledger.start_run("run", [found.name])
        bound = await ledger.bind(found)
        return await take_in(ledger, found, bound.id, clock, yes=False)
    finally:
        await ledger.end_run(75, "stopped")
        await ledger.close()


def people_of(ledger: Path) -> list[tuple[Any, ...]]:
    """All that a ledger knows of its contacts, read by SQLite alone."""
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        return db.execute(
            "SELECT person, state, number, data, stop, serial, attempts FROM contacts ORDER BY id"
        ).fetchall()


def attempts_of(ledger: Path) -> int:
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        return int(db.execute("SELECT COUNT(*) FROM attempts").fetchone()[0])


def rung(rings: Path) -> int:
    """How many telephones a simulator has rung."""
    return len(read_rings(rings)) if rings.exists() else 0


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Told:
    """A command in this process."""
    capsys.readouterr()
    code = _run([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return Told(int(code), captured.out, captured.err)


def process(
    *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None, before: str = ""
) -> Told:
    """A command in a process of its own, with nothing but `env` and PATH in its environment.

    `before` is Python that a first interpreter executes before it becomes the command.
    """
    command = [sys.executable, "-m", "dialer", *map(str, arguments)]
    if before:
        command = [sys.executable, "-c", f"import os, sys\n{before}\nos.execv(sys.argv[1], sys.argv[1:])", *command]
    plain = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=plain | dict(env or {}), cwd=cwd, timeout=60)
    return Told(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def serving(rings: Path, key: str | None = None, **rules: Any) -> Iterator[str]:
    """A simulated Verbex on loopback for the length of the block; gives its address."""
    simulator = Simulator(SimulatorRules(api_key=Secret(key) if key else None, **rules), rings, Clock())
    started, addresses, loop = threading.Event(), [], asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with simulator.serve() as url:
            addresses.append(url)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
