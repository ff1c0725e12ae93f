"""On what something was measured: without it, a figure says nothing."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import statistics
import time
import tomllib
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.kit import CORES, MEGABYTE

ROOT = Path(__file__).parents[2]


def described(folder: Path) -> str:
    """The machine in one line; `folder` is on the disk whose fsync counts."""
    cores = len(CORES) or os.cpu_count() or 1
    synced = 1000 * fsync_seconds(folder)
    return (
        f"{_processor()}, {cores} core{'s' * (cores > 1)}, {_memory()}{platform.system()} {_kernel()}; "
        f"an fsync takes {synced:.2f} ms"
    )


def interpreters() -> str:
    """What runs and what stores."""
    return f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def dependencies() -> str:
    """Each library that the product asks for, and the version that was measured."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = [re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in project["dependencies"]]
    return ", ".join(f"{name} {version(name)}" for name in names)


def fsync_seconds(folder: Path, times: int = 50) -> float:
    """The median time in which a page at the end of a file in that folder reaches the disk."""
    taken = []
    path = folder / "fsync"
    with path.open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(taken)


def _kernel() -> str:
    """Its version, without what its builder calls it."""
    return ".".join(platform.release().split(".")[:2])


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return " ".join(value.split())
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        count = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return ""
    return f"{count / MEGABYTE / 1000:.0f} GB, "
