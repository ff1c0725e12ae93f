"""Webhooks of the simulated platform, decided: which events, when, in what order, how signed."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.model import Secret, SimulatorRules
from dialer.simulator import Ring
from dialer.simulator.calls import told
from dialer.simulator.hooks import Agenda, Planned, message, plan, signature, trace_id
from dialer.simulator.subscriptions import Subscription
from tests.simulator_kit import REASONS, START, after, dial, number, platform, rules

STARTED, ENDED = "CallHandler.CallStarted", "CallHandler.CallEnded"
TRANSFERRED, ANALYSED = "CallHandler.CallTransferred", "callAnalysis.pcaCompleted"


def call(reason: str = "agent_ended_call", call_id: str | None = "ours", n: int = 1, **changes: Any) -> Ring:
    """The n-th person's call, which ends so; each is dialled at another moment, and so has another id."""
    there, log = platform(**{"mix": {reason: 1.0}, **changes})
    there.dial(dial(number(n), call_id=call_id), after(n))
    return log[0]


def subscriber(**changes: Any) -> Subscription:
    plain: dict[str, Any] = {"id": "s1", "name": "mine", "url": "https://example.com/", "signed": True, "events": ()}
    plain |= {"headers": {}, "agents": (), "since": 0.0, "secret": Secret("whsec_abc")}
    return Subscription(**{**plain, **changes})


def happened(planned: list[Planned]) -> list[str]:
    return [one.event for one in planned]


# --- which events, and when --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "every", "connected"),
    [
        ("agent_ended_call", [STARTED, ENDED, ANALYSED], [STARTED, ENDED, ANALYSED]),
        ("call_transferred", [STARTED, TRANSFERRED, ENDED, ANALYSED], [STARTED, TRANSFERRED, ENDED, ANALYSED]),
        ("voicemail_detected", [STARTED, ENDED, ANALYSED], [STARTED, ENDED, ANALYSED]),
        ("no_answer", [STARTED, ENDED], []),
        ("line_busy", [STARTED, ENDED], []),
        ("call_failed", [STARTED, ENDED], []),
        ("registered_call_timed_out", [ENDED], []),  # its number was never dialled
        ("invalid_payment", [ENDED], []),
    ],
)
def test_the_events_of_a_call(reason: str, every: list[str], connected: list[str]) -> None:
    assert happened(plan(rules(), call(reason))) == every
    assert happened(plan(rules(webhook_calls="connected"), call(reason))) == connected


def test_a_call_for_which_there_was_no_line_ends_at_once() -> None:
    there, log = platform(concurrent_calls=1)
    for n in (1, 2):
        there.dial(dial(number(n)), START)
    (end,) = plan(rules(), log[1])
    assert (end.event, end.at) == (ENDED, START.timestamp())
    assert plan(rules(webhook_calls="connected"), log[1]) == []


@pytest.mark.parametrize("scale", [0.5, 1.0, 60.0, 1000.0])
@pytest.mark.parametrize("reason", REASONS)
def test_events_come_when_the_record_says_that_they_happened(reason: str, scale: float) -> None:
    ring = call(reason, time_scale=scale)
    at = {one.event: one.at for one in plan(rules(time_scale=scale), ring)}
    record = told(ring, ring.over_at)
    assert at[ENDED] == pytest.approx(datetime.fromisoformat(record["call_end_time"]).timestamp(), abs=1e-5)
    if record["call_start_time"] is None:
        assert STARTED not in at
    else:
        assert at[STARTED] == pytest.approx(datetime.fromisoformat(record["call_start_time"]).timestamp(), abs=1e-5)
    if ANALYSED in at:
        assert 1.0 - 1e-4 <= (at[ANALYSED] - ring.over_at) * scale <= 30.0 + 1e-4
        assert record["messages"]


def test_only_a_connection_starts_a_call_where_those_alone_are_told() -> None:
    ring = call()
    started = plan(rules(webhook_calls="connected"), ring)[0]
    assert ring.started_at is not None
    assert started.at == ring.answered_at == pytest.approx(ring.started_at + ring.fate.ring)


