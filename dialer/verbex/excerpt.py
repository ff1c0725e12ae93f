"""What may be shown of a foreign text: one line of plain words, without markup, control characters and secrets."""

from __future__ import annotations

import html
import re

from dialer.model import Secret

LIMIT = 300
_READ = 8192

_UNSEEN = re.compile(r"<(script|style)\b.*?(</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[!/?a-zA-Z][^<>]*>")
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_KEY = re.compile(r"(API_|whsec_)[\w\-.+/=]+")
_TOKEN = re.compile(r"(access_token\W{1,8})[^\s\"'&,;}]+")
_BEARER = re.compile(r"(?i)(bearer\s+)[^\s\"',;]+")
_NUMBER = re.compile(r"\+?\(?\d(?:[ ()-]{0,2}\d){6,}")
_SHORTEST_KEY = 8


def excerpt(text: str, key: Secret, limit: int = LIMIT) -> str:
    """The first words of a text (HTML or plain) in one line of at most `limit` characters, secrets starred."""
    text = _UNSEEN.sub(" ", html.unescape(text[:_READ]))
    text = _ANSI.sub("", _TAG.sub(" ", text))
    text = redact("".join(letter if letter.isprintable() else " " for letter in text), key)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def redact(text: str, *own: Secret) -> str:
    """The text with our own secrets, and whatever looks like a key, a webhook secret or a token, starred."""
    for secret in own:
        if len(secret.reveal()) >= _SHORTEST_KEY:  # a shorter one is nobody's, and would be starred out of any words
            text = text.replace(secret.reveal(), "***")
    for pattern in (_KEY, _TOKEN, _BEARER):
        text = pattern.sub(r"\1***", text)
    return text


def redact_bytes(body: bytes, key: Secret) -> bytes:
    """A body that quotes our own key back, without it: what is kept of an answer is kept for long."""
    own = key.reveal().encode()
    return body.replace(own, b"***") if len(own) >= _SHORTEST_KEY else body


def mask_numbers(text: str) -> str:
    """The text with all but the last two digits of anything like a telephone number starred."""
    return _NUMBER.sub(lambda found: "***" + found.group()[-2:], text)
