"""What several commands are given, and how a help text ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Files = Annotated[list[Path], typer.Argument(help="Campaign files; several share one run.", metavar="CAMPAIGN.YAML")]
File = Annotated[Path, typer.Argument(help="The campaign file.", metavar="CAMPAIGN.YAML")]
MaybeFile = Annotated[Path | None, typer.Argument(help="The campaign file.", metavar="[CAMPAIGN.YAML]")]
LedgerFile = Annotated[
    Path | None, typer.Option("--ledger", envvar="DIALER_LEDGER", help="The ledger, where no campaign file is named.")
]
Format = Annotated[str, typer.Option("--log-format", help="text or json", metavar="text|json")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing on 0 and 75.")]
Result = Annotated[
    Path | None, typer.Option("--result", metavar="FILE", help="Write how it ended to this file, as JSON.")
]
Grace = Annotated[str, typer.Option("--grace", metavar="30s", help="How long live calls are seen out after a signal.")]
RetryLock = Annotated[
    str, typer.Option("--retry-lock", metavar="5m", help="How long to wait for a ledger that another run holds.")
]
Why = Annotated[str, typer.Option("--reason", "--why", help="Why, for those who look later.")]


def examples(*lines: str) -> str:
    """Examples at the end of a help text."""
    return "[bold]Examples[/bold]\n\n" + "\n\n".join(f"[dim]$[/dim] {line}" for line in lines)
