"""A real server process that is told to stop while people talk."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from local.caller import Caller, connect
from local.livekit import LiveKitServer
from local.probe import until_ok
from local.processes import Child, free_port, start
from tests.conftest import environment
from tests.e2e.conftest import Wire
from tests.e2e.deployment import settings_of

pytestmark = pytest.mark.anyio

READY_SECS = 30


@asynccontextmanager
async def server(
    livekit: LiveKitServer, wire: Wire, port: int, **settings: str
) -> AsyncGenerator[Child]:
    """Run `python -m server` on a port until it ends or the block does."""
    child = await start(
        "the server",
        [sys.executable, "-m", "server"],
        environment={
            **environment(),
            **settings_of(livekit, wire.url, port),
            "SESSION_PROCESSES": "1",
            "MAX_LOOP_LAG_MS": "10000",
            "ASSISTANT_GREETING": "Hello.",
            **settings,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield child
    finally:
        await child.stop(10)


async def says(child: Child, words: str) -> None:
    """Wait until a server's log has these words."""
    assert child.process.stderr is not None
    async for line in child.process.stderr:
        if words.encode() in line:
            return


async def test_a_server_that_stops_says_so_until_its_last_session_has_ended(
    livekit: LiveKitServer, wire: Wire, tmp_path: Path
) -> None:
    """Who calls while it ends its sessions is told to come back, who talks is told why.

    A service manager is told when it listens and when it begins to stop.
    """
    port, notify = free_port(), tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(notify))
        manager.settimeout(READY_SECS)
        await _stopped_while_talking(livekit, wire, port, notify)
        assert [manager.recv(64), manager.recv(64)] == [b"READY=1", b"STOPPING=1"]


async def _stopped_while_talking(
    livekit: LiveKitServer, wire: Wire, port: int, notify: Path
) -> None:
    async with (
        server(livekit, wire, port, NOTIFY_SOCKET=str(notify)) as child,
        asyncio.timeout(READY_SECS),
    ):
        await until_ok("127.0.0.1", port, "/readyz")
        url = f"http://127.0.0.1:{port}"
        async with Caller(await connect(url)) as caller:
            await caller.ready()
            child.process.send_signal(signal.SIGTERM)
            async with aiohttp.ClientSession() as http:
                status = ""
                while status in ("", "ready"):
                    async with http.get(f"{url}/readyz") as answer:
                        status = (await answer.json())["status"]
            assert status == "draining"
            ended = await caller.wait_for("server-message")
            assert ended["data"] == {"type": "session-ended", "reason": "shutdown"}
        assert await child.process.wait() in (0, -signal.SIGTERM)


@pytest.mark.deploy
async def test_a_successor_takes_the_calls_while_the_others_go_on(
    livekit: LiveKitServer, wire: Wire
) -> None:
    """With DRAIN_SECS a restart cuts no call and refuses none: two servers share the port."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with (
        server(livekit, wire, port, DRAIN_SECS="60") as old,
        asyncio.timeout(2 * READY_SECS),
    ):
        await until_ok("127.0.0.1", port, "/readyz")
        async with Caller(await connect(url), microphone=False) as caller:
            await caller.ready()
            async with server(livekit, wire, port, DRAIN_SECS="60") as new:
                await says(new, "server started")
                old.process.send_signal(signal.SIGTERM)
                await says(old, "draining")
                await until_ok("127.0.0.1", port, "/readyz")
                async with Caller(await connect(url), microphone=False) as newcomer:
                    await newcomer.ready()
                    await caller.wait_for("bot-stopped-speaking")
                    await caller.send("send-text", {"content": "What is a lot?"})
                    await caller.wait_for("bot-started-speaking", count=2)
                    assert old.process.returncode is None
                    await caller.send("disconnect-bot")
                    assert await old.process.wait() in (0, -signal.SIGTERM)
                    assert new.process.returncode is None
                    await newcomer.send("disconnect-bot")
                    await newcomer.until(newcomer.disconnected.is_set, 10)
