"""What finish reasons and details say, in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from dialer.model import Halt, Refusal

REASONS: Mapping[str, str] = {
    "user_ended_call": "talked, and hung up themselves",
    "agent_ended_call": "talked until the agent ended the call",
    "call_transferred": "talked, and were put through",
    "inactivity_timeout": "answered, then fell silent",
    "maximum_duration_exceeded": "talked until the longest time for a call was over",
    "no_audio_input": "most likely answered, but nothing was heard",
    "speech_recognition_error": "most likely answered, but could not be understood",
    "voicemail_detected": "voicemail answered",
    "answering_machine_detected": "an answering machine answered",
    "no_answer": "did not answer",
    "line_busy": "line was busy",
    "user_connection_failure": "the connection failed",
    "call_failed": "the call failed: a bad number, or the carrier",
    "concurrent_call_limit_reached": "not rung: the account had no free line",
    "registered_call_timed_out": "not rung: the platform gave up before it dialled",
    "invalid_payment": "not rung: the account cannot pay",
    "potential_scam_detected": "the platform ended the call as a possible scam",
    "twilio_service_error": "the carrier service failed",
    "verbex_service_error": "the platform failed",
    "llm_websocket_initialization_error": "the platform's agent did not start",
    "llm_websocket_connection_lost": "the platform's agent was lost during the call",
    "llm_websocket_runtime_error": "the platform's agent failed during the call",
    "llm_websocket_payload_corruption": "the platform's agent sent something unreadable",
    "unknown_error": "the platform could not say what happened",
    "inbound_webhook_error": "a webhook failed, which is not expected of an outbound call",
    "frontend_payload_corruption": "a message was damaged, which is not expected of a phone call",
}
"""What each of the 26 finish reasons says of the person, in plain words."""

DETAILS: Mapping[str, str] = {
    Halt.OPTED_OUT: "asked not to be called",
    Halt.WITHDRAWN: "no longer on the list",
    Halt.CANCELLED: "the campaign was cancelled",
    Refusal.UNSENT: "not rung: the platform could not be reached",
    Refusal.TOO_MANY: "not rung: the platform asked for a slower pace",
    Refusal.ACCOUNT_FULL: "not rung: the account had no free line",
    Refusal.REJECTED: "not rung: the platform did not take the request",
    Refusal.NO_SUCH_PATH: "not rung: the address is no Verbex dial endpoint",
    Refusal.KEY: "not rung: the platform refused the key",
    Refusal.PAYMENT: "not rung: the account cannot pay",
    Refusal.ABSENT: "not rung: the platform has no such call",
    Refusal.EXPIRED: "not rung: the dial came too late to be sent",
    Refusal.CALLER_ID: "not rung: the platform did not take the own number",
    "held:no_zone": "held: nobody knows in which time zone they are",
    "held:unknown_zone": "held: the time zone that the list gives is not known",
    "held:unknown_postcode": "held: the postcode that the list gives is not known",
    "held:unknown_region": "held: the region that the list gives is not known",
    "held:no_pack": "held: no pack of the campaign has the rules of their country",
    "held:expired_pack": "held: the rules of their country have expired",
    "held:never_opens": "held: there is no hour at which all rules let them be called",
    "held:no_caller_id": "held: none of the own numbers may show for them now",
    "held:hours": "not at this hour: the campaign's own hours",
    "held:caps": "not yet: rung as often as the campaign allows",
    "held:caps.per_day": "not today: the campaign has made all its calls of the day",
    "blocked:no_consent": "the law asks for their consent, and the list does not say that they gave it",
    "purged": "forgotten by `dialer purge`",
    "requeued": "made due again by `dialer requeue`",
    "held": "held by a rule",
    "blocked": "not allowed by a rule",
    "dnc": "on a do-not-call list",
}
"""What the details that are not finish reasons say."""

ENDS: Mapping[str, str] = {
    "attempts_used_up": "all attempts are used up",
    "tried_often_enough": "tried often enough for that",
    "never": "not to be tried again after that",
    "platform_failed_in_talk": "somebody was on the line, so they are not rung again",
    "stopped": "look at the call before making them due again",
}
"""The words before the colon of a detail such as `attempts_used_up:no_answer`."""

RULED: Mapping[str, str] = {
    "held": "held by the rule",
    "blocked": "not allowed by the rule",
    "dnc": "on the do-not-call list",
}
"""The words before the colon of a detail that names a rule or a list."""

TIME_OVER = "their time is over"
