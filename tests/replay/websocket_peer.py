"""The server side of a WebSocket, as an asyncio protocol without sockets of its own."""

import asyncio
import json
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CONNECTING, OPEN
from websockets.server import ServerProtocol


class WebSocketPeer(asyncio.Protocol):
    """A scripted WebSocket server connection; subclasses say what it answers.

    Work that happens later is scheduled through `later`, which does nothing once the connection is
    gone.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._protocol = ServerProtocol(max_size=None)
        self._transport: asyncio.Transport | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self.accept_delay_secs = 0.0

    # What a subclass overrides

    def on_request(self, request: Request) -> tuple[int, str] | None:
        """Look at the handshake; a status and text refuse it."""

    def on_text(self, message: dict[str, Any]) -> None:
        """A JSON message arrived."""

    def on_binary(self, data: bytes) -> None:
        """Bytes arrived."""

    def on_closed(self) -> None:
        """The connection is gone."""

    # What a subclass calls

    @property
    def is_open(self) -> bool:
        """Whether messages can still be sent."""
        return self._transport is not None and self._protocol.state in (CONNECTING, OPEN)

    def send_json(self, message: dict[str, Any]) -> None:
        """Send a text message."""
        self._protocol.send_text(json.dumps(message).encode())
        self._flush()

    def send_bytes(self, data: bytes) -> None:
        """Send a binary message."""
        self._protocol.send_binary(data)
        self._flush()

    def end(self, code: int, reason: str) -> None:
        """Start the closing handshake."""
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._flush()

    def drop(self) -> None:
        """Cut the connection without a closing handshake."""
        if self._transport:
            self._transport.abort()

    def later(self, delay_secs: float, action: Any, *args: Any) -> asyncio.TimerHandle:
        """Run an action after a delay, if the connection is still open then."""

        def due() -> None:
            self._timers.discard(handle)
            if self.is_open:
                action(*args)

        handle = self.loop.call_later(delay_secs, due)
        self._timers.add(handle)
        return handle

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; the handshake comes with the first bytes."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Feed bytes to the sans-I/O protocol and act on what they mean."""
        self._protocol.receive_data(data)
        self._handle_events()

    def eof_received(self) -> bool:
        """The client sent all it will send."""
        self._protocol.receive_eof()
        self._handle_events()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was still to come."""
        self._transport = None
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.on_closed()

    def _handle_events(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._handshake(event)
            elif isinstance(event, Frame):
                if event.opcode is Opcode.TEXT:
                    self.on_text(json.loads(bytes(event.data)))
                elif event.opcode is Opcode.BINARY:
                    self.on_binary(bytes(event.data))
        self._flush()

    def _handshake(self, request: Request) -> None:
        refusal = self.on_request(request)
        if refusal:
            self._protocol.send_response(self._protocol.reject(*refusal))
            self._flush()
            return
        if self.accept_delay_secs:
            self.later(self.accept_delay_secs, self._accept, request)
        else:
            self._accept(request)

    def _accept(self, request: Request) -> None:
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if self._transport is None:
                return
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
