"""What the commands do that look, prepare and pause: check, init, schema, status, export, pause; and cron."""

from __future__ import annotations

import csv
import importlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from dialer.config import json_schema, load
from dialer.export import ATTEMPT_COLUMNS, REJECT_COLUMNS, result_columns
from dialer.policy.outcome import REASONS
from tests.command_line import KEY, PEOPLE, ROOT, campaign, change, on_platform, process, rung, serving, taken_in, told

pytestmark = pytest.mark.slow  # whole runs, one after the other

CAMPAIGNS = sorted((ROOT / "campaigns").glob("*.yaml"))
WITH_REJECTS = PEOPLE + "A4,415,Dee\nA5,,Eve\n"


def listing(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- check, init, schema -----------------------------------------------------------------------------


def test_check_shows_all_and_tells_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERBEX_API_KEY", KEY)
    folder = tmp_path / "campaign"
    folder.mkdir()
    path = campaign(folder, WITH_REJECTS.replace("Ann", "Ann (+442079460123)"))
    with serving(tmp_path / "rings.jsonl", key=KEY) as url:
        on_platform(path, url)
        before = listing(folder)
        result = told(capsys, "check", path)
    assert result.code == 0
    assert listing(folder) == before
    assert rung(tmp_path / "rings.jsonl") == 0
    assert KEY not in result.said
    assert not re.search(r"\+?\d{9,}", result.out)
    assert "contacts.csv: 3 people can be dialled, 2 rejects." in result.out
    assert "contacts.csv line 5, phone: " in result.out
    assert "to +1415•••0123 from +1415•••0100" in result.out
    assert '"name": "Bob"' in result.out
    assert f"{url} answers, and takes the key." in result.out
    waits = dict(re.findall(r"^  ([a-z_]{8,}) {2,}(.+)$", result.out, re.MULTILINE))
    assert set(waits) == REASONS
    assert waits["no_answer"] == "again after 2h, then 1d"
    assert waits["concurrent_call_limit_reached"].endswith("costs no attempt")


def test_check_says_that_nobody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    on_platform(path, "http://127.0.0.1:9", KEY)
    result = told(capsys, "check", path)
    assert result.code == 78
    assert "http://127.0.0.1:9 did not answer as Verbex does" in result.out
    assert "check platform.url and the network, or leave this out with --offline" in result.out
    assert told(capsys, "check", path, "--offline").code == 0


def test_init_loads_once_a_number_and_the_key_are_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "contacts.csv").write_text(PEOPLE)
    path = tmp_path / "campaign.yaml"
    assert told(capsys, "init", tmp_path / "contacts.csv", "-o", path).code == 0
    early = told(capsys, "check", path, "--offline")
    assert early.code == 78
    assert "call.from: no number of your own stands here" in early.err
    change(path, "from: []", 'from: ["+14155550100"]')
    unset = told(capsys, "check", path, "--offline")
    assert (unset.code, "VERBEX_API_KEY is not set" in unset.err) == (78, True)
    monkeypatch.setenv("VERBEX_API_KEY", KEY)
    ready = told(capsys, "check", path, "--offline")
    assert (ready.code, "3 people can be dialled, 0 rejects" in ready.out) == (0, True)


def test_init_leaves_a_file_that_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    before = path.read_text()
    result = told(capsys, "init", tmp_path / "contacts.csv", "-o", path)
    assert (result.code, path.read_text()) == (2, before)
    assert f"{path} is there already" in result.err
    printed = told(capsys, "init", tmp_path / "contacts.csv")
    assert yaml.safe_load(printed.out)["contacts"]["phone"] == "phone"


def test_init_takes_a_list_in_another_encoding_once_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = tmp_path / "contacts.csv", tmp_path / "campaign.yaml"
    path.write_bytes(PEOPLE.replace("Ann", "Ren\xe9").encode("latin-1"))
    refused = told(capsys, "init", path, "-o", output)
    assert (refused.code, output.exists()) == (78, False)
    assert "line 2, byte 33: this is not UTF-8 text; save it as UTF-8" in refused.err
    assert "`encoding: cp1252` under `contacts:` in the campaign file" in refused.err
    assert "`dialer init` takes it as --encoding cp1252" in refused.err
    assert told(capsys, "init", path, "-o", output, "--encoding", "latin-1").code == 0
    change(output, "from: []", 'from: ["+14155550100"]')
    assert load(output, {"VERBEX_API_KEY": KEY}).contacts.encoding == "iso8859-1"
    unknown = told(capsys, "init", path, "--encoding", "klingon")
    assert (unknown.code, "--encoding: 'klingon' is not an encoding" in unknown.err) == (2, True)


