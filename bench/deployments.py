"""What is measured: each is something one asks for an invitation, and that puts a bot in a room."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp
from livekit import api

from local.caller import Invitation, connect
from local.livekit import HOST, LiveKitServer
from local.paths import PEERS_VENV, ROOT
from local.probe import until_ok
from local.processes import Child, free_port, start, while_alive

_READY_SECS: Final = 60.0
_STOP_SECS: Final = 10.0
_REQUEST_SECS: Final = 15.0
_LOOK_SECS: Final = 0.05
# Any key will do for the delay server.
_KEY: Final = "local"
_ENOUGH_SESSIONS: Final = "64"
_AGENT_NAME: Final = "bench"
BEFORE: Final = "before"
# Commands keep the directory of whoever starts them; these are to find no .env file there.
_ELSEWHERE: Final = ("sh", "-c", 'cd "$0" && exec "$@"')


class OpenLiveKit(LiveKitServer):
    """LiveKit with its own default: whoever has a token opens the room (Pipecat's runner asks it).

    This product makes its rooms beforehand, here as elsewhere.
    """

    def _config(self) -> dict[str, object]:
        return {**super()._config(), "room": {"auto_create": True}}


@dataclass(frozen=True)
class World:
    """What all deployments share, so that nothing else differs.

    Attributes:
        livekit: The LiveKit server.
        providers_url: The delay server, http://host:port.
        logs: Directory for what the programs write to standard error.
    """

    livekit: LiveKitServer
    providers_url: str
    logs: Path


@dataclass(frozen=True)
class Deployment:
    """A running bot behind its own door.

    Attributes:
        name: As the command line and the files call it.
        invite: Asks the door for a session.
        pid: The process whose tree is charged for CPU and memory.
        speaks_rtvi: Whether it waits for `client-ready` before it greets.
    """

    name: str
    invite: Callable[[], Awaitable[Invitation]]
    pid: int
    speaks_rtvi: bool = True


Launch = Callable[[World], AbstractAsyncContextManager[Deployment]]


@asynccontextmanager
async def delay_server(delays: str, logs: Path, timeline: Path) -> AsyncGenerator[str]:
    """Run `local.wire` with fixed delays; yield its address.

    Args:
        delays: For its `--delays`.
        logs: Directory for what it writes to standard error.
        timeline: The file for its events.

    Raises:
        ChildEndedError: it did not start.
        TimeoutError: it was not ready in time.
    """
    port = free_port()
    command = [sys.executable, "-m", "local.wire", "--port", str(port), "--delays", delays]
    async with _running(
        "delay-server",
        command=[*command, "--timeline", str(timeline)],
        port=port,
        ready_path="/healthz",
        environment={},
        logs=logs,
    ):
        yield f"http://{HOST}:{port}"


@asynccontextmanager
async def ours(
    world: World, *, name: str = "ours", root: Path = ROOT, python: str = sys.executable
) -> AsyncGenerator[Deployment]:
    """Run the product as `make run` does, with the shared LiveKit and delay server.

    Args:
        world: What all share.
        name: Of the deployment.
        root: The checkout whose code runs.
        python: With that checkout's packages.
    """
    port = free_port()
    environment = {
        # As local/run.py sets them.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HOST": HOST,
        "PORT": str(port),
        **_livekit_environment(world),
        "DEEPGRAM_API_KEY": _KEY,
        "DEEPGRAM_BASE_URL": world.providers_url,
        "GROQ_API_KEY": _KEY,
        "GROQ_BASE_URL": world.providers_url,
        "PYTHONPATH": str(root),
        "KNOWLEDGE_DIR": str(root / "knowledge"),
        "MAX_SESSIONS": _ENOUGH_SESSIONS,
        # Capacity is measured past the point where a session would be refused.
        "MAX_LOOP_LAG_MS": "10000",
        "MAX_CPU_PERCENT": "100",
    }
    command = [python, "-m", "server"]
    async with _running(
        name,
        command=command,
        port=port,
        ready_path="/readyz",
        environment=environment,
        logs=world.logs,
    ) as child:
        url = f"http://{HOST}:{port}"
        yield Deployment(name, lambda: connect(url), child.process.pid)


def before(checkout: Path) -> Launch:
    """Return the product as another checkout has it, where set-up has been.

    Raises:
        RuntimeError: it has not.
    """
    python = checkout / ".venv" / "bin" / "python"
    if not python.is_file():
        raise RuntimeError(f"{checkout} is not set up: python3 -m local.setup test")
    return partial(ours, name=BEFORE, root=checkout, python=str(python))


@asynccontextmanager
async def pipecat_quickstart(world: World) -> AsyncGenerator[Deployment]:
    """Run Pipecat's quickstart bot behind Pipecat's own runner."""
    port = free_port()
    environment = {
        **_livekit_environment(world),
        "BENCH_PROVIDERS_URL": world.providers_url,
        # The example logs everything at DEBUG; that cost is left out.
        "LOGURU_LEVEL": "WARNING",
        # Pipecat's runner looks for a .env file upwards of its own installation.
        "PYTHON_DOTENV_DISABLED": "1",
    }
    program = ROOT / "bench" / "peers" / "pipecat_quickstart.py"
    command = [sys.executable, str(program), "-t", "livekit", "--host", HOST, "--port", str(port)]
    name = "pipecat-quickstart"
    async with _running(
        name,
        command=command,
        port=port,
        ready_path="/status",
        environment=environment,
        logs=world.logs,
    ) as child:
        url = f"http://{HOST}:{port}"
        yield Deployment(name, lambda: _start_by_runner(url), child.process.pid)


@asynccontextmanager
async def livekit_agents(world: World) -> AsyncGenerator[Deployment]:
    """Run livekit-agents' worker, with the Python and the packages that it wants.

    Raises:
        RuntimeError: set-up has not installed them.
    """
    python = PEERS_VENV / "bin" / "python"
    if not python.is_file():
        raise RuntimeError("livekit-agents is not installed: python3 -m local.setup bench")
    port, name = free_port(), "livekit-agents"
    registered = world.logs / f"{name}.registered"
    registered.unlink(missing_ok=True)
    environment = {
        **_livekit_environment(world),
        "BENCH_PROVIDERS_URL": world.providers_url,
        "BENCH_PORT": str(port),
        "BENCH_REGISTERED": str(registered),
    }
    program = ROOT / "bench" / "peers" / "livekit_agents.py"
    async with _running(
        name,
        command=[str(python), str(program), "start"],
        port=port,
        ready_path="/",
        environment=environment,
        logs=world.logs,
    ) as child:
        async with asyncio.timeout(_READY_SECS):
            await while_alive([child], _until_there(registered))
        yield Deployment(
            name, partial(_dispatch_by_token, world), child.process.pid, speaks_rtvi=False
        )


DEPLOYMENTS: Final[Mapping[str, Launch]] = {
    "ours": ours,
    "pipecat-quickstart": pipecat_quickstart,
    "livekit-agents": livekit_agents,
}


async def _until_there(path: Path) -> None:
    while not await asyncio.to_thread(path.exists):  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(_LOOK_SECS)


async def _dispatch_by_token(world: World) -> Invitation:
    """Make a token that brings the worker into its room: the door of livekit-agents' examples.

    It costs no request, which is to the peer's advantage.
    """
    room = f"bench-{secrets.token_hex(8)}"
    dispatch = api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=_AGENT_NAME)])
    token = (
        api.AccessToken(world.livekit.api_key, world.livekit.api_secret)
        .with_identity("caller")
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .with_room_config(dispatch)
        .to_jwt()
    )
    return Invitation(world.livekit.url, token, room, room)


async def _start_by_runner(url: str) -> Invitation:
    """Ask Pipecat's runner for a session.

    Raises:
        aiohttp.ClientError: it refused.
    """
    timeout = aiohttp.ClientTimeout(total=_REQUEST_SECS)
    async with (
        aiohttp.ClientSession(timeout=timeout, raise_for_status=True) as http,
        http.post(f"{url}/start", json={"transport": "livekit"}) as response,
    ):
        answer = await response.json()
        return Invitation(answer["url"], answer["token"], "", answer["sessionId"])


def _livekit_environment(world: World) -> dict[str, str]:
    return {
        "LIVEKIT_URL": world.livekit.url,
        "LIVEKIT_API_KEY": world.livekit.api_key,
        "LIVEKIT_API_SECRET": world.livekit.api_secret,
    }


@asynccontextmanager
async def _running(
    name: str,
    *,
    command: list[str],
    port: int,
    ready_path: str,
    environment: Mapping[str, str],
    logs: Path,
) -> AsyncGenerator[Child]:
    """Run a program that knows no setting but these; it ends with the block, or with us.

    Raises:
        ChildEndedError: it ended before it was ready.
        TimeoutError: it was not ready in time.
    """
    visible = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}  # noqa: TID251 - passed on, not read
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with (logs / f"{name}.log").open("wb") as sink:
            child = await start(
                name,
                [*_ELSEWHERE, directory, *command],
                environment={**visible, "PYTHONPATH": str(ROOT), **environment},
                stdout=sink,
                stderr=sink,
            )
        try:
            async with asyncio.timeout(_READY_SECS):
                await while_alive([child], until_ok(HOST, port, ready_path))
            yield child
        finally:
            await child.stop(_STOP_SECS)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
