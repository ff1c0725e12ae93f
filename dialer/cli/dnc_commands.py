"""The commands of `dialer dnc`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dialer.cli.arguments import LedgerFile, MaybeFile, Why, examples

app = typer.Typer(
    name="dnc",
    help="The do-not-call list of the ledger: whoever is on it is dialled by none of its campaigns.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        'dialer dnc add +14155550123 campaign.yaml --reason "asked us to stop"', "dialer dnc list campaign.yaml"
    ),
)

Person = Annotated[str, typer.Argument(help="Who: number or id.", metavar="PERSON")]

IsId = Annotated[bool, typer.Option("--id", help="PERSON is an id, even if it looks like a number.")]


@app.command(
    epilog=examples(
        'dialer dnc add +14155550123 campaign.yaml --reason "asked us to stop"',
        "dialer dnc add P-1042 --ledger dialer.db",
    )
)
def add(
    person: Person, campaign: MaybeFile = None, ledger: LedgerFile = None, why: Why = "", is_id: IsId = False
) -> None:
    """Call somebody no more, also in a running process.

    A number stops whoever has it; an id stops all numbers that anybody with it has. Says whom it reached.
    """
    from dialer.cli import dnc

    dnc.add(person, campaign, ledger, why, is_id)


@app.command(epilog=examples("dialer dnc remove +14155550123 campaign.yaml"))
def remove(
    person: Person, campaign: MaybeFile = None, ledger: LedgerFile = None, why: Why = "", is_id: IsId = False
) -> None:
    """Take an entry back: whom nothing else stops is due again."""
    from dialer.cli import dnc

    dnc.remove(person, campaign, ledger, why, is_id)


@app.command(
    "import",
    epilog=examples("dialer dnc import opt-outs.csv campaign.yaml", "dialer dnc import stop.txt --ledger dialer.db"),
)
def take(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Numbers: CSV, Parquet, or text, one a line.")],
    campaign: MaybeFile = None,
    ledger: LedgerFile = None,
    column: Annotated[str | None, typer.Option(metavar="NAME", help="The column with the numbers.")] = None,
    why: Why = "",
) -> None:
    """Add many numbers at once. They stay, whatever becomes of the file."""
    from dialer.cli import dnc

    dnc.take(file, column, campaign, ledger, why)


@app.command("list", epilog=examples("dialer dnc list campaign.yaml", "dialer dnc list --ledger dialer.db --json"))
def show(
    campaign: MaybeFile = None,
    ledger: LedgerFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="All, as a JSON list.")] = False,
    every: Annotated[bool, typer.Option("--all", help="All, and not the newest 50 alone.")] = False,
) -> None:
    """Show who is on it, since when and why: the newest first."""
    from dialer.cli import dnc

    dnc.show(campaign, ledger, as_json, every)
