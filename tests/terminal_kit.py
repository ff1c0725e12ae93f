"""A command at a terminal: what it shows there, and what somebody types when they are asked."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.command_line import ROOT, Told

_GIVES_UP = 60.0
_CLOSED = b"\x04"


def at_terminal(*arguments: str | Path, types: str | signal.Signals | None = None, when: str = "[y/N]") -> Told:
    """A command whose input and standard error are a terminal; standard output is none, and is told apart.

    Once `when` is shown, `types` is typed there ('' closes the terminal's input, as Ctrl-D does), or the
    signal is sent; None: nothing is.
    """
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "dialer", *map(str, arguments)]
    env = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    with subprocess.Popen(command, stdin=slave, stderr=slave, stdout=subprocess.PIPE, env=env) as running:
        os.close(slave)
        try:
            shown = _watched(master, when.encode(), lambda: _answer(master, running, types))
        finally:
            os.close(master)
        out, _ = running.communicate(timeout=_GIVES_UP)
    return Told(running.returncode, out.decode(), shown.decode().replace("\r\n", "\n"))


def _answer(master: int, running: subprocess.Popen[bytes], types: str | signal.Signals | None) -> None:
    if isinstance(types, signal.Signals):
        running.send_signal(types)
    elif types is not None:
        os.write(master, f"{types}\n".encode() if types else _CLOSED)


def _watched(master: int, when: bytes, answer: Callable[[], None]) -> bytes:
    """All that is shown, to the end; `answer` is called once, when that is seen."""
    shown, has_answered = b"", False
    while select.select([master], [], [], _GIVES_UP)[0]:
        try:
            more = os.read(master, 4096)
        except OSError:  # nobody holds the other end any more
            break
        shown += more
        if not has_answered and when in shown:
            has_answered = True
            answer()
    return shown
