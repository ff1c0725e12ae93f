"""Subscriptions to the simulated platform's webhooks: what may be asked, what is answered, what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dialer.model import Secret
from dialer.simulator.subscriptions import EVENTS, Subscription, Subscriptions
from tests.simulator_kit import START, after, rules

WANTED: dict[str, Any] = {"name": "mine", "url": "https://example.com/verbex", "enable_signed_webhooks": True}


def asked(**changes: Any) -> dict[str, Any]:
    """A subscription's body; a change to `...` takes the key away."""
    return {name: value for name, value in {**WANTED, **changes}.items() if value is not ...}


def desk(**changes: Any) -> tuple[Subscriptions, list[tuple[Subscription, ...]]]:
    """Subscriptions, and what was saved of them each time."""
    saved: list[tuple[Subscription, ...]] = []
    return Subscriptions(rules(**changes), (), lambda kept: saved.append(tuple(kept))), saved


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ([], ["body"]),
        (None, ["body"]),
        (asked(name=...), ["body", "name"]),
        (asked(url=...), ["body", "url"]),
        (asked(enable_signed_webhooks=...), ["body", "enable_signed_webhooks"]),
        (asked(target="https://example.com"), ["body", "target"]),
        (asked(name=""), ["body", "name"]),
        (asked(name=" " * 9), ["body", "name"]),
        (asked(name="n" * 129), ["body", "name"]),
        (asked(name=7), ["body", "name"]),
        (asked(enable_signed_webhooks="true"), ["body", "enable_signed_webhooks"]),
        (asked(enable_signed_webhooks=1), ["body", "enable_signed_webhooks"]),
        (asked(events="CallHandler.CallEnded"), ["body", "events"]),
        (asked(events=["CallHandler.CallEnded", "call.ended"]), ["body", "events", "1"]),
        (asked(agent_ids={}), ["body", "agent_ids"]),
        (asked(agent_ids=["a", 7]), ["body", "agent_ids", "1"]),
        (asked(headers=[]), ["body", "headers"]),
        (asked(headers={"X-Mine": 7}), ["body", "headers", "X-Mine"]),
        (asked(headers={"X Mine": "7"}), ["body", "headers", "X Mine"]),
        (asked(headers={"X-Mine": "a\r\nHost: b"}), ["body", "headers", "X-Mine"]),
        (asked(headers={"x-webhook-signature": "v1=0"}), ["body", "headers", "x-webhook-signature"]),
        (asked(headers={"Content-Length": "0"}), ["body", "headers", "Content-Length"]),
        *(
            (asked(url=url), ["body", "url"])
            for url in (
                "",
                7,
                "example.com",
                "ftp://example.com",
                "https://",
                "https:///path",
                "https://[::1",
                "https://example.com:port/",
                "https://example.com:0/",
                "https://exa mple.com/",
                "https://example.com/#part",
                "https://example.com/\n",
                "https://example.com/" + "a" * 2048,
            )
        ),
    ],
)
def test_what_is_wrong_is_told_and_nothing_kept(body: object, where: list[str]) -> None:
    there, saved = desk()
    there.create(asked(), START)
    (kept,) = there
    for answer in (there.create(body, START), there.replace(kept.id, body)):
        assert answer.status == 422
        assert where in [fault["loc"] for fault in answer.body["detail"]]
        assert all(set(fault) == {"loc", "msg", "type"} for fault in answer.body["detail"])
    assert (list(there), len(saved)) == ([kept], 1)


@pytest.mark.parametrize(
    "body",
    [
        asked(),
        asked(events=None, headers=None, agent_ids=None),
        asked(events=list(EVENTS), headers={"Authorization": "Bearer mine"}, agent_ids=["a1"]),
        asked(url="http://127.0.0.1:8089/hooks?a=b", enable_signed_webhooks=False),
        asked(url="http://[::1]:8089"),
    ],
)
def test_what_may_be_asked(body: dict[str, Any]) -> None:
    there, _ = desk()
    answer = there.create(body, START)
    assert answer.status == 201
    record = there.list([("page_size", "1")]).body["subscriptions"][0]
    assert {**record, "secret": answer.body["secret"]} == answer.body
    told_back = {name: record[name] or None for name in body if name != "enable_signed_webhooks"}
    assert told_back == {name: value for name, value in body.items() if name != "enable_signed_webhooks"}
    assert record["enable_signed_webhooks"] is body["enable_signed_webhooks"]


def test_a_secret_is_told_at_creation_and_rotation_alone() -> None:
    there, _ = desk()
    made = there.create(asked(), START).body
    rotated = there.rotate(made["_id"], after(1)).body
    assert made["secret"].startswith("whsec_")
    assert rotated["secret"].startswith("whsec_")
    assert made["secret"] != rotated["secret"]
    others = [there.list([("page_size", "9")]), there.replace(made["_id"], asked(name="other"))]
    assert "whsec_" not in json.dumps([answer.body for answer in others]) + repr(list(there))


