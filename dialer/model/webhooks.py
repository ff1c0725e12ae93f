"""What the platform tells by itself: where it may, and what it has told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dialer.model.words import Secret


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """The `webhooks:` part of a campaign file: where a run listens, and by what it knows the platform.

    `host` and `port` are of this machine (port 0: any free one); `url` is what the platform sends to, and `path` the
    path in it, without which nothing is taken. `secrets` are at most two, both good while they are rotated; none until
    the platform has given one.
    """

    host: str
    port: int
    url: str
    path: str
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery of the platform, known to be its own. Deliveries may be repeated, and come in any order.

    `trace_id` names it, and is the same each time that it is repeated. `name` is the platform's word for it, or empty;
    words that nobody has heard of are kept. `call_id` is the call's id, ours or the platform's, or empty. `is_end`: it
    says that a call is over, though not how. `body` is its JSON, without access tokens.
    """

    trace_id: str
    name: str
    call_id: str
    at: datetime
    is_end: bool
    body: str
