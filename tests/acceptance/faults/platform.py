"""A simulated platform as a process of its own, by rules that the command line does not offer.

`python -m tests.acceptance.faults.platform PORT RINGS '{"repeated": "dialled", …}'` serves until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from dialer.clock import Clock
from dialer.model import Secret, SimulatorRules
from dialer.simulator import Simulator


def rules_of(told: dict[str, Any]) -> SimulatorRules:
    """The rules of their JSON."""
    key = told.pop("api_key", None)
    return SimulatorRules(**told, api_key=Secret(key) if key else None)


async def serve(port: int, rings: Path, rules: SimulatorRules) -> None:
    """Serve on loopback for ever."""
    async with Simulator(rules, rings, Clock()).serve(port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]), rules_of(json.loads(sys.argv[3]))))
