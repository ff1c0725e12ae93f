"""Who is told by webhook: the subscriptions, and what may be asked of them. Pure; where they are kept is `deliveries`'.

Verbex documents the paths and the fields `name`, `enable_signed_webhooks`, `events`, `headers` and `agent_ids`. That
the address is called `url`, a record's id `_id`, the list `subscriptions`, and that a subscription without `events`
or `agent_ids` is told of all of them, is assumed here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import TypeVar
from urllib.parse import urlsplit

from dialer.model import JSON, Secret, SimulatorRules
from dialer.simulator import contract
from dialer.simulator.calls import instant
from dialer.simulator.contract import Faults, fault
from dialer.simulator.platform import HttpAnswer, problem

STARTED = "CallHandler.CallStarted"
ENDED = "CallHandler.CallEnded"
TRANSFERRED = "CallHandler.CallTransferred"
ANALYSED = "callAnalysis.pcaCompleted"
EVENTS = (STARTED, ENDED, TRANSFERRED, ANALYSED)

BOTH_VALID = 72 * 3600.0
"""For how long the secret before the last one is signed with too, in simulated seconds."""

_MOST_ON_A_PAGE = 100
_LONGEST_URL = 2048
_PLAIN = re.compile(r"[\x21-\x7e]+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_TEXT = re.compile(r"[\x20-\x7e]*")
_OURS = ("content-type", "content-length", "transfer-encoding", "connection", "host")


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber; no `events`, or no `agents`: all of them. What happened before `since` is not told."""

    id: str
    name: str
    url: str
    signed: bool
    events: tuple[str, ...]
    headers: Mapping[str, str]
    agents: tuple[str, ...]
    since: float
    secret: Secret
    earlier: Secret | None = None  # the secret before, signed with as well until then:
    earlier_until: float = 0.0

    def wants(self, event: str, agent: str, occurred: float) -> bool:
        """Whether such an event is told."""
        return (
            occurred >= self.since
            and (not self.events or event in self.events)
            and (not self.agents or agent in self.agents)
        )

    def secrets(self, now: float) -> tuple[Secret, ...]:
        """The valid secrets, the newest first."""
        if self.earlier is None or now >= self.earlier_until:
            return (self.secret,)
        return self.secret, self.earlier

    def told(self) -> dict[str, JSON]:
        """The record as the platform tells it, without its secret."""
        return {
            "_id": self.id,
            "name": self.name,
            "url": self.url,
            "enable_signed_webhooks": self.signed,
            "events": list(self.events),
            "headers": dict(self.headers),
            "agent_ids": list(self.agents),
            "created_at": instant(self.since),
        }

    def to_json(self) -> dict[str, JSON]:
        """All of it, its secrets in plain text, for the file that it is kept in."""
        return {
            **self.told(),
            "since": self.since,
            "secret": self.secret.reveal(),
            "earlier": self.earlier.reveal() if self.earlier else None,
            "earlier_until": self.earlier_until,
        }

    @classmethod
    def from_json(cls, kept: JSON) -> Subscription:
        """Read it back; raises ValueError if it is not one."""
        try:
            if subscription_faults({name: kept[name] for name in _READ}):
                raise ValueError("not a subscription")
            return cls(
                id=_a(str, kept["_id"]),
                **_fields(kept),
                since=float(kept["since"]),
                secret=Secret(_a(str, kept["secret"])),
                earlier=None if kept["earlier"] is None else Secret(_a(str, kept["earlier"])),
                earlier_until=float(kept["earlier_until"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a subscription") from error


Save = Callable[[Sequence[Subscription]], None]


class Subscriptions:
    """The subscriptions by id, and the platform's answers about them. `save` is called before a change counts."""

    def __init__(self, rules: SimulatorRules, kept: Iterable[Subscription], save: Save) -> None:
        self._rules = rules
        self._kept = {subscription.id: subscription for subscription in kept}
        self._save = save

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Subscription]:
        return iter(self._kept.values())

    def find(self, identity: str) -> Subscription | None:
        """The subscription of that id, if there still is one."""
        return self._kept.get(identity)

    def create(self, body: JSON, now: datetime) -> HttpAnswer:
        """POST one: 201 with its record and its secret, or 422. Raises what `save` raises."""
        if faults := subscription_faults(body):
            return HttpAnswer(422, {"detail": faults})
        at = now.timestamp()
        identity = hashlib.blake2b(f"{self._rules.seed}|{len(self)}|{at!r}|{body['url']}".encode(), digest_size=12)
        made = Subscription(id=identity.hexdigest(), **_fields(body), since=at, secret=self._secret(body["name"], at))
        self._keep({**self._kept, made.id: made})
        return HttpAnswer(201, _with_secret(made))

    def list(self, query: Sequence[tuple[str, str]]) -> HttpAnswer:
        """GET a page of them, the oldest first; 422 without a page size."""
        asked = contract.page_query(query, _MOST_ON_A_PAGE)
        if not isinstance(asked, contract.PageQuery):
            return HttpAnswer(422, {"detail": asked})
        end = asked.offset + asked.size
        return HttpAnswer(
            200,
            {
                "subscriptions": [one.told() for one in islice(self, asked.offset, end)],
                "next_page_token": contract.page_token(end) if end < len(self) else None,
                "total_count": len(self),
            },
        )

    def replace(self, identity: str, body: JSON) -> HttpAnswer:
        """PUT one: what the body leaves out is as in a new one; id, secret and age stay."""
        before = self._kept.get(identity)
        if before is None:
            return _none_such(identity)
        if faults := subscription_faults(body):
            return HttpAnswer(422, {"detail": faults})
        after = replace(before, **_fields(body))
        self._keep({**self._kept, identity: after})
        return HttpAnswer(200, after.told())

    def remove(self, identity: str) -> HttpAnswer:
        """DELETE one: 204, or 404."""
        if identity not in self._kept:
            return _none_such(identity)
        self._keep({one: kept for one, kept in self._kept.items() if one != identity})
        return HttpAnswer(204, None)

    def rotate(self, identity: str, now: datetime) -> HttpAnswer:
        """POST another secret: 200 with the record and the new one; the last one is valid beside it for a while."""
        before = self._kept.get(identity)
        if before is None:
            return _none_such(identity)
        at = now.timestamp()
        after = replace(
            before,
            secret=self._secret(before.secret.reveal(), at),
            earlier=before.secret,
            earlier_until=at + BOTH_VALID / self._rules.time_scale,
        )
        self._keep({**self._kept, identity: after})
        return HttpAnswer(200, _with_secret(after))

    def _secret(self, word: str, at: float) -> Secret:
        """Drawn, as everything here: it guards nothing but a simulator's events."""
        digest = hashlib.blake2b(f"{self._rules.seed}|{word}|{at!r}|secret".encode(), digest_size=24).digest()
        return Secret("whsec_" + base64.b64encode(digest).decode())

    def _keep(self, kept: dict[str, Subscription]) -> None:
        self._save(tuple(kept.values()))  # first: what could not be written was not accepted
        self._kept = kept


def subscription_faults(body: JSON) -> Faults:
    """All that is wrong with the JSON body of a subscription; empty if it may be taken."""
    if not isinstance(body, dict):
        return [fault(["body"], "Input should be a valid dictionary or object", "dict_type")]
    missing = [fault(["body", name], "Field required", "missing") for name in _REQUIRED if name not in body]
    unknown = [
        fault(["body", name], "Extra inputs are not permitted", "extra_forbidden") for name in body if name not in _READ
    ]
    wrong = [found for name, read in _READ.items() if name in body for found in read(["body", name], body[name])]
    return [*missing, *unknown, *wrong]


def _fields(body: Mapping[str, JSON]) -> dict[str, JSON]:
    """The fields of a body that has no faults, as they are kept."""
    return {
        "name": body["name"],
        "url": body["url"],
        "signed": body["enable_signed_webhooks"],
        "events": tuple(body.get("events") or ()),
        "headers": dict(body.get("headers") or {}),
        "agents": tuple(body.get("agent_ids") or ()),
    }


def _with_secret(made: Subscription) -> dict[str, JSON]:
    return {**made.told(), "secret": made.secret.reveal()}


def _none_such(identity: str) -> HttpAnswer:
    return problem(404, "not_found", f"Webhook subscription {identity[:128]} not found.")


_T = TypeVar("_T")


def _a(kind: type[_T], value: JSON) -> _T:
    if not isinstance(value, kind):
        raise TypeError(f"not a {kind.__name__}")
    return value


# --- the fields of a request ----------------------------------------------------------------------


def _name(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    if not isinstance(value, str):
        yield fault(loc, "Input should be a valid string", "string_type")
    elif not 0 < len(value.strip()) <= 128:
        yield fault(loc, "String should have from 1 to 128 characters", "string_length")


def _url(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    if not isinstance(value, str):
        yield fault(loc, "Input should be a valid string", "string_type")
    elif not _is_url(value):
        yield fault(loc, "Input should be a valid URL of http or https", "url_parsing")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not parts.fragment
    except ValueError:
        return False
    return sound and len(text) <= _LONGEST_URL and _PLAIN.fullmatch(text) is not None


def _flag(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    if not isinstance(value, bool):
        yield fault(loc, "Input should be a valid boolean", "bool_type")


def _list_of(inner: Callable[[list[str], JSON], Iterator[dict[str, JSON]]]) -> _Reader:
    def read(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
        if value is not None and not isinstance(value, list):
            yield fault(loc, "Input should be a valid list", "list_type")
        for place, item in enumerate(value if isinstance(value, list) else ()):
            yield from inner([*loc, str(place)], item)

    return read


def _event(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    if value not in EVENTS:
        yield fault(loc, f"Input should be one of {', '.join(EVENTS)}", "enum")


def _headers(loc: list[str], value: JSON) -> Iterator[dict[str, JSON]]:
    if value is not None and not isinstance(value, dict):
        yield fault(loc, "Input should be a valid dictionary", "dict_type")
    for name, text in value.items() if isinstance(value, dict) else ():
        if not isinstance(text, str):
            yield fault([*loc, name], "Input should be a valid string", "string_type")
        elif not _may_be_sent(name, text):
            yield fault([*loc, name], "Value error, not a header that can be set", "value_error")


def _may_be_sent(name: str, text: str) -> bool:
    ours = name.lower() in _OURS or name.lower().startswith("x-webhook-")
    return not ours and bool(_TOKEN.fullmatch(name)) and bool(_HEADER_TEXT.fullmatch(text))


_Reader = Callable[[list[str], JSON], Iterator[dict[str, JSON]]]
_REQUIRED = ("name", "url", "enable_signed_webhooks")
_READ: Mapping[str, _Reader] = {
    "name": _name,
    "url": _url,
    "enable_signed_webhooks": _flag,
    "events": _list_of(_event),
    "headers": _headers,
    "agent_ids": _list_of(_name),
}
