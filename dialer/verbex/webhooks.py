"""Webhooks: is it the platform that speaks, and what does it say; pure.

How the platform signs is known in part only: that it is an HMAC with the subscription's secret, and that the header
may hold several `v1=` values, since two secrets are good for a while when one is rotated. What is signed, and how it is
spelled, is taken to be as it is with most others; all that would have to change stands in `SCHEME`.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dialer.model import JSON, Event, Secret
from dialer.verbex import wire
from dialer.verbex.excerpt import redact
from dialer.verbex.wire import Unreadable

STARTED = "CallHandler.CallStarted"
ENDED = "CallHandler.CallEnded"
ANALYSED = "callAnalysis.pcaCompleted"
USED = (STARTED, ENDED, ANALYSED)
"""The events that a run has a use for."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a delivery is signed: HMAC of `<timestamp as it stands in its header>.<body as it came>`, in hex or base64.

    Names of headers are in lower case. `tolerance` is how far the timestamp may be off, in either direction;
    `most_values` how many signatures one header may hold.
    """

    signature: str = "x-webhook-signature"
    timestamp: str = "x-webhook-timestamp"
    trace: str = "x-webhook-traceid"
    version: str = "v1"
    hash: str = "sha256"
    tolerance: timedelta = timedelta(minutes=5)
    most_values: int = 8

    def digest(self, secret: Secret, timestamp: str, body: bytes) -> bytes:
        """What the platform would sign this delivery with."""
        return hmac.digest(secret.reveal().encode(), f"{timestamp}.".encode() + body, self.hash)

    def told(self, header: str) -> list[bytes]:
        """The digests that a header tells; values of other versions, and what spells none, are passed over."""
        pairs = (word.partition("=") for word in re.split(r"[,;\s]+", header))
        return [_spelled(value) for version, _, value in pairs if version == self.version]


SCHEME = Scheme()


class Refused(StrEnum):
    """Why a delivery is not believed to be the platform's; the words go on from "a webhook was refused: "."""

    KEYLESS = "there is no secret to know it by"
    NO_SIGNATURE = "it is not signed"
    NO_TIME = "it has no readable timestamp"
    STALE = "its timestamp is more than 5 minutes off; is this machine's clock right?"
    FORGED = "its signature fits no secret of this campaign file"


def verify(headers: Mapping[str, str], body: bytes, secrets: Iterable[Secret], now: datetime) -> Refused | None:
    """Why a delivery must not be believed, or None: one of the secrets has signed it, and it is not old.

    `headers` have names in lower case; one that came more than once has its values joined by commas. Whatever is
    missing or cannot be read is refused. The time that it takes tells nothing of the secrets.
    """
    known = [secret for secret in secrets if secret.reveal()]
    told = SCHEME.told(headers.get(SCHEME.signature, ""))
    timestamp = headers.get(SCHEME.timestamp, "")
    at = _instant(timestamp)
    if not known:
        return Refused.KEYLESS
    if not told:
        return Refused.NO_SIGNATURE
    if at is None:
        return Refused.NO_TIME
    if abs(at - now) > SCHEME.tolerance:
        return Refused.STALE
    if len(told) > SCHEME.most_values or not _any_fits(told, [SCHEME.digest(one, timestamp, body) for one in known]):
        return Refused.FORGED
    return None


def read(body: bytes, headers: Mapping[str, str] | None = None, secrets: Iterable[Secret] = ()) -> Event:
    """What a delivery says; names and contents that are not known are kept as they came, without keys and tokens.

    What is kept is kept for long: `secrets`, and whatever looks like one, are starred in every text of it.

    The headers, named in lower case, tell what the body leaves out. Raises Unreadable where it is no JSON object, has
    no id of its own, two that differ, or no moment.
    """
    own = tuple(secrets)
    named = {name: redact(text, *own) for name, text in (headers or {}).items()}
    told = _redacted(wire.parse(body), own)
    if not isinstance(told, dict):
        raise Unreadable("is not an object")
    name = _word(told.get("eventName"))
    payload = told.get("payload")
    return Event(
        trace_id=_trace(_word(told.get("traceId")), _word(named.get(SCHEME.trace))),
        name=name,
        call_id=_word(payload.get("call_id")) if isinstance(payload, dict) else "",
        at=_moment(told.get("timestamp"), named.get(SCHEME.timestamp, "")),
        is_end=name == ENDED,
        body=_text(told),
    )


# --- signatures ----------------------------------------------------------------------------------


def _any_fits(told: Iterable[bytes], expected: Iterable[bytes]) -> bool:
    """Whether any pair is equal; all of them are compared, each in constant time."""
    wanted = tuple(expected)
    found = False
    for one in told:
        for other in wanted:
            found |= hmac.compare_digest(one, other)
    return found


def _spelled(word: str) -> bytes:
    """The bytes that a word spells in hex, or in base64 of either alphabet with or without padding; else none."""
    try:
        return bytes.fromhex(word)
    except ValueError:
        pass
    plain = word.rstrip("=").translate(_PLAIN)
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        return b""


_PLAIN = str.maketrans("-_", "+/")


def _instant(text: str) -> datetime | None:
    """An instant in ISO 8601, in UTC, as one without an offset is taken to be."""
    if not text.isascii():
        return None
    try:
        instant = datetime.fromisoformat(text.strip())
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


# --- what is said --------------------------------------------------------------------------------

_LONGEST_WORD = 256
_IN_SECONDS = 1e11  # a larger number of seconds would be in the year 5138: it counts milliseconds


def _word(value: JSON) -> str:
    """A name or an id, or nothing where it is none that can be kept and shown."""
    fits = isinstance(value, str) and len(value) <= _LONGEST_WORD and value.isprintable()
    return value if fits else ""


def _trace(told: str, header: str) -> str:
    if told and header and told != header:
        raise Unreadable("has another traceId than its header")
    if not told and not header:
        raise Unreadable("lacks a readable traceId")
    return told or header


def _moment(told: JSON, header: str) -> datetime:
    """When it happened, by the body, else when it was sent, by the header."""
    instant = _instant(told) if isinstance(told, str) else _from_seconds(told)
    found = instant or _instant(header)
    if found is None:
        raise Unreadable("lacks a readable timestamp")
    return found


def _from_seconds(told: JSON) -> datetime | None:
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    try:
        return datetime.fromtimestamp(told / 1000 if told > _IN_SECONDS else told, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _redacted(told: JSON, own: tuple[Secret, ...]) -> JSON:
    """Without secrets, text by text, so that it stays JSON whatever is starred."""
    try:
        return _starred(told, own)
    except RecursionError:
        raise Unreadable("is nested too deep") from None


def _starred(told: JSON, own: tuple[Secret, ...]) -> JSON:
    if isinstance(told, str):
        return redact(told, *own)
    if isinstance(told, list):
        return [_starred(one, own) for one in told]
    if isinstance(told, dict):
        return {redact(name, *own): _starred(one, own) for name, one in told.items()}
    return told


def _text(told: JSON) -> str:
    try:
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise Unreadable("is nested too deep") from None
