"""Which addresses may be sent a key and people's numbers: the public ones, and those of this machine itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

THIS_MACHINE = "this machine"
"""What `kind` says of a loopback address."""

PUBLIC = "public"
"""What `kind` says of an address that anybody in the world may have."""

_SPECIAL = (
    ("unspecified", ("0.0.0.0/32", "::/128")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10")),
    ("link-local", ("169.254.0.0/16", "fe80::/10")),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    (
        "reserved",
        (
            *("0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
            *("::/8", "100::/8", "2001::/23", "2001:db8::/32", "3fff::/20", "5f00::/16"),
        ),
    ),
)
"""By kind, the blocks of the IANA registries of special-purpose addresses, the first that fits counting. They stand
here since the standard library's own list differs from one version of Python to the next."""

_NETWORKS = tuple((kind, tuple(ip_network(block) for block in blocks)) for kind, blocks in _SPECIAL)

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")

_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)


def kind(address: str) -> str:
    """What an IP address is: `this machine`, `public`, or private, link-local, multicast, reserved or unspecified.

    An IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4, Teredo) is no better than what it carries; but
    a loopback address that is carried through a gateway is not this machine's. Raises ValueError if it is no address.
    """
    found = ip_address(address)
    if isinstance(found, IPv6Address) and found in _MAPPED and found.ipv4_mapped:
        found = found.ipv4_mapped  # the system connects to the very address that is mapped
    if any(found in network for network in _LOOPBACK):
        return THIS_MACHINE
    kinds = [_special(each) for each in (found, *_carried(found))]
    return next((each for each in kinds if each != PUBLIC), PUBLIC)


def may_be_sent_to(address: str, *, plain: bool = False) -> bool:
    """Whether a request may go to an IP address; `plain` is without TLS, which must not leave this machine."""
    found = kind(address)
    return found == THIS_MACHINE or (found == PUBLIC and not plain)


def is_numeric(host: str) -> bool:
    """Whether a host is an IP address, or a number that some resolvers take for one (127.1, 0x7f000001)."""
    return ":" in host or _NUMERIC.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def _carried(found: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses to which a gateway may pass on what is sent to this address."""
    if isinstance(found, IPv4Address):
        return
    if found in _NAT64:
        yield IPv4Address(int(found) & 0xFFFFFFFF)
    if found.sixtofour is not None:
        yield found.sixtofour
    yield from found.teredo or ()


def _special(found: IPv4Address | IPv6Address) -> str:
    if isinstance(found, IPv4Address) and found in _LOOPBACK[0]:
        return "reserved"  # carried: some other machine's own
    if found in _NAT64:
        return PUBLIC  # the gateway's; what counts is what it carries
    return next((name for name, blocks in _NETWORKS if any(found in block for block in blocks)), PUBLIC)
