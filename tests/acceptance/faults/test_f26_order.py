"""F26: a power cut. Each intent is on disk before the first byte of its POST leaves.

That the same check turns red with `synchronous=NORMAL` is shown in tests/test_guards.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.faults.kit import first_dial, invariants, stage
from tests.acceptance.faults.order import Asked, posts, read, too_early, traced
from tests.acceptance.proxy import Cut

PEOPLE = 12
ID = "a" * 32

WRITTEN = f'7 pwrite64(5</x/camp.db-wal>, "\\0\\3{ID}\\1", 4096, 32) = 4096'
SYNCED = "7 fdatasync(5</x/camp.db-wal>) = 0"
SENT = f'6 sendto(9<TCP:[1->2]>, "POST /v1/calls/dial HTTP/1.1\\r\\n\\r\\n{{\\"call_id\\":\\"{ID}\\"}}", 80, 0) = 80'


@pytest.mark.slow
def test_f26_each_intent_is_on_disk_before_the_first_byte_of_its_post(tmp_path: Path) -> None:
    """A dial that is lost and sent again under its id is one of them: its second intent is synced too."""
    with stage(tmp_path, PEOPLE) as there:
        there.proxy.rule = first_dial({4: Cut(after=False)})
        path = there.plan()
        trace = traced(there, "run", path)
        told = [post.call_id for post in posts(trace)]
        assert sorted(told) == sorted(asked.call_id for asked in there.proxy.dials)
        assert len(told) == PEOPLE + 1
        assert too_early(trace) == []
        invariants(there, there.run("run", path))


def _of(*lines: str) -> list[Asked]:
    return read(lines)


ORDERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "written, synced, sent": ((WRITTEN, SYNCED, SENT), True),
    "never synced": ((WRITTEN, SENT), False),
    "synced after it was sent": ((WRITTEN, SENT, SYNCED), False),
    "synced before it was written": ((SYNCED, WRITTEN, SENT), False),
    "never written": ((SYNCED, SENT), False),
    "another file synced": ((WRITTEN, SYNCED.replace("-wal", ""), SENT), False),
    "the sync failed": ((WRITTEN, SYNCED.replace("= 0", "= -1 EIO (Input/output error)"), SENT), False),
    "sent while it is synced": (
        (WRITTEN, "7 fdatasync(5</x/camp.db-wal> <unfinished ...>", SENT, "7 <... fdatasync resumed>) = 0"),
        False,
    ),
    "the sync cut in two": (
        (WRITTEN, "7 fdatasync(5</x/camp.db-wal> <unfinished ...>", "7 <... fdatasync resumed>) = 0", SENT),
        True,
    ),
    "the sync asked for while it is written": (
        (
            WRITTEN.replace(") = 4096", " <unfinished ...>"),
            SYNCED.replace("7 ", "8 "),
            "7 <... pwrite64 resumed>) = 9",
            SENT,
        ),
        False,
    ),
    "sent again without a new intent": ((WRITTEN, SYNCED, SENT, SENT), False),
    "sent again with a new intent": ((WRITTEN, SYNCED, SENT, WRITTEN, SYNCED, SENT), True),
    "a head first, its body later": (
        (
            WRITTEN,
            SENT.partition("\\r\\n\\r\\n")[0] + '", 40, 0) = 40',
            SYNCED,
            SENT.replace("POST /v1/calls/dial", ""),
        ),
        False,
    ),
}


@pytest.mark.parametrize("order", ORDERS)
def test_f26_the_check_sees_every_wrong_order(order: str) -> None:
    lines, is_right = ORDERS[order]
    assert (too_early(_of(*lines)) == []) is is_right
