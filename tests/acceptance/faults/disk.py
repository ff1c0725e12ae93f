"""Disks that fail when they are told to: full, locked, broken, read-only; and what is to be said of it."""

from __future__ import annotations

import contextlib
import re
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.kit import Ended, Running, World

Failing = Callable[[Running], AbstractContextManager[None]]
"""Makes the disk fail under a running command, for the length of the block."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk that can fail: how it is made to, and what is said then."""

    failing: Failing
    words: tuple[str, ...]
    until_told: bool = False  # it fails until it was spoken of, not until the command has ended


# --- a small disk that is filled -----------------------------------------------------------------


@contextlib.contextmanager
def full(there: World) -> Iterator[Disk]:
    """A ledger on a disk of two megabytes; skipped where it cannot be mounted."""
    small = there.folder / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here ({mounted.stderr.strip()})")
    there.ledger = small / "camp.db"
    try:
        yield Disk(lambda _: _filled(small), ("full", "make room on the disk"))
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)


@contextlib.contextmanager
def _filled(folder: Path) -> Iterator[None]:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(bytes(1024)):
            pass
    try:
        yield
    finally:
        filler.unlink()


# --- a file that may not grow --------------------------------------------------------------------


@contextlib.contextmanager
def limited(there: World) -> Iterator[Disk]:
    """No file may have more than a page of SQLite's: what is written behind it is an I/O error."""
    yield Disk(_no_growth, ("disk I/O error", "make room on the disk"))


@contextlib.contextmanager
def _no_growth(run: Running) -> Iterator[None]:
    pid, most = run.process.pid, 4096
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        if run.process.poll() is None:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


# --- another program that writes -----------------------------------------------------------------


@contextlib.contextmanager
def locked(there: World) -> Iterator[Disk]:
    """Another process, this one, holds the database for longer than anybody waits."""
    words = ("locked", "another program writes to it")
    yield Disk(lambda _: _written_by_another(there.ledger), words, until_told=True)


@contextlib.contextmanager
def _written_by_another(ledger: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


# --- system calls that fail ----------------------------------------------------------------------

_SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Calls on the ledger's files fail for as long as a file tells them to: it is named in DISK_FAILS. */
static int fails(int fd) {
    char link[64], path[4096];
    const char *told = getenv("DISK_FAILS"), *ledger = getenv("DISK_LEDGER");
    if (!told || !ledger || access(told, F_OK) != 0) return 0;
    char *end = link + sizeof "/proc/self/fd/" - 1;
    memcpy(link, "/proc/self/fd/", sizeof "/proc/self/fd/");
    char digits[16]; int n = 0;
    do { digits[n++] = '0' + fd % 10; fd /= 10; } while (fd);
    while (n) *end++ = digits[--n];
    *end = 0;
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, ledger, strlen(ledger)) == 0 && strcmp(path + strlen(ledger), ".rings.jsonl") != 0;
}

#ifdef FAIL_SYNC
int fdatasync(int fd) {
    if (fails(fd)) { errno = EIO; return -1; }
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
int fsync(int fd) {
    if (fails(fd)) { errno = EIO; return -1; }
    return ((int (*)(int)) dlsym(RTLD_NEXT, "fsync"))(fd);
}
#else
ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
    if (fails(fd)) { errno = EROFS; return -1; }
    return ((ssize_t (*)(int, const void *, size_t, off_t)) dlsym(RTLD_NEXT, "pwrite64"))(fd, bytes, count, offset);
}
#endif
"""


def unsynced(there: World) -> AbstractContextManager[Disk]:
    """Writes seem well, and then the disk says that it could not keep them: EIO where they are synced."""
    return _shimmed(there, "-DFAIL_SYNC")


def read_only(there: World) -> AbstractContextManager[Disk]:
    """The system has made the disk read-only in mid-run, as it does after an error: EROFS on each write."""
    return _shimmed(there, "-DFAIL_WRITE")


@contextlib.contextmanager
def _shimmed(there: World, what: str) -> Iterator[Disk]:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here, with which system calls are made to fail")
    source, shim, told = (there.folder / name for name in ("shim.c", "shim.so", "disk-fails"))
    source.write_text(_SHIM)
    built = [compiler, "-shared", "-fPIC", "-O1", what, "-o", str(shim), str(source), "-ldl"]
    subprocess.run(built, check=True, capture_output=True)
    there.environ |= {"LD_PRELOAD": str(shim), "DISK_FAILS": str(told), "DISK_LEDGER": str(there.ledger)}
    yield Disk(lambda _: _told_to(told), ("disk I/O error", "make room on the disk"))


@contextlib.contextmanager
def _told_to(told: Path) -> Iterator[None]:
    told.touch()
    try:
        yield
    finally:
        told.unlink()


DISKS: dict[str, Callable[[World], AbstractContextManager[Disk]]] = {
    "full": full,
    "I/O error on a write": limited,
    "I/O error on a sync": unsynced,
    "read-only": read_only,
    "locked": locked,
}


def ends_while_it_fails(disk: Disk, run: Running, goes_on: Callable[[], None]) -> Ended:
    """The disk fails, what stood still goes on, and the command ends."""
    with disk.failing(run):
        goes_on()
        if disk.until_told:
            run.until(lambda: disk.words[0] in run.err)
        else:
            run.process.wait(30)
    return run.ended()


# --- what is seen --------------------------------------------------------------------------------

NO_MORE_THAN_OTHERS = """\
import ctypes
if os.geteuid() == 0:
    libc = ctypes.CDLL(None)
    for right in (1, 2):  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: root, too, is told what it may not write
        libc.prctl(24, right, 0, 0, 0)
"""
"""What a first interpreter does before it becomes the command."""


def is_whole(ledger: Path) -> None:
    """The file is undamaged: SQLite's own word, with all of its indices read."""
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def says_plainly(ended: Ended, *words: str) -> None:
    """Exit code 74, and one sentence that names the ledger and says what to do."""
    assert ended.code == 74, ended.err
    assert "Traceback" not in ended.err
    assert "error of ours" not in ended.err
    [*_, sentence] = [line for line in ended.err.splitlines() if "the ledger" in line and "cannot be" in line]
    assert "camp.db" in sentence
    for word in words:
        assert word in sentence, sentence
    assert re.fullmatch(r"camp 74 ledger next=\S+ due=\d+ live=\d+ unknown=\d+", ended.closing), ended.closing