def test_the_schema_takes_every_campaign_here(capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema: Any = importlib.import_module("jsonschema")  # ships no types
    shown = told(capsys, "schema")
    schema = json.loads(shown.out)
    assert (shown.code, schema) == (0, json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    assert {path.name for path in CAMPAIGNS} >= {"demo.yaml", "parquet.yaml", "verbex.yaml"}
    for path in CAMPAIGNS:
        assert list(judge.iter_errors(yaml.safe_load(path.read_text()))) == []


def test_every_campaign_here_loads(tmp_path: Path) -> None:
    for path in CAMPAIGNS:
        (tmp_path / path.name).write_text(path.read_text())
        for name in re.findall(r"^ +file: (\S+)", path.read_text(), re.MULTILINE):
            (tmp_path / name).touch()
        assert load(tmp_path / path.name, {"VERBEX_API_KEY": KEY}).name == path.stem


def test_the_parquet_example_is_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    assert (ROOT / "campaigns" / "parquet-contacts.parquet").stat().st_size < 20_000
    result = told(capsys, "check", ROOT / "campaigns" / "parquet.yaml")
    assert result.code == 0
    assert "60 people can be dialled, 0 rejects" in result.out
    data = json.loads(re.findall(r"^    data (.+)$", result.out, re.MULTILINE)[0])
    assert [type(value) for value in data.values()] == [str, float, bool, str]


# --- status, export ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign that has been run to its end by a process without an environment, as cron has it."""
    path = campaign(tmp_path_factory.mktemp("finished"), WITH_REJECTS)
    result = process("run", path.name, "--result", "last.json", cwd=path.parent)
    assert result.code == 0, result.err
    assert result.out.splitlines()[-1] == "reminders 0 finished next=- due=0 live=0 unknown=0"
    assert not re.search(r"\+1415555\d{4}", result.said)
    last = json.loads((path.parent / "last.json").read_text())
    assert (last["code"], last["states"]["done"], sum(last["rejects"].values())) == (0, 3, 2)
    return path


def test_status_for_people_and_for_programs(
    finished: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "3 reached" in told(capsys, "status", finished).out
    monkeypatch.setenv("DIALER_LEDGER", str(finished.parent / "dialer.db"))
    shown = told(capsys, "status", "--json")
    assert shown.code == 0
    (only,) = json.loads(shown.out)["campaigns"]
    assert (only["campaign"], only["states"]["done"], only["last_run"]["exit_code"]) == ("reminders", 3, 0)
    monkeypatch.delenv("DIALER_LEDGER")
    assert told(capsys, "status", "--ledger", finished.parent / "dialer.db", "--json").out.split('"at"')[0] in shown.out


@pytest.mark.parametrize(
    ("option", "columns", "rows"),
    [
        ("", result_columns(("id", "phone", "name")), 3),
        ("--attempts", ATTEMPT_COLUMNS, 3),
        ("--rejects", REJECT_COLUMNS, 2),
    ],
)
def test_export_of_each_kind(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, columns: tuple[str, ...], rows: int
) -> None:
    arguments = ["export", str(finished), *filter(None, [option])]
    for ending in ("csv", "jsonl", "parquet"):
        result = told(capsys, *arguments, "-o", tmp_path / f"r.{ending}")
        assert (result.code, f"r.{ending}: {rows} rows" in result.err) == (0, True)
    table = list(csv.reader(io.StringIO((tmp_path / "r.csv").read_text())))
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert (tuple(table[0]), len(table)) == (columns, rows + 1)
    assert [tuple(line) for line in lines] == [columns] * rows
    assert pq.read_table(tmp_path / "r.parquet").num_rows == rows
    assert pq.read_schema(tmp_path / "r.parquet").names == list(columns)


def test_export_since_an_instant_and_to_nowhere(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = told(capsys, "export", finished, "--since", "2100-01-01T00:00Z", "-o", tmp_path / "late.jsonl")
    assert (late.code, (tmp_path / "late.jsonl").read_text()) == (0, "")
    wrong = told(capsys, "export", finished, "-o", tmp_path / "results.xlsx")
    assert (wrong.code, "end it in .csv, .parquet, .jsonl" in wrong.err) == (2, True)
    assert process("export", finished, "-o", "-").out.splitlines()[0].startswith("campaign,id,phone,state,")


def test_a_second_run_finds_nothing_to_do(finished: Path) -> None:
    rings = finished.parent / "dialer.db.rings.jsonl"
    before = rung(rings)
    again = process("run", finished, "--quiet")
    assert (again.code, again.said, rung(rings), before) == (0, "", 3, 3)


# --- pause, resume, cancel ---------------------------------------------------------------------------


def test_a_pause_holds_the_run_until_it_is_taken_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    early = told(capsys, "pause", path)
    assert (early.code, "has not been run yet" in early.err) == (2, True)
    taken_in(path)
    assert "reminders is paused" in told(capsys, "pause", path, "--reason", "wrong prices").out
    held = told(capsys, "run", path, "--quiet")
    assert (held.code, held.out.splitlines()[-1].split()[:3]) == (4, ["reminders", "4", "paused"])
    assert rung(tmp_path / "dialer.db.rings.jsonl") == 0
    assert "wrong prices" in told(capsys, "status", path).out
    back = told(capsys, "resume", "--all", "--ledger", tmp_path / "dialer.db")
    assert back.out == "reminders: the pause is taken back; the next run goes on\n"
    assert told(capsys, "run", path, "--quiet").code == 0
    assert rung(tmp_path / "dialer.db.rings.jsonl") == 3


def test_a_pause_names_its_end_in_the_words_of_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    paused = told(capsys, "pause", path, "--until", "2099-12-01T04:00-05:00")
    assert paused.out == "reminders is paused until 2099-12-01 09:00:00 UTC; live calls run out\n"
    assert "until 2099-12-01 09:00:00 UTC" in told(capsys, "status", path).out


def test_a_cancelled_campaign_stays_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    assert told(capsys, "cancel", path, "--reason", "called off").code == 0
    back = told(capsys, "resume", path)
    assert (back.code, "was cancelled (called off) and stays so" in back.err) == (2, True)
    assert told(capsys, "run", path, "--quiet").code == 4
    assert rung(tmp_path / "dialer.db.rings.jsonl") == 0


def test_a_settle_knows_how_many_rows_were_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path, PEOPLE + "A4,415,Dee\n")
    taken = told(capsys, "run", path)
    assert "1 reject\n" in taken.err
    assert taken.code == 0
    assert ", 1 reject, held by" in told(capsys, "settle", path).err


def test_the_closing_line_of_a_folder_has_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spring").mkdir()
    monkeypatch.chdir(tmp_path / "spring")
    ended = told(capsys, "run", ".")
    assert (ended.code, ended.out.split()[:3]) == (78, ["spring", "78", "file"])
