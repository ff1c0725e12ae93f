"""F14: a redirect to another host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.faults.kit import first_dial, invariants, nothing, stage
from tests.acceptance.kit import person
from tests.acceptance.proxy import Answered, between

STATUSES = {2: 302, 5: 307, 8: 308}


@pytest.mark.slow
def test_f14_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """The contact is unknown, the run stops to be looked at, and neither key nor number goes to the other host."""
    with stage(tmp_path) as there, between(1) as elsewhere:
        path = there.plan(recovery={"hold": "2s"})
        for n, status in STATUSES.items():
            to = {"Location": f"{elsewhere.url}/v1/calls/dial-outbound-phone-call"}
            there.proxy.rule = first_dial({n: Answered(status, None, to)})
            ended = there.run("run", path, "--grace", "1s")
            assert (ended.code, ended.closing.split()[:3]) == (70, ["camp", "70", "redirect"]), ended.err
            assert "platform.url" in ended.err
            assert there.contacts()[person(n)]["state"] == "unknown"
        assert elsewhere.asked == []
        there.proxy.rule = nothing
        invariants(there, there.run("run", path))
        assert elsewhere.asked == []
        assert [there.rings_of(n) for n in STATUSES] == [1, 1, 1]
