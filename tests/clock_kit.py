"""A machine whose wall clock jumps, and what a user is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dialer.clock import Boot, Clock
from tests.virtual_time import Time

DAY = 86400.0


@dataclass
class Said:
    """What the user was told."""

    jumps: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __call__(self, event: str, sentence: str, **facts: Any) -> None:
        assert event == "clock_jumped"
        self.jumps.append((sentence, facts))

    @property
    def seconds(self) -> list[float]:
        return [facts["seconds"] for _, facts in self.jumps]


class Machine(Time):
    """A machine with a count since its boot, beside a wall clock that `jump` moves."""

    def __init__(self, boot: str = "b1") -> None:
        super().__init__()
        self.boot = boot
        self.asleep = 0.0
        self.clock = Clock(self.wall, self.monotonic, lambda: 0.0, boot=lambda: Boot(self.boot, self.ticks()))

    def ticks(self) -> float:
        return 500.0 + self.monotonic() + self.asleep

    def wall(self) -> float:
        return super().wall() + self.asleep
