"""From the bytes of an answer to the values that the other rooms decide on; pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from dialer.model import JSON, CallPage, Reply, Secret
from dialer.verbex import wire
from dialer.verbex.excerpt import excerpt
from dialer.verbex.transport import Received

_SECONDS = re.compile(r"[+-]?\d+(\.\d+)?")


def read_call(received: Received, now: datetime, key: Secret) -> Reply:
    """The answer to a dial or to a question for one call; a 2xx without a readable call says why in its message."""
    if not 200 <= received.status < 300:
        return refusal(received, now, key)
    try:
        return Reply(received.status, wire.call(_whole(received)))
    except wire.Unreadable as exc:
        return _unread(received.status, exc)


def read_page(received: Received, now: datetime, key: Secret) -> CallPage | Reply:
    """The answer to a question for the list: a page from a readable 200, otherwise the reply as it stands."""
    if received.status != 200:
        return refusal(received, now, key)
    try:
        return wire.page(_whole(received))
    except wire.Unreadable as exc:
        return _unread(received.status, exc)


def _whole(received: Received) -> JSON:
    if received.fault:
        raise wire.Unreadable(received.fault)
    return wire.parse(received.body)


def _unread(status: int, exc: wire.Unreadable) -> Reply:
    return Reply(status, message=f"The platform answered {status}, but its body {exc}.")


def refusal(received: Received, now: datetime, key: Secret) -> Reply:
    """Any answer that is no success, in the platform's own words."""
    try:
        body = wire.parse(received.body)
        words = _words(body)
    except wire.Unreadable:
        body, words = None, received.body.decode("utf-8", "replace")
    if received.fault:
        words = f"its body {received.fault}"
    if not words and received.location:
        words = f"redirects to {received.location.partition('?')[0]}"
    return Reply(
        status=received.status,
        message=excerpt(words, key),
        retry_after=retry_after(received.retry_after, now),
        fields=_fields(body) if received.status == 422 else (),
    )


def skew(date: str, now: datetime) -> float | None:
    """By how many seconds the platform's clock is ahead of ours (below 0: behind), by the Date of an answer; None where
    it tells none. Good to a second and the answer's way."""
    return _seconds_until(date.strip(), now) if date else None


def retry_after(text: str, now: datetime) -> float | None:
    """A Retry-After header in seconds from now, never negative; None where it is missing or says nothing."""
    text = text.strip()
    seconds = float(text) if _SECONDS.fullmatch(text) else _seconds_until(text, now)
    return max(0.0, seconds) if seconds is not None and math.isfinite(seconds) else None


def _seconds_until(text: str, now: datetime) -> float | None:
    moment = _moment(text)
    return None if moment is None else moment - now.timestamp()


@lru_cache(maxsize=16)
def _moment(text: str) -> float | None:
    """Seconds since 1970 of a date as headers write it; answers of one second bear the same."""
    try:
        instant = parsedate_to_datetime(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _words(body: JSON) -> str:
    """What a JSON answer says: `error` and `message`, or the complaints of a 422, or else all of it."""
    if isinstance(body, dict):
        said = (_saying(body.get(name)) for name in ("error", "message", "detail"))
        return ": ".join(dict.fromkeys(filter(None, said))) or _all(body)
    return body if isinstance(body, str) else _all(body)


def _all(body: JSON) -> str:
    try:
        return json.dumps(body, ensure_ascii=False) if body else ""
    except RecursionError:
        return ""


def _saying(value: JSON) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_complaint, value)))
    if isinstance(value, dict):
        return ": ".join(part for part in value.values() if isinstance(part, str))
    return ""


def _complaint(item: JSON) -> str:
    """One complaint of a 422: the place, without the part of the request that it is in, and the words."""
    if not isinstance(item, dict):
        return item if isinstance(item, str) else ""
    place = ".".join(str(part) for part in _place(item))
    words = str(item.get("msg") or "")
    return f"{place}: {words}" if place and words else place or words


def _place(item: JSON) -> list[JSON]:
    place = item.get("loc") if isinstance(item, dict) else None
    if not isinstance(place, list):
        return []
    return place[1:] if place and place[0] in ("body", "query", "path", "header") else place


def _fields(body: JSON) -> tuple[str, ...]:
    """The request's fields that a 422 names, each once; inside of `metadata` it is `metadata` that is named."""
    detail = body.get("detail") if isinstance(body, dict) else None
    found = (_field(_place(item)) for item in detail) if isinstance(detail, list) else ()
    return tuple(dict.fromkeys(name for name in found if name))


def _field(place: Iterable[JSON]) -> str:
    names = [part for part in place if isinstance(part, str)]
    known = (name for name in names if name in wire.REQUEST_FIELDS)
    return next(known, names[-1] if names else "")
