"""Killed again and again while dials go wrong: `python -m tests.acceptance.kill_loop --kills 200 --people 1000`.

The real command runs against the simulator as another process, through a proxy that spoils a share of the dials; it is
killed with SIGKILL at random moments and run again. The faults stop at last, and the command is run until it has
nothing more to do. What is counted is read from the platform's own list of rings, beside the ledger.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from dialer.simulator import Ring
from tests.acceptance.kit import FINISHED, KEY, World, person, simulator
from tests.acceptance.oracle import Fate, by_person, fate
from tests.acceptance.proxy import Answered, Asked, Cut, Delayed, Proxy, between
from tests.acceptance.proxy import Fate as Becomes

_GRACE = 8
"""So many runs may it take to the end, once the faults have stopped."""

_LONGEST = 6.0
"""Seconds after which a run is killed even if it has not come as far as was drawn for it."""

_WAITS = dict.fromkeys(("unreached", "machine", "not_connected", "platform_failed"), "0.2s")


@dataclass(frozen=True, slots=True)
class Rules:
    """What is done: so many kills over so many people, a share of the dials spoilt; all dice come from the seed."""

    kills: int
    people: int
    seed: int = 1
    faulty: float = 0.3


@dataclass(frozen=True, slots=True)
class Tally:
    """What came of it. `wrong` are the people whose state or count of attempts is not what their rings say."""

    kills: int
    runs: int
    people: int
    dials: int
    spoilt: int
    rings: int
    rung_twice: tuple[str, ...]
    lost: tuple[str, ...]
    unknown: tuple[str, ...]
    wrong: tuple[str, ...]
    without_intent: int
    code: int
    seconds: float

    @property
    def is_good(self) -> bool:
        """Nobody rung twice, nobody lost, no dial without an intent, and the command has come to its end."""
        faults = (self.rung_twice, self.lost, self.wrong, self.without_intent)
        return not any(faults) and self.code in (0, 3)

    def table(self) -> str:
        """One line a figure."""
        rows: dict[str, object] = {
            "kills": self.kills,
            "runs": self.runs,
            "people": self.people,
            "dials": self.dials,
            "dials spoilt": self.spoilt,
            "rings": self.rings,
            "rung twice": len(self.rung_twice),
            "lost": len(self.lost),
            "unknown": len(self.unknown),
            "state not as rung": len(self.wrong),
            "dials without intent": self.without_intent,
            "last exit code": self.code,
            "seconds": f"{self.seconds:.0f}",
        }
        lines = [f"{name:<22}{value:>8}" for name, value in rows.items()]
        named = {"rung twice": self.rung_twice, "lost": self.lost, "unknown": self.unknown, "not as rung": self.wrong}
        return "\n".join([*lines, *(f"{name}: {', '.join(people)}" for name, people in named.items() if people)])


# --- what goes wrong -----------------------------------------------------------------------------


class Spoiler:
    """Spoils a share of the dials, by all the ways in which an answer is lost; reads are let through."""

    WAYS: Sequence[Callable[[], Becomes]] = (
        lambda: Cut(after=False),
        lambda: Cut(after=True),
        lambda: Cut(after=True, piece="head"),
        lambda: Cut(after=True, piece="body"),
        lambda: Answered(502, {"error": "bad_gateway"}),
        lambda: Answered(504, b"<html>Gateway Time-out</html>", after=True),
        lambda: Delayed(there=0.3),
        lambda: Delayed(back=0.3),
    )

    def __init__(self, dice: Random, share: float) -> None:
        self._dice = dice
        self._share = share
        self.count = 0

    def __call__(self, asked: Asked) -> Becomes | None:
        if not asked.is_dial or self._dice.random() >= self._share:
            return None
        self.count += 1
        return self._dice.choice(self.WAYS)()


def _nothing(_: Asked) -> None:
    """No fault any more."""


# --- the loop ------------------------------------------------------------------------------------


class KillLoop:
    """One campaign, killed and run again until its end."""

    def __init__(self, world: World, proxy: Proxy, rules: Rules) -> None:
        self.world = world
        self.proxy = proxy
        self.rules = rules
        self.kills = self.runs = 0
        self._dice = Random(rules.seed)
        self.spoiler = Spoiler(Random(rules.seed + 1), rules.faulty)
        self._path = self._campaign()

    def _campaign(self) -> Path:
        retry = {"attempts": 3, "concurrent_call_limit_reached": "0.3s", **_WAITS}
        return self.world.campaign(
            platform={"url": self.proxy.url, "api_key": KEY, "simulator": ...},
            pace={"calls_per_second": 60, "concurrent_calls": 12},
            recovery={"hold": "0.6s", "max_unknown": 1000},
            retry=retry,
        )

    def run(self) -> Tally:
        """Kill as often as was asked, and let it run once more among the faults; then let it come to its end."""
        began = time.monotonic()
        self.proxy.rule = self.spoiler
        while self.kills < self.rules.kills and not self._is_over():
            self._run_and_kill()
        self.runs += 1
        self.world.run("run", self._path, within=300.0)
        self.proxy.rule = _nothing
        code = self._to_the_end()
        return tally(self, code, time.monotonic() - began)

    def _is_over(self) -> bool:
        """Whether a run has found nobody left to be called."""
        states = self.world.states()
        return (
            self.runs > 0
            and bool(states)
            and not any(states[each] for each in ("due", "waiting", "dialing", "unknown"))
        )

    def _run_and_kill(self) -> None:
        self.runs += 1
        is_now = self._moment()
        with self.world.running("run", self._path) as run:
            while not is_now() and run.process.poll() is None:
                time.sleep(0.002)
            if run.process.poll() is None:
                run.kill()
                self.kills += 1

    def _moment(self) -> Callable[[], bool]:
        """A moment for the next kill: now and then while it starts, mostly after some more dials and a little."""
        began = time.monotonic()
        if self._dice.random() < 0.15:
            seconds = self._dice.uniform(0.05, 1.5)
            return lambda: time.monotonic() > began + seconds
        wanted = len(self.proxy.dials) + self._dice.randint(1, self._most_dials())
        moment, later = [0.0], self._dice.uniform(0.0, 0.12)

        def is_now() -> bool:
            now = time.monotonic()
            if moment[0] == 0.0 and len(self.proxy.dials) >= wanted:
                moment[0] = now + later
            return now > began + _LONGEST or 0.0 < moment[0] <= now

        return is_now

    def _most_dials(self) -> int:
        """So many that people are left for the kills that are still to come."""
        states = self.world.states()
        left = sum(states[each] for each in ("due", "waiting", "dialing", "unknown")) if states else self.rules.people
        return max(1, 2 * left // max(1, self.rules.kills - self.kills))

    def _to_the_end(self) -> int:
        code = -1
        for _ in range(_GRACE):
            self.runs += 1
            code = self.world.run("run", self._path, within=300.0).code
            if code == 0:
                break
        return code


# --- the count -----------------------------------------------------------------------------------


def tally(loop: KillLoop, code: int, seconds: float) -> Tally:
    """What came of a loop, by the platform's rings and the ledger's rows."""
    world, dials = loop.world, loop.proxy.dials
    rings, contacts = world.rings(), world.contacts()
    told = by_person(rings)
    known = {row["call_id"] for row in world.attempts()}
    expected = {person(who) for who in range(loop.rules.people)}
    states = {who: row["state"] for who, row in contacts.items()}
    fates = {who: Fate(row["state"], row["attempts"]) for who, row in contacts.items()}
    return Tally(
        kills=loop.kills,
        runs=loop.runs,
        people=len(contacts),
        dials=len(dials),
        spoilt=loop.spoiler.count,
        rings=len(rings),
        rung_twice=tuple(sorted(who for who, theirs in told.items() if is_rung_twice(theirs))),
        lost=tuple(sorted(who for who in expected if states.get(who) not in (*FINISHED, "unknown"))),
        unknown=tuple(sorted(who for who, state in states.items() if state == "unknown")),
        wrong=tuple(sorted(_wrong(told, fates))),
        without_intent=sum(asked.body["call_id"] not in known for asked in dials),
        code=code,
        seconds=seconds,
    )


def is_rung_twice(rings: Sequence[Ring]) -> bool:
    """Whether one person's rings, in order, have one too many: under a call id that had rung, while a call to them was
    live, after an end after which nobody is rung again, or beyond the attempts."""
    ids = [ring.call_id for ring in rings]
    live = any(later.at < earlier.over_at for earlier, later in pairwise(rings))
    return len(set(ids)) < len(ids) or live or _fate(rings) is None


def _fate(rings: Sequence[Ring]) -> Fate | None:
    """What becomes of somebody with these rings; None: there is one that should never have been."""
    try:
        return fate(rings)
    except AssertionError:
        return None


def _wrong(told: Mapping[str, Sequence[Ring]], fates: Mapping[str, Fate]) -> list[str]:
    """Those who stand in the ledger otherwise than their rings say."""
    return [who for who, found in fates.items() if found.state != "unknown" and found != _fate(told.get(who, ()))]


def kill_loop(folder: Path, rules: Rules) -> Tally:
    """Everything, in a folder of its own."""
    world = World(folder)
    world.people(rules.people)
    with simulator(world, "--concurrent-calls", "20") as (_, port), between(port) as proxy:
        return KillLoop(world, proxy, rules).run()


def main() -> int:
    """The command; gives its exit code: 0 if nobody was rung twice and nobody lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faulty", type=float, default=0.3, help="the share of the dials that go wrong")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-loop-") as folder:
        found = kill_loop(Path(folder), Rules(given.kills, given.people, given.seed, given.faulty))
    print(found.table())
    return 0 if found.is_good and found.kills == given.kills else 1


if __name__ == "__main__":
    raise SystemExit(main())