def test_a_plan_is_of_its_seed_alone() -> None:
    unruly = {"webhook_repeats": 0.5, "webhook_disorder": 0.5}
    rings = [call(n=n) for n in range(30)]
    once, again, other = (
        [plan(rules(seed=seed, **unruly), ring) for ring in ordered]
        for seed, ordered in ((1, rings), (1, rings[::-1]), (2, rings))
    )
    assert once == again[::-1]
    assert once != other


# --- what the platform is allowed to do wrong --------------------------------------------------------


def test_unless_told_otherwise_each_event_comes_once_and_in_order() -> None:
    for n in range(50):
        planned = plan(rules(), call("call_transferred", n=n))
        assert [(one.order, one.copy) for one in planned] == [(0, 0), (1, 0), (2, 0), (3, 0)]
        assert all(one.at == one.occurred for one in planned)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_events_is_repeated_with_the_same_trace(share: float) -> None:
    there = rules(webhook_repeats=share)
    planned = [one for n in range(200) for one in plan(there, call(n=n))]
    times = Counter(trace_id(there, subscriber(), one) for one in planned)
    assert len(times) == 600
    assert share - 0.06 <= sum(count == 2 for count in times.values()) / 600 <= share + 0.06
    first = {(one.ring, one.event): one.at for one in planned if not one.copy}
    assert all(1.0 - 1e-4 <= one.at - first[one.ring, one.event] <= 60.0 + 1e-4 for one in planned if one.copy)


def test_events_that_are_late_are_overtaken() -> None:
    orders = Counter(tuple(happened(plan(rules(webhook_disorder=1.0), call(n=n)))) for n in range(200))
    assert orders[(STARTED, ENDED, ANALYSED)] > 0
    assert sum(count for order, count in orders.items() if order.index(ENDED) < order.index(STARTED)) > 20
    assert sum(count for order, count in orders.items() if order[0] == ANALYSED) > 5
    late = [one for n in range(50) for one in plan(rules(webhook_disorder=1.0), call(n=n))]
    assert all(one.at >= one.occurred for one in late)


# --- what is due -------------------------------------------------------------------------------------

UNRULY = st.builds(
    SimulatorRules,
    seed=st.integers(0, 9),
    time_scale=st.sampled_from([0.5, 1.0, 60.0]),
    webhook_calls=st.sampled_from(["all", "connected"]),
    webhook_repeats=st.sampled_from([0.0, 0.5, 1.0]),
    webhook_disorder=st.sampled_from([0.0, 0.5, 1.0]),
    full_answer=st.sampled_from(["201", "record"]),
    concurrent_calls=st.just(3),
)


def rung(there: SimulatorRules, dials: int) -> list[Ring]:
    """A few people rung within seconds, some of whom find no line."""
    simulated, log = platform(
        **{name: getattr(there, name) for name in ("seed", "time_scale", "full_answer", "concurrent_calls")}, mix={}
    )
    for n in range(dials):
        simulated.dial(dial(number(n)), after(n / there.time_scale))
    return log


@given(there=UNRULY, dials=st.integers(0, 8), cuts=st.lists(st.floats(0, 300), max_size=6).map(sorted))
def test_an_agenda_gives_out_everything_once_in_order(there: SimulatorRules, dials: int, cuts: list[float]) -> None:
    rings = rung(there, dials)
    agenda = Agenda(there)
    for ring in rings:
        agenda.add(ring)
    given_out: list[Planned] = []
    for cut in cuts:
        until = after(cut / there.time_scale).timestamp()
        given_out += agenda.take(until)
        assert all(one.at <= until for one in given_out)
        assert agenda.next_at is None or agenda.next_at > until
    given_out += agenda.take(float("inf"))
    wanted = sorted((one for ring in rings for one in plan(there, ring)), key=lambda one: one.rank)
    assert given_out == wanted
    assert agenda.next_at is None


@given(there=UNRULY, dials=st.integers(1, 8), since=st.floats(0, 400))
def test_an_agenda_takes_up_where_another_has_left(there: SimulatorRules, dials: int, since: float) -> None:
    mark = after(since / there.time_scale).timestamp()
    rings, agenda = rung(there, dials), Agenda(there)
    for ring in rings:
        agenda.add(ring, since=mark)
    left = {one.rank for ring in rings for one in plan(there, ring) if one.at >= mark}
    assert {one.rank for one in agenda.take(float("inf"))} == left


