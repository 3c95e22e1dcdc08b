"""Which site a request comes from: exact origins, read from headers and from settings alike."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

# The site of callers that have no listed origin: the server's own page, and this machine.
OWN_SITE = "own"


def is_origin(text: str) -> bool:
    """Whether a text is a bare web origin: scheme://host[:port], as browsers write it."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return False
    # urlsplit drops tabs and newlines, and browsers write origins in lower case.
    return f"{parts.scheme}://{parts.netloc}" == text.lower() == text and " " not in text


def is_own_page(origin: str, hosts: Sequence[str]) -> bool:
    """Whether an origin is this server's own page, by an address that nobody can point here.

    A name can be made to lead to this server by whoever owns it, and its page would then be "our
    own": a name other than `localhost` has to be listed.

    Args:
        origin: The Origin header.
        hosts: Every Host header; more than one is nobody's page.
    """
    if len(hosts) != 1 or not is_origin(origin):
        return False
    parts = urlsplit(origin)
    return parts.netloc == hosts[0] and _cannot_be_rebound(parts.hostname or "")


def _cannot_be_rebound(hostname: str) -> bool:
    if hostname == "localhost":
        return True
    try:
        ipaddress.ip_address(hostname)
    except ValueError:
        return False
    return True
