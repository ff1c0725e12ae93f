"""A run from its first step to its last: ledger, platform, the campaigns' engines, and the order of stopping."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from math import inf

from dialer.clock import Clock
from dialer.console import Console
from dialer.errors import DialerError, ExitCode, LedgerHeld, UsageError
from dialer.ledger import STOP_WHEN, Bound, Ledger, Unknown, reading
from dialer.ledger.control import beside
from dialer.model import Campaign, Decision, Mark, RetryRules, StopCause
from dialer.report import Totals
from dialer.runner import requests, requeue, signals, unknowns
from dialer.runner.accounts import Account, accounts_of
from dialer.runner.clockwork import Clockwork
from dialer.runner.endings import ending, reason_of, worst
from dialer.runner.engine import Engine
from dialer.runner.intake import check_list
from dialer.runner.listening import Listening, check_listening
from dialer.runner.options import Options
from dialer.runner.progress import progress_of
from dialer.runner.ruling import check_rules
from dialer.verbex import Client

_SHOWN_EVERY = 0.25
_CONNECTIONS = 1010
"""So many to a platform at most. They are made as dials need them: what bounds those is the pace, which may be changed
while a run goes on."""

STOPPED = StopCause(ExitCode.WORK_REMAINS, "stopped", "stopped by a signal")
OUT_OF_TIME = StopCause(ExitCode.WORK_REMAINS, "max_runtime", "the time given by --max-runtime is over")


@dataclass(frozen=True, slots=True)
class Closing:
    """How one campaign's part of a run ended."""

    name: str
    code: ExitCode
    reason: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Closed:
    """How a run ended: one closing a campaign, and the exit code of them all."""

    closings: tuple[Closing, ...]
    code: ExitCode


async def run(campaigns: Sequence[Campaign], options: Options, console: Console, clock: Clock) -> Closed:
    """Run the campaigns to their end, or as far as the options, the signals and the platform let them.

    Raises:
        DialerError: nothing could be begun: a list or a ledger is wrong, or another run holds it. Nobody was dialled.
    """
    _check_together(campaigns)
    check_listening(campaigns, dials=options.dials)
    if options.dials:
        for campaign in campaigns:
            check_rules(campaign, clock)
            check_list(campaign, clock)
    elif not campaigns[0].ledger.exists():
        raise UsageError(f"there is no ledger {campaigns[0].ledger}: nothing was dialled yet, so nothing is open")
    ledger = await _open(campaigns[0], options, clock, console)
    try:
        return await Conductor(campaigns, options, console, clock, ledger).run()
    finally:
        await ledger.close()


def _check_together(campaigns: Sequence[Campaign]) -> None:
    """Campaigns of one run share a ledger, and have names of their own."""
    first = campaigns[0]
    for campaign in campaigns[1:]:
        if campaign.ledger != first.ledger:
            raise UsageError(
                f"{campaign.path} writes {campaign.ledger} and {first.path} writes {first.ledger}: campaigns of one "
                "run share a ledger; name the same one, or run them apart"
            )
        if campaign.platform.simulator != first.platform.simulator:
            raise UsageError(f"{campaign.path} and {first.path} describe two simulators: a run has one")
    names = [campaign.name for campaign in campaigns]
    if len(set(names)) < len(names):
        raise UsageError(f"two of the campaign files have the same name ({', '.join(names)}): give each its own")


async def _open(campaign: Campaign, options: Options, clock: Clock, console: Console) -> Ledger:
    """Open the ledger; while another run holds it, try again for `--retry-lock`."""
    gives_up_at = clock.monotonic() + options.retry_lock
    said = False
    while True:
        try:
            return Ledger.open(campaign.ledger, "run" if options.dials else "settle", clock.now)
        except LedgerHeld as held:
            if clock.monotonic() >= gives_up_at:
                raise
            if not said:
                said = True
                console.say("waiting_for_lock", f"{held}; waiting for it up to {options.retry_lock:.0f} s")
        await clock.sleep(min(1.0, max(gives_up_at - clock.monotonic(), 0.01)))


