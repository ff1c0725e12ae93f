"""`check` looks at the ledger as well: what would stop `run` later is told before."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dialer.clock import Clock
from dialer.config import load
from dialer.errors import ExitCode
from dialer.ledger import Ledger
from tests.command_line import campaign, change, on_platform, people_of, taken_in, told
from tests.engine_kit import begun


def test_a_ledger_that_is_no_database_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    (tmp_path / "dialer.db").write_text("this is a letter, and not a database at all, whatever its name\n" * 20)
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.FILE
    assert "ledger: " in found.err and "dialer.db" in found.err


def test_a_ledger_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    change(path, "ledger: dialer.db", "ledger: nowhere/dialer.db")
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.FILE
    assert "its folder must exist and be writable" in found.err


def test_a_list_of_another_platform_is_told_and_nothing_is_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    before = people_of(tmp_path / "dialer.db")
    on_platform(path, "http://127.0.0.1:9", "API_other")
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.FILE
    assert "was dialled on simulator" in found.err and "another ledger" in found.err
    assert people_of(tmp_path / "dialer.db") == before


def test_a_known_campaign_is_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    assert told(capsys, "check", path, "--offline").code == ExitCode.OK


def test_doubles_are_counted_as_the_import_counts_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = (
        "id,phone,home,name\n"
        "A1,+14155550123,+14155550124,Ann\n"
        "A1,+14155550125,,Ann again\n"
        "A2,+14155550124,,Bob with Ann's second number\n"
        "A3,+14155550126,12,Cy with one bad number\n"
    )
    path = campaign(tmp_path, people)
    change(path, "  phone: phone\n", "  phone: [phone, home]\n")
    found = told(capsys, "check", path, "--offline")
    imported = taken_in(path)
    assert imported is not None
    assert (imported.good, imported.rejected) == (2, 2)
    assert f"{imported.good} people can be dialled, {imported.rejected} rejects." in found.out


def test_too_many_rejects_are_told_with_the_first_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = "id,phone,name\nA1,+14155550123,Ann\nA2,12,Bob\nA3,+14155550123,Ann again\nA4,,Cy\n"
    path = campaign(tmp_path, people)
    change(path, "  phone: phone\n", "  phone: phone\n  max_rejects: 20%\n")
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.FILE
    assert "3 of 4 rows are rejects, more than `contacts.max_rejects` allows (20%)" in found.err
    assert "line 3 (phone): " in found.err and "line 5 (phone): " in found.err
    assert "duplicate 1" in found.err


# --- what would stop `run` later ----------------------------------------------------------------------


def dialled(path: Path) -> Path:
    """The campaign with a call in its ledger; gives the secret's file."""
    taken_in(path)
    asyncio.run(_dialled(path))
    return path.parent / "dialer.db.secret"


async def _dialled(path: Path) -> None:
    rules = load(path, {})
    ledger = Ledger.open(rules.ledger, "run", Clock().now)
    try:
        await ledger.start_run("run", [rules.name])
        await begun(ledger, rules, (await ledger.bind(rules)).id)
    finally:
        await ledger.close()


def test_a_secret_that_is_missing_is_told_and_none_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    secret = dialled(path)
    assert told(capsys, "check", path, "--offline").code == ExitCode.OK
    secret.unlink()
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.FILE
    assert f"ledger: {secret} is missing, and without it earlier calls" in found.err
    assert "in order" not in found.out
    assert not secret.exists()


@pytest.mark.parametrize(
    ("content", "sentence"), [("00" * 32, "is the secret of another ledger"), ("letter", "cannot be read as the")]
)
def test_a_secret_that_is_not_the_ledgers_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, sentence: str
) -> None:
    path = campaign(tmp_path)
    secret = dialled(path)
    secret.write_text(content)
    found = told(capsys, "check", path, "--offline")
    assert (found.code, sentence in found.err) == (ExitCode.FILE, True)
    assert told(capsys, "run", path, "--quiet").code == ExitCode.LEDGER
    assert secret.read_text() == content


def test_without_calls_a_missing_secret_is_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    secret = tmp_path / "dialer.db.secret"
    secret.unlink()
    assert told(capsys, "check", path, "--offline").code == ExitCode.OK
    assert not secret.exists()