@pytest.mark.parametrize("scale", [1.0, 3600.0])
def test_two_secrets_are_valid_for_72_hours(scale: float) -> None:
    there, _ = desk(time_scale=scale)
    first = there.create(asked(), START).body
    second = there.rotate(first["_id"], START).body["secret"]
    subscription = there.find(first["_id"])
    assert subscription is not None
    for hours, valid in ((0, 2), (71.9, 2), (72, 1), (999, 1)):
        secrets = [secret.reveal() for secret in subscription.secrets(after(hours * 3600 / scale).timestamp())]
        assert secrets == [second, first["secret"]][:valid]
    third = there.rotate(first["_id"], after(1)).body["secret"]
    subscription = there.find(first["_id"])
    assert subscription is not None
    assert [secret.reveal() for secret in subscription.secrets(after(2).timestamp())] == [third, second]


def test_a_replaced_one_keeps_id_age_and_secret() -> None:
    there, _ = desk()
    made = there.create(asked(events=[EVENTS[0]], headers={"A": "b"}), START).body
    (before,) = there
    answer = there.replace(made["_id"], asked(url="http://other.example"))
    (now,) = there
    assert answer.status == 200
    assert (now.id, now.since, now.secret) == (before.id, before.since, before.secret)
    assert (now.url, now.events, dict(now.headers)) == ("http://other.example", (), {})


def test_one_that_is_not_there_is_not_found() -> None:
    there, saved = desk()
    made = there.create(asked(), START).body["_id"]
    assert there.remove(made).status == 204
    answers = [there.remove(made), there.rotate(made, START), there.replace(made, asked())]
    assert [answer.status for answer in answers] == [404, 404, 404]
    assert (list(there), saved[-1], len(saved)) == ([], (), 2)


@pytest.mark.parametrize("size", [None, "", "0", "101", "-1", "x", "1.5"])
def test_a_list_wants_a_page_size(size: str | None) -> None:
    there, _ = desk()
    answer = there.list([] if size is None else [("page_size", size)])
    assert answer.status == 422
    assert answer.body["detail"][0]["loc"] == ["query", "page_size"]


def test_a_list_comes_in_pages() -> None:
    there, _ = desk()
    made = [there.create(asked(name=f"n{n}"), START).body["_id"] for n in range(5)]
    found: list[str] = []
    query = [("page_size", "2")]
    for rest in (3, 1, 0):
        page = there.list(query).body
        found += [one["_id"] for one in page["subscriptions"]]
        assert page["total_count"] == 5
        assert (page["next_page_token"] is None) == (rest == 0)
        query = [("page_size", "2"), ("page_token", page["next_page_token"])]
    assert found == made
    assert len(set(made)) == 5
    assert there.list([("page_size", "2"), ("page_token", "nonsense")]).status == 422


def test_what_could_not_be_written_did_not_happen() -> None:
    full = [False]

    def save(kept: Sequence[Subscription]) -> None:
        if full[0]:
            raise OSError(28, "No space left on device")

    there = Subscriptions(rules(), (), save)
    made = there.create(asked(), START).body["_id"]
    before, full[0] = list(there), True
    changes: list[Callable[[], object]] = [
        lambda: there.create(asked(), START),
        lambda: there.replace(made, asked(name="other")),
        lambda: there.rotate(made, START),
        lambda: there.remove(made),
    ]
    for change in changes:
        with pytest.raises(OSError, match="No space"):
            change()
        assert list(there) == before


def test_one_is_read_back_as_it_was_kept() -> None:
    there, _ = desk()
    made = there.create(asked(events=[EVENTS[1]], headers={"A": "b"}, agent_ids=["a1"]), START).body["_id"]
    there.rotate(made, START)
    (kept,) = there
    assert Subscription.from_json(json.loads(json.dumps(kept.to_json()))) == kept
    for name in kept.to_json().keys() - {"created_at"}:
        broken = {**kept.to_json(), name: {"not": "this"}}
        with pytest.raises(ValueError, match="not a subscription"):
            Subscription.from_json(broken if name != "headers" else {**broken, name: 7})
    with pytest.raises(ValueError, match="not a subscription"):
        Subscription.from_json([])


@pytest.mark.parametrize(
    ("events", "agents", "since", "wanted"),
    [
        ((), (), 0.0, True),
        (("CallHandler.CallEnded",), ("a1",), 10.0, True),
        (("CallHandler.CallStarted",), (), 0.0, False),
        ((), ("a2",), 0.0, False),
        ((), (), 10.1, False),
    ],
)
def test_who_is_told(events: tuple[str, ...], agents: tuple[str, ...], since: float, wanted: bool) -> None:
    one = Subscription("s", "n", "http://h", True, events, {}, agents, since, Secret("whsec_a"))
    assert one.wants("CallHandler.CallEnded", "a1", 10.0) is wanted
