"""What a seed means: the list, the campaign's rules, the platform's kind, and how bad the weather is."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from dialer.model import Action, Response

LONGEST_LAG = 30.0
"""Seconds for which the platform may keep a dial to itself, and answer 404 meanwhile; every hold outlasts it."""

SHORTEST_HOLD = 60.0

_HAVE_HOURS = 0.3
"""The share of seeds whose campaigns have hours."""

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What is not known of the real platform, and must not matter."""

    lookup: str = "both"  # which id a GET understands: custom | platform | both | neither
    repeated: str = "refused"  # what a repeated call id does: refused | merged | dialled
    full_answer: str = "201"
    echoes: bool = True  # tells our metadata again
    lists: bool = True  # has a list at all
    page_most: int = 1000  # records in a page, whatever is asked
    calls_at_once: int = 50
    calls_per_second: float = 100.0


@dataclass(frozen=True, slots=True)
class Weather:
    """Chances of things going wrong while the storm lasts."""

    dials: Mapping[str, float]  # kind of fault → weight; "" is none
    reads: float = 0.0
    lag: float = 0.0  # of a record that appears late
    late: float = 0.0  # of a dial that arrives late
    latency: float = 0.2  # seconds, at most, each way of a dial
    read_latency: float = 2.0  # the same of a read
    commits: float = 0.0  # seconds, at most, until a commit is heard of
    gone: tuple[tuple[float, float], ...] = ()  # (begins, seconds): the platform is away
    jumps: tuple[tuple[float, float], ...] = ()  # (at, seconds): the wall clock is set
    foreign: int = 0  # calls of others in the account
    kill: float = 0.0  # of each process
    signal: float = 0.0  # of each process: asked to stop, perhaps twice
    word: float = 0.0  # of each process: paused, resumed or cancelled while it runs
    rival: float = 0.0  # of each process: a second run takes the ledger over, its lock bypassed
    other_key: float = 0.0  # of each process: started with the key of another account
    list_changes: float = 0.0  # before each process
    restores: float = 0.0  # before each process: an older copy of the ledger is put in its place


@dataclass(frozen=True, slots=True)
class Plan:
    """All that follows from a seed before anything has happened."""

    seed: int
    people: int
    campaigns: int
    shared: int  # numbers that stand in both lists
    bad_rows: int
    refused: int  # people whom the platform rejects with a 422
    by_id: bool
    hold: float
    max_unknown: int
    per_second: float
    lines: int | None
    attempts: int
    waits: float  # seconds after which somebody is called again
    expires: float | None
    stays: float | None  # `--wait`, in seconds
    cron: float  # seconds from one start to the next
    call_seconds: float
    processes: int  # that may end before the storm does
    storm: float  # seconds
    kind: Kind
    weather: Weather
    breaks: tuple[tuple[int, int], ...] = ()  # minutes of each person's day at which nobody is called: from, until
    gap: float | None = None  # seconds from a ring of somebody to the next, over all campaigns

    def rng(self, what: str) -> random.Random:
        """Dice of its own for each purpose, so that one does not disturb the other."""
        return random.Random(f"{self.seed}/{what}")

    @property
    def overrides(self) -> Mapping[str, Response]:
        waits = Response(Action.WAIT, (self.waits,))
        return dict.fromkeys(("unreached", "machine", "not_connected", "platform_failed"), waits)


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    dice = random.Random(f"{seed}/plan")
    storm = dice.choice((10 * MINUTE, HOUR, 4 * HOUR))
    campaigns = dice.choice((1, 1, 1, 2))
    return Plan(
        seed=seed,
        people=int(20 * 5 ** (dice.random() ** 3)) // campaigns,
        campaigns=campaigns,
        shared=dice.randint(2, 8) if campaigns == 2 else 0,
        bad_rows=dice.randint(0, 3),
        refused=dice.choice((0, 0, 1, 2)),
        by_id=dice.random() < 0.5,
        hold=dice.choice((SHORTEST_HOLD, 120.0)),
        max_unknown=dice.choice((3, 50, 50, 50)),
        per_second=dice.choice((0.5, 1.0, 2.0, 5.0, 20.0)),
        lines=dice.choice((1, 3, 5, 10, None)),
        attempts=dice.randint(1, 4),
        waits=dice.choice((2 * MINUTE, HOUR, 3 * HOUR)),
        expires=dice.choice((None, None, None, 2 * HOUR, DAY)),
        stays=dice.choice((None, None, 10 * MINUTE)),
        cron=dice.choice((MINUTE, 20 * MINUTE, HOUR)),
        call_seconds=dice.choice((10.0, 20.0, 30.0)),
        processes=dice.randint(1, 12),
        storm=storm,
        kind=_kind(dice),
        weather=_weather(dice, storm),
        breaks=_breaks(random.Random(f"{seed}/breaks")),
        gap=random.Random(f"{seed}/gap").choice((None, None, None, None, 10 * MINUTE)),
    )


