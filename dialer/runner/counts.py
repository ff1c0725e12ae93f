"""What an engine counts of its dials, for those who look on."""

from __future__ import annotations

from collections import Counter, deque

from dialer.attempt import Result
from dialer.model import FINISHED, Sample

_REMEMBERED = 10_000


class Counts:
    """Ends by their reasons, the moments of dials (monotonic seconds), and how long calls take."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.sent: deque[float] = deque(maxlen=_REMEMBERED)
        self.finished = 0
        self.line_seconds: float | None = None

    def dialled(self, moment: float) -> None:
        """Somebody is being dialled."""
        self.sent.append(moment)

    def hear(self, result: Result, seconds: float) -> None:
        """What became of an attempt that had its line for so many seconds."""
        if result.finish_reason is not None:
            self.outcomes[result.finish_reason] += 1
        if result.decision is None:
            return
        self.finished += result.decision.state in FINISHED
        if result.decision.sample is Sample.ACCEPTED:
            before = self.line_seconds
            self.line_seconds = seconds if before is None else 0.95 * before + 0.05 * seconds
