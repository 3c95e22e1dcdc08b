"""Several servers as one: real Redis, real HTTP between them, session processes of a few lines."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from local.processes import free_port
from server.cluster.membership import BEAT_SECS
from server.cluster.notes import Leaving, Member, Starting
from server.cluster.peers import LEAVE, START, PeerError, Peers
from server.cluster.roster import LOST_AFTER_SECS
from server.cluster.signing import key_of, signature
from server.doorkeeper import Visitor
from server.errors import DoorError
from tests.server.conftest import redis_server
from tests.server.members import SECRET, SOMEBODY, cluster_of, until

pytestmark = pytest.mark.anyio


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


async def test_each_member_knows_all_of_them(redis: str) -> None:
    """What an operator is shown: who is there, with how many sessions, and who takes no more."""
    async with cluster_of(redis, 2, doors=1, max_sessions=1) as (door, one, other):
        await one.sessions.start(SOMEBODY)
        await until(lambda: sum(who.sessions for who in door.doorway.neighbours()) == 1)
        shown = {who.url: who for who in door.doorway.neighbours()}
        assert [who.is_here for who in shown.values()].count(True) == 1
        urls = [node.membership.me().url for node in (door, one, other)]
        assert sorted(shown) == sorted(urls)
        assert [shown[url].refuses for url in urls] == ["bot_unavailable", "server_full", None]
        assert [shown[url].sessions for url in urls] == [0, 1, 0]
        assert shown[urls[0]].is_here


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
