"""A TCP balancer: one address for several servers, as a load balancer or Kubernetes gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count

from local.processes import free_port
from tests.e2e.network.switch import HERE

_CONNECT_SECS = 0.5
_PIECE_BYTES = 65_536


class Balancer:
    """Gives each connection to the next backend that takes it."""

    def __init__(self, backends: Sequence[tuple[str, int]]) -> None:
        """Lead to these addresses and ports."""
        self.port = free_port()
        self._backends = list(backends)
        self._turn = count()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Balancer]:
        """Listen while the block lasts."""
        server = await asyncio.start_server(self._connected, HERE, self.port)
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._lead(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(self._turn)
        for step in range(len(self._backends)):
            address, port = self._backends[(first + step) % len(self._backends)]
            try:
                async with asyncio.timeout(_CONNECT_SECS):
                    there, here = await asyncio.open_connection(address, port)
            except (OSError, TimeoutError):
                continue
            await asyncio.gather(_pass(reader, here), _pass(there, writer))
            return
        writer.close()


async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        with suppress(OSError):
            while piece := await source.read(_PIECE_BYTES):
                sink.write(piece)
                await sink.drain()
    finally:
        sink.close()
