"""A first campaign.yaml, written from the header of a list and a look at its first rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath

import yaml

from dialer.config.guessing import Guess, Rows, guess

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_YAML_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_WIDTH = 100

_TEXT = """\
# A first campaign, made from the columns of the list. Put in your own number, then:
#   dialer check campaign.yaml     looks for every error and dials nobody
#   dialer run campaign.yaml       calls; the same command goes on where it stopped
name: {name}
contacts:
  file: {file}  # .csv, .csv.gz or .parquet; relative to this file
{encoding}  phone: {phone}
{id}{country}{steering}{required}\
  # expires: 20h  # a contact is given up this long after its row was first seen
call:
  from: []  # your own number or numbers, with plus: they are what people see
  # agent: …  # the agent's id; or {{column: agent_id}} for a column that holds it
  data: {data}
{metadata}\
platform:
  url: https://api.verbex.ai  # or: simulator, which rings nobody
  api_key: ${{VERBEX_API_KEY}}  # from the environment; or ${{file:/etc/dialer/key}}
pace:
  calls_per_second: 1
  concurrent_calls: 5  # or auto: learn the account's limit; {{auto: true, at_most: 200, leave_free: 2}} caps it
retry:
  attempts: 3  # for one contact, all reasons together
  no_answer: [2h, 1d]  # waits after the first, second… time
  line_busy: [10m, 1h]
  # machine: never  # what a voicemail or an answering machine is worth
hours: {{daily: [09:00-20:00]}}  # in people's own time; {{mon-fri: [09:00-12:00, 13:00-19:30]}}, or always
rules: none  # no law's rules are checked; or {{purpose: info, packs: [us], consent: given}}: dialer rules show
{consent}\
# caps: {{per_person: 3 per 7d, gap: 4h}}  # how often people are rung, over all campaigns of the ledger
# recovery: {{hold: 120s, max_unknown: 50, look_back: 7d}}  # of a dial whose answer was lost
# stop_when: {{platform_failed: 10% of 50, under_8s: 40% of 50}}  # more of the last so many, and it is paused
# webhooks:  # the platform tells by itself that calls have ended
#   listen: 127.0.0.1:8089  # plain HTTP: where a proxy that speaks https leads to
#   url: https://calls.example.com/verbex  # what the platform sends to
#   secret: ${{file:{name}.webhook-secret}}  # written by: dialer webhooks subscribe campaign.yaml
ledger: dialer.db
"""


def starter(list_name: str, columns: Sequence[str], samples: Rows = (), *, encoding: str | None = None) -> str:
    """The text of a first campaign file for a list.

    `list_name` is the list's path as it is to stand in the file, `columns` its header, `samples` some of its rows,
    a text for each column, `encoding` that of a list that is not known to be UTF-8. The text loads once an own number
    is written into `call.from`, which is left empty; so is `contacts.phone` where no column looks like a number.
    """
    seen = guess([column.strip() for column in columns], samples)
    return _TEXT.format(
        name=_name(list_name),
        file=_scalar(list_name),
        encoding=f"  encoding: {_scalar(encoding)}\n" if encoding else "",
        phone=_phone(seen),
        id=f"  id: {_scalar(seen.id)}  # what a row is about\n" if seen.id else "",
        country=_country(seen),
        required=_required(seen),
        steering="".join(f"  {key}: {_scalar(column)}  # {_STEERS[key]}\n" for key, column in seen.steering.items()),
        consent=_consent(seen),
        data=_listed([column for column in seen.others if column != "*"], "the agent is told these"),
        metadata=f"  metadata: {_listed([seen.id], 'kept with the call')}\n" if seen.id else "",
    )


def _name(list_name: str) -> str:
    stem = PurePath(list_name).name.split(".")[0]
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-")[:64] or "campaign"


def _phone(seen: Guess) -> str:
    if not seen.phones:
        return " # write here the column with the number"
    return _scalar(seen.phones[0]) if len(seen.phones) == 1 else _listed(seen.phones, "rung in this order")


def _country(seen: Guess) -> str:
    why = "some numbers of this list are" if seen.local else "for numbers that are"
    return f"  # country: US  # {why} written without a plus: they need it\n"


_STEERS = {
    "timezone": "in which zone they are, as America/New_York",
    "postcode": "where they are",
    "region": "in which state they are, as US-FL or FL",
    "priority": "a higher number goes first",
    "not_before": "they are not called before it",
    "not_after": "nor after it",
}


def _consent(seen: Guess) -> str:
    if seen.consent is None:
        return ""
    asked = f"{{purpose: info, packs: [us], consent: {_scalar(seen.consent)}, yes: [yes]}}"
    return f"# rules: {asked}  # so the consent column counts: put it in the place of none\n"


def _required(seen: Guess) -> str:
    if not seen.names:
        return ""
    columns = ", ".join(_scalar(name) for name in seen.names)
    return f"  # required: [{columns}]  # an empty cell in one of these is a reject\n"


def _listed(words: Sequence[str], comment: str) -> str:
    """Some words as a list in one line, or in a line each where that would be too long."""
    short = f"[{', '.join(map(_scalar, words))}]  # {comment}"
    if len(short) <= _WIDTH:
        return short
    return "".join([f" # {comment}", *(f"\n    - {_scalar(word)}" for word in words)])


def _scalar(word: str) -> str:
    """A text as YAML, in quotes only where it needs them; `${` is written so that it stands for itself."""
    plain = word.replace("${", "$${")
    if _PLAIN.fullmatch(plain) and plain.lower() not in _YAML_WORDS:
        return plain
    return yaml.safe_dump(plain, default_style='"', allow_unicode=True, width=10**9).rstrip("\n")
