"""The commands of `dialer webhooks`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dialer.cli.arguments import File, examples

app = typer.Typer(
    name="webhooks",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "dialer webhooks subscribe campaign.yaml",
        "dialer webhooks list campaign.yaml",
        "dialer webhooks remove campaign.yaml 66f1c0ffee",
    ),
    help="What the platform tells by itself: subscribe the campaign's URL, list, remove.",
)


@app.command(
    epilog=examples(
        "dialer webhooks subscribe campaign.yaml",
        "dialer webhooks subscribe campaign.yaml --secret-to /etc/dialer/hooks",
    )
)
def subscribe(
    campaign: File,
    secret_to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the secret is written; else beside the campaign file.")
    ] = None,
) -> None:
    """Have the platform send the events of calls to webhooks.url, and write its secret into a file."""
    from dialer.cli import hooks

    hooks.subscribe(campaign, secret_to)


@app.command("list", epilog=examples("dialer webhooks list campaign.yaml"))
def show(campaign: File) -> None:
    """List the account's subscriptions."""
    from dialer.cli import hooks

    hooks.show(campaign)


@app.command(epilog=examples("dialer webhooks remove campaign.yaml 66f1c0ffee"))
def remove(
    campaign: File,
    subscription: Annotated[str, typer.Argument(help="Its id, as `list` shows it.", metavar="ID")],
) -> None:
    """Remove a subscription of the account."""
    from dialer.cli import hooks

    hooks.remove(campaign, subscription)
