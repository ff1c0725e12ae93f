"""Calls of which a webhook has told, by an id that nobody here knows: they are asked for, a few times at most, and
what the platform shows is remembered, since the attempt that it belongs to may come up only later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dialer.model import Answer, CallPage, CallRecord, Reply
from dialer.verbex.client import Client

MOST_AT_ONCE = 50
"""So many calls are asked for at a time."""

MOST_TRIES = 3
"""So often a call is asked for that the platform does not show: it may have told of it before it can show it."""

_MOST_NAMES = 10_000
_MOST_RECORDS = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """Calls that the platform shows. `is_clear`: it shows all those that were asked for just now."""

    records: tuple[CallRecord, ...]
    is_clear: bool


class Hearsay:
    """Asks for calls by the ids that were told; `heard` is told of each answer."""

    def __init__(self, client: Client, heard: Callable[[CallPage | Answer], None]) -> None:
        self._client = client
        self._heard = heard
        self._tries: dict[str, int] = {}
        self._records: dict[str, CallRecord] = {}

    async def calls(self, names: Iterable[str], tries: int = MOST_TRIES) -> Shown:
        """Those of these calls that are shown, now or before; none is asked for more than so many times in all.

        A platform that fails is not asked on.
        """
        wanted = list(names)
        new = [name for name in wanted if name not in self._records and self._tries_of(name) < tries]
        new.sort(key=self._tries_of)  # whatever comes in the meantime, each has its turn
        for name in new[:MOST_AT_ONCE]:
            if not await self._ask_for(name):
                break
        records = tuple(self._records[name] for name in wanted if name in self._records)
        return Shown(records, is_clear=all(name in self._records for name in new))

    def _tries_of(self, name: str) -> int:
        return self._tries.get(name, 0)

    async def _ask_for(self, name: str) -> bool:
        """Ask for a call; False if that was no answer to the question."""
        answer = await self._client.get(name)
        self._heard(answer)
        if not isinstance(answer, Reply) or answer.status >= 500 or answer.status == 429:
            return False
        self._tries[name] = self._tries_of(name) + 1
        _forget_beyond(self._tries, _MOST_NAMES)
        if answer.record is not None:
            self._records[name] = answer.record
            _forget_beyond(self._records, _MOST_RECORDS)
        return True


def _forget_beyond(kept: dict[str, int] | dict[str, CallRecord], most: int) -> None:
    """Let the oldest go."""
    while len(kept) > most:
        del kept[next(iter(kept))]
