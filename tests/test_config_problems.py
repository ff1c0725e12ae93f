"""What is wrong with a campaign file: every fault at once, each with its key, its line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.config import load
from dialer.errors import CampaignError, Problem
from tests.campaign_files import FULL, SMALL, loaded, only, refused, small

EVERYTHING = """\
nmae: reminders
contacts:
  file: [contacts.csv, missing.csv]
  phone:
  country: us
  expires: 20
  priority: urgency
  phnoe: mobile
  one_per: id
call:
  from:
    - +14155550100
    - 0123
  data: ["*", b]
platform:
  url: https://api.verbex.ai/v1
  api_key: ${NOPE}
  simulator: {mix: {no_answr: 1, no_answer: x}}
pace:
retry:
  attempts: 0
  no_anser: soon
  line_busy: [1h, soon]
  concurrent_call_limit_reached: never
hours: weekdays
recovery: {hold: 120, max_unknown: -1}
attempts: 3
"""


def test_all_problems_come_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    found = [(problem.line, problem.key) for problem in refused(tmp_path, EVERYTHING)]
    assert sorted(found) == [
        (0, "name"),
        (0, "rules"),
        (1, "nmae"),
        (3, "contacts.file"),
        (4, "contacts.phone"),
        (5, "contacts.country"),
        (6, "contacts.expires"),
        (8, "contacts.phnoe"),
        (9, "contacts.one_per"),
        (13, "call.from"),
        (14, "call.data"),
        (16, "platform.url"),
        (17, "platform.api_key"),
        (18, "platform.simulator"),
        (18, "platform.simulator.mix.no_answer"),
        (18, "platform.simulator.mix.no_answr"),
        (19, "pace"),
        (21, "retry.attempts"),
        (22, "retry.no_anser"),
        (23, "retry.line_busy"),
        (24, "retry.concurrent_call_limit_reached"),
        (25, "hours"),
        (26, "recovery.hold"),
        (26, "recovery.max_unknown"),
        (27, "attempts"),
    ]
    assert [line for line, _ in found] == sorted(line for line, _ in found)


def test_no_problem_is_in_the_words_of_a_library(tmp_path: Path) -> None:
    for problem in refused(tmp_path, EVERYTHING):
        assert problem.message
        assert problem.suggestion
        for jargon in ("pydantic", "Input", "input", "validat", "type=", "Value error", "dict", "str ", "None"):
            assert jargon not in str(problem)


def test_an_empty_mapping_lacks_all_that_is_required(tmp_path: Path) -> None:
    keys = {problem.key for problem in refused(tmp_path, "ledger: a.db")}
    assert keys == {"name", "contacts", "call", "platform", "hours", "rules"}
    keys = {problem.key for problem in refused(tmp_path, "name: a\ncontacts: {}\ncall: {}\nplatform: {}")}
    assert keys == {"contacts.file", "call.from", "platform.url", "platform.api_key", "hours", "rules"}


def test_a_missing_key_has_the_line_of_its_part(tmp_path: Path) -> None:
    problem = only(tmp_path, SMALL.replace("  from: +14155550100\n", "  longest: 1h\n"))
    assert problem == Problem("call.from", 4, "is missing", "from: […], with your own number")


SAID = [
    ("contacts", "phnoe: x", "contacts.phnoe", "there is no such key", "did you mean phone?"),
    ("contacts", "from: x", "contacts.from", "there is no such key", "it belongs under call:"),
    ("contacts", "ledger: x", "contacts.ledger", "there is no such key", "it belongs to the left, under no other key"),
    ("", "country: US", "country", "there is no such key", "it belongs under contacts:"),
    ("", "attempts: 3", "attempts", "there is no such key", "it belongs under retry:"),
    ("", "Name: x", "Name", "there is no such key", "did you mean name?"),
    ("", "n.ame: x", "n.ame", "there is no such key", "did you mean name?"),
    ("pace", "zz.z: 3", "pace.zz.z", "there is no such key", "known are calls_per_second, concurrent_calls"),
    ("pace", "zzz: 3", "pace.zzz", "there is no such key", "known are calls_per_second, concurrent_calls"),
    ("retry", "no_anser: 1h", "retry.no_anser", "'no_anser' is neither a finish reason", "did you mean no_answer?"),
    ("retry", "twilio_error: 1h", "retry.twilio_error", "'twilio_error' is neither a finish reason", "did you mean"),
    (
        "retry",
        "zzz: {a: b}",
        "retry.zzz",
        "'zzz' is neither a finish reason",
        "it takes attempts, spread, callback, the 26",
    ),
    ("retry", "no_answer: later", "retry.no_answer", "'later' is not a length of time", "write waits as 10m"),
    ("retry", "no_answer: []", "retry.no_answer", "is an empty list", "write waits as 10m"),
    ("retry", "no_answer: [never]", "retry.no_answer", "'never' is not a length of time", "write waits as 10m"),
    ("retry", "no_answer: 0s", "retry.no_answer", "'0s' is no time at all", "write waits as 10m"),
    ("retry", "no_answer: 60", "retry.no_answer", "'60' has no unit", "write waits as 10m"),
    ("retry", "no_answer:", "retry.no_answer", "is empty", "write waits as 10m"),
    ("contacts", "phone: [a, b, a]", "contacts.phone", "'a' stands there twice", "name it once"),
    ("contacts", "phone: []", "contacts.phone", "is an empty list", "name at least one"),
    ("contacts", "phone: {a: b}", "contacts.phone", "one value is needed here, not keys", ""),
    ("contacts", "id: [a]", "contacts.id", "one value is needed here, not a list", ""),
    ("contacts", "one_per: phones", "contacts.one_per", "'phones' is not phone or id", "did you mean phone?"),
    ("contacts", "one_per: id", "contacts.one_per", "a person per id needs an id", "add id:"),
    ("contacts", "expires: 0s", "contacts.expires", "'0s' is no time at all", "write it as 90s"),
    ("contacts", "min_rows: many", "contacts.min_rows", "'many' is not a whole number of 0 or more", "write it as 5"),
    ("contacts", "max_rejects: 20", "contacts.max_rejects", "'20' is more than the whole", "write 20%"),
    ("contacts", "encoding: klingon", "contacts.encoding", "'klingon' is not an encoding", "write utf-8"),
    ("contacts", "delimiter: pipe", "contacts.delimiter", "'pipe' cannot stand between two cells", "write comma"),
    ("call", "agent: {colum: x}", "call.agent", "the only key below it is `column`", "write an agent's id"),
    ("call", "agent: []", "call.agent", "one value is needed here, not a list", ""),
    ("call", "data: ['*', a]", "call.data", "'*' means all columns", 'write "*" alone'),
    ("call", "data: [a, a]", "call.data", "'a' stands there twice", "name it once"),
    ("call", "longest: 2", "call.longest", "'2' has no unit", "write 2s, 2m, 2h or 2d"),
    ("pace", "calls_per_second: 1001", "pace.calls_per_second", "'1001' calls a second are more than 1000", ""),
    ("pace", "concurrent_calls: many", "pace.concurrent_calls", "'many' is neither a whole number", "write it as 20"),
    ("pace", "concurrent_calls: []", "pace.concurrent_calls", "one value is needed here, not a list", ""),
    (
        "pace",
        "concurrent_calls: {auto: true, at_mots: 3}",
        "pace.concurrent_calls.at_mots",
        "there is no such key",
        "did you mean at_most?",
    ),
    ("pace", "at_most: 3", "pace.at_most", "there is no such key", "it belongs under pace.concurrent_calls:"),
    ("pace", "concurrent_calls: {at_most: 3}", "pace.concurrent_calls.auto", "is missing", "auto: true, or a number"),
    (
        "pace",
        "concurrent_calls: {auto: false}",
        "pace.concurrent_calls.auto",
        "'false' is not true: the keys beside it are for a limit that is learned",
        "write auto: true, or a number alone",
    ),
    (
        "pace",
        "concurrent_calls: {auto: true, at_most: 0}",
        "pace.concurrent_calls.at_most",
        "'0' is not a whole number of 1 or more",
        "write it as",
    ),
    (
        "pace",
        "concurrent_calls: {auto: true, leave_free: -1}",
        "pace.concurrent_calls.leave_free",
        "'-1' is not a whole number of 0 or more",
        "write it as",
    ),
    (
        "pace",
        "concurrent_calls: {auto: true, leave_free: 5000}",
        "pace.concurrent_calls.leave_free",
        "5000 lines left free leave none to dial on",
        "write it as 2",
    ),
    ("pace", "priority: 101", "pace.priority", "'101' is not a whole number of 0 to 100", "write it as 10"),
    ("pace", "priority: high", "pace.priority", "'high' is not a whole number of 0 to 100", "write it as 10"),
    ("recovery", "hold: -1s", "recovery.hold", "'-1s' is not a length of time", "write it as 90s"),
    ("stop_when", "under_8s: 40%", "stop_when.under_8s", "'40%' is not a share of the last calls", "write it as"),
    ("stop_when", "under_9s: 4% of 9", "stop_when.under_9s", "there is no such key", "did you mean under_8s?"),
    ("", "stop_when: 10% of 50", "stop_when", "needs keys of its own below it", "write its keys below it"),
    ("", "hours: 9-17", "hours", "'9-17' is neither always nor windows", "write hours: {"),
    ("", "rules: us", "rules", "'us' is neither none nor rules", "write rules: {"),
    ("", "rules: [us]", "rules", "needs keys of its own below it", "write its keys"),
    ("", "pace: 3", "pace", "needs keys of its own below it", "write its keys below it"),
    ("", "pace:", "pace", "is empty", "write its keys below it"),
    ("", "retry: [a]", "retry", "needs keys of its own below it", "write its keys below it"),
    ("", "ledger:", "ledger", "is empty", "give it a value, or remove the line"),
    ("platform", "api_key: a b", "platform.api_key", "the key holds a space", "copy it again"),
    ("platform", "api_key: []", "platform.api_key", "one value is needed here, not a list", ""),
    (
        "platform",
        "simulator: {lookup: all}",
        "platform.simulator.lookup",
        "'all' is not custom or platform or both",
        "",
    ),
    ("platform", "simulator: {mix: {busy: 1}}", "platform.simulator.mix.busy", "'busy' is not a finish reason", ""),
    (
        "platform",
        "simulator: {mix: {no_answer: 0}}",
        "platform.simulator.mix",
        "no finish reason has a weight",
        "write it as",
    ),
    ("platform", "simulator: {mix: 3}", "platform.simulator.mix", "needs keys of its own below it", ""),
    (
        "platform",
        "simulator: {script: {'12': no_answer}}",
        "platform.simulator.script.12",
        "'12' is not a whole",
        "",
    ),
    ("platform", "simulator: {speed: 2}", "platform.simulator.speed", "there is no such key", ""),
]

# The first line of each part of the small file, or of one that is added to it.
LINES = {"": 8, "contacts": 3, "call": 5, "platform": 7, "pace": 9, "retry": 9, "recovery": 9, "stop_when": 9}


@pytest.mark.parametrize(("part", "text", "key", "message", "hint"), SAID, ids=[row[1] for row in SAID])
def test_each_fault_is_one_sentence(tmp_path: Path, part: str, text: str, key: str, message: str, hint: str) -> None:
    problem = only(tmp_path, small(part, text))
    assert (problem.line, problem.key) == (LINES[part], key)
    assert problem.message.startswith(message)
    assert problem.suggestion.startswith(hint)


@pytest.mark.parametrize("value", ["never", "done", "stop"])
def test_a_full_account_says_nothing_about_a_person(tmp_path: Path, value: str) -> None:
    problem = only(tmp_path, small("retry", f"concurrent_call_limit_reached: {value}"))
    assert problem.suggestion == "write waits, as [2s, 10s, 30s]"


def test_a_key_within_concurrent_calls_has_its_own_line(tmp_path: Path) -> None:
    text = small("pace", "concurrent_calls:\n    auto: true\n    leave_fre: 2")
    assert (only(tmp_path, text).line, only(tmp_path, text).key) == (11, "pace.concurrent_calls.leave_fre")


def test_a_wrong_item_of_a_list_has_its_own_line(tmp_path: Path) -> None:
    text = SMALL.replace("  from: +14155550100\n", "  from:\n    - +14155550100\n    # home\n    - 4155550101\n")
    assert (only(tmp_path, text).line, only(tmp_path, text).key) == (8, "call.from")


# --- keys that demand each other -----------------------------------------------------------------


def test_real_people_need_hours_rules_and_a_key(tmp_path: Path) -> None:
    problems = refused(tmp_path, SMALL.replace("url: simulator", "url: https://api.verbex.ai"))
    assert [(one.key, one.line) for one in problems] == [("hours", 0), ("rules", 0), ("platform.api_key", 6)]
    assert problems[0].suggestion == "hours: always"


def test_a_simulator_cannot_stand_beside_a_real_platform(tmp_path: Path) -> None:
    text = FULL.replace("  api_key:", "  simulator: {seed: 1}\n  api_key:")
    assert only(tmp_path, text).key == "platform.simulator"


def test_a_loopback_platform_needs_a_key(tmp_path: Path) -> None:
    assert only(tmp_path, SMALL.replace("url: simulator", "url: http://127.0.0.1:9")).key == "platform.api_key"


# --- the list's files ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("none.csv", "there is no file 'none.csv' in ", "the name is relative to the campaign file"),
        ("no/such/folder.csv", "there is no file 'no/such/folder.csv' in ", "the name is relative"),
        ("contacts.csv/x.csv", "there is no file 'contacts.csv/x.csv' in ", "the name is relative"),
        ("none-*.csv", "no file matches 'none-*.csv' in ", "the pattern is relative to the campaign file"),
        ("folder", "'folder' is a directory", "name the files in it, as folder/*.csv"),
        ("sheet.xlsx", "'sheet.xlsx' is not .csv, .csv.gz or .parquet", "save the sheet as CSV"),
        ("list.tsv", "'list.tsv' is not .csv, .csv.gz or .parquet", "name it .csv and set contacts.delimiter: tab"),
        ("list", "'list' is not .csv, .csv.gz or .parquet", "give it the ending of what it is"),
        ("'*.xlsx'", "'sheet.xlsx' is not .csv, .csv.gz or .parquet", "save the sheet as CSV"),
        ('"a\\0.csv"', "a file's name cannot hold a NUL", "write the file's name"),
        ("[]", "is an empty list", "name at least one"),
        ("", "is empty", "give it a value"),
        ("[contacts.csv, none.csv]", "there is no file 'none.csv' in ", "the name is relative"),
    ],
)
def test_files_that_cannot_be_taken(tmp_path: Path, value: str, message: str, hint: str) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("sheet.xlsx", "list.tsv", "list"):
        (tmp_path / name).touch()
    problem = only(tmp_path, SMALL.replace("file: contacts.csv", f"file: {value}"))
    assert (problem.key, problem.line) == ("contacts.file", 3)
    assert problem.message.startswith(message)
    assert problem.suggestion.startswith(hint)


@pytest.mark.parametrize("name", [f"{'x' * 300}.csv", f"{'x' * 300}*.csv", "a**b.csv"])
def test_names_and_patterns_that_no_disk_has_are_told(tmp_path: Path, name: str) -> None:
    problem = only(tmp_path, SMALL.replace("file: contacts.csv", f"file: {name}"))
    assert problem.key == "contacts.file"
    assert problem.suggestion


# --- any damage ----------------------------------------------------------------------------------


@pytest.mark.slow
@given(
    st.integers(0, len(FULL)),
    st.integers(0, 12),
    st.one_of(
        st.text(max_size=8), st.sampled_from(["\n", ": ", "- ", "[", "{", "${", "*", "&a ", "!x ", "'", '"', "\t"])
    ),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=120)
def test_a_damaged_file_is_refused_or_read_and_nothing_else(tmp_path: Path, at: int, gone: int, put: str) -> None:
    text = (FULL[:at] + put + FULL[at + gone :]).encode("utf-8", "surrogatepass")
    try:
        loaded(tmp_path, text)
    except CampaignError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)


@pytest.mark.parametrize(("hold", "fault"), [("0s", True), ("59s", True), ("60s", False), ("120s", False)])
def test_a_hold_that_is_too_short_for_real_people_is_refused(tmp_path: Path, hold: str, fault: bool) -> None:
    text = (
        "name: a\ncontacts: {file: people.csv}\ncall: {from: +14155550100}\nhours: always\nrules: none\n"
        f"platform: {{url: 'https://api.verbex.ai', api_key: API_x}}\nrecovery: {{hold: {hold}}}\n"
    )
    (tmp_path / "people.csv").write_text("phone\n+14155550123\n")
    path = tmp_path / "campaign.yaml"
    path.write_text(text)
    if not fault:
        assert load(path, {}).recovery.hold == float(hold[:-1])
        return
    with pytest.raises(CampaignError, match=r"line 7: recovery\.hold: is too short.*at least 60s"):
        load(path, {})


@pytest.mark.parametrize(
    ("url", "recovery", "fault"),
    [
        ("https://api.verbex.ai", "look_back: 59m", r"recovery\.look_back: is too short.*at least 1h"),
        ("https://api.verbex.ai", "look_back: 1h", None),
        (
            "https://api.verbex.ai",
            "hold: 2h, look_back: 1h",
            r"recovery\.look_back: .*is not longer than recovery\.hold",
        ),
        ("https://api.verbex.ai", "hold: 8d", r"recovery\.hold: recovery\.look_back \(604800s\) is not longer"),
        ("simulator", "look_back: 119s", r"recovery\.look_back: .*\(119s\) is not longer than recovery\.hold \(120s\)"),
        ("simulator", "look_back: 120s", r"is not longer than recovery\.hold"),
        ("simulator", "look_back: 121s", None),
        ("simulator", "hold: 1s, look_back: 2s", None),
        ("simulator", "hold: soon, look_back: 1h", r"recovery\.hold: 'soon' is not a length of time"),
    ],
)
def test_a_look_back_that_never_reaches_the_dial_is_refused(
    tmp_path: Path, url: str, recovery: str, fault: str | None
) -> None:
    key = "" if url == "simulator" else ", api_key: API_x"
    path = tmp_path / "campaign.yaml"
    path.write_text(
        "name: a\ncontacts: {file: people.csv}\ncall: {from: +14155550100}\nhours: always\nrules: none\n"
        f"platform: {{url: '{url}'{key}}}\nrecovery: {{{recovery}}}\n"
    )
    (tmp_path / "people.csv").write_text("phone\n+14155550123\n")
    if fault is None:
        load(path, {})
        return
    with pytest.raises(CampaignError, match=rf"1 problem, .*\n  line 7: .*{fault}"):
        load(path, {})


def test_a_consent_column_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "campaign.yaml"
    path.write_text(
        "name: a\ncontacts: {file: people.csv, consent: ok}\ncall: {from: +14155550100}\nplatform: {url: simulator}\n"
    )
    (tmp_path / "people.csv").write_text("phone,ok\n+14155550123,no\n")
    with pytest.raises(CampaignError, match=r"contacts\.consent"):
        load(path, {})
