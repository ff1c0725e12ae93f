"""What a forecast is made of, and what it says. Instants are epoch seconds in UTC, lengths are seconds, people who are
forecast are counted in fractions: a third of somebody's second call is what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialer.model.rules import Audience

Past = tuple[int, tuple[tuple[str, int], ...]]
"""What earlier calls did to somebody: attempts used up, and how often each finish reason came, sorted by it."""

FRESH: Past = (0, ())


@dataclass(frozen=True, slots=True)
class Assumed:
    """What is taken for granted of calls that nobody has made yet.

    `answer` and `machine` are the shares of calls that a person and a machine take; `others` are finish reasons with
    their shares of the rest. `length` and `machine_length`: seconds on the line once taken; `ring`: seconds until then,
    or until it is given up. `lines`: calls at once. `sources` says by name where each is from.
    """

    answer: float
    machine: float
    length: float
    machine_length: float
    ring: float
    lines: float
    others: Mapping[str, float]
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ended:
    """Calls that ended for one reason: how many, the mean of their seconds of talk, and of those on a line."""

    reason: str
    calls: int
    talk: float = 0.0
    line: float = 0.0


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a campaign may dial: calls per second, calls on one day (UTC), and how many this day has had."""

    calls_per_second: float
    per_day: int | None = None
    made_today: int = 0


@dataclass(frozen=True, slots=True)
class Crowd:
    """People who are alike: decided about alike (`kind`), due and given up at the same time, with the same past.

    `again`: they wait for a time of their own. `due_at` None: at any time; `expires_at` None: never given up.
    """

    kind: int
    people: int
    priority: int = 0
    again: bool = False
    due_at: float | None = None
    expires_at: float | None = None
    past: Past = FRESH


@dataclass(frozen=True, slots=True)
class Wait:
    """So many people may be called from that instant on; `cause`: hours, or a time of their own."""

    until: float
    people: int
    cause: str


@dataclass(frozen=True, slots=True)
class ZoneForecast:
    """What becomes of the people of some time zones: how many, their calls, and when the first and the last is made."""

    zones: tuple[str, ...]
    people: int
    calls: float
    first: float | None
    last: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a campaign goes on, if it goes as assumed.

    `ready` may be called at once, `waits` later. `calls` are expected, `worst` is what they come to if nobody is ever
    reached. `reached` and `unreached` people are expected at the end. `binds`: for how many seconds, from the first
    call to the last, each thing held the calls back. `hours`: calls by the hour in which they are made. `unfit`: by
    cause, people whose end comes before anybody can call them; `cut`: who are called and whose next call comes too
    late. `late`: people who are not through when the forecast ends.
    """

    at: float
    people: int
    ready: int
    waits: tuple[Wait, ...]
    calls: float
    worst: int
    reached: float
    unreached: float
    first: float | None
    last: float | None
    ends: float | None
    zones: tuple[ZoneForecast, ...]
    binds: Mapping[str, float]
    hours: tuple[tuple[int, float], ...]
    unfit: Mapping[str, float]
    cut: float
    late: float


@dataclass(frozen=True, slots=True)
class Excluded:
    """People who are not called: why, as the detail of a contact or the reason of a reject, and some of them."""

    why: str
    people: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """Whom a campaign has, as its ledger or its list tells; a crowd's kind is the id of its audience.

    `finished`, `live` and `unknown` people are in no crowd. `excluded` leaves out whom only the rules bar. `rejects`:
    faults of the list. `lines`: the learned limit. `paused`: in words, '' if it is not. `gate`: why the list, as it is,
    would not be taken in.
    """

    crowds: tuple[Crowd, ...]
    audiences: Mapping[int, Audience]
    excluded: tuple[Excluded, ...] = ()
    rejects: tuple[Excluded, ...] = ()
    finished: int = 0
    live: int = 0
    unknown: int = 0
    ended: tuple[Ended, ...] = ()
    made_today: int = 0
    lines: float | None = None
    paused: str = ""
    gate: str = ""
    examples: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planned:
    """A campaign's plan: where its people were read from, the forecast, and whom it leaves out.

    `notes` are sentences on what the forecast does not know. `rate`: new calls per second while people may be called.
    """

    campaign: str
    source: str
    counted: Counted
    excluded: tuple[Excluded, ...]
    assumed: Assumed
    speed: Speed
    rate: float
    attempts: int
    forecast: Forecast
    notes: tuple[str, ...] = ()
