"""What belongs to the simulated account: its own numbers, its agents. Pure.

That the numbers come as one array inside an object, and the agents as a bare one, is assumed: nobody knows the one, and
the other was seen in the code of others.
"""

from __future__ import annotations

from collections.abc import Sequence

from dialer.model import JSON, SimulatorRules
from dialer.simulator import contract
from dialer.simulator.calls import DEFAULT_AGENT
from dialer.simulator.http_answer import HttpAnswer, problem

TRUNK_PASSWORD = "canary-sip-trunk-password"  # noqa: S105 - made up, to turn up nowhere else  # nosec B105
_MOST_ON_A_PAGE = 100


def numbers(rules: SimulatorRules, query: Sequence[tuple[str, str]]) -> HttpAnswer:
    """A page of the account's own numbers, each with the agent that speaks under it."""
    if not rules.own_numbers:
        return problem(404, "not_found", "This account takes any number as its own, and lists none.")
    asked = contract.page_query(query, _MOST_ON_A_PAGE)
    if not isinstance(asked, contract.PageQuery):
        return HttpAnswer(422, {"detail": asked})
    end = asked.offset + asked.size
    shown = rules.own_numbers[asked.offset : end]
    next_page = contract.page_token(end) if end < len(rules.own_numbers) else None
    return HttpAnswer(200, {"phone_numbers": list(map(_number, shown)), "next_page_token": next_page})


def agents() -> HttpAnswer:
    """The account's one agent."""
    return HttpAnswer(200, [{"_id": DEFAULT_AGENT, "name": f"Agent {DEFAULT_AGENT[-4:]}"}])


def _number(number: str) -> dict[str, JSON]:
    return {
        "_id": f"pn{number.removeprefix('+')}",
        "phone_number": number,
        "friendly_name": "Reminders",
        "provider": "twilio",
        "inbound_agent_id": None,
        "outbound_agent_id": DEFAULT_AGENT,
        "sip_trunk_password": TRUNK_PASSWORD,
    }
