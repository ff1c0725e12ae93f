"""`status` and `export`."""

from __future__ import annotations

import sys
from pathlib import Path

from dialer.cli import given, look
from dialer.cli.telling import tell
from dialer.clock import Clock
from dialer.console import mask_text

_CLEAR = "\x1b[H\x1b[2J"
_AGAIN = 1.0


def status(campaign: Path | None, ledger: Path | None, as_json: bool, watch: bool) -> None:
    """Print where it stands, once or every second."""
    path, name = given.ledger_of(campaign, ledger)
    file = given.campaign(campaign) if campaign is not None else None
    if not watch:
        (print if as_json else tell)(look.status(path, name, as_json, file=file))
        return
    clock = Clock()
    while True:
        shown = look.status(path, name, as_json, file=file)
        print(f"{_CLEAR if sys.stdout.isatty() else ''}{shown}", flush=True)
        clock.pause(_AGAIN)


def export(campaign: Path, output: str, attempts: bool, rejects: bool, since: str | None) -> None:
    """Write a table of the campaign, and say how long it is."""
    found = given.campaign(campaign)
    moment = given.instant("--since", since) if since is not None else None
    rows = look.export_to(found.ledger, found.name, output, attempts=attempts, rejects=rejects, since=moment)
    if output != "-":
        print(mask_text(f"{output}: {rows} rows"), file=sys.stderr)
