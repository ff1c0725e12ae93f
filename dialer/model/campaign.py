"""A campaign, as its file says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dialer.model.rules import CallerId, OptOut, Purpose, Register, Rule
from dialer.model.webhooks import WebhookRules
from dialer.model.words import Action, Order, Secret

RING = 60.0
"""Seconds for which a telephone may ring, where the campaign says nothing else."""


@dataclass(frozen=True, slots=True)
class ListRules:
    """The `contacts:` part of a campaign file.

    `files` are absolute and in the order in which they are read. Shares are between 0 and 1. From `timezone` to
    `not_after` they name columns that steer: where the person is, whether they consent, about which debt it is, who
    goes first, from when on and until when they may be called. `placed`: it matters where people are. `consents` and
    `yes` are those of LawRules, which say of whom consent is known; `ring` is that of CallRules: nobody is dialled
    whose telephone could still ring after their `not_after`.
    """

    files: tuple[Path, ...]
    phone: tuple[str, ...] = ("phone",)
    id: str | None = None
    one_per: str = "phone"  # phone | id
    country: str | None = None
    timezone: str | None = None
    region: str | None = None
    postcode: str | None = None
    consent: str | None = None
    debt: str | None = None
    priority: str | None = None
    not_before: str | None = None
    not_after: str | None = None
    placed: bool = False
    consents: str | None = None
    yes: frozenset[str] = frozenset()
    ring: float = RING
    required: tuple[str, ...] = ()
    expires: float | None = None
    max_rejects: float | None = None
    min_rows: int = 1
    newer_than: float | None = None
    max_gone: float = 0.10
    encoding: str | None = None
    delimiter: str | None = None

    @property
    def steering(self) -> tuple[str, ...]:
        """The columns that have a use of their own, each once."""
        named = (
            self.timezone,
            self.region,
            self.postcode,
            self.consent,
            self.debt,
            self.priority,
            self.not_before,
            self.not_after,
        )
        return tuple(dict.fromkeys(column for column in named if column is not None))


@dataclass(frozen=True, slots=True)
class CallRules:
    """The `call:` part: whose number shows, which agent speaks, what it is told.

    `agent` is an agent's id or None; `agent_column` names a column that holds one instead.
    `data` and `metadata` name columns; `("*",)` means all that have no other use.
    `longest` is in seconds: a call not known to have ended by then is unknown. `ring`: so many seconds a telephone may
    ring. `callers` tells of each own number where it is meant for; `rotates`: a retry may show another one.
    """

    from_numbers: tuple[str, ...]
    agent: str | None = None
    agent_column: str | None = None
    data: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    longest: float = 7200.0
    ring: float = RING
    callers: tuple[CallerId, ...] = ()
    rotates: bool = False


@dataclass(frozen=True, slots=True)
class SimulatorRules:
    """A simulated Verbex: its people, its limits, and what is not known of the real one.

    `mix` gives weights by finish reason to each ring (empty: people have habits instead); `script`
    gives, by E.164 number, the finish reasons of that person's rings in order, the last one repeating.
    Seconds are the simulated platform's own; `time_scale` of them pass in one real second. `calls_per_second` counts
    real seconds: the traffic of its API is not sped up.
    """

    seed: int = 1
    time_scale: float = 1.0
    concurrent_calls: int = 20
    calls_per_second: float = 50.0
    call_seconds: float = 60.0
    ring_seconds: float = 20.0
    mix: Mapping[str, float] = field(default_factory=dict)
    script: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    full_answer: str = "201"  # 201 | record | 429 | 403: where account-full is said
    lookup: str = "both"  # custom | platform | both: which id its GET understands
    repeated: str = "refused"  # refused | merged | dialled: what a repeated call_id does
    api_key: Secret | None = None  # None: any key
    own_numbers: tuple[str, ...] = ()  # empty: any caller id
    webhook_id: str = "platform"  # custom | platform: which id its events carry
    webhook_calls: str = "all"  # all | connected: whether calls that nobody answers have events
    webhook_encoding: str = "hex"  # hex | base64: of the signature
    webhook_repeats: float = 0.0  # the share of events that are sent again although they were taken
    webhook_disorder: float = 0.0  # the share of events that are late, and overtaken


@dataclass(frozen=True, slots=True)
class PlatformRules:
    """The `platform:` part. `url` is None for the simulator that runs inside `run`."""

    url: str | None
    api_key: Secret
    simulator: SimulatorRules = SimulatorRules()


@dataclass(frozen=True, slots=True)
class PaceRules:
    """The `pace:` part; `concurrent_calls` None means: learn the account's limit.

    With a learned limit `at_most` caps this campaign's own calls, and `leave_free` of the account's lines are left for
    others. Of campaigns that share a run, the one with the higher `priority` gets a free line first; equals share.
    """

    calls_per_second: float = 1.0
    concurrent_calls: int | None = 5
    at_most: int | None = None
    leave_free: int = 0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """What a campaign does after one finish reason: an action, and waits in seconds for WAIT.

    The wait after the n-th time of that reason is `waits[n - 1]`; the last one repeats.
    """

    action: Action
    waits: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RetryRules:
    """One budget of attempts over all reasons, and a response for each of the 26 reasons.

    `spreads`: a retry falls into another part of the day than the attempt before. `callback` names the field of the
    post-call analysis that holds the time at which somebody asked to be called.
    """

    attempts: int
    responses: Mapping[str, Response]
    spreads: bool = False
    callback: str | None = None


@dataclass(frozen=True, slots=True)
class RecoveryRules:
    """How long a lost answer waits before an absence counts, how many may be open, how far back to look."""

    hold: float = 120.0
    max_unknown: int = 50
    look_back: float = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Threshold:
    """A share, above 0 and at most 1, of the last `of` calls (1 or more) that may be bad."""

    share: float
    of: int


@dataclass(frozen=True, slots=True)
class StopWhen:
    """The `stop_when:` part: when so many calls went wrong that a person should look first; None: never for that."""

    platform_failed: Threshold | None = None
    under_8s: Threshold | None = None
    opt_out: Threshold | None = None


@dataclass(frozen=True, slots=True)
class LawRules:
    """The `rules:` part: for what is called, by which packs, with whose consent.

    `consent` is None, `given` for everybody on the list, or `column`: the column `contacts.consent`, in which one of
    `yes` (casefolded) means it. `added` are the campaign's own rules; `accepted` ids of rules that do not apply to it.
    """

    purpose: Purpose
    packs: tuple[str, ...]
    consent: str | None = None  # given | column
    yes: frozenset[str] = frozenset()
    added: tuple[Rule, ...] = ()
    accepted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as its file says it; paths are absolute.

    `hours` and `law` are None where the file says `always` and `none`. `caps` are the campaign's own, over all
    campaigns of the ledger; `per_day` counts this campaign's calls on a day, by UTC. `analysis`: what the platform
    finds in a call afterwards is fetched and kept.
    """

    name: str
    path: Path
    contacts: ListRules
    call: CallRules
    platform: PlatformRules
    pace: PaceRules
    retry: RetryRules
    recovery: RecoveryRules
    ledger: Path
    hours: Rule | None = None
    law: LawRules | None = None
    caps: Rule | None = None
    per_day: int | None = None
    registers: tuple[Register, ...] = ()
    opt_out: OptOut = field(default_factory=OptOut)
    order: Order = Order.RETRIES_FIRST
    analysis: bool = False
    stop_when: StopWhen = StopWhen()
    webhooks: WebhookRules | None = None
