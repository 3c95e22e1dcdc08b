"""Several servers as one: real Redis, real HTTP between them, session processes of a few lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import uvicorn
from fastapi import FastAPI

from bot.channel import Configure
from bot.lines import Line
from bot.reasons import EndReason
from local.processes import free_port
from server.cluster.doorway import ClusterDoorway
from server.cluster.joining import joined
from server.cluster.membership import BEAT_SECS, Membership
from server.cluster.notes import Home, Leaving, Member, Starting, Taking
from server.cluster.peers import LEAVE, START, PeerError, Peers
from server.cluster.roster import LOST_AFTER_SECS, Roster
from server.cluster.signing import key_of, signature
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
from tests.server.test_ledger_redis import redis_server

pytestmark = pytest.mark.anyio

SECRET = "s" * 40
KEYS = Keys("key", SECRET)
DEADLINE_SECS = 20
SOMEBODY = Visitor(OWN_SITE, None, None, is_local=True)


@pytest.fixture
def anyio_backend() -> str:
    """asyncio, as in the product."""
    return "asyncio"


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[str]:
    """A Redis server of this test's own."""
    async with redis_server(free_port(), tmp_path) as url:
        yield url


class Book(Rooms):
    """Rooms that exist on paper, the same for all members."""

    def __init__(self, rooms: set[str]) -> None:
        super().__init__("ws://nowhere", KEYS.api_key, KEYS.api_secret)
        self.rooms = rooms
        self.removed: list[str] = []

    async def create(self, name: str) -> None:
        """Note it."""
        self.rooms.add(name)

    async def delete(self, name: str) -> None:
        """Strike it out."""
        self.rooms.discard(name)

    async def remove(self, name: str, identity: str) -> None:
        """Note who was put out."""
        self.removed.append(identity)


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
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

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


async def test_sessions_go_where_there_is_most_room(redis: str) -> None:
    """Six at once through a door without processes, on three members: two each."""
    async with cluster_of(redis, 3, doors=1) as (door, *workers):
        assert door.sessions.refusal() is not None
        assert door.doorway.refusal() is None
        ways = await asyncio.gather(*(door.doorway.start(SOMEBODY) for _ in range(6)))
        assert [worker.sessions.count for worker in workers] == [2, 2, 2]
        assert len({way.session_id for way in ways}) == 6


async def test_a_session_is_found_again_through_any_member(redis: str) -> None:
    """Its old token opens it wherever it is shown, and nobody else's does."""
    async with cluster_of(redis, 2) as (one, other):
        way = await one.doorway.start(SOMEBODY)
        home, elsewhere = (one, other) if one.sessions.count else (other, one)
        again = await elsewhere.doorway.resume(way.token, SOMEBODY)
        assert (again.room, again.session_id) == (way.room, way.session_id)
        assert again.token != way.token
        with pytest.raises(DoorError) as stranger:
            await elsewhere.doorway.resume(way.token, Visitor("https://x.example", None, None))
        assert stranger.value.code == "session_gone"
        await elsewhere.doorway.leave(again.token)
        assert home.rooms.removed


async def test_a_full_cluster_says_so(redis: str) -> None:
    """One that is full is passed over, and when all are the visitor is told, as by one server."""
    async with cluster_of(redis, 2, max_sessions=1) as (one, other):
        await one.doorway.start(SOMEBODY)
        await one.doorway.start(SOMEBODY)
        assert (one.sessions.count, other.sessions.count) == (1, 1)
        await asyncio.sleep(BEAT_SECS * 2)
        with pytest.raises(DoorError) as full:
            await one.doorway.start(SOMEBODY)
        assert (full.value.code, full.value.retry_after_secs) == ("server_full", 10)


async def test_another_member_goes_on_with_what_a_lost_one_had(redis: str) -> None:
    """In the same room, with another bot, knowing what was said; and exactly one does."""
    async with cluster_of(redis, 3) as nodes:
        ways = [await nodes[0].doorway.start(SOMEBODY) for _ in range(3)]
        lost = nodes[1]
        (running,) = lost.sessions.all()
        bot = running.bot_identity
        running.placed.lines = [Line("user", "Forty bags, please.")]
        running.placed.grown.set()
        await asyncio.sleep(0.1)
        await lost.vanish()
        first, third = nodes[0], nodes[2]
        await until(lambda: first.sessions.count + third.sessions.count == 3)
        (taken,) = (
            one
            for node in (first, third)
            for one in node.sessions.all()
            if one.session_id == running.session_id
        )
        assert taken.room == running.room
        assert taken.bot_identity != bot
        assert bot in first.rooms.removed + third.rooms.removed
        assert taken.said == [Line("user", "Forty bags, please.")]
        assert first.membership.rescued + third.membership.rescued == 1
        way = next(one for one in ways if one.session_id == running.session_id)
        assert (await third.doorway.resume(way.token, SOMEBODY)).room == running.room

        # The lost one comes back to life: its bot leaves, and the room is not its own any more.
        await lost.membership._beat()
        assert running.placed.reason is EndReason.ROOM_CLOSED
        assert lost.sessions.all() == []
        await running.task
        assert running.room in lost.rooms.rooms


