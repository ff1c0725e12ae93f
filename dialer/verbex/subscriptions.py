"""Subscriptions to the platform's webhooks: make one, list them, remove one, give one a new secret.

Not all names of the platform's fields are known for sure: those that are sent, and those under which an answer is
understood, stand in `NAMES`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote

import dialer
from dialer.errors import DialerError, LookFirst, PlatformRefused, PlatformUnreachable, UsageError
from dialer.model import JSON, NoReply, Reply, Secret
from dialer.verbex import wire
from dialer.verbex.answers import refusal
from dialer.verbex.transport import Received, Wire

ONE = "/v1/public/webhook/subscription"
ALL = "/v1/public/webhook/subscriptions"

PAGE = 100
"""Subscriptions on a page; the platform takes 1 to 100."""

MOST_PAGES = 100

ANSWER_LIMIT = 4 << 20
"""Bytes of body that an answer may have."""

SECONDS = 20.0
"""How long an answer may take once connected."""


@dataclass(frozen=True, slots=True)
class Names:
    """The fields of a subscription. Of several names the first is sent, and any of them is understood."""

    url: tuple[str, ...] = ("url", "webhook_url", "endpoint_url", "endpoint", "target_url", "callback_url")
    id: tuple[str, ...] = ("id", "_id", "subscription_id", "webhook_id")
    secret: tuple[str, ...] = ("secret", "signing_secret", "webhook_secret", "signature_secret")
    name: tuple[str, ...] = ("name",)
    next_page: tuple[str, ...] = ("next_page_token",)
    signed: str = "enable_signed_webhooks"
    events: str = "events"


NAMES = Names()


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the platform sends to whom; its secret is told only when it is made, and when it gets a new one."""

    id: str
    url: str
    name: str = ""
    secret: Secret | None = field(default=None)


class Subscriptions:
    """The subscriptions of one account, each request tried once.

    Whatever fails is a DialerError in one sentence: PlatformRefused for the key, PlatformUnreachable where nothing
    readable came back or the platform failed, UsageError with the platform's words where it says no, LookFirst for what
    nobody foresaw. Raises PlatformRefused if the key cannot be sent at all.
    """

    def __init__(self, base_url: str, key: Secret, now: Callable[[], datetime]) -> None:
        self._wire = Wire(base_url, key, 1, f"dialer/{dialer.__version__}")
        self._key = key
        self._now = now

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.aclose()

    async def create(self, name: str, url: str, events: Sequence[str]) -> Subscription:
        """Have these events sent to a URL, signed. The answer alone tells the secret.

        A field's name that the platform does not take is tried under the name that it asks for: what it has turned away
        was not made.
        """
        wanted = {NAMES.name[0]: name, NAMES.signed: True, NAMES.events: list(events)}
        doing = f"A subscription for {url}"
        answer = await self._said("POST", ONE, doing, wanted | {NAMES.url[0]: url})
        asked = next((each for each in NAMES.url[1:] if isinstance(answer, Reply) and each in answer.fields), None)
        if asked is not None:
            answer = await self._said("POST", ONE, doing, wanted | {asked: url})
        body = _taken(answer, doing)
        made = _one(body)
        if made is None:
            raise LookFirst(
                f"{doing} may have been made, but the answer names none: look with `dialer webhooks list` before "
                "you try again."
            )
        return replace(made, url=made.url or url, secret=_secret(body))

    async def list(self) -> tuple[Subscription, ...]:
        """All subscriptions of the account, each once."""
        found: dict[str, Subscription] = {}
        token: str | None = None
        for _ in range(MOST_PAGES):
            query = {"page_size": str(PAGE)} | ({"page_token": token} if token else {})
            body = _taken(await self._said("GET", ALL, "The list of subscriptions", query=query), "The list")
            page = [_one(item) for item in _items(body)]
            known = len(found)
            found |= {each.id: each for each in page if each is not None}
            token = _text(body, NAMES.next_page) if isinstance(body, dict) else ""
            if not token or len(found) == known:
                break
        return tuple(found.values())

    async def remove(self, subscription: str) -> None:
        """Have nothing sent to it any more."""
        doing = f"The removal of subscription {subscription}"
        answer = await self._said("DELETE", f"{ONE}/{quote(subscription, safe='')}", doing)
        if isinstance(answer, Reply):
            raise _refused(answer, doing)

    async def rotate(self, subscription: str) -> Subscription:
        """Have it sign with a new secret, which the answer alone tells; the old one is good for 72 hours more."""
        doing = f"A new secret for subscription {subscription}"
        path = f"{ONE}/{quote(subscription, safe='')}/rotate/secret"
        body = _taken(await self._said("POST", path, doing), doing)
        secret = _secret(body)
        if secret is None:
            raise LookFirst(f"{doing} may have been made, but the answer tells none: make another.")
        told = _one(body)
        return Subscription(subscription, told.url if told else "", told.name if told else "", secret)

    async def _said(
        self,
        method: str,
        path: str,
        doing: str,
        body: JSON = None,
        query: dict[str, str] | None = None,
    ) -> Received | Reply:
        """A 2xx as it came, or what the platform says instead; raises PlatformUnreachable where nothing came."""
        content = b"" if body is None else json.dumps(body).encode()
        url = self._wire.url(path)
        received = await self._wire.exchange(method, url, SECONDS, ANSWER_LIMIT, content=content, query=query)
        if isinstance(received, NoReply):
            raise PlatformUnreachable(
                f"{doing}: the platform did not answer ({received.cause}). {_next(method, received.unsent)}"
            )
        if 200 <= received.status < 300:
            return received
        return refusal(received, self._now(), self._key)


