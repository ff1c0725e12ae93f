"""What the simulated platform answers, before it is HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dialer.model import JSON


class HttpAnswer(NamedTuple):
    """A status, a JSON body, and headers beside those that HTTP itself adds."""

    status: int
    body: JSON
    headers: Mapping[str, str] = {}


def problem(status: int, error: str, message: str, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """An answer in the platform's shape of an error."""
    return HttpAnswer(status, {"error": error, "message": message}, headers or {})
