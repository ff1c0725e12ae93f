"""The simulated platform: what it answers is a function of its rules, its rings and the time.

Without sockets and without a clock: `Platform` is handed the instant with each request. `app` is only a face
on it, and a simulation in virtual time can use it as it is.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Protocol

from dialer.model import JSON, SimulatorRules
from dialer.simulator import accounts, analyses, calls, contract, habits
from dialer.simulator.calls import Ring
from dialer.simulator.habits import Fate
from dialer.simulator.http_answer import HttpAnswer, problem

__all__ = ["HttpAnswer", "Log", "Platform", "problem"]

_ROUNDING = 0.001  # seconds; far above what sums of floats are off by


class Log(Protocol):
    """Where rings are kept: a file's, or a plain list. What `append` has taken must not be lost."""

    def __iter__(self) -> Iterator[Ring]: ...

    def append(self, ring: Ring, /) -> None: ...


class Platform:
    """Accepts dials, tells calls. The rings of the log are known from the start."""

    def __init__(self, rules: SimulatorRules, log: Log) -> None:
        self._rules = rules
        self._log = log
        self._book = _Book()
        for ring in log:
            self._book.add(ring)

    def dial(self, body: JSON, now: datetime) -> HttpAnswer:
        """POST a call: 201 with its record, or 403, 409, 422, 429. Raises what the log's `append` raises."""
        if faults := contract.dial_faults(body, self._rules.own_numbers):
            return HttpAnswer(422, {"detail": faults})
        at = now.timestamp()
        return self._too_fast(at) or self._repeated(body, at) or self._full(body, at) or self._placed(body, at)

    def get(self, call_id: str, now: datetime) -> HttpAnswer:
        """GET one call, by the id that the rules let it understand; the newest of several."""
        ring = self._ring(call_id)
        if ring is None:
            return problem(404, "not_found", f"Call {call_id[:128]} not found.")
        return HttpAnswer(200, calls.told(ring, now.timestamp()))

    def analysis(self, agent: str, call_id: str, now: datetime) -> HttpAnswer:
        """GET what was found in a call: 404 before it is ready, for a call without words or under another agent; and
        now and then 500."""
        ring, at = self._ring(call_id), now.timestamp()
        if ring is not None and ring.ai_agent_id == agent:
            if analyses.is_in_trouble(self._rules, ring, at):
                return problem(500, "internal_error", "Something went wrong.")
            ready = analyses.ready_at(self._rules, ring)
            if ready is not None and at >= ready:
                return HttpAnswer(200, analyses.told(self._rules, ring))
        return problem(404, "not_found", f"No analysis of call {call_id[:128]}.")

    def _ring(self, call_id: str) -> Ring | None:
        ring = None
        if self._rules.lookup in ("platform", "both"):
            ring = self._book.by_platform_id.get(call_id)
        if ring is None and self._rules.lookup in ("custom", "both"):
            ring = self._book.by_call_id.get(call_id)
        return ring

    def numbers(self, query: Sequence[tuple[str, str]]) -> HttpAnswer:
        """GET a page of the account's own numbers; 404 where any caller id is taken."""
        return accounts.numbers(self._rules, query)

    def agents(self) -> HttpAnswer:
        """GET the account's agents."""
        return accounts.agents()

    def list(self, query: Sequence[tuple[str, str]], now: datetime) -> HttpAnswer:
        """GET a page of calls, newest first unless asked otherwise; 422 for a query that cannot be read."""
        asked = contract.list_query(query)
        if not isinstance(asked, contract.ListQuery):
            return HttpAnswer(422, {"detail": asked})
        at = now.timestamp()
        found = self._book.found(asked, at)
        end = asked.offset + asked.page_size
        return HttpAnswer(
            200,
            {
                "calls": [calls.told(ring, at) for ring in _page(found, asked)],
                "next_page_token": contract.page_token(end) if end < len(found) else None,
                "total_count": len(found),
            },
        )

    def _too_fast(self, at: float) -> HttpAnswer | None:
        wait = self._book.wait_for_rate(self._rules.calls_per_second, at)
        if wait <= 0:
            return None
        headers = {"Retry-After": str(math.ceil(wait))}
        return problem(429, "rate_limit_exceeded", "Too many calls per second; slow down.", headers)

    def _repeated(self, body: Mapping[str, JSON], at: float) -> HttpAnswer | None:
        earlier = self._book.by_call_id.get(body.get("call_id") or "")
        if earlier is None or self._rules.repeated == "dialled":
            return None
        if self._rules.repeated == "merged":
            return HttpAnswer(201, calls.told(earlier, at))
        return problem(409, "duplicate_call_id", "A call with this call_id already exists.")

    def _full(self, body: Mapping[str, JSON], at: float) -> HttpAnswer | None:
        if self._book.live(at) < self._rules.concurrent_calls:
            return None
        if self._rules.full_answer == "429":
            return problem(429, habits.ACCOUNT_FULL, "All concurrent calls are in use.", {"Retry-After": "1"})
        if self._rules.full_answer == "403":
            return problem(403, habits.ACCOUNT_FULL, "All concurrent calls are in use.")
        return self._accept(body, at, 0, habits.turned_away(self._rules))

    def _placed(self, body: Mapping[str, JSON], at: float) -> HttpAnswer:
        number = body["to_number"]
        nth = self._book.rings_of[number] + 1
        return self._accept(body, at, nth, habits.fate(self._rules, number, nth))

    def _accept(self, body: Mapping[str, JSON], at: float, nth: int, fate: Fate) -> HttpAnswer:
        ring = Ring(
            at=at,
            platform_id=calls.platform_id(self._rules.seed, len(self._book), at),
            call_id=body.get("call_id"),
            to_number=body["to_number"],
            from_number=body["from_number"],
            agent=body.get("override_ai_agent_id"),
            metadata=body.get("metadata"),
            data=body.get("pia_llm_dynamic_data"),
            nth=nth,
            fate=fate,
            scale=self._rules.time_scale,
        )
        self._log.append(ring)  # first: what could not be written was not accepted
        self._book.add(ring)
        return HttpAnswer(201, calls.told(ring, at))


