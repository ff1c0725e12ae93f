"""The commands of `dialer unknown`."""

from __future__ import annotations

from typing import Annotated

import typer

from dialer.cli.arguments import LedgerFile, MaybeFile, Why, examples

app = typer.Typer(
    name="unknown",
    help="The calls of which nobody knows whether they were placed, and your word on them.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("dialer unknown list campaign.yaml", "dialer unknown mark P-1042 not-placed campaign.yaml"),
)


@app.command(
    "list", epilog=examples("dialer unknown list campaign.yaml", "dialer unknown list --ledger dialer.db --json")
)
def show(
    campaign: MaybeFile = None,
    ledger: LedgerFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="As a JSON list.")] = False,
) -> None:
    """Show who is held because the platform does not say whether their call was placed."""
    from dialer.cli import unknown

    unknown.held(campaign, ledger, as_json)


@app.command(
    "mark",
    epilog=examples(
        'dialer unknown mark P-1042 not-placed campaign.yaml --reason "not there"',
        "dialer unknown mark +14155550123 placed campaign.yaml",
        "dialer unknown mark P-1042 done --ledger dialer.db",
    ),
)
def mark(
    person: Annotated[str, typer.Argument(help="Who: id or number; or the call's id.", metavar="PERSON")],
    word: Annotated[str, typer.Argument(help="placed, not-placed or done.", metavar="placed|not-placed|done")],
    campaign: MaybeFile = None,
    ledger: LedgerFile = None,
    why: Why = "",
) -> None:
    """Say what became of a call that is unknown.

    placed: it costs an attempt and goes on as unknown_error.

    not-placed: nobody was rung, and they are due again.

    done: they were reached. Takes effect in a running process too.
    """
    from dialer.cli import unknown

    unknown.mark(person, word, campaign, ledger, why)
