"""What the platform shows of an account: its own numbers, and its agents.

How the answers are wrapped is not known for sure: a bare array, or an object that holds one. Of each item the fields
that are named here are kept, and nothing else: the platform's records of numbers hold passwords.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from dialer.model import JSON, NoReply, Reply, Secret
from dialer.verbex import wire
from dialer.verbex.answers import refusal
from dialer.verbex.client import Client
from dialer.verbex.transport import Received

NUMBERS = "/v1/phone-numbers"
AGENTS = "/v2/ai-agents/"
PAGE = 100
"""Numbers on a page; the platform takes 1 to 100."""

_AGENT_IDS = ("_id", "id", "ai_agent_id", "agent_id")
_TOKENS = ("next_page_token", "next_token", "next")
_MORE = ("has_more", "has_next")


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """A number of the account, as the platform writes it, and the agent that is bound to its outbound calls."""

    number: str
    agent: str | None


@dataclass(frozen=True, slots=True)
class Numbers:
    """A page of the account's numbers. `is_whole`: there are no others; `next_page` is None where the platform does not
    say how to ask for them."""

    numbers: tuple[OwnNumber, ...]
    is_whole: bool
    next_page: str | None = None


@dataclass(frozen=True, slots=True)
class Agents:
    """The ids of the account's agents. `is_whole`: there are no others."""

    ids: frozenset[str]
    is_whole: bool


async def own_numbers(client: Client, page: str | None = None) -> Numbers | Reply | NoReply:
    """The account's numbers, or those of the page with this token; a Reply where they are not shown."""
    query = {"page_size": str(PAGE)} | ({"page_token": page} if page is not None else {})
    return await client.ask(NUMBERS, query, read_numbers)


async def agents(client: Client) -> Agents | Reply | NoReply:
    """The account's agents; a Reply where they are not shown."""
    return await client.ask(AGENTS, {}, read_agents)


def read_numbers(received: Received, now: datetime, key: Secret) -> Numbers | Reply:
    """A page of numbers from a readable 200; pure."""
    return _read(received, now, key, _numbers)


def read_agents(received: Received, now: datetime, key: Secret) -> Agents | Reply:
    """The agents from a readable 200; pure."""
    return _read(received, now, key, _agents)


T = TypeVar("T")


def _read(received: Received, now: datetime, key: Secret, read: Callable[[JSON], T]) -> T | Reply:
    if received.status != 200:
        # Not even the words of a refusal are kept: of what is said here nothing but the named fields may be shown.
        return Reply(received.status, retry_after=refusal(received, now, key).retry_after)
    try:
        if received.fault:
            raise wire.Unreadable(received.fault)
        return read(wire.parse(received.body))
    except wire.Unreadable as fault:
        return Reply(received.status, message=f"its body {fault}")


def _numbers(body: JSON) -> Numbers:
    items = _items(body)
    found = tuple(_number(item) for item in items)
    token = _token(body)
    return Numbers(found, token is None and not _has_more(body) and len(items) < PAGE, token)


def _number(item: dict[str, JSON]) -> OwnNumber:
    number, agent = item.get("phone_number"), item.get("outbound_agent_id")
    if not (isinstance(number, str) and number):
        raise wire.Unreadable("lists something without a phone_number")
    return OwnNumber(number, agent if isinstance(agent, str) and agent else None)


def _agents(body: JSON) -> Agents:
    items = _items(body)
    found = frozenset(value for item in items for name in _AGENT_IDS if isinstance(value := item.get(name), str))
    if items and not found:
        raise wire.Unreadable("lists agents without ids")
    return Agents(found, _token(body) is None and not _has_more(body))


def _items(body: JSON) -> list[dict[str, JSON]]:
    """The objects of the one array that there is."""
    arrays = [body] if isinstance(body, list) else [value for value in _values(body) if isinstance(value, list)]
    if len(arrays) != 1 or not all(isinstance(item, dict) for item in arrays[0]):
        raise wire.Unreadable("is no list as it should be")
    return arrays[0]


def _values(body: JSON) -> Iterator[JSON]:
    yield from body.values() if isinstance(body, dict) else ()


def _token(body: JSON) -> str | None:
    told = (body.get(name) for name in _TOKENS) if isinstance(body, dict) else ()
    return next((token for token in told if isinstance(token, str) and token), None)


def _has_more(body: JSON) -> bool:
    """Whether the object says that there is more, in whatever way."""
    if not isinstance(body, dict):
        return False
    total, items = body.get("total_count"), _items(body)
    is_counted = isinstance(total, int) and not isinstance(total, bool) and total > len(items)
    return is_counted or any(body.get(name) is True for name in _MORE)
