"""A client without sockets: what the product asks goes through the weather to the carrier, and comes back as bytes.

The bytes are read by the product's own reading of the contract. Every outcome that a network has is here: not
connected, silence before and after the ring, resets, gateways, cut answers, wrong answers, too many requests.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, TypeVar

from dialer.clock import Clock
from dialer.model import Answer, CallPage, DialRequest, NoReply, Reply, Secret
from dialer.simulator import HttpAnswer
from dialer.verbex import Client, answers
from dialer.verbex.ahead import Ahead
from dialer.verbex.answers import read_call, read_page
from dialer.verbex.transport import Received
from dialer.verbex.wire import payload_bytes
from tests.simulation.carrier import Carrier, instant
from tests.simulation.loop import passes
from tests.simulation.plan import LONGEST_LAG, Plan
from tests.simulation.story import Story

KEYS = (Secret("API_the_right_account"), Secret("API_another_account"))

T = TypeVar("T")

_SILENCE = 30.0
_CONNECTING = 10.0
_HTML = b"<html><h1>502 Bad Gateway</h1></html>"
_RETRY_AFTER = ("", "1", "20", "99999", "-3", "soon", "Sun, 22 Nov 2026 15:00:00 GMT")
_NEVER_PLACED = {"lost_before", "reset_before", "5xx_before", "429", "redirect"}
_REMEMBERED = 256


@dataclass
class Network:
    """What all clients of a world share; `is_calm` once the storm is over."""

    plan: Plan
    carrier: Carrier
    story: Story
    now: Callable[[], float]
    posted: Callable[[int, DialRequest], None]
    dice: random.Random
    is_calm: bool = False

    @property
    def is_stormy(self) -> bool:
        return not self.is_calm and self.now() < self.plan.storm

    @property
    def is_gone(self) -> bool:
        now = self.now()
        return self.is_stormy and any(begins <= now < begins + lasts for begins, lasts in self.plan.weather.gone)

    def chance(self, share: float) -> bool:
        return self.is_stormy and self.dice.random() < share

    def dial_fault(self) -> str:
        if not self.is_stormy:
            return ""
        dials = self.plan.weather.dials
        return self.dice.choices(list(dials), list(dials.values()))[0]

    def latency(self) -> float:
        """Seconds of one way of a dial."""
        most = self.plan.weather.latency if self.is_stormy else 0.2
        return (0.1 + 0.9 * self.dice.random()) * most

    def read_latency(self) -> float:
        """The same of a read; slow, since a simulated hour is made of reads."""
        most = self.plan.weather.read_latency if self.is_stormy else 2.0
        return (0.1 + 0.9 * self.dice.random()) * most


class SimulatedClient(Client):
    """The client of one process, for one account (0: the right one)."""

    def __init__(self, network: Network, clock: Clock, process: int, account: int) -> None:
        # The wire is replaced as a whole: no pool is opened, so the parent is not asked to open one.
        self._network = network
        self._clock = clock
        self._process = process
        self._account = account
        self._pages: dict[bytes, Any] = {}
        self._now = clock.now
        self._ahead = Ahead()

    # --- dials ---

    async def dial(self, request: DialRequest, content: bytes = b"") -> Answer:
        """One POST, or none."""
        content = content or payload_bytes(request)
        network = self._network
        fault = network.dial_fault()
        if fault == "unsent" or (network.is_gone and network.dice.random() < 0.7):
            await passes(network.dice.choice((0.01, _CONNECTING)))
            return self._say("unsent", request, NoReply(True, "connection refused"))
        network.posted(self._process, request)
        if network.is_gone:
            fault = "lost_before"
        up = network.latency()
        parcel = None
        if fault not in _NEVER_PLACED:
            parcel = self._sent(json.loads(content), fault, up)
        await passes(up)
        network.carrier.advance()
        answer = parcel.answer if parcel is not None else None
        received = await self._spoilt(fault, answer)
        if isinstance(received, NoReply):
            return self._say(fault, request, received)
        await passes(network.latency())
        return self._say(fault or "answer", request, self._read_call(received))

    def _read_call(self, received: Received) -> Answer:
        self._see_date(received)
        return read_call(received, self._clock.now(), KEYS[self._account])

    def _see_date(self, received: Received) -> None:
        """As the real one does: the platform's clock shows itself with each answer."""
        seen = answers.skew(received.date, self._clock.now())
        self.skew = self.skew if seen is None else self._ahead.dated(seen)

    def _sent(self, body: dict[str, Any], fault: str, up: float) -> Any:
        """On its way; late only where nobody waits for the answer, and never later in all than the longest lag."""
        network = self._network
        lag = network.dice.random() * LONGEST_LAG if network.chance(network.plan.weather.lag) else 0.0
        is_late = fault.endswith("_after") and network.chance(network.plan.weather.late)
        after = up
        if is_late:
            after, lag = max(up, lag), 0.0
        return network.carrier.send(body, self._account, after, lag, must_arrive=is_late)

    async def _spoilt(self, fault: str, answer: HttpAnswer | None) -> Received | NoReply:
        dice = self._network.dice
        if fault.startswith("lost"):
            await passes(_SILENCE)
            return NoReply(False, "no answer in time")
        if fault.startswith("reset"):
            return NoReply(False, "connection reset")
        if fault.startswith("5xx"):
            return Received(dice.choice((500, 502, 503, 504)), _HTML)
        if fault == "429":
            return Received(429, b"{}", retry_after=dice.choice(_RETRY_AFTER))
        if fault == "redirect":
            return Received(307, b"", location="https://elsewhere.invalid/")
        return _changed(fault, self._received(answer)) if answer is not None else NoReply(False, "connection reset")

    def _say(self, fault: str, request: DialRequest, answer: Answer) -> Answer:
        said = "no reply" if isinstance(answer, NoReply) else answer.status
        self._network.story.tell(self._network.now(), "answered", request.to_number, request.call_id, fault, said)
        return answer

    # --- reads ---

    async def get(self, call_id: str) -> Answer:
        """One call."""
        received = await self._asked(lambda: self._network.carrier.get(call_id, self._account))
        answer = received if isinstance(received, NoReply) else self._read_call(received)
        if isinstance(answer, Reply) and answer.record is not None:
            self._learn_clock((answer.record,))
        return answer

    async def list(
        self,
        *,
        page_size: int = 100,
        page_token: str | None = None,
        start_time_after: datetime | None = None,
        start_time_before: datetime | None = None,
        sort_direction: str = "desc",
    ) -> CallPage | Answer:
        """A page of calls."""
        query = {"page_size": str(page_size), "sort_direction": sort_direction}
        if page_token is not None:
            query["page_token"] = page_token
        if start_time_after is not None:
            query["start_time_after"] = start_time_after.astimezone(UTC).isoformat()
        if start_time_before is not None:
            query["start_time_before"] = start_time_before.astimezone(UTC).isoformat()
        received = await self._asked(lambda: self._network.carrier.list(query, self._account))
        page = received if isinstance(received, NoReply) else self._page(received)
        if isinstance(page, CallPage):
            self._learn_clock(page.calls)
        return page

    async def ask(
        self, path: str, query: dict[str, str], read: Callable[[Received, datetime, Secret], T]
    ) -> T | NoReply:
        """What stands beside the calls is not simulated: there is no such path."""
        return read(Received(404, b"{}"), self._clock.now(), KEYS[self._account])

    async def _asked(self, ask: Callable[[], HttpAnswer]) -> Received | NoReply:
        network = self._network
        await passes(network.read_latency())
        if network.is_gone:
            return NoReply(True, "connection refused")
        if network.chance(network.plan.weather.reads):
            return await self._unread()
        received = self._received(ask())
        await passes(network.read_latency())
        return received

    def _received(self, answer: HttpAnswer) -> Received:
        """An answer as it comes over the wire."""
        body = json.dumps(answer.body, separators=(",", ":")).encode()
        date = format_datetime(instant(self._network.now()), usegmt=True)
        return Received(answer.status, body, retry_after=answer.headers.get("Retry-After", ""), date=date)

    async def _unread(self) -> Received | NoReply:
        dice = self._network.dice
        fault = dice.choice(("silence", "reset", "5xx", "429", "cut"))
        if fault == "silence":
            await passes(_SILENCE)
        if fault in ("silence", "reset"):
            return NoReply(False, fault)
        if fault == "429":
            return Received(429, b"{}", retry_after=dice.choice(_RETRY_AFTER))
        return Received(502, _HTML) if fault == "5xx" else Received(200, b'{"calls": [{"_id"', "broke off")

    def _page(self, received: Received) -> CallPage | Answer:
        """A page that came before, letter by letter, is the same page: reading it is most of the work."""
        self._see_date(received)
        key = received.body if received.status == 200 and not received.fault else None
        if key is not None and key in self._pages:
            known: CallPage | Answer = self._pages[key]
            return known
        page = read_page(received, self._clock.now(), KEYS[self._account])
        if key is not None:
            if len(self._pages) >= _REMEMBERED:
                self._pages.clear()
            self._pages[key] = page
        return page


def _changed(fault: str, received: Received) -> Received:
    """A good answer, spoilt."""
    if fault == "unreadable":
        return replace(received, body=received.body[: len(received.body) // 2])
    if fault in ("other_number", "other_id") and received.status == 201:
        body = json.loads(received.body)
        if fault == "other_number":
            body["to_number"] = "+14155550142"
        else:
            body["metadata"] = {"dialer_call_id": "somebody-elses"}
        return replace(received, body=json.dumps(body).encode())
    return received
