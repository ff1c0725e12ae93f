"""Canaries: distinctive secrets and numbers go in, every kind of error is provoked, and all that is left is searched.

The key, the webhook secret and the platform's access tokens may turn up nowhere; a number in full only in the ledger
and in what was exported from it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dialer.simulator.calls import CANARY as TOKEN
from tests.acceptance.faults.hooks import post, until_listening
from tests.acceptance.kit import ROOT, Ended, Running, World, merged, number, person, simulator
from tests.acceptance.proxy import Answered, Asked, Changed, Cut, Fate, Proxy, Rule, between
from tests.webhook_kit import OTHER, delivery, told

KEY = "API_canary9d41c7.e5-Zz"
HOOK = "whsec_canary7b20f6a1Qq"
SECRETS = (KEY, HOOK, TOKEN)
PEOPLE = 24
LOST = PEOPLE
"""Somebody who is added to the list later, and of whose call nobody tells."""
ESC = "\x1b[31m"
Command = tuple[str | Path, ...]
FORMATS = (("--log-format", "text"), ("--log-format", "json"), ("--quiet",))


def _words(asked: Asked) -> str:
    """What a careless platform says: all that it was sent, and what it should keep to itself."""
    return f"{ESC}refused {KEY} for {asked.number}, access_token={TOKEN}x, {HOOK}\u202e"


def _careless() -> dict[str, Fate]:
    """One error of each kind after which a run goes on, by the number that is dialled; the rest are placed."""
    token = f'"access_token": "{TOKEN}y"'
    words = [_words(Asked("POST", "/", {"to_number": number(n)})) for n in range(PEOPLE)]
    detail = [{"loc": ["body", "to_number"], "msg": words[0], "type": "value_error", "input": number(0)}]
    fates: tuple[Fate, ...] = (
        Answered(422, {"detail": detail}),
        Answered(500, f"<html><b>{words[3]}</b> Bearer {KEY}</html>".encode()),
        Answered(201, f'{{{token}, "key": "{KEY}", "to": "{number(6)}"'.encode()),
        Answered(400, {"error": KEY, "message": words[9], "access_token": f"{TOKEN}z"}),
        Answered(503, f"{token} Authorization: Bearer {KEY}".encode(), after=True),
        Answered(429, {"error": words[15]}, {"Retry-After": KEY}),
        Cut(after=True),
        Cut(after=True, piece="body"),
    )
    return {number(3 * place): fate for place, fate in enumerate(fates)}


def _once(fates: dict[str, Fate], delivered: threading.Event) -> Rule:
    """What becomes of the first dial to each number, taken out of `fates`; afterwards the platform does as it should,
    and talks. Nothing is answered before the webhooks are delivered."""

    def first(asked: Asked) -> Fate | None:
        assert delivered.wait(60)
        return fates.pop(asked.number, Changed(_talkative)) if asked.is_dial else Changed(_talkative)

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


@pytest.mark.ci
@pytest.mark.slow
def test_no_secret_comes_through_and_no_number_but_into_the_ledger(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.people(PEOPLE)
    world.environ = {"DIALER_TEST_KEY": KEY, "DIALER_TEST_HOOK": HOOK, "DIALER_DEBUG": "1"}
    said: list[Ended] = []
    with simulator(world) as (_, port), between(port) as proxy:
        path = _campaign(world, proxy)
        said += _stopped_by_each(world, proxy, path)
        said.append(_talked_to(world, proxy, path))
        assert {row["state"] for row in world.contacts().values()} >= {"done", "excluded"}, said[-1].err
        said += _asked_and_marked(world, proxy, path)
        proxy.rule = lambda _: STOPS["401"]
        said += _together(world, ("check", path), ("settle", path), ("webhooks", "list", path))
    said += _looked_at(world, path)
    said += _broken(world, path)
    said.append(_ours(world, path))
    assert {0, 3, 70, 77, 78} <= {ended.code for ended in said}
    _search(world, said)


def _together(world: World, *commands: Command) -> list[Ended]:
    """Commands that do not mind each other, all at once."""
    with contextlib.ExitStack() as stack:
        begun = [stack.enter_context(world.running(*command)) for command in commands]
        return [each.ended() for each in begun]


def _talked_to(world: World, proxy: Proxy, path: Path) -> Ended:
    """A run whose platform is careless, in answers and in webhooks; every kind of error must have come."""
    fates, delivered = _careless(), threading.Event()
    assert len(fates) == 8
    proxy.rule = _once(fates, delivered)
    with world.running("run", path, *FORMATS[1], "--grace", "2s", "--result", "result.json") as run:
        until_listening(run)
        _delivered(run)
        delivered.set()
        ended = run.ended()
    assert fates == {}, f"not provoked: {fates}"
    assert "a webhook was refused" in ended.err
    [kept] = world.ask("SELECT body FROM inbox WHERE body LIKE '%canary-note%'")
    assert json.loads(kept["body"])["payload"]["note"].startswith("canary-note")
    return ended


def _delivered(run: Running) -> None:
    """Webhooks that quote what they should not: not signed by us, signed well, signed and not to be read."""
    port = int(run.err.partition("webhooks are taken at 127.0.0.1:")[2].partition(",")[0])
    note = f"canary-note {ESC}{KEY} {HOOK} Authorization: Bearer {KEY} access_token={TOKEN}w for {number(3)}"
    now = datetime.now(UTC)
    payload = {"call_id": "c-canary", "access_token": f"{TOKEN}v", "note": note, KEY: [{"deep": note}]}
    whole = told(f"trace {KEY}", f"CallHandler.{HOOK}", timestamp=int(now.timestamp()), payload=payload)
    unreadable = json.dumps([whole]).encode()
    for body, secret, status in ((whole, OTHER, 401), (whole, HOOK, 200), (unreadable, HOOK, 400)):
        sent = delivery(body, at=now, secret=secret)
        assert post(port, dataclasses.replace(sent, path="/hook")) == status


def _asked_and_marked(world: World, proxy: Proxy, path: Path) -> Iterator[Ended]:
    """Somebody more, of whose call nobody tells; the operator looks, and gives a word that quotes too much."""
    world.people(PEOPLE + 1)
    proxy.rule = _silent
    yield world.run("run", path, "--grace", "1s")
    assert world.contacts()[person(LOST)]["state"] == "unknown"
    listed, as_json = _together(world, ("unknown", "list", path), ("unknown", "list", path, "--json"))
    assert person(LOST) in listed.out
    assert person(LOST) in as_json.out
    yield from (listed, as_json)
    proxy.rule = lambda _: Changed(_subscriptions)
    marked, hooks = _together(
        world,
        ("unknown", "mark", number(LOST), "done", path, "--reason", f"seen as {number(LOST)}"),
        ("webhooks", "list", path),
    )
    assert (marked.code, hooks.code) == (0, 0), (marked.err, hooks.err)
    assert "https://calls.example.com/hook" in hooks.out
    yield from (marked, hooks)


def _subscriptions(answer: dict[str, Any]) -> dict[str, Any]:
    """A list whose names tell too much."""
    said = f"{ESC}{KEY} {HOOK} access_token={TOKEN}s"
    one = {"id": "s1", "url": "https://calls.example.com/hook", "name": said, "secret": HOOK}
    return answer | {"subscriptions": [one, one | {"id": KEY, "url": f"https://other.example/{HOOK}"}], "key": KEY}


def _silent(asked: Asked) -> Fate:
    """The dial is lost, and no call is shown to anybody."""
    if asked.is_dial:
        return Cut(after=True)
    if asked.path.startswith("/v1/calls/?"):
        return Answered(200, {"calls": [], "next_page_token": None, "total_count": 0, "key": KEY})
    return Answered(404, {"error": "not_found", "message": f"no call, {KEY}"})


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


def _looked_at(world: World, path: Path) -> list[Ended]:
    """Whatever tells of it afterwards."""
    looks: list[Command] = [("status", path), ("status", path, "--json"), ("backup", "backup.db", path)]
    exports: list[Command] = [("export", path, "-o", f"export-results.{kind}") for kind in ("csv", "jsonl", "parquet")]
    exports.append(("export", path, "--attempts", "-o", "export-attempts.csv"))
    ended = [*_together(world, *looks), *_together(world, *exports)]
    assert {each.code for each in ended} == {0}, [each.err for each in ended]
    return ended


def _broken(world: World, path: Path) -> Iterator[Ended]:
    """Nobody to ask, a file and a key that are wrong, a ledger that is none."""
    gone, wrong, none = (world.folder / f"{name}.yaml" for name in ("gone", "wrong", "none"))
    gone.write_text(path.read_text().replace(_url_of(path), "http://127.0.0.1:1").replace("camp.db", "gone.db"))
    wrong.write_text(path.read_text().replace("${DIALER_TEST_KEY}", KEY).replace("${DIALER_TEST_HOOK}", HOOK))
    none.write_text(path.read_text().replace("camp.db", "none.db"))
    (world.folder / "none.db").write_text(f"no ledger, {number(0)}")
    yield from _together(
        world,
        ("check", gone),
        ("run", gone, "--max-runtime", "1s", "--only", person(9)),
        ("check", wrong, "--offline"),
        ("run", none),
        ("status", none),
    )
    yield world.run("check", gone, DIALER_TEST_KEY=f"{KEY} and more")
    wrong.unlink()  # the key stood in it
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
    numbers = [number(n) for n in range(PEOPLE + 1)]
    may_have_numbers = {
        "people.csv",
        world.rings_file.name,
        "camp.db",
        "camp.db-wal",
        "gone.db",
        "gone.db-wal",
        "backup.db",
    }
    for ended in said:
        _holds_none(f"what was printed (code {ended.code})", ended.out + ended.err, [*SECRETS, *numbers])
        assert "\x1b" not in ended.out + ended.err
        assert "\u202e" not in ended.out + ended.err
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert {"camp.db", "camp.db.lock", "camp.db.secret", "result.json", "401.json", "backup.db"} <= {
        path.name for path in files
    }
    for path in files:
        text = path.read_bytes().decode("latin-1")
        _holds_none(path.name, text, SECRETS)
        if path.name not in may_have_numbers and not path.name.startswith("export-"):
            _holds_none(path.name, text, numbers)
        if path.name.startswith(("camp.db", "export-", "result", "401", "backup.db")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def _holds_none(where: str, text: str, canaries: list[str] | tuple[str, ...]) -> None:
    for canary in canaries:
        for form in (canary, canary.replace("+", "%2B"), canary.removeprefix("+")):
            at = text.find(form)
            assert at < 0, f"{where} holds {form}: …{text[max(0, at - 200) : at + 80]}…"
