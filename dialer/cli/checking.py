"""`check`, `init` and `schema`."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from dialer import config, contacts
from dialer.cli import given
from dialer.cli.telling import tell
from dialer.clock import Clock
from dialer.config.address import is_local
from dialer.console import mask, mask_text
from dialer.errors import CampaignError, DialerError, ExitCode, ListError, UsageError
from dialer.ledger import opening
from dialer.model import (
    Action,
    Campaign,
    ContactState,
    DialRequest,
    ListRules,
    PaceRules,
    RecoveryRules,
    Reply,
    Response,
    StopWhen,
    Verdict,
)
from dialer.policy import outcome, retry
from dialer.report import why
from dialer.report.calling import hours_words, law_words
from dialer.report.said import said
from dialer.runner import checking
from dialer.runner.checking import Checked
from dialer.runner.comparing import since_last_run
from dialer.runner.listening import check_listening
from dialer.runner.owning import Shown
from dialer.runner.ruling import check_registers, check_rules
from dialer.runner.sharing import shared

_SEEN = 20
"""Rows that are looked at to guess what a column holds."""
_CAMPAIGN_FILES = (".yaml", ".yml")


def check(path: Path, offline: bool) -> int:
    """Print what was found; gives 0, or 78 or 77 with every fault told."""
    campaign = given.campaign(path)
    clock = Clock()
    check_listening([campaign], dials=True)
    check_rules(campaign, clock)
    checking.check_ledger(campaign)
    tell(f"{path}: the campaign file is in order.")
    with since_last_run(campaign) as since:
        checked = checking.check_list(campaign, clock, since.hear)
        changes = [mask_text(line) for line in since.lines()]
    for sentence in check_registers(campaign, clock):
        tell(f"Do not call: {sentence}")
    parts = _list(campaign, checked), _changes(changes), _requests(checked), _retries(campaign), _rest(campaign)
    for line in itertools.chain(*parts):
        tell(line)
    return ExitCode.OK if offline else _ask(campaign, clock)


def _list(campaign: Campaign, checked: Checked) -> Iterator[str]:
    files = ", ".join(file.name for file in campaign.contacts.files)
    held = sum(checked.held.values())
    free = checked.good - held
    rejects = "1 reject" if checked.bad == 1 else f"{checked.bad} rejects"
    yield f"\n{files}: {free} {'person' if free == 1 else 'people'} can be dialled, {rejects}."
    if held:
        yield f"  {held:>8}  held back by the rules, whatever the hour:"
    for detail, count in checked.held.most_common():
        some = ", ".join(map(mask, checked.some_held[detail]))
        more = ", …" if count > len(checked.some_held[detail]) else ""
        yield f"  {count:>12}  {why(ContactState.EXCLUDED, '', detail)} ({some}{more})"
    for reason, count in (+checked.rejected).most_common():
        yield f"  {count:>8}  {reason}"
    for reject in checked.examples:
        where = f"{reject.file} line {reject.line}" + (f", {reject.column}" if reject.column else "")
        yield mask_text(f"  {where}: {reject.why}")


def _changes(lines: list[str]) -> Iterator[str]:
    if lines:
        yield "\nWhat a run would take in:"
        yield from (f"  {line}" for line in lines)


def _requests(checked: Checked) -> Iterator[str]:
    yield "\nThe first requests, masked:"
    for request in checked.first:
        yield f"  to {mask(request.to_number)} from {mask(request.from_number)}{_agent(request)}"
        data = json.dumps(dict(request.data), ensure_ascii=False, default=str)
        yield mask_text(f"    data {data}")
        yield mask_text(f"    metadata {json.dumps(dict(request.metadata), ensure_ascii=False)}")


def _agent(request: DialRequest) -> str:
    return f", agent {request.agent}" if request.agent else ", the agent that is bound to the number"


def _retries(campaign: Campaign) -> Iterator[str]:
    yield f"\nAt most {campaign.retry.attempts} attempts for one contact. What follows a call that ended with"
    for reason in sorted(outcome.REASONS):
        response = retry.response_to(campaign.retry, reason)
        yield f"  {reason:<36} {_follows(reason, response)}"


def _follows(reason: str, response: Response) -> str:
    if response.action is not Action.WAIT:
        return {Action.DONE: "finished: reached", Action.NEVER: "not again", Action.STOP: "the campaign stops"}[
            response.action
        ]
    waits = "again after " + ", then ".join(_length(wait) for wait in response.waits)
    if outcome.rang_nobody(reason):
        return f"{waits}; costs no attempt"
    if outcome.verdict(reason) is Verdict.PLATFORM_FAILED:
        return f"{waits}; only if nobody was on the line"
    most = retry.most_times(reason, response)
    return waits if most is None else f"{waits}; {most} times at most"


def _length(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{name}"
    return f"{seconds:g}s"


def _rest(campaign: Campaign) -> Iterator[str]:
    yield f"\nPace: {_pace(campaign.pace)}."
    yield f"Hours: {hours_words(campaign.hours)}. Rules: {law_words(campaign.law)}."
    yield from _who_and_how_often(campaign)
    gone = _share(campaign.contacts.max_gone)
    yield f"List: {_expiry(campaign)}; if more than {gone} of the people (and more than 20) are gone, none is dialled."
    yield f"Calls: one that is not known to have ended after {_length(campaign.call.longest)} is unknown."
    yield from _doubtful(campaign.recovery)
    yield f"Stops when: {_thresholds(campaign.stop_when)}."
    yield from _webhooks(campaign)
    yield f"Ledger: {campaign.ledger} ({opening.sqlite_words()})"
    if common := shared(campaign):
        told = ", ".join(f"{count} with {name}" for name, count in common.items())
        yield f"People shared with other campaigns of the ledger, by number: {told}. Opt-outs and caps reach over all."


_SET = ("caps", "caps.per_day", "dnc", "opt_out_when", "order", "retry.spread", "retry.callback")
"""What is told by its key where the file says it."""


def _who_and_how_often(campaign: Campaign) -> Iterator[str]:
    """Whom the file spares and in which order, by key."""
    words = said(campaign)
    for key in words:
        if key in _SET or key.startswith("opt_out_when"):
            yield f"  {key}: {words[key]}"
    if campaign.analysis:
        yield "  analysis: true"


def _pace(rules: PaceRules) -> str:
    words = [f"{rules.calls_per_second:g} {'call' if rules.calls_per_second == 1 else 'calls'} per second"]
    if rules.concurrent_calls is not None:
        words.append(f"{rules.concurrent_calls} concurrent calls")
    else:
        words.append("learns the account's limit of concurrent calls")
    if rules.at_most is not None:
        words.append(f"at most {rules.at_most}")
    if rules.leave_free:
        words.append(f"leaves {rules.leave_free} free")
    if rules.priority:
        words.append(f"priority {rules.priority} among the campaigns of a run")
    return ", ".join(words)


def _share(share: float) -> str:
    return f"{share * 100:.4g}%"


def _expiry(campaign: Campaign) -> str:
    expires = campaign.contacts.expires
    return "nobody ever expires" if expires is None else f"a contact is given up after {_length(expires)}"


def _doubtful(rules: RecoveryRules) -> Iterator[str]:
    yield (
        f"Recovery: a lost answer waits for {_length(rules.hold)}, and is looked for up to {_length(rules.look_back)} "
        f"back; more than {rules.max_unknown} unknown stop the run."
    )


def _thresholds(rules: StopWhen) -> str:
    """Each threshold that is set, in the words of the file."""
    limits = ((one.name, getattr(rules, one.name)) for one in fields(rules))
    told = ", ".join(f"{name} {_share(limit.share)} of {limit.of}" for name, limit in limits if limit)
    return told or "nothing is watched"


def _webhooks(campaign: Campaign) -> Iterator[str]:
    rules = campaign.webhooks
    if rules is None:
        yield "Webhooks: none; calls are only read."
        return
    host = f"[{rules.host}]" if ":" in rules.host else rules.host
    yield f"Webhooks: a run listens on {host}:{rules.port}, and the platform sends to {rules.url}."
    if not is_local(f"http://{host}"):
        yield (
            f"  Warning: {host} is open to the network, in plain HTTP that others can read: listen on 127.0.0.1 "
            "behind a proxy that speaks https, or keep strangers away from the port."
        )


def _ask(campaign: Campaign, clock: Clock) -> int:
    if campaign.platform.url is None:
        tell("Platform: the simulator; there is nothing to ask it.")
        return ExitCode.OK
    answer = asyncio.run(checking.ask_platform(campaign, clock))
    if isinstance(answer, Shown):
        tell(f"Platform: {campaign.platform.url} answers, and takes the key.")
        for line in answer.lines:
            tell(mask_text(line))
        if answer.problems:
            raise CampaignError(str(campaign.path), answer.problems)
        return ExitCode.OK
    if isinstance(answer, Reply) and answer.status in (401, 403):
        tell(
            f"Platform: {campaign.platform.url} refuses the key ({mask_text(answer.message)}): "
            "correct platform.api_key."
        )
        return ExitCode.REFUSED
    told = f"status {answer.status} {answer.message}" if isinstance(answer, Reply) else answer.cause
    tell(
        f"Platform: {campaign.platform.url} did not answer as Verbex does ({mask_text(told.strip())}): "
        "check platform.url and the network, or leave this out with --offline."
    )
    return ExitCode.FILE


def init(path: Path, output: Path | None, encoding: str | None = None) -> None:
    """Print or write a first campaign.yaml for a list (ListError, UsageError)."""
    _check_is_list(path)
    spelled = given.encoding("--encoding", encoding) if encoding is not None else None
    rules = ListRules(files=(path.resolve(),), phone=(), encoding=spelled)
    columns = contacts.columns(rules)
    name = str(path) if output is None else _seen_from(output, path)
    text = config.starter(name, columns, contacts.samples(rules, _SEEN), encoding=spelled)
    if output is None:
        print(text, end="")
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{output} is there already, and is left as it is: name another file with -o") from None
    except OSError as error:
        raise DialerError(f"{output} cannot be written ({error.strerror}): name a file in a writable folder") from error
    print(f"{output} is written: put your own number under call.from, then `dialer check {output}`.")


def _check_is_list(path: Path) -> None:
    if not path.exists():
        raise ListError(f"{path}: there is no such file; name the list, as contacts.csv")
    if path.suffix.lower() in _CAMPAIGN_FILES:
        raise ListError(f"{path}: by its name this is a campaign file and no list; name the list, as contacts.csv")


def _seen_from(output: Path, path: Path) -> str:
    """The list's path as it stands in a file that lies elsewhere."""
    there, here = path.resolve(), output.resolve().parent
    return str(there.relative_to(here)) if there.is_relative_to(here) else str(there)


def schema() -> None:
    """Print the JSON Schema of campaign.yaml."""
    print(json.dumps(config.json_schema(), indent=2))
