"""What every benchmark is made of: how it is asked for, what it answers, and how two things are compared.

A speed is a ratio against something in the same run, since no figure of one machine holds on another. Memory and
processes are those of Linux; elsewhere the system's own count is taken where there is one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

MEGABYTE = 1_000_000


class Missing(Exception):
    """Something that this machine would need for the benchmark is not there; the message says what to install."""


@dataclass(frozen=True)
class How:
    """What a benchmark is asked: `quick` is sized for seconds; `folder` is its own, and taken away afterwards."""

    quick: bool
    folder: Path


@dataclass(frozen=True)
class Line:
    """One row of the document. `holds` is None where there is no goal, or where this run cannot judge it."""

    what: str
    against: str
    goal: str
    measured: str
    holds: bool | None
    note: str = ""


@dataclass(frozen=True)
class Ratio:
    """Of two things measured by turns: each pair's quotient, `ours` over `other`."""

    ours: tuple[float, ...]
    other: tuple[float, ...]

    @property
    def runs(self) -> tuple[float, ...]:
        return tuple(mine / theirs for mine, theirs in zip(self.ours, self.other, strict=True))

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    def __str__(self) -> str:
        """The median, and what it lies between."""
        return f"{self.median:.2f} ({min(self.runs):.2f}–{max(self.runs):.2f})"


def paired(ours: Callable[[], float], other: Callable[[], float], times: int = 5) -> Ratio:
    """Measure both by turns, `times` each, so that what else the machine does falls on both.

    Each gives a number greater than zero: seconds, or a rate. Who goes first changes from pair to pair.
    """
    mine, theirs = [], []
    for turn in range(times):
        if turn % 2:
            theirs.append(other())
            mine.append(ours())
        else:
            mine.append(ours())
            theirs.append(other())
    return Ratio(tuple(mine), tuple(theirs))


def seconds_of(work: Callable[[], object]) -> float:
    """How long it takes by the clock on the wall."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def cpu_of(work: Callable[[], object]) -> float:
    """How many seconds of CPU this process spends on it, threads included."""
    began = time.process_time()
    work()
    return time.process_time() - began


# --- processes -----------------------------------------------------------------------------------


def _usable() -> tuple[int, ...]:
    return tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_setaffinity") else ()


CORES = _usable()
"""The cores that this process was given at its start; none where the system does not tell."""


def pin(pid: int, core: int) -> None:
    """Keep a process on the `core`-th of CORES; 0 is the calling thread. Without effect where the system cannot.

    Of a process that runs already only the first thread is moved: pin it before it starts others, or use `pinned`.
    """
    if CORES:
        os.sched_setaffinity(pid, {CORES[core % len(CORES)]})


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Keep this thread, and the threads and processes that it starts meanwhile, on the `core`-th of CORES."""
    before = _usable()
    pin(0, core)
    try:
        yield
    finally:
        if before:
            os.sched_setaffinity(0, before)


@dataclass(frozen=True)
class Spent(Generic[T]):
    """What a function gave in a process of its own, and what it took there; the peak counts the start of Python too."""

    answer: T
    seconds: float
    cpu_seconds: float
    peak_bytes: int


def in_process(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Spent[T]:
    """Run a function of a module, with arguments that can be pickled, in a new interpreter.

    Its exceptions come out here; `BrokenProcessPool` if the process dies. It inherits the core of a `pinned` caller,
    and ends if its caller is killed.
    """
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, initializer=_end_with_parent) as pool:
        return pool.submit(_spent, work, arguments, named).result()


def _end_with_parent() -> None:
    """Whoever waits for this process may be killed: it would go on, and spoil what is measured next."""
    threading.Thread(target=_end_after, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_after(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _spent(work: Callable[..., T], arguments: tuple[Any, ...], named: dict[str, Any]) -> Spent[T]:
    began, cpu = time.perf_counter(), time.process_time()
    answer = work(*arguments, **named)
    return Spent(answer, time.perf_counter() - began, time.process_time() - cpu, peak_memory())


def peak_memory() -> int:
    """The most that this process has held resident since it was started, in bytes.

    `ru_maxrss` is not it on Linux: a process begins there with the peak of the one that started it.
    """
    with contextlib.suppress(OSError):
        return status_of(os.getpid())["VmHWM"]
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def status_of(pid: int | str) -> dict[str, int]:
    """The numbers of /proc/<pid>/status: memory (`VmRSS`, `VmHWM`) in bytes, `Threads`. OSError where there is none."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        words = value.split()
        if words and words[0].isdigit():
            found[key] = int(words[0]) * (1024 if words[-1] == "kB" else 1)
    return found


def megabytes(count: float) -> str:
    """Bytes for people: `274 MB`."""
    return f"{count / MEGABYTE:,.0f} MB"
