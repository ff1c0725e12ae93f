"""The operator's part in calm weather: who dialled under a key that is gone has to look there, and say what became."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dialer.clock import Clock
from dialer.ledger import InlineExecutor, Ledger
from dialer.model import Mark, RetryRules
from dialer.runner.unknowns import mark
from dialer.simulator import Ring
from tests.acceptance.oracle import AGAIN
from tests.simulation.loop import stepped


def became(call_id: str, rings: list[Ring]) -> Mark:
    """What the operator sees in the platform's own list, under the key with which it was dialled."""
    ring = next((ring for ring in rings if ring.call_id == call_id and ring.nth), None)
    if ring is None:
        return Mark.NOT_PLACED
    return Mark.PLACED if ring.reason in AGAIN else Mark.DONE


def say(path: Path, words: Mapping[int, Mark], rules: RetryRules, clock: Clock) -> None:
    """`dialer unknown mark` for each of these attempts, while no run holds the ledger."""
    stepped().run(_say(path, words, rules, clock), until=60.0)


async def _say(path: Path, words: Mapping[int, Mark], rules: RetryRules, clock: Clock) -> None:
    ledger = Ledger.open(path, "unknown", clock.now, executor=InlineExecutor(), synchronous="OFF")
    for attempt, word in words.items():
        await mark(ledger, attempt, word, rules, "looked it up", "operator", clock)
    await ledger.close()
