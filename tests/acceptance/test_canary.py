"""Canaries: distinctive secrets and numbers go in, every kind of error is provoked, and all that is left is searched.

The key, the webhook secret and the platform's access tokens may turn up nowhere; a number in full only in the ledger
and in what was exported from it.
"""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dialer.simulator.calls import CANARY as TOKEN
from tests.acceptance.kit import ROOT, Ended, World, merged, number, person, simulator
from tests.acceptance.proxy import Answered, Asked, Changed, Cut, Fate, Proxy, Rule, between

KEY = "API_canary9d41c7.e5-Zz"
HOOK = "whsec_canary7b20f6a1Qq"
SECRETS = (KEY, HOOK, TOKEN)
PEOPLE = 24
ESC = "\x1b[31m"
FORMATS = (("--log-format", "text"), ("--log-format", "json"), ("--quiet",))


def _words(asked: Asked) -> str:
    """What a careless platform says: all that it was sent, and what it should keep to itself."""
    return f"{ESC}refused {KEY} for {asked.number}, access_token={TOKEN}x, {HOOK}\u202e"


def _careless(asked: Asked) -> Fate | None:
    """One error of each kind after which a run goes on, by the number that is dialled; the rest are placed."""
    detail = [{"loc": ["body", "to_number"], "msg": _words(asked), "type": "value_error", "input": asked.number}]
    token = f'"access_token": "{TOKEN}y"'
    fates: dict[str, Fate] = {
        number(0): Answered(422, {"detail": detail}),
        number(9): Answered(500, f"<html><b>{_words(asked)}</b> Bearer {KEY}</html>".encode()),
        number(18): Answered(201, f'{{{token}, "key": "{KEY}", "to": "{asked.number}"'.encode()),
        number(9): Answered(400, {"error": KEY, "message": _words(asked), "access_token": f"{TOKEN}z"}),
        number(12): Answered(503, f"{token} Authorization: Bearer {KEY}".encode(), after=True),
        number(15): Answered(429, {"error": _words(asked)}, {"Retry-After": KEY}),
        number(18): Cut(after=True),
        number(21): Cut(after=True, piece="body"),
    }
    return fates.get(asked.number, Changed(_talkative))


def _once(rule: Rule) -> Rule:
    """A rule for the first dial to each number; afterwards the platform does as it should, and talks."""
    seen: set[str] = set()

    def first(asked: Asked) -> Fate | None:
        if not asked.is_dial or asked.number in seen:
            return Changed(_talkative)
        seen.add(asked.number)
        return rule(asked)

    return first


def _talkative(answer: dict[str, Any]) -> dict[str, Any]:
    """A platform that puts our key and its tokens into whatever it tells."""
    if "calls" in answer:
        return answer | {"calls": [_talkative(call) for call in answer["calls"]], "key": KEY}
    said = [{"role": "agent", "content": f"{ESC}hello", "access_token": f"{TOKEN}m", "x": f"Bearer {KEY}"}]
    more = {"pcs_status": KEY, "access_token": f"{TOKEN}t", "ai_agent_name": f"agent {KEY}", "nested": {"k": KEY}}
    return answer | more | ({"messages": said} if answer.get("call_status") == "ended" else {})


STOPS: dict[str, Answered] = {
    "401": Answered(401, {"error": "unauthorized", "message": f"the key {KEY} is not known, {HOOK}"}),
    "403": Answered(403, f"Bearer {KEY} may not".encode()),
    "307": Answered(307, None, {"Location": f"https://{KEY}@elsewhere.example/{KEY}/?key={KEY}&access_token={TOKEN}"}),
    "404": Answered(404, {"detail": f"no {KEY} here"}),
}


