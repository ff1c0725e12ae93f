"""What must be true after a run, told from the platform's own list of rings and written anew from the documents.

Nothing of the product's policy is used here: the tables are those of docs/lifecycle.md, read a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from dialer.simulator import Ring
from tests.acceptance.kit import FINISHED, World

TALKED = {
    "user_ended_call",
    "agent_ended_call",
    "call_transferred",
    "inactivity_timeout",
    "maximum_duration_exceeded",
}
NEVER = {"no_audio_input", "speech_recognition_error", "inbound_webhook_error", "frontend_payload_corruption"}
AGAIN = {
    "no_answer",
    "line_busy",
    "voicemail_detected",
    "answering_machine_detected",
    "call_failed",
    "user_connection_failure",
    "registered_call_timed_out",
}
TROUBLE = {
    "twilio_service_error",
    "verbex_service_error",
    "llm_websocket_initialization_error",
    "llm_websocket_connection_lost",
    "llm_websocket_runtime_error",
    "llm_websocket_payload_corruption",
    "unknown_error",
}
FREE = {"concurrent_call_limit_reached"}
STOPPING = {"invalid_payment", "potential_scam_detected"}
REASONS = TALKED | NEVER | AGAIN | TROUBLE | FREE | STOPPING

MOST_FAILED = 3
"""So often a call that fails is tried, with two waits or fewer for it."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a person: the state, and how many attempts it has cost. `open`: they are to be called again."""

    state: str
    attempts: int


def fate(rings: Sequence[Ring], most: int = 3) -> Fate:
    """The state that follows from a person's rings in order; fails if one follows upon an end."""
    attempts, failed, state = 0, 0, "open"
    for ring in rings:
        assert state == "open", f"{ring.to_number} was rung again by {ring.call_id} after they were {state}"
        attempts += ring.reason not in FREE
        failed += ring.reason == "call_failed"
        state = _after(ring, attempts, failed, most)
    return Fate(state, attempts)


def _after(ring: Ring, attempts: int, failed: int, most: int) -> str:
    if ring.reason in TALKED:
        return "done"
    if ring.reason in NEVER or (ring.reason in TROUBLE and ring.fate.talk > 0):
        return "exhausted"
    if ring.reason in FREE:
        return "open"
    assert ring.reason in AGAIN | TROUBLE, ring.reason
    return "exhausted" if attempts >= most or failed >= MOST_FAILED else "open"


def by_person(rings: Iterable[Ring]) -> Mapping[str, list[Ring]]:
    """The rings of each person, by the id that went with the call."""
    found: dict[str, list[Ring]] = defaultdict(list)
    for ring in sorted(rings, key=lambda ring: ring.at):
        assert ring.metadata is not None
        found[ring.metadata["id"]].append(ring)
    return found


def nobody_over_rung(rings: Sequence[Ring]) -> None:
    """One ring for a call id at most, and never two live calls to one number."""
    ids = [ring.call_id for ring in rings]
    assert None not in ids
    assert len(set(ids)) == len(ids), "a call id has rung twice"
    over_at: dict[str, float] = {}
    for ring in sorted(rings, key=lambda ring: ring.at):
        assert ring.at >= over_at.get(ring.to_number, 0.0), f"{ring.to_number} was rung while a call to it was live"
        over_at[ring.to_number] = ring.over_at


def everyone_settled(
    world: World, name: str = "camp", *, people: int, most: int = 3, besides: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Nobody is lost, and each is in the state that follows from the platform's own list.

    `besides` are the people whose state follows from something else (a rejection, their expiry, a fate that nobody
    tells), with that state.
    """
    rings, contacts = world.rings(), world.contacts(name)
    nobody_over_rung(rings)
    told = by_person(rings)
    assert len(contacts) == people
    expected = {who: fate(told.get(who, []), most) for who in contacts if who not in besides}
    assert {who: Fate(row["state"], row["attempts"]) for who, row in contacts.items() if who in expected} == expected
    assert {row["state"] for who, row in contacts.items() if who in expected} <= FINISHED
    assert {who: contacts[who]["state"] for who in besides} == dict(besides)
    _ledger_agrees(world, told, contacts.keys(), {who for who, state in besides.items() if state == "unknown"})


def _ledger_agrees(
    world: World, told: Mapping[str, list[Ring]], people: Iterable[str], unknown: Collection[str]
) -> None:
    """The ledger has every ring as an attempt of its own, ended for the reason that the platform tells; who is unknown
    has one that is open."""
    ended: dict[str, list[tuple[str, str, int]]] = defaultdict(list)
    for row in world.attempts():
        if row["person"] in unknown and row["state"] == "unknown":
            continue
        assert row["state"] in ("ended", "refused"), dict(row)
        if row["state"] == "ended":
            ended[row["person"]].append((row["call_id"], row["finish_reason"], row["costs"]))
    for who in set(people) - set(unknown):
        rung = [(ring.call_id, ring.reason, int(ring.reason not in FREE)) for ring in told.get(who, [])]
        assert sorted(ended[who]) == sorted(rung), who


def most_live(rings: Iterable[Ring]) -> int:
    """The most calls that were live at once."""
    moves = sorted(move for ring in rings if not ring.turned_away for move in ((ring.at, 1), (ring.over_at, -1)))
    live = most = 0
    for _, change in moves:
        live += change
        most = max(most, live)
    return most


def most_in_a_second(moments: Iterable[float]) -> int:
    """The most moments within any one second."""
    ordered, first, most = sorted(moments), 0, 0
    for place, moment in enumerate(ordered):
        while ordered[first] <= moment - 1.0:
            first += 1
        most = max(most, place - first + 1)
    return most
