"""Which addresses may be sent a key and people's numbers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.policy.reach import PUBLIC, THIS_MACHINE, is_numeric, kind, may_be_sent_to

KINDS = [
    ("127.0.0.1", THIS_MACHINE),
    ("127.255.255.254", THIS_MACHINE),
    ("::1", THIS_MACHINE),
    ("::ffff:127.0.0.1", THIS_MACHINE),
    ("1.1.1.1", PUBLIC),
    ("126.255.255.255", PUBLIC),
    ("128.0.0.1", PUBLIC),
    ("172.15.255.255", PUBLIC),
    ("172.32.0.1", PUBLIC),
    ("223.255.255.255", PUBLIC),
    ("2606:4700::1111", PUBLIC),
    ("::ffff:8.8.8.8", PUBLIC),
    ("64:ff9b::808:808", PUBLIC),
    ("2002:808:808::1", PUBLIC),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.1.1", "private"),
    ("100.64.0.1", "private"),
    ("fc00::1", "private"),
    ("fdff::1", "private"),
    ("fec0::1", "private"),
    ("::ffff:10.0.0.1", "private"),
    ("64:ff9b::a00:1", "private"),
    ("2002:c0a8:101::1", "private"),
    ("169.254.169.254", "link-local"),
    ("fe80::1", "link-local"),
    ("fe80::1%lo", "link-local"),
    ("::ffff:169.254.169.254", "link-local"),
    ("64:ff9b::a9fe:a9fe", "link-local"),
    ("2002:a9fe:a9fe::", "link-local"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
    ("0.0.0.0", "unspecified"),  # noqa: S104 - what must not be connected to
    ("::", "unspecified"),
    ("::ffff:0.0.0.0", "unspecified"),
    ("64:ff9b::", "unspecified"),
    ("0.1.2.3", "reserved"),
    ("192.0.0.8", "reserved"),
    ("192.0.2.1", "reserved"),
    ("192.88.99.1", "reserved"),
    ("198.18.0.1", "reserved"),
    ("198.51.100.1", "reserved"),
    ("203.0.113.1", "reserved"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("::8.8.8.8", "reserved"),
    ("64:ff9b:1::808:808", "reserved"),
    ("100::1", "reserved"),
    ("2001:0:808:808:0:0:f7f7:f7f7", "reserved"),
    ("2001:db8::1", "reserved"),
    ("3fff::1", "reserved"),
    ("5f00::1", "reserved"),
    ("64:ff9b::7f00:1", "reserved"),
    ("2002:7f00:1::", "reserved"),
]
"""A loopback address behind a gateway is some other machine's own."""


@pytest.mark.parametrize(("address", "expected"), KINDS)
def test_what_an_address_is(address: str, expected: str) -> None:
    assert kind(address) == expected


@pytest.mark.parametrize(("address", "expected"), KINDS)
def test_only_public_addresses_and_this_machine_may_be_sent_to(address: str, expected: str) -> None:
    assert may_be_sent_to(address) is (expected in (PUBLIC, THIS_MACHINE))
    assert may_be_sent_to(address, plain=True) is (expected == THIS_MACHINE)


@given(st.ip_addresses(v=4))
def test_an_address_that_is_carried_makes_nothing_better(carried: IPv4Address) -> None:
    mapped, gateways = f"::ffff:{carried}", [_nat64(carried), _sixtofour(carried)]
    assert kind(mapped) == kind(str(carried))
    assert {kind(each) for each in gateways} == {"reserved" if carried.is_loopback else kind(str(carried))}


def _nat64(carried: IPv4Address) -> str:
    return str(IPv6Address(int(IPv6Address("64:ff9b::")) | int(carried)))


def _sixtofour(carried: IPv4Address) -> str:
    return str(IPv6Address((0x2002 << 112) | (int(carried) << 80) | 1))


@pytest.mark.parametrize("text", ["", "host", "127.1", "1.2.3.4.5", "10.0.0.256"])
def test_what_is_no_address_raises(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        kind(text)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1", True),
        ("2130706433", True),
        ("0x7f000001", True),
        ("0X7F.1", True),
        ("0177.0.0.1", True),
        ("10.0.0.1.", True),
        ("a.0x", True),
        ("::1", True),
        ("api.verbex.ai", False),
        ("10.example", False),
        ("0xyz", False),
        ("localhost", False),
    ],
)
def test_which_hosts_are_numbers(host: str, expected: bool) -> None:
    assert is_numeric(host) is expected