@pytest.mark.slow
def test_no_secret_comes_through_and_no_number_but_into_the_ledger(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(PEOPLE)
    world.environ = {"DIALER_TEST_KEY": KEY, "DIALER_TEST_HOOK": HOOK, "DIALER_DEBUG": "1"}
    said: list[Ended] = []
    with simulator(world) as (_, port), between(port) as proxy:
        path = _campaign(world, proxy)
        said += _stopped_by_each(world, proxy, path)
        proxy.rule = _once(_careless)
        said += [world.run("run", path, *each, "--grace", "2s", "--result", "result.json") for each in FORMATS[:2]]
        assert {row["state"] for row in world.contacts().values()} >= {"done", "excluded"}, said[-1].err
        said.append(world.run("check", path))
        proxy.rule = lambda _: STOPS["401"]
        said += [world.run("check", path), world.run("settle", path)]
    said += _looked_at(world, path)
    said += _broken(world, path)
    said.append(_ours(world, path))
    assert {0, 70, 77, 78} <= {ended.code for ended in said}
    _search(world, said)


def _campaign(world: World, proxy: Proxy) -> Path:
    platform = {"url": proxy.url, "api_key": "${DIALER_TEST_KEY}", "simulator": ...}
    hooks = {"listen": "127.0.0.1:0", "url": "https://calls.example.com/hook", "secret": "${DIALER_TEST_HOOK}"}
    pace = {"calls_per_second": 40, "concurrent_calls": PEOPLE}
    changes = {"platform": platform, "webhooks": hooks, "pace": pace, "retry": {"attempts": 1}}
    return world.campaign(**merged({}, changes))


def _stopped_by_each(world: World, proxy: Proxy, path: Path) -> Iterator[Ended]:
    """What stops a run at once, each in another format."""
    for at, (kind, answer) in enumerate(STOPS.items()):
        proxy.rule = lambda asked, answer=answer: answer if asked.is_dial else None  # type: ignore[misc]
        ended = world.run("run", path, *FORMATS[at % 3], "--grace", "1s", "--result", f"{kind}.json")
        assert ended.code in (70, 77, 78), (kind, ended.err)
        yield ended


def _looked_at(world: World, path: Path) -> Iterator[Ended]:
    """Whatever tells of it afterwards."""
    yield world.run("status", path)
    yield world.run("status", path, "--json")
    for kind in ("csv", "jsonl", "parquet"):
        yield world.run("export", path, "-o", f"export-results.{kind}")
    yield world.run("export", path, "--attempts", "-o", "export-attempts.csv")


def _broken(world: World, path: Path) -> Iterator[Ended]:
    """Nobody to ask, a file and a key that are wrong, a ledger that is none."""
    gone = world.folder / "gone.yaml"
    gone.write_text(path.read_text().replace(_url_of(path), "http://127.0.0.1:1").replace("camp.db", "gone.db"))
    yield world.run("check", gone)
    yield world.run("run", gone, "--max-runtime", "1s", "--only", person(9))
    yield world.run("check", gone, DIALER_TEST_KEY=f"{KEY} and more")
    wrong = world.folder / "wrong.yaml"
    wrong.write_text(path.read_text().replace("${DIALER_TEST_KEY}", KEY).replace("${DIALER_TEST_HOOK}", HOOK))
    yield world.run("check", wrong, "--offline")
    wrong.unlink()  # the key stood in it
    (world.folder / "none.db").write_text(f"no ledger, {number(0)}")
    none = world.folder / "none.yaml"
    none.write_text(path.read_text().replace("camp.db", "none.db"))
    yield world.run("run", none)
    yield world.run("status", none)
    (world.folder / "none.db").unlink()


def _url_of(path: Path) -> str:
    return next(line.split()[-1] for line in path.read_text().splitlines() if "url: http://" in line)


def _ours(world: World, path: Path) -> Ended:
    """An error of ours, with all there is in the variables of every frame, and some of it in its words."""
    script = (
        "import sys, dialer.cli\n"
        "from dialer.cli import given\n"
        "def campaign(path):\n"
        "    import os\n"
        "    key, number = os.environ['DIALER_TEST_KEY'], sys.argv.pop()\n"
        "    try:\n"
        "        raise KeyError({'Authorization': 'Bearer ' + key})\n"
        "    except KeyError as error:\n"
        "        raise RuntimeError(f'{key} and {number}') from error\n"
        "given.campaign = campaign\n"
        "argument = sys.argv[-1]\n"
        "dialer.cli.main()\n"
    )
    environ = {"PYTHONPATH": str(ROOT), **world.environ}
    command = [sys.executable, "-c", script, "run", str(path), "--max-calls", "3", "--only", number(1)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, cwd=world.folder, timeout=60)
    (world.folder / "ours.err").write_text(done.stderr)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "RuntimeError: API_… and +1201•••0101" in done.stderr
    return Ended(done.returncode, done.stdout, done.stderr, 0.0)


def _search(world: World, said: list[Ended]) -> None:
    """Every file of the folder, whatever it is, and what was printed."""
    numbers = [number(n) for n in range(PEOPLE)]
    may_have_numbers = {"people.csv", world.rings_file.name, "camp.db", "camp.db-wal", "gone.db", "gone.db-wal"}
    for ended in said:
        _holds_none(f"what was printed (code {ended.code})", ended.out + ended.err, [*SECRETS, *numbers])
        assert "\x1b" not in ended.out + ended.err
        assert "\u202e" not in ended.out + ended.err
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert {"camp.db", "camp.db.lock", "camp.db.secret", "result.json", "401.json"} <= {path.name for path in files}
    for path in files:
        text = path.read_bytes().decode("latin-1")
        _holds_none(path.name, text, SECRETS)
        if path.name not in may_have_numbers and not path.name.startswith("export-"):
            _holds_none(path.name, text, numbers)
        if path.name.startswith(("camp.db", "export-", "result", "401")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def _holds_none(where: str, text: str, canaries: list[str] | tuple[str, ...]) -> None:
    for canary in canaries:
        for form in (canary, canary.replace("+", "%2B"), canary.removeprefix("+")):
            at = text.find(form)
            assert at < 0, f"{where} holds {form}: …{text[max(0, at - 200) : at + 80]}…"
