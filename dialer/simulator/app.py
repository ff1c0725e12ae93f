"""The face of the contract: HTTP in, the platform's answer out. It decides nothing about calls."""

from __future__ import annotations

import hmac
import json
import math
from collections.abc import Awaitable, Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dialer.model import JSON, Secret
from dialer.simulator.contract import fault
from dialer.simulator.platform import HttpAnswer, Platform, problem
from dialer.simulator.subscriptions import Subscriptions

MOST_BYTES = 1024 * 1024
"""The longest body of a dial."""

Handler = Callable[[Request], Awaitable[HttpAnswer]]


def application(
    platform: Platform, subscriptions: Subscriptions, now: Callable[[], datetime], api_key: Secret | None
) -> Starlette:
    """The endpoints over a platform and its webhooks; `api_key` None lets any key in, but not none.

    A path with, or without, its slash where it should not be is redirected by a 307, as Starlette does.
    """

    async def dial(request: Request) -> HttpAnswer:
        body = await _body(request)
        return platform.dial(body, now())

    async def calls(request: Request) -> HttpAnswer:
        return platform.list(request.query_params.multi_items(), now())

    async def call(request: Request) -> HttpAnswer:
        return platform.get(request.path_params["call_id"], now())

    async def analysis(request: Request) -> HttpAnswer:
        return platform.analysis(request.path_params["agent"], request.path_params["call_id"], now())

    async def numbers(request: Request) -> HttpAnswer:
        return platform.numbers(request.query_params.multi_items())

    async def agents(_: Request) -> HttpAnswer:
        return platform.agents()

    routes = [
        ("/v1/calls/dial-outbound-phone-call", dial, "POST"),
        ("/v1/calls/", calls, "GET"),
        ("/v1/calls/{call_id}", call, "GET"),
        ("/v2/ai-agents/{agent}/postcall-analysis/results/{call_id}", analysis, "GET"),
        ("/v2/ai-agents/", agents, "GET"),
        ("/v1/phone-numbers", numbers, "GET"),
        *_webhooks(subscriptions, now),
    ]
    return Starlette(
        routes=[Route(path, _guarded(handler, api_key), methods=[method]) for path, handler, method in routes],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )


def _webhooks(subscriptions: Subscriptions, now: Callable[[], datetime]) -> list[tuple[str, Handler, str]]:
    async def create(request: Request) -> HttpAnswer:
        body = await _body(request)
        return subscriptions.create(body, now())

    async def every(request: Request) -> HttpAnswer:
        return subscriptions.list(request.query_params.multi_items())

    async def replace(request: Request) -> HttpAnswer:
        body = await _body(request)
        return subscriptions.replace(request.path_params["id"], body)

    async def remove(request: Request) -> HttpAnswer:
        return subscriptions.remove(request.path_params["id"])

    async def rotate(request: Request) -> HttpAnswer:
        return subscriptions.rotate(request.path_params["id"], now())

    one = "/v1/public/webhook/subscription"
    return [
        (one, create, "POST"),
        (f"{one}s", every, "GET"),
        (f"{one}/{{id}}", replace, "PUT"),
        (f"{one}/{{id}}", remove, "DELETE"),
        (f"{one}/{{id}}/rotate/secret", rotate, "POST"),
    ]


class _Refused(Exception):
    """A request that does not come as far as the platform."""

    def __init__(self, answer: HttpAnswer) -> None:
        self.answer = answer


def _guarded(handler: Handler, api_key: Secret | None) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if not _may_enter(request.headers.get("authorization", ""), api_key):
            return _respond(problem(401, "unauthorized", "Invalid or missing API key."))
        try:
            return _respond(await handler(request))
        except _Refused as refused:
            return _respond(refused.answer)
        except OSError as error:
            return _respond(problem(500, "not_written", f"It was not accepted: {error.strerror}."))

    return endpoint


def _may_enter(header: str, api_key: Secret | None) -> bool:
    scheme, _, key = header.partition(" ")
    if scheme != "Bearer" or not key.strip():
        return False
    return api_key is None or hmac.compare_digest(key.encode(), api_key.reveal().encode())


async def _body(request: Request) -> JSON:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Refused(problem(415, "unsupported_media_type", "Send application/json."))
    raw = await _read(request)
    try:
        return json.loads(raw, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        faults = [fault(["body", 0], "JSON decode error", "json_invalid")]
        raise _Refused(HttpAnswer(422, {"detail": faults})) from None


async def _read(request: Request) -> bytes:
    raw = bytearray()
    async for piece in request.stream():
        raw += piece
        if len(raw) > MOST_BYTES:
            raise _Refused(problem(413, "too_large", f"A request has at most {MOST_BYTES} bytes."))
    return bytes(raw)


def _no_constant(name: str) -> JSON:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large")
    return number


def _respond(answer: HttpAnswer) -> Response:
    if answer.status == 204:
        return Response(status_code=204, headers=dict(answer.headers))
    content = json.dumps(answer.body, separators=(",", ":"), allow_nan=False)
    return Response(content, answer.status, dict(answer.headers), "application/json")


async def _refused(_: Request, error: Exception) -> Response:
    """A path or a method that is not there."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    return _respond(problem(status, "not_found" if status == 404 else "refused", "No such endpoint.", headers))


async def _failed(_: Request, error: Exception) -> Response:
    """A fault of the simulator itself, named, since it logs nothing."""
    return _respond(problem(500, "simulator_failed", f"{type(error).__name__}: {error}"))
