"""Whether an HTTP server on this machine answers, asked without any library."""

import asyncio
import contextlib
from typing import Final

_ANSWER_SECS: Final = 5.0
_POLL_SECS: Final = 0.02


async def http_status(host: str, port: int, path: str) -> int | None:
    """Return the status of a GET; None when nothing answers with HTTP there."""
    try:
        async with asyncio.timeout(_ANSWER_SECS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
                await writer.drain()
                words = (await reader.readline()).split()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, ValueError):
        return None
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


async def until_ok(host: str, port: int, path: str) -> None:
    """Wait until a GET is answered with 200; the caller bounds the time."""
    while await http_status(host, port, path) != 200:  # noqa: ASYNC110 - another process's state
        await asyncio.sleep(_POLL_SECS)
