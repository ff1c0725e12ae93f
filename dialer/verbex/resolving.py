"""Where a host's name may lead: to public addresses and to this machine, never into the network around it.

Whoever can make a name lead elsewhere, or has a platform.url written for them, is not to have the key sent to a
router, to a cloud's metadata service or to whatever else answers inside.
"""

from __future__ import annotations

import socket
from functools import lru_cache

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from dialer.policy import reach


class Astray(OSError):
    """A host leads where nothing may be sent. It is raised before anything is connected, as a host not found is."""


class Resolver(AbstractResolver):
    """The system's own resolver, whose answer is taken as a whole or not at all.

    One address that may not be sent to spoils them all: which of them would be connected to is not ours to choose.
    `plain` is for requests without TLS, which stay on this machine.
    """

    def __init__(self, *, plain: bool) -> None:
        self._system = aiohttp.ThreadedResolver()
        self._plain = plain

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a host; raises Astray, or what the system raises for a host that is not found."""
        found = await self._system.resolve(host, port, family)
        for each in found:
            if fault := astray(each["host"], plain=self._plain):
                raise Astray(None, f"{host} leads to {fault}")
        return found

    async def close(self) -> None:
        """Nothing is held open."""
        await self._system.close()


@lru_cache
def astray(host: str, *, plain: bool) -> str:
    """Why nothing may be sent to a host that is a number, in words; '' if it may, or if the host is a name."""
    if not reach.is_numeric(host):
        return ""
    try:
        if reach.may_be_sent_to(host, plain=plain):
            return ""
        kind = reach.kind(host)
    except ValueError:
        return f"{host}, which is no whole IP address: nothing was sent; correct platform.url"
    if kind == reach.PUBLIC:
        return f"{host}, which is not this machine, and http protects nothing: nothing was sent; use https"
    return (
        f"the {kind} address {host}, where no Verbex is: nothing was sent; "
        "correct platform.url, or what the name server says of it"
    )
