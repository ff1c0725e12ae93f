"""The command `dialer requeue`."""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.cli.arguments import File, examples

_EXAMPLES = examples(
    "dialer requeue campaign.yaml --reason no_answer --extra-attempts 1",
    "dialer requeue campaign.yaml --reason line_busy --state exhausted --yes",
    'dialer requeue campaign.yaml --only P-1042 --why "asked for a call"',
)


def add_to(app: typer.Typer) -> None:
    """Make it a command of that app."""
    app.command(epilog=_EXAMPLES)(requeue)


def requeue(
    campaign: File,
    reason: Annotated[
        list[str] | None, typer.Option("--reason", help="The finish reason or detail, as `status --json` tells it.")
    ] = None,
    state: Annotated[str | None, typer.Option(metavar="done|exhausted|excluded", help="Only those.")] = None,
    extra_attempts: Annotated[
        int, typer.Option(metavar="N", min=0, help="Attempts on top of those that the campaign file gives.")
    ] = 0,
    only: Annotated[
        list[str] | None, typer.Option(metavar="PERSON", help="Only this person: id or number; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Answer yes to what a terminal would be asked.")] = False,
    why: Annotated[str, typer.Option("--why", help="Why, for those who look later.")] = "",
) -> None:
    """Make finished people due again; who had a conversation only by --only."""
    from dialer.cli import requeue as command

    command.requeue(campaign, reason or (), state, only or (), extra_attempts, yes, why)
