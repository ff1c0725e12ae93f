"""What the platform finds in calls afterwards: asked for, kept, and heeded.

Nothing waits for it but the first dial of a run, for a moment: who said in a call of the run before that they want no
more of them is not to be called by this one. What has not come when a run ends, the next one asks for, or `settle`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dialer.clock import Clock
from dialer.ledger import Ledger
from dialer.ledger.analyses import EndedAttempt, Heard
from dialer.ledger.optouts import Reached, Word
from dialer.model import JSON, Campaign, NoReply, Reply
from dialer.policy import afterwards, brake, optout
from dialer.verbex import Client
from dialer.verbex.analysis import Analysis, Found, analysis_of

MOST_AT_ONCE = 4
"""So many questions are under way at a time."""

MOST_OF_EARLIER = 500
"""So many calls of earlier runs are asked about in one go, the newest first; when all of these were, the next."""

BEFORE_THE_FIRST_DIAL = 30.0
"""Seconds for which a run puts off its first dial for these answers."""

AT_MOST = 600.0
"""Seconds for which a run that dials nobody stays for them."""

_SHOWN = 80
_LOOKS_AGAIN = 60.0


@dataclass(slots=True)
class _Look:
    """A call whose analysis is wanted: when it is asked for next, by the monotonic clock, and how often it was."""

    call: str
    at: float
    questions: int = 0
    ended: EndedAttempt | None = None


@dataclass(frozen=True, slots=True)
class _Older:
    """Calls of earlier runs that are not looked for yet: those that ended since then, before this attempt."""

    since: datetime
    before: int | None = None


class Analysing:
    """Fetches the analyses of one campaign's calls; `moved` is told that somebody may be due who was not.

    It asks for no more calls a second than the campaign dials, and for none while `is_braked`.
    """

    def __init__(
        self,
        campaign: Campaign,
        campaign_id: int,
        ledger: Ledger,
        client: Client,
        clock: Clock,
        *,
        is_braked: Callable[[], bool],
        moved: Callable[[], None],
        say: Callable[[str, str], None],
    ) -> None:
        self._campaign = campaign
        self._campaign_id = campaign_id
        self._ledger = ledger
        self._client = client
        self._clock = clock
        self._is_braked = is_braked
        self._moved = moved
        self._say = say
        self._looks: dict[str, _Look] = {}
        self._changed = asyncio.Event()
        self._troubles = 0
        self._spared_until = 0.0
        self._is_by_own: bool | None = None
        self._earlier: set[str] = set()
        self._older: _Older | None = None

    # --- what there is to ask ---

    def ended(self, call: str) -> None:
        """A call has ended, and is written down; named by our id or the platform's."""
        self._look_for(call, afterwards.wait_before(0))

    def told(self, call: str) -> None:
        """A webhook says that a call has been analysed: it is asked for at once, if it is ours and has ended."""
        known = (look for look in self._looks.values() if look.ended is not None)
        names = [look.call for look in known if look.ended and call in (look.ended.call_id, look.ended.platform_id)]
        self._look_for(names[0] if names else call, 0.0)

    def _look_for(self, call: str, seconds: float) -> None:
        if not self._campaign.analysis or not call:
            return
        at = self._clock.monotonic() + seconds
        look = self._looks.setdefault(call, _Look(call, at))
        look.at = min(look.at, at)
        self._changed.set()

    async def catch_up(self, dials: bool, is_stopping: Callable[[], bool]) -> None:
        """Ask once for each call of earlier runs whose analysis is missing; where the run `dials`, what takes longer
        goes on beside it."""
        if not self._campaign.analysis:
            return
        until = self._clock.monotonic() + (BEFORE_THE_FIRST_DIAL if dials else AT_MOST)
        self._older = _Older(self._clock.now() - timedelta(days=afterwards.ASKED_FOR_DAYS))
        self._changed.set()
        while not is_stopping() and self._clock.monotonic() < until and (self._older or self._has_unasked()):
            await self._clock.sleep(0.1)

    def _has_unasked(self) -> bool:
        return any(look.call in self._earlier and look.questions == 0 for look in self._looks.values())

    async def _go_back(self, older: _Older) -> None:
        """Look for the next calls of earlier runs, before those that were asked about."""
        missing = await self._ledger.unanalysed(self._campaign_id, older.since, MOST_OF_EARLIER, older.before)
        wanted, now = list(filter(_has_talked, missing)), self._clock.monotonic()
        for one in wanted:
            self._looks.setdefault(one.call_id, _Look(one.call_id, now, ended=one))
        self._earlier = {one.call_id for one in wanted}
        is_last = len(missing) < MOST_OF_EARLIER
        self._older = None if is_last else _Older(older.since, missing[-1].attempt)

    # --- asking ---

    async def run(self) -> None:
        """Ask, for as long as there may be something to ask for; ends only by being cancelled; it may go on later."""
        while self._campaign.analysis:
            self._changed.clear()
            due = self._due()
            if not due and self._older and not self._has_unasked():
                await self._go_back(self._older)
            elif not due:
                await self._clock.wait(self._changed, self._seconds_to_next())
            else:
                await asyncio.gather(*map(self._ask, due))
                await self._clock.sleep(len(due) / max(self._campaign.pace.calls_per_second, 1.0))

    def _due(self) -> list[_Look]:
        now = self._clock.monotonic()
        if self._is_braked() or now < self._spared_until:
            return []
        return sorted((look for look in self._looks.values() if look.at <= now), key=lambda look: look.at)[
            :MOST_AT_ONCE
        ]

    def _seconds_to_next(self) -> float:
        now = self._clock.monotonic()
        first = min((look.at for look in self._looks.values()), default=now + _LOOKS_AGAIN)
        at_least = 1.0 if self._is_braked() else 0.001
        return min(max(first - now, self._spared_until - now, at_least), _LOOKS_AGAIN)

    async def _ask(self, look: _Look) -> None:
        look.ended = look.ended or await self._ledger.ended_call(self._campaign_id, look.call)
        agent = None if look.ended is None else look.ended.agent or self._campaign.call.agent
        if look.ended is None or agent is None or not _has_talked(look.ended):
            self._looks.pop(look.call, None)
            return
        found = await analysis_of(self._client, agent, self._names(look.ended))
        look.questions += 1
        self._hear(found)
        if isinstance(found, Analysis):
            self._is_by_own = found.by == look.ended.call_id
            await self._keep(look.ended, found.items)
            self._looks.pop(look.call, None)  # not before: who is cancelled meanwhile may go on asking
        else:
            self._put_off(look, look.ended)

    def _names(self, ended: EndedAttempt) -> tuple[str | None, ...]:
        """The ids by which a call is asked for: both until one of them was understood."""
        both = ended.platform_id, ended.call_id
        if self._is_by_own is None or ended.platform_id is None:
            return both
        return both[1:] if self._is_by_own else both[:1]

    def _put_off(self, look: _Look, ended: EndedAttempt) -> None:
        wait = afterwards.wait_before(look.questions)
        gives_up_at = ended.closed_at + timedelta(seconds=afterwards.GIVEN_UP_AFTER)
        if self._clock.now() + timedelta(seconds=wait) > gives_up_at:
            self._looks.pop(look.call, None)
        else:
            look.at = self._clock.monotonic() + wait

    def _hear(self, found: Found) -> None:
        """Trouble of this kind is nobody's reason to stop: no more is asked for a while, ever longer."""
        if not isinstance(found, Reply | NoReply):
            self._troubles = 0
            return
        self._troubles += 1
        asked = found.retry_after if isinstance(found, Reply) else None
        self._spared_until = self._clock.monotonic() + brake.hold(asked, self._troubles)

    # --- what was found ---

    async def _keep(self, ended: EndedAttempt, items: Mapping[str, JSON]) -> None:
        heeded = await self._ledger.keep_analysis(ended, items, heard := await self._heard(ended, items))
        if heeded is None:
            return
        if heard.word is not None:
            self._tell_stopped(heeded.reached, heard.word)
        if heard.word is not None or heeded.is_due:
            self._moved()

    async def _heard(self, ended: EndedAttempt, items: Mapping[str, JSON]) -> Heard:
        why = optout.means_stop(self._campaign.opt_out, None, items)
        if why is not None:
            return Heard(Word(why, "conversation"))
        field = self._campaign.retry.callback
        if field is None:
            return Heard()
        zones = _clocks(await self._ledger.zones_of(ended.contact))
        moment = afterwards.called_back_at(items.get(field), zones, self._clock.now())
        if isinstance(moment, str):
            return Heard(unclear=f"{field}: {str(items.get(field))[:_SHOWN]!r} {moment}")
        return Heard(back=moment, most=self._campaign.retry.attempts)

    def _tell_stopped(self, reached: tuple[Reached, ...], word: Word) -> None:
        withdrawn = sum(one.withdrawn for one in reached)
        said = f"somebody said in a call that they want no more of them ({word.reason}): {withdrawn} withdrawn"
        self._say("opted_out", said)


def _has_talked(ended: EndedAttempt) -> bool:
    return afterwards.has_talked(ended.finish_reason, ended.has_messages)


def _clocks(names: tuple[str, ...]) -> list[ZoneInfo]:
    """The clocks of these zones; none where one of them is not known, since then nobody knows the latest."""
    try:
        return [ZoneInfo(name) for name in names]
    except (OSError, ValueError, KeyError):
        return []
