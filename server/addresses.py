"""Whose address a request comes from, behind proxies that are trusted and no others."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# A customer gets a /64 and can use any of its addresses.
_V6_PREFIX = 64
# Nobody has more proxies in a row; the rest of a longer header was written by the client.
_MAX_HOPS = 16


def client_address(
    peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]
) -> Address | None:
    """Return who asks: the rightmost address that no trusted proxy stands for.

    Each proxy appends whom it was asked by, so the header is believed from its right end, as
    far as trusted proxies wrote it. What cannot be read ends the walk at the hop that sent it.

    Args:
        peer: The other end of the connection.
        forwarded: Every X-Forwarded-For header, in order.
        trusted: Networks of the proxies in front of this server.
    """
    address = read_address(peer or "")
    hops = [hop for line in forwarded for hop in line.split(",")]
    for hop in reversed(hops[-_MAX_HOPS:]):
        if address is None or not _is_within(address, trusted):
            break
        before = read_address(hop)
        if before is None:
            break
        address = before
    return address


def read_address(text: str) -> Address | None:
    """Return the address in `1.2.3.4`, `1.2.3.4:80`, `::1`, `[::1]` or `[::1]:80`; else None."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def quota_key(address: Address | None) -> str:
    """Return what is counted as one client: an IPv4 address, or an IPv6 /64."""
    if address is None:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, _V6_PREFIX), strict=False))


def _is_within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
