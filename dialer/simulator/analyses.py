"""What is found in a call once it is over: when it can be had, and what people said. Pure.

Verbex documents that an analysis comes 1 to 30 seconds after the end; the shape of the answer, and that one that is not
ready is a 404 or a 500, was seen in the code of others. Which fields there are is up to an agent: these are made up.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dialer.model import JSON, SimulatorRules
from dialer.simulator.calls import CANARY, Ring
from dialer.simulator.habits import draw

_SPAN = (1.0, 30.0)  # simulated seconds after the end
_TROUBLE = 0.1  # the share of seconds in which the answer is a 500
_WANT_NO_MORE, _WANT_IT_LATER = 0.03, 0.1
_LATER_HOURS = (1, 48)
_SUMMARIES = (
    "The person confirmed the appointment.",
    "The person asked what the call was about and confirmed.",
    "The person had no time to talk.",
)


def ready_at(rules: SimulatorRules, ring: Ring) -> float | None:
    """When a call is analysed, in epoch seconds; None for one in which nothing was said."""
    if ring.answered_at is None:
        return None
    first, last = _SPAN
    after = first + (last - first) * draw(rules.seed, ring.to_number, ring.nth, "analysis")
    return ring.over_at + after / ring.scale


def is_in_trouble(rules: SimulatorRules, ring: Ring, at: float) -> bool:
    """Whether the answer at that moment is a 500, now and then, whether the analysis is ready or not."""
    return draw(rules.seed, ring.platform_id, int(at), "analysis fails") < _TROUBLE


def told(rules: SimulatorRules, ring: Ring) -> dict[str, JSON]:
    """The analysis as the platform tells it."""
    return {
        "data": {
            "call_id": ring.platform_id,
            "ai_agent_id": ring.ai_agent_id,
            "items": [
                {"name": name, "type": kind, "result": result, "access_token": f"{CANARY}analysis"}
                for name, kind, result in _items(rules, ring)
            ],
        }
    }


def _items(rules: SimulatorRules, ring: Ring) -> list[tuple[str, str, JSON]]:
    words = (rules.seed, ring.to_number, ring.nth)
    wants_no_more = draw(*words, "do not call") < _WANT_NO_MORE
    summary = _SUMMARIES[int(draw(*words, "summary") * len(_SUMMARIES))]
    return [
        ("summary", "text", "The person wants no more calls." if wants_no_more else summary),
        ("do_not_call", "boolean", wants_no_more),
        ("callback_at", "text", None if wants_no_more else _later(ring, draw(*words, "later"))),
    ]


def _later(ring: Ring, chance: float) -> str | None:
    """A time at which somebody asks to be called again, on the hour."""
    if chance >= _WANT_IT_LATER:
        return None
    first, last = _LATER_HOURS
    hours = first + int((last - first) * chance / _WANT_IT_LATER)
    ended = datetime.fromtimestamp(ring.over_at, UTC)
    return (ended.replace(minute=0, second=0, microsecond=0) + timedelta(hours=hours + 1)).isoformat()
