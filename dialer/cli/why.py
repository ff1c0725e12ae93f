"""`why`: all that was decided about one person, in words or as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dialer import report
from dialer.cli import given
from dialer.cli.where import where
from dialer.clock import Clock
from dialer.console import mask, mask_text
from dialer.console.masking import mask_value
from dialer.errors import UsageError
from dialer.ledger.telling import AttemptTold, ContactTold, EventTold, OptOutTold, RejectTold, Told, told
from dialer.model import Campaign, ContactState, Ring, Ruling
from dialer.model.rules import Finding
from dialer.policy.standing import version
from dialer.runner.explaining import explain

_WIDTH = 80

Explain = Callable[[Campaign, ContactTold, datetime], Sequence[Finding]]
"""What each rule that applies says now of a contact of the campaign."""


def why(person: str, campaign: Path | None, ledger: Path | None, as_json: bool, explain: Explain = explain) -> None:
    """Print all that the ledger knows of a person, and what the campaign's rules say of them now.

    Raises:
        UsageError: the ledger knows nothing of them.
        LedgerError: it cannot be read.
    """
    rules = None if campaign is None else given.campaign(campaign)
    path = rules.ledger if rules is not None else given.ledger_of(None, ledger)[0]
    now = Clock().now()
    person = given.person(person)
    found = told(path, person, now)
    if not (found.contacts or found.opt_outs or found.registers or found.rings or found.forgotten or found.rejects):
        more = "; rows that were not taken stand in `dialer export FILE --rejects`" if found.has_rejects else ""
        raise UsageError(
            f"the ledger {path} knows nothing of {person}: write the id as the list has it, or the number with its "
            f"plus{more}"
        )
    asked = _Asked(found, rules, explain, now)
    if as_json:
        print(json.dumps(mask_value(_as_json(asked)), indent=2, ensure_ascii=False))
    else:
        print(mask_text("\n".join(_text(asked))))


class _Asked:
    """A person, and the rules by which they are judged now."""

    def __init__(self, found: Told, rules: Campaign | None, explain: Explain, now: datetime) -> None:
        self.told = found
        self.now = now
        self._rules = rules
        self._explain = explain

    def campaign_of(self, contact: ContactTold) -> Campaign | None:
        """The campaign of a contact, if it is the one whose file was named."""
        return self._rules if self._rules is not None and contact.campaign == self._rules.name else None

    def findings(self, contact: ContactTold) -> Sequence[Finding] | None:
        """What the rules say now; None: they are not known here."""
        if self._rules is None or contact.campaign != self._rules.name:
            return None
        return () if contact.purged_at else self._explain(self._rules, contact, self.now)


# --- as text -----------------------------------------------------------------------------------------


def _text(asked: _Asked) -> Iterator[str]:
    for contact in asked.told.contacts:
        yield from _contact(asked, contact)
        yield ""
    if not asked.told.contacts:
        yield f"{asked.told.person} is in no campaign of this ledger{' any more' if asked.told.forgotten else ''}."
    for one in asked.told.forgotten:
        words = f"Was {one.state} in {one.campaign} when they were purged at {_moment(one.at)}: not called again there."
        yield from _line("", words)
    for reject in asked.told.rejects:
        yield from _line("", _reject(reject))
    if asked.told.forgotten or asked.told.rejects or not asked.told.contacts:
        yield ""
    yield from _opt_outs(asked.told)
    yield from _rings(asked.told.rings)


def _contact(asked: _Asked, contact: ContactTold) -> Iterator[str]:
    words = report.why(contact.state, contact.finish_reason or "", contact.detail)
    yield from _line("", f"{contact.person} in {contact.campaign}: {contact.state}" + (f" ({words})" if words else ""))
    extra = f", and {contact.extra_attempts} were given on top" if contact.extra_attempts else ""
    numbers = ", ".join(map(mask, contact.numbers)) or "none any more"
    yield from _line("  ", f"numbers: {numbers}; attempts used up: {contact.attempts}{extra}")
    for sentence in where(contact, asked.campaign_of(contact)):
        yield from _line("  ", sentence)
    findings = asked.findings(contact)
    yield from _line("  ", f"next: {following(contact, asked.now, findings or ())}")
    yield from _rules(findings)
    if contact.calls:
        yield "  calls:"
        for call in contact.calls:
            yield from _line("    ", _call(call))
    yield "  what has happened:"
    yield from _line("    ", f"{_moment(contact.first_seen_at)}  taken in from the list")
    for event in contact.events:
        yield from _line("    ", _event(event))


def following(contact: ContactTold, now: datetime, findings: Sequence[Finding] = ()) -> str:
    """What comes next for somebody, and when, by what the rules say now."""
    if contact.state in (ContactState.DUE, ContactState.WAITING):
        return _waits(contact, now, findings)
    return {
        ContactState.DIALING: "their call is on the line; what follows is decided when it ends",
        ContactState.UNKNOWN: "nothing before it is known what became of the last dial: `dialer unknown list`",
        ContactState.DONE: "nothing; they are finished, and only `dialer requeue --only` would call them again",
        ContactState.EXHAUSTED: "nothing; `dialer requeue` would call them again",
        ContactState.EXCLUDED: _excluded(contact),
    }[ContactState(contact.state)]


def _waits(contact: ContactTold, now: datetime, findings: Sequence[Finding]) -> str:
    if contact.stop is not None:
        return f"nothing; they are taken out when their turn comes ({report.why('excluded', '', contact.stop)})"
    if contact.paused and (contact.paused_until is None or contact.paused_until > now):
        until = f" until {_moment(contact.paused_until)}" if contact.paused_until else ""
        return f"nothing while {contact.campaign} is {contact.paused}{until}"
    bars = [finding for finding in findings if finding.says is not Ruling.ALLOW and finding.until is None]
    if bars:
        return f"nothing as long as {bars[0].rule.id} stands against it"
    moments = [contact.due_at, *(finding.until for finding in findings if finding.says is not Ruling.ALLOW)]
    latest = max((moment for moment in moments if moment is not None), default=now)
    when = f"at {_moment(latest)}" if latest > now else "as soon as a run goes on"
    ends = f"; given up at {_moment(contact.expires_at)}" if contact.expires_at else ""
    return f"to be called {when}, as the rules and the lines allow{ends}"


def _excluded(contact: ContactTold) -> str:
    if contact.purged_at:
        return f"nothing; who they were was purged at {_moment(contact.purged_at)}"
    if contact.detail.startswith("held:"):
        return "nothing before somebody has found out what is missing: correct the list, and run again"
    if contact.detail.startswith("blocked:"):
        return "nothing as long as that rule applies to them"
    if contact.detail.startswith("dnc:"):
        return "nothing for as long as the do-not-call list has all their numbers"
    if contact.stop == "opted_out":
        return "nothing; `dialer dnc remove` would make them due again"
    if contact.stop == "withdrawn":
        return "nothing, unless the list has them again, in a row that can be taken (`dialer export FILE --rejects`)"
    return "nothing"


def _rules(findings: Sequence[Finding] | None) -> Iterator[str]:
    if findings is None:
        yield from _line("  ", "rules: to see what they say now, name this campaign's file: `dialer why PERSON FILE`")
        return
    yield "  rules now:" if findings else "  rules now: none applies"
    for finding in findings:
        until = f" until {_moment(finding.until)}" if finding.until else ""
        pack = f" ({version(finding.rule)})" if finding.rule.pack else ""
        yield from _line("    ", f"{finding.says:<5} {finding.rule.id}{pack}{until}: {finding.words}")


def _call(call: AttemptTold) -> str:
    seconds = f", {call.duration_seconds} s" if call.duration_seconds is not None else ""
    rule = f"; by {call.rule} {call.rule_version}".rstrip() if call.rule else ""
    number = mask(call.number) if call.number else "a number that was purged"
    return f"{_moment(call.intended_at)}  {number} from {mask(call.from_number)}: {_ended(call)}{seconds}{rule}"


def _ended(call: AttemptTold) -> str:
    if call.state == "ended":
        return report.in_words(call.finish_reason or "unknown_error") + (f" ({call.error})" if call.error else "")
    if call.state == "refused":
        return f"not rung ({call.error})" if call.error else "not rung"
    return {"intended": "about to be dialled", "placed": "on the line", "unknown": "nobody knows"}[call.state]


def _event(event: EventTold) -> str:
    moved = event.from_state != event.to_state and event.to_state
    arrow = f" ({event.from_state} → {event.to_state})" if moved else ""
    detail = f": {event.detail}" if event.detail else ""
    return f"{_moment(event.at)}  {event.event.replace('_', ' ')}{arrow}{detail}"


def _reject(reject: RejectTold) -> str:
    where = f"line {reject.line} of {reject.file}" + (f", column {reject.column!r}" if reject.column else "")
    why = reject.why or "what it said was purged"
    return f"A row in the list of {reject.campaign} was not taken: {where}: {why} ({reject.reason})"


def _opt_outs(found: Told) -> Iterator[str]:
    if not (found.opt_outs or found.registers):
        yield "On no do-not-call list."
    for entry in found.opt_outs:
        yield from _line("", f"On the do-not-call list since {_moment(entry.at)}, as {entry.about}: {_by(entry)}")
    for number, file in found.registers:
        yield from _line("", f"{mask(number)} stands in the do-not-call list {file}.")


def _by(entry: OptOutTold) -> str:
    return f"{entry.reason or 'no reason given'} ({entry.source}{', ' if entry.who else ''}{entry.who})"


def _rings(rings: Sequence[Ring]) -> Iterator[str]:
    if not rings:
        yield "No rings of the last 90 days, which caps would count."
        return
    yield "Rings of the last 90 days, over all campaigns, which caps count:"
    for ring in rings:
        yield f"  {_moment(ring.at)}" + ("  a conversation" if ring.talked else "")


def _line(indent: str, text: str) -> Iterator[str]:
    """At most 80 columns, what follows a break a little further in."""
    masked = mask_text(text)  # before it is broken: a number in two pieces would not be known as one
    yield from textwrap.wrap(
        masked, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}    ", break_on_hyphens=False
    )


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


# --- as JSON -----------------------------------------------------------------------------------------


def _as_json(asked: _Asked) -> dict[str, Any]:
    whole: dict[str, Any] = _plain(asdict(asked.told))
    for contact, shown in zip(asked.told.contacts, whole["contacts"], strict=True):
        findings = asked.findings(contact)
        shown["data"], shown["facts"] = json.loads(contact.data), json.loads(contact.facts)
        del shown["columns"]
        shown["next"] = following(contact, asked.now, findings or ())
        shown["rules"] = None if findings is None else [_finding(one) for one in findings]
    whole["registers"] = [{"number": number, "file": file} for number, file in asked.told.registers]
    return whole


def _finding(finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    facts = {"rule": rule.id, "version": version(rule), "citation": rule.citation, "says": str(finding.says)}
    return facts | {"until": _plain(finding.until), "words": finding.words}


def _plain(value: Any) -> Any:
    """Instants as texts, however deep they stand."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
