"""The `webhooks` part of a campaign file."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.config import load
from dialer.errors import CampaignError
from dialer.model import Secret, WebhookRules
from tests.campaign_files import SMALL, loaded, only, refused, small, written
from tests.test_config_schema import accepts, accepts_texts
from tests.webhook_kit import OTHER, SECRET

URL = "https://calls.example.com/verbex"


def part(listen: str = "127.0.0.1:8089", url: str = URL, *more: str) -> str:
    """The small campaign with a `webhooks` part."""
    return small("", "\n".join(["webhooks:", f"  listen: {listen}", f"  url: {url}", *(f"  {line}" for line in more)]))


def rules(folder: Path, text: str, **environ: str) -> WebhookRules:
    found = loaded(folder, text, environ).webhooks
    assert found is not None
    return found


def test_without_it_there_are_none(tmp_path: Path) -> None:
    assert loaded(tmp_path, SMALL).webhooks is None


def test_the_part_as_it_is_written(tmp_path: Path) -> None:
    text = part("127.0.0.1:8089", URL, "secret: ${WEBHOOK_SECRET}")
    assert rules(tmp_path, text, WEBHOOK_SECRET=SECRET) == WebhookRules(
        "127.0.0.1", 8089, URL, "/verbex", (Secret(SECRET),)
    )
    assert accepts(text)
    assert accepts_texts(text)


@pytest.mark.parametrize(
    ("lines", "secrets"),
    [
        ([], ()),
        ([f"secret: {SECRET}"], (SECRET,)),
        ([f"secret: [{SECRET}, {OTHER}]"], (SECRET, OTHER)),
        (["secret:", f"    - {SECRET}", "    - '${file:other}'"], (SECRET, OTHER)),
        (["secret: ${file:other}"], (OTHER,)),
    ],
)
def test_no_secret_one_or_two(tmp_path: Path, lines: list[str], secrets: tuple[str, ...]) -> None:
    (tmp_path / "other").write_text(f"{OTHER}\n")
    text = part("127.0.0.1:8089", URL, *lines)
    assert rules(tmp_path, text).secrets == tuple(Secret(secret) for secret in secrets)
    assert accepts(text)


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:8089", "127.0.0.1", 8089),
        ("'127.0.0.1:8089'", "127.0.0.1", 8089),
        ("0.0.0.0:65535", "0.0.0.0", 65535),  # noqa: S104 - a container's
        ("localhost:1", "localhost", 1),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("'[::1]:8089'", "::1", 8089),
        ("'[::]:8089'", "::", 8089),
    ],
)
def test_where_to_listen(tmp_path: Path, listen: str, host: str, port: int) -> None:
    found = rules(tmp_path, part(listen))
    assert (found.host, found.port) == (host, port)
    assert accepts(part(listen))


@pytest.mark.parametrize(
    "listen",
    [
        *("8089", "127.0.0.1", "'127.0.0.1:'", ":8089", "127.0.0.1:65536", "127.0.0.1:x", "::1:8089"),
        *("'[127.0.0.1]:80'", "http://127.0.0.1:8089", "'[::1:8089'", "'127.0.0.1:8089/verbex'", "'a b:80'"),
    ],
)
def test_where_nobody_can_listen(tmp_path: Path, listen: str) -> None:
    problem = only(tmp_path, part(listen))
    assert (problem.key, problem.line) == ("webhooks.listen", 9)
    assert "is not an address and a port of this machine" in problem.message
    assert problem.suggestion == "write it as 127.0.0.1:8089"


@pytest.mark.parametrize(
    ("url", "kept", "path"),
    [
        (URL, URL, "/verbex"),
        ("https://Calls.Example.com:443/Verbex/", "https://calls.example.com/Verbex/", "/Verbex/"),
        ("https://calls.example.com", "https://calls.example.com/", "/"),
        ("https://calls.example.com:8443/a/b-c_d.~1", "https://calls.example.com:8443/a/b-c_d.~1", "/a/b-c_d.~1"),
        ("http://127.0.0.1:8089/verbex", "http://127.0.0.1:8089/verbex", "/verbex"),
        ("http://localhost:8089/verbex", "http://localhost:8089/verbex", "/verbex"),
        ("'http://[::1]:8089/verbex'", "http://[::1]:8089/verbex", "/verbex"),
    ],
)
def test_what_the_platform_sends_to(tmp_path: Path, url: str, kept: str, path: str) -> None:
    found = rules(tmp_path, part(url=url))
    assert (found.url, found.path) == (kept, path)
    assert accepts(part(url=url))


@pytest.mark.parametrize(
    "url",
    [
        *("calls.example.com/verbex", "simulator", "ftp://calls.example.com/", "https://", "https:///verbex"),
        *("https://calls.example.com/a?b=1", "'https://calls.example.com/#a'", "https://calls.example.com/a%20b"),
        *("https://calls.example.com/{path}", "https://calls.example.com:99999/", "'https://[::1/verbex'"),
        "https://10.0.0.5/verbex",
    ],
)
def test_what_the_platform_cannot_send_to(tmp_path: Path, url: str) -> None:
    problem = only(tmp_path, part(url=url))
    assert (problem.key, problem.line) == ("webhooks.url", 10)
    assert "is not an address that the platform could send to" in problem.message


def test_http_is_for_this_machine_alone(tmp_path: Path) -> None:
    problem = only(tmp_path, part(url="http://calls.example.com/verbex"))
    assert problem.message == "http would let anybody read and forge what the platform tells"


def test_a_password_in_the_address_is_not_repeated(tmp_path: Path) -> None:
    problem = only(tmp_path, part(url="https://me:hunter22@calls.example.com/verbex"))
    assert "hunter22" not in str(problem)
    assert "is not an address that the platform could send to" in problem.message


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["secret:"], "this is not the secret of a subscription"),
        (["secret: short"], "this is not the secret of a subscription"),
        (["secret: whsec_canary with a blank"], "this is not the secret of a subscription"),
        (["secret: []"], "is an empty list"),
        ([f"secret: [{SECRET}, {OTHER}, whsec_third_one_too]"], "there are more than two secrets"),
        (["secret: ${NO_SUCH}"], "the environment variable NO_SUCH is not set"),
        (["secret: ${file:nowhere}"], "the file 'nowhere' cannot be read"),
        (["sercet: x"], "there is no such key"),
    ],
)
def test_what_is_no_secret(tmp_path: Path, lines: list[str], words: str) -> None:
    problem = only(tmp_path, part("127.0.0.1:8089", URL, *lines))
    assert words in problem.message
    assert "canary" not in str(problem)


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    text = part(SECRET, SECRET, f"secret: [{SECRET}, {OTHER}]").replace("simulator", SECRET)
    for problem in refused(tmp_path, text):
        assert SECRET not in str(problem)
        assert OTHER not in str(problem)
    assert SECRET not in repr(rules(tmp_path, part("127.0.0.1:8089", URL, f"secret: {SECRET}")))


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    problems = {problem.key: problem for problem in refused(tmp_path, small("", "webhooks: {}"))}
    assert set(problems) == {"webhooks.listen", "webhooks.url"}
    assert problems["webhooks.listen"].suggestion == "listen: 127.0.0.1:8089"
    assert problems["webhooks.url"].suggestion == "url: https://calls.example.com/verbex"


def test_a_secret_that_is_yet_to_be_made_can_be_left_out_of_the_reading(tmp_path: Path) -> None:
    path = written(tmp_path, part("127.0.0.1:8089", URL, "secret: ${file:reminders.webhook-secret}"))
    with pytest.raises(CampaignError, match=r"reminders\.webhook-secret"):
        load(path, {})
    found = load(path, {}, without=[("webhooks", "secret"), ("no", "such", "key")]).webhooks
    assert found == WebhookRules("127.0.0.1", 8089, URL, "/verbex")
