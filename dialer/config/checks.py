"""What keys of a campaign file demand of each other.

These rules read the tree and not the finished shape, so that they are told beside all other faults of the file.
"""

from __future__ import annotations

from collections.abc import Iterator

from dialer.config.address import SIMULATOR, is_local
from dialer.config.document import Document, Place
from dialer.config.words import Wrong, duration, nearest, quoted
from dialer.model import RecoveryRules
from dialer.policy.outcome import ACCOUNT_FULL, REASONS
from dialer.policy.retry import GROUPS

Fault = tuple[Place, Wrong]

RETRY_WORDS = frozenset({"attempts", "spread", "callback", *GROUPS, *REASONS})

_URL = ("platform", "url")

SHORTEST_HOLD = 60.0
"""Seconds; platforms have been seen to queue a call for 30 s and to answer 404 meanwhile."""


SHORTEST_LOOK_BACK = 3600.0
"""Seconds; a run that was down over lunch is to find the calls that it made before."""


def faults(document: Document) -> Iterator[Fault]:
    """Every rule between keys that the file breaks, with the place of the key that should change."""
    yield from _said_aloud(document)
    yield from _platform(document)
    yield from _identity(document)
    yield from _retry(document)
    yield from _hold(document)
    yield from _look_back(document)


def _said_aloud(document: Document) -> Iterator[Fault]:
    if document.is_spoiled(*_URL) or is_local(document.at(*_URL)):
        return
    for key, value in (("hours", "always"), ("rules", "none")):
        if document.at(key) is None:
            yield (key,), Wrong("is missing, and real people can only be called where it is said", f"{key}: {value}")


def _platform(document: Document) -> Iterator[Fault]:
    url, platform = document.at(*_URL), document.at("platform")
    if not isinstance(platform, dict) or document.is_spoiled(*_URL) or url == SIMULATOR:
        return
    if "api_key" not in platform:
        yield ("platform", "api_key"), Wrong("is missing", "api_key: ${VERBEX_API_KEY}, with that variable set")
    if "simulator" in platform and url is not None:
        yield ("platform", "simulator"), Wrong("is only for the simulator", "remove it, or write url: simulator")


def _identity(document: Document) -> Iterator[Fault]:
    if document.at("contacts", "one_per") == "id" and document.at("contacts", "id") is None:
        message = "a person per id needs an id, and contacts.id names no column"
        yield ("contacts", "one_per"), Wrong(message, "add id: and the column's name")


def _hold(document: Document) -> Iterator[Fault]:
    seconds = _seconds(document, "hold")
    if seconds is None or document.is_spoiled(*_URL) or is_local(document.at(*_URL)):
        return
    if seconds < SHORTEST_HOLD:
        message = "is too short: a call that the platform records late would be taken for absent, and rung twice"
        yield ("recovery", "hold"), Wrong(message, f"at least {SHORTEST_HOLD:.0f}s where real people are called")


def _look_back(document: Document) -> Iterator[Fault]:
    """An absence is looked for when the hold is over: by then the list has to reach back to the dial."""
    hold, look_back = _seconds(document, "hold"), _seconds(document, "look_back")
    if hold is None and look_back is None:
        return
    rules = RecoveryRules()
    hold, length = rules.hold if hold is None else hold, rules.look_back if look_back is None else look_back
    never = "the list would never be read as far back as the dial, so it could not prove that a call was not placed"
    if length <= hold:
        place = ("recovery", "hold" if look_back is None else "look_back")
        message = f"recovery.look_back ({length:g}s) is not longer than recovery.hold ({hold:g}s): {never}"
        yield place, Wrong(message, "leave look_back out for 7d, and keep hold at some minutes")
    elif length < SHORTEST_LOOK_BACK and not (document.is_spoiled(*_URL) or is_local(document.at(*_URL))):
        message = f"is too short: a run that stood still for a while has to look further, or {never}"
        yield ("recovery", "look_back"), Wrong(message, "at least 1h where real people are called")


def _seconds(document: Document, key: str) -> float | None:
    """A length of time under `recovery`; None where it is not said, or in no words that are understood."""
    value = document.at("recovery", key)
    try:
        return None if value is None else duration(value)
    except Wrong:
        return None  # said already


def _retry(document: Document) -> Iterator[Fault]:
    retry = document.at("retry")
    for word in retry if isinstance(retry, dict) else ():
        if word not in RETRY_WORDS:
            meant = nearest(word, RETRY_WORDS)
            groups = f"it takes attempts, spread, callback, the 26 finish reasons and {', '.join(GROUPS)}"
            message = f"{quoted(word)} is neither a finish reason nor a group of them"
            yield ("retry", word), Wrong(message, f"did you mean {meant}?" if meant else groups)
    if document.at("retry", ACCOUNT_FULL) in ("never", "done", "stop"):
        message = "a full account says nothing about a person, who is always dialled again"
        yield ("retry", ACCOUNT_FULL), Wrong(message, "write waits, as [2s, 10s, 30s]")
