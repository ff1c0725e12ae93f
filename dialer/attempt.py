"""Carries out ONE attempt: intent → place → await the end → settle. It decides nothing.

What it learns it writes into the ledger before anything follows from it. A worker that is cancelled, or a process that
is killed, leaves an attempt that is intended, placed or unknown, and the next run asks the platform about it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dialer.callers import Callers
from dialer.clock import Clock
from dialer.dials import CALL_ID_KEY, called, request_for
from dialer.ledger import FREE, Ledger, Passed
from dialer.ledger.optouts import Word
from dialer.lines import Line
from dialer.model import (
    Answer,
    Attempt,
    AttemptState,
    CallerId,
    CallRecord,
    Campaign,
    Candidate,
    Decision,
    EarlierCall,
    Ending,
    Halt,
    History,
    Intent,
    Lost,
    NotPlaced,
    Outcome,
    Placed,
    Refusal,
    Sample,
    StopCause,
)
from dialer.model.turns import AT_ANY_TIME, Turns
from dialer.own_numbers import OwnNumbers
from dialer.policy import callid, lifecycle, optout, outcome, recognition
from dialer.policy.callerid import NoCaller
from dialer.policy.stopping import EndedCall
from dialer.verbex import Client, payload_bytes

__all__ = ["CALL_ID_KEY", "INTENT_HOLDS", "Attempts", "EndOf", "LookUp", "Result", "called", "request_for"]

INTENT_HOLDS = timedelta(seconds=30)
"""So long after its commit an intent's POST may start; an older one is not sent any more."""

_CONNECTS_WITHIN = timedelta(seconds=10)
"""So long a dial may wait for its connection before its first byte leaves."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt, for those who count and pace."""

    decision: Decision | None = None
    finish_reason: str | None = None
    refusal: NotPlaced | None = None
    passed: Passed | None = None
    stop: StopCause | None = None
    ended: EndedCall | None = None

    @property
    def placed_nobody(self) -> bool:
        """Whether it is sure that nobody was rung: no intent, a refusal, or an account that was full."""
        return self.passed is not None or (self.decision is not None and not self.decision.costs)

    def free(self, line: Line) -> None:
        """Free the attempt's line, as befits what became of it: a full account has had no call of ours, and shows how
        full it is; what was not sent, or turned away for another cause, was none either."""
        if self.decision is not None and self.decision.sample is Sample.REFUSED:
            line.refused()
        else:
            line.free(was_call=self.passed is None and self.refusal is None)


EndOf = Callable[[Attempt, float, Line], Awaitable[CallRecord | None]]
"""Waits for a call's end; None if it is not known so many seconds from now. The line is told what is learned of it."""

LookUp = Callable[[Attempt, Line], Awaitable[CallRecord | Decision | None]]
"""Waits for the word on an attempt whose fate is open: its call, or None if the platform shows that it was never
placed, or what was decided by the operator's word and is written down. Frees the line where there is no word."""


