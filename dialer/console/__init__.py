"""What a run shows: a live view on a terminal, plain or JSON lines elsewhere, numbers and secrets masked in all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, TextIO

from dialer.clock import Clock
from dialer.console.lines import Console, JsonConsole, Level, Now, QuietConsole, TextConsole
from dialer.console.logs import set_up_logging
from dialer.console.masking import mask, mask_text

__all__ = ["Console", "Level", "choose", "mask", "mask_text", "set_up_logging"]


def choose(
    stream: TextIO,
    *,
    log_format: Literal["text", "json"] = "text",
    quiet: bool = False,
    is_terminal: bool = False,
    environ: Mapping[str, str] = os.environ,
    now: Now | None = None,
) -> Console:
    """The console for this stream: live on a terminal that can, else lines; quiet ones speak of bad ends alone.

    `now` is the wall clock, for the time at the head of a line.
    """
    clock = now or Clock().now
    if quiet:
        return QuietConsole(_lines(stream, log_format, clock))
    if log_format == "text" and is_terminal and _can_draw(stream, environ):
        from dialer.console.live import LiveConsole  # only here: rich takes a while to import

        return LiveConsole(stream, environ)
    return _lines(stream, log_format, clock)


def _lines(stream: TextIO, log_format: str, now: Now) -> Console:
    return JsonConsole(stream, now) if log_format == "json" else TextConsole(stream, now)


def _can_draw(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the terminal can be drawn on; an unset TERM, as in a container, mostly can."""
    encoding = (stream.encoding or "").lower().replace("-", "")
    return environ.get("TERM", "").lower() not in ("dumb", "unknown") and encoding.startswith("utf")
