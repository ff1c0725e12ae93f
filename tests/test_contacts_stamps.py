"""By what a file of a list is known again without reading it, and when it is read after all."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.contacts import fingerprint, identify, recognise
from dialer.errors import ListError
from dialer.model import FileStamp, ListRules
from tests.lists import CALL, rules, write

LIST = "phone,first_name\n+14155550123,Ann\n"
MINUTE, DAY = 60.0, 86400.0


def later(path: Path, seconds: float = 10 * MINUTE) -> float:
    """So long after the file was last touched, in epoch seconds."""
    return path.stat().st_ctime + seconds


def doctored(given: ListRules, now: float) -> FileStamp:
    """The stamp of the list's one file, with another digest: whoever believes it has not read the file."""
    _, (stamp,) = identify(given, CALL, (), now)
    return replace(stamp, digest="0" * 64)


def is_read(given: ListRules, stamp: FileStamp, now: float) -> bool:
    found, _ = identify(given, CALL, (stamp,), now)
    assert (recognise(given, CALL, (stamp,), now) == found) == (found != fingerprint(given, CALL))
    return found == fingerprint(given, CALL)


def test_a_file_that_nobody_has_touched_is_not_read_again(tmp_path: Path) -> None:
    given = rules(write(tmp_path / "people.csv", LIST))
    now = later(given.files[0])
    found, stamps = identify(given, CALL, (), now)
    assert found == fingerprint(given, CALL)
    assert identify(given, CALL, stamps, now + 5) == (found, stamps)
    assert recognise(given, CALL, stamps, now + 5) == found
    assert not is_read(given, doctored(given, now), now + 5)


@pytest.mark.parametrize(("seconds", "gets_one"), [(-5, False), (0, False), (59, False), (61, True), (DAY, True)])
def test_what_was_written_a_moment_ago_gets_no_stamp(tmp_path: Path, seconds: float, gets_one: bool) -> None:
    given = rules(write(tmp_path / "people.csv", LIST))
    _, stamps = identify(given, CALL, (), later(given.files[0], seconds))
    assert bool(stamps) == gets_one


def _grown(path: Path) -> None:
    with path.open("a") as file:
        file.write("+14155550124,Bob\n")


def _rewritten_in_place_with_its_old_time(path: Path) -> None:
    before = path.stat()
    with path.open("r+") as file:
        file.write(LIST.replace("Ann", "Eve"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_mtime_ns, after.st_size, after.st_ino) == (before.st_mtime_ns, before.st_size, before.st_ino)


def _put_in_its_place_with_its_old_time(path: Path) -> None:
    before = path.stat()
    draft = write(path.with_suffix(".new"), LIST.replace("Ann", "Eve"))
    os.utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns))
    draft.replace(path)


def _touched(path: Path) -> None:
    path.touch()


def _made_private(path: Path) -> None:
    path.chmod(0o600)


@pytest.mark.parametrize(
    "change",
    [_grown, _rewritten_in_place_with_its_old_time, _put_in_its_place_with_its_old_time, _touched, _made_private],
)
def test_a_file_that_was_touched_in_any_way_is_read(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = write(tmp_path / "people.csv", LIST)
    given, now = rules(path), later(path)
    stamp = doctored(given, now)
    assert not is_read(given, stamp, now + 1)
    before = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == before:  # the file system's clock ticks every few milliseconds
        change(path)
        change = change if change is not _grown else _touched
    assert is_read(given, stamp, now + 1)


@pytest.mark.parametrize("part", ["device", "inode", "size", "modified", "changed"])
def test_each_part_of_a_stamp_counts(tmp_path: Path, part: str) -> None:
    given = rules(write(tmp_path / "people.csv", LIST))
    now = later(given.files[0])
    stamp = doctored(given, now)
    assert is_read(given, replace(stamp, **{part: getattr(stamp, part) + 1}), now)


@pytest.mark.parametrize(("after", "read"), [(0, False), (DAY, False), (DAY + 1, True), (-1, True)])
def test_a_stamp_is_believed_for_a_day_and_not_by_a_clock_that_was_set_back(
    tmp_path: Path, after: float, read: bool
) -> None:
    given = rules(write(tmp_path / "people.csv", LIST))
    now = later(given.files[0])
    assert is_read(given, doctored(given, now), now + after) == read


def test_of_several_files_those_are_read_that_are_not_known(tmp_path: Path) -> None:
    one, two = write(tmp_path / "a.csv", LIST), write(tmp_path / "b.csv", LIST.replace("0123", "0124"))
    given, now = ListRules((one, two)), later(two)
    found, stamps = identify(given, CALL, (), now)
    assert len(stamps) == 2
    assert recognise(given, CALL, stamps[:1], now) is None
    assert recognise(given, CALL, stamps[::-1], now) == found
    assert identify(given, CALL, stamps[:1], now) == (found, stamps)
    assert recognise(ListRules((two, one)), CALL, stamps, now) == fingerprint(ListRules((two, one)), CALL) != found


def test_other_rules_are_another_list_though_the_files_are_known(tmp_path: Path) -> None:
    given = rules(write(tmp_path / "people.csv", LIST))
    now = later(given.files[0])
    found, stamps = identify(given, CALL, (), now)
    other = replace(given, required=("first_name",))
    assert recognise(other, CALL, stamps, now) == fingerprint(other, CALL) != found


def test_other_tables_of_places_make_another_list_of_it(tmp_path: Path) -> None:
    given = rules(write(tmp_path / "people.csv", LIST))
    now = later(given.files[0])
    found, stamps = identify(given, CALL, (), now, "of today")
    assert recognise(given, CALL, stamps, now, "of today") == fingerprint(given, CALL, "of today") == found
    assert recognise(given, CALL, stamps, now, "of tomorrow") != found


def test_a_file_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    given = rules(write(tmp_path / "people.csv", LIST))
    _, stamps = identify(given, CALL, (), later(given.files[0]))
    given.files[0].unlink()
    for asked in (identify, recognise):
        with pytest.raises(ListError, match="no such file"):
            asked(given, CALL, stamps, 0.0)