def _breaks(dice: random.Random) -> tuple[tuple[int, int], ...]:
    """Now and then hours with short breaks, so that a storm of hours meets some of them, in each of the zones."""
    if dice.random() > _HAVE_HOURS:
        return ()
    begin, lasts = dice.randrange(150), dice.choice((5, 20, 30))
    return tuple((begin + block, begin + block + lasts) for block in range(0, 24 * 60, 180))


def _kind(dice: random.Random) -> Kind:
    lookup = dice.choice(("custom", "platform", "both", "both", "neither"))
    return Kind(
        lookup=lookup,
        repeated=dice.choice(("refused", "merged", "dialled")),
        full_answer=dice.choice(("201", "record", "429", "403")),
        echoes=dice.random() < 0.7,
        lists=dice.random() < 0.85 or lookup == "neither",  # a platform that is mute is no seed's matter
        page_most=dice.choice((10, 10, 25, 1000)),
        calls_at_once=dice.choice((2, 4, 8, 50, 50)),
        calls_per_second=dice.choice((1.0, 3.0, 100.0, 100.0)),
    )


DIAL_FAULTS = (
    "unsent",  # never connected
    "lost_before",  # no answer, and nothing was placed
    "lost_after",  # no answer, and the call was placed
    "reset_before",
    "reset_after",
    "5xx_before",
    "5xx_after",
    "429",
    "unreadable",  # a 201 that is cut off
)

RARE_DIAL_FAULTS = ("other_number", "other_id", "redirect")


def _weather(dice: random.Random, storm: float) -> Weather:
    share = dice.choice((0.0, 0.1, 0.3, 0.6))
    chosen = dice.sample(DIAL_FAULTS, dice.randint(1, len(DIAL_FAULTS)))
    dials = {"": 1.0 - share, **{fault: share / len(chosen) for fault in chosen}}
    if dice.random() < 0.15:
        dials[dice.choice(RARE_DIAL_FAULTS)] = 0.03
    return Weather(
        dials=dials,
        reads=dice.choice((0.0, 0.0, 0.05, 0.3)),
        lag=dice.choice((0.0, 0.3, 1.0)),
        late=dice.choice((0.0, 0.3)),
        latency=dice.choice((0.02, 0.2, 1.5)),
        read_latency=dice.choice((0.3, 2.0, 4.0)),
        commits=dice.choice((0.0, 0.02, 0.2)),
        gone=_stretches(dice, storm) if dice.random() < 0.3 else (),
        jumps=_jumps(dice, storm) if dice.random() < 0.25 else (),
        foreign=dice.choice((0, 0, 5, 30)),
        kill=dice.random() * 0.9 if dice.random() < 0.8 else 0.0,
        signal=dice.choice((0.0, 0.0, 0.3)),
        word=dice.choice((0.0, 0.0, 0.3)),
        rival=dice.choice((0.0, 0.0, 0.0, 0.3)),
        other_key=dice.choice((0.0, 0.0, 0.0, 0.3)),
        list_changes=dice.choice((0.0, 0.0, 0.5)),
        restores=dice.choice((0.0, 0.0, 0.0, 0.0, 0.25)),
    )


def _stretches(dice: random.Random, storm: float) -> tuple[tuple[float, float], ...]:
    return tuple((dice.random() * storm, dice.choice((30.0, 180.0, 900.0))) for _ in range(dice.randint(1, 3)))


def _jumps(dice: random.Random, storm: float) -> tuple[tuple[float, float], ...]:
    return tuple((dice.random() * storm * 0.5, dice.choice((-HOUR, HOUR, DAY))) for _ in range(dice.randint(1, 3)))
