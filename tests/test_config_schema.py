"""The JSON Schema for editors: what `load` takes, it takes; what `load` refuses at a glance, it refuses."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dialer.config import json_schema, starter
from dialer.policy.outcome import REASONS
from dialer.policy.retry import GROUPS
from tests.campaign_files import FULL, SMALL, loaded, small

_jsonschema: Any = importlib.import_module("jsonschema")  # ships no types


@cache
def validator() -> Any:
    _jsonschema.Draft202012Validator.check_schema(json_schema())
    return _jsonschema.Draft202012Validator(json_schema())


def accepts(text: str) -> bool:
    """Whether an editor that guesses types, as YAML does, is content with a file."""
    return bool(validator().is_valid(yaml.safe_load(text)))


def accepts_texts(text: str) -> bool:
    """Whether an editor for which every scalar is a text is content with it."""
    return bool(validator().is_valid(yaml.load(text, Loader=yaml.BaseLoader)))  # noqa: S506 - makes texts alone


TAKEN = [
    ("", "hours: always\nrules: none"),
    ("contacts", "phone: [mobile, home]"),
    ("contacts", "phone: 1"),
    ("contacts", "max_rejects: 20%"),
    ("contacts", "max_rejects: 0.2"),
    ("contacts", "max_rejects: 1"),
    ("contacts", "min_rows: 5"),
    ("contacts", "min_rows: '5'"),
    ("contacts", "expires: ${HOURS}h"),
    ("contacts", "newer_than: 1.5d"),
    ("contacts", "encoding: latin-1\n  delimiter: ';'"),
    ("contacts", "timezone: tz\n  region: r\n  postcode: p"),
    ("call", "agent: 66f1c0ffee"),
    ("call", "agent: {column: agent_id}"),
    ("call", 'data: "*"'),
    ("call", "data: []"),
    ("call", "longest: 2h"),
    ("platform", "api_key: ${VERBEX_API_KEY}"),
    ("platform", "simulator: {seed: 3, mix: {no_answer: 1, line_busy: '2'}, full_answer: 429, lookup: both}"),
    ("platform", "simulator: {script: {'+14155550100': [no_answer, user_ended_call], '+14155550101': line_busy}}"),
    ("pace", "calls_per_second: 2"),
    ("pace", 'calls_per_second: "2"'),
    ("pace", "calls_per_second: 0.5"),
    ("pace", "concurrent_calls: auto"),
    ("pace", "concurrent_calls: 20"),
    ("pace", "concurrent_calls: '20'"),
    ("pace", "concurrent_calls: {auto: true}"),
    ("pace", "concurrent_calls: {auto: 'true', at_most: 200, leave_free: '2'}"),
    ("pace", "priority: 7"),
    ("pace", "priority: '100'"),
    ("retry", "attempts: 3"),
    ("retry", "no_answer: 2h\n  line_busy: [10m, 1h]\n  machine: never\n  call_failed: done\n  unknown_error: stop"),
    ("recovery", "hold: 120s\n  max_unknown: 50\n  look_back: 7d"),
    ("recovery", "hold: 0s"),
    ("stop_when", "platform_failed: 10% of 50\n  under_8s: '40 % of 50'\n  opt_out: 2.5% of 200"),
    ("stop_when", "opt_out: ${HOURS}% of 200"),
]


@pytest.mark.parametrize(("part", "line"), TAKEN)
def test_an_editor_takes_what_load_takes(tmp_path: Path, part: str, line: str) -> None:
    text = small(part, line)
    assert accepts(text)
    assert accepts_texts(text)
    loaded(tmp_path, text, {"HOURS": "2", "VERBEX_API_KEY": "x"})


@pytest.mark.parametrize("value", ["+14155550100", '"+14155550100"', '["+14155550100", +14155550101]', "${NUMBER}"])
def test_own_numbers_may_be_written_in_any_way(value: str) -> None:
    assert accepts(SMALL.replace("+14155550100", value))


def test_whole_files() -> None:
    assert accepts(SMALL)
    assert accepts(FULL)
    assert accepts(starter("contacts.csv", ["phone", "id", "name"]).replace("from: []", "from: +14155550100"))


@pytest.mark.parametrize(
    ("part", "line"),
    [
        ("", "oops: 1"),
        ("", "hours: 9-17"),
        ("", "rules: us"),
        ("contacts", "phnoe: x"),
        ("contacts", "expires: 20"),
        ("contacts", "expires: soon"),
        ("contacts", "country: us"),
        ("contacts", "one_per: row"),
        ("contacts", "max_rejects: 20"),
        ("contacts", "phone: []"),
        ("call", "agent: {colum: x}"),
        ("platform", "simulator: {lookup: all}"),
        ("platform", "simulator: {mix: {busy: 1}}"),
        ("pace", "calls_per_second: 1001"),
        ("pace", "concurrent_calls: many"),
        ("pace", "concurrent_calls: {auto: false}"),
        ("pace", "concurrent_calls: {at_most: 3}"),
        ("pace", "concurrent_calls: {auto: true, at_mots: 3}"),
        ("pace", "concurrent_calls: {auto: true, leave_free: 100000}"),
        ("pace", "priority: 101"),
        ("retry", "no_anser: 1h"),
        ("retry", "no_answer: []"),
        ("retry", "no_answer: later"),
        ("retry", "attempts: 0"),
        ("recovery", "max_unknown: -1"),
        ("stop_when", "under_8s: 40%"),
        ("stop_when", "under_8s: 4 of 50"),
        ("stop_when", "under_9s: 40% of 50"),
    ],
)
def test_an_editor_marks_what_is_wrong(part: str, line: str) -> None:
    assert not accepts(small(part, line))


def test_an_editor_asks_for_an_own_number() -> None:
    assert not accepts(starter("contacts.csv", ["phone"]))


def parts(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from schema["properties"].items()
    for part in schema["$defs"].values():
        yield from part["properties"].items()
    yield from schema["$defs"]["PacePart"]["properties"]["concurrent_calls"]["anyOf"][-1]["properties"].items()


def test_every_key_is_described() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for name, key in parts(schema):
        described = key.get("description") or schema["$defs"][key["$ref"].rsplit("/", 1)[1]]["description"]
        assert len(described) > 10, name


def test_every_reason_and_group_is_offered() -> None:
    offered = json_schema()["$defs"]["RetryPart"]["properties"]
    assert set(offered) == {"attempts", "spread", "callback", *REASONS, *GROUPS}


def test_the_schema_is_plain_json_without_null() -> None:
    text = json.dumps(json_schema())
    assert json.loads(text) == json_schema()
    assert "null" not in text
