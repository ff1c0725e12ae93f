"""What the tests of the policy share: the contract's reasons, values to decide about, and strategies for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from hypothesis import strategies as st

from dialer.model import (
    Action,
    CallRecord,
    DialRequest,
    Ending,
    Halt,
    History,
    NotPlaced,
    Refusal,
    Response,
    RetryRules,
)
from dialer.policy import outcome, retry

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NUMBER = "+14155550123"
CALL_ID = "a" * 32


def contract_reasons() -> list[str]:
    """The finish reasons as the contract lists them."""
    contract = yaml.safe_load((HERE / "dial-openapi.yaml").read_text(encoding="utf-8"))
    kinds = contract["components"]["schemas"]["PhoneCallResponse"]["properties"]["call_finish_reason"]["anyOf"]
    return [str(reason) for reason in kinds[0]["enum"]]


def request(agent: str | None = None) -> DialRequest:
    return DialRequest(CALL_ID, "+14155550100", NUMBER, agent, {"dialer_call_id": CALL_ID}, {})


def record(
    to_number: str = NUMBER, own_id: str | None = CALL_ID, status: str = "registered", finish_reason: str | None = None
) -> CallRecord:
    return CallRecord("p1", own_id, to_number, "+14155550100", status, finish_reason, None, None, None, False, {})


def ended(reason: str | None, duration: int | None = 0, messages: bool = False) -> Ending:
    return Ending(reason, "ended", duration, messages)


def table_rows(text: str, columns: int) -> list[list[str]]:
    """The rows of a document's tables that have so many columns, header and rule left out."""
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if "|" in line]
    return [row for row in rows if len(row) == columns and not set(row[0]) <= {"-"}]


# --- strategies ----------------------------------------------------------------------------------

waits = st.lists(st.floats(0.0, 1e7), min_size=1, max_size=4).map(tuple)
responses = st.one_of(
    waits.map(lambda seconds: Response(Action.WAIT, seconds)),
    st.sampled_from([Response(Action.NEVER), Response(Action.DONE), Response(Action.STOP)]),
)
words = st.sampled_from(sorted(outcome.REASONS | set(retry.GROUPS)))
overrides = st.dictionaries(words, responses, max_size=6)
rule_sets: st.SearchStrategy[RetryRules] = st.builds(retry.rules, st.integers(1, 6), overrides)
reasons = st.one_of(st.sampled_from(sorted(outcome.REASONS)), st.none(), st.just("a_word_of_tomorrow"))
endings = st.builds(
    Ending,
    finish_reason=reasons,
    status=st.sampled_from(["registered", "ongoing", "ended", "error"]),
    duration_seconds=st.none() | st.integers(0, 600),
    has_messages=st.booleans(),
)
refused = st.builds(
    NotPlaced,
    refusal=st.sampled_from(Refusal),
    message=st.just("no"),
    reusable=st.booleans(),
    retry_after=st.none() | st.floats(-10.0, 1e6),
    stop=st.none() | st.just(outcome.payment_refused()),
)
outcomes = endings | refused
histories = st.builds(
    History,
    attempts=st.integers(0, 8),
    refusals=st.integers(0, 50),
    tally=st.dictionaries(st.sampled_from(sorted(outcome.REASONS)), st.integers(1, 5), max_size=3),
    expires_at=st.none() | st.floats(-1e5, 1e6).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    halt=st.none() | st.sampled_from(Halt),
)
dice = st.floats(0.0, 1.0, exclude_max=True)
