"""The key goes to the platform and nowhere else: no private network, no plain text, no redirect, no proxy."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from dialer.config.address import address
from dialer.config.words import Wrong
from dialer.model import NoReply, NotPlaced, Reply
from dialer.policy import outcome
from dialer.verbex import Client
from dialer.verbex.analysis import analysis_of
from dialer.verbex.numbers import own_numbers
from tests.campaign_files import SMALL, refused
from tests.raw_platform import answering, call_body, http, raw_platform
from tests.verbex_cases import KEY, PLACED, REQUEST, client, dial

Leads = Callable[[str, Sequence[str]], None]


@pytest.fixture
def leads(monkeypatch: pytest.MonkeyPatch) -> Leads:
    """What the system says of a name. The rest of the way, sockets among it, is the real one."""
    system = socket.getaddrinfo

    def make(name: str, addresses: Sequence[str]) -> None:
        def said(host: Any, port: Any, *args: Any, **others: Any) -> list[Any]:
            if host != name:
                return list(system(host, port, *args, **others))
            return [info for each in addresses for info in system(each, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", said)

    return make


INSIDE = {
    "private": ["10.0.0.5", "172.16.3.4", "192.168.0.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.5", "64:ff9b::a00:5"],
    "link-local": ["169.254.169.254", "fe80::1", "2002:a9fe:a9fe::1"],
    "multicast": ["224.0.0.1", "ff02::1"],
    "reserved": ["198.51.100.7", "240.0.0.1", "2001:db8::1", "2001:0:a00:5::1", "64:ff9b::7f00:1"],
    "unspecified": ["0.0.0.0", "::"],  # noqa: S104 - what must not be connected to
}
CASES = [(kind, each) for kind, addresses in INSIDE.items() for each in addresses]


@pytest.mark.parametrize(("kind", "inside"), CASES)
async def test_a_name_that_leads_inside_is_unsent_and_says_so(leads: Leads, kind: str, inside: str) -> None:
    leads("api.example.com", [inside])
    answer = await dial("https://api.example.com")
    assert isinstance(answer, NoReply)
    assert answer.unsent
    assert answer.cause.startswith(f"api.example.com leads to the {kind} address ")
    assert answer.cause.endswith(
        ", where no Verbex is: nothing was sent; correct platform.url, or what the name server says of it"
    )
    assert isinstance(outcome.sort_dial(answer, REQUEST), NotPlaced)


@pytest.mark.parametrize(("kind", "inside"), CASES)
async def test_a_number_that_leads_inside_is_refused_by_the_file_and_by_the_transport(kind: str, inside: str) -> None:
    url = f"https://[{inside}]" if ":" in inside else f"https://{inside}"
    with pytest.raises(Wrong, match=rf"is no public address \({kind}\), and no Verbex is there"):
        address(url)
    answer = await dial(url)
    assert isinstance(answer, NoReply)
    assert answer.unsent
    assert answer.cause.startswith(f"platform.url is the {kind} address ")


async def test_one_address_inside_spoils_those_outside(leads: Leads) -> None:
    async with raw_platform(answering(PLACED)) as platform:
        port = platform.url.rpartition(":")[2]
        leads("platform.example.com", ["127.0.0.1", "10.0.0.5"])
        answer = await dial(f"http://platform.example.com:{port}")
    assert isinstance(answer, NoReply)
    assert answer.unsent
    assert "10.0.0.5" in answer.cause
    assert platform.connections == 0


async def test_a_name_that_leads_to_this_machine_is_dialled(leads: Leads) -> None:
    async with raw_platform(answering(PLACED)) as platform:
        port = platform.url.rpartition(":")[2]
        leads("platform.example.com", ["127.0.0.1"])
        assert isinstance(await dial(f"http://platform.example.com:{port}"), Reply)
    assert platform.connections == 1


async def test_without_tls_nothing_leaves_this_machine(leads: Leads) -> None:
    leads("localhost", ["93.184.216.34"])
    for url, words in (
        ("http://localhost:9", "localhost leads to 93.184.216.34, which is not this machine"),
        ("http://93.184.216.34:9", "platform.url is 93.184.216.34, which is not this machine"),
    ):
        answer = await dial(url)
        assert isinstance(answer, NoReply)
        assert answer.unsent
        assert answer.cause == f"{words}, and http protects nothing: nothing was sent; use https"


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "10.0.0.256", "1.2.3.4.5"])
async def test_a_number_that_is_read_in_different_ways_is_refused(host: str) -> None:
    with pytest.raises(Wrong, match="is neither an address nor simulator"):
        address(f"https://{host}")
    if host.count(".") != 3:  # four parts are looked at by the HTTP library, before a client is there
        answer = await dial(f"https://{host}")
        assert isinstance(answer, NoReply)
        assert answer.unsent
        assert "no whole IP address" in answer.cause


def test_the_campaign_file_tells_of_it_with_its_line(tmp_path: Path) -> None:
    text = SMALL.replace("url: simulator", "url: https://169.254.169.254\n  api_key: ${VERBEX_API_KEY}")
    (problem,) = [found for found in refused(tmp_path, text) if found.key == "platform.url"]
    assert problem.line == text.splitlines().index("  url: https://169.254.169.254") + 1
    assert "169.254.169.254 is no public address (link-local)" in problem.message


@pytest.mark.parametrize("host", ["api.verbex.ai", "8.8.8.8", "[2606:4700::1111]"])
def test_https_is_required_of_every_other_machine(host: str) -> None:
    assert address(f"https://{host}") == f"https://{host}"
    with pytest.raises(Wrong, match="http would send the key and the numbers unprotected"):
        address(f"http://{host}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_by_anything_that_is_asked(status: int) -> None:
    async with raw_platform(answering(PLACED)) as elsewhere:
        moved = http(f"{status} Elsewhere", b"", f"Location: {elsewhere.url}/v1/calls/")
        async with raw_platform(answering(moved)) as platform, client(platform.url) as verbex:
            answers = [await verbex.dial(REQUEST), await verbex.get("any"), await verbex.list()]
    assert [answer.status for answer in answers if isinstance(answer, Reply)] == [status] * 3
    assert elsewhere.connections == 0


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_platform(answering(PLACED)) as proxy, raw_platform(answering(PLACED)) as platform:
        for name in PROXIES:
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.lower(), proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert isinstance(await dial(platform.url), Reply)
        await dial(platform.url.replace("http:", "https:"), seconds=0.3)
    assert proxy.connections == 0


async def test_no_key_of_the_netrc_file_takes_the_place_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with raw_platform(answering(PLACED)) as platform:
        await dial(platform.url)
    assert platform.sent[0].header("Authorization") == [f"Bearer {KEY.reveal()}"]


# --- nothing but the platform is ever asked ------------------------------------------------------

STRANGE_IDS = ["http://elsewhere.example/x", "//elsewhere.example", "../../../etc", "a?b=c", "a#b", "\r\nHost: x", "@h"]


async def test_an_id_leads_nowhere_else() -> None:
    async with raw_platform(answering(PLACED)) as platform, client(platform.url) as verbex:
        for strange in STRANGE_IDS:
            await verbex.get(strange)
    assert len(platform.sent) == len(STRANGE_IDS)
    host = platform.url.removeprefix("http://")
    for sent in platform.sent:
        assert sent.target.startswith("/v1/calls/")
        assert "/" not in sent.target.removeprefix("/v1/calls/")
        assert sent.header("Host") == [host]


async def test_a_recording_is_never_fetched() -> None:
    """Its address is kept for whoever wants it; the client asks nobody for it, and has no word with which it could."""
    async with raw_platform(answering(PLACED)) as recordings:
        address = f"{recordings.url}/recording.mp3"
        body = b'{"call_status": "ended", "from_number": "+14155550100", "to_number": "+14155550123", '
        body += b'"direction": "outbound", "_id": "f1", "recorded_call_audio_url": "%s"}' % address.encode()
        listed = b'{"calls": [%s], "next_page_token": "%s"}' % (body, address.encode())
        async with (
            raw_platform(answering(http("200 OK", body))) as platform,
            raw_platform(answering(http("200 OK", listed))) as lists,
        ):
            async with client(platform.url) as verbex:
                answers = [await verbex.dial(REQUEST), await verbex.get(address)]
            async with client(lists.url) as verbex:
                page = await verbex.list(page_token=address)
                await analysis_of(verbex, address, [address])
                await own_numbers(verbex, address)
    for answer in answers:
        assert isinstance(answer, Reply)
        assert answer.record is not None
        assert answer.record.record["recorded_call_audio_url"] == address
    assert not isinstance(page, NoReply | Reply)
    assert page.next_page_token == address
    assert recordings.connections == 0
    asked = {sent.target.partition("?")[0] for sent in [*platform.sent, *lists.sent]}
    assert {target.split("/")[1] for target in asked} == {"v1", "v2"}
    words = {name for name, each in vars(Client).items() if not name.startswith("_") and callable(each)}
    assert words == {"ask", "dial", "get", "list"}  # "ask" takes a path below the platform's address, never an address


@pytest.mark.parametrize("status", ["201 Created", "422 Unprocessable", "500 Oops"])
async def test_an_answer_that_quotes_the_key_is_kept_without_it(status: str) -> None:
    """Wherever it stands: what is kept of a call is kept for as long as the ledger."""
    own = KEY.reveal().encode()
    body = call_body()[:-1] + b', "ai_agent_name": "the agent of %s", "recorded_call_audio_url": "%s"}' % (own, own)
    async with raw_platform(answering(http(status, body))) as platform:
        answer = await dial(platform.url)
    assert isinstance(answer, Reply)
    assert (answer.record is not None) is status.startswith("2")
    assert KEY.reveal() not in repr(answer)
    assert "***" in repr(answer)
