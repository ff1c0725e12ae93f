"""The rings file: what it keeps through kills and tears, and who may write it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import UsageError
from dialer.simulator import Platform, Ring, read_rings
from dialer.simulator.rings import RingsFile
from tests.simulator_kit import after, dial, number, platform, rules

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def ring(n: int = 1) -> Ring:
    there, log = platform(seed=n)
    there.dial(dial(number(n), call_id=f"id-{n}", metadata={"row": str(n)}), after(n))
    return log[0]


def written(path: Path, count: int) -> list[Ring]:
    rings = [ring(n) for n in range(count)]
    path.write_text("".join(f"{one.to_line()}\n" for one in rings))
    return rings


def append(path: Path, one: Ring) -> list[Ring]:
    """Open the file as a simulator does, add a ring; give back what stood there."""
    log = RingsFile(path)
    try:
        before = list(log)
        log.append(one)
        return before
    finally:
        log.close()


def test_what_is_appended_is_read_back_at_once(tmp_path: Path) -> None:
    path = tmp_path / "rings.jsonl"
    log = RingsFile(path)
    there = Platform(rules(concurrent_calls=1), log)
    there.dial(dial(number(1), call_id="a", metadata={"k": "v"}, pia_llm_dynamic_data={"n": [1, 2.5, None]}), after(0))
    there.dial(dial(number(2), call_id="b"), after(1))
    first, second = read_rings(path)
    log.close()
    assert (first.to_number, first.call_id, first.at, first.rang, first.reason) == (
        number(1),
        "a",
        after(0).timestamp(),
        True,
        "agent_ended_call",
    )
    assert (first.metadata, first.data) == ({"k": "v"}, {"n": [1, 2.5, None]})
    assert (second.to_number, second.rang, second.turned_away) == (number(2), False, True)
    assert path.stat().st_mode & 0o777 == 0o600


@given(data=st.dictionaries(st.text(), JSON), metadata=st.dictionaries(st.text(), st.text()), name=st.text(min_size=1))
def test_a_ring_survives_its_line(data: dict[str, object], metadata: dict[str, str], name: str) -> None:
    there, log = platform()
    there.dial(dial(call_id=name[:128], pia_llm_dynamic_data=data, metadata=metadata), after(0))
    line = log[0].to_line()
    assert "\n" not in line
    assert Ring.from_line(line.encode()) == log[0]


def test_a_line_torn_anywhere_counts_only_if_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "rings.jsonl"
    rings = written(path, 3)
    whole = path.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    for cut in range(start, len(whole) + 1, 7):
        path.write_bytes(whole[:cut])
        assert read_rings(path) == rings[:2]
        assert append(path, ring(7)) == rings[:2]
        assert read_rings(path) == [*rings[:2], ring(7)]
    path.write_bytes(whole[:-1])
    assert read_rings(path) == rings
    assert append(path, ring(7)) == rings
    assert read_rings(path) == [*rings, ring(7)]


def test_a_line_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rings.jsonl"
    rings = written(path, 3)
    for broken in ("{}", "[]", "7", "", '{"rang": true}', '{"rang": true, "fate": {}}', rings[0].to_line()[:-1]):
        path.write_text(f"{rings[0].to_line()}\n{broken}\n{rings[1].to_line()}\n")
        with pytest.raises(UsageError, match=r"line 2 of .*rings\.jsonl is not a ring; move the file away"):
            RingsFile(path)
        with pytest.raises(UsageError, match="line 2"):
            read_rings(path)


def test_a_file_that_is_not_there_has_no_rings(tmp_path: Path) -> None:
    assert read_rings(tmp_path / "none") == []


def test_a_second_simulator_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "rings.jsonl"
    first = RingsFile(path)
    with pytest.raises(UsageError, match=r"another simulator is running on the rings file .*rings\.jsonl"):
        RingsFile(path)
    first.close()
    RingsFile(path).close()


def test_a_file_that_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot open .*rings: No such file or directory"):
        RingsFile(tmp_path / "missing" / "rings")
    with pytest.raises(UsageError, match="Is a directory"):
        RingsFile(tmp_path)


def test_a_disk_that_fills_within_a_line_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rings.jsonl"
    log = RingsFile(path)
    log.append(ring(1))
    real, room = os.write, [40]

    def filling(file: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        done, room[0] = real(file, data[: room[0]]), 0
        return done

    monkeypatch.setattr(os, "write", filling)
    with pytest.raises(OSError, match="No space"):
        log.append(ring(2))
    monkeypatch.undo()
    log.append(ring(3))
    log.close()
    assert read_rings(path) == [ring(1), ring(3)]
