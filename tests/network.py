"""The network of a test: scripted peers inside the loop, and nothing else.

A connection to a registered address is a socket pair: both ends belong to the loop, bytes written
at one end are readable at the other at once, and asyncio's own transports, buffers and flow control
run on both. Any other address raises. There is no TLS: peers are met by `http://` and `ws://`.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from tests.clock import NetworkForbiddenError, VirtualLoop

PeerFactory = Callable[[], asyncio.BaseProtocol]


class _PairedSocket(socket.socket):
    """One end of a socket pair that claims to be TCP where clients look."""

    peer_address: tuple[str, int] = ("0.0.0.0", 0)  # noqa: S104 - a label, nothing is bound

    def setsockopt(self, level: int, *args: Any) -> None:  # type: ignore[override]
        """Set an option, but leave out TCP's, which a pair does not have."""
        if level != socket.IPPROTO_TCP:
            super().setsockopt(level, *args)

    def getpeername(self) -> Any:
        """The address the client asked for."""
        return self.peer_address


class Network:
    """Addresses and the peers that stand there.

    Hosts are IP literals, so that no client asks a resolver.
    """

    def __init__(self) -> None:
        self._peers: dict[tuple[str, int], PeerFactory | OSError] = {}
        self._transports: list[tuple[tuple[str, int], asyncio.Transport]] = []

    def register(self, host: str, port: int, peer: PeerFactory) -> str:
        """Place a peer; each connection gets a protocol of its own.

        Returns:
            The authority part of its URLs, `host:port`.
        """
        self._peers[host, port] = peer
        return f"{host}:{port}"

    def refuse(self, host: str, port: int) -> None:
        """Refuse connections to an address from now on, as a stopped server does."""
        self._peers[host, port] = ConnectionRefusedError(f"{host}:{port} refuses")

    async def connect(
        self, loop: VirtualLoop, protocol_factory: Any, host: Any, port: Any, **kwargs: Any
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Wire a client to the peer at an address.

        Raises:
            NetworkForbiddenError: If no peer stands there, or the client wants TLS.
        """
        address = (str(host), int(port))
        peer = self._peers.get(address)
        if peer is None:
            message = f"no network in tests: {host}:{port}"
            raise NetworkForbiddenError(message)
        if isinstance(peer, OSError):
            raise peer
        if kwargs.get("ssl"):
            message = f"no TLS in tests: {host}:{port}"
            raise NetworkForbiddenError(message)
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        client = _PairedSocket(near.family, near.type, near.proto, fileno=near.detach())
        client.peer_address = address
        await loop.connect_accepted_socket(peer, far)
        transport, protocol = await loop.create_connection(protocol_factory, sock=client)
        self._transports.append((address, transport))
        return transport, protocol

    def close(self) -> list[tuple[str, int]]:
        """Cut what is still connected.

        Returns:
            The peers' addresses, one for each connection that no client had closed.
        """
        left = [(at, transport) for at, transport in self._transports if not transport.is_closing()]
        for _, transport in left:
            transport.abort()
        return [at for at, _ in left]
