"""The same HTTP client in a bare loop, without a ledger: tasks that take the next person, dial, and read the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from dialer.verbex.client import DIAL
from dialer.verbex.transport import open_transport

OWN = "+14155550100"


def number(place: int) -> str:
    """The number of the n-th person, of those that exist."""
    return f"+1415{200 + place // 10_000:03d}{place % 10_000:04d}"


def body(place: int) -> dict[str, Any]:
    """The dial of the n-th person, as dialer would send it."""
    call_id = f"{place:032d}"
    return {
        "call_id": call_id,
        "from_number": OWN,
        "to_number": number(place),
        "metadata": {"crm_id": f"c{place}", "dialer_call_id": call_id},
        "direction": "outbound",
        "pia_llm_dynamic_data": {"first_name": f"Name{place}", "amount_due": "12.50"},
    }


def dial_all(url: str, people: int, tasks: int) -> float:
    """Dial them all; calls per second."""
    return asyncio.run(_dial_all(url, people, tasks))


async def _dial_all(url: str, people: int, tasks: int) -> float:
    transport = open_transport(tasks + 10, {}, plain=True)
    headers = {"Authorization": "Bearer API_made_up", "Accept": "application/json", "Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(base_url=url, transport=transport, headers=headers, trust_env=False) as http:
        places = iter(range(people))
        began = time.perf_counter()

        async def work(left: Iterator[int]) -> None:
            for place in left:
                answer = await http.post(DIAL, json=body(place))
                if answer.json()["to_number"] != number(place):
                    raise AssertionError("an answer for another number")

        await asyncio.gather(*(work(places) for _ in range(tasks)))
        return people / (time.perf_counter() - began)


def write_list(path: Path, people: int) -> Path:
    """A list of the same people."""
    rows = (f"{number(n)},Name{n},12.50,c{n}\n" for n in range(people))
    path.write_text("phone,first_name,amount_due,crm_id\n" + "".join(rows))
    return path