# --- what is sent ------------------------------------------------------------------------------------


def test_a_message_is_as_verbex_has_it() -> None:
    ring = call()
    for planned in plan(rules(), ring):
        now = planned.at + 0.25
        sent = message(rules(), subscriber(headers={"X-Mine": "yes"}), planned, now)
        body = json.loads(sent.body)
        assert set(body) == {"organizationId", "traceId", "eventName", "timestamp", "payload"}
        assert set(body["payload"]) == {"call_id", "agent_id", "status"}
        assert (body["eventName"], body["timestamp"]) == (planned.event, int(planned.occurred))
        assert body["payload"]["agent_id"] == ring.ai_agent_id
        assert body["payload"]["status"] == ("ongoing" if planned.event == STARTED else ring.fate.status)
        assert sent.headers["X-Webhook-Event"] == planned.event
        assert sent.headers["X-Webhook-Traceid"] == body["traceId"]
        assert datetime.fromisoformat(sent.headers["X-Webhook-Timestamp"]).timestamp() == pytest.approx(now, abs=1e-5)
        assert (sent.headers["X-Mine"], sent.headers["Content-Type"]) == ("yes", "application/json")


@pytest.mark.parametrize(
    ("which", "call_id", "carried"),
    [("platform", "ours", None), ("custom", "ours", "ours"), ("custom", None, None), ("platform", None, None)],
)
def test_the_id_that_is_carried(which: str, call_id: str | None, carried: str | None) -> None:
    ring = call(call_id=call_id)
    there = rules(webhook_id=which)
    body = json.loads(message(there, subscriber(), plan(there, ring)[0], 0.0).body)
    assert body["payload"]["call_id"] == (carried or ring.platform_id)


def test_each_try_is_stamped_and_signed_anew_over_the_same_body() -> None:
    planned = plan(rules(), call())[0]
    first, second = (message(rules(), subscriber(), planned, planned.at + late) for late in (0.0, 5.0))
    assert first.body == second.body
    assert first.headers["X-Webhook-Traceid"] == second.headers["X-Webhook-Traceid"]
    for name in ("X-Webhook-Timestamp", "X-Webhook-Signature"):
        assert first.headers[name] != second.headers[name]


def test_a_trace_is_of_one_event_of_one_call_for_one_subscriber() -> None:
    planned = [one for n in range(5) for one in plan(rules(), call(n=n))]
    traces = {trace_id(rules(), subscriber(id=to), one) for one in planned for to in ("s1", "s2")}
    assert len(traces) == 2 * len(planned)


# By `printf '<timestamp>.<body>' | openssl dgst -sha256 -hmac whsec_abc`, and with `-binary | base64`.
STAMP, BODY = "2026-11-22T14:00:00.000000Z", b'{"a":1}'
HEX = "v1=6654cc4ff7e939442169129551fc5aaebade63e1df91792c70c2dc6216e620ee"
BASE64 = "v1=ZlTMT/fpOUQhaRKVUfxarrreY+HfkXkscMLcYhbmIO4="


def test_signatures_are_those_of_another_hand() -> None:
    ours, other = Secret("whsec_abc"), Secret("whsec_def")
    assert signature([ours], STAMP, BODY, "hex") == HEX
    assert signature([ours], STAMP, BODY, "base64") == BASE64
    both = signature([other, ours], STAMP, BODY, "hex").split(",")
    assert both == [signature([other], STAMP, BODY, "hex"), HEX]
    assert both[0] != HEX


def test_only_who_asked_for_signatures_gets_them() -> None:
    planned = plan(rules(), call())[0]
    sent = message(rules(), subscriber(signed=False), planned, planned.at)
    assert "X-Webhook-Signature" not in sent.headers
    rotating = subscriber(earlier=Secret("whsec_old"), earlier_until=planned.at + 10)
    counts = [
        message(rules(), rotating, planned, planned.at + late).headers["X-Webhook-Signature"].count("v1=")
        for late in (0, 9.9, 10)
    ]
    assert counts == [2, 2, 1]
