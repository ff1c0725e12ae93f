"""`call`: a telephone of one's own rings, with the data of somebody on the list; no campaign has made it.

The dial leaves from this process. What is written down goes to whoever holds the ledger, before the request and after
it; where there is no ledger yet, into a file of its own beside the place where it will be.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from dialer.clock import Clock
from dialer.dials import CALL_ID_KEY, request_for
from dialer.errors import ExitCode, LedgerError, UsageError
from dialer.ledger import Ledger
from dialer.ledger.callers import shown
from dialer.ledger.control import beside, sync_folder
from dialer.ledger.own_calls import OwnCall, Step
from dialer.model import CallerId, CallRecord, Campaign, DialRequest, Lost, NotPlaced, Placed, Refusal, Reply, Row
from dialer.policy import callerid, outcome
from dialer.policy.callerid import NoCaller, callers_of
from dialer.report import in_words
from dialer.runner import intake
from dialer.verbex import Client

VERB = "own_call"

_FIRST_LOOK, _LOOKS_EVERY = 0.5, 2.0

Ask = Callable[[str, Mapping[str, Any]], Any]
"""Has a verb carried out by whoever holds the ledger; gives the sentence that is answered."""

_NO_SECRET = b"call"  # the call id that is made with it is replaced

_CODES = {
    Refusal.KEY: ExitCode.REFUSED,
    Refusal.PAYMENT: ExitCode.REFUSED,
    Refusal.REJECTED: ExitCode.FILE,
    Refusal.CALLER_ID: ExitCode.FILE,
    Refusal.NO_SUCH_PATH: ExitCode.FILE,
}


@dataclass(frozen=True, slots=True)
class Rung:
    """How it ended: the exit code, and a sentence."""

    code: ExitCode
    sentence: str


# --- what is sent ------------------------------------------------------------------------------------


def number_of(campaign: Campaign, written: str) -> str:
    """The telephone in E.164, as it is written in the campaign's country (UsageError: it is no number)."""
    from dialer.places import NumberReader  # only here: the numbering plans take a while

    found = NumberReader(campaign.contacts.country).column([written])
    if found.faults or not found.e164[0]:
        why = found.faults[0].why if found.faults else "it is empty"
        raise UsageError(f"--to {written}: {why}; write it with its plus and country code")
    return found.e164[0]


def row_of(campaign: Campaign, person: str) -> Row:
    """The row of somebody on the list, by id or number.

    Raises:
        UsageError: the list has nobody like that.
        ListError: the list cannot be read.
    """
    intake.check_header(campaign)
    for chunk in intake.rows(campaign):
        for row in chunk.rows:
            if row.person == person or any(number.e164 == person for number in row.numbers):
                return row
    raise UsageError(f"--as {person}: the list has nobody with this id or number; write a number with its plus")


def caller_of(campaign: Campaign, row: Row, now: datetime) -> CallerId:
    """The own number that the campaign would show this person now, but for those that rest in a run.

    Raises:
        UsageError: none can show for them.
        LedgerError: the ledger, which knows what they saw before and what was shown today, cannot be read.
    """
    own = callers_of(campaign.call)
    found = shown(campaign.ledger, campaign.name, row.person, [caller.number for caller in own], now)
    rotates = campaign.call.rotates
    chosen = callerid.choose(own, row.audience.places, row.person, found.last, found.today, {}, now, rotates=rotates)
    if isinstance(chosen, NoCaller):
        until = f", until {chosen.until:%Y-%m-%d %H:%M} UTC" if chosen.until is not None else ""
        raise UsageError(
            f"--as {row.person}: {chosen.why} (call.from){until}: the campaign would not call them now either; name "
            "somebody else"
        )
    return chosen


def request_of(campaign: Campaign, row: Row, number: str, caller: CallerId) -> DialRequest:
    """The dial as it is sent for that row, but to this telephone, and under an id that is no attempt's."""
    request = request_for(campaign, row.person, number, row.data, 1, _NO_SECRET, caller)
    call_id = f"own-{secrets.token_hex(14)}"
    return replace(request, call_id=call_id, metadata={**request.metadata, CALL_ID_KEY: call_id})


# --- what is written down ----------------------------------------------------------------------------


def intent_facts(call: OwnCall) -> Mapping[str, Any]:
    """An intent as a request carries it."""
    return {"campaign": call.campaign, "intent": asdict(call)}


def step_facts(step: Step) -> Mapping[str, Any]:
    """What became of it, as a request carries it."""
    return {"step": asdict(step)}


