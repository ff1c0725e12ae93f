"""Rules of calling as lines for a terminal, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import date
from typing import Any

from dialer.model import Pack, Rule
from dialer.policy import caps
from dialer.policy.timetable import words

WIDTH = 80

_VOICES = {"ai": "an AI voice", "human": "a human voice"}


def lines(rule: Rule) -> Iterator[str]:
    """A rule, its id first."""
    yield f"{rule.id}  {rule.place}"
    for sentence in (f"binds {_binds(rule)}", *_says(rule), rule.note, _source(rule)):
        yield from wrapped(sentence)


def wrapped(sentence: str, indent: int = 4) -> list[str]:
    """A sentence below the line it belongs to, no wider than a terminal."""
    return textwrap.wrap(
        sentence, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent, break_on_hyphens=False
    )


def header(pack: Pack) -> str:
    """A pack in one line."""
    count = "1 rule" if len(pack.rules) == 1 else f"{len(pack.rules)} rules"
    return f"{pack.code}  {pack.name:<15} {pack.version}  {count:>8}, good until {pack.expires}"


def duties(pack: Pack) -> Iterator[str]:
    """What a pack says beside its rules."""
    yield from wrapped(f"read on {pack.read_on}; for numbers of {', '.join(sorted(pack.countries))}")
    if pack.register_days is not None:
        yield from wrapped(f"the national do-not-call list: a copy no older than {pack.register_days} days")
    for sentence in pack.keeps:
        yield from wrapped(f"to be kept: {sentence}")


def _binds(rule: Rule) -> str:
    purposes = ", ".join(sorted(rule.purposes)) or "every purpose"
    voices = " or ".join(_VOICES[voice] for voice in sorted(rule.voices))
    kinds = f" to lines that are {', '.join(sorted(rule.lines))}".replace("_", " ") if rule.lines else ""
    return purposes + (f" by {voices}" if voices else "") + kinds


def _says(rule: Rule) -> Iterator[str]:
    if rule.forbidden:
        yield f"forbidden: {rule.forbidden}"
    if rule.needs_consent:
        yield "only with consent"
    yield from hours(rule)
    if caps.has_limits(rule):
        yield caps.words(rule)
    yield from effective(rule)


def hours(rule: Rule) -> Iterator[str]:
    """When it lets people be called: week, holidays, days."""
    if rule.week is not None:
        yield words(rule.week) + (f", by the clock of {rule.zone}" if rule.zone else "")
    if rule.holidays:
        yield f"not on holidays of {', '.join(rule.holidays)}"
    if rule.not_on:
        yield f"not on {', '.join(map(str, sorted(rule.not_on)))}"


def effective(rule: Rule) -> Iterator[str]:
    """From when to when it holds."""
    if rule.effective_from is not None:
        yield f"since {rule.effective_from}"
    if rule.effective_until is not None:
        yield f"until {rule.effective_until}, that day not included"


def _source(rule: Rule) -> str:
    return f"{rule.citation}; confidence: {rule.confidence}; read on {rule.read_on}"


def rule_json(rule: Rule) -> dict[str, Any]:
    """A rule with the keys of a pack's file; times as text."""
    return {
        "id": rule.id,
        "pack": f"{rule.pack}-{rule.version}",
        "place": rule.place,
        "purposes": sorted(rule.purposes),
        "voices": sorted(rule.voices),
        "lines": sorted(rule.lines),
        "hours": words(rule.week) if rule.week is not None else None,
        "holidays": list(rule.holidays),
        "not_on": sorted(map(str, rule.not_on)),
        "zone": rule.zone,
        "caps": [{"most": cap.most, "seconds": cap.seconds, "per": cap.per} for cap in rule.caps],
        "rests": [{"days": rest.days, "after": rest.after, "per": rest.per} for rest in rule.rests],
        "gap": rule.gap,
        "forbidden": rule.forbidden,
        "consent": rule.needs_consent,
        "from": _day(rule.effective_from),
        "until": _day(rule.effective_until),
        "citation": rule.citation,
        "confidence": rule.confidence,
        "read_on": _day(rule.read_on),
        "note": rule.note,
    }


def pack_json(pack: Pack) -> dict[str, Any]:
    """A pack with the keys of its file, its rules apart."""
    return {
        "code": pack.code,
        "name": pack.name,
        "version": pack.version,
        "read_on": _day(pack.read_on),
        "expires": _day(pack.expires),
        "countries": sorted(pack.countries),
        "register_days": pack.register_days,
        "keeps": list(pack.keeps),
    }


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