class Attempts:
    """Carries out the attempts of one campaign.

    `is_stopping` is asked right before each send; `heard` is told of each answer to a dial; `spread` keeps dials apart
    that were held up together. `turns` tells what the rules say of a dial, `callers` are the account's own numbers, and
    `tell` hears of one of these that rests.
    """

    def __init__(
        self,
        campaign: Campaign,
        ledger: Ledger,
        client: Client,
        clock: Clock,
        *,
        end_of: EndOf,
        look_up: LookUp,
        is_stopping: Callable[[], bool],
        heard: Callable[[Answer], None],
        spread: Callable[[], Awaitable[None]] | None = None,
        turns: Turns = AT_ANY_TIME,
        callers: Callers | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._campaign = campaign
        self._ledger = ledger
        self._client = client
        self._clock = clock
        self._end_of = end_of
        self._look_up = look_up
        self._is_stopping = is_stopping
        self._heard = heard
        self._spread = spread
        self._turns = turns
        self._own = OwnNumbers(campaign, ledger, callers or Callers(clock), turns, tell)

    async def carry_out(self, candidate: Candidate, line: Line) -> Result:
        """Dial a contact and stay with it to the end of the call."""
        caller = await self._own.choose(candidate)
        if isinstance(caller, NoCaller):
            await self._ledger.put_off(candidate.contact_id, caller.until, caller.rule, caller.why)
            return Result(passed=Passed.CHANGED)
        result = await self._carried_out(candidate, caller, line)
        if result.placed_nobody:
            self._own.give_back(caller)
        return result

    async def _carried_out(self, candidate: Candidate, caller: CallerId, line: Line) -> Result:
        asked = self._turns.asked(candidate, self._clock.now()) or FREE
        intent = self._intent(candidate, caller, asked.debt)
        began, halts = self._clock.monotonic(), self._ledger.halts
        written = await self._ledger.intend(candidate, intent, asked)
        if isinstance(written, Passed):
            return Result(passed=written)
        attempt = _intended(candidate, intent, written)
        line.bears(attempt.call_id)
        line.calls(attempt.number)
        if self._spread is not None:
            await self._spread()
        if await self._ledger.is_stopped(candidate.contact_id, halts):
            return await self._refused(attempt, NotPlaced(Refusal.EXPIRED, "stopped before it was sent", reusable=True))
        # By either clock: the wall clock may have been set back, and the other stands still while a laptop sleeps.
        is_late = self._clock.monotonic() - began >= INTENT_HOLDS.total_seconds()
        if self._is_stopping() or is_late or not self._is_moment_for(candidate, intent):
            return await self._refused(attempt, NotPlaced(Refusal.EXPIRED, "not sent in time", reusable=True))
        answer = await self._client.dial(intent.request, intent.content)
        self._heard(answer)
        box = outcome.sort_dial(answer, intent.request)
        if isinstance(box, Placed):
            if not box.record.is_over:
                line.placed()
            self._own.placed()
            return await self.go_on(attempt, box.record, line)
        if isinstance(box, NotPlaced):
            return await self._refused(attempt, await self._own.judged(attempt, box))
        return await self._lost(attempt, line, box)

    def _is_moment_for(self, candidate: Candidate, intent: Intent) -> bool:
        """Whether a dial may still leave: the intent is young enough, the person's time not over, the hours open."""
        now = self._clock.now()
        return now < intent.expires_at and self._turns.may_send(candidate, now)

    async def adopt(self, call: EarlierCall) -> Attempt | Passed:
        """Make an attempt of a call that the platform shows and this ledger did not know, or say why there is none."""
        candidate, record, now = call.candidate, call.record, self._clock.now()
        written = await self._ledger.adopt(candidate, call.serial, call.call_id, call.number, record)
        if isinstance(written, Passed):
            return written
        return Attempt(
            id=written,
            contact_id=candidate.contact_id,
            campaign_id=candidate.campaign_id,
            person=candidate.person,
            serial=call.serial,
            call_id=call.call_id,
            number=call.number,
            from_number=record.from_number,
            state=AttemptState.INTENDED,
            intended_at=min(record.started_at or now, now),
            history=candidate.history,
        )

    async def resume(self, attempt: Attempt, line: Line) -> Result:
        """Go on with an attempt of an earlier run, wherever it was left."""
        line.bears(attempt.call_id, attempt.platform_id)
        if attempt.state is AttemptState.PLACED:
            return await self._to_the_end(attempt, line)
        if attempt.state is AttemptState.INTENDED:
            # Its POST can have left until the earlier run died, or its intent expired: the hold begins there.
            sent_by = min(self._clock.now(), attempt.intended_at + INTENT_HOLDS + _CONNECTS_WITHIN)
            attempt = await self._held(attempt, sent_by, "the run ended before the answer was written down")
        return await self._find_out(attempt, line)

    # --- before the call ---

    def _intent(self, candidate: Candidate, caller: CallerId, debt: str) -> Intent:
        serial = candidate.serial if candidate.reuse is not None else candidate.serial + 1
        number = callid.called_number(candidate.numbers, candidate.history.attempts)
        request = request_for(
            self._campaign, candidate.person, number, candidate.data, serial, self._ledger.secret, caller
        )
        now, ends = self._clock.now(), candidate.history.expires_at
        content = payload_bytes(request)
        payload_hash = hashlib.sha256(content).hexdigest()
        last = now + INTENT_HOLDS
        return Intent(request, serial, payload_hash, now, last if ends is None else min(last, ends), debt, content)

    # --- the call ---

    async def go_on(self, attempt: Attempt, record: CallRecord, line: Line) -> Result:
        """The platform shows this call of an attempt: stay with it to its end."""
        line.bears(attempt.call_id, record.platform_id)
        if record.is_over:
            line.ended(recognition.ago(record.ended_at, self._clock.now(), self._client.skew))
            return await self._settled(attempt, record)
        await self._ledger.place(attempt.id, record)
        placed = replace(
            attempt, state=AttemptState.PLACED, platform_id=record.platform_id, placed_at=self._clock.now()
        )
        return await self._to_the_end(placed, line)

    async def _to_the_end(self, attempt: Attempt, line: Line) -> Result:
        age = (self._clock.now() - (attempt.placed_at or attempt.intended_at)).total_seconds()
        # Even a call that is too old is asked about once more.
        record = await self._end_of(attempt, max(self._campaign.call.longest - age, _ONE_MORE_LOOK), line)
        if record is None:
            held = await self._held(attempt, self._clock.now(), "its end was never told")
            return await self._find_out(held, line)
        return await self._settled(attempt, record)

    async def _lost(self, attempt: Attempt, line: Line, lost: Lost) -> Result:
        held = await self._held(attempt, self._clock.now(), lost.why, id_taken=lost.id_taken)
        if lost.stop is not None:
            return Result(stop=lost.stop)
        return await self._find_out(held, line)

    async def _held(self, attempt: Attempt, since: datetime, why: str, *, id_taken: bool = False) -> Attempt:
        until = since + timedelta(seconds=self._campaign.recovery.hold)
        await self._ledger.hold(attempt.id, until, why, id_taken=id_taken)
        return replace(attempt, state=AttemptState.UNKNOWN, held_until=until, id_taken=id_taken)

    async def _find_out(self, attempt: Attempt, line: Line) -> Result:
        word = await self._look_up(attempt, line)
        if isinstance(word, Decision):
            return Result(word)
        if word is None:
            absent = NotPlaced(Refusal.ABSENT, "looked up and not there", reusable=not attempt.id_taken)
            return await self._refused(attempt, absent)
        return await self.go_on(attempt, word, line)

    # --- after it ---

    async def _settled(self, attempt: Attempt, record: CallRecord) -> Result:
        ending = Ending(
            finish_reason=record.finish_reason,
            status=record.status,
            duration_seconds=record.duration_seconds,
            has_messages=record.has_messages,
            has_started=record.started_at is not None,
        )
        await self._hear_refusal(attempt, record)
        halts: list[Halt | None] = []
        self._own.ended(attempt.from_number, record.finish_reason)
        decision = await self._ledger.settle(attempt.id, record, self._deciding(ending, halts))
        ended = EndedCall(
            call=record.platform_id or attempt.call_id,
            finish_reason=record.finish_reason,
            duration_seconds=record.duration_seconds,
            opted_out=Halt.OPTED_OUT in halts,
            has_rung=decision.costs,
        )
        return Result(decision, finish_reason=record.finish_reason or record.status, stop=decision.stop, ended=ended)

    async def _hear_refusal(self, attempt: Attempt, record: CallRecord) -> None:
        """Whoever has said in the call that they are not to be called again is entered before the call is settled: were
        it the other way round, a crash between the two could ring them once more."""
        why = optout.means_stop(self._campaign.opt_out, record.finish_reason)
        if why is not None:
            await self._ledger.opt_out_of_call(attempt.id, Word(why, "conversation"))

    async def _refused(self, attempt: Attempt, why: NotPlaced) -> Result:
        decision = await self._ledger.refuse(attempt.id, why, self._deciding(why))
        return Result(decision, refusal=why, stop=decision.stop)

    def _deciding(self, what: Outcome, halts: list[Halt | None] | None = None) -> Callable[[History], Decision]:
        """Decides on the history as the ledger holds it then; `halts` is told how the contact was halted by then."""
        now, dice, rules = self._clock.now(), self._clock.dice(), self._campaign.retry

        def decide(history: History) -> Decision:
            if halts is not None:
                halts.append(history.halt)
            return lifecycle.settle(history, what, rules, now, dice, self._turns.zone_of(history.audience))

        return decide


_ONE_MORE_LOOK = 10.0
"""Seconds that a call is waited for, however old it is."""


def _intended(candidate: Candidate, intent: Intent, attempt: int) -> Attempt:
    return Attempt(
        id=attempt,
        contact_id=candidate.contact_id,
        campaign_id=candidate.campaign_id,
        person=candidate.person,
        serial=intent.serial,
        call_id=intent.request.call_id,
        number=intent.request.to_number,
        from_number=intent.request.from_number,
        state=AttemptState.INTENDED,
        intended_at=intent.intended_at,
        history=candidate.history,
    )
