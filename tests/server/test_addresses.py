"""Whose address a request comes from, and who only says so."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.addresses import client_address, quota_key, read_address

TRUSTED = tuple(ipaddress.ip_network(text) for text in ("127.0.0.1", "10.0.0.0/8", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("203.0.113.9", ["127.0.0.1"], "203.0.113.9"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.2.3.4, 198.51.100.1, 10.1.2.3"], "198.51.100.1"),
        ("127.0.0.1", ["10.9.9.9, 10.1.2.3"], "10.9.9.9"),
        ("127.0.0.1", ["198.51.100.1, nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1, nonsense, 10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", [""], "127.0.0.1"),
        ("127.0.0.1", [","], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("127.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:127.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", [", ".join(["9.9.9.9"] * 1000 + ["198.51.100.1"])], "198.51.100.1"),
        ("testclient", ["198.51.100.1"], None),
        (None, ["198.51.100.1"], None),
    ],
)
def test_an_address_is_the_rightmost_that_no_proxy_stands_for(
    peer: str | None, forwarded: list[str], expected: str | None
) -> None:
    """What a client writes into X-Forwarded-For stands left of what the proxies add."""
    address = client_address(peer, forwarded, TRUSTED)
    assert str(address) == str(expected)


def test_with_no_proxy_trusted_the_header_is_not_looked_at() -> None:
    """Unless proxies are named, a client is whoever is connected."""
    assert str(client_address("127.0.0.1", ["198.51.100.1"], ())) == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("198.51.100.1", "198.51.100.1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("nonsense", "unknown"),
    ],
)
def test_a_customer_of_ipv6_is_counted_by_the_network(text: str, expected: str) -> None:
    """All addresses of one /64 are one client; an IPv4 address is one by itself."""
    assert quota_key(read_address(text)) == expected


HOPS = st.lists(st.ip_addresses().map(str) | st.text(max_size=20), max_size=5)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    """Any text is an address or none."""
    assert read_address(text) is None or quota_key(read_address(text)) != "unknown"


@given(HOPS, st.ip_addresses(v=4, network="198.51.100.0/24"))
def test_nobody_escapes_by_what_they_write(hops: list[str], client: ipaddress.IPv4Address) -> None:
    """Behind a trusted proxy a client is its own address, whatever headers it sends itself."""
    header = [", ".join(hops), str(client)]
    assert client_address("127.0.0.1", header, TRUSTED) == client
    assert client_address(str(client), header, TRUSTED) == client
