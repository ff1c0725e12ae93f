"""F09: the platform, or a gateway before it, answers with a 5xx, and it may have dialled all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.faults.kit import first_dial, invariants, stage
from tests.acceptance.proxy import Answered

STATUSES = (500, 502, 503, 504)
PAGE = b"<html><head><title>Sorry</title></head><body>nginx</body></html>"
AFTER = dict(zip((2, 8, 14, 20), STATUSES, strict=True))
BEFORE = dict(zip((5, 11, 17, 23), STATUSES, strict=True))


@pytest.mark.slow
def test_f09_a_5xx_after_the_ring_is_never_posted_again(tmp_path: Path) -> None:
    """Four were dialled before their 5xx, four were not: the first are adopted, the others proven absent and sent again
    under their ids."""
    with stage(tmp_path, 28, repeated="dialled") as there:
        page = {"Content-Type": "text/html"}
        after = {n: Answered(status, PAGE, page, after=True) for n, status in AFTER.items()}
        before = {n: Answered(status, PAGE, page) for n, status in BEFORE.items()}
        there.proxy.rule = first_dial({**after, **before})
        invariants(there, there.run("run", there.plan()), people=28)
        for n, status in AFTER.items():
            assert len(there.ids(n)) == there.rings_of(n) == 1
            assert there.events(n)[:2] == ["intended", "held"]
            assert there.details(n, "held")[0].startswith(f"status {status}")
        for n in BEFORE:
            assert len(there.ids(n)) == 2
            assert len(set(there.ids(n))) == there.rings_of(n) == 1
