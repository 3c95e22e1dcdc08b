"""HTTP for the providers: certificates read once a process, and a request in one call."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import aiohttp
import httpx


@cache
def certificates() -> Any:
    """Return the TLS settings of every HTTP client: reading them takes 45 ms of the event loop."""
    return httpx.create_ssl_context()


@cache
def unused_client() -> httpx.AsyncClient:
    """Return a client for whoever insists on one."""
    return httpx.AsyncClient(verify=certificates())


async def post(
    url: str, query: Mapping[str, str], body: Mapping[str, str], headers: Mapping[str, str]
) -> bytes:
    """Return the answer to a JSON request.

    Raises:
        OSError: refused, or not reached; says the kind of failure, and no address.
        TimeoutError: no answer in time.
    """
    try:
        async with (
            aiohttp.ClientSession(raise_for_status=True) as http,
            http.post(url, params=query, json=body, headers=headers) as answer,
        ):
            return await answer.read()
    except aiohttp.ClientError as error:
        raise ConnectionError(type(error).__name__) from error


def websocket_origin(base_url: str) -> str:
    """Return `ws(s)://host` for an http(s) or ws(s) base URL; a bare host means TLS."""
    scheme, separator, rest = base_url.rstrip("/").partition("://")
    if not separator:
        return f"wss://{scheme}"
    return f"{'ws' if scheme in ('http', 'ws') else 'wss'}://{rest}"
