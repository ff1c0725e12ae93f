"""What the platform has found in a call, once that is over and has been analysed.

How the answer looks is known from the code of others. Whether the path takes our call id or the platform's own, nobody
knows: both are tried. An analysis that is not ready is a 404, a 500, or has no items.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from dialer.model import JSON, NoReply, Reply, Secret
from dialer.verbex import wire
from dialer.verbex.answers import refusal
from dialer.verbex.client import Client
from dialer.verbex.excerpt import redact
from dialer.verbex.transport import Received

PATH = "/v2/ai-agents/{agent}/postcall-analysis/results/{call}"

MOST_CHARACTERS = 256 << 10
"""So long the items of one call may be, as JSON: whatever is longer is not kept."""

_LONGEST_NAME = 100
_NOT_READY = frozenset({404, 500})


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found in a call, by the names that the agent's owner has given; access tokens and keys dropped.
    `by`: the id by which it was asked for."""

    items: Mapping[str, JSON]
    by: str = ""


@dataclass(frozen=True, slots=True)
class NotReady:
    """There is none yet, as far as the platform tells."""


Found = Analysis | NotReady | Reply | NoReply
"""A Reply or a NoReply is trouble: nothing is known of the analysis."""


async def analysis_of(client: Client, agent: str, names: Iterable[str | None]) -> Found:
    """Ask for the analysis of a call that this agent spoke in, by each of the call's ids in turn.

    Where the platform shows that of another call, there is none.
    """
    known = [name for name in names if name]
    for name in known:
        path = PATH.format(agent=quote(agent, safe=""), call=quote(name, safe=""))
        found = await client.ask(path, {}, lambda received, now, key: read(received, now, key, known))
        if isinstance(found, Analysis):
            return replace(found, by=name)
        if not isinstance(found, NotReady):
            return found
    return NotReady()


def read(received: Received, now: datetime, key: Secret, names: Iterable[str]) -> Analysis | NotReady | Reply:
    """What an answer says of the call of these ids; pure."""
    if received.status in _NOT_READY:
        return NotReady()
    if received.status != 200:
        return refusal(received, now, key)
    try:
        if received.fault:
            raise wire.Unreadable(received.fault)
        items = _items(wire.parse(received.body), frozenset(names), key)
    except wire.Unreadable as fault:
        return Reply(received.status, message=f"The platform answered {received.status}, but its body {fault}.")
    return Analysis(items) if items else NotReady()


def _items(body: JSON, names: frozenset[str], key: Secret) -> dict[str, JSON]:
    """The items by name; those without a readable one are passed over, of two with the same the later counts."""
    data = body.get("data", body) if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise wire.Unreadable("is no analysis" if body is not None else "is empty")
    told = data.get("call_id")
    if isinstance(told, str) and told and told not in names:
        raise wire.Unreadable("is the analysis of another call")
    listed = data.get("items")
    found = {
        item["name"]: _starred(item.get("result"), key)
        for item in (listed if isinstance(listed, list) else ())
        if isinstance(item, dict) and _is_name(item.get("name"))
    }
    if len(json.dumps(found, ensure_ascii=False)) > MOST_CHARACTERS:
        raise wire.Unreadable(f"has more than {MOST_CHARACTERS >> 10} KiB of items")
    return found


def _is_name(value: JSON) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


def _starred(value: JSON, key: Secret) -> JSON:
    """Without whatever looks like a key: what is found in a call is kept for long."""
    try:
        return _redacted(value, key)
    except RecursionError:
        raise wire.Unreadable("is nested too deep") from None


def _redacted(value: JSON, key: Secret) -> JSON:
    if isinstance(value, str):
        return redact(value, key)
    if isinstance(value, list):
        return [_redacted(each, key) for each in value]
    if isinstance(value, dict):
        return {redact(name, key): _redacted(each, key) for name, each in value.items()}
    return value
