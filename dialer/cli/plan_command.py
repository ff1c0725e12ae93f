"""The command `dialer plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.cli.arguments import Files, examples

_EXAMPLES = examples(
    "dialer plan campaign.yaml",
    "dialer plan campaign.yaml --assume answer=35%,length=60s",
    "dialer plan campaign.yaml --json",
)


def add_to(app: typer.Typer) -> None:
    """Make it a command of that app."""
    app.command(epilog=_EXAMPLES)(plan)


def plan(
    campaigns: Files,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE,…",
            help="Instead of what is assumed: answer, machine, length, machine_length, ring, lines.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Forecast who will be called when, who not and why, and when it ends. No network, and nobody is dialled."""
    from dialer.cli import plan as command

    command.plan(campaigns, assume or [], as_json)
