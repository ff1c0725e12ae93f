"""`dnc add`, `remove`, `import` and `list`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from dialer.cli import given
from dialer.cli.telling import tell
from dialer.clock import Clock
from dialer.console import mask_text
from dialer.console.masking import mask_value
from dialer.errors import UsageError
from dialer.ledger.optouts import Entry
from dialer.ledger.reading import open_reader
from dialer.model import Number
from dialer.runner import dnc, requests

T = TypeVar("T")


def add(person: str, campaign: Path | None, ledger: Path | None, why: str, is_id: bool = False) -> None:
    """Enter somebody, and print whom that reached (UsageError: neither an id nor a number)."""
    _ask(dnc.ADD, person, campaign, ledger, why, is_id)


def remove(person: str, campaign: Path | None, ledger: Path | None, why: str, is_id: bool = False) -> None:
    """Take an entry back, and print who is due again (UsageError: there is none)."""
    _ask(dnc.REMOVE, person, campaign, ledger, why, is_id)


def _ask(verb: str, person: str, campaign: Path | None, ledger: Path | None, why: str, is_id: bool) -> None:
    path, country = given.ledger_and_country(campaign, ledger)
    named = given.person(person)
    number = None if is_id else _number(named, country)
    facts = dnc.person_facts(named, number, why, given.who(), is_id=is_id)
    tell(mask_text(ask(path, verb, facts)))


def ask(path: Path, verb: str, facts: dnc.Facts) -> str:
    """Have it done by whoever holds the ledger; gives the answer (UsageError: it was not)."""
    answer = asyncio.run(requests.ask(path, verb, facts, Clock()))
    if answer.startswith(requests.NOT_DONE):
        raise UsageError(answer)
    return answer


def _number(text: str, country: str | None) -> str | None:
    """The number in E.164, if it is one; with a plus it must be."""
    from dialer.places import NumberReader  # only here: the numbering plans take a while

    found = NumberReader(country)(text)
    if isinstance(found, Number):
        return found.e164
    if text.startswith("+"):
        raise UsageError(f"{text}: {found.why}; if it is an id, add --id")
    return None


def take(file: Path, column: str | None, campaign: Path | None, ledger: Path | None, why: str) -> None:
    """Enter the numbers of a file, and print whom they reached (ListError: it cannot be read, or not believed)."""
    from dialer.contacts import registers  # only here: as above
    from dialer.places import NumberReader

    path, country = given.ledger_and_country(campaign, ledger)
    if not file.is_file():
        what = f"{file} is no file but a directory" if file.is_dir() else f"there is no file {file}"
        raise UsageError(f"{what}: name the list of numbers as it lies on this machine")
    found = registers.read(file, column, NumberReader(country).column, registers.BY_COMMAND)
    numbers = [f"+{number}" for number in found.numbers]
    for part in parts(numbers):
        tell(mask_text(ask(path, dnc.IMPORT, dnc.numbers_facts(part, why or file.name, given.who()))))
    if found.unreadable:
        tell(mask_text(f"{found.unreadable} of {found.lines} lines could not be read ({found.first})"))


def parts(many: Sequence[T]) -> Iterator[Sequence[T]]:
    """As much as one request carries, again and again."""
    return (many[at : at + dnc.AT_ONCE] for at in range(0, len(many), dnc.AT_ONCE))


# --- shown -------------------------------------------------------------------------------------------


_NEWEST = 50


def show(campaign: Path | None, ledger: Path | None, as_json: bool, every: bool = False) -> None:
    """Print the list, numbers masked: how many there are and the newest of them; as JSON, or with `every`, all."""
    path, _ = given.ledger_of(campaign, ledger)
    with open_reader(path) as reader:
        found = reader.opt_outs()
    if as_json:
        print(json.dumps(mask_value([_json(entry) for entry in found]), indent=2, ensure_ascii=False))
        return
    print("Nobody is on the do-not-call list." if not found else f"On the do-not-call list: {len(found)}.")
    shown = sorted(found, key=lambda entry: entry.at, reverse=True)[: None if every else _NEWEST]
    for entry in shown:
        tell(mask_text(_line(entry)))
    if len(shown) < len(found):
        print(f"  and {len(found) - len(shown)} older: --all shows them, --json too.")


def _json(entry: Entry) -> dict[str, object]:
    return {
        "kind": entry.kind,
        "person": entry.shown,
        "reason": entry.reason,
        "source": entry.source,
        "who": entry.who,
        "at": entry.at.isoformat(),
    }


def _line(entry: Entry) -> str:
    who = f"by {entry.who}" if entry.who else f"from a {entry.source}"
    why = f": {entry.reason}" if entry.reason else ""
    return f"  {entry.kind:<6} {entry.shown or '(purged)'}, {entry.at:%Y-%m-%d %H:%M:%S} UTC, {who}{why}"
