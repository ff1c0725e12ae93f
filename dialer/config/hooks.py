"""The words of `webhooks:`: where a run listens, what the platform sends to, and the secrets by which it is known."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from dialer.config.address import SIMULATOR, address, is_local
from dialer.config.words import Wrong, key, one_or_more, quoted, text

LISTEN = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}"
PATH = r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*"
MOST_SECRETS = 2
SHORTEST_SECRET = 8

_PORTS = 65535
_EXAMPLE = "write it as https://calls.example.com/verbex"


def listen(value: object) -> tuple[str, int]:
    """The address and the port of this machine, of `127.0.0.1:8089` or `[::1]:8089`; port 0 is any free one."""
    word = text(value)
    host, _, port = word.rpartition(":")
    bare = host.strip("[]")
    if not re.fullmatch(LISTEN, word) or int(port) > _PORTS or (host != bare and not _is_ipv6(bare)):
        raise Wrong(f"{quoted(word)} is not an address and a port of this machine", "write it as 127.0.0.1:8089")
    return bare, int(port)


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True


def url(value: object) -> str:
    """What the platform sends to, in one spelling: https, or http to this machine; with its path, and no more."""
    word = text(value)
    base, path = _parted(word)
    if base is None or not re.fullmatch(PATH, path):
        shown = "this" if "@" in word.partition("://")[2].partition("/")[0] else quoted(word)
        raise Wrong(f"{shown} is not an address that the platform could send to", _EXAMPLE)
    return base + (path or "/")


def _parted(word: str) -> tuple[str | None, str]:
    """The scheme and host, or None where nothing may be sent there, and all that follows."""
    try:
        parts = urlsplit(word)
    except ValueError:
        return None, ""
    scheme, rest = parts.scheme, word.partition("://")[2]
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if scheme == "http" and host and not is_local(f"http://{host}"):
        raise Wrong("http would let anybody read and forge what the platform tells", _EXAMPLE)
    try:
        base = address(f"{scheme}://{host}")
    except Wrong:
        return None, ""
    return (None if base == SIMULATOR else base), rest[len(host) :]


def secret(value: object) -> str:
    """The secret of a subscription, or Wrong without a word of it."""
    try:
        word = key(value)
    except Wrong:
        word = ""
    if len(word) < SHORTEST_SECRET:
        raise Wrong("this is not the secret of a subscription", "`dialer webhooks subscribe` writes one into a file")
    return word


def some_secrets(value: object) -> list[object]:
    """One secret, or the two that are good while one takes the other's place."""
    found = one_or_more(value)
    if len(found) > MOST_SECRETS:
        raise Wrong("there are more than two secrets", "keep the new one, and the old one while it is still good")
    return found
