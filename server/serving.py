"""The HTTP server at a stop: answers until its sessions have ended, or leaves its port at once."""

from __future__ import annotations

import asyncio
import socket
import time
from types import FrameType

import uvicorn
from fastapi import FastAPI
from loguru import logger

from server.doorway import Doorway
from server.sessions import Sessions
from server.settings import ServerSettings

# Requests in flight when the last session has ended.
SHUTDOWN_TIMEOUT_SECS = 5
# Twice as often as uvicorn looks whether it has been told to stop.
_LOOK_EVERY_SECS = 0.05


def listen(settings: ServerSettings) -> list[socket.socket]:
    """Return a bound socket for each address that HOST names.

    With DRAIN_SECS the port is shared: the successor listens before this server has gone.

    Raises:
        OSError: the port is taken, or an address is none of this machine's.
    """
    listeners: list[socket.socket] = []
    found = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    try:
        for family, kind, protocol, _, address in found:
            listener = socket.socket(family, kind, protocol)
            listeners.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # The IPv4 addresses of a name have sockets of their own.
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, len(found) > 1)
            if settings.drain_secs:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(address)
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def tell_systemd(address: str, state: str) -> None:
    """Tell a service manager how the server fares (sd_notify's protocol: one datagram).

    Args:
        address: The manager's socket, `@` for an abstract one; empty where there is none.
        state: For instance `READY=1`.
    """
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        try:
            manager.connect("\0" + address[1:] if address.startswith("@") else address)
            manager.sendall(state.encode())
        except OSError as error:
            logger.warning("the service manager was not told {}: {}", state, error.strerror)


class DrainingServer(uvicorn.Server):
    """Takes no new sessions once it is told to stop, and goes when the last one has ended.

    Without DRAIN_SECS sessions are told to end at once, and whoever asks for one meanwhile is
    answered `draining`. With it the port is left to a successor first, and sessions may go on for
    so long. A second signal ends that wait. A member of a cluster keeps its port, and gives the
    sessions that are left to others.
    """

    def __init__(self, app: FastAPI, settings: ServerSettings) -> None:
        """Prepare; `run` serves."""
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                # Clients' addresses are read by server/addresses.py, from trusted proxies alone.
                proxy_headers=False,
                timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECS,
            )
        )
        self._app = app
        self._drain_secs = settings.drain_secs
        # Another member does not take this one's port, and asks after its sessions there.
        self._leaves_port = settings.drain_secs > 0 and not settings.is_member
        self._notify_socket = settings.notify_socket
        self._in_a_hurry = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at the first signal, wait no longer at the second; see uvicorn for the third."""
        if self.should_exit and not self._in_a_hurry:
            self._in_a_hurry = True
            return
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and tell systemd."""
        await super().startup(sockets)
        if self.started:
            tell_systemd(self._notify_socket, "READY=1")

    async def main_loop(self) -> None:
        """Serve until told to stop, and then until the sessions have ended."""
        await super().main_loop()
        tell_systemd(self._notify_socket, "STOPPING=1")
        sessions: Sessions = self._app.state.sessions
        sessions.take_no_more()
        if self._drain_secs:
            for server in self.servers if self._leaves_port else ():
                server.close()
            logger.info("draining: {} sessions going on", sessions.count)
            until = time.monotonic() + self._drain_secs
            # A signal handler may set no event; uvicorn's own loop looks like this, too.
            while sessions.count and not self._in_a_hurry and time.monotonic() < until:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_EVERY_SECS)
        doorway: Doorway = self._app.state.doorway
        await doorway.hand_over()
        await sessions.drain()
