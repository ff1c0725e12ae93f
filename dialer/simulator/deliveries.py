"""Carries webhooks to their subscribers, and keeps the subscriptions in a file, so that they survive a restart.

The file lies beside the rings file, whose lock guards it too; it is there once somebody has subscribed. Beside the
subscriptions it says up to when everything was delivered: what fell due while no simulator ran is delivered by the
next one, and after a kill some of it once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from pathlib import Path

import httpx

from dialer.clock import Clock
from dialer.errors import UsageError
from dialer.model import JSON, SimulatorRules
from dialer.simulator.calls import Ring
from dialer.simulator.hooks import RETRY_WAITS, Agenda, Planned, message
from dialer.simulator.platform import Log
from dialer.simulator.subscriptions import Subscription, Subscriptions

_ANSWER_WITHIN = 5.0  # real seconds: a subscriber that takes longer has not taken it
_AT_ONCE = 32  # requests under way
_LOOK = 0.5  # real seconds after which the wall clock is read again, as it may have been set
_NOTE = 1.0  # seconds of calls whose deliveries are done between two notes of how far they are


class HooksFile:
    """The subscriptions on disk, and the instant up to which everything was delivered. Written whole, 0600."""

    def __init__(self, rings: Path) -> None:
        self._path = Path(f"{rings}.webhooks.json")

    def read(self, now: float) -> tuple[tuple[Subscription, ...], float]:
        """What stands there; nobody, and `now`, where there is no file. Raises UsageError for what is not one."""
        try:
            kept = json.loads(self._path.read_bytes())
            return tuple(map(Subscription.from_json, kept["subscriptions"])), float(kept["delivered_until"])
        except FileNotFoundError:
            return (), now
        except OSError as error:
            raise UsageError(
                f"cannot read the simulator's webhooks file {self._path}: {error.strerror}; give it its rights back"
            ) from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UsageError(
                f"the simulator's webhooks file {self._path} does not read; move it away and subscribe again"
            ) from None

    def write(self, subscriptions: Iterable[Subscription], delivered_until: float) -> None:
        """Put it in the place of what stood there. Raises OSError, and then that stays."""
        kept: JSON = {
            "delivered_until": delivered_until,
            "subscriptions": [subscription.to_json() for subscription in subscriptions],
        }
        draft = self._path.with_name(f"{self._path.name}.tmp")
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            json.dump(kept, out, indent=1)
        draft.replace(self._path)


class Deliveries:
    """Tells the subscribers of the rings that it hears of. Order is as planned, but nothing waits for the one before:
    a slow or failed delivery is overtaken.
    """

    def __init__(self, rules: SimulatorRules, rings: Path, log: Iterable[Ring], clock: Clock) -> None:
        self._rules = rules
        self._clock = clock
        self._file = HooksFile(rings)
        kept, self._looked = self._file.read(self._now())
        self._written = self._looked
        self.subscriptions = Subscriptions(rules, kept, self._save)
        self._agenda = Agenda(rules)
        self._open: Counter[float] = Counter()  # deliveries under way, by when they were due
        self._nudge = asyncio.Event()
        self._room = asyncio.Semaphore(_AT_ONCE)
        for ring in log:
            self._agenda.add(ring, since=self._looked)

    def hear(self, ring: Ring) -> None:
        """A dial was accepted just now."""
        self._agenda.add(ring)
        self._nudge.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver for the length of the block; what is under way at its end is begun anew at the next start."""
        work = asyncio.create_task(self._run(), name="simulator's webhooks")
        try:
            yield
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            self._note()

    async def _run(self) -> None:
        async with _client() as client, asyncio.TaskGroup() as tasks:
            while True:
                self._nudge.clear()
                now = self._now()
                for planned, subscription in self._due(now):
                    self._open[planned.at] += 1
                    tasks.create_task(self._deliver(client, subscription, planned))
                self._looked = now
                self._note_now_and_then()
                await self._clock.wait(self._nudge, self._until_next(now))

    def _due(self, now: float) -> Iterator[tuple[Planned, Subscription]]:
        for planned in self._agenda.take(now):
            for subscription in self.subscriptions:
                if subscription.wants(planned.event, planned.ring.ai_agent_id, planned.occurred):
                    yield planned, subscription

    def _until_next(self, now: float) -> float:
        next_at = self._agenda.next_at
        return _LOOK if next_at is None else min(max(next_at - now, 0.0), _LOOK)

    async def _deliver(self, client: httpx.AsyncClient, to: Subscription, planned: Planned) -> None:
        """Try until it is taken, given up, or no longer wanted."""
        for wait in (0.0, *RETRY_WAITS):
            if wait:
                await self._clock.sleep(wait / planned.ring.scale)
            async with self._room:
                wanted = self.subscriptions.find(to.id)
                if wanted is None or await self._taken(client, wanted, planned):
                    break
        self._open[planned.at] -= 1
        if not self._open[planned.at]:
            del self._open[planned.at]

    async def _taken(self, client: httpx.AsyncClient, to: Subscription, planned: Planned) -> bool:
        sent = message(self._rules, to, planned, self._now())
        # ValueError: a host for which no name server can be asked. TimeoutError: an answer that trickles.
        with contextlib.suppress(httpx.HTTPError, httpx.InvalidURL, ValueError, TimeoutError):
            async with asyncio.timeout(_ANSWER_WITHIN):
                answer = await client.post(to.url, headers=dict(sent.headers), content=sent.body)
                return answer.is_success
        return False

    def _delivered_until(self) -> float:
        """Before this instant nothing is left to be delivered, or under way."""
        next_at = self._agenda.next_at
        return min(self._looked, self._looked if next_at is None else next_at, *self._open)

    def _note_now_and_then(self) -> None:
        """A killed simulator is to repeat little."""
        if self._delivered_until() >= self._written + _NOTE:
            self._note()

    def _note(self) -> None:
        if self.subscriptions:
            with contextlib.suppress(OSError):  # then the next start repeats more than it had to
                self._save(tuple(self.subscriptions))

    def _save(self, subscriptions: Sequence[Subscription]) -> None:
        until = self._delivered_until()
        self._file.write(subscriptions, until)
        self._written = until

    def _now(self) -> float:
        return self._clock.now().timestamp()


class Announced:
    """A log of rings of which each new one is told to somebody, once it is written."""

    def __init__(self, log: Log, hear: Callable[[Ring], None]) -> None:
        self._log = log
        self._hear = hear

    def __iter__(self) -> Iterator[Ring]:
        return iter(self._log)

    def append(self, ring: Ring, /) -> None:
        """Write it, then tell it. Raises what the log raises."""
        self._log.append(ring)
        self._hear(ring)


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=_ANSWER_WITHIN, follow_redirects=False, trust_env=False)
