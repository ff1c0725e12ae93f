"""docs/compliance.md tells of each rule that ships, and of none that does not."""

from __future__ import annotations

import re
from pathlib import Path

from dialer.cli.rule_words import effective, hours
from dialer.packs import codes, pack
from dialer.policy import caps

ROOT = Path(__file__).parent.parent

TEXT = (ROOT / "docs/compliance.md").read_text()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("|")]
RULES = {rule.id: rule for code in codes() for rule in pack(code).rules}
TOLD = {row[0].strip("`"): row[1:] for row in ROWS if row[0].strip("`") in RULES}


def test_every_rule_of_the_packs_stands_there_once() -> None:
    named = [row[0].strip("`") for row in ROWS if re.fullmatch(r"`[a-z]{2}-.+`", row[0])]
    assert sorted(named) == sorted(RULES)


def test_whom_each_binds() -> None:
    for id, (binds, *_) in TOLD.items():
        rule = RULES[id]
        purposes = ", ".join(sorted(rule.purposes)) or "every purpose"
        assert binds.split(";")[0] == purposes, id
        assert ("an AI voice" in binds) is ("ai" in rule.voices), id
        assert ("mobile" in binds) is bool(rule.lines), id


def test_what_each_says() -> None:
    for id, (_, says, *_) in TOLD.items():
        rule = RULES[id]
        assert all(part in says for part in (*hours(rule), *effective(rule), *rule.holidays)), id
        assert ("only with consent" in says) is rule.needs_consent, id
        assert ("forbidden" in says) is bool(rule.forbidden), id
        assert caps.words(rule) in says, id


def test_where_each_is_from_and_how_sure_it_is() -> None:
    assert {id: row[2:] for id, row in TOLD.items()} == {
        id: [rule.citation, rule.confidence] for id, rule in RULES.items()
    }


def test_versions_and_registers() -> None:
    assert f"Version {pack('us').version}, good until {pack('us').expires}." in TEXT
    told = {row[0].strip("`"): row[1:] for row in ROWS if row[0].strip("`") in codes()}
    for each in map(pack, codes()):
        days, keeps = told.pop(each.code, ["not known", "–"])
        assert days == (f"{each.register_days} days" if each.register_days else "not known")
        assert keeps == (" ".join(each.keeps) or "–")
    assert not told
