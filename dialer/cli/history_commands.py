"""The commands of `dialer history`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dialer.cli.arguments import LedgerFile, MaybeFile, examples

app = typer.Typer(
    name="history",
    help="Calls that were made elsewhere, so that caps count them.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("dialer history import calls.csv campaign.yaml"),
)


@app.callback()
def _history() -> None:
    pass


@app.command(
    "import",
    epilog=examples(
        "dialer history import calls.csv campaign.yaml", "dialer history import calls.parquet --ledger dialer.db"
    ),
)
def take(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or Parquet: phone or id, at; debt and conversation if known.")
    ],
    campaign: MaybeFile = None,
    ledger: LedgerFile = None,
) -> None:
    """Take rings of the last 90 days in. The same file again changes nothing."""
    from dialer.cli import history

    history.take(file, campaign, ledger)
