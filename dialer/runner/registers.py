"""Takes the do-not-call lists of a campaign into the ledger, before anybody is dialled; in doubt nobody is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dialer.clock import Clock
from dialer.contacts import registers
from dialer.errors import ListError
from dialer.ledger import Ledger
from dialer.ledger.register_names import known_as
from dialer.ledger.registers import KnownRegister, gone_since
from dialer.model import Campaign, Register

FEW_GONE = 20
"""So many numbers may go without anybody being asked: a share of a short list says little."""

MOST_GONE = 0.10
"""Of the numbers of the copy before; more, and the file may have been cut off."""


@dataclass(frozen=True, slots=True)
class TakenRegister:
    """A list as the campaign goes by it: its id in the ledger, and a sentence for those who look."""

    id: int
    sentence: str


def check(campaign: Campaign, clock: Clock, by_law: float | None) -> list[str]:
    """Read the campaign's lists as `run` would; gives a sentence about each, and writes nothing.

    `by_law` is how old (in seconds) the law of the campaign's packs lets such a list be, None: as old as it may.

    Raises:
        ListError: one is not there, is too old, or cannot be believed, or too many numbers of the copy before are gone.
        LedgerError: the ledger, which knows the copies before, cannot be read.
    """
    return [_checked(campaign, one, clock, by_law) for one in campaign.registers]


def _checked(campaign: Campaign, register: Register, clock: Clock, by_law: float | None) -> str:
    found = _read(campaign, register, clock, by_law)
    name = known_as(register, campaign.contacts.country)
    _check_gone(Path(register.file), *gone_since(campaign.ledger, name, found.numbers))
    return _told(register, found)


def check_age(campaign: Campaign, clock: Clock, by_law: float | None) -> None:
    """Raises ListError where a list is not there, or older than the campaign or the law allows (`by_law`, seconds)."""
    for one in campaign.registers:
        registers.check_age(Path(one.file), one.max_age, by_law, clock.now().timestamp())


async def take_in(
    ledger: Ledger, campaign: Campaign, clock: Clock, by_law: float | None, *, yes: bool = False
) -> tuple[TakenRegister, ...]:
    """Read the campaign's lists into the ledger, those that are unchanged apart; the arguments are those of `check`.
    `yes`: numbers may go from them in any number, which frees whoever has them.

    Raises:
        ListError: as `check`, or too many numbers of the copy before are gone. Lists before that one are taken,
            which bars nobody who may be called.
    """
    return tuple([await _take(ledger, campaign, one, clock, by_law, yes=yes) for one in campaign.registers])


async def _take(
    ledger: Ledger, campaign: Campaign, register: Register, clock: Clock, by_law: float | None, *, yes: bool
) -> TakenRegister:
    path, now, country = Path(register.file), clock.now().timestamp(), campaign.contacts.country
    registers.check_age(path, register.max_age, by_law, now)
    name = known_as(register, country)
    known = await ledger.known_register(name)
    before = known.stamp if known is not None else ""
    stamp = await asyncio.to_thread(registers.stamped, path, country or "", before, now)
    if known is not None and registers.is_same(stamp, before):
        await ledger.stamp_register(name, stamp)
        return TakenRegister(known.id, _unchanged(path, known))
    found = await asyncio.to_thread(_read, campaign, register, clock, by_law)
    if known is not None and not yes:
        _check_gone(path, await ledger.gone_from_register(known.id, found.numbers), known.numbers)
    kept = await ledger.keep_register(name, stamp, found.numbers)
    return TakenRegister(kept.id, _told(register, found))


def _check_gone(path: Path, gone: int, before: int) -> None:
    if gone > FEW_GONE and gone > MOST_GONE * before:
        raise ListError(
            f"{path}: {gone} of the {before} numbers of the copy before are no longer in this do-not-call list, more "
            f"than {MOST_GONE:.0%}: it may have been cut off; nobody was dialled. Put the whole list in its place or, "
            "if they may really be rung now, run once with --yes"
        )


def _read(campaign: Campaign, register: Register, clock: Clock, by_law: float | None) -> registers.Listed:
    from dialer.places import NumberReader  # only here: the numbering plans take a while

    path = Path(register.file)
    registers.check_age(path, register.max_age, by_law, clock.now().timestamp())
    return registers.read(path, register.column, NumberReader(campaign.contacts.country).column)


def _told(register: Register, found: registers.Listed) -> str:
    told = f"{Path(register.file).name}: {_numbers(len(found.numbers))}"
    if found.unreadable:
        told += f"; {found.unreadable} of {found.lines} lines cannot be read ({found.first})"
    return told


def _unchanged(path: Path, known: KnownRegister) -> str:
    return f"{path.name} is unchanged: {_numbers(known.numbers)}"


def _numbers(count: int) -> str:
    return "1 number that is not rung" if count == 1 else f"{count} numbers that are not rung"


def ids(taken: Sequence[TakenRegister]) -> tuple[int, ...]:
    """By which the ledger is asked for them."""
    return tuple(one.id for one in taken)
