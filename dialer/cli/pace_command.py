"""The command `dialer pace`."""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.cli.arguments import File, Why, examples

_EXAMPLES = examples(
    "dialer pace campaign.yaml --calls-per-second 5",
    "dialer pace campaign.yaml --calls-per-second 5 --concurrent-calls 40",
    "dialer pace campaign.yaml --concurrent-calls auto",
)


def add_to(app: typer.Typer) -> None:
    """Make it a command of that app."""
    app.command(epilog=_EXAMPLES)(pace)


def pace(
    campaign: File,
    calls_per_second: Annotated[str | None, typer.Option(metavar="N", help="New calls a second, as 5 or 0.5.")] = None,
    concurrent_calls: Annotated[
        str | None, typer.Option(metavar="N|auto", help="Calls at the same time; auto learns the account's limit.")
    ] = None,
    why: Why = "",
) -> None:
    """Change the pace of a running campaign, until that run ends."""
    from dialer.cli import pacing

    pacing.change(campaign, calls_per_second, concurrent_calls, why)