async def carry_out(ledger: Ledger, facts: Mapping[str, Any]) -> str:
    """Write an intent or what became of it down (UsageError: it may not be rung)."""
    if "intent" in facts:
        call = OwnCall(**facts["intent"])
        await ledger.intend_own_call(call)
        return f"{call.who} rings a telephone of their own, beside the campaign"
    step = Step(**facts["step"])
    await ledger.own_call_goes_on(step)
    return f"a call to a telephone of one's own is {step.state}"


class Journal:
    """Where calls are written down as long as there is no ledger: a line each, on disk before anything follows."""

    def __init__(self, ledger: Path) -> None:
        self._path = beside(ledger, "calls.jsonl")

    async def __call__(self, verb: str, facts: Mapping[str, Any]) -> str:
        line = {**facts, "intent": {**facts["intent"], "person": ""}} if "intent" in facts else facts
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, json.dumps(line).encode() + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_folder(self._path.parent)
        except OSError as error:
            raise LedgerError(f"{self._path} cannot be written ({error.strerror}): nobody was rung") from error
        return "written down"


# --- the call ----------------------------------------------------------------------------------------


async def ring(
    campaign: Campaign, row: Row, number: str, caller: CallerId, who: str, ask: Ask, clock: Clock, why: str = ""
) -> Rung:
    """Ring that telephone as the list's row would be rung, from this own number, and wait for the end of the call.

    Raises:
        UsageError: it may not be rung now.
        LedgerError: the intent could not be written down; nobody was rung.
    """
    request = request_of(campaign, row, number, caller)
    intent = OwnCall(request.call_id, campaign.name, number, request.from_number, row.person, who, why)
    async with _platform(campaign, clock) as client:
        await ask(VERB, intent_facts(intent))
        box = outcome.sort_dial(await client.dial(request), request)
        if isinstance(box, Placed):
            return await _to_the_end(campaign, request, box.record, client, ask, clock)
        state = "refused" if isinstance(box, NotPlaced) else "unknown"
        said = f"{box.refusal}: {box.message}" if isinstance(box, NotPlaced) else box.why
        await ask(VERB, step_facts(Step(request.call_id, state, error=said)))
        return _not_rung(box)


@contextlib.asynccontextmanager
async def _platform(campaign: Campaign, clock: Clock) -> AsyncIterator[Client]:
    """A client of the campaign's platform; the simulated one lives as long, with rings of its own."""
    async with contextlib.AsyncExitStack() as stack:
        url = campaign.platform.url
        if url is None:
            from dialer.simulator import Simulator  # only here: it brings a web server along

            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dialer-call-"))
            simulator = Simulator(campaign.platform.simulator, Path(folder) / "rings.jsonl", clock)
            url = await stack.enter_async_context(simulator.serve())
        yield await stack.enter_async_context(Client(url, campaign.platform.api_key, now=clock.now))


def _not_rung(box: NotPlaced | Lost) -> Rung:
    if isinstance(box, NotPlaced):
        told = f" ({box.message})" if box.message else ""
        return Rung(_CODES.get(box.refusal, ExitCode.UNREACHABLE), f"{in_words(box.refusal)}{told}")
    code = box.stop.code if box.stop is not None else ExitCode.UNREACHABLE
    return Rung(code, f"nobody knows whether it rings: {box.why}; it is not dialled again by itself")


async def _to_the_end(
    campaign: Campaign, request: DialRequest, record: CallRecord, client: Client, ask: Ask, clock: Clock
) -> Rung:
    platform_id, gives_up_at = record.platform_id, clock.monotonic() + campaign.call.longest
    found: CallRecord | None = record
    if not record.is_over:
        await ask(VERB, step_facts(Step(request.call_id, "placed", platform_id)))
        found = await _end_of([one for one in (platform_id, request.call_id) if one], client, gives_up_at, clock)
    if found is None:
        await ask(VERB, step_facts(Step(request.call_id, "unknown", platform_id, error="its end was never told")))
        return Rung(ExitCode.UNREACHABLE, "it was placed, and the platform does not tell how it ended")
    reason, seconds = found.finish_reason or found.status, found.duration_seconds
    await ask(VERB, step_facts(Step(request.call_id, "ended", found.platform_id, reason, seconds)))
    length = "" if seconds is None else f", after {seconds} s"
    return Rung(ExitCode.OK, f"the call is over ({reason}: {in_words(reason)}){length}")


async def _end_of(ids: list[str], client: Client, gives_up_at: float, clock: Clock) -> CallRecord | None:
    """The call once it is over, by whichever id the platform knows it; None: it does not tell in time."""
    wait = _FIRST_LOOK
    while clock.monotonic() < gives_up_at:
        await clock.sleep(wait)
        wait = min(2 * wait, _LOOKS_EVERY)
        for one in ids:
            answer = await client.get(one)
            if isinstance(answer, Reply) and answer.record is not None:
                if answer.record.is_over:
                    return answer.record
                break
    return None
