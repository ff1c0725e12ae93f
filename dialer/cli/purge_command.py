"""The command `dialer purge`."""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.cli.arguments import LedgerFile, MaybeFile, Why, examples

_EXAMPLES = examples(
    "dialer purge campaign.yaml --older-than 90d --dry-run",
    "dialer purge --ledger dialer.db --older-than 90d --yes",
    "dialer purge campaign.yaml --person P-1042",
)


def add_to(app: typer.Typer) -> None:
    """Make it a command of that app."""
    app.command(epilog=_EXAMPLES)(purge)


def purge(
    campaign: MaybeFile = None,
    ledger: LedgerFile = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="90d", help="Finished people with whom nothing has happened for so long.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Everything about them, in all campaigns: id or number.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say who would be forgotten.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Answer yes to what a terminal would be asked.")] = False,
    why: Why = "",
) -> None:
    """Forget people: numbers, data and transcripts go; totals and opt-outs stay."""
    from dialer.cli import purge as command

    command.purge(campaign, ledger, older_than, person, dry_run, yes, why)
