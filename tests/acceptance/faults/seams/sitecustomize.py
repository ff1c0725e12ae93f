"""Loaded by Python itself at the start of a process, before the command: what the environment asks for is arranged.

FAULT_SIGNAL    "SIGKILL dialer.ledger:Ledger.intend after 5"   the process sends itself the signal, at the fifth time
                that this is called (before), or has returned (after); SIGSTOP waits there for a SIGCONT
FAULT_DEFAULTS  {"dialer.verbex.client:Client.__init__": {"dial_timeout": 1.0}}   other default arguments, as JSON;
                {"dialer.runner.health": {"NEVER_SEEN": 3.0}}   or other values of a module's names
FAULT_CLOCK     a file with the seconds by which the wall clock is wrong; it may change at any time
FAULT_NO_NAMES  a file; while it is there, no name of a host is found
FAULT_TRUSTED   a file of certificates that are trusted instead of the authorities
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import itertools
import json
import os
import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def _found(target: str) -> tuple[Any, str]:
    """Where `module:Class.method` hangs, and its name there."""
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    return functools.reduce(getattr, owners, importlib.import_module(module)), name


def send_signal(word: str, target: str, when: str, nth: int) -> None:
    """Wrap a function: at its n-th call the process sends itself the signal."""
    owner, name = _found(target)
    original, calls = getattr(owner, name), itertools.count(1)

    def strike() -> None:
        os.kill(os.getpid(), signal.Signals[word])

    @functools.wraps(original)
    def plain(*args: Any, **kwargs: Any) -> Any:
        is_now = next(calls) == nth
        if is_now and when == "before":
            strike()
        result = original(*args, **kwargs)
        if is_now and when == "after":
            strike()
        return result

    @functools.wraps(original)
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        is_now = next(calls) == nth
        if is_now and when == "before":
            strike()
        result = await original(*args, **kwargs)
        if is_now and when == "after":
            strike()
        return result

    setattr(owner, name, awaited if inspect.iscoroutinefunction(original) else plain)


def set_defaults(target: str, values: Mapping[str, Any]) -> None:
    """Give arguments of a function other defaults, or names of a module other values; KeyError for one that is not
    there."""
    owner, name = _found(target) if ":" in target else (importlib.import_module(target), "")
    for argument, value in values.items():
        if name:
            _set_default(getattr(owner, name), argument, value)
        else:
            vars(owner)[argument]
            setattr(owner, argument, value)


def _set_default(function: Any, argument: str, value: Any) -> None:
    if argument in (function.__kwdefaults__ or {}):
        function.__kwdefaults__[argument] = value
        return
    code, given = function.__code__, function.__defaults__
    names = code.co_varnames[: code.co_argcount][-len(given) :]
    defaults = dict(zip(names, given, strict=True))
    defaults[argument]
    function.__defaults__ = tuple((defaults | {argument: value}).values())


def shift_clock(file: Path) -> None:
    """The wall clock is wrong by what stands in the file."""
    right = time.time

    def wrong() -> float:
        with contextlib.suppress(OSError, ValueError):
            return right() + float(file.read_text())
        return right()

    time.time = wrong


def lose_names(file: Path) -> None:
    """While the file is there, names of hosts are not found."""
    ask = socket.getaddrinfo

    def found(host: Any, *args: Any, **kwargs: Any) -> Any:
        if file.exists():
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ask(host, *args, **kwargs)

    socket.getaddrinfo = found


def trust(file: str) -> None:
    """Certificates in this file are trusted, and no others."""
    certifi = importlib.import_module("certifi")
    vars(certifi)["where"] = lambda: file


def _arrange(environ: Mapping[str, str]) -> None:
    if file := environ.get("FAULT_CLOCK"):  # first: others keep the function that they find
        shift_clock(Path(file))
    if file := environ.get("FAULT_NO_NAMES"):
        lose_names(Path(file))
    if file := environ.get("FAULT_TRUSTED"):
        trust(file)
    for target, values in json.loads(environ.get("FAULT_DEFAULTS", "{}")).items():
        set_defaults(target, values)
    if order := environ.get("FAULT_SIGNAL"):
        word, target, when, nth = order.split()
        send_signal(word, target, when, int(nth))


_arrange(os.environ)
