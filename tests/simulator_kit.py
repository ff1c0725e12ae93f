"""What the simulator's tests share: a clock moved by hand, dials, the contract as a judge, a served platform."""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml

from dialer.clock import Clock
from dialer.model import SimulatorRules
from dialer.simulator import HttpAnswer, Platform, Ring, Simulator

START = datetime(2026, 11, 22, 14, tzinfo=UTC)
OWN = "+14155550100"
DIAL = "/v1/calls/dial-outbound-phone-call"
KEY = {"Authorization": "Bearer API_made_up"}

_jsonschema: Any = importlib.import_module("jsonschema")  # ships no types
_DOCUMENT = yaml.safe_load((Path(__file__).parent / "dial-openapi.yaml").read_text())
_CALL = _DOCUMENT["components"]["schemas"]["PhoneCallResponse"]
REASONS = tuple(_CALL["properties"]["call_finish_reason"]["anyOf"][0]["enum"])


class Hand:
    """A wall clock that stands still until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self.at = start

    def move(self, seconds: float) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at

    def clock(self) -> Clock:
        return Clock(wall=lambda: self.at.timestamp())


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def number(n: int) -> str:
    return f"+1202555{n:04d}"


def dial(to: str = "+12025550123", **changes: Any) -> dict[str, Any]:
    """A dial's body; a change to `...` takes the key away."""
    body = {"from_number": OWN, "to_number": to, "direction": "outbound", **changes}
    return {name: value for name, value in body.items() if value is not ...}


def rules(**changes: Any) -> SimulatorRules:
    """Everyone answers after 10 s of ringing at most and talks for about a minute, unless told otherwise."""
    return SimulatorRules(**{"ring_seconds": 10.0, "mix": {"agent_ended_call": 1.0}, **changes})


def platform(**changes: Any) -> tuple[Platform, list[Ring]]:
    log: list[Ring] = []
    return Platform(rules(**changes), log), log


def wrong(answer: HttpAnswer | httpx.Response, schema: str) -> list[str]:
    """What the contract finds wrong with an answer's body."""
    body = answer.body if isinstance(answer, HttpAnswer) else answer.json()
    return breaches(body, schema)


def breaches(body: object, schema: str) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in _judge(schema).iter_errors(body)]


@functools.cache
def _judge(schema: str) -> Any:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": _DOCUMENT["components"]}
    formats = _jsonschema.FormatChecker(formats=())
    formats.checks("date-time", raises=ValueError)(_is_instant)
    return _jsonschema.Draft202012Validator(whole, format_checker=formats)


def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@contextlib.asynccontextmanager
async def served(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a simulator on loopback, with a key."""
    async with simulator.serve() as url, httpx.AsyncClient(base_url=url, headers=KEY, trust_env=False) as client:
        yield client
