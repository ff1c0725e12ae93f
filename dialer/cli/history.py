"""`history import`."""

from __future__ import annotations

from pathlib import Path

from dialer.cli import given
from dialer.cli.dnc import ask, parts
from dialer.clock import Clock
from dialer.console import mask_text
from dialer.contacts import history
from dialer.errors import ListError
from dialer.runner import dnc

_SHOWN = 10
"""Lines that could not be read, as they are told."""


def take(file: Path, campaign: Path | None, ledger: Path | None) -> None:
    """Have the rings of a file remembered, and print how many are new.

    Raises:
        ListError: the file cannot be read, or some of its lines cannot; the others were taken in.
    """
    from dialer.places import NumberReader  # only here: the numbering plans take a while

    path, country = given.ledger_and_country(campaign, ledger)
    found = history.read(file, NumberReader(country).column, Clock().now())
    rings = [(one.number, one.person, one.debt, one.at, one.talked) for one in found.rings]
    for part in parts(rings):
        print(mask_text(ask(path, dnc.HISTORY, dnc.history_facts(part))))
    if found.old:
        print(f"older than {history.KEPT.days} days, so that they count no more: {found.old}")
    if found.bad:
        raise ListError(_complaint(file, found))
    if not (rings or found.old):
        raise ListError(f"{file}: a header and no calls; nothing was taken in")


def _complaint(file: Path, found: history.History) -> str:
    told = "; ".join(f"line {line}: {why}" for line, why in found.bad[:_SHOWN])
    more = f" (and {len(found.bad) - _SHOWN} more)" if len(found.bad) > _SHOWN else ""
    rest = "the others were taken in" if found.rings or found.old else "nothing was taken in"
    return f"{file}: {len(found.bad)} lines are no calls: {told}{more}; {rest}: mend these and import the file again"
