"""A session that goes on elsewhere: its server is lost, or gives it away."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from bot.lines import Line
from bot.reasons import EndReason
from server import attendant
from server.cluster import membership
from server.cluster.membership import BEAT_SECS
from server.cluster.notes import Home, Taking
from server.running import Running
from server.sessions import MAX_LOST_IN_A_ROW
from tests.server.members import SOMEBODY, cluster_of, until

pytestmark = pytest.mark.anyio


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
        await until(lambda: len(first.sessions.all()) + len(third.sessions.all()) == 3)
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


async def test_a_lost_member_s_sessions_wait_for_room(redis: str) -> None:
    """Nobody has room at first; somebody who has it in time goes on."""
    async with cluster_of(redis, 2, max_sessions=1) as (one, other):
        await one.doorway.start(SOMEBODY)
        await one.doorway.start(SOMEBODY)
        (mine,) = one.sessions.all()
        (running,) = other.sessions.all()
        await other.vanish()
        rescue = f"rescue of {other.roster.id}"
        await until(lambda: rescue in {task.get_name() for task in one.membership._tasks})
        await asyncio.sleep(BEAT_SECS)
        assert running.room in one.rooms.rooms
        mine.placed.end(EndReason.USER_LEFT)
        await until(lambda: one.membership.rescued == 1)
        (taken,) = one.sessions.all()
        assert taken.room == running.room


async def test_who_cannot_be_carried_on_is_let_go(
    redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody has room the conversation's room is deleted, so that its caller is told."""
    monkeypatch.setattr(membership, "PLACE_TIMEOUT_SECS", 0)
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


async def test_a_bot_that_leaves_before_the_next_one_is_settled_leaves_the_room(redis: str) -> None:
    """Whoever gives a session away does not end it, however long the other one needs."""
    async with cluster_of(redis, 2) as (one, leaving):
        await one.doorway.start(SOMEBODY)
        await one.doorway.start(SOMEBODY)
        (running,) = leaving.sessions.all()

        async def leaves(_identity: str) -> None:
            running.placed.end(EndReason.ROOM_CLOSED)
            await running.placed.ended.wait()
            await asyncio.wait({running.task}, timeout=0.3)

        one.rooms.on_removed = leaves
        leaving.sessions.take_no_more()
        await leaving.doorway.hand_over()
        assert leaving.sessions.count == 0
        assert running.room in one.rooms.rooms
        assert await one.roster.home_of(running.identity) == one.roster.id


async def test_a_session_that_nobody_takes_ends_where_it_is(redis: str) -> None:
    """Given away in vain, it goes on until its server has gone, and its room with it."""
    async with cluster_of(redis, 2, max_sessions=1) as (one, leaving):
        await one.doorway.start(SOMEBODY)
        await one.doorway.start(SOMEBODY)
        (running,) = leaving.sessions.all()
        await leaving.doorway.hand_over()
        assert leaving.sessions.all() == [running]
        await leaving.sessions.drain()
        assert running.room not in one.rooms.rooms
        assert await one.roster.home_of(running.identity) is None


async def test_a_server_without_a_process_has_another_one_go_on(redis: str) -> None:
    """Its process has died and the next one loads: whoever has one takes the conversation."""
    async with cluster_of(redis, 2) as (one, other):
        way = await other.sessions.start(SOMEBODY)
        (running,) = other.sessions.all()
        running.placed.lines = [Line("user", "Forty bags, please.")]
        pid = other.pool.processes[0].pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        await until(lambda: one.sessions.count == 1)
        await running.task
        (taken,) = one.sessions.all()
        assert (taken.session_id, taken.lost) == (way.session_id, 1)
        assert taken.said == [Line("user", "Forty bags, please.")]
        assert running.room in one.rooms.rooms


async def test_a_bot_that_does_not_come_to_take_the_place_of_another_is_replaced(
    redis: str,
) -> None:
    """LiveKit may refuse it once; one that takes each process with it is not tried for ever."""
    async with cluster_of(redis, 1) as (node,):
        running = Running("0" * 16, SOMEBODY, room="refused once")
        taking = Taking(home=Home.of(running), is_lost=True, lines=[Line("user", "Hello.")])
        assert await node.sessions.take_over(taking.running())
        (going_on,) = node.sessions._running.values()
        refused = going_on.placed
        await until(lambda: going_on.placed is not refused)
        await going_on.placed.ready.wait()
        assert node.sessions.all() == [going_on]
        assert going_on.said == [Line("user", "Hello.")]

        deadly = Running("1" * 16, SOMEBODY, room="crash")
        taking = Taking(home=Home.of(deadly), is_lost=True, lines=[])
        assert await node.sessions.take_over(taking.running())
        await until(lambda: deadly.room not in node.rooms.rooms)
        assert deadly.session_id not in node.sessions._running


async def test_losses_before_a_bot_that_is_well_do_not_count(
    redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has stayed, or its server gives it away: the next loss is the first one again."""
    monkeypatch.setattr(attendant, "WELL_AFTER_SECS", 0.1)
    async with cluster_of(redis, 2) as (one, leaving):
        session = Running("2" * 16, SOMEBODY, lost_in_a_row=MAX_LOST_IN_A_ROW)
        taking = Taking(home=Home.of(session), is_lost=False, lines=[])
        assert await leaving.sessions.take_over(taking.running())
        (running,) = leaving.sessions.all()
        await until(lambda: running.lost_in_a_row == 0)
        (noted,) = await leaving.roster.homes(leaving.roster.id)
        assert noted.lost_in_a_row == 0

        running.lost_in_a_row = MAX_LOST_IN_A_ROW
        leaving.sessions.take_no_more()
        giving = asyncio.create_task(leaving.sessions.hand_over())
        await until(lambda: one.sessions.count == 1)
        running.placed.end(EndReason.ROOM_CLOSED)
        await giving
        (given,) = one.sessions.all()
        assert given.lost_in_a_row == 0