def _page(found: Sequence[Ring], asked: contract.ListQuery) -> Iterable[Ring]:
    ordered = iter(found) if asked.ascending else reversed(found)
    return islice(ordered, asked.offset, asked.offset + asked.page_size)


class _Book:
    """The rings in memory with their indices; every question about the present names its instant."""

    def __init__(self) -> None:
        self._rings: list[Ring] = []  # by the time of their acceptance, as are these:
        self._ats: list[float] = []
        self._lines_taken: list[float] = []
        self._lines_freed: list[float] = []
        self._slowest_start = 0.0
        self.by_platform_id: dict[str, Ring] = {}
        self.by_call_id: dict[str, Ring] = {}
        self.rings_of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._rings)

    def add(self, ring: Ring) -> None:
        place = bisect_right(self._ats, ring.at)
        self._ats.insert(place, ring.at)
        self._rings.insert(place, ring)
        self.by_platform_id[ring.platform_id] = ring
        if ring.call_id is not None:
            self.by_call_id[ring.call_id] = ring
        if ring.started_at is not None:
            self._slowest_start = max(self._slowest_start, ring.started_at - ring.at)
        if not ring.turned_away:
            self.rings_of[ring.to_number] += 1
            _insert(self._lines_taken, ring.at)
            _insert(self._lines_freed, ring.over_at)

    def live(self, now: float) -> int:
        """Lines in use: calls that are registered or ongoing at that instant, the turned away left out."""
        return bisect_right(self._lines_taken, now) - bisect_right(self._lines_freed, now)

    def wait_for_rate(self, per_second: float, now: float) -> float:
        """Real seconds until one more may be accepted: at most `allowed` records in any `window`."""
        allowed = max(1, math.ceil(per_second))
        window = allowed / per_second
        accepted = bisect_right(self._ats, now)
        return 0.0 if accepted < allowed else self._ats[accepted - allowed] + window - now

    def found(self, asked: contract.ListQuery, now: float) -> Sequence[Ring]:
        """The rings that a list's filters leave, oldest first. A time not known yet passes no filter."""
        if asked == contract.ListQuery(ascending=asked.ascending, page_size=asked.page_size, offset=asked.offset):
            return self._rings
        if asked.batch is not None:
            return []
        first, end = 0, len(self._ats)
        if asked.start_after is not None:  # a call starts soon after its acceptance: most need no look
            first = bisect_left(self._ats, asked.start_after - self._slowest_start - _ROUNDING)
        if asked.start_before is not None:
            end = bisect_right(self._ats, asked.start_before)
        return [ring for ring in self._rings[first:end] if _wanted(ring, asked, now)]


def _insert(times: list[float], time: float) -> None:
    times.insert(bisect_right(times, time), time)


def _wanted(ring: Ring, asked: contract.ListQuery, now: float) -> bool:
    return (
        (not asked.agents or ring.ai_agent_id in asked.agents)
        and _within(ring.started_at, asked.start_after, asked.start_before, now)
        and _within(ring.over_at, asked.end_after, asked.end_before, now)
    )


def _within(time: float | None, after: float | None, before: float | None, now: float) -> bool:
    if after is None and before is None:
        return True
    if time is None or time > now:
        return False
    return (after is None or time > after) and (before is None or time < before)
