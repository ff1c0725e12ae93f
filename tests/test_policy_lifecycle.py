"""What follows from an outcome: by table, and by what must hold for all of them."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import ExitCode
from dialer.model import (
    Action,
    ContactState,
    Decision,
    Ending,
    Halt,
    History,
    NotPlaced,
    Outcome,
    Refusal,
    Response,
    RetryRules,
    Sample,
    StopCause,
    Verdict,
)
from dialer.policy import lifecycle, outcome, retry
from tests.policy_cases import NOW, contract_reasons, dice, ended, histories, outcomes, overrides, rule_sets

RULES = retry.rules(3, {})
NEW = History()
FULL = "concurrent_call_limit_reached"
CAUSE = StopCause(ExitCode.REFUSED, "key_refused", "…")


def settle(history: History, outcome: Outcome, rules: RetryRules = RULES, dice: float = 0.0) -> Decision:
    return lifecycle.settle(history, outcome, rules, NOW, dice)


def seconds(decision: Decision) -> float | None:
    return None if decision.due_at is None else (decision.due_at - NOW).total_seconds()


def refusal(kind: Refusal, retry_after: float | None = None, stop: StopCause | None = None) -> NotPlaced:
    return NotPlaced(kind, "the platform's words", reusable=True, retry_after=retry_after, stop=stop)


def code(decision: Decision) -> int | None:
    return decision.stop.code if decision.stop else None


# --- each reason, the first time, with nobody on the line ----------------------------------------

FIRST = {
    # reason: state, detail, costs, seconds until due, sample, exit code of the stop
    "user_ended_call": ("done", "user_ended_call", True, None, "accepted", None),
    "agent_ended_call": ("done", "agent_ended_call", True, None, "accepted", None),
    "call_transferred": ("done", "call_transferred", True, None, "accepted", None),
    "inactivity_timeout": ("done", "inactivity_timeout", True, None, "accepted", None),
    "maximum_duration_exceeded": ("done", "maximum_duration_exceeded", True, None, "accepted", None),
    "no_audio_input": ("exhausted", "never:no_audio_input", True, None, "accepted", None),
    "speech_recognition_error": ("exhausted", "never:speech_recognition_error", True, None, "accepted", None),
    "inbound_webhook_error": ("exhausted", "never:inbound_webhook_error", True, None, "accepted", None),
    "frontend_payload_corruption": ("exhausted", "never:frontend_payload_corruption", True, None, "accepted", None),
    "no_answer": ("waiting", "no_answer", True, 7200, "accepted", None),
    "line_busy": ("waiting", "line_busy", True, 600, "accepted", None),
    "voicemail_detected": ("waiting", "voicemail_detected", True, 14400, "accepted", None),
    "answering_machine_detected": ("waiting", "answering_machine_detected", True, 14400, "accepted", None),
    "call_failed": ("waiting", "call_failed", True, 3600, "accepted", None),
    "user_connection_failure": ("waiting", "user_connection_failure", True, 1800, "accepted", None),
    "registered_call_timed_out": ("waiting", "registered_call_timed_out", True, 300, "nothing", None),
    "twilio_service_error": ("waiting", "twilio_service_error", True, 300, "nothing", None),
    "verbex_service_error": ("waiting", "verbex_service_error", True, 300, "nothing", None),
    "llm_websocket_initialization_error": (
        "waiting",
        "llm_websocket_initialization_error",
        True,
        300,
        "nothing",
        None,
    ),
    "llm_websocket_connection_lost": ("waiting", "llm_websocket_connection_lost", True, 300, "nothing", None),
    "llm_websocket_runtime_error": ("waiting", "llm_websocket_runtime_error", True, 300, "nothing", None),
    "llm_websocket_payload_corruption": ("waiting", "llm_websocket_payload_corruption", True, 300, "nothing", None),
    "unknown_error": ("waiting", "unknown_error", True, 300, "nothing", None),
    FULL: ("due", FULL, False, 2, "refused", None),
    "invalid_payment": ("due", "invalid_payment", False, None, "nothing", 77),
    "potential_scam_detected": ("exhausted", "stopped:potential_scam_detected", True, None, "nothing", 70),
}


def test_the_table_misses_no_reason() -> None:
    assert set(FIRST) == set(contract_reasons())


@pytest.mark.parametrize("reason", FIRST)
def test_what_follows_from_each_reason(reason: str) -> None:
    decision = settle(NEW, ended(reason))
    told = (decision.state, decision.detail, decision.costs, seconds(decision), decision.sample, code(decision))
    assert told == FIRST[reason]
    assert decision.tally == reason


@pytest.mark.parametrize(
    ("reason", "tally", "detail"),
    [(None, "unknown_error", "unknown_error"), ("a_new_word", "a_new_word", "a_new_word")],
)
def test_a_reason_that_is_not_known_is_kept_as_it_came(reason: str | None, tally: str, detail: str) -> None:
    decision = settle(NEW, ended(reason))
    assert (decision.state, decision.detail, decision.tally) == (ContactState.WAITING, detail, tally)


# --- waits, budget, time -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tally", "wait"), [({}, 7200), ({"line_busy": 2}, 7200), ({"no_answer": 1}, 86400), ({"no_answer": 7}, 86400)]
)
def test_the_wait_goes_by_how_often_this_reason_came(tally: dict[str, int], wait: float) -> None:
    history = History(attempts=1, tally=tally)
    assert seconds(settle(history, ended("no_answer"))) == wait
    assert seconds(settle(history, ended("no_answer"), dice=0.5)) == pytest.approx(wait * 1.05)


def test_the_budget_is_one_over_all_reasons() -> None:
    history = History(attempts=2, tally={"line_busy": 2})
    decision = settle(history, ended("no_answer"))
    assert (decision.state, decision.detail) == (ContactState.EXHAUSTED, "attempts_used_up:no_answer")
    assert decision.costs


def test_a_call_that_fails_is_tried_a_few_times_whatever_the_budget() -> None:
    history = History(attempts=2, tally={"call_failed": 2})
    decision = settle(history, ended("call_failed"), retry.rules(9, {}))
    assert (decision.state, decision.detail) == (ContactState.EXHAUSTED, "tried_often_enough:call_failed")
    asked_for = retry.rules(9, {"call_failed": Response(Action.WAIT, (60.0, 60.0, 60.0))})
    assert settle(history, ended("call_failed"), asked_for).state is ContactState.WAITING


@pytest.mark.parametrize(
    ("outcome", "passed", "in_time"),
    [
        (ended("no_answer"), 7200.001, ContactState.WAITING),
        (ended("no_answer"), 7200, None),
        (ended(FULL), 2.001, ContactState.DUE),
        (ended(FULL), 2, None),
        (refusal(Refusal.UNSENT), 1.001, ContactState.DUE),
        (refusal(Refusal.UNSENT), 1, None),
        (refusal(Refusal.KEY, stop=CAUSE), 0.001, ContactState.DUE),
        (refusal(Refusal.KEY, stop=CAUSE), 0, None),
        (ended("user_ended_call"), -1, ContactState.DONE),
    ],
)
def test_nobody_is_due_beyond_their_time(outcome: Outcome, passed: float, in_time: ContactState | None) -> None:
    decision = settle(History(expires_at=NOW + timedelta(seconds=passed)), outcome)
    assert decision.state is (in_time or ContactState.EXHAUSTED)
    assert in_time is not None or (decision.detail, decision.due_at) == ("expired", None)


# --- the platform's own trouble ------------------------------------------------------------------

FAILED = [reason for reason in FIRST if outcome.verdict(reason) is Verdict.PLATFORM_FAILED]


@pytest.mark.parametrize("reason", [*FAILED, FULL, "invalid_payment", "a_new_word", None])
@pytest.mark.parametrize(("duration", "messages"), [(1, False), (None, True), (0, True), (90, True)])
def test_whoever_was_on_the_line_is_not_rung_again(reason: str | None, duration: int | None, messages: bool) -> None:
    decision = settle(NEW, ended(reason, duration, messages))
    assert decision.state is ContactState.EXHAUSTED
    assert decision.detail == f"platform_failed_in_talk:{reason or 'unknown_error'}"
    assert decision.costs
    assert code(decision) == (77 if reason == "invalid_payment" else None)


@pytest.mark.parametrize("duration", [0, None])
@pytest.mark.parametrize("reason", FAILED)
def test_a_platform_failure_without_a_talk_is_tried_again(reason: str, duration: int | None) -> None:
    assert settle(NEW, ended(reason, duration)).state is ContactState.WAITING


@pytest.mark.parametrize(("refusals", "wait"), [(0, 2), (1, 5), (2, 10), (3, 20), (4, 30), (40, 30)])
def test_a_full_account_is_asked_again_soon_wherever_it_is_said(refusals: int, wait: float) -> None:
    history = History(attempts=2, refusals=refusals, tally={FULL: 9})
    in_a_record = settle(history, ended(FULL))
    in_the_answer = settle(history, refusal(Refusal.ACCOUNT_FULL))
    assert in_a_record == in_the_answer
    assert (in_a_record.state, in_a_record.costs, seconds(in_a_record)) == (ContactState.DUE, False, wait)
    assert in_a_record.sample is Sample.REFUSED


@pytest.mark.parametrize(("asked", "wait"), [(1.0, 2), (0.0, 2), (45.0, 45), (9999.0, 300)])
def test_a_full_account_is_not_asked_sooner_than_it_says(asked: float, wait: float) -> None:
    assert seconds(settle(NEW, refusal(Refusal.ACCOUNT_FULL, asked))) == wait


# --- stops, and the campaign's own words ---------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "state", "detail", "costs", "exit_code"),
    [
        ("no_answer", "exhausted", "stopped:no_answer", True, 70),
        ("call_transferred", "done", "call_transferred", True, 70),
        (FULL, "due", FULL, False, 70),
        ("invalid_payment", "due", "invalid_payment", False, 77),
        ("potential_scam_detected", "exhausted", "stopped:potential_scam_detected", True, 70),
    ],
)
def test_a_campaign_may_stop_at_any_reason(reason: str, state: str, detail: str, costs: bool, exit_code: int) -> None:
    decision = settle(NEW, ended(reason), retry.rules(3, {reason: Response(Action.STOP)}))
    assert (decision.state, decision.detail, decision.costs) == (state, detail, costs)
    assert code(decision) == exit_code
    assert decision.stop is not None
    assert decision.stop.sentence.endswith((".", "again."))


@pytest.mark.parametrize("reason", FIRST)
def test_a_campaign_s_done_and_never_hold_for_every_reason(reason: str) -> None:
    costs = reason not in (FULL, "invalid_payment")
    done = settle(NEW, ended(reason), retry.rules(3, {reason: Response(Action.DONE)}))
    never = settle(NEW, ended(reason), retry.rules(3, {reason: Response(Action.NEVER)}))
    assert (done.state, done.detail, done.costs, done.stop) == (ContactState.DONE, reason, costs, None)
    assert (never.state, never.detail, never.costs) == (ContactState.EXHAUSTED, f"never:{reason}", costs)
    assert never.stop is None


@pytest.mark.parametrize("action", [Action.DONE, Action.NEVER, Action.STOP])
@pytest.mark.parametrize("reason", [FULL, "invalid_payment"])
def test_a_call_that_rang_somebody_costs_whatever_its_reason_says(reason: str, action: Action) -> None:
    assert settle(NEW, ended(reason, 30, True), retry.rules(3, {reason: Response(action)})).costs


@pytest.mark.parametrize("action", [Action.DONE, Action.NEVER, Action.STOP])
def test_a_campaign_s_word_about_a_full_account_holds_where_no_record_was_made(action: Action) -> None:
    rules = retry.rules(3, {FULL: Response(action)})
    assert settle(NEW, refusal(Refusal.ACCOUNT_FULL, 9.0), rules) == settle(NEW, ended(FULL), rules)


def test_a_campaign_may_ring_again_after_an_ending_that_says_stop() -> None:
    rules = retry.rules(3, {"potential_scam_detected": Response(Action.WAIT, (60.0,))})
    decision = settle(NEW, ended("potential_scam_detected"), rules)
    assert (decision.state, decision.stop) == (ContactState.WAITING, None)


# --- dials that were not placed ------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Refusal.UNSENT, Refusal.TOO_MANY, Refusal.ABSENT, Refusal.EXPIRED])
@pytest.mark.parametrize(
    ("refusals", "retry_after", "wait"), [(0, None, 1), (3, None, 8), (50, None, 60), (3, 17.0, 17), (0, 1e6, 300)]
)
def test_what_was_not_placed_costs_nothing(
    kind: Refusal, refusals: int, retry_after: float | None, wait: float
) -> None:
    decision = settle(History(attempts=2, refusals=refusals), refusal(kind, retry_after))
    assert (decision.state, decision.detail, decision.costs) == (ContactState.DUE, kind.value, False)
    assert (seconds(decision), decision.sample, decision.tally) == (wait, Sample.NOTHING, None)


def test_a_rejected_dial_excludes_with_the_platform_s_words() -> None:
    decision = settle(NEW, refusal(Refusal.REJECTED))
    assert decision == Decision(ContactState.EXCLUDED, "rejected: the platform's words", costs=False)


@pytest.mark.parametrize("kind", [Refusal.KEY, Refusal.PAYMENT, Refusal.NO_SUCH_PATH, Refusal.REJECTED])
def test_a_refusal_that_stops_the_run_keeps_the_contact(kind: Refusal) -> None:
    decision = settle(NEW, refusal(kind, stop=CAUSE))
    tally = "invalid_payment" if kind is Refusal.PAYMENT else None
    assert decision == Decision(ContactState.DUE, kind.value, costs=False, tally=tally, stop=CAUSE)


def test_nobody_is_due_whose_attempts_are_used_up() -> None:
    decision = settle(History(attempts=3), refusal(Refusal.UNSENT))
    assert (decision.state, decision.detail) == (ContactState.EXHAUSTED, "attempts_used_up:unsent")


# --- halted --------------------------------------------------------------------------------------


@pytest.mark.parametrize("halt", Halt)
@pytest.mark.parametrize("reason", FIRST)
def test_a_halted_contact_is_finished_or_excluded(reason: str, halt: Halt) -> None:
    decision, free = settle(History(halt=halt), ended(reason)), settle(NEW, ended(reason))
    if FIRST[reason][0] in ("done", "exhausted"):
        assert decision == free
    else:
        assert (decision.state, decision.detail) == (ContactState.EXCLUDED, halt.value)
        assert decision.due_at == free.due_at  # for the day on which the halt is lifted
    assert (decision.costs, decision.sample, code(decision)) == (FIRST[reason][2], FIRST[reason][4], FIRST[reason][5])


def test_a_halted_contact_that_was_not_placed_is_excluded() -> None:
    decision = settle(History(halt=Halt.OPTED_OUT), refusal(Refusal.KEY, stop=CAUSE))
    assert (decision.state, decision.detail, decision.stop) == (ContactState.EXCLUDED, "opted_out", CAUSE)


@pytest.mark.parametrize(("duration", "started", "again"), [(None, False, True), (None, True, False), (0, True, True)])
def test_a_failed_call_that_began_and_tells_no_duration_is_not_repeated(
    duration: int | None, started: bool, again: bool
) -> None:
    ending = Ending("verbex_service_error", "error", duration, has_messages=False, has_started=started)
    assert settle(NEW, ending).state is (ContactState.WAITING if again else ContactState.EXHAUSTED)


# --- what holds for all --------------------------------------------------------------------------


@given(history=histories, outcome=outcomes, rules=rule_sets, dice=dice)
def test_settling_is_lawful(history: History, outcome: Outcome, rules: RetryRules, dice: float) -> None:
    decision = lifecycle.settle(history, outcome, rules, NOW, dice)
    assert (ContactState.DIALING, decision.state) in lifecycle.CONTACT_MOVES
    assert (ContactState.UNKNOWN, decision.state) in lifecycle.CONTACT_MOVES
    assert decision.state not in (ContactState.DIALING, ContactState.UNKNOWN)
    assert (decision.state is ContactState.WAITING) <= (decision.due_at is not None)
    kept = (ContactState.WAITING, ContactState.DUE, *([ContactState.EXCLUDED] if history.halt else []))
    assert decision.due_at is None or decision.state in kept
    assert decision.due_at is None or decision.due_at >= NOW
    assert decision.detail


@given(history=histories, outcome=outcomes, rules=rule_sets, dice=dice)
def test_whoever_will_be_dialled_again_may_be(
    history: History, outcome: Outcome, rules: RetryRules, dice: float
) -> None:
    decision = lifecycle.settle(history, outcome, rules, NOW, dice)
    if decision.state in (ContactState.WAITING, ContactState.DUE):
        assert history.halt is None
        assert history.attempts + decision.costs < rules.attempts
        assert history.expires_at is None or (decision.due_at or NOW) < history.expires_at
        assert (decision.state is ContactState.WAITING) == decision.costs


REACHED = sorted(reason for reason in FIRST if outcome.verdict(reason) is Verdict.REACHED)


@given(history=histories, reason=st.sampled_from(REACHED), said=overrides, duration=st.integers(0, 900), dice=dice)
def test_whoever_was_reached_is_never_rung_again(
    history: History, reason: str, said: dict[str, Response], duration: int, dice: float
) -> None:
    rules = retry.rules(3, {word: response for word, response in said.items() if word != reason})
    assert settle(history, Ending(reason, "ended", duration, True), rules, dice).state is ContactState.DONE


@given(reasons=st.lists(st.sampled_from(sorted(FIRST)), max_size=40), rules=rule_sets)
def test_a_contact_s_life_ends_within_its_budget(reasons: list[str], rules: RetryRules) -> None:
    history, now = History(), NOW
    for reason in reasons:
        decision = lifecycle.settle(history, ended(reason), rules, now, 0.3)
        history = follow(history, decision)
        assert history.attempts <= rules.attempts
        if decision.state not in (ContactState.DUE, ContactState.WAITING):
            return
        now = decision.due_at or now
    assert history.attempts < rules.attempts


def follow(history: History, decision: Decision) -> History:
    """The history after a decision, as the ledger keeps it."""
    tally = dict(history.tally)
    if decision.tally is not None:
        tally[decision.tally] = tally.get(decision.tally, 0) + 1
    refusals = 0 if decision.costs else history.refusals + 1
    return replace(history, attempts=history.attempts + decision.costs, refusals=refusals, tally=tally)


def test_the_moment_of_a_decision_is_its_argument() -> None:
    later = datetime(2031, 1, 1, tzinfo=NOW.tzinfo)
    decision = lifecycle.settle(NEW, ended("line_busy"), RULES, later, 0.0)
    assert decision.due_at == later + timedelta(minutes=10)


# --- rejections in a row -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "fields", "stops"),
    [
        (1, (), False),
        (4, ("to_number",), False),
        (5, ("to_number",), True),
        (6, (), True),
        (1, ("from_number",), True),
        (1, ("to_number", "body.override_ai_agent_id"), True),
        (1, ("body.direction",), True),
        (1, ("body.metadata.direction",), False),
        (1, ("pia_llm_dynamic_data.from_number",), False),
        (1, ("",), False),
    ],
)
def test_when_rejections_tell_of_the_campaign(row: int, fields: tuple[str, ...], stops: bool) -> None:
    cause = lifecycle.rejection_stop(row, fields)
    assert (cause is not None) == stops
    assert cause is None or (cause.code, cause.reason) == (ExitCode.FILE, "rejected")


def test_a_common_field_is_named() -> None:
    cause = lifecycle.rejection_stop(9, ("body.to_number", "body.from_number"))
    assert cause is not None
    assert cause.sentence.startswith("Verbex rejects from_number")


# --- what a person adds, and another time of day -------------------------------------------------------


def test_extra_attempts_are_beyond_the_budget() -> None:
    last = History(attempts=RULES.attempts - 1)
    assert lifecycle.settle(last, ended("no_answer"), RULES, NOW, 0.0).state is ContactState.EXHAUSTED
    more = replace(last, extra_attempts=1)
    assert lifecycle.settle(more, ended("no_answer"), RULES, NOW, 0.0).state is ContactState.WAITING
    used = History(attempts=RULES.attempts, extra_attempts=1)
    refused = NotPlaced(Refusal.UNSENT, "", reusable=True)
    assert lifecycle.settle(used, refused, RULES, NOW, 0.0).state is ContactState.DUE


def test_a_retry_may_fall_into_another_part_of_the_day() -> None:
    zone = ZoneInfo("America/New_York")
    rules = retry.rules(
        3, {"no_answer": Response(Action.WAIT, (7200.0,)), "line_busy": Response(Action.WAIT, (600.0,))}
    )
    spread = replace(rules, spreads=True)
    morning = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
    plain = lifecycle.settle(History(), ended("no_answer"), rules, morning, 0.0, zone).due_at
    later = lifecycle.settle(History(), ended("no_answer"), spread, morning, 0.0, zone).due_at
    assert plain is not None and plain < morning + timedelta(hours=3)
    assert later == datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    nowhere = lifecycle.settle(History(), ended("no_answer"), spread, morning, 0.0)
    soon = lifecycle.settle(History(), ended("line_busy"), spread, morning, 0.0, zone)
    assert nowhere.due_at == plain
    assert soon.due_at is not None and soon.due_at < morning + timedelta(hours=1)


def test_every_field_of_a_decision_is_named_where_one_is_made_anew() -> None:
    """`_ended` names them all, which takes a third of the time of `replace`: a new one has to be added there."""
    fields = {"state", "detail", "costs", "due_at", "tally", "sample", "stop"}
    assert {field.name for field in dataclasses.fields(Decision)} == fields
