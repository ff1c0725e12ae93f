"""Looking into a ledger: `status` and `export`. Nothing here writes to it, and nothing here imports pandas."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dialer import export, report
from dialer.clock import Clock
from dialer.console.masking import mask_text, mask_value
from dialer.errors import UsageError
from dialer.ledger.control import is_held
from dialer.ledger.due import STOP_WHEN
from dialer.ledger.reading import CampaignRow, LastRun, Reader, UnknownAttempt, open_reader
from dialer.model import Campaign
from dialer.model.turns import AT_ANY_TIME, Turns
from dialer.permits import turns_of
from dialer.report import Totals

_MOST_UNKNOWN = 5


def status(
    ledger: Path,
    campaign: str | None = None,
    as_json: bool = False,
    *,
    now: Callable[[], datetime] | None = None,
    file: Campaign | None = None,
) -> str:
    """Where the campaigns of a ledger stand, or one of them: for people, or as one JSON object. `file` is the campaign
    as its file says it, where that is known: it tells by which hours people are called.

    Raises:
        LedgerError: the ledger cannot be read.
        UsageError: it has no campaign of that name.
    """
    moment = (now or Clock().now)()
    with open_reader(ledger) as reader:
        turns = AT_ANY_TIME if file is None else turns_of(file, reader, moment)
        chosen = reader.campaigns() if campaign is None else [reader.find(campaign)]
        held = is_held(ledger)
        if as_json:
            found = {
                "ledger": str(ledger),
                "held": held,
                "campaigns": [_json(reader, row, moment, turns) for row in chosen],
            }
            return json.dumps(mask_value(found), indent=2, ensure_ascii=False)
        if not chosen:
            return f"The ledger {ledger} holds no campaign yet."
        return mask_text("\n\n".join("\n".join(_text(reader, row, moment, held, turns)) for row in chosen))


def totals(reader: Reader, campaign: CampaignRow, now: datetime, turns: Turns = AT_ANY_TIME) -> Totals:
    """Where a campaign stands, read from one state of the ledger; `turns` tells whom the hours let be called."""
    is_paused = campaign.paused == "paused" and (campaign.paused_until is None or campaign.paused_until > now)
    return Totals(campaign=campaign.name, is_paused=is_paused, **reader.standing(campaign.id, now, turns))


def export_to(
    ledger: Path,
    campaign: str,
    target: str,
    *,
    attempts: bool = False,
    rejects: bool = False,
    since: datetime | None = None,
) -> int:
    """Write a campaign's results, attempts or rejects to a file or, as CSV, to `-`; gives the number of rows.

    Raises:
        UsageError: a wrong target, two kinds at once, or no campaign of that name.
        LedgerError: the ledger cannot be read.
        DialerError: the file cannot be written; what stood there before still does.
    """
    if attempts and rejects:
        raise UsageError("--attempts and --rejects are two tables: ask for one at a time")
    if rejects and since is not None:
        raise UsageError("--since does not go with --rejects: those are always of the list as it was last taken in")
    export.check_target(target)
    with open_reader(ledger) as reader:
        rows, columns = _table(reader, reader.find(campaign), attempts, rejects, since)
        return export.export(rows, columns, target)


def _table(
    reader: Reader, campaign: CampaignRow, attempts: bool, rejects: bool, since: datetime | None
) -> tuple[Iterator[Mapping[str, Any]], Sequence[str]]:
    if rejects:
        return reader.rejects(campaign.id), export.REJECT_COLUMNS
    if attempts:
        return reader.attempts(campaign.id, since), export.attempt_columns(reader.found_names(campaign.id))
    found = reader.found_names(campaign.id)
    return reader.results(campaign.id, since), export.result_columns(campaign.columns, found)


# --- as text -----------------------------------------------------------------------------------------


def _text(reader: Reader, campaign: CampaignRow, now: datetime, held: bool, turns: Turns) -> Iterator[str]:
    standing = totals(reader, campaign, now, turns)
    yield from _paused(campaign, now)
    yield from report.summary(standing)
    yield from _due(standing)
    yield f"  pace   {_calls(standing.calls_minute)} in the last minute, {standing.calls_hour} in the last hour"
    yield from _unknown(reader.unknown(campaign.id))
    yield f"  run    {_last_run(reader.last_run(campaign.id), held)}"


def _calls(count: int) -> str:
    return "1 call" if count == 1 else f"{count} calls"


def _due(totals: Totals) -> Iterator[str]:
    names = {"now": "now", "hour": "within an hour", "day": "within a day", "later": "later"}
    parts = [f"{totals.due[key]} {words}" for key, words in names.items() if totals.due.get(key)]
    following = f"; next at {report.at_minute(totals.next_due)}" if totals.next_due else ""
    yield f"  due    {', '.join(parts) or 'nobody'}{following}"


def _unknown(attempts: Sequence[UnknownAttempt]) -> Iterator[str]:
    for attempt in attempts[:_MOST_UNKNOWN]:
        yield (
            f"  unknown: {attempt.person}, {attempt.number}, dialled at {report.at_second(attempt.intended_at)}, "
            f"looked up {attempt.looks} times in vain ({attempt.detail})"
        )
    if len(attempts) > _MOST_UNKNOWN:
        yield f"  unknown: and {len(attempts) - _MOST_UNKNOWN} more"


def _paused(campaign: CampaignRow, now: datetime) -> Iterator[str]:
    """First of all, who has paused or cancelled it, until when and why; nothing once the pause is over."""
    if campaign.paused is None or (campaign.paused_until is not None and campaign.paused_until <= now):
        return
    until = f" until {report.at_second(campaign.paused_until)}" if campaign.paused_until else ""
    reason = f": {campaign.paused_why}" if campaign.paused_why else ""
    who = "`stop_when`" if campaign.paused_by == STOP_WHEN else campaign.paused_by or "a person"
    yield f"{campaign.name} is {campaign.paused} by {who}{until}{reason}"


def _last_run(run: LastRun | None, held: bool) -> str:
    if run is None:
        return "never run"
    began = f"`{run.command}` began at {report.at_second(run.started_at)}"
    if run.ended_at is not None:
        ended = report.at_second(run.ended_at)
        return f"{began}, ended at {ended} with {run.exit_code} ({run.reason or 'no reason given'})"
    where = f"pid {run.pid} on {run.host}"
    if held:
        return f"{began} and goes on ({where})"
    return f"{began} and was cut off ({where}): the same command goes on where it stopped"


# --- as JSON -----------------------------------------------------------------------------------------


def _json(reader: Reader, campaign: CampaignRow, now: datetime, turns: Turns) -> dict[str, object]:
    standing = totals(reader, campaign, now, turns)
    run = reader.last_run(campaign.id)
    return (
        {"campaign": campaign.name, "platform_url": campaign.platform_url}
        | report.totals_json(standing)
        | {
            "live": standing.live,
            "unknown": [unknown_json(attempt) for attempt in reader.unknown(campaign.id)],
            "paused": campaign.paused,
            "paused_until": campaign.paused_until.isoformat() if campaign.paused_until else None,
            "paused_by": campaign.paused_by,
            "paused_why": campaign.paused_why,
            "last_run": None if run is None else _run_json(run),
        }
    )


def unknown_json(attempt: UnknownAttempt) -> dict[str, object]:
    return {
        "person": attempt.person,
        "number": attempt.number,
        "call_id": attempt.call_id,
        "platform_id": attempt.platform_id,
        "intended_at": attempt.intended_at.isoformat(),
        "held_until": attempt.held_until.isoformat() if attempt.held_until else None,
        "looks": attempt.looks,
        "detail": attempt.detail,
    }


def _run_json(run: LastRun) -> dict[str, object]:
    return {
        "command": run.command,
        "host": run.host,
        "pid": run.pid,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "exit_code": run.exit_code,
        "reason": run.reason,
    }
