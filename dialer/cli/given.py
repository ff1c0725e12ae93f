"""What is given on a command line, as values: lengths of time, instants, campaign files, ledgers."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from pathlib import Path

from dialer import config
from dialer.config import words
from dialer.errors import UsageError
from dialer.model import Campaign


def seconds(option: str, text: str) -> float:
    """A length of time: 90s, 10m, 2h, 1d.

    Raises:
        UsageError: it is none.
    """
    try:
        return words.duration(text)
    except words.Wrong as wrong:
        hint = f"; {wrong.suggestion}" if wrong.suggestion else ""
        raise UsageError(f"{option}: {wrong}{hint}") from None


def encoding(option: str, text: str) -> str:
    """A text encoding, by the name by which Python knows it.

    Raises:
        UsageError: it is none.
    """
    try:
        return words.encoding(text)
    except words.Wrong as wrong:
        raise UsageError(f"{option}: {wrong}; {wrong.suggestion}") from None


def instant(option: str, text: str) -> datetime:
    """An instant in ISO 8601, with its offset.

    Raises:
        UsageError: it is none, or its offset is missing.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not an instant; write it as 2026-11-22T09:00Z") from None
    if moment.tzinfo is None:
        raise UsageError(f"{option}: {text!r} has no offset; write it as {text}Z (UTC) or {text}-05:00")
    return moment.astimezone(UTC)


def campaign(path: Path) -> Campaign:
    """The campaign that a file describes (CampaignError with every problem at once)."""
    return config.load(path, os.environ)


def ledger_of(file: Path | None, ledger: Path | None) -> tuple[Path, str | None]:
    """The ledger that is meant, and the campaign's name if a campaign file was named.

    Raises:
        UsageError: neither was named.
    """
    if file is not None:
        found = campaign(file)
        return found.ledger, found.name
    if ledger is not None:
        return ledger, None
    raise UsageError("name a campaign file, or the ledger with --ledger FILE or DIALER_LEDGER")


def ledger_and_country(file: Path | None, ledger: Path | None) -> tuple[Path, str | None]:
    """The ledger that is meant, and in which country numbers without a plus are written, if a campaign file says so.

    Raises:
        UsageError: neither was named.
    """
    path, _ = ledger_of(file, ledger)
    return path, None if file is None else campaign(file).contacts.country


def person(text: str) -> str:
    """Who is meant: an id or a number, as it was written.

    Raises:
        UsageError: nothing was written, as by a variable of a shell that is empty.
    """
    if not text.strip():
        raise UsageError("nobody is named: give an id, or a number with its plus; what was given is empty")
    return text.strip()


def who() -> str:
    """Who gives the command."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
