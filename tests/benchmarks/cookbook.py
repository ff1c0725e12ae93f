"""A loop as cookbooks have it: rows in batches, a semaphore, one gather a batch, and each result appended to a file.

Nothing is written down before a call is made: whoever runs it again after a crash rings people twice.
"""

from __future__ import annotations

import asyncio
import csv
import json
import time
from pathlib import Path
from typing import Any

import httpx

from dialer.verbex.client import DIAL
from tests.benchmarks.bare_loop import OWN


def dial_all(url: str, people: Path, results: Path, lines: int) -> float:
    """Dial a whole list; calls per second."""
    return asyncio.run(_dial_all(url, people, results, lines))


async def _dial_all(url: str, people: Path, results: Path, lines: int) -> float:
    with people.open(newline="") as file:
        rows = list(csv.DictReader(file))
    limit = asyncio.Semaphore(lines)
    began = time.perf_counter()
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer API_made_up"}, timeout=30) as client:
        for begin in range(0, len(rows), lines):
            batch = rows[begin : begin + lines]
            await asyncio.gather(*(_call(client, limit, row, results) for row in batch))
    return len(rows) / (time.perf_counter() - began)


async def _call(client: httpx.AsyncClient, limit: asyncio.Semaphore, row: dict[str, str], results: Path) -> None:
    asked: dict[str, Any] = {
        "call_id": f"call-{row['crm_id']}",
        "from_number": OWN,
        "to_number": row["phone"],
        "metadata": {"crm_id": row["crm_id"]},
        "pia_llm_dynamic_data": {"first_name": row["first_name"], "amount_due": row["amount_due"]},
    }
    async with limit:
        answer = await client.post(DIAL, json=asked)
    answer.raise_for_status()
    with results.open("a") as file:
        file.write(json.dumps({**row, "call": answer.json()}) + "\n")
