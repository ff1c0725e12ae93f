"""The command line: parses, loads, calls once, and ends with a named code."""

from __future__ import annotations

import os
import re
import sys
import traceback
from typing import TextIO

from dialer.cli.app import app
from dialer.errors import DialerError, ExitCode

_LENGTH = re.compile(r"\d+([.,]\d+)?[A-Za-z]*")  # with a wrong unit too, so that it is told, and not taken for a file


def main() -> None:
    """`python -m dialer` and `dialer`."""
    os.umask(0o077)  # whatever is made from here on is about people: their owner's alone
    code = _run(sys.argv[1:])
    is_told = _written(sys.stdout)
    _written(sys.stderr)
    sys.exit(code if is_told else code or ExitCode.ERROR)


def _written(stream: TextIO) -> bool:
    """Whether all that was printed has left. What cannot be written, to a full disk perhaps, must not hide the exit
    code behind the one that the interpreter has for it."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True


def _run(arguments: list[str]) -> int:
    try:
        app(args=_with_wait(arguments), prog_name="dialer")
    except SystemExit as end:
        return _code(end)
    except DialerError as error:
        _tell(f"dialer: {error}")
        return error.code
    except BrokenPipeError:
        # Whoever read has gone; what the interpreter still holds back must not be written after them.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return _ours(error)
    return ExitCode.OK


def _tell(sentence: str) -> None:
    from dialer.console import mask_text

    print(mask_text(sentence), file=sys.stderr)


def _code(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else int(end.code is not None)


def _ours(error: Exception) -> int:
    """An error of ours, in one line; the traceback, without anybody's data, only where it is asked for."""
    _tell(f"dialer: an error of ours: {type(error).__name__}: {error}")
    if os.environ.get("DIALER_DEBUG"):
        _tell("".join(traceback.format_exception(error)))
    else:
        _tell("Please report it, with what DIALER_DEBUG=1 and the same command print.")
    return ExitCode.ERROR


def _with_wait(arguments: list[str]) -> list[str]:
    """`--wait` may stand with or without a length of time; what follows it is one only if it looks like one."""
    found: list[str] = []
    for argument, following in zip(arguments, [*arguments, ""][1:], strict=True):
        bare = argument == "--wait" and not _LENGTH.fullmatch(following)
        found.append("--wait=forever" if bare else argument)
    return found
