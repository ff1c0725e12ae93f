"""The total maps: of finish reasons to verdicts, of answers to the three boxes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.errors import ExitCode
from dialer.model import Lost, NoReply, NotPlaced, Placed, Refusal, Reply, Sample, Verdict
from dialer.policy import outcome
from tests.policy_cases import CALL_ID, NUMBER, contract_reasons, record, request

VERDICTS = {
    "user_ended_call": "reached",
    "agent_ended_call": "reached",
    "call_transferred": "reached",
    "voicemail_detected": "again",
    "inactivity_timeout": "reached",
    "answering_machine_detected": "again",
    "maximum_duration_exceeded": "reached",
    "concurrent_call_limit_reached": "nobody",
    "invalid_payment": "stop",
    "potential_scam_detected": "stop",
    "inbound_webhook_error": "never",
    "line_busy": "again",
    "call_failed": "again",
    "no_answer": "again",
    "llm_websocket_initialization_error": "platform_failed",
    "llm_websocket_connection_lost": "platform_failed",
    "llm_websocket_runtime_error": "platform_failed",
    "llm_websocket_payload_corruption": "platform_failed",
    "frontend_payload_corruption": "never",
    "twilio_service_error": "platform_failed",
    "no_audio_input": "never",
    "speech_recognition_error": "never",
    "verbex_service_error": "platform_failed",
    "unknown_error": "platform_failed",
    "user_connection_failure": "again",
    "registered_call_timed_out": "again",
}


def test_none_of_the_contract_s_reasons_is_missing() -> None:
    reasons = contract_reasons()
    assert len(reasons) == 26
    assert set(reasons) == outcome.REASONS == set(VERDICTS)


@pytest.mark.parametrize(("reason", "told"), VERDICTS.items())
def test_what_each_reason_tells(reason: str, told: str) -> None:
    assert outcome.verdict(reason) is Verdict(told)
    assert outcome.known(reason) == reason


@pytest.mark.parametrize("reason", [None, "", "a_word_of_tomorrow", "User_Ended_Call"])
def test_a_reason_that_is_not_known_is_judged_like_unknown_error(reason: str | None) -> None:
    assert outcome.verdict(reason) is Verdict.PLATFORM_FAILED
    assert outcome.known(reason) == "unknown_error"
    assert outcome.sample(reason) is Sample.NOTHING
    assert not outcome.rang_nobody(reason)


@pytest.mark.parametrize("reason", sorted(VERDICTS))
def test_what_pacing_hears_of_a_call(reason: str) -> None:
    taken = VERDICTS[reason] in ("reached", "again", "never") and reason != "registered_call_timed_out"
    full = reason == "concurrent_call_limit_reached"
    assert outcome.sample(reason) is (Sample.REFUSED if full else Sample.ACCEPTED if taken else Sample.NOTHING)


def test_only_two_reasons_say_that_nobody_was_rung() -> None:
    nobody = {reason for reason in outcome.REASONS if outcome.rang_nobody(reason)}
    assert nobody == {"concurrent_call_limit_reached", "invalid_payment"}


# --- the three boxes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "refusal", "reusable", "code"),
    [
        (400, Refusal.REJECTED, False, None),
        (401, Refusal.KEY, False, ExitCode.REFUSED),
        (402, Refusal.PAYMENT, False, ExitCode.REFUSED),
        (403, Refusal.KEY, False, ExitCode.REFUSED),
        (404, Refusal.NO_SUCH_PATH, False, ExitCode.FILE),
        (405, Refusal.NO_SUCH_PATH, False, ExitCode.FILE),
        (413, Refusal.REJECTED, False, None),
        (415, Refusal.NO_SUCH_PATH, False, ExitCode.FILE),
        (422, Refusal.REJECTED, False, None),
        (429, Refusal.TOO_MANY, True, None),
    ],
)
def test_the_statuses_that_prove_that_nobody_was_rung(
    status: int, refusal: Refusal, reusable: bool, code: ExitCode | None
) -> None:
    box = outcome.sort_dial(Reply(status, message="so\n it is", retry_after=7.0, fields=("to_number",)), request())
    assert isinstance(box, NotPlaced)
    assert (box.refusal, box.message, box.reusable) == (refusal, "so it is", reusable)
    assert (box.retry_after, box.fields) == (7.0, ("to_number",))
    assert (box.stop.code if box.stop else None) == code
    assert box.stop is None or '"so it is"' in box.stop.sentence


PROVING = {400, 401, 402, 403, 404, 405, 413, 415, 422, 429}


@given(status=st.integers(100, 599), message=st.text(max_size=20))
def test_every_status_falls_into_a_box_and_few_prove_anything(status: int, message: str) -> None:
    box = outcome.sort_dial(Reply(status, message=message), request())
    assert isinstance(box, NotPlaced) == (status in PROVING)
    assert isinstance(box, NotPlaced | Lost)
    if isinstance(box, Lost):
        assert (box.stop is not None) == (300 <= status < 400)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_lost_and_stops_the_run(status: int) -> None:
    box = outcome.sort_dial(Reply(status), request())
    assert isinstance(box, Lost)
    assert box.stop is not None
    assert (box.stop.code, box.stop.reason) == (ExitCode.LOOK_FIRST, "redirect")


@pytest.mark.parametrize("status", [100, 408, 409, 410, 418, 425, 451, 500, 502, 503, 504, 599])
def test_what_proves_nothing_is_lost_even_in_the_words_of_a_full_account(status: int) -> None:
    box = outcome.sort_dial(Reply(status, message="concurrent call limit", retry_after=1.0), request())
    # A 409 says that the call id is known there: it is not sent again, whatever is found.
    assert box == Lost(f'status {status}, "concurrent call limit"', id_taken=status == 409)


def test_silence_is_not_placed_only_where_no_byte_left() -> None:
    assert outcome.sort_dial(NoReply(True, "refused"), request()) == NotPlaced(Refusal.UNSENT, "refused", True)
    assert outcome.sort_dial(NoReply(False, "timed out"), request()) == Lost("timed out")


@pytest.mark.parametrize("status", [200, 201, 202, 299])
@pytest.mark.parametrize("own_id", [CALL_ID, None, "p1"], ids=["ours", "none", "the platform's own"])
def test_a_success_with_our_number_is_placed(status: int, own_id: str | None) -> None:
    call = record(own_id=own_id)
    assert outcome.sort_dial(Reply(status, call), request()) == Placed(call)


@pytest.mark.parametrize("number", [NUMBER.removeprefix("+"), "+1 (415) 555-0123"])
def test_our_number_in_another_spelling_is_our_number(number: str) -> None:
    assert isinstance(outcome.sort_dial(Reply(201, record(number)), request()), Placed)


def test_a_call_that_is_over_at_once_is_placed_all_the_same() -> None:
    call = record(status="error", finish_reason="concurrent_call_limit_reached")
    assert outcome.sort_dial(Reply(201, call), request()) == Placed(call)


def test_a_success_that_cannot_be_read_is_lost() -> None:
    box = outcome.sort_dial(Reply(201, None, "<html>"), request())
    assert box == Lost('status 201 without a call that can be read, "<html>"')


@pytest.mark.parametrize(
    ("number", "own_id", "reason"),
    [("+14155550124", CALL_ID, "other_number"), ("", CALL_ID, "other_number"), (NUMBER, "b" * 32, "other_call")],
)
def test_an_answer_for_another_call_is_lost_and_stops_the_run(number: str, own_id: str, reason: str) -> None:
    box = outcome.sort_dial(Reply(201, record(number, own_id)), request())
    assert isinstance(box, Lost)
    assert box.stop is not None
    assert (box.stop.code, box.stop.reason) == (ExitCode.LOOK_FIRST, reason)


@pytest.mark.parametrize("status", sorted(PROVING))
@pytest.mark.parametrize("message", ["Concurrent call limit reached", "error: concurrent_call_limit_reached (20)"])
def test_a_refusal_in_the_words_of_a_full_account_is_one(status: int, message: str) -> None:
    box = outcome.sort_dial(Reply(status, message=message, retry_after=3.0), request())
    assert box == NotPlaced(Refusal.ACCOUNT_FULL, message, reusable=True, retry_after=3.0)


@pytest.mark.parametrize(
    ("message", "full"),
    [
        ("CONCURRENT-CALL LIMIT", True),
        ("the concurrent  call\nlimit of 20", True),
        ("maximum concurrent calls reached", True),
        ("Concurrency limit exceeded", True),
        ("Too many concurrent calls", True),
        ("No concurrent lines available", True),
        ("You already have 20 concurrent calls", True),
        ("All concurrent calls are in use.", True),
        ("Rate limit reached: too many concurrent requests", False),
        ("concurrent_call_limit_reached: slow down your requests", True),
        ("", False),
        ("rate limit", False),
        ("too many concurrent connections", False),
    ],
)
def test_which_words_show_a_full_account(message: str, full: bool) -> None:
    assert outcome.shows_capacity(message) is full


def test_long_words_are_cut_and_missing_ones_replaced() -> None:
    long = outcome.sort_dial(Reply(422, message="x" * 5000), request())
    assert isinstance(long, NotPlaced)
    assert long.message == "x" * 300
    bare = outcome.sort_dial(Reply(422), request())
    assert isinstance(bare, NotPlaced)
    assert bare.message == "status 422"


def test_the_payment_s_stop_is_the_same_from_a_402_and_from_a_call() -> None:
    box = outcome.sort_dial(Reply(402), request())
    assert isinstance(box, NotPlaced)
    assert box.stop == outcome.payment_refused()
    assert box.stop.reason == "invalid_payment"


# --- conversations -----------------------------------------------------------------------------------

NO_PERSON = {"no_answer", "line_busy", "voicemail_detected", "answering_machine_detected"} | {
    "registered_call_timed_out",
    "concurrent_call_limit_reached",
}


@pytest.mark.parametrize("reason", [*sorted(outcome.REASONS), None, "a new reason"])
def test_a_call_counts_as_a_conversation_where_a_person_may_have_been_on_the_line(reason: str | None) -> None:
    told = outcome.verdict(reason)
    reached = told is Verdict.REACHED
    assert outcome.may_have_talked(reason, spoke=False) is reached
    assert outcome.may_have_talked(reason, spoke=True) is (reason not in NO_PERSON)
    untimed = reached or (told is not Verdict.AGAIN and reason not in NO_PERSON)
    assert outcome.may_have_talked(reason, spoke=False, untimed=True) is untimed
