"""Whether the own numbers of a campaign are the account's, and who speaks under them, as far as the platform shows it.

It is asked with three requests at most, the one for the key included; what it does not show stands in nobody's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dialer import config
from dialer.errors import ExitCode, Problem
from dialer.model import CallerId, Campaign, NoReply, Reply, StopCause
from dialer.policy.callerid import callers_of
from dialer.verbex import Client
from dialer.verbex.numbers import Agents, Numbers, OwnNumber, agents, own_numbers

_UNLIKE = "in a form that is not known"
_NONE, _MAY_FAIL = "Warning: none", ", and the campaign names none: calls may fail"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the platform shows: sentences on what was verified and what could not be, and what is wrong for sure."""

    lines: tuple[str, ...]
    problems: tuple[Problem, ...]


async def stop_for(campaign: Campaign, client: Client) -> StopCause | None:
    """Why the campaign is not to be dialled: it names a number that the account, as the platform shows it, has not."""
    numbers, _ = await _numbers(campaign, client, 2)
    problems = _problems(campaign, numbers)
    if not problems:
        return None
    told = "; ".join(map(str, problems))
    return StopCause(ExitCode.FILE, "caller_id", f"{campaign.path.name}: {told}; nobody was dialled.")


async def look(campaign: Campaign, client: Client) -> Shown:
    """All that can be verified with two requests."""
    numbers, asked = await _numbers(campaign, client, 2)
    lines = [*_of_numbers(campaign, numbers), *_bound(campaign, numbers)]
    given = _given(campaign)
    if given and asked < 2:
        lines += _of_agents(given, await agents(client))
    elif given:
        lines.append("Agents: not verified, since the account's numbers took all questions.")
    return Shown(tuple(lines), _problems(campaign, numbers))


async def _numbers(campaign: Campaign, client: Client, most: int) -> tuple[Numbers | Reply | NoReply, int]:
    """The account's numbers, as many pages of them as it takes to find the campaign's; and how many that were."""
    found, asked = await own_numbers(client), 1
    while isinstance(found, Numbers) and _missing(campaign, found) and found.next_page is not None and asked < most:
        more, asked = await own_numbers(client, found.next_page), asked + 1
        if not isinstance(more, Numbers):
            break
        found = Numbers((*found.numbers, *more.numbers), more.is_whole, more.next_page)
    return found, asked


def _missing(campaign: Campaign, shown: Numbers) -> list[int]:
    """The places in `call.from` of numbers that are not shown."""
    known = {_digits(one.number) for one in shown.numbers}
    return [at for at, caller in enumerate(callers_of(campaign.call)) if _digits(caller.number) not in known]


def _digits(number: str) -> str:
    return "".join(letter for letter in number if letter in "0123456789")


def _problems(campaign: Campaign, shown: Numbers | Reply | NoReply) -> tuple[Problem, ...]:
    """Numbers that are not the account's. Where only some are shown, or none at all, that says nothing."""
    if not isinstance(shown, Numbers) or not shown.is_whole or not shown.numbers:
        return ()
    callers = callers_of(campaign.call)
    return tuple(_problem(campaign, at, callers[at]) for at in _missing(campaign, shown))


def _problem(campaign: Campaign, at: int, caller: CallerId) -> Problem:
    line = config.line_of(campaign.path, ("call", "from", at))
    message = f"{caller.number} is not a number of this account, as Verbex shows it"
    return Problem("call.from", line, message, "write a number of the account, or the key of the account that has it")


# --- in words -------------------------------------------------------------------------------------


def _of_numbers(campaign: Campaign, shown: Numbers | Reply | NoReply) -> Iterator[str]:
    if not isinstance(shown, Numbers):
        yield f"Own numbers: not verified, since the platform {_why(shown)}."
    elif not shown.numbers:
        yield "Own numbers: not verified, since the platform shows none."
    elif not (missing := _missing(campaign, shown)):
        yield "Own numbers: all of call.from are the account's."
    elif not shown.is_whole:
        callers = callers_of(campaign.call)
        told = ", ".join(callers[at].number for at in missing)
        yield f"Own numbers: not verified for {told}, since the platform shows only some of the account's numbers."


def _bound(campaign: Campaign, shown: Numbers | Reply | NoReply) -> Iterator[str]:
    """Numbers under which nobody would speak."""
    call = campaign.call
    if not isinstance(shown, Numbers) or call.agent is not None or call.agent_column is not None:
        return
    by_number: dict[str, OwnNumber] = {_digits(one.number): one for one in shown.numbers}
    for caller in callers_of(call):
        own = by_number.get(_digits(caller.number))
        if caller.agent is None and own is not None:
            yield f"Agent: {own.agent or _NONE} speaks under {caller.number}{'' if own.agent else _MAY_FAIL}."


def _given(campaign: Campaign) -> tuple[str, ...]:
    """The agents that the campaign itself names."""
    named = (campaign.call.agent, *(caller.agent for caller in callers_of(campaign.call)))
    return tuple(dict.fromkeys(agent for agent in named if agent is not None))


def _of_agents(given: Iterable[str], shown: Agents | Reply | NoReply) -> Iterator[str]:
    if not isinstance(shown, Agents):
        yield f"Agents: not verified, since the platform {_why(shown)}."
        return
    for agent in given:
        if agent in shown.ids:
            yield f"Agent: {agent} is the account's."
        elif shown.is_whole and shown.ids:
            yield f"Agent: Warning: {agent} is not among the agents that the platform lists: correct call.agent."
        else:
            yield f"Agents: {agent} is not verified, since the platform shows only some of the account's agents."


def _why(answer: Reply | NoReply) -> str:
    if isinstance(answer, NoReply):
        return f"did not answer ({answer.cause})"
    return (
        f"shows them {_UNLIKE} ({answer.message})" if answer.message else f"answers {answer.status} when asked for them"
    )
