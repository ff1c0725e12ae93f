"""A number, an instant and what is taken as given → what the packs decide; for `rules test`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from dialer.errors import UsageError
from dialer.model import BadNumber, CallingRules, Number, Pack, Permit, Purpose, Ruling, Whereabouts
from dialer.model.rules import Finding
from dialer.packs import codes, holidays, pack
from dialer.places import NumberReader
from dialer.places.whereabouts import Placer, whereabouts
from dialer.places.zones import zone
from dialer.policy import permission


@dataclass(frozen=True, slots=True)
class Case:
    """What is taken as given when a number is tested: a purpose, a consent, some packs (none named: all)."""

    purpose: str
    consents: bool
    packs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What was decided about a number at the strictest instant that is meant, and all that was looked at."""

    number: Number
    where: Whereabouts
    calling: CallingRules
    consents: bool
    at: datetime
    permit: Permit
    findings: tuple[Finding, ...]


def judged(text: str, at: str | None, case: Case, cells: Mapping[str, str], now: datetime) -> Judged:
    """The decision of `test`. Raises UsageError for a number, instant, purpose or pack that is none."""
    number = _number(text)
    calling = CallingRules(packs=_packs(case.packs), purpose=_purpose(case.purpose))
    where = whereabouts(number.e164, **cells)
    audience = Placer().audience((number.e164,), (number.kind,), (number.region,), **cells, consents=case.consents)
    zones = {name: zone(name) for name in where.zones}
    decided = [
        (permission.decide(calling, audience, zones, holidays, (), "", instant), instant)
        for instant in _instants(at, where.zones, now)
    ]
    permit, instant = max(decided, key=lambda each: _strictness(each[0]))
    findings = permission.explain(calling, audience, zones, holidays, (), "", instant)
    return Judged(number, where, calling, case.consents, instant, permit, tuple(dict.fromkeys(findings)))


def _strictness(permit: Permit) -> tuple[int, float]:
    """BLOCK before HOLD without an end, before HOLD that ends late, before ALLOW."""
    ends = permit.until.timestamp() if permit.until is not None else float("inf")
    return [Ruling.ALLOW, Ruling.HOLD, Ruling.BLOCK].index(permit.ruling), ends


def _number(text: str) -> Number:
    found = NumberReader(None)(text)
    if isinstance(found, BadNumber):
        why = "write it with a plus and the country code, as +13055550123" if "+" not in text else found.why
        raise UsageError(f"{text!r}: {why}")
    return found


def _purpose(word: str) -> Purpose:
    try:
        return Purpose(word)
    except ValueError:
        raise UsageError(f"--purpose: {word!r} is none of {', '.join(Purpose)}") from None


def _packs(named: tuple[str, ...]) -> tuple[Pack, ...]:
    try:
        return tuple(pack(code.lower()) for code in named or codes())
    except LookupError as fault:
        raise UsageError(f"--pack: {fault.args[0]}") from None


def _instants(text: str | None, zones: tuple[str, ...], now: datetime) -> tuple[datetime, ...]:
    """The instants that are meant: without an offset one for each zone, two where the clock is set back over it."""
    if text is None:
        return (now,)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at: {text!r} is not an instant; write it as 2026-11-22T20:30, or with Z for UTC") from None
    if not 2000 <= moment.year < 2100:
        raise UsageError(f"--at: {text!r} is not between the years 2000 and 2099")
    if moment.tzinfo is not None:
        return (moment.astimezone(UTC),)
    found = {each for name in zones or ("UTC",) for each in _readings(moment, name)}
    if not found:
        raise UsageError(f"--at: the clock of {', '.join(zones)} is set forward over {text}; there is no such time")
    return tuple(sorted(found))


def _readings(local: datetime, name: str) -> Iterator[datetime]:
    """The instants at which this zone's clock shows that time: none, one or two."""
    for fold in (0, 1):
        instant = local.replace(tzinfo=zone(name), fold=fold).astimezone(UTC)
        if instant.astimezone(zone(name)).replace(tzinfo=None) == local:
            yield instant
