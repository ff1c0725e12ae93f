"""The commands and what they are given. What they do is imported only when they are called: `--help` is to be quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import dialer
from dialer.cli import (
    call_command,
    dnc_commands,
    history_commands,
    pace_command,
    plan_command,
    purge_command,
    requeue_command,
    rules_commands,
    simulator_command,
    unknown_commands,
    webhooks,
    why_command,
)
from dialer.cli.arguments import (
    File,
    Files,
    Format,
    Grace,
    LedgerFile,
    MaybeFile,
    Quiet,
    Result,
    RetryLock,
    Why,
)
from dialer.cli.arguments import examples as _examples
from dialer.errors import UsageError

app = typer.Typer(
    name="dialer",
    help="Calls everyone on a list through Verbex: paced, resumable, and nobody twice because something crashed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dialer {dialer.__version__}")
        raise typer.Exit


@app.callback(
    epilog=_examples(
        "dialer init contacts.csv > campaign.yaml",
        "dialer check campaign.yaml",
        "dialer run campaign.yaml",
        "dialer export campaign.yaml -o results.csv",
    )
)
def _dialer(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


@app.command(
    epilog=_examples(
        "dialer run campaign.yaml",
        "dialer run campaign.yaml --quiet --retry-lock 5m --result last-run.json",
        "dialer run monday.yaml tuesday.yaml --max-runtime 2h",
        "dialer run campaign.yaml --only +14155550123 --max-calls 1",
    )
)
def run(
    campaigns: Files,
    max_runtime: Annotated[str | None, typer.Option(metavar="2h", help="Take nothing new after this long.")] = None,
    max_calls: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="End when so many calls were placed.")
    ] = None,
    only: Annotated[str | None, typer.Option(metavar="PERSON", help="Dial this person alone: id or number.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Answer yes to what a terminal would be asked.")] = False,
    none_were_called: Annotated[
        bool,
        typer.Option(
            "--none-were-called", help="Nobody was called by a ledger that is gone: where the platform cannot tell."
        ),
    ] = False,
    wait: Annotated[
        str | None, typer.Option(metavar="[2h]", help="Stay for what is due later: for all, or so long at most.")
    ] = None,
    grace: Grace = "30s",
    retry_lock: RetryLock = "0s",
    result: Result = None,
    log_format: Format = "text",
    quiet: Quiet = False,
) -> None:
    """Import what is new, recover what was open, dial to the end. Safe to repeat, safe to kill."""
    from dialer.cli import running

    options = running.options(
        max_runtime, max_calls, only, yes, wait, grace, retry_lock, none_were_called=none_were_called
    )
    raise typer.Exit(running.run(campaigns, options, result, log_format, quiet))


@app.command(epilog=_examples("dialer settle campaign.yaml"))
def settle(
    campaigns: Files,
    grace: Grace = "30s",
    retry_lock: RetryLock = "0s",
    result: Result = None,
    log_format: Format = "text",
    quiet: Quiet = False,
) -> None:
    """Recover and collect the ends of open calls; dial nobody."""
    from dialer.cli import running

    options = running.options(None, None, None, False, None, grace, retry_lock, dials=False)
    raise typer.Exit(running.run(campaigns, options, result, log_format, quiet))


@app.command(epilog=_examples("dialer check campaign.yaml", "dialer check campaign.yaml --offline"))
def check(
    campaign: File,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the platform.")] = False,
) -> None:
    """Find every error of file, list and key, and show the first requests as they would be sent. Dials nobody."""
    from dialer.cli import checking

    raise typer.Exit(checking.check(campaign, offline))


@app.command(
    epilog=_examples(
        "dialer status campaign.yaml", "dialer status --ledger dialer.db --json", "dialer status campaign.yaml --watch"
    )
)
def status(
    campaign: MaybeFile = None,
    ledger: LedgerFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Again every second, until Ctrl-C.")] = False,
) -> None:
    """Where it stands: states, reasons, pace, what is due next."""
    from dialer.cli import looking

    looking.status(campaign, ledger, as_json, watch)


@app.command(
    epilog=_examples(
        "dialer export campaign.yaml -o results.csv",
        "dialer export campaign.yaml --attempts -o attempts.parquet",
        "dialer export campaign.yaml --rejects -o -",
        "dialer export campaign.yaml --since 2026-11-22T09:00Z -o today.jsonl",
    )
)
def export(
    campaign: File,
    output: Annotated[str, typer.Option("-o", "--output", help=".csv, .parquet, .jsonl, or - for standard output.")],
    attempts: Annotated[bool, typer.Option("--attempts", help="One row an attempt.")] = False,
    rejects: Annotated[bool, typer.Option("--rejects", help="The rows of the list that are nobody's contact.")] = False,
    since: Annotated[str | None, typer.Option(metavar="INSTANT", help="Only what has changed since.")] = None,
) -> None:
    """Write what came of it: one row a contact."""
    from dialer.cli import looking

    looking.export(campaign, output, attempts, rejects, since)


@app.command(epilog=_examples("dialer init contacts.csv", "dialer init contacts.parquet -o campaign.yaml"))
def init(
    contacts: Annotated[Path, typer.Argument(help="The list: .csv, .csv.gz or .parquet.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write it there; else it is printed.")] = None,
    encoding: Annotated[
        str | None, typer.Option("--encoding", metavar="cp1252", help="Of a CSV that is not UTF-8.")
    ] = None,
) -> None:
    """Write a first campaign.yaml from a list's header."""
    from dialer.cli import checking

    checking.init(contacts, output, encoding)


