"""A stage for faults: a campaign, the real command, a platform in a process of its own, and a proxy between them.

`invariants` says what must be true when the faults are over, whatever they were.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.acceptance.kit import KEY, ROOT, Ended, Running, World, merged, number, person
from tests.acceptance.oracle import by_person, everyone_settled, most_in_a_second, most_live, nobody_over_rung
from tests.acceptance.proxy import Asked, Fate, Proxy, Rule, between, free_port

SEAMS = Path(__file__).parent / "seams"
DONE = "camp 0 finished next=- due=0 live=0 unknown=0"
PEOPLE = 12

PACE = {"calls_per_second": 30, "concurrent_calls": 12}
PLATFORM: dict[str, Any] = {
    "seed": 3,
    "time_scale": 100,
    "call_seconds": 15,
    "ring_seconds": 10,
    "calls_per_second": 200,
    "concurrent_calls": 20,
}
"""A platform on which a conversation takes a sixth of a second."""


class Stage(World):
    """A world whose platform is reached through a proxy."""

    def __init__(self, folder: Path, proxy: Proxy) -> None:
        super().__init__(folder)
        self.proxy = proxy
        self.pace: Mapping[str, float] = PACE
        self.without_intent: list[str] = []
        self.clock_file = folder / "clock"
        self.environ["FAULT_KEY"] = KEY
        proxy.witness = self._witness

    def _witness(self, asked: Asked) -> None:
        """As a dial comes, before anything becomes of it: its intent must stand in the ledger's file."""
        if asked.is_dial:
            rows = self.ask("SELECT payload_hash FROM attempts WHERE call_id = ?", asked.call_id)
            if [row["payload_hash"] for row in rows] != [hashlib.sha256(asked.raw).hexdigest()]:
                self.without_intent.append(asked.call_id)

    # --- the campaign ---

    def plan(self, **changes: Any) -> Path:
        """A campaign file that leads to the proxy; one attempt a person, unless the changes say otherwise."""
        platform = {"url": self.proxy.url, "api_key": "${FAULT_KEY}", "simulator": ...}
        usual = {"platform": platform, "pace": PACE, "retry": {"attempts": 1}}
        whole = merged(usual, changes)
        self.pace = whole["pace"]
        return self.campaign(**whole)

    # --- reaching into the command ---

    def seams(self, **orders: str) -> dict[str, str]:
        """The environment of a process that is reached into, as `seams/sitecustomize.py` says."""
        return {
            "PYTHONPATH": f"{SEAMS}{os.pathsep}{ROOT}",
            **{f"FAULT_{name}": order for name, order in orders.items()},
        }

    def defaults(self, **by_target: Mapping[str, float]) -> dict[str, str]:
        """A process in which some times are other than shipped, by the names in `TIMES`."""
        return self.seams(DEFAULTS=json.dumps({TIMES[name]: values for name, values in by_target.items()}))

    def shift_clock(self, seconds: float) -> None:
        """Let the wall clock of those who look at `clock_file` be wrong by so much, from now on."""
        draft = self.clock_file.with_suffix(".new")
        draft.write_text(str(seconds))
        draft.rename(self.clock_file)

    def run_in(self, environ: Mapping[str, str], path: Path, *options: str) -> Ended:
        """The command `run`, to its end, in an environment with more in it."""
        with self.running("run", path, *options, **environ) as run:
            return run.ended()

    # --- what came of it ---

    def ids(self, n: int) -> list[str]:
        """The call ids under which the n-th person was dialled, in order, as they came to the proxy."""
        return [asked.call_id for asked in self.proxy.dials if asked.number == number(n)]

    def attempts_of(self, n: int) -> list[Any]:
        return [row for row in self.attempts() if row["person"] == person(n)]

    def events(self, n: int) -> list[str]:
        """What happened to the n-th person, in order."""
        return [row["event"] for row in self._events(person(n))]

    def details(self, n: int, event: str) -> list[str]:
        """What the events of one kind say of the n-th person."""
        return [row["detail"] for row in self._events(person(n)) if row["event"] == event]

    def _events(self, who: str) -> list[Any]:
        sql = (
            "SELECT events.* FROM events JOIN contacts ON contacts.id = contact_id WHERE person = ? ORDER BY events.id"
        )
        return self.ask(sql, who)

    def rings_of(self, n: int) -> int:
        return sum(ring.to_number == number(n) for ring in self.rings())


TIMES = {
    "client": "dialer.verbex.client:Client.__init__",
    "breaker": "dialer.policy.breaker:Breaker.__init__",
    "health": "dialer.runner.health",
    "earlier": "dialer.earlier",
    "resolver": "aiohttp.connector:TCPConnector.__init__",
}
"""Where times stand that are too long for a test."""


