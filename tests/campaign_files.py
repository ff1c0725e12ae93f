"""Campaign files for tests: a small one, the full one, and what is said of a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dialer.config import load
from dialer.errors import CampaignError, ExitCode, Problem
from dialer.model import Campaign

CANARY = "API_canary7f3a91d2c4"
ENVIRON = {"VERBEX_API_KEY": CANARY}

SMALL = """\
name: reminders
contacts:
  file: contacts.csv
call:
  from: +14155550100
platform:
  url: simulator
"""

FULL = """\
name: reminders                     # the campaign's identity
contacts:
  file: contacts.csv
  phone: phone
  id: appointment_id
  one_per: phone
  country: US
  timezone: tz
  required: [first_name]
  expires: 20h
  max_rejects: 20%
  max_gone: 10%
call:
  from: ["+14155550100"]
  agent: 66f1c0ffee
  data: [first_name, amount_due]
  metadata: [crm_id]
platform:
  url: https://api.verbex.ai
  api_key: ${VERBEX_API_KEY}
pace:
  calls_per_second: 2
  concurrent_calls: 20
retry:
  attempts: 3
  no_answer: [2h, 1d]
  line_busy: [10m, 1h]
  machine: never
hours: always
rules: none
recovery: {hold: 120s, max_unknown: 50}
ledger: dialer.db
"""


def written(folder: Path, text: str | bytes) -> Path:
    """The text as a campaign file beside a list `contacts.csv`."""
    (folder / "contacts.csv").write_text("phone\n+14155550123\n")
    path = folder / "campaign.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def loaded(folder: Path, text: str | bytes, environ: Mapping[str, str] = ENVIRON) -> Campaign:
    return load(written(folder, text), environ)


def refused(folder: Path, text: str | bytes, environ: Mapping[str, str] = ENVIRON) -> tuple[Problem, ...]:
    """The problems of a file that is wrong; the whole error shows nothing of the key."""
    with pytest.raises(CampaignError) as error:
        loaded(folder, text, environ)
    assert error.value.code is ExitCode.FILE
    assert CANARY not in str(error.value)
    return error.value.problems


def only(folder: Path, text: str | bytes, environ: Mapping[str, str] = ENVIRON) -> Problem:
    """The one problem of a file."""
    problems = refused(folder, text, environ)
    assert len(problems) == 1, problems
    return problems[0]


def small(part: str, line: str) -> str:
    """The small file with a line more in one of its parts (`""`: at the end, under no other key)."""
    if not part:
        return f"{SMALL}{line}\n"
    head = f"{part}:\n"
    return SMALL.replace(head, f"{head}  {line}\n") if head in SMALL else f"{SMALL}{head}  {line}\n"
