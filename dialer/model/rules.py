"""The rules of calling people: hours, caps, prohibitions, consent; where a person may be; what was decided.

A rule is data with its source. Days are Monday 0 to Sunday 6; times of day are minutes since local midnight, half-open,
0 to 1440. Nothing here knows a clock: `policy` decides, `packs` reads the rules that ship, `config` a campaign's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

Span = tuple[int, int]
"""From and until, in minutes since local midnight: half-open, `0 <= from < until <= 1440`."""

Week = tuple[tuple[Span, ...], ...]
"""Seven days, Monday first; the spans of a day in order, without overlap."""

EVERY_MINUTE: Week = (((0, 1440),),) * 7


class Purpose(StrEnum):
    """What a campaign calls for, in the words of the law."""

    MARKETING = "marketing"
    DEBT = "debt"
    INFO = "info"
    SURVEY = "survey"


class Scope(StrEnum):
    """Whose rings a cap counts, over all campaigns of the ledger."""

    PERSON = "person"  # all rings to any number of theirs, or about their id
    DEBT = "debt"  # of these, those about the same debt; without a column for the debt, all


class After(StrEnum):
    """After what nobody is called for some days."""

    CONVERSATION = "conversation"
    REFUSAL = "refusal"


class Ruling(StrEnum):
    """The three answers; `rules test` prints one of these words first."""

    ALLOW = "ALLOW"
    HOLD = "HOLD"  # not now; `until` says when, None: when somebody has found out what is not known
    BLOCK = "BLOCK"  # not by this campaign


@dataclass(frozen=True, slots=True)
class Cap:
    """No more than `most` rings in any `seconds` on end."""

    most: int
    seconds: float
    per: Scope = Scope.PERSON


@dataclass(frozen=True, slots=True)
class Rest:
    """Nobody is called for `days` calendar days of theirs, the day of the conversation or refusal being the first."""

    days: int
    after: After = After.CONVERSATION
    per: Scope = Scope.PERSON


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack, or of a campaign (`pack` ''). What is None or empty it says nothing about.

    `place` is an ISO 3166 code (`US`, `US-FL`), or `*` for everywhere. `purposes`, `voices` (ai, human) and `lines`
    (the kinds of a number as `places` names them) narrow it; empty means all. `holidays` are calendars by such codes on
    whose days nobody is called; `zone` is the clock of the hours where it is not the person's own. `forbidden` is the
    sentence by which such calls are barred. It holds on local days from `effective_from` up to, not with,
    `effective_until`.
    """

    id: str
    place: str
    purposes: frozenset[Purpose] = frozenset()
    voices: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()
    week: Week | None = None
    holidays: tuple[str, ...] = ()
    not_on: frozenset[date] = frozenset()
    zone: str | None = None
    caps: tuple[Cap, ...] = ()
    rests: tuple[Rest, ...] = ()
    gap: float | None = None  # seconds between a ring and the next
    forbidden: str = ""
    needs_consent: bool = False
    effective_from: date | None = None
    effective_until: date | None = None
    citation: str = ""
    confidence: str = ""  # high, medium, low, derived, own
    read_on: date | None = None
    pack: str = ""
    version: str = ""
    note: str = ""  # what the law asks for and no dialer can see to


@dataclass(frozen=True, slots=True)
class Pack:
    """The rules of a country, as they ship. `expires`: from then on nobody is called by it before it is read anew.

    `register_days`: so old a copy of the national do-not-call list may be; None: the law asks for none. `keeps` are
    sentences on records that must be kept, which `purge` shows.
    """

    code: str
    name: str
    version: str
    read_on: date
    expires: date
    countries: frozenset[str]
    rules: tuple[Rule, ...]
    register_days: int | None = None
    keeps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a person may be: every zone (IANA) and every place (`US`, `US-FL`) whose rules may reach them, sorted.

    `evidence` says from what it is known, strongest first. `held` is a word (`no_zone`, `unknown_zone`,
    `unknown_postcode`, `unknown_region`) where nobody may be dialled before somebody has found out, and `why` its
    sentence.
    """

    zones: tuple[str, ...]
    places: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    held: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Audience:
    """People for whom the same is decided at the same moment, their history apart: many share one.

    `countries` are those of their numbers and of their address, `lines` the kinds of the numbers; `consents`: whether
    the list says that they do.
    """

    zones: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    consents: bool = False
    held: str = ""


@dataclass(frozen=True, slots=True)
class Ring:
    """That somebody was rung, or may have been: when, about which debt ('' for none), and whether they talked."""

    at: datetime
    debt: str = ""
    talked: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Permit:
    """What was decided about one dial at one moment, by which rule: `rule` '' where nothing stood against it."""

    ruling: Ruling
    rule: str = ""
    why: str = ""
    citation: str = ""
    version: str = ""  # of the pack, as us-2026.11.22
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says by itself about a dial: where it holds, until when, and in which words.

    What is not known of a person is found as a rule of its own, `held:no_zone` and the like.
    """

    rule: Rule
    says: Ruling
    until: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class CallingRules:
    """All rules that a campaign goes by: its own (`rules`: hours, caps), and those of its packs.

    `accepted` are ids of rules of packs that the campaign declares not to apply to it (`i_accept`). `ring` is in
    seconds: nobody is dialled whose telephone could still ring after the end.
    """

    rules: tuple[Rule, ...] = ()
    packs: tuple[Pack, ...] = ()
    purpose: Purpose | None = None
    voice: str = "ai"
    accepted: frozenset[str] = frozenset()
    ring: float = 60.0
    is_free: bool = False  # `hours: always` and `rules: none`: nothing of a person's whereabouts is asked


@dataclass(frozen=True, slots=True)
class Register:
    """A do-not-call list in a file: numbers that this campaign may not ring; no older than `max_age` seconds. `file` is
    its absolute path, `named` what the campaign file says of it."""

    file: str
    max_age: float | None = None
    column: str | None = None
    named: str = ""


@dataclass(frozen=True, slots=True)
class CallerId:
    """An own number that shows: for which places (empty: all), with which agent, how often on a day (UTC)."""

    number: str
    places: frozenset[str] = frozenset()
    agent: str | None = None
    per_day: int | None = None


@dataclass(frozen=True, slots=True)
class OptOut:
    """What in a conversation means "do not call again": finish reasons, and values of analysis fields."""

    reasons: frozenset[str] = frozenset()
    analysis: Mapping[str, frozenset[str]] = field(default_factory=dict)
