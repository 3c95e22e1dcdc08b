"""Servers of a cluster: real HTTP between them, stub session processes, rooms on paper."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from bot.channel import Configure
from local.processes import free_port
from server.cluster.doorway import ClusterDoorway
from server.cluster.joining import joined
from server.cluster.membership import Membership
from server.cluster.roster import Roster
from server.clusters import include_cluster
from server.doorkeeper import Doorkeeper, Visitor
from server.errors import DoorError
from server.ledger import MemoryLedger, quotas_of
from server.metrics import Metrics
from server.origins import OWN_SITE
from server.placement import Limits
from server.pool import Pool
from server.rooms import Rooms
from server.sessions import Sessions
from server.tokens import Keys
from tests.server.stub import STUB
from tests.server.test_doorkeeper import settings_of

SECRET = "s" * 40
KEYS = Keys("key", SECRET)
DEADLINE_SECS = 20
SOMEBODY = Visitor(OWN_SITE, None, None, is_local=True)


class Book(Rooms):
    """Rooms that exist on paper, the same for all members."""

    def __init__(self, rooms: set[str]) -> None:
        super().__init__("ws://nowhere", KEYS.api_key, KEYS.api_secret)
        self.rooms = rooms
        self.removed: list[str] = []
        self.out_of_reach: set[str] = set()
        self.lost: set[str] = set()
        self.choices_lost = 0
        self.is_away = False
        self.on_removed: Callable[[str], Awaitable[None]] | None = None

    async def _make(self, name: str, *, is_old: bool) -> None:
        """Note it, where the test has its node answer."""
        await asyncio.sleep(0.01)
        self.rooms.add(name)
        if self.choices_lost:
            self.choices_lost -= 1
            self.out_of_reach.add(name)
        if self.is_away or name in self.out_of_reach:
            self.lost.add(name)
            raise TimeoutError
        self.lost.discard(name)

    async def reachable(self) -> bool:
        """Whether anything of LiveKit answers."""
        return not self.is_away

    async def delete(self, name: str) -> None:
        """Strike it out; what a lost node has is another one's only once it has been asked for."""
        if name not in self.lost:
            self.rooms.discard(name)

    async def remove(self, name: str, identity: str) -> None:
        """Note who was put out."""
        self.removed.append(identity)
        if self.on_removed is not None:
            await self.on_removed(identity)


@dataclass
class Node:
    """One member, all of it in this process but its session process."""

    roster: Roster
    sessions: Sessions
    membership: Membership
    doorway: ClusterDoorway
    rooms: Book
    pool: Pool
    serving: uvicorn.Server

    async def vanish(self) -> None:
        """Be lost: say nothing more, answer nobody."""
        self.membership._beating.cancel()
        self.serving.force_exit = self.serving.should_exit = True


@asynccontextmanager
async def node_of(
    redis: str, rooms: set[str], *, processes: int = 1, max_sessions: int = 4
) -> AsyncGenerator[Node]:
    port = free_port()
    settings = settings_of(
        cluster_redis_url=redis,
        port=port,
        session_processes=processes,
        max_sessions=max_sessions,
        livekit_api_key=KEYS.api_key,
        livekit_api_secret=KEYS.api_secret,
    )
    metrics = Metrics()
    quotas = quotas_of(address=0, user=0, site=0, everybody=0, silent_per_hour=0)
    keeper = Doorkeeper(settings, metrics, MemoryLedger(quotas))
    limits = Limits(max_sessions=max_sessions, max_loop_lag_ms=1000, max_cpu_percent=100)
    configure = Configure(log_level="INFO", instruction="", settings={})
    roster, book = Roster(redis), Book(rooms)
    app = FastAPI()
    include_cluster(app, settings)
    app.add_exception_handler(DoorError, _answer)
    async with Pool(processes, configure, limits, {"PATH": "/usr/bin"}, STUB) as pool:
        app.state.sessions = sessions = Sessions(
            rooms=book,
            pool=pool,
            metrics=metrics,
            keeper=keeper,
            keys=KEYS,
            livekit_url="ws://nowhere",
            max_sessions=max_sessions,
            homes=roster,
        )
        server = uvicorn.Server(
            uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
        )
        serving = asyncio.create_task(server._serve())
        await until(lambda: server.started)
        async with joined(roster, settings, sessions, book, keeper) as (membership, doorway):
            yield Node(roster, sessions, membership, doorway, book, pool, server)
            await sessions.drain()
        server.should_exit = True
        await serving
    await roster.aclose()


async def _answer(_request: object, error: Exception) -> object:
    assert isinstance(error, DoorError)
    return error.response()


@asynccontextmanager
async def cluster_of(
    redis: str, workers: int, *, doors: int = 0, max_sessions: int = 4
) -> AsyncGenerator[list[Node]]:
    rooms: set[str] = set()
    async with asyncio.timeout(DEADLINE_SECS), AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(
                node_of(redis, rooms, processes=int(index >= doors), max_sessions=max_sessions)
            )
            for index in range(doors + workers)
        ]
        for node in nodes:
            await until(lambda node=node: node.membership.view.count == len(nodes))
        yield nodes


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what members do by themselves, twice a second; they tell nobody."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.02)
