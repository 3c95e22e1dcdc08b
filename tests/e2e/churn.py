"""`python -m tests.e2e.churn`: sessions started and ended in a row, and what they leave behind.

The real application runs in this process and its session processes, on a real LiveKit server and
the delay server; callers run in a process of their own. After a few sessions of warm-up the tasks,
threads, file descriptors and memory of all of the application's processes, this one's children and
LiveKit's rooms are counted; after all sessions once more.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from livekit import api
from pydantic import SecretStr

from bot.logs import configure_logging
from bot.settings import BotSettings
from local.caller import Caller, connect
from local.livekit import LiveKitServer
from local.paths import ROOT, find_livekit
from local.probe import until_ok
from local.processes import free_port, start
from server.settings import ServerSettings
from tests.e2e.conftest import DELAYS, Door, next_load, serve
from tests.e2e.procfs import held

WARM_UP_SESSIONS = 5
# LiveKit's native threads and their descriptors go 10-15 s after a session.
SETTLE_SECS = 20.0
_READY_SECS = 60.0


@dataclass(frozen=True)
class Census:
    """What the application's processes hold at one moment."""

    tasks: int
    threads: int
    descriptors: int
    children: int
    rooms: int
    memory_bytes: int


async def census(livekit: LiveKitServer, door: Door) -> Census:
    """Count, after garbage is collected."""
    gc.collect()
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        rooms = await client.room.list_rooms(api.ListRoomsRequest())
    loads = [await next_load(process) for process in door.pool.processes]
    here = Path("/proc/self/task") / str(os.getpid())
    pids = (os.getpid(), *(one.pid for one in door.pool.processes if one.pid))
    processes = [held(pid) for pid in pids]
    return Census(
        tasks=len(asyncio.all_tasks()) + sum(load.tasks for load in loads),
        threads=sum(one.threads for one in processes),
        descriptors=sum(one.descriptors for one in processes),
        children=len((here / "children").read_text().split()),
        rooms=len(rooms.rooms),
        memory_bytes=sum(one.memory_bytes for one in processes),
    )


@asynccontextmanager
async def application(
    livekit: LiveKitServer, wire_url: str, processes: int = 1
) -> AsyncGenerator[Door, None]:
    """Run the real application, which refuses nobody for load."""
    settings = ServerSettings(
        livekit_url=livekit.url,
        livekit_api_key=livekit.api_key,
        livekit_api_secret=SecretStr(livekit.api_secret),
        log_level="WARNING",
        max_sessions=64,
        session_processes=processes,
        max_loop_lag_ms=10_000,
        max_cpu_percent=100,
    )
    bot_settings = BotSettings(
        deepgram_base_url=wire_url,
        groq_base_url=wire_url,
        knowledge_dir=ROOT / "knowledge",
        reconnect_grace_secs=0.2,
    )
    async with serve(settings, bot_settings) as door:
        yield door


async def call(server: str, sessions: int) -> None:
    """Have one conversation after the other: greeting, a typed question, its answer, leave."""
    for _ in range(sessions):
        async with Caller(await connect(server)) as caller:
            await caller.ready()
            await caller.wait_for("bot-started-speaking")
            await caller.send("send-text", {"content": "What is a lot?"})
            await caller.wait_for("bot-started-speaking", count=2)


async def measure(sessions: int) -> dict[str, object]:
    """Run the sessions; return both censuses and the memory growth per session."""
    binary = find_livekit(os.environ)  # noqa: TID251 - where this machine keeps LiveKit
    if binary is None:
        raise SystemExit("no LiveKit server: `make run` builds one")
    port = free_port()
    wire = [sys.executable, "-m", "local.wire", "--port", str(port), "--delays", DELAYS]
    async with LiveKitServer.start(binary) as livekit:
        engines = await start("delay server", wire, environment=dict(os.environ))  # noqa: TID251
        try:
            async with asyncio.timeout(_READY_SECS):
                await until_ok("127.0.0.1", port, "/healthz")
            async with application(livekit, f"http://127.0.0.1:{port}") as door:
                await _callers(door.url, WARM_UP_SESSIONS)
                before = await census(livekit, door)
                await _callers(door.url, sessions)
                after = await census(livekit, door)
        finally:
            await engines.stop(5)
    growth = (after.memory_bytes - before.memory_bytes) / sessions
    return {
        "sessions": sessions,
        "before": asdict(before),
        "after": asdict(after),
        "memory_bytes_per_session": round(growth),
    }


async def _callers(url: str, sessions: int) -> None:
    command = [sys.executable, "-m", "tests.e2e.churn", "--call", url, "--sessions", str(sessions)]
    process = await asyncio.create_subprocess_exec(*command)
    if await process.wait():
        raise SystemExit("a call failed")
    await asyncio.sleep(SETTLE_SECS)


def main() -> None:
    """Print the two censuses as JSON; exit 1 when anything but memory has grown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--call", metavar="URL", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.call:
        asyncio.run(call(args.call, args.sessions))
        # LiveKit's native threads can abort a process whose interpreter ends under them.
        os._exit(0)
    configure_logging("WARNING", ())
    result = asyncio.run(measure(args.sessions))
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    before, after = result["before"], result["after"]
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    grown = [name for name in before if name != "memory_bytes" and after[name] > before[name]]
    if grown:
        sys.exit(f"grown: {', '.join(grown)}")


if __name__ == "__main__":
    main()
