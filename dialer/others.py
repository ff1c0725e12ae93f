"""Others' calls on the account, as its list shows them: they take lines too, and give them back.

Whatever is read is only as good as the list: a call that it does not show is not counted, and shows itself by a dial
that is turned away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dialer.clock import Clock
from dialer.lines import Lines
from dialer.model import CallRecord
from dialer.policy import recognition

_LONGEST = timedelta(hours=2)
"""A call of others that began longer ago than this holds no line any more, whatever its record says."""

_ASKED_EVERY, _ASKED_AT_ONCE = 5.0, 3
"""Seconds after which one that the list does not reach is asked for by itself; so many at most in one round."""

_KEPT_UNSEEN = 30.0
"""Seconds for which one is believed live of which nothing is heard; a mean call, if that is longer."""

_MOST = 2000
"""So many of others' calls are remembered at most."""


class OthersSeen:
    """Counts the live calls of others on one account, for its lines."""

    def __init__(self, lines: Lines, clock: Clock) -> None:
        self._lines = lines
        self._clock = clock
        self._live: dict[str, datetime] = {}
        self._asked: dict[str, float] = {}
        self._stale: set[str] = set()

    @property
    def count(self) -> int:
        """How many are live, as far as is known."""
        return len(self._live)

    @property
    def are_in_the_way(self) -> bool:
        """Whether somebody waits for a line, and others hold some: then it is worth a look at the list."""
        return bool(self._live) and self._lines.is_awaited

    def read(self, records: Sequence[CallRecord], skew: float, *, is_whole: bool) -> None:
        """Learn from what one reading of the list showed, newest first; `is_whole`: there were no older calls.

        `skew`: by how many seconds the platform's clock is ahead of ours.
        """
        now = self._clock.now() + timedelta(seconds=skew)
        shown = {record.platform_id: record for record in records if record.platform_id is not None}
        for name, record in shown.items():
            if self._is_live(record, now):
                self._began(name, record, now)
            elif name in self._live:
                self._ended(name, record.ended_at, now)
        self._forget(shown, records, now, is_whole=is_whole)

    def to_be_asked(self) -> list[str]:
        """Live calls that the last reading did not reach, by their platform ids, and that are to be asked for one by
        one; those first that were asked about longest ago. Nobody, while the account's limit is no matter of ours."""
        before = self._clock.monotonic() - _ASKED_EVERY
        unseen = [name for name in self._asked if self._asked[name] <= before] if self._lines.is_learned else []
        return sorted(unseen, key=self._asked.__getitem__)[:_ASKED_AT_ONCE]

    def told(self, name: str, record: CallRecord | None, skew: float) -> None:
        """What the platform answered when it was asked for one; None: it does not know that call."""
        now = self._clock.now() + timedelta(seconds=skew)
        if name not in self._live:
            return
        if record is None or not self._is_live(record, now):
            self._ended(name, None if record is None else record.ended_at, now)
        else:
            self._asked[name] = self._clock.monotonic()

    def _is_live(self, record: CallRecord, now: datetime) -> bool:
        is_old = record.started_at is not None and now - record.started_at > _LONGEST
        if record.is_over or is_old or self._lines.is_ours(record.own_id, record.platform_id):
            return False
        # One that bears no id of ours may be ours all the same, until the platform has told us how it calls it.
        return not (recognition.bears_no_id_of_ours(record) and self._lines.calls(record.to_number))

    def _began(self, name: str, record: CallRecord, now: datetime) -> None:
        if name not in self._live and name not in self._stale and len(self._live) < _MOST:
            self._live[name] = record.started_at or now
            self._lines.others(1, self._moment(record.started_at, now))

    def _ended(self, name: str, at: datetime | None, now: datetime) -> None:
        del self._live[name]
        self._asked.pop(name, None)
        self._lines.others(-1, self._moment(at, now))

    def _forget(
        self, shown: dict[str, CallRecord], records: Sequence[CallRecord], now: datetime, *, is_whole: bool
    ) -> None:
        """Those that the list would show if it still knew them, and those that are too old."""
        began = [record.started_at for record in records if record.started_at is not None]
        reaches_to = min(began, default=None)
        self._stale &= shown.keys()
        for name, at in list(self._live.items()):
            is_covered = is_whole or (reaches_to is not None and at > reaches_to)
            if now - at > _LONGEST:
                self._ended(name, None, now)
                self._stale.add(name)
            elif name in shown:
                self._asked.pop(name, None)
            elif is_covered or self._is_forgotten(name):
                self._ended(name, None, now)

    def _is_forgotten(self, name: str) -> bool:
        """Whether nothing was heard for a whole call of one that the list does not reach: there are more of them than
        can be asked for, and most are over by then."""
        unseen_since = self._asked.setdefault(name, self._clock.monotonic())
        return self._clock.monotonic() - unseen_since > max(_KEPT_UNSEEN, self._lines.mean_call)

    def _moment(self, at: datetime | None, now: datetime) -> float:
        """A moment of the platform's clock on ours; now where it tells none."""
        ago = 0.0 if at is None else max(0.0, (now - at) / timedelta(seconds=1))
        return self._clock.monotonic() - ago