@contextlib.contextmanager
def stage(folder: Path, people: int = PEOPLE, *, tls: Any = None, **rules: Any) -> Iterator[Stage]:
    """A stage with so many people; `rules` change the platform's. The platform may come up while the command does."""
    port = free_port()
    with between(port, tls) as proxy:
        proxy.platform_within = 15.0
        there = Stage(folder, proxy)
        there.people(people)
        with platform(port, there.rings_file, **rules):
            yield there


@contextlib.contextmanager
def platform(port: int, rings: Path, **rules: Any) -> Iterator[None]:
    """A simulated platform as a process of its own."""
    module, told = "tests.acceptance.faults.platform", json.dumps(PLATFORM | rules)
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(port), str(rings), told],
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)},
    )
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


# --- rules of the proxy ------------------------------------------------------------------------------


def first_dial(fates: Mapping[int, Fate]) -> Rule:
    """What becomes of the first dial of each of these people; everything else passes."""
    left = {number(n): fate for n, fate in fates.items()}
    return lambda asked: left.pop(asked.number, None) if asked.is_dial else None


def each_dial(fate: Callable[[Asked], Fate | None]) -> Rule:
    """What becomes of each dial; everything else passes."""
    return lambda asked: fate(asked) if asked.is_dial else None


def nothing(_: Asked) -> None:
    """Everything passes: the faults have stopped."""


# --- what must be true -------------------------------------------------------------------------------

NOBODY: Mapping[str, str] = MappingProxyType({})


def invariants(
    there: Stage, last: Ended, *, people: int = PEOPLE, most: int = 1, besides: Mapping[str, str] = NOBODY
) -> None:
    """What must be true after `last`, the run after the faults had stopped; the rings are the oracle.

    `besides` are the people whose state does not follow from their rings, with that state.
    """
    _rung_as_often_as_allowed(there, most)  # I1
    assert there.without_intent == []  # I2
    _everyone_in_one_state(there, people)  # I3
    _pace_was_kept(there)  # I5
    _came_to_its_end(there, last, besides)  # I6
    everyone_settled(there, people=people, most=most, besides=besides)


def _rung_as_often_as_allowed(there: Stage, most: int) -> None:
    rings = there.rings()
    nobody_over_rung(rings)
    for who, theirs in by_person(rings).items():
        assert sum(not ring.turned_away for ring in theirs) <= most, who


def _everyone_in_one_state(there: Stage, people: int) -> None:
    """Rows read = contacts + rejected rows; each contact has one of the named states, each reject its line and why."""
    states = there.states()
    assert sum(states.values()) == people
    assert set(states) <= {"due", "waiting", "dialing", "done", "exhausted", "excluded", "unknown"}
    [read] = there.ask("SELECT rows_read FROM imports WHERE applied_at IS NOT NULL ORDER BY id DESC LIMIT 1")
    rejects = there.ask("SELECT line, reason, why FROM rejects")
    assert all(row["line"] > 1 and row["reason"] and row["why"] for row in rejects)
    assert read["rows_read"] == people + len({row["line"] for row in rejects})


def _pace_was_kept(there: Stage) -> None:
    rate = int(there.pace["calls_per_second"])
    assert most_live(there.rings()) <= there.pace["concurrent_calls"]
    # Two are let go together; an event loop that is held up for a quarter of a second lets those that were due in it
    # arrive with the next.
    assert most_in_a_second(asked.at for asked in there.proxy.dials) <= rate + 2 + rate // 4


def _came_to_its_end(there: Stage, last: Ended, besides: Mapping[str, str]) -> None:
    unknown = sum(state == "unknown" for state in besides.values())
    code, word = (3, "unknown_left") if unknown else (0, "finished")
    expected = f"camp {code} {word} next=- due=0 live=0 unknown={unknown}"
    assert (last.code, last.closing) == (code, expected), last.err
    assert there.states()["unknown"] == unknown


def longest_pause(there: Stage) -> float:
    """The most seconds between two dials that came one after the other."""
    return max(later.at - earlier.at for earlier, later in pairwise(there.proxy.dials))


def killed_by_itself(there: Stage, path: Path, order: str) -> None:
    """Run the command until it kills itself at the function that the order names."""
    ended = there.run_in(there.seams(SIGNAL=f"SIGKILL {order}"), path)
    assert ended.code == -9, f"it was not killed: {ended.code} {ended.out} {ended.err}"


def stopped_by_itself(run: Running) -> None:
    """Wait until the command has stopped itself (SIGSTOP)."""
    stat = Path(f"/proc/{run.process.pid}/stat")
    run.until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")
