"""`rules show` and `rules test`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from dialer.cli import rule_words
from dialer.cli.rule_case import Case, Judged, judged
from dialer.clock import Clock
from dialer.config.words import nearest
from dialer.console import mask
from dialer.errors import UsageError
from dialer.model import Rule, Ruling
from dialer.model.rules import Finding
from dialer.packs import codes, pack
from dialer.places.states import known_place, meant_place, states
from dialer.places.zones import zone

# --- show ----------------------------------------------------------------------------------------


def show(what: str | None, as_json: bool) -> None:
    """Print all packs, one pack, or the rules that reach a place."""
    if what is None:
        packs = [pack(code) for code in codes()]
        _print([*map(rule_words.header, packs)], [*map(rule_words.pack_json, packs)], as_json)
    elif what.lower() in codes():
        found = pack(what.lower())
        lines = [rule_words.header(found), *rule_words.duties(found), *_listed(found.rules)]
        told = rule_words.pack_json(found) | {"rules": [*map(rule_words.rule_json, found.rules)]}
        _print(lines, told, as_json)
    else:
        place = what.strip().upper()
        if not known_place(place):
            raise _neither(what)
        found_rules = _reaching(place)
        _print(_told(place, found_rules), [*map(rule_words.rule_json, found_rules)], as_json)


def _neither(what: str) -> UsageError:
    """What was named is no pack and no place: which one was most likely meant, and how to see all."""
    return UsageError(
        f"{what!r} is neither a pack ({', '.join(codes())}) nor a place, as US-FL or GB; {_meant(what.strip())}"
        "`dialer rules show` alone lists the packs"
    )


def _meant(word: str) -> str:
    """A clause that names the pack, the place or the rule that is nearest; '' where none is near."""
    pack_of = {rule.id: code for code in codes() for rule in pack(code).rules}
    places = {place.lower(): place for place in states()}
    near = nearest(word, [*codes(), *pack_of, *places])
    if near in pack_of:
        shown = f"is a rule of the pack {pack_of[near]}: `dialer rules show {pack_of[near]}` prints it; "
        return f"{near} {shown}" if near == word.lower() else f"did you mean {near}? It {shown}"
    found = meant_place(word.upper()) if near is None else places.get(near, near)
    return f"did you mean {found}? " if found else ""


def _print(lines: list[str], told: object, as_json: bool) -> None:
    print(json.dumps(told, indent=2, ensure_ascii=False) if as_json else "\n".join(lines))


def _listed(rules: tuple[Rule, ...]) -> Iterator[str]:
    for rule in rules:
        yield ""
        yield from rule_words.lines(rule)


def _told(place: str, rules: tuple[Rule, ...]) -> list[str]:
    used = ", ".join(sorted({f"{rule.pack}-{rule.version}" for rule in rules}))
    count = "1 rule reaches" if len(rules) == 1 else f"{len(rules)} rules reach"
    said = f"{count} {place}, by {used}; whether one holds depends on purpose, line and day."
    return [*rule_words.wrapped(said, 0), *_listed(rules)]


def _reaching(place: str) -> tuple[Rule, ...]:
    """The rules of all packs that reach the place; UsageError where no pack is about it."""
    country = place.partition("-")[0]
    found = [each for each in map(pack, codes()) if country in each.countries]
    if not found:
        raise UsageError(f"no pack is about {country}: nobody is called there under rules; {', '.join(codes())} ship")
    return tuple(rule for each in found for rule in each.rules if rule.place in (country, place))


# --- test ----------------------------------------------------------------------------------------


def test(text: str, at: str | None, case: Case, cells: Mapping[str, str], as_json: bool) -> None:
    """Print whether the number may be called then, by the strictest reading of all that is known.

    `cells` are what the columns timezone, postcode and region of a list would say.
    """
    found = judged(text, at, case, cells, Clock().now())
    print(json.dumps(_json(found), indent=2, ensure_ascii=False) if as_json else "\n".join(_text(found)))


def _text(found: Judged) -> Iterator[str]:
    permit = found.permit
    yield f"{permit.ruling} until {_stamp(permit.until)}" if permit.until is not None else str(permit.ruling)
    yield from rule_words.wrapped(_why(found), 0)
    if permit.rule:
        version = f" of {permit.version}" if permit.version else ""
        citation = f": {permit.citation}" if permit.citation else ""
        yield from rule_words.wrapped(f"{permit.rule}{version}{citation}", 0)
    yield ""
    yield from rule_words.wrapped(_assumed(found), 0)
    yield from rule_words.wrapped(_where(found), 0)
    yield from rule_words.wrapped(f"When: {_clocks(found.at, found.where.zones)}.", 0)
    if permit.until is not None:
        yield from rule_words.wrapped(f"Until: {_clocks(permit.until, found.where.zones)}.", 0)
    yield ""
    yield "What each rule says by itself:" if found.findings else "No rule applies."
    for each in found.findings:
        yield from _finding(each)


def _why(found: Judged) -> str:
    if found.where.held and found.where.why:
        return found.where.why
    if found.permit.ruling is not Ruling.ALLOW:
        return found.permit.why
    closes = f"; of those that apply, {found.permit.rule} closes first" if found.permit.rule else ""
    return f"no rule stands against a call{closes}"


def _assumed(found: Judged) -> str:
    consent = "they consent to it" if found.consents else "they do not consent"
    return (
        f"Assumed: the purpose is {found.calling.purpose}, {consent}, the voice is an AI's, nobody has rung them "
        "before. A campaign's own hours and caps come on top."
    )


def _where(found: Judged) -> str:
    known = f", known by {', '.join(found.where.evidence)}" if found.where.evidence else ""
    zones = ", ".join(found.where.zones) or "no zone"
    places = ", ".join(found.where.places) or "no place"
    return f"Where {mask(found.number.e164)} may be: {places}; {zones}{known}."


def _clocks(at: datetime, zones: tuple[str, ...]) -> str:
    local = [f"{at.astimezone(zone(name)):%a %Y-%m-%d %H:%M} in {name}" for name in zones]
    return ", ".join([_stamp(at), *local])


def _stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _finding(found: Finding) -> Iterator[str]:
    first, *rest = rule_words.wrapped(f"{found.rule.id}: {found.words}", 7)
    yield f"{found.says:<5}  {first.lstrip()}"
    yield from rest
    until = f"until {_stamp(found.until)}; " if found.until is not None else ""
    if found.rule.citation:
        yield from rule_words.wrapped(f"{until}{found.rule.citation}; confidence: {found.rule.confidence}", 7)


def _json(found: Judged) -> dict[str, object]:
    permit = found.permit
    return {
        "ruling": permit.ruling,
        "until": _stamp(permit.until) if permit.until is not None else None,
        "rule": permit.rule,
        "why": _why(found),
        "citation": permit.citation,
        "version": permit.version,
        "at": _stamp(found.at),
        "number": mask(found.number.e164),
        "zones": list(found.where.zones),
        "places": list(found.where.places),
        "evidence": list(found.where.evidence),
        "assumed": {"purpose": found.calling.purpose, "consent": found.consents, "voice": found.calling.voice},
        "findings": [_finding_json(each) for each in found.findings],
    }


def _finding_json(found: Finding) -> dict[str, object]:
    return {
        "rule": found.rule.id,
        "says": found.says,
        "until": _stamp(found.until) if found.until is not None else None,
        "words": found.words,
        "citation": found.rule.citation,
        "confidence": found.rule.confidence,
    }
