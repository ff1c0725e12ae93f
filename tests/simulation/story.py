"""What happened in a seed, in order: told with `--verbose`, and hashed to prove that a seed replays exactly."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass
class Story:
    """Events with their virtual second; the words are put together only where somebody reads them."""

    events: list[tuple[float, str, tuple[object, ...]]] = field(default_factory=list)

    def tell(self, at: float, what: str, *about: object) -> None:
        self.events.append((at, what, about))

    def lines(self) -> list[str]:
        return [f"{_clock(at)}  {what:<12} {' '.join(map(str, about))}".rstrip() for at, what, about in self.events]

    def digest(self, tables: object) -> str:
        """A fingerprint of all that happened and of what the ledger holds."""
        return hashlib.sha256(repr((self.events, tables)).encode()).hexdigest()[:16]


def _clock(seconds: float) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{int(hours):3d}:{int(minutes):02d}:{rest:06.3f}"
