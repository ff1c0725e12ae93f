"""What follows from the operator's word on a call of which nobody knows whether it was placed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import UsageError
from dialer.model import ContactState, Halt, History, Mark, RetryRules, Sample
from dialer.policy import lifecycle, retry
from tests.policy_cases import NOW, dice, histories, rule_sets

RULES = retry.rules(3, {})
NEW = History()
LATE = History(attempts=2)
PAST = History(expires_at=NOW)


@pytest.mark.parametrize(
    ("word", "history", "state", "detail", "costs", "wait"),
    [
        (Mark.DONE, NEW, "done", "marked by hand", True, None),
        (Mark.DONE, LATE, "done", "marked by hand", True, None),
        (Mark.DONE, PAST, "done", "marked by hand", True, None),
        (Mark.DONE, History(halt=Halt.OPTED_OUT), "done", "marked by hand", True, None),
        (Mark.PLACED, NEW, "waiting", "unknown_error", True, 300),
        (Mark.PLACED, History(attempts=1, tally={"unknown_error": 1}), "waiting", "unknown_error", True, 3600),
        (Mark.PLACED, LATE, "exhausted", "attempts_used_up:unknown_error", True, None),
        (Mark.PLACED, PAST, "exhausted", "expired", True, None),
        (Mark.PLACED, History(halt=Halt.CANCELLED), "excluded", "cancelled", True, 300),
        (Mark.NOT_PLACED, NEW, "due", "absent", False, 1),
        (Mark.NOT_PLACED, History(refusals=3), "due", "absent", False, 8),
        (Mark.NOT_PLACED, LATE, "due", "absent", False, 1),
        (Mark.NOT_PLACED, History(attempts=3), "exhausted", "attempts_used_up:absent", False, None),
        (Mark.NOT_PLACED, PAST, "exhausted", "expired", False, None),
        (Mark.NOT_PLACED, History(halt=Halt.WITHDRAWN), "excluded", "withdrawn", False, 1),
    ],
)
def test_what_follows_from_the_operators_word(
    word: Mark, history: History, state: str, detail: str, costs: bool, wait: float | None
) -> None:
    decision = lifecycle.marked(history, word, RULES, NOW, 0.0)
    seconds = None if decision.due_at is None else (decision.due_at - NOW).total_seconds()
    assert (decision.state, decision.detail, decision.costs, seconds) == (state, detail, costs, wait)
    assert decision.tally == ("unknown_error" if word is Mark.PLACED else None)
    assert decision.sample is Sample.NOTHING


@pytest.mark.parametrize("word", [Mark.PLACED, Mark.NOT_PLACED])
def test_without_the_campaigns_rules_nobody_is_called_again(word: Mark) -> None:
    with pytest.raises(UsageError, match=f"to mark somebody as {word}, name the campaign file"):
        lifecycle.marked(NEW, word, None, NOW, 0.0)


def test_who_is_done_is_done_by_any_rules() -> None:
    assert lifecycle.marked(NEW, Mark.DONE, None, NOW, 0.0).state is ContactState.DONE


@given(word=st.sampled_from(Mark), history=histories, rules=rule_sets, dice=dice)
def test_the_operators_word_moves_legally_and_calls_nobody_beyond_their_budget(
    word: Mark, history: History, rules: RetryRules, dice: float
) -> None:
    decision = lifecycle.marked(history, word, rules, NOW, dice)
    assert (ContactState.UNKNOWN, decision.state) in lifecycle.CONTACT_MOVES
    assert decision.costs is (word is not Mark.NOT_PLACED)
    if decision.state in (ContactState.DUE, ContactState.WAITING):
        assert history.halt is None
        assert history.attempts + decision.costs < rules.attempts
