"""A receiver on a real socket in virtual time, and the desk behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from dialer.model import Event, Secret, WebhookRules
from dialer.receiver import Receiver
from tests.virtual_time import Time, in_virtual_time
from tests.webhook_kit import SECRET, Delivery, post

RULES = WebhookRules("127.0.0.1", 0, "https://calls.example.com/verbex", "/verbex", (Secret(SECRET),))


class Desk:
    """What a receiver hands on: the events that were kept, and those of them that were heard of."""

    def __init__(self) -> None:
        self.kept: dict[str, Event] = {}
        self.heard: list[str] = []
        self.amiss: list[str] = []
        self.fault: Exception | None = None
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def keep(self, event: Event) -> bool:
        await self.goes_on.wait()
        if self.fault is not None:
            raise self.fault
        is_new = event.trace_id not in self.kept
        self.kept.setdefault(event.trace_id, event)
        return is_new

    def hear(self, event: Event) -> None:
        assert event.trace_id in self.kept
        self.heard.append(event.trace_id)


@contextlib.asynccontextmanager
async def receiving(rules: WebhookRules = RULES) -> AsyncIterator[tuple[str, Desk]]:
    """A receiver, and the desk behind it."""
    desk = Desk()
    clock = Time().clock
    async with Receiver(rules, desk.keep, clock.now, desk.hear, desk.amiss.append).serve() as address:
        yield address, desk


def virtually(work: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """A test that lives in virtual time."""

    def test() -> None:
        in_virtual_time(work())

    test.__name__, test.__doc__ = work.__name__, work.__doc__
    return test


def answered(sent: Delivery, rules: WebhookRules = RULES) -> tuple[int, str, Desk]:
    """What is answered to one delivery, and what came of it."""

    async def asked() -> tuple[int, str, Desk]:
        async with receiving(rules) as (address, desk):
            status, words = await post(address, sent)
        return status, words, desk

    return in_virtual_time(asked())


def longer(body: dict[str, Any], length: int) -> bytes:
    """A body of exactly so many bytes."""
    bare = len(json.dumps(body | {"fill": ""}))
    return json.dumps(body | {"fill": "x" * (length - bare)}).encode()
