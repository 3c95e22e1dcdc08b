"""A real LiveKit server, the real door in this process, and the delay server behind the bot."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn

from bot.channel import Load
from bot.logs import configure_logging
from bot.settings import BotSettings
from local.livekit import LiveKitServer
from local.paths import find_livekit
from local.probe import until_ok
from local.processes import free_port, start
from server.app import create_app
from server.pool import Pool
from server.process import SessionProcess
from server.sessions import Sessions
from server.settings import ServerSettings
from tests.conftest import REPOSITORY, environment

# 280 ms in all from the end of speech to the first audio: as fast as good providers are.
DELAYS = "stt_final_ms=100,llm_ttft_ms=100,llm_tokens_per_sec=100,tts_ttfb_ms=80"
WIRE_READY_SECS = 30


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """All asynchronous tests run on asyncio, in one loop."""
    return "asyncio"


@pytest.fixture(scope="session")
async def livekit(anyio_backend: str) -> AsyncIterator[LiveKitServer]:
    """One LiveKit server for all end-to-end tests."""
    binary = find_livekit(environment())
    if binary is None:
        pytest.skip("no LiveKit server on this machine: `make test` builds one")
    async with LiveKitServer.start(binary) as server:
        yield server


@dataclass(frozen=True)
class Wire:
    """The delay server, and its fault switches."""

    url: str

    async def fail(self, **faults: Any) -> None:
        """Make providers fail: `fail(llm={"fault": "status", "code": 503, "times": 1})`."""
        async with (
            aiohttp.ClientSession() as http,
            http.put(f"{self.url}/faults", json=faults) as answer,
        ):
            assert answer.status in (200, 204), await answer.text()

    async def heal(self) -> None:
        """Clear every fault."""
        async with aiohttp.ClientSession() as http, http.delete(f"{self.url}/faults") as answer:
            assert answer.status in (200, 204)


@pytest.fixture(scope="session")
async def wire_server(anyio_backend: str) -> AsyncIterator[str]:
    """The delay server's address."""
    port = free_port()
    command = [sys.executable, "-m", "local.wire", "--port", str(port), "--delays", DELAYS]
    child = await start("delay server", command, environment=environment())
    try:
        url = f"http://127.0.0.1:{port}"
        async with asyncio.timeout(WIRE_READY_SECS):
            await until_ok("127.0.0.1", port, "/healthz")
        yield url
    finally:
        await child.stop(5)


@pytest.fixture
async def wire(wire_server: str) -> AsyncIterator[Wire]:
    """The delay server, healthy before and after each test."""
    wire = Wire(wire_server)
    await wire.heal()
    yield wire
    await wire.heal()


@dataclass(frozen=True)
class Door:
    """A running server of this process."""

    url: str
    sessions: Sessions
    pool: Pool
    stop: Callable[[], Any]

    async def empty(self, within_secs: float = 10) -> None:
        """Wait until no session is left."""
        async with asyncio.timeout(within_secs):
            await self.sessions.all_ended()


@asynccontextmanager
async def serve(settings: ServerSettings, bot_settings: BotSettings) -> AsyncGenerator[Door, None]:
    """Run the real application under the real HTTP server, on a free port."""
    port = free_port()
    app = create_app(settings, bot_settings)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="on")
    )
    # Signals belong to pytest here.
    serving = asyncio.create_task(server._serve())
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(60):
            await until_ok("127.0.0.1", port, "/healthz")

        async def stop() -> None:
            server.should_exit = True
            await serving

        yield Door(url, app.state.sessions, app.state.pool, stop)
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, 30)


async def next_load(process: SessionProcess) -> Load:
    """Wait for a process to say how it fares."""
    process.reported.clear()
    await process.reported.wait()
    return process.load


async def settled(process: SessionProcess, tasks: int, within_secs: float = 15) -> None:
    """Wait until a process that is still there runs no more tasks than before its sessions."""
    try:
        async with asyncio.timeout(within_secs):
            while process.is_warm and (await next_load(process)).tasks > tasks:
                pass
    except TimeoutError:
        pytest.fail(f"still running in a session process: {process.load.tasks - tasks} tasks")


OpenDoor = Callable[..., AbstractAsyncContextManager[Door]]


@pytest.fixture
async def open_door(livekit: LiveKitServer, wire: Wire) -> AsyncIterator[OpenDoor]:
    """Start a server with some settings changed; whatever it leaves running fails the test."""

    @asynccontextmanager
    async def open_with(**changes: Any) -> AsyncGenerator[Door, None]:
        server = {
            "livekit_url": livekit.url,
            "livekit_api_key": livekit.api_key,
            "livekit_api_secret": livekit.api_secret,
            "max_sessions": 2,
            "session_processes": 1,
            # Whatever else this machine does meanwhile, no test is refused for it.
            "max_loop_lag_ms": 10_000,
            "max_cpu_percent": 100,
        }
        bot = {
            "deepgram_base_url": wire.url,
            "groq_base_url": wire.url,
            "reconnect_grace_secs": 0.5,
            "assistant_greeting": "Hello.",  # a short one: most tests only wait for its end
            "knowledge_dir": REPOSITORY / "knowledge",
        }
        for name, value in changes.items():
            (server if name in ServerSettings.model_fields else bot)[name] = value
        async with serve(ServerSettings(**server), BotSettings(**bot)) as door:
            idle = [await next_load(one) for one in door.pool.processes]
            yield door
            await door.sessions.drain()
            for process, before in zip(door.pool.processes, idle, strict=True):
                await settled(process, before.tasks)

    before = asyncio.all_tasks()
    yield open_with
    gc.collect()
    left = {task for task in asyncio.all_tasks() - before if not task.done()}
    left = {task for task in left if "TestRunner" not in repr(task.get_coro())}  # anyio's own
    assert not left, f"still running: {[task.get_name() for task in left]}"


@pytest.fixture(autouse=True)
def _quiet_log() -> None:
    """Log as the product does: no prompts, no transcripts."""
    configure_logging("INFO", ())
