"""The command `dialer why`."""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.cli.arguments import LedgerFile, MaybeFile, examples

_EXAMPLES = examples(
    "dialer why P-1042 campaign.yaml",
    "dialer why +14155550123 --ledger dialer.db --json",
)


def add_to(app: typer.Typer) -> None:
    """Make it a command of that app."""
    app.command(epilog=_EXAMPLES)(why)


def why(
    person: Annotated[str, typer.Argument(help="Who: id, or number with its plus.", metavar="PERSON")],
    campaign: MaybeFile = None,
    ledger: LedgerFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """All that was decided about one person in all campaigns, and what comes next."""
    from dialer.cli import why as command

    command.why(person, campaign, ledger, as_json)