def test_a_torn_secret_beside_no_ledger_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    (tmp_path / "dialer.db.secret").write_text("letter")
    assert told(capsys, "check", path, "--offline").code == ExitCode.FILE
    assert not (tmp_path / "dialer.db").exists()


def test_webhooks_without_a_secret_are_told_with_the_campaigns_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    hooks = "webhooks: {listen: '127.0.0.1:8089', url: 'https://calls.example.com/verbex'}\n"
    path.write_text(path.read_text() + hooks)
    assert told(capsys, "check", path, "--offline").code == ExitCode.OK  # on the simulator the run subscribes itself
    on_platform(path, "http://127.0.0.1:9", "API_other")
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.FILE
    assert f"{path}: webhooks.secret is missing" in found.err
    assert f"`dialer webhooks subscribe {path}`" in found.err
    assert "in order" not in found.out
    ended = told(capsys, "run", path, "--quiet")
    assert (ended.code, ended.out.split()[:3]) == (ExitCode.FILE, ["reminders", "78", "webhooks"])


# --- what holds for the rest --------------------------------------------------------------------------


def test_what_is_not_written_is_told_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(capsys, "check", campaign(tmp_path), "--offline").out.splitlines()
    for line in (
        "List: nobody ever expires; if more than 10% of the people (and more than 20) are gone, none is dialled.",
        "Calls: one that is not known to have ended after 2h is unknown.",
        "Recovery: a lost answer waits for 2m, and is looked for up to 7d back; more than 50 unknown stop the run.",
        "Stops when: nothing is watched.",
        "Webhooks: none; calls are only read.",
        "Pace: 50 calls per second, 10 concurrent calls.",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("concurrent_calls: auto", "1 call per second, learns the account's limit of concurrent calls."),
        (
            "calls_per_second: 0.5, concurrent_calls: {auto: true, at_most: 200, leave_free: 2}, priority: 7",
            "0.5 calls per second, learns the account's limit of concurrent calls, at most 200, leaves 2 free, "
            "priority 7 among the campaigns of a run.",
        ),
    ],
)
def test_the_pace_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], written: str, said: str) -> None:
    path = campaign(tmp_path)
    change(path, "calls_per_second: 50, concurrent_calls: 10", written)
    assert f"Pace: {said}" in told(capsys, "check", path, "--offline").out.splitlines()


@pytest.mark.parametrize(
    ("listen", "is_open"),
    [
        ("127.0.0.1:8089", False),
        ("localhost:8089", False),
        ("[::1]:8089", False),
        ("0.0.0.0:8089", True),
        ("[::]:8089", True),
        ("192.168.1.5:80", True),
        ("calls.example.com:80", True),
    ],
)
def test_what_is_written_is_told_and_a_door_to_the_network_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], listen: str, is_open: bool
) -> None:
    path = campaign(tmp_path)
    change(path, "  id: id\n", "  id: id\n  expires: 20h\n  max_gone: 12.5%\n")
    change(path, "call:\n", "call:\n  longest: 90m\n")
    path.write_text(
        path.read_text() + "recovery: {hold: 90s, max_unknown: 7, look_back: 3d}\n"
        "stop_when: {platform_failed: 10% of 50, opt_out: 2.5% of 200}\n"
        f"webhooks: {{listen: '{listen}', url: 'https://calls.example.com/verbex', secret: whsec_1234567890}}\n"
    )
    found = told(capsys, "check", path, "--offline")
    assert found.code == ExitCode.OK, found.err
    for line in (
        "List: a contact is given up after 20h; if more than 12.5% of the people (and more than 20) are gone, ",
        "Calls: one that is not known to have ended after 90m is unknown.",
        "Recovery: a lost answer waits for 90s, and is looked for up to 3d back; more than 7 unknown stop the run.",
        "Stops when: platform_failed 10% of 50, opt_out 2.5% of 200.",
        f"Webhooks: a run listens on {listen}, and the platform sends to https://calls.example.com/verbex.",
    ):
        assert line in found.out
    assert ("Warning: " in found.out and "is open to the network, in plain HTTP" in found.out) is is_open
    assert "whsec" not in found.said