@app.command(epilog=_examples("dialer schema > campaign.schema.json"))
def schema() -> None:
    """Print the JSON Schema of campaign.yaml, from which editors complete."""
    from dialer.cli import checking

    checking.schema()


simulator_command.add_to(app)


@app.command(
    epilog=_examples(
        'dialer pause campaign.yaml --reason "wrong prices"', "dialer pause campaign.yaml --until 2026-11-23T09:00Z"
    )
)
def pause(
    campaign: MaybeFile = None,
    why: Why = "",
    until: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Goes on by itself at the next run then.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All campaigns of the ledger.")] = False,
    ledger: LedgerFile = None,
) -> None:
    """Dial nobody new, also in a running process; live calls run out."""
    _word("pause", campaign, ledger, every, why, until)


@app.command(epilog=_examples("dialer resume campaign.yaml"))
def resume(
    campaign: MaybeFile = None,
    why: Why = "",
    every: Annotated[bool, typer.Option("--all", help="All campaigns of the ledger.")] = False,
    ledger: LedgerFile = None,
) -> None:
    """Take a pause back; the next run goes on."""
    _word("resume", campaign, ledger, every, why, None)


@app.command(epilog=_examples('dialer cancel campaign.yaml --reason "event called off"'))
def cancel(
    campaign: MaybeFile = None,
    why: Why = "",
    every: Annotated[bool, typer.Option("--all", help="All campaigns of the ledger.")] = False,
    ledger: LedgerFile = None,
) -> None:
    """End a campaign for good: whoever waits is not dialled any more."""
    _word("cancel", campaign, ledger, every, why, None)


pace_command.add_to(app)
call_command.add_to(app)
requeue_command.add_to(app)
purge_command.add_to(app)
why_command.add_to(app)
plan_command.add_to(app)


@app.command(
    epilog=_examples("dialer backup monday.db campaign.yaml", "dialer backup /backups/dialer.db --ledger dialer.db")
)
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; FILE.secret is written beside it.")],
    campaign: MaybeFile = None,
    ledger: LedgerFile = None,
) -> None:
    """Copy the ledger and its secret, also while a run writes."""
    from dialer.cli import keeping

    keeping.back_up(file, campaign, ledger)


app.add_typer(webhooks.app)
app.add_typer(unknown_commands.app)
app.add_typer(dnc_commands.app)
app.add_typer(history_commands.app)
app.add_typer(rules_commands.app)


def _word(verb: str, campaign: Path | None, ledger: Path | None, every: bool, why: str, until: str | None) -> None:
    from dialer.cli import pausing

    if campaign is None and not every:
        raise UsageError(f"name a campaign file, or --all with --ledger: `dialer {verb} campaign.yaml`")
    pausing.word(verb, campaign, ledger, every, why, until)
