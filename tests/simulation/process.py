"""One process of the product: it opens the ledger, runs its campaigns, and ends by itself or is killed.

The parts are the product's own, put together as its `run` does; only clock, client and loop are of this house.
"""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dialer.clock import Clock
from dialer.errors import DialerError, ExitCode
from dialer.ledger import Bound, InlineExecutor, Ledger
from dialer.model import Campaign, StopCause
from dialer.runner.accounts import Account, accounts_of
from dialer.runner.clockwork import Clockwork
from dialer.runner.endings import ending, worst
from dialer.runner.engine import Engine
from dialer.runner.options import Options
from tests.simulation.client import Network, SimulatedClient
from tests.simulation.loop import Killed, SteppedLoop, Stuck, passes

_STOPPED = StopCause(ExitCode.WORK_REMAINS, "stopped", "stopped by a signal")


def _untouched(engine: Engine) -> None:
    """As the product has it."""


@dataclass(frozen=True)
class Guards:
    """What a test takes out, to show that a seed turns red without it; as they stand, nothing is taken out."""

    ledger: type[Ledger] = Ledger
    engine: Callable[[Engine], None] = _untouched  # is given each engine before it runs
    hold: float | None = None  # instead of the plan's
    ledger_made: Callable[[Path], None] = lambda path: None


@dataclass(frozen=True)
class Orders:
    """What one process is to do, and what happens to it."""

    number: int
    campaigns: tuple[Campaign, ...]
    account: int
    options: Options
    kill_at: int | None = None
    signals: tuple[float, ...] = ()  # seconds after its start
    words: tuple[tuple[float, str, str], ...] = ()  # seconds after its start, campaign, verb
    rival_after: float | None = None


@dataclass
class Process:
    """`code` is None if it was killed; `errors` are sentences about what must never be."""

    orders: Orders
    path: Path
    network: Network
    make_clock: Callable[[SteppedLoop], Clock]
    guards: Guards
    dice: random.Random
    code: ExitCode | None = None
    errors: list[str] = field(default_factory=list)

    def run(self, loop: SteppedLoop, until: float) -> None:
        """To its end, whatever that is."""
        self._is_over = False
        self._ledgers: list[Ledger] = []
        self._clock = self.make_clock(loop)
        try:
            self.code = loop.run(self._everything(), until)
        except Killed:
            self.tell("killed", loop.steps)
        except Stuck as stuck:
            self.errors.append(f"process {self.orders.number}: {stuck}")
        finally:
            for ledger in self._ledgers:
                ledger.abandon()
            self._is_over = True
            errors = [*self.errors, *(f"process {self.orders.number}: {error}" for error in loop.errors)]
            loop.bury()
            self.errors = errors  # what coroutines say that are buried alive is nobody's error

    def tell(self, what: str, *about: object) -> None:
        if self._is_over:
            return  # nobody hears what a coroutine says that is buried alive
        self.network.story.tell(self.network.now(), what, *about)

    async def _everything(self) -> ExitCode:
        rival = self._rival() if self.orders.rival_after is not None else None
        codes = await asyncio.gather(self._one_run(self.orders.number), *([rival] if rival else []))
        return codes[-1] if codes[-1] is not None else ExitCode.ERROR

    async def _rival(self) -> ExitCode:
        """A second run, whose way past the lock somebody has cleared by deleting its file."""
        await passes(self.orders.rival_after or 0.0)
        self.path.with_name(f"{self.path.name}.lock").unlink(missing_ok=True)
        self.tell("rival")
        return await self._one_run(self.orders.number + 1000)

    async def _one_run(self, number: int) -> ExitCode:
        try:
            ledger = self.guards.ledger.open(
                self.path, "run", self._clock.now, executor=InlineExecutor(), synchronous="OFF"
            )
        except DialerError as error:
            self.tell("not opened", str(error))
            return error.code
        self._ledgers.append(ledger)
        try:
            return await _Run(self, ledger, number).run()
        except DialerError as error:
            self.tell("failed", str(error))
            return error.code
        except Exception:
            self.errors.append(f"process {number} failed: {traceback.format_exc()}")
            return ExitCode.ERROR
        finally:
            await ledger.close()


