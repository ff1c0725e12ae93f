"""What a campaign file says of whom it calls when, and what they are told, and how two sayings differ. Pure.

It is kept in the ledger: no key of the platform is in it, and no path but as the file itself names it. Pace, recovery
and webhooks are not in it either, since nobody is called otherwise because of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from dialer.model import Action, CallerId, CallRules, Campaign, LawRules, ListRules, OptOut, Register, RetryRules, Rule
from dialer.policy import caps, timetable
from dialer.report.calling import ALWAYS, NONE, hours_words

EXPIRES, RING = "contacts.expires", "call.ring"
IDENTITY = ("contacts.id", "contacts.phone", "contacts.country")
"""By what it is known who somebody is."""

WHO_MAY = ("hours", "rules", "caps", "dnc", "opt_out_when", "contacts.consent")
"""By what it is known who may be called, and when: keys, and what begins with one of them and a dot."""

_NOTHING = "nothing"

Said = Mapping[str, str]
"""Words by key of the campaign file, as `retry.attempts`; a key that says nothing is left out."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A key of the campaign file that says something else than before; '' for nothing."""

    key: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.key}: {self.before or _NOTHING} → {self.after or _NOTHING}"


def said(campaign: Campaign) -> dict[str, str]:
    """All that decides, by key."""
    parts = (
        _list(campaign.contacts),
        _call(campaign.call),
        _retry(campaign.retry),
        [("hours", hours_words(campaign.hours))],
        _law(campaign.law),
        [("caps", _rule(campaign.caps) if campaign.caps else "")],
        [("caps.per_day", "" if campaign.per_day is None else str(campaign.per_day))],
        [("dnc", _listed(map(_register, campaign.registers)))],
        _opt_out(campaign.opt_out),
        [("order", str(campaign.order))],
    )
    return {key: words for part in parts for key, words in part if words}


def may_free(edit: Edit) -> bool:
    """Whether an edit may have people called who were held back before: what held them says something else, or nothing,
    or a rule is said not to bind. What only adds to it frees nobody."""
    is_one = any(edit.key == key or edit.key.startswith(f"{key}.") for key in WHO_MAY)
    return is_one and (edit.key == "rules.i_accept" or edit.before not in ("", ALWAYS, NONE))


def edits(before: Said, after: Said) -> tuple[Edit, ...]:
    """What is said otherwise, in the order of the file as it is; what is said no more comes last."""
    keys = [*after, *(key for key in before if key not in after)]
    found = (Edit(key, before.get(key, ""), after.get(key, "")) for key in keys)
    return tuple(edit for edit in found if edit.before != edit.after)


def _list(rules: ListRules) -> Iterator[tuple[str, str]]:
    names = ("id", "one_per", "country", "timezone", "region", "postcode", "consent", "debt")
    turns = ("priority", "not_before", "not_after")
    yield "contacts.phone", _listed(rules.phone)
    for name in (*names, *turns):
        yield f"contacts.{name}", getattr(rules, name) or ""
    yield "contacts.required", _listed(rules.required)
    yield EXPIRES, _length(rules.expires)


def _call(rules: CallRules) -> Iterator[tuple[str, str]]:
    yield "call.from", _listed(map(_caller, rules.callers) if rules.callers else rules.from_numbers)
    yield "call.rotate", "true" if rules.rotates else ""
    yield "call.agent", f"the column {rules.agent_column}" if rules.agent_column else rules.agent or ""
    yield "call.data", _listed(rules.data)
    yield "call.metadata", _listed(rules.metadata)
    yield RING, _length(rules.ring)


def _caller(caller: CallerId) -> str:
    parts = [caller.number]
    if caller.places:
        parts.append(f"for {' '.join(sorted(caller.places))}")
    if caller.agent:
        parts.append(f"agent {caller.agent}")
    if caller.per_day is not None:
        parts.append(f"{caller.per_day} a day")
    return " ".join(parts)


def _retry(rules: RetryRules) -> Iterator[tuple[str, str]]:
    yield "retry.attempts", str(rules.attempts)
    for reason, response in sorted(rules.responses.items()):
        waits = response.action is Action.WAIT
        yield f"retry.{reason}", _listed(map(_length, response.waits)) if waits else str(response.action)
    yield "retry.spread", "true" if rules.spreads else ""
    yield "retry.callback", rules.callback or ""


def _law(law: LawRules | None) -> Iterator[tuple[str, str]]:
    if law is None:
        yield "rules", NONE
        return
    yield "rules.purpose", str(law.purpose)
    yield "rules.packs", _listed(law.packs)
    yield "rules.consent", law.consent or ""
    yield "rules.yes", _listed(sorted(law.yes))
    yield "rules.i_accept", _listed(sorted(law.accepted))
    for rule in law.added:
        yield f"rules.add {rule.id}", _rule(rule)


def _rule(rule: Rule) -> str:
    """All that a rule of the campaign's own says, so that no change of it goes unseen."""
    parts = [
        rule.place if rule.place != "*" else "",
        *map(_listed, map(sorted, (rule.purposes, rule.voices, rule.lines))),
        timetable.words(rule.week) if rule.week is not None else "",
        f"not on holidays of {_listed(rule.holidays)}" if rule.holidays else "",
        f"not on {_listed(sorted(day.isoformat() for day in rule.not_on))}" if rule.not_on else "",
        f"by the clock of {rule.zone}" if rule.zone else "",
        caps.words(rule),
        f"forbidden: {rule.forbidden}" if rule.forbidden else "",
        "with consent only" if rule.needs_consent else "",
        f"from {rule.effective_from}" if rule.effective_from else "",
        f"until {rule.effective_until}" if rule.effective_until else "",
    ]
    return "; ".join(filter(None, parts))


def _register(register: Register) -> str:
    parts = [
        register.named or PurePath(register.file).name,
        f"by its column {register.column}" if register.column else "",
        f"no older than {_length(register.max_age)}" if register.max_age is not None else "",
    ]
    return " ".join(filter(None, parts))


def _opt_out(rules: OptOut) -> Iterator[tuple[str, str]]:
    yield "opt_out_when.reasons", _listed(sorted(rules.reasons))
    for field, values in sorted(rules.analysis.items()):
        yield f"opt_out_when.analysis {field}", _listed(sorted(values))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _length(seconds: float | None) -> str:
    return "" if seconds is None else caps.length(seconds)
