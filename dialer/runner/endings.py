"""How a campaign's run ended: the exit code and one word for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dialer.errors import DialerError, ExitCode, WebhookError
from dialer.model import ContactState, StopCause

_SEVERITY = (
    ExitCode.ERROR,
    ExitCode.USAGE,
    ExitCode.LEDGER,
    ExitCode.REFUSED,
    ExitCode.FILE,
    ExitCode.LOOK_FIRST,
    ExitCode.UNREACHABLE,
    ExitCode.HELD,
    ExitCode.PAUSED,
    ExitCode.WORK_REMAINS,
    ExitCode.UNKNOWN_LEFT,
    ExitCode.OK,
)
"""Of several campaigns in one run, the first of these that any of them has is the run's exit code."""


def ending(
    stop: StopCause | None,
    states: Mapping[str, int],
    only: str | None = None,
    *,
    has_list: bool = True,
    is_closed: bool = False,
    is_day_full: bool = False,
) -> tuple[ExitCode, str]:
    """The exit code and reason of one campaign: why it was stopped, or what it has left.

    `has_list` is False where the run was stopped before its list was taken: then work remains, whoever is finished.
    `is_closed`: whoever is due may not be called at this hour; `is_day_full`: since all calls of the day are made.
    """
    waiting = states.get(ContactState.DUE, 0) + states.get(ContactState.WAITING, 0)
    live = states.get(ContactState.DIALING, 0)
    if stop is not None and (stop.code is not ExitCode.WORK_REMAINS or waiting + live or not has_list):
        return stop.code, stop.reason
    if live:
        return ExitCode.WORK_REMAINS, "calls_live"
    if waiting:
        closed = "day_full" if is_day_full else "outside_hours"
        later = closed if is_closed else "due_later"
        return ExitCode.WORK_REMAINS, later if only is None else "only_one"
    if states.get(ContactState.UNKNOWN, 0):
        return ExitCode.UNKNOWN_LEFT, "unknown_left"
    return ExitCode.OK, "finished"


def reason_of(error: BaseException) -> str:
    """One word for an error, as the closing line has it."""
    if isinstance(error, WebhookError):
        return "webhooks"
    code = error.code if isinstance(error, DialerError) else ExitCode.ERROR
    return code.name.lower()


def cause_of(error: BaseException) -> StopCause:
    """An error as that which stops a campaign."""
    if isinstance(error, DialerError):
        return StopCause(error.code, reason_of(error), str(error))
    return StopCause(ExitCode.ERROR, reason_of(error), f"an error of ours: {type(error).__name__}: {error}")


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code of a run that carried several campaigns."""
    return min(codes, key=_SEVERITY.index, default=ExitCode.OK)