class Conductor:
    """One run over an open ledger."""

    def __init__(
        self, campaigns: Sequence[Campaign], options: Options, console: Console, clock: Clock, ledger: Ledger
    ) -> None:
        self._campaigns = campaigns
        self._options = options
        self._console = console
        self._clock = clock
        self._ledger = ledger
        self._engines: list[Engine] = []
        self._asking: set[asyncio.Task[None]] = set()
        self._clockwork = Clockwork(clock, ledger, console.say)

    async def run(self) -> Closed:
        """Everything between the opening and the closing of the ledger."""
        command = "run" if self._options.dials else "settle"
        await self._ledger.start_run(command, [campaign.name for campaign in self._campaigns])
        await self._clockwork.begin()
        try:
            await self._engines_to_their_end()
        except DialerError as error:
            await self._ledger.end_run(error.code, reason_of(error))
            raise
        closed = self._closed()
        await self._ledger.end_run(closed.code, closed.closings[0].reason)
        return closed

    async def _engines_to_their_end(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            url = await stack.enter_async_context(self._simulator())
            bounds = [await self._ledger.bind(campaign) for campaign in self._campaigns]
            learned = [(campaign, bound.lines) for campaign, bound in zip(self._campaigns, bounds, strict=True)]
            accounts = accounts_of(learned, self._clock)
            for campaign, bound, account in zip(self._campaigns, bounds, accounts, strict=True):
                client = await stack.enter_async_context(self._client(campaign, url))
                await self._add_engine(campaign, bound, account, client)
            listening = Listening(self._campaigns, lambda: self._engines, self._ledger, self._clock, self._console)
            await stack.enter_async_context(listening.serve(url))
            with signals.heard(self._stop, self._leave):
                await self._run_engines()

    @contextlib.asynccontextmanager
    async def _simulator(self) -> AsyncIterator[str]:
        """The simulated platform's address, if a campaign is dialled there; it lives as long as the run."""
        simulated = [campaign for campaign in self._campaigns if campaign.platform.url is None]
        if not simulated:
            yield ""
            return
        from dialer.simulator import Simulator  # only here: it brings a web server along

        rings = beside(self._ledger.path, "rings.jsonl")
        async with Simulator(simulated[0].platform.simulator, rings, self._clock).serve() as url:
            yield url

    def _client(self, campaign: Campaign, simulator_url: str) -> Client:
        return Client(
            campaign.platform.url or simulator_url,
            campaign.platform.api_key,
            connections=_CONNECTIONS,
            now=self._clock.now,
        )

    async def _add_engine(self, campaign: Campaign, bound: Bound, account: Account, client: Client) -> None:
        engine = Engine(
            campaign,
            bound.id,
            account,
            self._ledger,
            client,
            self._clock,
            self._options,
            self._say(campaign),
            self._live,
            key_mark=bound.key_mark,
            set_back=lambda: self._clockwork.set_back,
            set_forward=lambda: self._clockwork.set_forward,
            are_settling=self._are_settling,
        )
        self._engines.append(engine)
        paused = await self._ledger.pause_of(bound.id)
        if paused is None:
            return
        if paused.by_rule:
            engine.pause(paused.why, ExitCode.LOOK_FIRST, STOP_WHEN)
            return
        engine.pause(f"{campaign.name} is {paused.words}")
        self._console.say("paused", f"{campaign.name} is {paused.words}; nobody new is dialled", campaign=campaign.name)

    def _are_settling(self, names: Sequence[str]) -> bool:
        return any(engine.is_settling for engine in self._engines if engine.campaign.name in names)

    def _live(self) -> int:
        return sum(engine.live for engine in self._engines)

    def _say(self, campaign: Campaign) -> Say:
        return Say(self._console, campaign.name)

    # --- while it runs ---

    async def _run_engines(self) -> None:
        beside_them = [
            asyncio.create_task(self._show()),
            asyncio.create_task(requests.serve(self._ledger, self._asked, self._clock)),
            asyncio.create_task(self._clockwork.run()),
        ]
        if self._options.max_runtime is not None:
            beside_them.append(asyncio.create_task(self._run_out(self._options.max_runtime)))
        for task in beside_them:
            task.add_done_callback(self._watched)
        try:
            await asyncio.gather(*(self._run_one(engine) for engine in self._engines))
        finally:
            for task in [*beside_them, *self._asking]:
                task.cancel()
            await asyncio.gather(*beside_them, *self._asking, return_exceptions=True)
        await self._show_once()

    def _watched(self, task: asyncio.Task[None]) -> None:
        """What serves all campaigns must not end without a word: nobody would hear a pause any more."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            for engine in self._engines:
                engine.fail(error)

    async def _run_one(self, engine: Engine) -> None:
        try:
            await engine.run()
        except Exception as error:
            engine.fail(error)
        # Who has said no to this campaign is not to be rung by the others: it asks on for as long as they dial.
        asking = asyncio.create_task(engine.analysing.run())
        asking.add_done_callback(self._watched)
        self._asking.add(asking)
        # Another campaign may wait for a number that this one was ringing.
        for other in self._engines:
            other.scheduler.changed()

    async def _show(self) -> None:
        while True:
            await self._show_once()
            await self._clock.sleep(_SHOWN_EVERY)

    async def _show_once(self) -> None:
        ready = [engine for engine in self._engines if engine.is_ready]
        if ready:
            shown = [await progress_of(engine, self._ledger, self._clock) for engine in ready]
            self._console.show(shown, self._clock.monotonic())

    async def _run_out(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._console.say("max_runtime", "the time given by --max-runtime is over: taking nothing new")
        for engine in self._engines:
            engine.stop(OUT_OF_TIME)

    def _stop(self, signal: str) -> None:
        self._console.say(
            "stopping",
            f"{signal}: nobody new is dialled; live calls are seen out for up to {self._options.grace:.0f} s. "
            "Once more to leave at once",
            signal=signal,
        )
        for engine in self._engines:
            engine.stop(STOPPED)

    def _leave(self, signal: str) -> None:
        self._console.say("leaving", f"{signal} again: leaving at once; the next run asks about the open calls")
        for engine in self._engines:
            engine.stop(STOPPED, see_out=0.0)

    # --- what others say ---

    async def _asked(self, verb: str, facts: requests.Facts) -> str:
        """Another process asks."""
        if verb == requests.PACE:
            return await self._change_pace(facts)
        sentence = await requests.carry_out(self._ledger, verb, facts, self._clock, self._mark)
        name = facts.get("campaign")
        self._console.say(verb, sentence, campaign=name)
        for engine in self._engines:
            if engine.campaign.name == name and verb in ("pause", "cancel"):
                engine.pause(sentence)
            elif engine.campaign.name == name and verb == requeue.VERB:
                engine.scheduler.changed()
                engine.dial_on()
        return sentence

    async def _change_pace(self, facts: requests.Facts) -> str:
        name, new = str(facts["campaign"]), requests.new_pace(facts)
        dialling = [engine for engine in self._engines if self._options.dials and not engine.scheduler.stopping]
        engine = next((engine for engine in dialling if engine.campaign.name == name), None)
        if engine is None:
            raise requests.nobody_dials(facts)
        rate = new.calls_per_second or engine.pace.calls_per_second
        lines = engine.lines.limit if new.concurrent_calls is None else engine.lines.room_known
        words = requests.pace_words(new, rate, lines, engine.campaign.pace.at_most or inf)
        why = f": {facts['why']}" if facts.get("why") else ""
        before = f"{engine.pace.calls_per_second:g} calls per second, up to {engine.lines.limit} concurrent calls"
        await self._ledger.pace_changed(name, f"{before} → {words}{why}", str(facts.get("who", "")))
        engine.change_pace(new.calls_per_second, new.concurrent_calls, learns=new.learns)
        sentence = f"{name}: {words}, until this run ends"
        self._console.say(requests.PACE, sentence, campaign=name)
        return sentence

    async def _mark(self, one: Unknown, word: Mark, rules: RetryRules | None, why: str, who: str) -> Decision:
        """The operator's word: the engine that waits for it lets go."""
        own = next((engine for engine in self._engines if engine.campaign.name == one.campaign), None)
        if own is None:
            decision = await unknowns.mark(self._ledger, one.attempt, word, rules, why, who, self._clock)
        else:
            decision = await own.unknowns.mark(one.attempt, word, rules, why, who)
        for engine in self._engines:  # the number is free for all of them
            engine.scheduler.changed()
            engine.dial_on()
        return decision

    # --- how it ended ---

    def _closed(self) -> Closed:
        with reading.open_reader(self._ledger.path) as reader:
            closings = tuple(self._closing(engine, reader) for engine in self._engines)
        return Closed(closings, worst(closing.code for closing in closings))

    def _closing(self, engine: Engine, reader: reading.Reader) -> Closing:
        name = engine.campaign.name
        is_paused = engine.stopped is not None and engine.stopped.code is ExitCode.PAUSED
        standing = reader.standing(engine.campaign_id, self._clock.now(), engine.permits)
        totals = Totals(name, is_paused=is_paused, **standing)
        has_list = engine.imported is not None or not self._options.dials
        closed = {"is_closed": totals.is_closed, "is_day_full": totals.is_day_full}
        code, reason = ending(engine.stopped, totals.states, self._options.only, has_list=has_list, **closed)
        return Closing(name, code, reason, totals)


class Say:
    """The console, for one campaign."""

    def __init__(self, console: Console, campaign: str) -> None:
        self._console = console
        self._campaign = campaign

    def __call__(self, event: str, sentence: str, *, is_trouble: bool = False) -> None:
        self._console.say(event, sentence, level="error" if is_trouble else "info", campaign=self._campaign)
