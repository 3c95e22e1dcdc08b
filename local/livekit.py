"""A LiveKit server of one's own: loopback only, fresh keys, gone with the process that started it.

`bind_addresses` covers signalling alone, so media is confined by settings of its own; with all of
them nothing listens, and nothing is sent, beyond 127.0.0.1.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from local.probe import until_ok
from local.processes import Child, ChildEndedError, free_port, start, while_alive

HOST: Final = "127.0.0.1"
_ATTEMPTS: Final = 3
"""A port found free can be taken before LiveKit binds it."""

_READY_SECS: Final = 20.0
_STOP_SECS: Final = 0.5
"""LiveKit waits for its rooms to empty; nobody is served by that when its starter ends."""

_TAIL_BYTES: Final = 2000


class LiveKitError(RuntimeError):
    """The server did not come up; the message has the end of its log."""


class LiveKitServer:
    """A LiveKit server; `async with LiveKitServer.start(binary) as livekit` runs one.

    Attributes:
        host: where it listens: 127.0.0.1.
        api_key: accepted by this server alone.
        api_secret: 43 characters, made for this run.
        log: the file with its errors; None when they are not kept.
        child: the running process.
    """

    child: Child

    def __init__(self, binary: Path, log: Path | None) -> None:
        """Choose ports and keys; nothing runs yet."""
        self._binary = binary
        self._port = free_port()
        self._udp_port = free_port(socket.SOCK_DGRAM)
        self.log = log
        self.host = HOST
        self.api_key = f"API{secrets.token_hex(6)}"
        self.api_secret = secrets.token_urlsafe(32)

    @property
    def url(self) -> str:
        """ws://HOST:PORT, the same after a restart, as are the keys."""
        return f"ws://{self.host}:{self._port}"

    @classmethod
    @asynccontextmanager
    async def start(
        cls, binary: Path, log: Path | None = None
    ) -> "AsyncGenerator[LiveKitServer, None]":
        """Start a server on free ports, wait until it answers, and end it with the block.

        Args:
            binary: the program.
            log: where its errors go; tokens are not among them.

        Raises:
            LiveKitError: it ended, or did not answer in time.
        """
        server = cls(binary, log)
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await server.restart()
                break
            except LiveKitError as error:
                if attempt == _ATTEMPTS or "address already in use" not in str(error):
                    raise
                server = cls(binary, log)
        try:
            yield server
        finally:
            await server.stop()

    async def restart(self) -> None:
        """Start it (again) with the same ports and keys, and wait until it answers.

        Raises:
            LiveKitError: it ended, or did not answer in time.
        """
        if self.log is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
        with (
            _readable(json.dumps(self._config())) as stdin,
            (self.log or Path(os.devnull)).open("wb") as sink,
        ):
            self.child = await start(
                "LiveKit",
                self._command(),
                environment={},
                stdin=stdin,
                stdout=sink,
                stderr=sink,
                on_orphaned=signal.SIGKILL,
            )
        try:
            async with asyncio.timeout(_READY_SECS):
                await while_alive([self.child], until_ok(self.host, self._port, "/"))
        except (TimeoutError, ChildEndedError) as error:
            await self.stop(within_secs=0)
            raise LiveKitError(f"LiveKit did not start. {error}\n{self._log_tail()}") from error
        except BaseException:
            await self.stop(within_secs=0)
            raise

    async def stop(self, within_secs: float = _STOP_SECS) -> None:
        """End it; with 0 as a crash would."""
        await self.child.stop(within_secs)

    def _command(self) -> list[str | Path]:
        return [self._binary, "--config", "/dev/stdin"]

    def _config(self) -> dict[str, object]:
        """Return LiveKit's configuration; JSON is YAML."""
        return {
            "port": self._port,
            "bind_addresses": [HOST],
            "keys": {self.api_key: self.api_secret},
            # Else a user token would open its room again after the session has ended.
            "room": {"auto_create": False},
            "rtc": {
                "udp_port": self._udp_port,
                "tcp_port": 0,
                "node_ip": HOST,
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "interfaces": {"includes": ["lo"]},
                "ips": {"includes": [f"{HOST}/32"]},
                # With no entry LiveKit sends clients to a public STUN server for their address.
                # Nothing answers on this UDP port, and nothing needs to: media stays on this
                # machine. Firefox joins no room that names a well-known port, such as discard's.
                "stun_servers": [f"{HOST}:{self._port}"],
            },
            # A warning about a refused token has the whole token in it.
            "logging": {"level": "error", "json": False},
        }

    def _log_tail(self) -> str:
        if self.log is None:
            return "Its log was not kept."
        return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace")


@contextmanager
def _readable(text: str) -> Generator[int, None, None]:
    """Yield a file descriptor that reads `text`: no argument and no file holds the secret."""
    read_end, write_end = os.pipe()
    try:
        with os.fdopen(write_end, "w", encoding="utf-8") as sink:
            sink.write(text)  # less than the 64 KiB that a pipe holds
        yield read_end
    finally:
        os.close(read_end)
