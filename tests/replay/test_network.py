"""The in-memory network: delivery, flow control, refusal and what is left open."""

import asyncio
import ssl

import httpx
import pytest

from tests import clock
from tests.clock import NetworkForbiddenError
from tests.network import Network

ADDRESS = ("192.0.2.9", 9000)


class Echo(asyncio.Protocol):
    """Sends back what it is sent."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self.transport.write(data)


def test_bytes_arrive_before_time_moves() -> None:
    """More than any buffer holds goes there and back at one instant."""
    network = Network()
    network.register(*ADDRESS, Echo)
    sent = bytes(range(256)) * 16_384

    async def main() -> tuple[bytes, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reader, writer = await asyncio.open_connection(*ADDRESS)
        writer.write(sent)
        received = await asyncio.wait_for(reader.readexactly(len(sent)), 0.001)
        writer.close()
        await writer.wait_closed()
        return received, loop.time() - began

    received, secs = clock.run(main, network.connect)
    assert received == sent
    assert secs == 0
    assert network.close() == []


def test_open_connections_are_told() -> None:
    """A connection the client has not closed is named, and cut."""
    network = Network()
    network.register(*ADDRESS, Echo)

    async def main() -> list[tuple[str, int]]:
        reader, _writer = await asyncio.open_connection(*ADDRESS)
        left = network.close()
        assert await reader.read() == b""
        await asyncio.sleep(0)
        return left

    assert clock.run(main, network.connect) == [ADDRESS]


def test_refused_connections_raise_as_real_ones_do() -> None:
    """A peer that refuses looks like a server that is not there."""
    network = Network()
    network.refuse(*ADDRESS)

    async def main() -> None:
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.get(f"http://{ADDRESS[0]}:{ADDRESS[1]}/")

    with pytest.raises(httpx.ConnectError):
        clock.run(main, network.connect)


def test_there_is_no_tls() -> None:
    """A client that wants TLS is told so: it would reach for the real service."""
    network = Network()
    network.register(*ADDRESS, Echo)

    async def main() -> None:
        await asyncio.open_connection(*ADDRESS, ssl=ssl.create_default_context())

    with pytest.raises(NetworkForbiddenError, match="no TLS"):
        clock.run(main, network.connect)