class _Run:
    """One run over an open ledger."""

    def __init__(self, process: Process, ledger: Ledger, number: int) -> None:
        self._process = process
        self._orders = process.orders
        self._ledger = ledger
        self._number = number
        self._clock = process._clock
        self._engines: list[Engine] = []
        self._clockwork = Clockwork(self._clock, ledger, self._say)

    def _say(self, event: str, sentence: str, **_: Any) -> None:
        self._process.tell("says", event, sentence)

    async def run(self) -> ExitCode:
        await self._ledger.start_run("run", [campaign.name for campaign in self._orders.campaigns])
        await self._clockwork.begin()
        bounds = [await self._ledger.bind(campaign) for campaign in self._orders.campaigns]
        learned = [(campaign, bound.lines) for campaign, bound in zip(self._orders.campaigns, bounds, strict=True)]
        for (campaign, _), bound, account in zip(learned, bounds, accounts_of(learned, self._clock), strict=True):
            await self._add_engine(campaign, bound, account)
        beside = [asyncio.create_task(work) for work in self._what_happens()]
        try:
            await asyncio.gather(*(self._run_one(engine) for engine in self._engines))
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        codes = [await self._ended(engine) for engine in self._engines]
        code = worst(codes)
        await self._ledger.end_run(code, "")
        return code

    async def _add_engine(self, campaign: Campaign, bound: Bound, account: Account) -> None:
        client = SimulatedClient(self._process.network, self._clock, self._number, self._orders.account)

        def say(event: str, sentence: str, **_: Any) -> None:
            self._process.tell("says", campaign.name, event, sentence)

        engine = Engine(
            campaign,
            bound.id,
            account,
            self._ledger,
            client,
            self._clock,
            self._orders.options,
            say,
            lambda: sum(one.live for one in self._engines),
            key_mark=bound.key_mark,
            set_back=lambda: self._clockwork.set_back,
            set_forward=lambda: self._clockwork.set_forward,
        )
        self._process.guards.engine(engine)
        self._engines.append(engine)
        if (paused := await self._ledger.pause_of(bound.id)) is not None:
            engine.pause(paused.words)

    async def _run_one(self, engine: Engine) -> None:
        try:
            await engine.run()
        except DialerError as error:
            engine.fail(error)
        except Exception as error:
            self._process.errors.append(f"process {self._number}: {traceback.format_exc()}")
            engine.fail(error)
        for other in self._engines:
            other.scheduler.changed()

    async def _ended(self, engine: Engine) -> ExitCode:
        states = await self._ledger.counts(engine.campaign_id)
        code, reason = ending(engine.stopped, states, None, has_list=engine.imported is not None)
        if code is ExitCode.ERROR and engine.stopped is not None:
            self._process.errors.append(f"process {self._number}: {engine.stopped.sentence}")
        self._process.tell("ended", engine.campaign.name, code.name, reason)
        return code

    # --- what happens meanwhile ---

    def _what_happens(self) -> list[Coroutine[Any, Any, None]]:
        if self._number != self._orders.number:
            return [self._clockwork.run()]
        words = [self._word(*word) for word in self._orders.words]
        signals = [self._signal(after, nth) for nth, after in enumerate(self._orders.signals)]
        return [self._clockwork.run(), *words, *signals]

    async def _word(self, after: float, name: str, verb: str) -> None:
        await passes(after)
        try:
            sentence = await self._ledger.pause(name, verb, "a word", None, "somebody")
        except DialerError as error:
            self._process.tell("word", verb, str(error))
            return
        self._process.tell("word", verb, sentence)
        for engine in self._engines:
            if engine.campaign.name == name and verb != "resume":
                engine.pause(sentence)

    async def _signal(self, after: float, nth: int) -> None:
        await passes(after)
        self._process.tell("signal", nth + 1)
        for engine in self._engines:
            engine.stop(_STOPPED, see_out=None if nth == 0 else 0.0)
