"""Own numbers that are the account's, or are not: what `check` says of them, and what `run` refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.model import CallerId, Campaign
from dialer.runner import owning
from dialer.simulator.accounts import TRUNK_PASSWORD
from dialer.simulator.calls import DEFAULT_AGENT
from tests.command_line import KEY, Told, campaign, change, on_platform, rung, serving, told
from tests.engine_kit import campaign as rules_of
from tests.raw_platform import Caller, http, raw_platform
from tests.verbex_cases import client as client_of

pytestmark = pytest.mark.slow

OWN, OTHER = "+14155550100", "+14155550101"
FOREIGN = "is not a number of this account, as Verbex shows it"


def on(tmp_path: Path, url: str, numbers: str = f'["{OWN}"]', more: str = "") -> Path:
    """A campaign on a platform, with these own numbers."""
    path = campaign(tmp_path)
    change(path, f'  from: ["{OWN}"]\n', f"  from: {numbers}\n{more}")
    on_platform(path, url, KEY)
    return path


def checked(tmp_path: Path, capsys: pytest.CaptureFixture[str], numbers: str, more: str = "", **sim: Any) -> Told:
    with serving(tmp_path / "rings.jsonl", KEY, **sim) as url:
        return told(capsys, "check", on(tmp_path, url, numbers, more))


# --- check, over HTTP -----------------------------------------------------------------------------


def test_numbers_that_are_the_accounts_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = checked(tmp_path, capsys, f'["{OWN}"]', own_numbers=(OTHER, OWN))
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert "Own numbers: all of call.from are the account's." in lines
    assert any(line.startswith(f"Agent: {DEFAULT_AGENT} speaks under ") for line in lines)
    assert TRUNK_PASSWORD not in found.said
    assert KEY not in found.said


def test_a_number_that_is_not_the_accounts_is_an_error_at_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = f'\n    - "{OWN}"\n    - number: "{OTHER}"\n      per_day: 3'
    found = checked(tmp_path, capsys, numbers, own_numbers=(OWN,))
    assert found.code == 78
    line = next(at for at, text in enumerate((tmp_path / "campaign.yaml").read_text().splitlines(), 1) if OTHER in text)
    assert f"line {line}: call.from: " in found.err
    assert FOREIGN in found.err
    assert found.err.count(FOREIGN) == 1


@pytest.mark.parametrize(
    ("agent", "line"),
    [
        (DEFAULT_AGENT, f"Agent: {DEFAULT_AGENT} is the account's."),
        ("made-up", "Agent: Warning: made-up is not among the agents that the platform lists: correct call.agent."),
    ],
)
def test_an_agent_that_the_campaign_names_is_looked_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], agent: str, line: str
) -> None:
    found = checked(tmp_path, capsys, f'["{OWN}"]', f"  agent: {agent}\n", own_numbers=(OWN,))
    assert found.code == 0, found.err
    assert line in found.out.splitlines()


def test_a_platform_that_lists_no_numbers_stands_in_nobodys_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = checked(tmp_path, capsys, f'["{OWN}"]')
    assert found.code == 0, found.err
    assert "Own numbers: not verified, since the platform answers 404 when asked for them." in found.out.splitlines()


# --- run ------------------------------------------------------------------------------------------


def test_run_refuses_a_number_that_is_not_the_accounts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path / "rings.jsonl", KEY, own_numbers=(OTHER,), time_scale=600) as url:
        path = on(tmp_path, url)
        ended = told(capsys, "run", path)
        assert ended.code == 78
        assert ended.out.splitlines()[-1].split()[:3] == ["reminders", "78", "caller_id"]
        assert "campaign.yaml: line 7: call.from: " in ended.err
        assert FOREIGN in ended.err
        assert rung(tmp_path / "rings.jsonl") == 0
        change(path, OWN, OTHER)
        assert told(capsys, "run", path, "--max-calls", "1").code == 75
        assert rung(tmp_path / "rings.jsonl") == 1
    assert TRUNK_PASSWORD not in ended.said
    assert TRUNK_PASSWORD.encode() not in b"".join(each.read_bytes() for each in tmp_path.glob("dialer.db*"))


@pytest.mark.parametrize("own", [(), (OWN, OTHER)])
def test_run_goes_on_where_nothing_speaks_against_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], own: tuple[str, ...]
) -> None:
    with serving(tmp_path / "rings.jsonl", KEY, own_numbers=own, time_scale=600) as url:
        assert told(capsys, "run", on(tmp_path, url), "--max-calls", "1").code == 75
    assert rung(tmp_path / "rings.jsonl") == 1


# --- other platforms ------------------------------------------------------------------------------


class Platform:
    """A bare server with an answer for each path; what is asked can be seen."""

    def __init__(self, **answers: bytes) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def serve(self, caller: Caller) -> None:
        while True:
            target = (await caller.request()).target
            self.asked.append(target)
            name = "agents" if "agents" in target else "more" if "page_token" in target else "numbers"
            await caller.write(self.answers.get(name, http("404 Not Found", b"<html>")))


def said(body: Any, status: str = "200 OK") -> bytes:
    return http(status, json.dumps(body).encode(), "Content-Type: application/json")


def listing(*numbers: str, agent: str | None = "bound", **more: Any) -> bytes:
    items = [{"phone_number": number, "outbound_agent_id": agent, "sip_trunk_password": "x"} for number in numbers]
    return said({"phone_numbers": items, **more})


async def looked(platform: Platform, folder: Path, change: Any = None) -> tuple[owning.Shown, bool]:
    """What `check` sees, and whether `run` would refuse."""
    async with raw_platform(platform.serve) as server, client_of(server.url, 5.0) as client:
        rules: Campaign = rules_of(folder, server.url, own=(OWN, OTHER))
        rules = change(rules) if change else rules
        shown = await owning.look(rules, client)
        assert len(platform.asked) <= 2
        cause = await owning.stop_for(rules, client)
        return shown, cause is not None


UNLIKE = "its body is no list as it should be"
WHOLE = "Own numbers: all of call.from are the account's."
NOT_VERIFIED = "Own numbers: not verified"
SOME = f"{NOT_VERIFIED} for {OTHER}, since the platform shows only some of the account's numbers."
LISTS = [
    ({"numbers": listing(OWN, OTHER)}, WHOLE, False),
    ({"numbers": listing("+1 (415) 555-0100", "14155550101")}, WHOLE, False),
    ({"numbers": listing(OWN)}, None, True),
    ({"numbers": listing()}, f"{NOT_VERIFIED}, since the platform shows none.", False),
    ({"numbers": listing(OWN, next_page_token="t"), "more": listing(OTHER)}, WHOLE, False),
    ({"numbers": listing(OWN, next_page_token="t"), "more": listing("+14155550199")}, None, True),
    ({"numbers": listing(OWN, next_page_token="t"), "more": listing("+14155550199", next_page_token="u")}, SOME, False),
    ({"numbers": listing(OWN, next_page_token="t"), "more": said([], "500 No")}, SOME, False),
    ({"numbers": listing(OWN, total_count=7)}, SOME, False),
    (
        {"numbers": said({"a": 1})},
        f"{NOT_VERIFIED}, since the platform shows them in a form that is not known ({UNLIKE}).",
        False,
    ),
    (
        {"numbers": http("502 Bad Gateway", b"<html>")},
        f"{NOT_VERIFIED}, since the platform answers 502 when asked for them.",
        False,
    ),
    ({}, f"{NOT_VERIFIED}, since the platform answers 404 when asked for them.", False),
]


@pytest.mark.parametrize(("answers", "line", "refused"), LISTS)
async def test_only_what_the_platform_shows_for_sure_refuses_anything(
    tmp_path: Path, answers: dict[str, bytes], line: str | None, refused: bool
) -> None:
    shown, is_refused = await looked(Platform(**answers), tmp_path)
    assert is_refused is refused
    assert bool(shown.problems) is refused
    assert [told for told in shown.lines if told.startswith("Own numbers")] == ([line] if line else [])
    if refused:
        assert str(shown.problems[0]).startswith(f"call.from: {OTHER} {FOREIGN} (write a number of the account")


def naming(agent: str | None, *callers: CallerId) -> Any:
    def change(rules: Campaign) -> Campaign:
        return replace(rules, call=replace(rules.call, agent=agent, callers=callers))

    return change


BOTH = {"numbers": listing(OWN, OTHER)}
AGENTS = [
    (BOTH, None, [f"Agent: bound speaks under {OWN}.", f"Agent: bound speaks under {OTHER}."]),
    (
        {"numbers": listing(OWN, agent=None)},
        naming(None, CallerId(OWN)),
        [f"Agent: Warning: none speaks under {OWN}, and the campaign names none: calls may fail."],
    ),
    (BOTH | {"agents": said([{"_id": "a1"}])}, naming("a1"), ["Agent: a1 is the account's."]),
    (
        BOTH | {"agents": said([{"_id": "a1"}])},
        naming("a2", CallerId(OWN, agent="a1")),
        [
            "Agent: Warning: a2 is not among the agents that the platform lists: correct call.agent.",
            "Agent: a1 is the account's.",
        ],
    ),
    (
        BOTH | {"agents": said({"agents": [{"_id": "a1"}], "next_page_token": "t"})},
        naming("a2"),
        ["Agents: a2 is not verified, since the platform shows only some of the account's agents."],
    ),
    (BOTH, naming("a1"), ["Agents: not verified, since the platform answers 404 when asked for them."]),
    (
        {"numbers": listing(OWN, next_page_token="t"), "more": listing(OTHER)},
        naming("a1"),
        ["Agents: not verified, since the account's numbers took all questions."],
    ),
]


@pytest.mark.parametrize(("answers", "change", "lines"), AGENTS)
async def test_who_speaks_is_told_as_far_as_it_is_shown(
    tmp_path: Path, answers: dict[str, bytes], change: Any, lines: list[str]
) -> None:
    shown, _ = await looked(Platform(**answers), tmp_path, change)
    assert [told for told in shown.lines if told.startswith("Agent")] == lines


async def test_a_platform_that_does_not_answer_refuses_nothing(tmp_path: Path) -> None:
    async def serve(caller: Caller) -> None:
        await caller.request()
        caller.reset()

    async with raw_platform(serve) as server, client_of(server.url, 2.0) as client:
        rules = rules_of(tmp_path, server.url)
        shown = await owning.look(rules, client)
        assert shown.lines[0].startswith("Own numbers: not verified, since the platform did not answer (")
        assert await owning.stop_for(rules, client) is None