async def test_a_session_that_is_here_is_not_begun_once_more(redis: str) -> None:
    """Who gives away what is not its own any more changes nothing where it goes on."""
    async with cluster_of(redis, 1) as (node,):
        await node.doorway.start(SOMEBODY)
        (running,) = node.sessions.all()
        taking = Taking(home=Home.of(running), is_lost=False, lines=[])
        assert await node.sessions.take_over(taking.running())
        assert node.sessions.all() == [running]
        assert node.rooms.removed == []
        # A bot that has not gone yet is in the way of another one of the same session.
        running.placed.end(EndReason.ROOM_CLOSED)
        assert not await node.sessions.take_over(taking.running())


async def test_who_cannot_be_carried_on_is_let_go(redis: str) -> None:
    """Where nobody has room the conversation's room is deleted, so that its caller is told."""
    async with cluster_of(redis, 2, max_sessions=1) as (one, other):
        await one.doorway.start(SOMEBODY)
        await one.doorway.start(SOMEBODY)
        (running,) = other.sessions.all()
        await other.vanish()
        await until(lambda: running.room not in one.rooms.rooms)
        assert (one.membership.rescued, one.membership.given_up) == (0, 1)


async def test_a_member_that_stops_gives_its_sessions_away(redis: str) -> None:
    """Told to stop, it has them carried on elsewhere, and refuses new ones."""
    async with cluster_of(redis, 2) as (one, other):
        await one.doorway.start(SOMEBODY)
        await one.doorway.start(SOMEBODY)
        leaving = other
        leaving.sessions.take_no_more()
        giving = asyncio.create_task(leaving.doorway.hand_over())
        await until(lambda: one.sessions.count == 2)
        # Its bot was removed: in a real room the session ends by that.
        for running in leaving.sessions.all():
            running.placed.end(EndReason.ROOM_CLOSED)
        await giving
        assert leaving.sessions.count == 0
        assert len(one.rooms.rooms) == 2


async def test_while_redis_is_away_members_work_alone(tmp_path: Path) -> None:
    """Sessions are started where they are asked for, and nobody is taken for lost for it."""
    port = free_port()
    async with AsyncExitStack() as stack:
        async with redis_server(port, tmp_path) as url:
            nodes = await stack.enter_async_context(cluster_of(url, 2))
        one, other = nodes
        for node in nodes:
            await until(lambda node=node: node.membership._steady_since is None)
        await one.sessions.start(SOMEBODY)
        assert one.sessions.count == 1
        async with redis_server(port, tmp_path):
            for node in nodes:
                await until(lambda node=node: node.membership._steady_since is not None)
            await asyncio.sleep(LOST_AFTER_SECS + 1)
            assert (one.sessions.count, one.membership.given_up) == (1, 0)
            assert (other.membership.rescued, other.membership.given_up) == (0, 0)
            await one.sessions.drain()


async def test_only_members_are_answered(redis: str) -> None:
    """No signature, another key, path, body or time: each is an address where there is nothing."""
    async with cluster_of(redis, 1) as (node,), aiohttp.ClientSession() as http:
        url = node.membership.me().url
        body = Starting(visitor=SOMEBODY, record=False).model_dump_json().encode()
        key = key_of(SECRET)
        for signed in (
            "",
            "Bearer ",
            f"Bearer {signature(key_of('x' * 40), START, body)}",
            f"Bearer {signature(SECRET.encode(), START, body)}",
            f"Bearer {signature(key, LEAVE, body)}",
            f"Bearer {signature(key, START, body + b' ')}",
        ):
            headers = {"Authorization": signed}
            async with http.post(f"{url}{START}", data=body, headers=headers) as answer:
                assert answer.status == 404
                assert (await answer.json())["error"]["code"] == "not_found"
        assert node.sessions.count == 0
        headers = {"Authorization": f"Bearer {signature(key, START, b'{}')}"}
        async with http.post(f"{url}{START}", data=b"{}", headers=headers) as answer:
            assert (await answer.json())["error"]["code"] == "invalid_body"


async def test_a_member_that_does_not_answer_is_not_asked_again_at_once(redis: str) -> None:
    """Another one takes the session that it was asked for."""
    async with cluster_of(redis, 2) as (one, _other):
        gone = Member(id="gone", url=f"http://127.0.0.1:{free_port()}", sessions=0, max_sessions=99)
        one.membership.view._members["gone"] = gone
        for _ in range(3):
            await one.doorway.start(SOMEBODY)
        assert gone not in one.membership.view.ranked(one.membership.me())
        async with Peers(key_of(SECRET)) as peers:
            with pytest.raises(PeerError):
                await peers.leave(gone, Leaving(token="t"))
