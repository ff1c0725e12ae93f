"""From a campaign file to a Campaign: what each key becomes, and what is left to the defaults."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from dialer.config import load
from dialer.model import (
    Action,
    CallerId,
    CallRules,
    ListRules,
    PaceRules,
    PlatformRules,
    RecoveryRules,
    Response,
    Rule,
    Secret,
    SimulatorRules,
    StopWhen,
    Threshold,
)
from dialer.policy.outcome import REASONS
from dialer.policy.retry import DEFAULTS, GROUPS
from tests.campaign_files import CANARY, FULL, SMALL, loaded, small, written


def test_a_small_file_and_its_defaults(tmp_path: Path) -> None:
    campaign = loaded(tmp_path, SMALL, {})
    assert campaign.name == "reminders"
    assert campaign.path == tmp_path / "campaign.yaml"
    assert campaign.contacts == ListRules(files=(tmp_path / "contacts.csv",), placed=True)
    assert campaign.call == CallRules(from_numbers=("+14155550100",), callers=(CallerId("+14155550100"),))
    assert campaign.platform == PlatformRules(url=None, api_key=Secret("API_simulated"))
    assert campaign.pace == PaceRules(calls_per_second=1.0, concurrent_calls=5)
    assert (campaign.retry.attempts, dict(campaign.retry.responses)) == (3, dict(DEFAULTS))
    assert campaign.recovery == RecoveryRules(hold=120.0, max_unknown=50, look_back=604800.0)
    assert campaign.stop_when == StopWhen(platform_failed=None, under_8s=None, opt_out=None)
    assert campaign.ledger == tmp_path / "dialer.db"
    assert campaign.hours == Rule(id="hours", place="*", week=(((540, 1200),),) * 7)
    assert (campaign.law, campaign.caps, campaign.per_day, campaign.registers) == (None, None, None, ())
    assert (campaign.order, campaign.analysis) == ("retries", False)


def test_a_full_file(tmp_path: Path) -> None:
    campaign = loaded(tmp_path, FULL)
    assert campaign.contacts == ListRules(
        files=(tmp_path / "contacts.csv",),
        phone=("phone",),
        id="appointment_id",
        one_per="phone",
        country="US",
        timezone="tz",
        required=("first_name",),
        expires=72000.0,
        max_rejects=0.2,
        max_gone=0.1,
    )
    assert campaign.call == CallRules(
        from_numbers=("+14155550100",),
        agent="66f1c0ffee",
        data=("first_name", "amount_due"),
        metadata=("crm_id",),
        callers=(CallerId("+14155550100"),),
    )
    assert (campaign.hours, campaign.law) == (None, None)
    assert campaign.platform == PlatformRules(url="https://api.verbex.ai", api_key=Secret(CANARY))
    assert campaign.pace == PaceRules(calls_per_second=2.0, concurrent_calls=20)
    assert campaign.retry.responses["no_answer"] == Response(Action.WAIT, (7200.0, 86400.0))
    assert campaign.retry.responses["voicemail_detected"] == Response(Action.NEVER)
    assert campaign.recovery == RecoveryRules(hold=120.0, max_unknown=50)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("phone: [mobile, home]", "phone", ("mobile", "home")),
        ("phone: ' mobile '", "phone", ("mobile",)),
        ("id: ref\n  one_per: id", "one_per", "id"),
        ("postcode: p\n  region: r\n  timezone: t\n  debt: d", "steering", ("t", "r", "p", "d")),
        ("required: name", "required", ("name",)),
        ("required: []", "required", ()),
        ("min_rows: 0", "min_rows", 0),
        ("newer_than: 1d", "newer_than", 86400.0),
        ("max_gone: 100%", "max_gone", 1.0),
        ("max_rejects: 0.25", "max_rejects", 0.25),
        ("encoding: latin-1", "encoding", "iso8859-1"),
        ("delimiter: tab", "delimiter", "\t"),
        ('delimiter: "\\t"', "delimiter", "\t"),
        ("delimiter: ;", "delimiter", ";"),
        ("expires: 1.5h", "expires", 5400.0),
    ],
)
def test_keys_of_contacts(tmp_path: Path, line: str, field: str, value: object) -> None:
    assert getattr(loaded(tmp_path, small("contacts", line)).contacts, field) == value


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("agent: {column: agent_id}", "agent_column", "agent_id"),
        ("agent: {column: agent_id}", "agent", None),
        ('data: "*"', "data", ("*",)),
        ("data: ['*']", "data", ("*",)),
        ("data: []", "data", ()),
        ("data: one", "data", ("one",)),
        ('metadata: "*"', "metadata", ("*",)),
        ("longest: 30m", "longest", 1800.0),
    ],
)
def test_keys_of_call(tmp_path: Path, line: str, field: str, value: object) -> None:
    assert getattr(loaded(tmp_path, small("call", line)).call, field) == value


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("calls_per_second: '0.5'", PaceRules(calls_per_second=0.5)),
        ("concurrent_calls: 20", PaceRules(concurrent_calls=20)),
        ("concurrent_calls: auto", PaceRules(concurrent_calls=None)),
        ("concurrent_calls: {auto: true}", PaceRules(concurrent_calls=None)),
        ("concurrent_calls: {auto: True, at_most: 200}", PaceRules(concurrent_calls=None, at_most=200)),
        (
            "concurrent_calls:\n    auto: 'true'\n    leave_free: ${FREE}\n    at_most: 2",
            PaceRules(concurrent_calls=None, at_most=2, leave_free=3),
        ),
        ("concurrent_calls: {auto: true, leave_free: 0}", PaceRules(concurrent_calls=None)),
        ("priority: 100", PaceRules(priority=100)),
        ("priority: 0", PaceRules()),
    ],
)
def test_keys_of_pace(tmp_path: Path, line: str, rules: PaceRules) -> None:
    assert loaded(tmp_path, small("pace", line), {"FREE": "3"}).pace == rules


def test_keys_of_recovery(tmp_path: Path) -> None:
    given = loaded(tmp_path, small("recovery", "hold: 0s\n  max_unknown: 0\n  look_back: 1d")).recovery
    assert given == RecoveryRules(hold=0.0, max_unknown=0, look_back=86400.0)


@pytest.mark.parametrize(
    ("line", "rules"),
    [
        ("platform_failed: 10% of 50", StopWhen(platform_failed=Threshold(0.1, 50))),
        ("under_8s: '40 %  of 50'", StopWhen(under_8s=Threshold(0.4, 50))),
        (
            "under_8s: 40% of ${CALLS}\n  opt_out: 3% of 200",
            StopWhen(under_8s=Threshold(0.4, 50), opt_out=Threshold(0.03, 200)),
        ),
    ],
)
def test_keys_of_stop_when(tmp_path: Path, line: str, rules: StopWhen) -> None:
    assert loaded(tmp_path, small("stop_when", line), {"CALLS": "50"}).stop_when == rules


def test_stop_when_may_stand_on_one_line(tmp_path: Path) -> None:
    line = "stop_when: {platform_failed: 10% of 50, under_8s: 40% of 50, opt_out: 3% of 200}"
    found = loaded(tmp_path, small("", line)).stop_when
    assert found == StopWhen(Threshold(0.1, 50), Threshold(0.4, 50), Threshold(0.03, 200))


def test_the_ledger_may_lie_elsewhere(tmp_path: Path) -> None:
    assert loaded(tmp_path, small("", "ledger: books/a.db")).ledger == tmp_path / "books/a.db"
    assert loaded(tmp_path, small("", "ledger: /var/lib/a.db")).ledger == Path("/var/lib/a.db")


def test_paths_are_absolute_wherever_the_run_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, SMALL)
    monkeypatch.chdir(tmp_path.parent)
    campaign = load(Path(tmp_path.name) / "campaign.yaml", {})
    assert campaign.path == tmp_path / "campaign.yaml"
    assert campaign.contacts.files == (tmp_path / "contacts.csv",)
    assert campaign.ledger == tmp_path / "dialer.db"


@pytest.mark.parametrize("url", ["http://localhost:8080", "http://127.0.0.1:9", "https://[::1]:443"])
def test_a_loopback_platform_needs_a_key_but_neither_hours_nor_rules(tmp_path: Path, url: str) -> None:
    text = SMALL.replace("url: simulator", f"url: '{url}'\n  api_key: x1")
    assert loaded(tmp_path, text).platform.api_key == Secret("x1")


SIMULATOR: list[tuple[str, str, Any]] = [
    ("seed: 7", "seed", 7),
    ("time_scale: 60", "time_scale", 60.0),
    ("concurrent_calls: 3", "concurrent_calls", 3),
    ("calls_per_second: 2.5", "calls_per_second", 2.5),
    ("call_seconds: 30", "call_seconds", 30.0),
    ("ring_seconds: 5", "ring_seconds", 5.0),
    ("mix: {no_answer: 1, user_ended_call: 2.5}", "mix", {"no_answer": 1.0, "user_ended_call": 2.5}),
    (
        "script: {+1 415 555 0123: [no_answer, user_ended_call], +14155550124: line_busy}",
        "script",
        {"+14155550123": ("no_answer", "user_ended_call"), "+14155550124": ("line_busy",)},
    ),
    ("full_answer: 429", "full_answer", "429"),
    ("lookup: custom", "lookup", "custom"),
    ("repeated: merged", "repeated", "merged"),
    ("api_key: API_sim", "api_key", Secret("API_sim")),
    ("own_numbers: [+14155550100]", "own_numbers", ("+14155550100",)),
    ("webhook_id: custom", "webhook_id", "custom"),
    ("webhook_calls: connected", "webhook_calls", "connected"),
    ("webhook_encoding: base64", "webhook_encoding", "base64"),
    ("webhook_repeats: 10%", "webhook_repeats", 0.1),
    ("webhook_disorder: 0.25", "webhook_disorder", 0.25),
]


@pytest.mark.parametrize(("line", "field", "value"), SIMULATOR)
def test_keys_of_the_simulator(tmp_path: Path, line: str, field: str, value: Any) -> None:
    rules = loaded(tmp_path, small("platform", f"simulator:\n    {line}")).platform.simulator
    assert rules == dataclasses.replace(SimulatorRules(), **{field: value})


def test_every_rule_of_the_simulator_has_a_key() -> None:
    assert {field for _, field, _ in SIMULATOR} == {field.name for field in dataclasses.fields(SimulatorRules)}


@pytest.mark.parametrize("word", sorted({*REASONS, *GROUPS}))
def test_each_reason_and_group_takes_a_response(tmp_path: Path, word: str) -> None:
    responses = loaded(tmp_path, small("retry", f"{word}: [90s, 1h]")).retry.responses
    expected = GROUPS.get(word, frozenset({word}))
    assert {reason for reason in REASONS if responses[reason].waits == (90.0, 3600.0)} == set(expected)


@pytest.mark.parametrize(
    ("value", "response"),
    [
        ("never", Response(Action.NEVER)),
        ("done", Response(Action.DONE)),
        ("stop", Response(Action.STOP)),
        ("0.5s", Response(Action.WAIT, (0.5,))),
        ("[10m]", Response(Action.WAIT, (600.0,))),
    ],
)
def test_responses(tmp_path: Path, value: str, response: Response) -> None:
    assert loaded(tmp_path, small("retry", f"line_busy: {value}")).retry.responses["line_busy"] == response


@pytest.mark.parametrize(
    "order", [("machine: never", "voicemail_detected: 1h"), ("voicemail_detected: 1h", "machine: never")]
)
def test_the_more_exact_word_wins(tmp_path: Path, order: tuple[str, str]) -> None:
    responses = loaded(tmp_path, small("retry", "\n  ".join(order))).retry.responses
    assert responses["voicemail_detected"] == Response(Action.WAIT, (3600.0,))
    assert responses["answering_machine_detected"] == Response(Action.NEVER)


# --- the list's files ----------------------------------------------------------------------------


def touched(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("[b.csv, a.csv]", ["b.csv", "a.csv"]),
        ("lists/*.csv", ["lists/1.csv", "lists/2.csv"]),
        ("lists/**/*.gz", ["lists/deep/3.csv.gz"]),
        ("[lists/2.csv, 'lists/*.csv']", ["lists/2.csv", "lists/1.csv"]),
        ("[a.csv, ./a.csv]", ["a.csv"]),
        ("a[1].csv", ["a[1].csv"]),
        ("A.CSV", ["A.CSV"]),
        ("lists/../a.parquet", ["lists/../a.parquet"]),
        ("'[ab].csv'", ["a.csv", "b.csv"]),
    ],
)
def test_names_and_patterns_of_files(tmp_path: Path, value: str, names: list[str]) -> None:
    touched(tmp_path, "a.csv", "b.csv", "a[1].csv", "A.CSV", "a.parquet")
    touched(tmp_path, "lists/2.csv", "lists/1.csv", "lists/deep/3.csv.gz")
    (tmp_path / "lists/folder.csv").mkdir()
    campaign = loaded(tmp_path, SMALL.replace("file: contacts.csv", f"file: {value}"))
    assert campaign.contacts.files == tuple(tmp_path / name for name in names)


def test_an_absolute_pattern_and_a_folder_that_looks_like_one(tmp_path: Path) -> None:
    folder = tmp_path / "[x]"
    touched(tmp_path, "lists/a.csv", "[x]/b.csv")
    absolute = loaded(folder, SMALL.replace("file: contacts.csv", f"file: {tmp_path}/lists/*.csv"))
    assert absolute.contacts.files == (tmp_path / "lists/a.csv",)
    relative = loaded(folder, SMALL.replace("file: contacts.csv", "file: b*.csv"))
    assert relative.contacts.files == (folder / "b.csv",)
    above = loaded(folder, SMALL.replace("file: contacts.csv", "file: ../lists/*.csv"))
    assert [file.resolve() for file in above.contacts.files] == [tmp_path / "lists/a.csv"]
