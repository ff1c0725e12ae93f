"""Campaigns of days in virtual time, from the file to the platform's list of rings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from dialer.config import load
from dialer.model import Campaign
from tests.desk import KEY, Desk, desk
from tests.engine_kit import Heart, heart, open_ledger
from tests.virtual_time import START, Time, VirtualLoop

T = TypeVar("T")


class TimeFrom(Time):
    """Virtual time that begins at another moment."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self.start = start

    def wall(self) -> float:
        return self.start.timestamp() + self.monotonic() + self.jump


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def through_days(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end in virtual time, however many days that takes."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(is_quick=True)) as runner:
        return runner.run(work)


def campaign(folder: Path, url: str, text: str, name: str = "reminders") -> Campaign:
    """A campaign file with this text, and what each has; its list is `people.csv`."""
    path = folder / f"{name}.yaml"
    head = f'name: {name}\nplatform: {{url: "{url}", api_key: "{KEY.reveal()}"}}\nledger: dialer.db\n'
    path.write_text(head + text)
    return load(path, {})


@contextlib.asynccontextmanager
async def days(folder: Path, start: datetime, text: str, *, wait: float | None, **rules: Any) -> AsyncIterator[Heart]:
    """An engine that has not begun, whose time begins at `start`; it stays for `wait` seconds. `rules` are the
    platform's."""
    time = TimeFrom(start)
    async with (
        desk(time, **rules) as made,
        open_ledger(folder, time) as ledger,
        heart(campaign(folder, made.url, text), made, ledger, wait=wait, grace=0.0) as there,
    ):
        yield there


def moments(made: Desk) -> list[tuple[str, datetime]]:
    """Every dial, to whom and when (to the millisecond), in order."""
    start = getattr(made.time, "start", START)
    return [(body["to_number"], start + timedelta(milliseconds=round(second * 1000))) for second, body in made.posts]


def by_minute(made: Desk) -> list[tuple[str, str]]:
    """The same to the minute, in UTC, as `11-22 14:00`."""
    return [(number, moment.strftime("%m-%d %H:%M")) for number, moment in moments(made)]
