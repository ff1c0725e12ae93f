"""The platform's address: which URLs may be dialled through, and which of them are this machine's own."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from dialer.config.words import Wrong, quoted, text
from dialer.policy import reach

SIMULATOR = "simulator"
EXAMPLE = "write https://api.verbex.ai, or simulator"

_PORTS = {"http": 80, "https": 443}


def address(value: object) -> str:
    """`simulator`, or a URL's scheme, host and port in one spelling, since a campaign is bound to it.

    Raises Wrong, without quoting a password that stands in it.
    """
    word = text(value)
    if word == SIMULATOR:
        return word
    try:
        parts = urlsplit(word)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in _PORTS or not _is_host(host):
        raise Wrong(f"{_shown(word)} is neither an address nor simulator", EXAMPLE)
    shown_host = f"[{host}]" if ":" in host else host
    tail = shown_host + (f":{port}" if port not in (None, _PORTS[parts.scheme]) else "")
    _check(parts, tail, host)
    return f"{parts.scheme}://{tail}"


def is_local(value: object) -> bool:
    """Whether this is the simulator or an address of this machine, so that no person can be rung by mistake."""
    try:
        word = address(value)
    except Wrong:
        return False
    return word == SIMULATOR or _is_loopback(urlsplit(word).hostname or "")


def _check(parts: SplitResult, tail: str, host: str) -> None:
    if _is_ip(host) and not reach.may_be_sent_to(host):
        raise Wrong(f"{host} is no public address ({reach.kind(host)}), and no Verbex is there", EXAMPLE)
    unsafe = parts.scheme == "http" and not _is_loopback(host)
    base = f"{'https' if unsafe else parts.scheme}://{tail}"
    if "@" in parts.netloc:
        raise Wrong("the address holds a user or a password", f"write {base}, and the key under platform.api_key")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise Wrong("only the scheme, host and port belong here", f"write {base}")
    if unsafe:
        raise Wrong("http would send the key and the numbers unprotected", f"write {base}")


def _shown(word: str) -> str:
    return "this" if "@" in word else quoted(word)


def _is_host(host: str) -> bool:
    if reach.is_numeric(host):  # 127.1 and its kind are read in different ways: no number but a whole address
        return _is_ip(host)
    return re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?", host) is not None


def _is_ip(host: str) -> bool:
    try:
        reach.kind(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_ip(host) and reach.kind(host) == reach.THIS_MACHINE)
