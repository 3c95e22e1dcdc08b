"""Signalling that can be cut: a relay between a browser and the LiveKit server.

Both browsers then lose their connection in the same way, whatever their tools can emulate.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Self
from urllib.parse import urlsplit

from local.processes import free_port

HOST = "127.0.0.1"
_PIECE_BYTES = 65_536


class Relay:
    """Passes bytes on to a server of this machine until it is cut.

    Attributes:
        url: Where browsers find LiveKit.
    """

    def __init__(self, target: str) -> None:
        """Choose a port; nothing listens yet."""
        self._target = urlsplit(target).port
        self._port = free_port()
        self.url = f"ws://{HOST}:{self._port}"
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._stalled = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def to(cls, target: str, *, silent: bool = False) -> AsyncGenerator[Self]:
        """Relay to a server while the block lasts.

        Args:
            target: Its address.
            silent: Accept connections, and pass nothing on.
        """
        relay = cls(target)
        if silent:
            relay._stalled.set()
        await relay.heal()
        try:
            yield relay
        finally:
            await relay.cut()

    async def heal(self) -> None:
        """Listen (again)."""
        self._server = await asyncio.start_server(self._accept, HOST, self._port)

    async def cut(self) -> None:
        """Refuse new connections and end those that are open."""
        if self._server:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        far: asyncio.StreamWriter | None = None
        try:
            if self._stalled.is_set():
                await reader.read()
                return
            far_reader, far = await asyncio.open_connection(HOST, self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(_pass_on(reader, far))
                both.create_task(_pass_on(far_reader, writer))
        except (asyncio.CancelledError, OSError, ExceptionGroup):
            pass  # either side is gone, or the relay was cut
        finally:
            self._open.discard(task)
            for end in (writer, far):
                if end:
                    end.transport.abort()


@asynccontextmanager
async def silence() -> AsyncGenerator[int]:
    """A port that takes connections and never answers."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
    writer.close()
