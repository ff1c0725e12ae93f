"""`${VARIABLE}` and `${file:path}` in a campaign file, and that no message ever shows the platform's key."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from dialer.errors import CampaignError
from tests.campaign_files import CANARY, FULL, SMALL, loaded, only, refused, small


def test_references_stand_in_any_scalar(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("+14155550199\n")
    (tmp_path / "key").write_text("API_fromfile\r\n")
    text = FULL.replace('["+14155550100"]', '["${file:number}", "+1${AREA}5550100"]')
    text = text.replace("${VERBEX_API_KEY}", "${file:${CREDENTIALS}/key}").replace("20h", "${HOURS}h")
    campaign = loaded(tmp_path, text, {"AREA": "415", "CREDENTIALS": str(tmp_path), "HOURS": "20"})
    assert campaign.call.from_numbers == ("+14155550199", "+14155550100")
    assert campaign.platform.api_key.reveal() == "API_fromfile"
    assert campaign.contacts.expires == 72000.0


def test_what_a_reference_brings_in_is_not_looked_at_again(tmp_path: Path) -> None:
    text = small("contacts", "id: ${COLUMN}")
    assert loaded(tmp_path, text, {"COLUMN": "${HOME}"}).contacts.id == "${HOME}"


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ("${NOPE}", "the environment variable NOPE is not set", "set it: export NOPE=…"),
        ("a-${NOPE}-b", "the environment variable NOPE is not set", "set it: export NOPE=…"),
        ("${API_KEY}", "the environment variable API_KEY is not set", "set it: export API_KEY=…"),
        ("${file:none}", "the file 'none' cannot be read: no such file or directory", "see that it is there"),
        ("${file:${NOPE}/x}", "the environment variable NOPE is not set", "set it: export NOPE=…"),
        ("${file:folder}", "the file 'folder' cannot be read: it is no file", "see that it is there"),
        ("${file:binary}", "the file 'binary' cannot be read: it is not UTF-8 text", "see that it is there"),
        ("${file:huge}", "the file 'huge' cannot be read: it is too large to be a value", "see that it is there"),
        ("${file:}", "${file:} names no file", "write ${file:/path/of/a/file}"),
        ("${}", "what stands in ${…} is no variable's name", "write ${VERBEX_API_KEY}"),
        ("${A:-b}", "what stands in ${…} is no variable's name", "write ${VERBEX_API_KEY}"),
        ("${OPEN", "a ${ is not closed", "write ${VARIABLE}"),
        ("${EMPTY}", "is empty", "give it a value, or remove the line"),
    ],
)
@pytest.mark.parametrize("at", ["20h", "${VERBEX_API_KEY}"])
def test_references_that_stand_for_nothing(tmp_path: Path, at: str, value: str, message: str, hint: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "huge").write_bytes(b"x" * 100_001)
    problem = only(tmp_path, FULL.replace(at, value), {"VERBEX_API_KEY": CANARY, "EMPTY": ""})
    assert (problem.line, problem.key) == ((10, "contacts.expires") if at == "20h" else (20, "platform.api_key"))
    assert problem.message == message
    assert problem.suggestion.startswith(hint)


def test_an_unset_url_is_not_blamed_for_more(tmp_path: Path) -> None:
    assert only(tmp_path, SMALL.replace("url: simulator", "url: ${URL}")).key == "platform.url"


# --- the key is never shown ----------------------------------------------------------------------


def test_a_campaign_does_not_show_its_key(tmp_path: Path) -> None:
    campaign = loaded(tmp_path, FULL)
    assert campaign.platform.api_key.reveal() == CANARY
    assert CANARY not in f"{campaign} {campaign!r} {campaign.platform!r}"


@pytest.mark.parametrize(
    "text",
    [
        FULL.replace("api_key: ${VERBEX_API_KEY}", f"api_key: {CANARY} {CANARY}"),
        FULL.replace("api_key: ${VERBEX_API_KEY}", f"api_key: [{CANARY}]"),
        FULL.replace("api_key: ${VERBEX_API_KEY}", f"api_key: {{{CANARY}: {CANARY}}}"),
        FULL.replace("api_key: ${VERBEX_API_KEY}", f"api_key: ${{{CANARY}}}"),
        FULL.replace("api_key: ${VERBEX_API_KEY}", f'api_key: "{CANARY}'),
        FULL.replace("api_key:", "apikey:"),
        FULL.replace("url: https://api.verbex.ai", "url: ${VERBEX_API_KEY}"),
        FULL.replace("url: https://api.verbex.ai", f"url: https://api.verbex.ai/?key={CANARY}"),
        FULL.replace("url: https://api.verbex.ai", f"url: https://me:{CANARY}@api.verbex.ai"),
        FULL.replace("name: reminders", "name: ${VERBEX_API_KEY}"),
        FULL.replace("  file: contacts.csv", "  file: ${VERBEX_API_KEY}"),
        FULL.replace('["+14155550100"]', "${VERBEX_API_KEY}"),
        FULL.replace("no_answer:", f"{CANARY}:"),
        FULL.replace("ledger:", f"{CANARY}:"),
        FULL.replace("name: reminders", f"name: &{CANARY} x"),
    ],
)
def test_no_message_and_no_traceback_shows_the_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(CampaignError) as error:
        loaded(tmp_path, text)
    whole = "".join(traceback.format_exception(error.value))
    assert CANARY not in whole + repr(error.value) + repr(error.value.problems)
    assert error.value.__context__ is None


def test_a_key_that_does_not_look_like_one_is_not_shown_either(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter two\nmore")
    environ = {"VERBEX_API_KEY": "swordfish"}
    text = FULL.replace("name: reminders", "name: X ${VERBEX_API_KEY}").replace("20h", "${file:key}")
    shown = str(refused(tmp_path, text, environ))
    assert "swordfish" not in shown
    assert "hunter" not in shown
    assert "**********" in shown


def test_a_long_value_is_cut_short(tmp_path: Path) -> None:
    problem = only(tmp_path, small("contacts", f"expires: {'x' * 5000}"))
    assert len(problem.message) < 120
