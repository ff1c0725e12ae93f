"""What in a conversation means that somebody is not to be called again."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dialer.model import JSON, OptOut
from dialer.policy.optout import means_stop

RULES = OptOut(
    frozenset({"agent_ended_call"}), {"wants": frozenset({"No more calls", "never"}), "stop": frozenset({"yes"})}
)


@pytest.mark.parametrize(
    ("reason", "analysis", "expected"),
    [
        ("agent_ended_call", None, "agent_ended_call"),
        ("agent_ended_call", {"stop": "no"}, "agent_ended_call"),
        ("user_ended_call", None, None),
        (None, None, None),
        (None, {}, None),
        ("user_ended_call", {"wants": "no more calls"}, "wants: no more calls"),
        ("user_ended_call", {"wants": " NEVER "}, "wants: never"),
        ("user_ended_call", {"wants": "never mind"}, None),
        ("user_ended_call", {"wants": None, "other": "never"}, None),
        ("user_ended_call", {"wants": ["price", "never"]}, "wants: never"),
        ("user_ended_call", {"wants": []}, None),
        ("user_ended_call", {"stop": True}, "stop: yes"),
        ("user_ended_call", {"stop": False}, None),
        ("user_ended_call", {"stop": 1}, None),
        (None, {"stop": "Yes"}, "stop: yes"),
    ],
)
def test_a_reason_or_a_value_that_the_campaign_names_means_it(
    reason: str | None, analysis: Mapping[str, JSON] | None, expected: str | None
) -> None:
    assert means_stop(RULES, reason, analysis) == expected


@pytest.mark.parametrize("value", [True, "true", "TRUE"])
def test_true_is_true_as_well(value: JSON) -> None:
    assert means_stop(OptOut(frozenset(), {"stop": frozenset({"True"})}), None, {"stop": value}) == "stop: true"


def test_nothing_means_it_where_nothing_is_named() -> None:
    assert means_stop(OptOut(), "agent_ended_call", {"stop": "yes"}) is None
