"""From the faults that pydantic finds to sentences for the writer of a campaign; no key is ever shown in one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from dialer.config import shape, shape_law
from dialer.config.document import Document, Place, dotted
from dialer.config.shape import CampaignFile
from dialer.config.words import Wrong, nearest
from dialer.errors import Problem

STARS = "**********"
_SHORTEST_SECRET = 8
"""Characters; what is shorter is a word that stands in our own sentences too, and no secret that anybody would take."""

_SECTIONS: Mapping[str, type[BaseModel]] = {
    "": CampaignFile,
    "contacts": shape.ContactsPart,
    "call": shape.CallPart,
    "platform": shape.PlatformPart,
    "platform.simulator": shape.SimulatorPart,
    "pace": shape.PacePart,
    "pace.concurrent_calls": shape.LinesPart,
    "retry": shape.RetryPart,
    "recovery": shape.RecoveryPart,
    "stop_when": shape.StopWhenPart,
    "webhooks": shape.WebhooksPart,
    "call.from": shape_law.CallerPart,
    "rules": shape_law.LawPart,
    "caps": shape_law.CapsPart,
    "dnc": shape_law.RegisterPart,
    "opt_out_when": shape_law.OptOutPart,
}

_EXAMPLES = {
    "name": "name: reminders",
    "contacts": "contacts: {file: contacts.csv}",
    "contacts.file": "file: contacts.csv",
    "call": "call: {from: […]}, with your own number",
    "call.from": "from: […], with your own number",
    "platform": "platform: {url: https://api.verbex.ai, api_key: …}, or {url: simulator}",
    "platform.url": "url: https://api.verbex.ai, or url: simulator",
    "pace.concurrent_calls.auto": "auto: true, or a number alone, as concurrent_calls: 20",
    "rules.purpose": "purpose: marketing, debt, info or survey: there is no default",
    "rules.packs": "packs: [us], or the packs of the countries that are called",
    "call.from.number": "number: your own number, with plus",
    "dnc.file": "file: national.csv",
    "webhooks.listen": "listen: 127.0.0.1:8089",
    "webhooks.url": "url: https://calls.example.com/verbex",
}

_LOOKS_LIKE_KEY = re.compile(r"\b(?:API_|whsec_)(?=[A-Z_-]*[a-z0-9])[\w-]{8,}")
_LONG_QUOTE = re.compile(r"'([^']{60})[^']{20,}'")


def shaped(document: Document, known: Collection[Place]) -> tuple[CampaignFile | None, list[Problem]]:
    """The tree as a campaign file's shape, or None and what is wrong with it; of `known` places, and of what is around
    them, nothing is said."""
    try:
        return CampaignFile.model_validate(document.tree), []
    except ValidationError as fault:
        errors = fault.errors(include_url=False, include_input=False)
    found: dict[Place, Wrong] = {}
    for error in errors:
        place = tuple(part for part in error["loc"] if part != "[key]")
        if not _is_told(place, known) and not document.is_spoiled(*place):
            found.setdefault(place, _wrong(document, place, error["type"], error.get("ctx", {})))
    return None, [problem(document, place, wrong) for place, wrong in found.items()]


def _is_told(place: Place, known: Collection[Place]) -> bool:
    return any(other[: len(place)] == place for other in known)


def problem(document: Document, place: Place, wrong: Wrong) -> Problem:
    """A fault of a place, with its key and line."""
    return Problem(dotted(place), document.line(place), wrong.message, wrong.suggestion)


def listed(document: Document, problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """All problems in the order of the file, each once, with stars for what is secret or looks like a key."""
    return tuple(dict.fromkeys(_masked(one, document.secrets) for one in sorted(problems, key=lambda one: one.line)))


def _wrong(document: Document, place: Place, kind: str, context: Mapping[str, Any]) -> Wrong:
    cause = context.get("error")
    if isinstance(cause, Wrong):
        return cause
    if kind == "missing":
        return Wrong("is missing", _EXAMPLES.get(dotted(place), ""))
    if kind == "extra_forbidden":
        return _unknown(place)
    message = "is empty" if document.at(*(str(part) for part in place)) == "" else "needs keys of its own below it"
    return Wrong(message, "write its keys below it, two spaces further in, or remove the line")


def _unknown(place: Place) -> Wrong:
    section, word = dotted(place[:-1]), str(place[-1])  # a word of a damaged file may itself have a dot
    meant = nearest(word, _known(section))
    if meant is not None:
        return Wrong("there is no such key", f"did you mean {meant}?")
    return Wrong("there is no such key", _home(word) or f"known are {', '.join(_known(section))}")


def _known(section: str) -> list[str]:
    return [field.alias or name for name, field in _SECTIONS[section].model_fields.items()]


def _home(word: str) -> str:
    section = next((section for section in _SECTIONS if word in _known(section)), None)
    if section is None:
        return ""
    return f"it belongs under {section}:" if section else "it belongs to the left, under no other key"


def _masked(one: Problem, secrets: Collection[str]) -> Problem:
    return Problem(_mask(one.key, secrets), one.line, _mask(one.message, secrets), _mask(one.suggestion, secrets))


def _mask(text: str, secrets: Collection[str]) -> str:
    for secret in sorted((" ".join(secret.split()) for secret in secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, STARS)
    return _LONG_QUOTE.sub(r"'\1…'", _LOOKS_LIKE_KEY.sub(STARS, text))
