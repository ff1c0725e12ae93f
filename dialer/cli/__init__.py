"""The command line: parses, loads, calls once, and ends with a named code."""

from __future__ import annotations

import os
import re
import sys
import traceback

from dialer.cli.app import app
from dialer.errors import DialerError, ExitCode

_LENGTH = re.compile(r"\d+(\.\d+)?[smhd]")


def main() -> None:
    """`python -m dialer` and `dialer`."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    try:
        app(args=_with_wait(arguments), prog_name="dialer")
    except SystemExit as end:
        return _code(end)
    except DialerError as error:
        print(f"dialer: {error}", file=sys.stderr)
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


def _code(end: SystemExit) -> int:
    return end.code if isinstance(end.code, int) else int(end.code is not None)


def _ours(error: Exception) -> int:
    """An error of ours, in one line; the traceback, without anybody's data, only where it is asked for."""
    from dialer.console import mask_text

    print(f"dialer: an error of ours: {mask_text(f'{type(error).__name__}: {error}')}", file=sys.stderr)
    if os.environ.get("DIALER_DEBUG"):
        print(mask_text("".join(traceback.format_exception(error))), file=sys.stderr)
    else:
        print("Please report it, with what DIALER_DEBUG=1 and the same command print.", file=sys.stderr)
    return ExitCode.ERROR


def _with_wait(arguments: list[str]) -> list[str]:
    """`--wait` may stand with or without a length of time; what follows it is one only if it looks like one."""
    found: list[str] = []
    for argument, following in zip(arguments, [*arguments, ""][1:], strict=True):
        bare = argument == "--wait" and not _LENGTH.fullmatch(following)
        found.append("--wait=forever" if bare else argument)
    return found
