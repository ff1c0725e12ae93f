"""The learned limit is kept for the next run; that it cannot be written just now stops nobody's campaign."""

from __future__ import annotations

import asyncio
from pathlib import Path

from dialer.errors import LedgerError
from dialer.ledger import Ledger
from dialer.lines import Lines, Share
from dialer.model import PaceRules
from dialer.policy import pacing
from dialer.runner.remembering import keep_remembering, remember
from tests.engine_kit import campaign, looked_up, number, open_ledger, with_people
from tests.virtual_time import Time, in_virtual_time, moment, running


def learned(path: Path) -> float | None:
    return looked_up(path, "SELECT lines FROM campaigns")[0][0]  # type: ignore[no-any-return]


def share(known: float | None, lines: int | None = None) -> Share:
    start = pacing.learning(known)
    return Share(Lines(start, lambda: asyncio.get_running_loop().time()), PaceRules(1.0, lines))


def test_what_was_met_is_written_down_and_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        time = Time()
        async with open_ledger(tmp_path, time) as ledger:
            found = await with_people(ledger, campaign(tmp_path, "http://127.0.0.1:1"), [number(1)])
            await remember(ledger, found, share(None))
            assert learned(ledger.path) is None
            await remember(ledger, found, share(30.0, lines=5))
            assert learned(ledger.path) is None
            await remember(ledger, found, share(30.0))
            assert learned(ledger.path) == 30.0

    in_virtual_time(main())


def test_a_ledger_that_cannot_be_written_just_now_is_written_later(tmp_path: Path) -> None:
    class Failing(Ledger):
        """Its first writing of the lines fails, as on a disk that is full for a moment."""

        fails = 1

        async def remember_lines(self, campaign: int, lines: float) -> None:
            if self.fails:
                self.fails -= 1
                raise LedgerError("no room")
            await super().remember_lines(campaign, lines)

    async def main() -> None:
        time = Time()
        async with open_ledger(tmp_path, time) as ledger:
            found = await with_people(ledger, campaign(tmp_path, "http://127.0.0.1:1"), [number(1)])
            ledger.__class__ = Failing
            async with running(keep_remembering(ledger, found, share(30.0), time.clock)):
                await moment(31.0)
                assert learned(ledger.path) is None
                await moment(30.0)
                assert learned(ledger.path) == 30.0

    in_virtual_time(main())
