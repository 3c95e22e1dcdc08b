"""A session process that is told nonsense."""

from __future__ import annotations

import asyncio
import socket

import pytest

from bot.channel import Start
from bot.host import EXIT_BAD_ORDER, serve

START = Start(session_id="s-1", user_identity="u", url="ws://h", token="t.o.k", room="r").line()


@pytest.mark.parametrize("line", [b"", b"\n", b"{}\n", START, b"x" * 300_000, b"\xff\n"])
def test_a_process_that_is_not_configured_first_ends(line: bytes) -> None:
    """Nothing is loaded and no session starts at the word of somebody who is not the door."""

    async def talk() -> int:
        ours, theirs = socket.socketpair()
        with ours:
            serving = asyncio.create_task(serve(theirs))
            ours.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(ours, line)
            ours.shutdown(socket.SHUT_WR)
            return await serving

    assert asyncio.run(talk()) == EXIT_BAD_ORDER