# --- what was said ---------------------------------------------------------------------------------


def _next(method: str, unsent: bool) -> str:
    """What to do after an answer that was lost."""
    if method == "GET" or unsent:
        return "Nothing was changed; try again."
    return "Look with `dialer webhooks list` before you try again."


def _refused(answer: Reply, doing: str) -> DialerError:
    words = answer.message.rstrip(".")  # the sentence goes on behind the platform's
    said = f"{doing}: the platform answered {answer.status}" + (f": {words}" if words else "")
    if answer.status in (401, 402, 403):
        return PlatformRefused(f"{said}; see to the key that platform.api_key names.")
    if answer.status >= 500 or answer.status in (408, 429):
        return PlatformUnreachable(f"{said}; try again later.")
    if 400 <= answer.status < 500:
        return UsageError(f"{said}; `dialer webhooks list` shows what there is.")
    return LookFirst(f"{said}; is platform.url the platform's own address?")


def _taken(answer: Received | Reply, doing: str) -> JSON:
    """The JSON of a 2xx."""
    if isinstance(answer, Reply):
        raise _refused(answer, doing)
    try:
        if answer.fault:
            raise wire.Unreadable(answer.fault)
        return wire.parse(answer.body)
    except wire.Unreadable as fault:
        raise LookFirst(
            f"{doing}: the platform answered {answer.status}, but its body {fault}; look with `dialer webhooks list` "
            "before you try again."
        ) from None


def _one(body: JSON) -> Subscription | None:
    """The subscription that an object is, or that stands in it; None where there is no readable id.

    Of several objects in it the one that has a URL is meant.
    """
    if not isinstance(body, dict):
        return None
    read = [
        Subscription(_text(each, NAMES.id), _text(each, NAMES.url), _text(each, NAMES.name))
        for each in (body, *_below(body))
    ]
    named = sorted((each for each in read if each.id), key=lambda each: not each.url)
    return next(iter(named), None)


def _items(body: JSON) -> Iterator[JSON]:
    """The items of a list: a bare one, or the one that an object holds, however it calls it."""
    if isinstance(body, list):
        yield from body
        return
    for each in _below(body, list):
        yield from each


def _below(body: JSON, kind: type = dict) -> Iterable[JSON]:
    """The objects (or lists) that stand directly in an object."""
    return [each for each in body.values() if isinstance(each, kind)] if isinstance(body, dict) else []


def _text(body: dict[str, JSON], names: Iterable[str]) -> str:
    """The first of these fields that holds a printable text."""
    told = (body.get(name) for name in names)
    return next((each for each in told if isinstance(each, str) and each and each.isprintable()), "")


def _secret(body: JSON) -> Secret | None:
    """The secret that an object tells, or that is told in it."""
    told = (_text(each, NAMES.secret) for each in (body, *_below(body)) if isinstance(each, dict))
    text = next(filter(None, told), "")
    return Secret(text) if text else None
