"""The files of a seed: its folder, a ledger whose call ids follow from the seed, and its campaigns."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from dialer.ledger.control import beside
from dialer.model import CallRules, Campaign, ListRules, PaceRules, PlatformRules, RecoveryRules, Rule
from dialer.policy import retry
from tests.ledger_kit import forge, founded
from tests.simulation.client import KEYS
from tests.simulation.lists import PeopleList
from tests.simulation.plan import Plan

LONGEST_CALL = 900.0
"""Seconds of `call.longest`; no call of this platform is nearly as long."""


@contextlib.contextmanager
def folder_for(seed: int) -> Iterator[Path]:
    """A folder in memory, where the machine has one."""
    memory = Path("/dev/shm")  # noqa: S108 - tmpfs, a folder of our own in it
    folder = Path(tempfile.mkdtemp(prefix=f"seed{seed}-", dir=memory if memory.is_dir() else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def found(path: Path, plan: Plan) -> None:
    """A new ledger at that path; its secret follows from the seed, so that its call ids do."""
    founded(path)
    beside(path, "secret").write_text(plan.rng("secret").randbytes(32).hex())
    forge(path, "UPDATE ledger SET secret_mark = ''")


def campaign_of(plan: Plan, listed: PeopleList, ledger: Path, account: int, max_unknown: int, hold: float) -> Campaign:
    """The campaign of one list, with the key of that account."""
    identity = "id" if plan.by_id else None
    return Campaign(
        name=listed.campaign,
        path=listed.path.with_suffix(".yaml"),
        contacts=ListRules(
            files=(listed.path,),
            country="US",
            id=identity,
            expires=plan.expires,
            timezone="tz" if plan.breaks else None,
            placed=bool(plan.breaks),
        ),
        call=CallRules(("+14155550100",), metadata=("id", "campaign"), longest=LONGEST_CALL),
        platform=PlatformRules("https://platform.invalid", KEYS[account]),
        pace=PaceRules(plan.per_second, plan.lines),
        retry=retry.rules(plan.attempts, plan.overrides),
        recovery=RecoveryRules(hold=hold, max_unknown=max_unknown),
        ledger=ledger,
        hours=_hours(plan.breaks),
        caps=None if plan.gap is None else Rule(id="caps", place="*", gap=plan.gap),
    )


def _hours(breaks: Sequence[tuple[int, int]]) -> Rule | None:
    """All day but for the breaks."""
    if not breaks:
        return None
    edges = [0, *(edge for each in breaks for edge in each), 24 * 60]
    day = tuple((start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end)
    return Rule(id="hours", place="*", week=(day,) * 7)
