"""What the platform tells of its calls by webhook: which events, when, in what order, and how each is signed.

Pure: a function of the rules, the rings and the time. `deliveries` only carries out what is planned here. Instants
are epoch seconds; waits are simulated seconds, `scale` of which pass in a real one.

Verbex leaves open which id its events carry, whether they come for calls that never connect, and the text, hash and
encoding of the signature; the rules have a setting for the first two and the last, the others are assumed as
`signature` says.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from dialer.model import JSON, Secret, SimulatorRules
from dialer.simulator import analyses
from dialer.simulator.calls import Ring, instant
from dialer.simulator.habits import draw
from dialer.simulator.subscriptions import ANALYSED, ENDED, STARTED, TRANSFERRED, Subscription

ORGANIZATION = "5e0000000000000000000001"
RETRY_WAITS = (1.0, 5.0, 30.0, 120.0)
"""Simulated seconds before each further try of a delivery that was not taken; then it is given up."""

_LONGEST_ANALYSIS = 30.0  # after the end
_REPEAT = (1.0, 60.0)  # after the first copy
_MARGIN = 30.0  # by how much an event can be held back, beside twice its call's length


@dataclass(frozen=True, slots=True)
class Planned:
    """One copy of one event of a call: `at` is when it is sent first, `occurred` when it happened."""

    at: float
    occurred: float
    event: str
    ring: Ring
    order: int  # among the events of its call
    copy: int  # 0, or 1 for one that is repeated although it was taken

    @property
    def rank(self) -> tuple[float, float, str, int, int]:
        """By what deliveries are ordered: when they are due; then by call, and within a call as things happened."""
        return self.at, self.ring.at, self.ring.platform_id, self.order, self.copy


@dataclass(frozen=True, slots=True)
class Message:
    """A delivery as it goes out: the headers, and the bytes over which they are signed."""

    headers: Mapping[str, str]
    body: bytes


def plan(rules: SimulatorRules, ring: Ring) -> list[Planned]:
    """All that is sent about a call, in the order in which it is sent. A call's fate is known from its first moment."""
    copies: list[Planned] = []
    for order, (event, occurred) in enumerate(_happenings(rules, ring)):
        words = (rules.seed, ring.to_number, ring.nth, event)
        first = occurred + _held_back(rules, ring, words)
        copies.append(Planned(first, occurred, event, ring, order, 0))
        if draw(*words, "repeat") < rules.webhook_repeats:
            again = first + _between(_REPEAT, draw(*words, "again")) / ring.scale
            copies.append(Planned(again, occurred, event, ring, order, 1))
    return sorted(copies, key=lambda planned: planned.rank)


def message(rules: SimulatorRules, to: Subscription, planned: Planned, now: float) -> Message:
    """The delivery to one subscriber as it is sent at `now`: each try is stamped and signed anew, the body stays."""
    trace = trace_id(rules, to, planned)
    body = json.dumps(_body(rules, planned, trace), separators=(",", ":")).encode()
    stamp = instant(now)
    headers = {
        **to.headers,
        "Content-Type": "application/json",
        "X-Webhook-Event": planned.event,
        "X-Webhook-Traceid": trace,
        "X-Webhook-Timestamp": stamp,
    }
    if to.signed:
        headers["X-Webhook-Signature"] = signature(to.secrets(now), stamp, body, rules.webhook_encoding)
    return Message(headers, body)


def signature(secrets: Sequence[Secret], stamp: str, body: bytes, encoding: str) -> str:
    """`v1=` and an HMAC-SHA256 over `<timestamp header>.<raw body>`, for each secret that is valid.

    The key is the secret as it was shown, `whsec_` included. Text, hash and key are assumptions.
    """
    digests = (hmac.digest(secret.reveal().encode(), stamp.encode() + b"." + body, "sha256") for secret in secrets)
    return ",".join(f"v1={_encoded(digest, encoding)}" for digest in digests)


def trace_id(rules: SimulatorRules, to: Subscription, planned: Planned) -> str:
    """The identity of a delivery: the same for all its tries and copies, another for each subscriber."""
    words = f"{rules.seed}|{planned.ring.platform_id}|{planned.event}|{to.id}"
    return str(uuid.UUID(bytes=hashlib.blake2b(words.encode(), digest_size=16).digest()))


class Agenda:
    """The deliveries to come of the rings that it was given, without looking at each ring at each moment."""

    def __init__(self, rules: SimulatorRules) -> None:
        self._rules = rules
        self._heap: list[tuple[tuple[float, float, str, int, int], Planned]] = []

    def add(self, ring: Ring, since: float = 0.0) -> None:
        """Plan a ring's deliveries; those before `since` have been made."""
        if _last_of(ring) < since:
            return
        for planned in plan(self._rules, ring):
            if planned.at >= since:
                heappush(self._heap, (planned.rank, planned))

    @property
    def next_at(self) -> float | None:
        """When the next one is due; None if none is known of."""
        return self._heap[0][1].at if self._heap else None

    def take(self, until: float) -> list[Planned]:
        """What is due until an instant, that one included, in order; it is not given out again."""
        taken = []
        while self._heap and self._heap[0][1].at <= until:
            taken.append(heappop(self._heap)[1])
        return taken


def _happenings(rules: SimulatorRules, ring: Ring) -> Iterator[tuple[str, float]]:
    """The events of a call in their order. Only what was said can be analysed."""
    only_connected = rules.webhook_calls == "connected"
    if only_connected and ring.answered_at is None:
        return
    started = ring.answered_at if only_connected else ring.started_at
    if started is not None:
        yield STARTED, started
    if ring.reason == "call_transferred":
        yield TRANSFERRED, ring.over_at
    yield ENDED, ring.over_at
    analysed = analyses.ready_at(rules, ring)
    if analysed is not None:
        yield ANALYSED, analysed


def _held_back(rules: SimulatorRules, ring: Ring, words: tuple[object, ...]) -> float:
    """Real seconds by which an event is late, so that others of its call, and of other calls, overtake it."""
    if draw(*words, "disorder") >= rules.webhook_disorder:
        return 0.0
    return _longest_held(ring) * draw(*words, "late")


def _longest_held(ring: Ring) -> float:
    return 2 * (ring.over_at - ring.at) + _MARGIN / ring.scale


def _last_of(ring: Ring) -> float:
    """An instant after which nothing is sent about a call for the first time, whatever the draws."""
    return ring.over_at + _longest_held(ring) + (_LONGEST_ANALYSIS + _REPEAT[1]) / ring.scale


def _body(rules: SimulatorRules, planned: Planned, trace: str) -> dict[str, JSON]:
    ring = planned.ring
    ours = rules.webhook_id == "custom" and ring.call_id is not None
    return {
        "organizationId": ORGANIZATION,
        "traceId": trace,
        "eventName": planned.event,
        "timestamp": int(planned.occurred),
        "payload": {
            "call_id": ring.call_id if ours else ring.platform_id,
            "agent_id": ring.ai_agent_id,
            "status": "ongoing" if planned.event == STARTED else ring.fate.status,
        },
    }


def _encoded(digest: bytes, encoding: str) -> str:
    return base64.b64encode(digest).decode() if encoding == "base64" else digest.hex()


def _between(span: tuple[float, float], chance: float) -> float:
    return span[0] + (span[1] - span[0]) * chance
