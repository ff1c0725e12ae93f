"""The command `dialer call`."""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.cli.arguments import File, Why, examples

_EXAMPLES = examples("dialer call campaign.yaml --to +14155550100 --as P-1042")


def add_to(app: typer.Typer) -> None:
    """Make it a command of that app."""
    app.command(epilog=_EXAMPLES)(call)


def call(
    campaign: File,
    to: Annotated[str, typer.Option("--to", metavar="NUMBER", help="Your own telephone.")],
    person: Annotated[str, typer.Option("--as", metavar="PERSON", help="Whose row is sent: id or number.")],
    why: Why = "",
) -> None:
    """Ring your own phone with a real row's data, outside the campaign's results."""
    from dialer.cli import own_call as command

    raise typer.Exit(command.call(campaign, to, person, why))
