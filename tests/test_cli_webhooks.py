"""`dialer webhooks`: from a campaign without a secret to one that can receive, in the order in which it is done."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import resource
import signal
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dialer.cli.hooks import is_same
from dialer.config import load
from dialer.receiver import check_can_receive
from tests.command_line import KEY, Told, campaign, change, on_platform, told
from tests.desk import answer
from tests.raw_platform import raw_platform
from tests.webhook_kit import SECRET, Office

pytestmark = pytest.mark.slow

URL = "https://calls.example.com/verbex"
ENVIRON = {"VERBEX_API_KEY": KEY}


@contextlib.contextmanager
def serving(office: Office) -> Iterator[str]:
    """The platform's desk for subscriptions, for commands that have an event loop of their own."""
    loop, addresses, started = asyncio.new_event_loop(), list[str](), threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        async with raw_platform(office.serve) as platform:
            addresses.append(platform.url)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A campaign file with webhooks and no secret."""
    monkeypatch.setenv("VERBEX_API_KEY", KEY)
    folder = tmp_path / "campaigns"
    folder.mkdir()
    found = campaign(folder)
    change(found, "ledger: dialer.db\n", f"ledger: dialer.db\nwebhooks:\n  listen: 127.0.0.1:8089\n  url: {URL}\n")
    return found


def asked(
    capsys: pytest.CaptureFixture[str],
    office: Office,
    path: Path,
    verb: str,
    *more: str | Path,
    room: contextlib.AbstractContextManager[None] | None = None,
) -> Told:
    """A command against a platform that has this desk; `room` is around the command alone."""
    with serving(office) as url:
        text = path.read_text()
        if "url: simulator" in text:
            on_platform(path, url)
        else:
            path.write_text(re.sub(r"http://127\.0\.0\.1:\d+", url, text))
        with room or contextlib.nullcontext():
            result = told(capsys, "webhooks", verb, path, *more)
    assert SECRET not in result.said
    assert KEY not in result.said
    assert "Traceback" not in result.said
    return result


def line_to_add(result: Told) -> str:
    (line,) = re.findall(r"^  (secret: .+)$", result.out, re.MULTILINE)
    return str(line)


def is_mine_alone(file: Path) -> bool:
    return stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_new_user_subscribes_adds_the_line_and_can_receive(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = Office()
    previous = os.umask(0)
    try:
        result = asked(capsys, office, path, "subscribe")
    finally:
        os.umask(previous)
    file = path.parent / "reminders.webhook-secret"
    assert result.code == 0
    assert (file.read_text(), is_mine_alone(file)) == (f"{SECRET}\n", True)
    assert f"to {URL} (subscription sub-1)" in result.out
    assert office.bodies[0] == {
        "name": "dialer reminders",
        "url": URL,
        "enable_signed_webhooks": True,
        "events": ["CallHandler.CallStarted", "CallHandler.CallEnded", "callAnalysis.pcaCompleted"],
    }
    change(path, f"  url: {URL}\n", f"  url: {URL}\n  {line_to_add(result)}\n")
    rules = load(path, ENVIRON).webhooks
    assert rules is not None
    check_can_receive(rules)
    assert [secret.reveal() for secret in rules.secrets] == [SECRET]


def test_the_line_may_stand_there_before_its_file_does(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(path, f"  url: {URL}\n", f"  url: {URL}\n  secret: ${{file:reminders.webhook-secret}}\n")
    assert asked(capsys, Office(), path, "list").code == 0
    assert asked(capsys, Office(), path, "subscribe").code == 0
    rules = load(path, ENVIRON).webhooks
    assert rules is not None
    assert [secret.reveal() for secret in rules.secrets] == [SECRET]


@pytest.mark.parametrize("name", ["hooks", "it's here", "sub/hooks"])
def test_the_secret_goes_where_it_is_told_to_go(
    path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = path.parent.parent / "elsewhere"
    (elsewhere / "sub").mkdir(parents=True)
    monkeypatch.chdir(elsewhere)
    result = asked(capsys, Office(), path, "subscribe", "--secret-to", name)
    assert (result.code, (elsewhere / name).read_text(), is_mine_alone(elsewhere / name)) == (0, f"{SECRET}\n", True)
    change(path, f"  url: {URL}\n", f"  url: {URL}\n  {line_to_add(result)}\n")
    rules = load(path, ENVIRON).webhooks
    assert rules is not None
    assert [secret.reveal() for secret in rules.secrets] == [SECRET]


def test_a_second_subscription_is_not_made(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = Office("https://other.example.com/", "https://CALLS.example.com:443/verbex")
    result = asked(capsys, office, path, "subscribe")
    assert (result.code, office.bodies) == (0, [])
    assert f"There is a subscription to {URL} already (sub-2)" in result.out
    assert "`dialer webhooks remove campaign.yaml sub-2`" in result.out
    assert not (path.parent / "reminders.webhook-secret").exists()


def test_a_file_is_never_overwritten(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office, file = Office(), path.parent / "reminders.webhook-secret"
    file.write_text("old\n")
    result = asked(capsys, office, path, "subscribe")
    assert (result.code, office.bodies, file.read_text()) == (2, [], "old\n")
    assert "is there already, and is not overwritten; name another file with --secret-to" in result.err


@pytest.mark.parametrize(
    ("to", "words"),
    [("no/such/folder/hooks", "cannot be made (No such file or directory)"), ("a{b}", "no campaign file can refer to")],
)
def test_a_file_that_cannot_be_is_told_before_anything_is_asked(
    path: Path, to: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office()
    result = asked(capsys, office, path, "subscribe", "--secret-to", path.parent / to)
    assert (result.code, office.bodies, words in result.err) == (2, [], True)


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (answer(401, {"error": "unauthorized", "message": "no"}), 77, "the platform answered 401: unauthorized: no"),
        (answer(422, {"detail": "no such event"}), 2, "the platform answered 422: no such event"),
        (answer(502, None), 69, "the platform answered 502"),
        (answer(201, {"id": "sub-9"}), 70, "Subscription sub-9 was made, but the answer tells no secret"),
        (answer(201, {}), 70, "may have been made, but the answer names none"),
    ],
)
def test_what_fails_leaves_no_file(
    path: Path, said: bytes, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office()
    office.says["POST"] = said
    result = asked(capsys, office, path, "subscribe")
    assert (result.code, words in result.err) == (code, True)
    assert not (path.parent / "reminders.webhook-secret").exists()


def test_a_secret_that_cannot_be_written_takes_its_subscription_back(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office, file = Office(), path.parent / "reminders.webhook-secret"
    result = asked(capsys, office, path, "subscribe", room=_no_room())
    assert result.code == 2
    assert "cannot be written (File too large); the subscription was taken back" in result.err
    assert (len(office.bodies), office.there, file.exists()) == (1, {}, False)
    office.says["DELETE"] = answer(500, None)
    result = asked(capsys, office, path, "subscribe", room=_no_room())
    assert "subscription sub-1 could not be taken back: remove it, and try again" in result.err
    assert not file.exists()


@contextlib.contextmanager
def _no_room() -> Iterator[None]:
    """No file of this process may grow beyond a few bytes."""
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, previous)


def test_the_list_marks_the_campaigns_own(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = asked(capsys, Office("https://other.example.com/", URL), path, "list")
    assert result.code == 0
    assert result.out.splitlines() == [
        "sub-1  https://other.example.com/  dialer reminders",
        f"sub-2  {URL}  dialer reminders  (webhooks.url of this campaign)",
    ]
    assert asked(capsys, Office(), path, "list").out == "There are no subscriptions.\n"


def test_one_is_removed(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    office = Office(URL)
    result = asked(capsys, office, path, "remove", "sub-1")
    assert (result.code, office.there) == (0, {})
    assert "Subscription sub-1 is removed" in result.out
    again = asked(capsys, office, path, "remove", "sub-1")
    said = "the platform answered 404: not_found: No such subscription; `dialer webhooks list` shows what there is."
    assert (again.code, said in again.err) == (2, True)


def test_without_webhooks_there_is_nothing_to_subscribe(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(path, f"webhooks:\n  listen: 127.0.0.1:8089\n  url: {URL}\n", "")
    office = Office(URL)
    result = asked(capsys, office, path, "subscribe")
    assert result.code == 78
    assert "webhooks: is missing, so there is nothing to subscribe (add webhooks: {listen: 127.0.0.1:8089" in result.err
    assert asked(capsys, office, path, "list").out == f"sub-1  {URL}  dialer reminders\n"


@pytest.mark.parametrize("arguments", [("subscribe",), ("list",), ("remove", "sub-1")])
def test_the_simulator_within_a_run_has_no_subscriptions(
    path: Path, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    result = told(capsys, "webhooks", arguments[0], path, *arguments[1:])
    assert result.code == 2
    assert "the simulator within `run` has no subscriptions outside a run" in result.err


@pytest.mark.parametrize("verb", ["", "subscribe", "list", "remove"])
def test_help_fits_a_terminal_and_ends_with_examples(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = told(capsys, "webhooks", *filter(None, [verb]), "--help")
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 80
    assert f"$ dialer webhooks {verb}" in shown.out.split("Examples")[1]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (URL, URL, True),
        ("https://a.example", "https://A.example:443/", True),
        ("http://a.example:80/x", "http://a.example/x", True),
        (URL, URL + "/", False),
        (URL, URL + "?a=b", False),
        (URL, URL.replace("https", "http"), False),
        (URL, "", False),
        (URL, "https://[", False),
        (URL, "https://calls.example.com:x/verbex", False),
    ],
)
def test_which_addresses_are_one(one: str, other: str, same: bool) -> None:
    assert is_same(one, other) is same
