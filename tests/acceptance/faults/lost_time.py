"""A ledger that is copied, put back or deleted: means to lose the time since, and platforms of several kinds."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.acceptance.faults.kit import Stage, stage
from tests.acceptance.kit import Ended, number
from tests.acceptance.proxy import Answered, Asked, Changed, Fate

MISSING = Answered(404, {"error": "not_found", "message": "No such call."})

KINDS: dict[str, tuple[str, bool]] = {
    "custom": ("custom", True),
    "platform": ("platform", True),
    "both": ("both", True),
    "mute": ("platform", False),
}
"""Which id a GET understands, and whether the platform tells our ids back."""

NO_ANSWER_FIRST = {number(n): ("no_answer", "user_ended_call") for n in (1, 4, 6, 9)}
"""People who take the second call."""

AGAIN = {"attempts": 3, "no_answer": "0.2s"}


def _without_ids(body: dict[str, Any]) -> dict[str, Any]:
    if "calls" in body:
        return body | {"calls": [_without_ids(call) for call in body["calls"]]}
    return {name: value for name, value in body.items() if name not in ("call_id", "metadata")}


def mute(_: Asked) -> Fate:
    """A platform that tells nobody the ids that it was given."""
    return Changed(_without_ids)


def no_list(asked: Asked) -> Fate | None:
    """A platform that has no list of calls."""
    return MISSING if not asked.is_dial and asked.path.startswith("/v1/calls/?") else None


def blind(asked: Asked) -> Fate | None:
    """A platform that shows no call, in the list or by itself."""
    return None if asked.is_dial else MISSING


@contextlib.contextmanager
def kind_of_platform(folder: Path, kind: str, people: int = 12, **rules: Any) -> Iterator[Stage]:
    lookup, echoes = KINDS[kind]
    usual: dict[str, Any] = {"lookup": lookup, "repeated": "dialled", "script": NO_ANSWER_FIRST}
    with stage(folder, people, **(usual | rules)) as there:
        if not echoes:
            there.proxy.rule = mute
        yield there


# --- the ledger's files --------------------------------------------------------------------------------


def files(there: Stage) -> list[Path]:
    """The ledger and what SQLite keeps beside it."""
    return [path for ending in ("", "-wal", "-shm") if (path := there.folder / f"camp.db{ending}").exists()]


def delete(there: Stage, *besides: str) -> None:
    """The ledger is deleted, with `camp.db.<ending>` for each of these."""
    for path in [*files(there), *(there.folder / f"camp.db.{ending}" for ending in besides)]:
        path.unlink()


def kept(there: Stage) -> Path:
    """A plain copy of the ledger's files, made while nothing runs, in a folder of its own."""
    folder = there.folder / "kept"
    folder.mkdir()
    for path in files(there):
        shutil.copy2(path, folder / path.name)
    return folder


def put_back(there: Stage, folder: Path) -> None:
    """The plain copy is written over the ledger, which stays the same file."""
    place = there.ledger.stat().st_ino
    for path in files(there):
        if not (folder / path.name).exists():
            path.unlink()
    for path in folder.iterdir():
        shutil.copyfile(path, there.folder / path.name)
    assert there.ledger.stat().st_ino == place


def backed_up(there: Stage, path: Path) -> Path:
    """A copy made by the command itself."""
    copy = there.folder / "backup.db"
    assert there.run("backup", copy, path).code == 0
    return copy


def restored_over(there: Stage, copy: Path) -> None:
    """The backup is written over the ledger, which stays the same file."""
    place = there.ledger.stat().st_ino
    for path in files(there)[1:]:
        path.unlink()
    shutil.copyfile(copy, there.ledger)
    shutil.copyfile(f"{copy}.secret", there.folder / "camp.db.secret")
    assert there.ledger.stat().st_ino == place


def restored_in_place(there: Stage, copy: Path) -> None:
    """The backup takes the ledger's place, as another file."""
    place = there.ledger.stat().st_ino
    there.ledger.rename(there.folder / "old.db")
    for path in files(there):
        path.unlink()
    os.replace(copy, there.ledger)
    os.replace(f"{copy}.secret", there.folder / "camp.db.secret")
    assert there.ledger.stat().st_ino != place


# --- what was done and said -----------------------------------------------------------------------------


def some(there: Stage, path: Path, calls: int = 4) -> None:
    """A run that ends after so many calls, with more to be done."""
    ended = there.run("run", path, "--max-calls", str(calls))
    assert ended.code == 75, ended.err


def dials_nobody(there: Stage, path: Path, code: int, *options: str) -> Ended:
    """A run that ends so, and before which and after which there were as many dials."""
    before = len(there.proxy.dials)
    ended = there.run("run", path, *options)
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    assert len(there.proxy.dials) == before
    return ended
