"""The real server as a process of its own, on a real LiveKit server and the delay server."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from livekit import api
from prometheus_client.parser import text_string_to_metric_families

from local.livekit import LiveKitServer
from local.paths import find_livekit
from local.probe import until_ok
from local.processes import Child, free_port, start
from tests.e2e.conftest import DELAYS, Wire
from tests.e2e.procfs import held

_READY_SECS: Final = 60.0
_STOP_SECS: Final = 20.0
# Whoever is cut off is missed by LiveKit after some seconds and then waited for, 25 s.
_LEFT_SECS: Final = 60.0
# The first process lives as long as the run, so that what grows in it has time to.
PROCESSES: Final = 2


@dataclass(frozen=True)
class Census:
    """What there is at one moment.

    Attributes:
        at_secs: Since the run began.
        sessions: That the server counts.
        rooms: In LiveKit.
        tasks: asyncio tasks of the session processes.
        threads: Of the server and its session processes.
        descriptors: The same.
        server_bytes: Memory (RSS) of the server.
        sessions_bytes: Memory (RSS) of the session processes in all.
        renewals: Session processes that were renewed so far.
    """

    at_secs: float
    sessions: int
    rooms: int
    tasks: int
    threads: int
    descriptors: int
    server_bytes: int
    sessions_bytes: int
    renewals: int


class Stage:
    """The server under test."""

    def __init__(self, livekit: LiveKitServer, wire: Wire, server: Child, url: str) -> None:
        """Remember the parts; `open_stage` starts them."""
        self._livekit = livekit
        self._wire = wire
        self._server = server
        self.url = url
        self._began_secs = time.monotonic()
        self.faults = 0
        self.kills = 0

    @property
    def server_pid(self) -> int:
        """The server's process id."""
        return self._server.process.pid

    def session_processes(self) -> list[int]:
        """Return the ids of the session processes, oldest first."""
        pid = self._server.process.pid
        children = (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text()
        # Process ids begin anew after 32,768.
        return sorted((int(child) for child in children.split()), key=_began_ticks)

    async def census(self) -> Census:
        """Count."""
        metrics = await self._metrics()
        async with api.LiveKitAPI(
            self._livekit.url, self._livekit.api_key, self._livekit.api_secret
        ) as client:
            rooms = await client.room.list_rooms(api.ListRoomsRequest())
        server = held(self._server.process.pid)
        children = [held(pid) for pid in self.session_processes()]
        return Census(
            at_secs=round(time.monotonic() - self._began_secs, 1),
            sessions=int(metrics["voice_sessions"]),
            rooms=len(rooms.rooms),
            tasks=int(metrics["voice_process_tasks"]),
            threads=server.threads + sum(one.threads for one in children),
            descriptors=server.descriptors + sum(one.descriptors for one in children),
            server_bytes=server.memory_bytes,
            sessions_bytes=sum(one.memory_bytes for one in children),
            renewals=int(metrics["voice_process_renewals"]),
        )

    async def census_or_none(self) -> Census | None:
        """Count; None while a process that was killed is being replaced, or nobody answers."""
        try:
            if len(self.session_processes()) < PROCESSES:
                return None
            return await self.census()
        except (OSError, aiohttp.ClientError, TimeoutError, api.TwirpError):
            return None

    async def fail(self, faults: dict[str, Any], secs: float) -> None:
        """Have providers fail for some seconds; `faults` is the wire server's `PUT /faults`."""
        self.faults += 1
        await self._wire.fail(**faults)
        await asyncio.sleep(secs)
        await self._wire.heal()

    async def heal(self) -> None:
        """Have every provider work again."""
        await self._wire.heal()

    def kill(self) -> None:
        """Kill the youngest session process in the middle of what it does."""
        self.kills += 1
        os.kill(self.session_processes()[-1], signal.SIGKILL)

    async def left(self, before: Census) -> str:
        """Return what is still there after a call, when it has had time to go."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LEFT_SECS):
                while _more(await self.census(), before):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.5)
        return ", ".join(_more(await self.census(), before)) or "nothing"

    async def empty(self, within_secs: float) -> None:
        """Wait until the server counts no session; whoever vanished is waited for.

        Raises:
            TimeoutError: some session does not end.
        """
        async with asyncio.timeout(within_secs):
            while (await self._metrics())["voice_sessions"]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(1)

    async def _metrics(self) -> dict[str, float]:
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/metrics") as answer:
            text = await answer.text()
        totals: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            totals[family.name] = sum(sample.value for sample in family.samples)
        return totals


def _began_ticks(pid: int) -> int:
    """Return when a process began, in clock ticks since the machine's start (proc(5), field 22)."""
    stat = (Path("/proc") / str(pid) / "stat").read_text()
    return int(stat.rpartition(")")[2].split()[19])


def _more(now: Census, before: Census) -> list[str]:
    counts = {
        "sessions": now.sessions - before.sessions,
        "rooms": now.rooms - before.rooms,
        "tasks": now.tasks - before.tasks,
    }
    return [f"{count} {what}" for what, count in counts.items() if count > 0]


@asynccontextmanager
async def open_stage(
    out: Path, kind: type[LiveKitServer] = LiveKitServer, host: str = "127.0.0.1", **more: str
) -> AsyncGenerator[Stage, None]:
    """Start LiveKit, the delay server and the server; end them all.

    Args:
        out: Folder for the server's log.
        kind: Of LiveKit.
        host: Where the server listens.
        more: Settings of the server.
    """
    environment = dict(os.environ)  # noqa: TID251 - what the children get
    binary = find_livekit(environment)
    if binary is None:
        raise SystemExit("no LiveKit server: `make run` builds one")
    wire_port, port = free_port(), free_port()
    wire_url, url = f"http://127.0.0.1:{wire_port}", f"http://{host}:{port}"
    command = [sys.executable, "-m", "local.wire", "--port", str(wire_port), "--delays", DELAYS]
    async with kind.start(binary) as livekit:
        wire = await start("delay server", command, environment=environment)
        try:
            await _up(wire_port)
            with (out / "server.log").open("wb") as log:
                server = await start(
                    "the server",
                    [sys.executable, "-m", "server"],
                    environment=environment
                    | settings_of(livekit, wire_url, port)
                    | {
                        "HOST": host,
                        "LIVEKIT_PUBLIC_URL": livekit.url.replace("127.0.0.1", host),
                        **more,
                    },
                    stdout=log,
                    stderr=log,
                )
                try:
                    await _up(port, host)
                    yield Stage(livekit, Wire(wire_url), server, url)
                finally:
                    await server.stop(_STOP_SECS)
        finally:
            await wire.stop(5)


async def _up(port: int, host: str = "127.0.0.1") -> None:
    async with asyncio.timeout(_READY_SECS):
        await until_ok(host, port, "/healthz")


def settings_of(livekit: LiveKitServer, wire_url: str, port: int) -> dict[str, str]:
    """Return the server's settings: its own limits of load, and no quota for the one address."""
    quotas = ("ADDRESS_PER_MIN", "USER_PER_MIN", "SITE_PER_MIN", "ALL_PER_MIN", "SILENT_PER_HOUR")
    return {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "DEEPGRAM_BASE_URL": wire_url,
        "DEEPGRAM_API_KEY": "local",
        "GROQ_BASE_URL": wire_url,
        "GROQ_API_KEY": "local",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LOG_FORMAT": "json",
        "SESSION_PROCESSES": str(PROCESSES),
        "MAX_SESSIONS_PER_ADDRESS": "0",
        "ASSISTANT_GREETING": "Hello, how can I help?",
        **{f"QUOTA_{name}": "0" for name in quotas},
    }
