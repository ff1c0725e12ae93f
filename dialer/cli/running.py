"""`run` and `settle`."""

from __future__ import annotations

import asyncio
import gc
import json
import math
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, cast

from dialer import export
from dialer.cli import confirming, given
from dialer.clock import Clock
from dialer.console import Console, choose, mask_text, set_up_logging
from dialer.console.masking import mask_value
from dialer.errors import CampaignError, DialerError, ExitCode, Problem, UsageError
from dialer.ledger import reading
from dialer.model import Campaign
from dialer.report import Totals, closing_json, closing_line, summary
from dialer.report.calling import hours_words, law_words, said_aloud
from dialer.runner import Closed, Closing, Options
from dialer.runner import run as run_campaigns
from dialer.runner.conduct import STOPPED
from dialer.runner.endings import reason_of


def options(
    max_runtime: str | None,
    max_calls: int | None,
    only: str | None,
    yes: bool,
    wait: str | None,
    grace: str,
    retry_lock: str,
    *,
    dials: bool = True,
    none_were_called: bool = False,
) -> Options:
    """The options as values (UsageError)."""
    waits = None if wait is None else math.inf if wait == "forever" else given.seconds("--wait", wait)
    return Options(
        max_runtime=None if max_runtime is None else given.seconds("--max-runtime", max_runtime),
        max_calls=max_calls,
        only=only,
        yes=yes,
        wait=waits,
        grace=given.seconds("--grace", grace),
        retry_lock=given.seconds("--retry-lock", retry_lock),
        dials=dials,
        none_were_called=none_were_called,
        when_ready=_leave_alone_what_stays,
        ask=confirming.asker(yes=yes),
    )


_LOOKED_THROUGH_AFTER = 20_000
"""So many more objects than before: some megabytes."""


def _leave_alone_what_stays() -> None:
    """What is in memory by now stays there: looking through it for garbage again and again was 8 % of a dial, and the
    longest pauses of the event loop. What comes and goes with each dial is no garbage either, and is looked through
    more rarely than Python would: that was another 4 %."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_LOOKED_THROUGH_AFTER, 10, 10)


def run(files: Sequence[Path], asked: Options, result: Path | None, log_format: str, quiet: bool) -> int:
    """Load, run, tell how it ended; gives the exit code."""
    if log_format not in ("text", "json"):
        raise UsageError(f"--log-format: {log_format!r} is neither text nor json")
    _check_result(result)
    _heed_signals()
    clock = Clock()
    console = choose(
        sys.stderr,
        log_format=cast(Literal["text", "json"], log_format),
        quiet=quiet,
        is_terminal=sys.stderr.isatty(),
        now=clock.now,
    )
    if isinstance(asked.ask, confirming.Asker):
        console = confirming.Patient(console, asked.ask)
    restore = set_up_logging(console, "debug" if os.environ.get("DIALER_DEBUG") else "warning")
    code = ExitCode.ERROR
    try:
        closed, campaigns = _run(files, asked, console, clock)
        code = closed.code
    finally:
        restore()
        console.close(code)
    if result is not None:
        _write_result(result, closed)
    if not (quiet and closed.code in (ExitCode.OK, ExitCode.WORK_REMAINS)):
        _tell(closed, loud=bool(campaigns))
    return closed.code


def _run(files: Sequence[Path], asked: Options, console: Console, clock: Clock) -> tuple[Closed, Sequence[Campaign]]:
    campaigns: list[Campaign] = []
    try:
        campaigns = _load(files)
        if asked.dials:
            _say_aloud(campaigns, console)
        return asyncio.run(run_campaigns(campaigns, asked, console, clock)), campaigns
    except DialerError as error:
        console.say("failed", str(error), level="error")
        return _not_begun(campaigns, files, error.code, reason_of(error), clock), []
    except KeyboardInterrupt:
        # A signal before the run listened for them: nobody was dialled, and the same command begins anew.
        return _not_begun(campaigns, files, ExitCode.WORK_REMAINS, STOPPED.reason, clock), []


def _not_begun(
    campaigns: Sequence[Campaign], files: Sequence[Path], code: ExitCode, reason: str, clock: Clock
) -> Closed:
    """How a run closes that could not begin: with what the ledger says, where it can be read."""
    if not campaigns:
        totals = [_nothing_known(path.stem or path.resolve().name, clock) for path in files]
    else:
        totals = [_last_known(campaign, clock) for campaign in campaigns]
    return Closed(tuple(Closing(total.campaign, code, reason, total) for total in totals), code)


def _last_known(campaign: Campaign, clock: Clock) -> Totals:
    try:
        with reading.open_reader(campaign.ledger) as reader:
            return Totals(campaign.name, **reader.standing(reader.find(campaign.name).id, clock.now()))
    except DialerError:
        return _nothing_known(campaign.name, clock)


def _nothing_known(name: str, clock: Clock) -> Totals:
    return Totals(name, clock.now(), {}, {}, 0, {}, 0, {}, None)


def _heed_signals() -> None:
    """Until the run listens for signals itself, SIGTERM and SIGHUP are as Ctrl-C: a clean end, and 75."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


def _load(files: Sequence[Path]) -> list[Campaign]:
    """All the files, or all their problems."""
    found: list[Campaign] = []
    faults: list[CampaignError] = []
    for path in files:
        try:
            found.append(given.campaign(path))
        except CampaignError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        problems = (Problem("", 0, f"{fault.path}: {problem}") for fault in faults for problem in fault.problems)
        raise CampaignError(" and ".join(fault.path for fault in faults), tuple(problems))
    return found


def _say_aloud(campaigns: Sequence[Campaign], console: Console) -> None:
    """Who calls at any hour and by no rules is told so each time."""
    for campaign in campaigns:
        where = "the simulated platform" if campaign.platform.url is None else campaign.platform.url
        console.say(
            "begins",
            f"{campaign.name} on {where}; {said_aloud(campaign)}",
            campaign=campaign.name,
            hours=hours_words(campaign.hours),
            rules=law_words(campaign.law),
        )


def _tell(closed: Closed, *, loud: bool) -> None:
    if loud:
        for closing in closed.closings:
            print(mask_text("\n".join(summary(closing.totals))))
            print()
    for closing in closed.closings:
        print(closing_line(closing.name, closing.code, closing.reason, closing.totals))


def _write_result(path: Path, closed: Closed) -> None:
    """One object for one campaign; for several, one that holds them and the code of the run. A file appears whole; what
    is no file (a device, a pipe) is written into."""
    each = [closing_json(closing.name, closing.code, closing.reason, closing.totals) for closing in closed.closings]
    whole = each[0] if len(each) == 1 else {"code": int(closed.code), "campaigns": each}
    text = json.dumps(mask_value(whole), indent=2) + "\n"
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, "utf-8")
            return
        with export.replacing(path) as out:
            out.write(text.encode())
    except OSError as error:
        print(f"dialer: {path} cannot be written ({error.strerror}): how it ended is told here alone", file=sys.stderr)


def _check_result(path: Path | None) -> None:
    """Raises UsageError before anybody is dialled if the result could not be written after it."""
    if path is not None and (path.is_dir() or not path.resolve().parent.is_dir()):
        raise UsageError(f"--result {path}: name a file in a folder that exists")
