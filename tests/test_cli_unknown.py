"""`dialer unknown` where no run holds the ledger: who is shown, what a word does, and how it is refused."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.clock import Clock
from dialer.config import load
from dialer.ledger import Ledger
from tests.command_line import campaign, change, taken_in, told
from tests.engine_kit import begun
from tests.ledger_kit import rows_of

pytestmark = pytest.mark.slow

LEDGER = "dialer.db"
PERSONS = ("A1", "A2", "A3")


def lost(path: Path, count: int = 1, looks: Sequence[int] = (0, 1, 2), held: Sequence[int] = (-1, -1, -1)) -> list[str]:
    """A campaign of whom the first few are unknown, looked up so often and held for so many seconds each; gives their
    call ids."""
    taken_in(path)
    return asyncio.run(_lost(path, count, looks, held))


async def _lost(path: Path, count: int, looks: Sequence[int], held: Sequence[int]) -> list[str]:
    rules, clock = load(path, {}), Clock()
    ledger = Ledger.open(rules.ledger, "run", clock.now)
    try:
        await ledger.start_run("run", [rules.name])
        campaign_id = (await ledger.bind(rules)).id
        found = []
        for place in range(count):
            attempt = await begun(ledger, rules, campaign_id)
            await ledger.hold(attempt.id, clock.now() + timedelta(seconds=held[place]), "status 502")
            for _ in range(looks[place]):
                await ledger.look(attempt.id, "not found by list")
            found.append(attempt.call_id)
        await ledger.end_run(3, "unknown_left")
        return found
    finally:
        await ledger.close()


def states(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        row["person"]: (row["state"], row["attempts"])
        for row in rows_of(folder / LEDGER, "SELECT person, state, attempts FROM contacts")
    }


# --- list --------------------------------------------------------------------------------------------


def test_nobody_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    taken_in(path)
    assert told(capsys, "unknown", "list", path).out == "Nobody is unknown.\n"
    assert told(capsys, "unknown", "list", path, "--json").out == "[]\n"


def test_who_is_unknown_is_shown_with_all_that_is_needed_to_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    ids = lost(path, 3)
    shown = told(capsys, "unknown", "list", path)
    assert shown.code == 0
    lines = shown.out.splitlines()
    for place, (person, number) in enumerate([("A1", "0123"), ("A2", "0124"), ("A3", "0125")]):
        assert lines[3 * place].startswith(f"reminders: {person}, +1415•••{number}, dialled at ")
        assert lines[3 * place + 1] == f"    call id {ids[place]}"
    assert lines[2] == "    status 502; not yet looked up by a way that is known to find calls"
    assert lines[5] == "    status 502; looked up once by a way that finds calls, and not found"
    assert lines[8] == "    status 502; looked up 2 times by a way that finds calls, and not found"
    assert lines[-1] == f"  dialer unknown mark PERSON placed|not-placed|done {path}"
    assert "hold" not in shown.out
    as_json = json.loads(told(capsys, "unknown", "list", "--ledger", tmp_path / LEDGER, "--json").out)
    assert [(one["campaign"], one["person"], one["call_id"], one["looks"]) for one in as_json] == [
        ("reminders", person, call_id, looks) for person, call_id, looks in zip(PERSONS, ids, range(3), strict=True)
    ]
    assert as_json[0]["number"] == "+1415•••0123"


def test_who_is_still_in_the_hold_needs_no_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    lost(path, 2, held=(3600, 3600))
    shown = told(capsys, "unknown", "list", path)
    assert (
        len(re.findall(r"    status 502; held until [-0-9]+ [:0-9]+ UTC; a run looks again by itself\n", shown.out))
        == 2
    )
    assert shown.out.splitlines()[-1] == f"  dialer settle {path}"
    assert "unknown mark" not in shown.out


def test_who_needs_a_word_is_told_from_who_is_in_the_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost(campaign(tmp_path), 2, held=(-1, 3600))
    ledger = tmp_path / LEDGER
    lines = told(capsys, "unknown", "list", "--ledger", ledger).out.splitlines()
    assert lines[2] == "    status 502; not yet looked up by a way that is known to find calls"
    assert lines[5].startswith("    status 502; held until ")
    assert "  dialer settle CAMPAIGN.YAML" in lines
    assert lines[-3].startswith("Look for the others in Verbex")
    assert lines[-2:] == [
        "  dialer unknown mark PERSON placed|not-placed|done CAMPAIGN.YAML",
        f"  dialer unknown mark PERSON done --ledger {ledger}",
    ]


def test_another_campaign_of_the_ledger_is_shown_only_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = campaign(tmp_path)
    lost(path)
    other = tmp_path / "other.yaml"
    other.write_text(path.read_text().replace("name: reminders", "name: survey"))
    assert told(capsys, "unknown", "list", other).out == "Nobody is unknown.\n"
    assert "reminders: A1" in told(capsys, "unknown", "list", "--ledger", tmp_path / LEDGER).out


# --- mark --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "says", "state"),
    [
        ("placed", "is marked as placed, and is waiting now, again at ", ("waiting", 1)),
        ("not-placed", "is marked as not-placed, and is due now\n", ("due", 0)),
        ("done", "is marked as done, and is done now", ("done", 1)),
    ],
)
@pytest.mark.parametrize("by", ["id", "number", "call"])
def test_a_word_takes_effect_at_once_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str, says: str, state: tuple[str, int], by: str
) -> None:
    path = campaign(tmp_path)
    (call_id,) = lost(path)
    person = {"id": "A1", "number": "+14155550123", "call": call_id}[by]
    marked = told(capsys, "unknown", "mark", person, word, path, "--reason", "looked in Verbex")
    assert (marked.code, marked.err) == (0, "")
    assert marked.out.startswith(f"reminders: A1 {says}")
    assert states(tmp_path)["A1"] == state
    (event,) = rows_of(tmp_path / LEDGER, "SELECT detail, run_id FROM events WHERE event = 'marked'")
    assert event["detail"].startswith(f"{word}, says ")
    assert ": looked in Verbex" in event["detail"]
    assert event["run_id"] is None
    assert told(capsys, "unknown", "list", path).out == "Nobody is unknown.\n"


def test_the_campaigns_own_rules_decide(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    change(path, "ledger: dialer.db\n", "ledger: dialer.db\nretry: {attempts: 1}\n")
    lost(path)
    assert "is exhausted now" in told(capsys, "unknown", "mark", "A1", "placed", path).out
    assert states(tmp_path)["A1"] == ("exhausted", 1)


def test_without_the_campaign_file_only_done_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost(campaign(tmp_path), 2)
    for word in ("placed", "not-placed"):
        refused = told(capsys, "unknown", "mark", "A1", word, "--ledger", tmp_path / LEDGER)
        assert refused.code == 2
        assert f"to mark somebody as {word}, name the campaign file" in refused.err
    assert states(tmp_path)["A1"] == ("unknown", 0)
    assert told(capsys, "unknown", "mark", "A1", "done", "--ledger", tmp_path / LEDGER).code == 0
    assert states(tmp_path)["A1"] == ("done", 1)


@pytest.mark.parametrize("person", ["A2", "nobody", "+14155550124"])
def test_only_who_is_unknown_is_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str], person: str) -> None:
    path = campaign(tmp_path)
    lost(path)
    refused = told(capsys, "unknown", "mark", person, "not-placed", path)
    assert refused.code == 2
    assert "is unknown: `dialer unknown list` shows who is" in refused.err
    assert states(tmp_path)["A2"] == ("due", 0)


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = campaign(tmp_path)
    refused = told(capsys, "unknown", "mark", "A1", "done", path)
    assert (refused.code, "there is no ledger" in refused.err) == (2, True)
    assert not (tmp_path / LEDGER).exists()
    assert told(capsys, "unknown", "list", path).code == 74
