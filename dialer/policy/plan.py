"""How a campaign will go on: who is called in which hour, what holds the calls back, when it is through.

    crowds → waiting rooms (by priority, and who was called before) → dials, as fast as pace and lines let them
           → what follows each call, by its share (`chances`) → waiting rooms again, or through

Time goes in steps. In each, whoever is due and whose hours are open is called, in the order of the campaign, until the
step's room is used up; people are counted in fractions. The hours are those by which dials are decided (`permission`),
asked once for all who are decided about alike, and only as far ahead as the forecast comes.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import NamedTuple

from dialer.model.planning import Assumed, Crowd, Forecast, Past, Speed, Wait, ZoneForecast
from dialer.model.rules import Ring
from dialer.model.words import Order
from dialer.policy import caps, chances
from dialer.policy.ahead import Course, Hours, Opens
from dialer.policy.chances import Following
from dialer.policy.clocks import DAY, instant

LINES, RATE, PER_DAY, HOURS, TIMES = "lines", "calls_per_second", "per_day", "hours", "times"
"""What holds calls back: lines, pace, the calls of a day, the hours, or that the next call is due later."""

OVER, NEVER_OPEN, NO_ROOM = "time_is_over", "hours_never_open", "no_room"
"""Why somebody cannot be called before their end."""

_HOUR = 3600
_STEPS = (10, 60, 300, 900, _HOUR)
_FEWEST_STEPS, _MOST_STEPS = 100, 2_000
_MOST_WORK = 1_000_000  # steps × kinds × pasts that they may have
_LEAST = 1e-9  # of a person


@dataclass(frozen=True, slots=True)
class Kind:
    """People about whom the same is decided at the same moment: their zones, and how often they may be rung."""

    zones: tuple[str, ...] = ()
    clocks: tuple[tzinfo, ...] = ()
    limits: tuple[caps.Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Going:
    """How a campaign goes on: what follows a call, what is assumed, its pace, its budget of attempts, its order."""

    following: Following
    assumed: Assumed
    speed: Speed
    attempts: int
    order: Order = Order.RETRIES_FIRST

    @property
    def line_rate(self) -> float:
        """New calls per second that the lines allow."""
        return self.assumed.lines / max(chances.line_seconds(self.assumed), 0.001)

    @property
    def rate(self) -> float:
        """New calls per second, as long as somebody may be called."""
        return min(self.speed.calls_per_second, self.line_rate)


class _Cell(NamedTuple):
    """People who are alike in all that matters to their next call. `rings` are kept where caps count them."""

    kind: int
    expires: float
    priority: int
    again: bool
    past: Past
    called: bool = False
    rings: tuple[float, ...] = ()


def forecast(crowds: Sequence[Crowd], kinds: Sequence[Kind], opens: Opens, going: Going, now: datetime) -> Forecast:
    """What is to be expected from `now` on (aware), up to 400 days later; `kinds` are those that crowds name.

    Raises what `opens` raises.
    """
    flow = _Flow(kinds, Hours(opens, now.timestamp()), going, now.timestamp(), _step(crowds, going))
    for each in crowds:
        flow.admit(each)
    flow.run()
    return flow.told()


def _step(crowds: Sequence[Crowd], going: Going) -> int:
    """How long a step is, in seconds: short where all is done soon, long where it would be too many."""
    calls = sum(each.people for each in crowds) * going.attempts
    work = calls / going.rate
    if going.speed.per_day:
        work = max(work, calls / going.speed.per_day * DAY)
    cells = max(1, len({each.kind for each in crowds})) * going.following.pasts(going.attempts)
    most = min(_MOST_STEPS, max(_FEWEST_STEPS, _MOST_WORK // cells))
    return next((step for step in _STEPS if work / step <= most), _HOUR)


class _Flow:
    """The forecast while it is made."""

    def __init__(self, kinds: Sequence[Kind], hours: Hours, going: Going, now: float, step: int) -> None:
        self._kinds, self._hours, self._going, self._now, self._step = kinds, hours, going, now, step
        self._limits = [_binding(kind.limits, going.attempts) for kind in kinds]
        self._turn = int(now // step)
        self._made = defaultdict[int, float](float, {int(now // DAY): going.speed.made_today})
        self._rooms: dict[tuple[int, bool], dict[_Cell, float]] = {}
        self._later: dict[int, dict[_Cell, float]] = {}
        self._turns: list[int] = []
        self._ends = list[float]()
        self._whole = Course()
        self._courses = defaultdict[tuple[str, ...], Course](Course)
        self._by_hour = defaultdict[int, float](float)
        self._held = list[tuple[str, float, float]]()
        self._unfit = defaultdict[str, float](float)
        self._waits = Counter[tuple[float, str]]()
        self._ready = self._worst = 0
        self._cut = self._reached = self._unreached = 0.0

    # --- who waits ---

    def admit(self, crowd: Crowd) -> None:
        """People whom the forecast is about, as they stand at its beginning."""
        self._courses[self._kinds[crowd.kind].zones].people += crowd.people
        self._whole.people += crowd.people
        due = max(crowd.due_at or self._now, self._now)
        expires = math.inf if crowd.expires_at is None else crowd.expires_at
        if expires <= self._now:
            self._unfit[OVER] += crowd.people
            return
        tomorrow = self._day_with_room(due)
        opening = self._hours.next(crowd.kind, tomorrow)
        if opening is None or opening >= expires:
            self._unfit[NEVER_OPEN] += crowd.people
            return
        self._worst += crowd.people * max(1, self._going.attempts - crowd.past[0])
        if opening <= self._now:
            self._ready += crowd.people
        else:
            cause = TIMES if opening == due else PER_DAY if opening == tomorrow else HOURS
            self._waits[opening, cause] += crowd.people
        if expires < math.inf:
            self._ends.append(expires)
        cell = _Cell(crowd.kind, expires, crowd.priority, crowd.again, crowd.past)
        self._wait(cell, crowd.people, int(due // self._step))

    def _day_with_room(self, due: float) -> float:
        """The moment itself, or the next midnight (UTC) where today has had all its calls."""
        speed, today = self._going.speed, int(self._now // DAY)
        is_full = speed.per_day is not None and speed.made_today >= speed.per_day
        return float((today + 1) * DAY) if is_full and int(due // DAY) == today else due

    def _wait(self, cell: _Cell, people: float, turn: int) -> None:
        if turn not in self._later:
            heapq.heappush(self._turns, turn)
            self._later[turn] = {}
        waiting = self._later[turn]
        waiting[cell] = waiting.get(cell, 0.0) + people

    def _wake(self) -> None:
        """Whoever is due by now goes to their waiting room; those of higher priority are called out first."""
        while self._turns and self._turns[0] <= self._turn:
            for cell, people in self._later.pop(heapq.heappop(self._turns)).items():
                is_second = cell.again is not (self._going.order is Order.RETRIES_FIRST)
                room = self._rooms.setdefault((-cell.priority, is_second), {})
                room[cell] = room.get(cell, 0.0) + people

    def _give_up(self, at: float) -> None:
        """Whose end has come is not called any more."""
        if not self._ends or self._ends[0] > at:
            return
        self._ends = [end for end in self._ends if end > at]  # few: they are told by the hour
        for room in self._rooms.values():
            for cell in [cell for cell in room if cell.expires <= at]:
                self._lose(cell, room.pop(cell))

    def _lose(self, cell: _Cell, people: float) -> None:
        if cell.called:
            self._cut += people
            self._unreached += people
        else:
            self._unfit[NO_ROOM] += people

    # --- who is called ---

    def run(self) -> None:
        """Go on until nobody waits any more, or nobody of them will ever be called, or the forecast ends."""
        self._ends = sorted(set(self._ends))
        while True:
            start, end = max(self._now, self._turn * self._step), (self._turn + 1) * self._step
            if start >= self._hours.far:
                return
            self._wake()
            self._give_up(start)
            if self._serve(start, end):
                self._turn += 1
                continue
            following = self._following(start, end)
            if following is None:
                return
            self._turn = max(self._turn + 1, int(following // self._step))
            self._hold(self._why_idle(start), start, self._turn * self._step)

    def _following(self, start: float, end: float) -> float | None:
        """When somebody may be called again, nobody being called in this step; None: nobody will be."""
        found = [float(self._turns[0] * self._step)] if self._turns else []
        waiting = {cell.kind for room in self._rooms.values() for cell in room}
        if waiting and self._left_today(start) <= _LEAST:
            found.append((start // DAY + 1) * DAY)
        else:
            found += [opening for kind in waiting if (opening := self._hours.next(kind, end)) is not None]
        if waiting and self._ends:
            found.append(self._ends[0])
        return min(found, default=None)

    def _why_idle(self, start: float) -> str:
        if not any(self._rooms.values()):
            return TIMES
        return PER_DAY if self._left_today(start) <= _LEAST else HOURS

    def _left_today(self, at: float) -> float:
        per_day = self._going.speed.per_day
        return math.inf if per_day is None else per_day - self._made[int(at // DAY)]

    def _serve(self, start: float, end: float) -> float:
        """Call whom the step has room for; gives how many calls that are."""
        rate, used = self._going.rate, 0.0
        space, left_today = rate * (end - start), self._left_today(start)
        for key in sorted(self._rooms):
            used += self._serve_room(self._rooms[key], min(space, left_today) - used, used, start, end)
        if used > 0:
            over = min(end, start + used / rate)
            self._made[int(start // DAY)] += used
            self._by_hour[int(start // _HOUR) * _HOUR] += used
            self._whole.add(start, over, used)
            self._hold(self._slowest, start, over)
            self._hold(self._why_idle(start), over, end)
        return used

    @property
    def _slowest(self) -> str:
        return RATE if self._going.speed.calls_per_second <= self._going.line_rate else LINES

    def _serve_room(self, room: dict[_Cell, float], most: float, before: float, start: float, end: float) -> float:
        """The same of one waiting room, after so many calls of others: all who may be called are, in equal parts."""
        rate = self._going.rate
        opened = {cell: seconds for cell in room if (seconds := self._open_for(cell, start, end)) > 0}
        total = sum(room[cell] for cell in opened)
        if total <= _LEAST or most <= _LEAST:
            return 0.0
        # Whoever may be called in a part of the step only has their part of that part.
        called = {cell: room[cell] * min(1.0, most / total, rate * seconds / total) for cell, seconds in opened.items()}
        used = sum(called.values())
        over = min(end, start + (before + used) / rate)
        middle = min(end, start + (before + used / 2) / rate)
        for cell, people in called.items():
            self._call(cell, people, start, middle, over)
            room[cell] -= people
            if room[cell] <= _LEAST:
                del room[cell]
        return used

    def _open_for(self, cell: _Cell, start: float, end: float) -> float:
        """For how many seconds of the step they may be called."""
        until = min(end, cell.expires)
        return self._hours.part(cell.kind, start, until) if until > start else 0.0

    def _call(self, cell: _Cell, people: float, start: float, at: float, last: float) -> None:
        """Call them, the middle of them and the last at those moments of the step, and see what comes after it."""
        course = self._courses[self._kinds[cell.kind].zones]
        first = self._hours.next(cell.kind, start) if course.first is None else None
        course.add(first or start, max(first or start, last), people)
        over = at + chances.line_seconds(self._going.assumed)
        (rings, closed), clocks = self._rung(cell, at), self._kinds[cell.kind].clocks
        for branch in self._going.following.after(cell.past):
            if branch.reached:
                self._reached += people * branch.share
            elif branch.wait is None:
                self._unreached += people * branch.share
            else:
                due = self._allowed(closed, self._going.following.due(branch.wait, over, clocks))
                again = cell._replace(again=True, past=branch.past, called=True, rings=rings)
                self._come_back(again, people * branch.share, due)

    def _come_back(self, cell: _Cell, people: float, due: float) -> None:
        if due >= cell.expires:
            self._lose(cell, people)
        else:
            self._wait(cell, people, max(self._turn + 1, round(due / self._step)))

    def _rung(self, cell: _Cell, at: float) -> tuple[tuple[float, ...], Sequence[caps.Closure]]:
        """What caps must remember of their rings, by the full hour, and what time they close to them after this one."""
        limits = self._limits[cell.kind]
        if not limits:
            return (), ()
        past = [Ring(instant(each)) for each in (*cell.rings, at)]
        closed = caps.closures(limits, past, "", self._kinds[cell.kind].clocks)
        kept = max((cap.most for limit in limits for cap in limit.rule.caps), default=1) - 1
        rings = (*cell.rings, math.ceil(at / _HOUR) * float(_HOUR))
        return rings[len(rings) - kept :] if kept < len(rings) else rings, closed

    @staticmethod
    def _allowed(closed: Sequence[caps.Closure], due: float) -> float:
        held = caps.first_free(closed, instant(due)) if closed else None
        return due if held is None else held[0].timestamp()

    # --- what is told ---

    def _hold(self, cause: str, begin: float, end: float) -> None:
        """In this time it was that which held the calls back; before the first call nothing is counted."""
        if self._whole.first is not None and end > begin:
            self._held.append((cause, begin, end))

    def told(self) -> Forecast:
        """The forecast, once it has run."""
        last = self._whole.last
        binds = defaultdict[str, float](float)
        for cause, begin, end in self._held:
            if last is not None and begin < last:
                binds[cause] += end - begin
        late = sum(sum(room.values()) for room in (*self._rooms.values(), *self._later.values()))
        return Forecast(
            at=self._now,
            people=self._whole.people,
            ready=self._ready,
            waits=tuple(Wait(until, people, cause) for (until, cause), people in sorted(self._waits.items())),
            calls=self._whole.calls,
            worst=self._worst,
            reached=self._reached,
            unreached=self._unreached,
            first=min((each.first for each in self._courses.values() if each.first is not None), default=None),
            last=last,
            ends=None if last is None else last + chances.line_seconds(self._going.assumed),
            zones=tuple(
                ZoneForecast(zones, each.people, each.calls, each.first, each.last)
                for zones, each in sorted(self._courses.items())
            ),
            binds=dict(binds),
            hours=tuple(sorted(self._by_hour.items())),
            unfit=dict(self._unfit),
            cut=self._cut,
            late=late,
        )


def _binding(limits: Sequence[caps.Limit], attempts: int) -> tuple[caps.Limit, ...]:
    """Those that could close somebody's next call: no cap counts more rings than there are attempts."""
    return tuple(
        limit for limit in limits if limit.rule.gap is not None or any(cap.most < attempts for cap in limit.rule.caps)
    )
