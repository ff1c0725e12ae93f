"""Hears what the platform tells by itself: believes nobody else, writes it down, and only then says thank you."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from dialer.errors import WebhookError
from dialer.model import Event, WebhookRules
from dialer.serving import serving
from dialer.verbex import webhooks
from dialer.verbex.wire import Unreadable

MOST_BYTES = 1024 * 1024
"""The longest body of a delivery."""

BODY_SECONDS = 10.0
"""How long a body may take to come."""

MOST_CONNECTIONS = 64
"""At once; each may hold a body in memory, and the run needs files and sockets for more than this."""


def check_can_receive(rules: WebhookRules, file: str = "campaign.yaml") -> None:
    """Whether anything that comes could be believed; `file` is the campaign's.

    Raises:
        WebhookError: there is no secret to know the platform by.
    """
    if not rules.secrets:
        raise WebhookError(
            f"{file}: webhooks.secret is missing, so nothing that comes could be believed: `dialer webhooks subscribe "
            f"{file}` makes a subscription and prints the line to add. Nobody was dialled."
        )


def _unheeded(_: str) -> None:
    """Nobody wants to be told."""


class Receiver:
    """Takes the platform's deliveries while a run is under way.

    `keep` writes an event down for good and tells whether it is new: it is asked before any 2xx, and a delivery that it
    could not keep is answered with 503, so that the platform tries again. `heard` is told of what is new and kept; it
    is only a hint, since a process may end between the two. `now` is the wall clock. `amiss` is told in a sentence,
    once for each kind, that something was refused or not kept; the sentence holds nothing of what was sent.
    """

    def __init__(
        self,
        rules: WebhookRules,
        keep: Callable[[Event], Awaitable[bool]],
        now: Callable[[], datetime],
        heard: Callable[[Event], None],
        amiss: Callable[[str], None] = _unheeded,
    ) -> None:
        self._rules = rules
        self._keep = keep
        self._now = now
        self._heard = heard
        self._amiss = amiss
        self._told: set[str] = set()

    @contextlib.asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Listen, and yield the address as `host:port`. Signals stay with the caller, nothing is logged.

        Raises:
            WebhookError: there is no secret, or the address cannot be taken.
        """
        check_can_receive(self._rules)
        async with contextlib.AsyncExitStack() as stack:
            try:
                door = serving(self._application(), self._rules.host, self._rules.port, connections=MOST_CONNECTIONS)
                address = await stack.enter_async_context(door)
            except (OSError, OverflowError) as fault:
                raise _not_taken(self._rules, fault) from None
            yield address

    def _application(self) -> Starlette:
        app = Starlette(routes=[Route(self._rules.path, self._deliver, methods=["POST"])])
        app.router.redirect_slashes = False
        return app

    async def _deliver(self, request: Request) -> PlainTextResponse:
        try:
            return await self._taken(request)
        except _No as no:
            if no.sentence:
                self._tell(no.sentence)
            return _answer(no.status, no.words)

    async def _taken(self, request: Request) -> PlainTextResponse:
        body = await _body(request)
        headers = _joined(request)
        refused = webhooks.verify(headers, body, self._rules.secrets, self._now())
        if refused is not None:
            raise _No(401, "not signed as it should be", f"a webhook was refused: {refused}")
        event = _read(body, headers, self._rules)
        if await self._is_new(event):
            self._heard(event)
        return _answer(200, "kept")

    async def _is_new(self, event: Event) -> bool:
        try:
            return await self._keep(event)
        except Exception as fault:  # whatever it is, the event is not kept, and the platform must send it again
            sentence = f"a webhook could not be written down ({type(fault).__name__}); the platform will send it again"
            raise _No(503, "not kept", sentence) from None

    def _tell(self, sentence: str) -> None:
        """Each sentence once: whoever knocks may knock a thousand times."""
        if sentence not in self._told:
            self._told.add(sentence)
            self._amiss(sentence)


class _No(Exception):
    """What is answered instead of a 2xx, and what somebody should hear of it."""

    def __init__(self, status: int, words: str, sentence: str = "") -> None:
        self.status = status
        self.words = words
        self.sentence = sentence


async def _body(request: Request) -> bytes:
    """The body, counted while it comes."""
    raw = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                raw += piece
                if len(raw) > MOST_BYTES:
                    raise _No(413, "too large", f"a webhook was refused: it has more than {MOST_BYTES} bytes")
    except TimeoutError:
        raise _No(408, "too slow") from None
    except ClientDisconnect:
        raise _No(400, "not whole") from None
    return bytes(raw)


def _joined(request: Request) -> dict[str, str]:
    """The headers by name in lower case, the values of those that came more than once joined."""
    found: dict[str, str] = {}
    for name, value in request.headers.items():
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _read(body: bytes, headers: dict[str, str], rules: WebhookRules) -> Event:
    try:
        return webhooks.read(body, headers, rules.secrets)
    except Unreadable as fault:
        raise _No(400, "not readable", f"a webhook that is signed well was refused: its body {fault}") from None


def _answer(status: int, words: str) -> PlainTextResponse:
    return PlainTextResponse(f"{words}\n", status)


def _not_taken(rules: WebhookRules, fault: OSError | OverflowError) -> WebhookError:
    why = getattr(fault, "strerror", None) or str(fault)
    host = f"[{rules.host}]" if ":" in rules.host else rules.host
    return WebhookError(
        f"webhooks.listen: {host}:{rules.port} cannot be listened on: {why}; stop what uses it, or choose another "
        "port. Nobody was dialled."
    )
