"""One campaign's run: recover, import, dial, drain.

A pool of workers, one for each line. Whoever wants to dial passes the gate (`runner.gate`); the line is held from the
intent until the call has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any

from dialer.attempt import Attempts, Result
from dialer.clock import Clock
from dialer.earlier import Earlier
from dialer.errors import ExitCode
from dialer.ledger import Imported, Ledger, Passed
from dialer.lines import Line, Share
from dialer.model import Answer, Attempt, CallPage, Campaign, Candidate, EarlierCall, StopCause
from dialer.pace import Pace
from dialer.recovery import Books, Recovery
from dialer.runner import owning
from dialer.runner.accounts import Account
from dialer.runner.analysing import Analysing
from dialer.runner.counts import Counts
from dialer.runner.crew import Crew
from dialer.runner.doubts import Doubts, books_of
from dialer.runner.edits import Edits
from dialer.runner.endings import cause_of, worst
from dialer.runner.gate import Gate
from dialer.runner.health import Platform
from dialer.runner.options import Options
from dialer.runner.remembering import keep_remembering, remember
from dialer.runner.ruling import Today, check_anybody, permits_of
from dialer.runner.unknowns import Unknowns
from dialer.runner.watching import Watching
from dialer.scheduler import Scheduler
from dialer.tracker import Tracker
from dialer.verbex import Client

Say = Callable[..., None]

_LOOKS_AGAIN = 30.0
"""Seconds after which an engine that waits for tomorrow looks whether it is over; whatever happens wakes it before."""


class Engine:
    """Runs one campaign; `run` returns when there is nothing more to do in this run, or when it was stopped.

    `live_anywhere` counts the live calls of all campaigns of the run. `key_mark` is the mark of the API key.
    `set_back` and `set_forward`: by how many seconds the wall clock was set since the open attempts were dialled.
    `are_settling`: whether one of these campaigns is looking in this run for calls that the ledger does not know.
    `stopped` is why it did.
    """

    def __init__(
        self,
        campaign: Campaign,
        campaign_id: int,
        account: Account,
        ledger: Ledger,
        client: Client,
        clock: Clock,
        options: Options,
        say: Say,
        live_anywhere: Callable[[], int],
        *,
        key_mark: str = "",
        set_back: Callable[[], float] = lambda: 0.0,
        set_forward: Callable[[], float] = lambda: 0.0,
        are_settling: Callable[[Sequence[str]], bool] = lambda names: False,
    ) -> None:
        self.campaign = campaign
        self.campaign_id = campaign_id
        self._ledger = ledger
        self._clock = clock
        self._options = options
        self._say = say
        self._crew = Crew(self.fail)
        self.lines = Share(account.lines, campaign.pace)
        self.pace = Pace(campaign.pace.calls_per_second, clock.monotonic, account.brakes)
        self.platform = Platform(client, clock, self.stop, say)
        books = Books(ledger.look, ledger.knows, ledger.was_told_of, ledger.strangers, ledger.dialled_under)
        self.recovery = Recovery(client, clock, campaign.recovery, books, self._hear, key_mark, set_back)
        self.unknowns = Unknowns(
            ledger, campaign, clock, self.recovery, key_mark, set_forward, park=self._park, stop=self.stop
        )
        self.tracker = Tracker(client, clock, self._hear, self.recovery.found, account.others)
        self.today = Today()
        self.permits = permits_of(campaign, ledger, clock, self.today)
        of_campaign = ledger, campaign, campaign_id, clock, options, self.permits, self.today, say
        self._edits = Edits(*of_campaign, stop=self.stop, is_stopping=lambda: self.scheduler.stopping)
        self.scheduler = Scheduler(
            ledger,
            campaign_id,
            clock,
            live_anywhere,
            only=options.only,
            wait=options.wait,
            at_once=self._at_once(),
            turns=self.permits,
            found=self._edits.morning,
        )
        self._are_own = partial(owning.stop_for, campaign, client)
        self.attempts = Attempts(
            campaign,
            ledger,
            client,
            clock,
            end_of=self.tracker.end_of,
            look_up=self.unknowns.look_up,
            is_stopping=lambda: self.scheduler.stopping or self.pace.is_braked,
            heard=self._hear_dial,
            spread=self.pace.spread,
            turns=self.permits,
            callers=account.callers,
            tell=lambda sentence: say("caller_id_rests", sentence, is_trouble=True),
        )
        braked = lambda: self.pace.is_braked  # noqa: E731 - one condition
        work = campaign, campaign_id, ledger, client, clock
        self.analysing = Analysing(*work, is_braked=braked, moved=self._due_anew, say=say)
        parts = self.scheduler, self.lines, self.pace, self.platform, clock, options.max_calls
        self._gate = Gate(
            *parts,
            live=lambda: self.live,
            passed=self._passed,
            stop=self.stop,
        )
        earlier = Earlier(campaign, ledger.secret, client, clock, books_of(ledger, campaign_id), self._hear, key_mark)
        is_quiet = lambda: live_anywhere() == 0 and not self.recovery.is_hopeful  # noqa: E731 - one condition
        self._are_settling = are_settling
        self._has_looked = False
        self._doubts = Doubts(ledger, campaign, campaign_id, earlier, clock, self.lines, say, is_quiet, key_mark)
        self._watching = Watching(ledger, campaign, campaign_id, self.stop, self._crew.start)
        self.stopped: StopCause | None = None
        self._is_paused = False
        self.counts = Counts()
        self.began = clock.monotonic()
        self.is_ready = False
        self._rejected = 0
        self.live = 0
        self._let_go_at: float | None = None

    @property
    def imported(self) -> Imported | None:
        """What the last import changed; None before the list is taken in."""
        return self._edits.imported

    @property
    def rejected(self) -> int:
        """How many rejects the list has, as far as that is known by now."""
        return self._rejected if self.imported is None else self.imported.rejected

    def _at_once(self) -> int:
        return min(max(50, 4 * (self.campaign.pace.concurrent_calls or 50)), 500)

    # --- the whole of it ---

    async def run(self) -> None:
        """Recover → import → dial → drain."""
        self._crew.help(self._beside())
        try:
            self._crew.start(self._begin())
            await self._drain()
            await self._edits.at_the_end()
        finally:
            self.scheduler.stop()  # whatever is told of later, nobody is dialled by an engine that is over
            await self._crew.dismiss()
            self.live = 0  # a task that was cancelled before it began has given nothing back
            await remember(self._ledger, self.campaign_id, self.lines)

    def _beside(self) -> Iterable[Coroutine[Any, Any, None]]:
        """What goes on for as long as the engine runs."""
        yield self.tracker.run()
        yield self.recovery.run()
        yield self.analysing.run()
        yield keep_remembering(self._ledger, self.campaign_id, self.lines, self._clock)

    async def _begin(self) -> None:
        if self.stopped is None:
            await self._watching.begin()
        if not self._options.dials:  # a run learns them with its list; here they tell who may be called at this hour
            self.permits.know(await self._ledger.audiences_of(self.campaign_id))
            self._rejected = await self._ledger.rejected(self.campaign_id)
        await self.platform.first_look()
        if self.stopped is not None and not self._is_paused:
            return
        await self._recover()
        if self._options.dials and self.stopped is None and (cause := await self._are_own()) is not None:
            self.stop(cause)
        if self._options.dials and self.stopped is None:
            await self._edits.take_in()
            if self.imported is not None:
                check_anybody(self._ledger, self.campaign, self.campaign_id)
        await self._look_for_earlier()
        is_off = lambda: self.stopped is not None and (self._options.dials or not self._is_paused)  # noqa: E731 - one condition
        await self.analysing.catch_up(self._options.dials, is_off)
        self.is_ready = True
        self._options.when_ready()
        self._spawn_worker()

    async def _look_for_earlier(self) -> None:
        if self.stopped is not None or not self._options.dials:
            return
        found = await self._doubts.resolve(none_were_called=self._options.none_were_called)
        if isinstance(found, StopCause):
            self.stop(found)
        elif found:
            self.scheduler.leave_alone |= found.keys()
            for call in (call for calls in found.values() for call in calls):
                self.today.count(call.record.started_at or self._clock.now())  # before it is written down, and if not
            self._crew.start(self._doubts.write_down(found, self._adopt, self._is_adopted))
        self._has_looked = True
        if self.stopped is None and self.permits.counts_calls and not self._options.none_were_called:
            cause = await self._doubts.others(self._are_settling, lambda: self.stopped is not None)
            if cause is not None:
                self.stop(cause)

    @property
    def is_settling(self) -> bool:
        """Whether calls of this campaign may yet be found, or written down, that the ledger does not know."""
        return self._options.dials and self.stopped is None and (not self._has_looked or self._doubts.is_adopting)

    async def _recover(self) -> None:
        found = await self._ledger.open_attempts(self.campaign_id)
        if found:
            self._say("recovering", f"{len(found)} calls of an earlier run are open: asking the platform about them")
        for attempt in found:
            self.live += 1  # before its task begins: else a run that has nothing else to do would end here
            self.unknowns.resumed.add(attempt.id)
            self._crew.start(self._resume(attempt, self.lines.resume()))

    async def _drain(self) -> None:
        """Until every worker has gone home, or those who were seen out have had their time."""
        while self._crew.is_running:
            seconds = None if self._let_go_at is None else self._let_go_at - self._clock.monotonic()
            if seconds is not None and seconds <= 0:
                return
            if self._only_parked() or self.platform.is_given_up():
                return
            self._crew.progressed.clear()
            looks_again = _LOOKS_AGAIN if self._is_at_rest() else 1.0
            await self._clock.wait(self._crew.progressed, looks_again if seconds is None else min(seconds, looks_again))

    def _is_at_rest(self) -> bool:
        """Nobody is on the line, and whoever dials waits for somebody's time to come."""
        return self.is_ready and self.live == 0 and not (self.scheduler.stopping or self.platform.is_down)

    def _only_parked(self) -> bool:
        """Nobody dials any more, and what is left waits for a word that may not come in this run."""
        may_be_settled = self.recovery.is_hopeful and not self.scheduler.stopping
        is_adopting = self._doubts.is_adopting and not self.scheduler.stopping
        return self.is_ready and not self._crew.is_at_work and self.live == 0 and not may_be_settled and not is_adopting

    def stop(self, cause: StopCause, see_out: float | None = None) -> None:
        """Take nothing new; see live calls out for `see_out` seconds (None: the grace time of the command)."""
        if self.stopped is None or worst((self.stopped.code, cause.code)) is not self.stopped.code:
            self.stopped = cause
            if cause.code not in (ExitCode.WORK_REMAINS, ExitCode.PAUSED):
                self._say("stopping", cause.sentence, is_trouble=True)
        self.scheduler.stop()
        self._gate.send_home()
        if cause.code is ExitCode.UNREACHABLE:
            see_out = 0.0  # there is nobody to tell how they end
        until = self._clock.monotonic() + (self._options.grace if see_out is None else see_out)
        self._let_go_at = until if self._let_go_at is None else min(self._let_go_at, until)
        self._crew.progressed.set()

    def pause(self, sentence: str, code: ExitCode = ExitCode.PAUSED, reason: str = "paused") -> None:
        """A person, or a threshold, has paused or cancelled the campaign: nobody new is dialled, live calls run out."""
        self._is_paused = True
        self.stop(StopCause(code, reason, sentence), see_out=self.campaign.call.longest)

    # --- workers ---

    def _spawn_worker(self) -> None:
        if self._options.dials and not self.scheduler.stopping:
            self._crew.hire(self._work())

    def fail(self, error: BaseException) -> None:
        """An error that no rule covers stops the campaign at once; what is open stays open in the ledger."""
        self.stop(cause_of(error), see_out=0.0)

    async def _work(self) -> None:
        while (turn := await self._gate.turn()) is not None:
            await self._dial(*turn)

    def _passed(self) -> None:
        """Somebody has passed the gate; somebody else is to stand there."""
        if self._gate.is_last_gone:
            self._spawn_worker()
        self.live += 1

    async def _dial(self, candidate: Candidate, line: Line) -> None:
        began, result, moment = self._clock.monotonic(), None, self._clock.now()
        self.counts.dialled(began)
        self.today.count(moment)
        try:
            result = await self.attempts.carry_out(candidate, line)
            if result.placed_nobody:
                self.today.count(moment, -1)
                self._gate.give_back()
                self.platform.trial_over()
            self.scheduler.back(candidate, aside=result.passed is Passed.NUMBER_LIVE)
            self._learn(result, began)
        finally:
            self._free(line, result)

    async def _resume(self, attempt: Attempt, line: Line) -> None:
        began, result = self._clock.monotonic(), None
        try:
            result = await self.attempts.resume(attempt, line)
            self._learn(result, began)
        finally:
            self._free(line, result)
        self.dial_on()

    def _due_anew(self) -> None:
        self.scheduler.changed()
        self.dial_on()

    def dial_on(self) -> None:
        """Somebody may be due again, and all workers have gone home."""
        if self.is_ready and not self._crew.is_at_work:
            self._spawn_worker()

    def _free(self, line: Line, result: Result | None = None) -> None:
        if line.is_held:
            self.live -= 1
        if result is None:
            line.free()
        else:
            result.free(line)
        self.scheduler.changed()
        self._crew.progressed.set()
        self._gate.moved()

    async def _adopt(self, call: EarlierCall, line: Line | None) -> Passed | None:
        """Write a call down of which the ledger did not know, and stay with it to its end; or why it is not written."""
        began, attempt = self._clock.monotonic(), await self.attempts.adopt(call)
        if isinstance(attempt, Passed):
            return attempt
        line = line or self.lines.resume()
        self.live += 1
        try:
            self._learn(await self.attempts.go_on(attempt, call.record, line), began)
        finally:
            self._free(line)
        return None

    def _is_adopted(self, contact: int) -> None:
        self.scheduler.leave_alone.discard(contact)
        self.scheduler.changed()
        self.dial_on()

    def change_pace(
        self, calls_per_second: float | None, concurrent_calls: int | None, *, learns: bool = False
    ) -> None:
        """Another pace until this run ends; None: as before; `learns`: as many calls as the account allows."""
        if calls_per_second is not None:
            self.pace.retune(calls_per_second)
        if learns or concurrent_calls is not None:
            self.lines.change(None if learns else concurrent_calls)
        self.dial_on()

    # --- what is learned ---

    def _hear(self, answer: CallPage | Answer) -> None:
        self.pace.brakes.hear_read(answer)
        self.platform.hear(answer)

    def _hear_dial(self, answer: Answer) -> None:
        self.pace.brakes.hear_dial(answer)
        self.platform.hear_dial(answer)

    def _learn(self, result: Result, began: float) -> None:
        if result.passed is Passed.PAUSED and self.stopped is None:
            self.pause(f"{self.campaign.name} was paused")
        self.counts.hear(result, self._clock.monotonic() - began)
        if result.ended is not None:
            self._watching.hear(result.ended)
            self.analysing.ended(result.ended.call)
        if result.stop is not None:
            self.stop(result.stop)

    def _park(self, line: Line) -> Callable[[], None]:
        """An attempt waits for a word that may not come in this run: without a line, and not in a worker's place. Gives
        what takes both again."""
        at_work_again = self._crew.step_aside()
        self._free(line)
        if at_work_again is not None:
            self._spawn_worker()

        def go_on() -> None:
            line.hold()
            self.live += 1
            if at_work_again is not None:
                at_work_again()

        return go_on
