"""Where a fault is tried: a server of its own, and the ways to break what is around it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from livekit import api
from pydantic import SecretStr

from bot.settings import BotSettings
from local.caller import Caller
from local.livekit import LiveKitServer
from local.paths import ROOT
from server.settings import ServerSettings
from tests.e2e.conftest import Door, Wire, next_load, serve
from tests.e2e.faults.catalogue import Fault

# Longer than four apologies take to be prepared by the wire server.
_PREPARED_SECS = 1.5
# Of whoever left without a word.
_GRACE_SECS = 2.0
# LiveKit's own tasks go some seconds after a session.
_SETTLE_SECS = 25.0
_LATE_SECS = 1.5


@dataclass
class Stage:
    """One server, and everything that it depends on."""

    livekit: LiveKitServer
    wire: Wire
    door: Door
    later: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    extra: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def tasks(self) -> int:
        """Return how many tasks the session process runs."""
        return (await next_load(self.door.pool.processes[0])).tasks

    async def begin(self, fault: Fault, caller: Caller | None) -> None:
        """Make it happen."""
        if fault.wire:
            await self.wire.fail(**fault.wire)
        process = self.door.pool.processes[0].pid
        match fault.act:
            case "livekit_down":
                await self.livekit.stop(0)
            case "livekit_restart":
                await self.livekit.stop(0)
                self._do(self.livekit.restart())
            case "room_deleted" if caller is not None:
                await self._delete_room(caller.invitation.room)
            case "duplicate" if caller is not None:
                await self.extra.enter_async_context(Caller(caller.invitation))
            case "kill_process" if process is not None:
                os.kill(process, signal.SIGKILL)
            case "stop_process" if process is not None:
                os.kill(process, signal.SIGSTOP)
            case "drain":
                self._do(self.door.sessions.drain())
            case _:
                pass

    async def meanwhile(self, fault: Fault) -> None:
        """What happens while the bot joins."""
        if fault.act == "livekit_late":
            os.kill(self.livekit.child.process.pid, signal.SIGSTOP)
            await asyncio.sleep(_LATE_SECS)
            os.kill(self.livekit.child.process.pid, signal.SIGCONT)

    async def heal(self) -> None:
        """Have everything work again."""
        await self.wire.heal()
        await self.extra.aclose()
        if self.later:
            await asyncio.wait(self.later)
        with suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as http, http.get(self._livekit_http):
                return
        await self.livekit.restart()

    async def admitting(self) -> None:
        """Wait until the server would take a call."""
        async with aiohttp.ClientSession() as http:
            while True:
                async with http.get(f"{self.door.url}/readyz") as answer:
                    if answer.status == 200:
                        return
                await asyncio.sleep(0.2)

    async def leave(self, caller: Caller) -> None:
        """Hang up as the widget does, if there is still somebody."""
        if not caller.disconnected.is_set():
            with suppress(Exception):
                await caller.send("disconnect-bot")
                await caller.until(caller.disconnected.is_set, 5)

    async def left(self, before: int) -> str:
        """Return what is still there after the last call."""
        found: list[str] = []
        try:
            await self.door.empty(_SETTLE_SECS)
        except TimeoutError:
            found.append("a session")
        async with api.LiveKitAPI(
            self.livekit.url, self.livekit.api_key, self.livekit.api_secret
        ) as client:
            rooms = await client.room.list_rooms(api.ListRoomsRequest())
        if rooms.rooms:
            found.append(f"{len(rooms.rooms)} rooms")
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECS):
                while await self.tasks() > before:
                    pass
        if (more := await self.tasks() - before) > 0:
            found.append(f"{more} tasks")
        return ", ".join(found) or "nothing"

    @property
    def _livekit_http(self) -> str:
        return self.livekit.url.replace("ws", "http", 1)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self.later.add(task)
        task.add_done_callback(self.later.discard)

    async def _delete_room(self, room: str) -> None:
        async with api.LiveKitAPI(
            self.livekit.url, self.livekit.api_key, self.livekit.api_secret
        ) as client:
            await client.room.delete_room(api.DeleteRoomRequest(room=room))


@asynccontextmanager
async def open_stage(livekit: LiveKitServer, wire: Wire) -> AsyncGenerator[Stage, None]:
    """Run the real server, with one session process, until the fault is over."""
    await wire.heal()
    settings = ServerSettings(
        livekit_url=livekit.url,
        livekit_api_key=livekit.api_key,
        livekit_api_secret=SecretStr(livekit.api_secret),
        log_level="ERROR",
        session_processes=1,
        max_loop_lag_ms=10_000,
        max_cpu_percent=100,
    )
    bot_settings = BotSettings(
        deepgram_base_url=wire.url,
        groq_base_url=wire.url,
        assistant_greeting="Hello.",
        knowledge_dir=ROOT / "knowledge",
        reconnect_grace_secs=_GRACE_SECS,
    )
    async with serve(settings, bot_settings) as door:
        await asyncio.sleep(_PREPARED_SECS)
        stage = Stage(livekit, wire, door)
        try:
            yield stage
        finally:
            await stage.heal()
