"""Everything that can go wrong and is told to a person.

    DialerError                      one sentence, an exit code
    ├── UsageError                   2   the command line
    ├── CampaignError                78  the campaign file (carries every problem found in it)
    ├── ListError                    78  the contact list as a whole
    ├── PlatformRefused              77  the key or the payment
    ├── PlatformUnreachable          69  no answer, or too many failures
    ├── WebhookError                 78  webhooks cannot be received as the campaign file says
    ├── LookFirst                    70  something a person must look at before the run goes on
    ├── LedgerError                  74  the ledger cannot be read or written
    │   └── IllegalTransition        74  a state was not the one expected: a bug, or a second writer
    └── LedgerHeld                   11  another run holds the ledger

The message is the sentence that the user reads: what happened, where, and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ends; cron lines depend on the numbers."""

    OK = 0
    ERROR = 1
    USAGE = 2
    UNKNOWN_LEFT = 3
    PAUSED = 4
    HELD = 11
    UNREACHABLE = 69
    LOOK_FIRST = 70
    LEDGER = 74
    WORK_REMAINS = 75
    REFUSED = 77
    FILE = 78


class DialerError(Exception):
    """An error of ours, in one sentence."""

    code: ExitCode = ExitCode.ERROR


class UsageError(DialerError):
    """The command line asks for something that cannot be."""

    code = ExitCode.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a campaign file: the dotted key, its line (0 if it has none), the sentence, a suggestion."""

    key: str
    line: int
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        key = f"{self.key}: " if self.key else ""
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{where}{key}{self.message}{hint}"


class CampaignError(DialerError):
    """The campaign file is wrong; every problem is listed."""

    code = ExitCode.FILE

    def __init__(self, path: str, problems: tuple[Problem, ...]) -> None:
        self.path = path
        self.problems = problems
        lines = "\n".join(f"  {problem}" for problem in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"{path}: {count}, nobody was dialled:\n{lines}")


class ListError(DialerError):
    """The contact list as a whole cannot be taken; nothing of it was."""

    code = ExitCode.FILE


class PlatformRefused(DialerError):
    """The platform refuses the key or the payment."""

    code = ExitCode.REFUSED


class PlatformUnreachable(DialerError):
    """The platform does not answer, or fails too often."""

    code = ExitCode.UNREACHABLE


class WebhookError(DialerError):
    """Webhooks cannot be received as the campaign file says; nobody was dialled."""

    code = ExitCode.FILE


class LookFirst(DialerError):
    """Something happened that a person must look at first."""

    code = ExitCode.LOOK_FIRST


class LedgerError(DialerError):
    """The ledger cannot be read or written."""

    code = ExitCode.LEDGER


class IllegalTransition(LedgerError):
    """A row was not in the state that the update expected; nothing was changed."""


class LedgerHeld(DialerError):
    """Another run holds the ledger."""

    code = ExitCode.HELD
