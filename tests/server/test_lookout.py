"""A LiveKit node is lost: whose bot has not noticed it gets another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from annotated_types import Le

from bot.reasons import EndReason
from bot.settings import BotSettings
from server import lookout
from server.errors import DoorError
from server.rooms import EMPTY_TIMEOUT_SECS, _request
from tests.server.members import SOMEBODY, Book, Node, cluster_of, until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def node(redis: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    """A server with three sessions; their first bot will have lost its connection."""
    monkeypatch.setattr(lookout, "SILENT_SECS", 0.1)
    async with cluster_of(redis, 1) as (node,):
        for _ in range(3):
            await node.doorway.start(SOMEBODY)
        for running in node.sessions.all():
            await running.placed.ready.wait()
        yield node


async def test_the_alarm_of_one_bot_moves_all_that_are_lost(node: Node) -> None:
    """Its room is on the lost node, a second one's, too; the third one's node lives."""
    aware, unaware, elsewhere = node.sessions.all()
    lost = [(one, one.placed) for one in (aware, unaware)]
    old = {aware.room, unaware.room}
    node.rooms.out_of_reach = set(old)
    aware.placed.adrift.set()
    for one, first_bot in lost:
        await until(lambda one=one, first_bot=first_bot: one.placed is not first_bot)
        assert first_bot.reason is EndReason.ROOM_LOST
    assert {aware.room, unaware.room}.isdisjoint(old)
    assert aware.room != unaware.room
    assert len(node.sessions.all()) == 3
    assert elsewhere.placed.reason is None

    # Once nobody knocks there any more, LiveKit is told to forget them.
    assert old <= set(node.rooms._left_behind)
    here = {one.room for one in node.sessions.all()}
    assert here.isdisjoint(node.rooms._left_behind)


async def test_a_page_that_asks_for_its_call_gives_the_alarm(node: Node) -> None:
    """No bot has noticed anything yet; the page is led to the room that the session is in now."""
    running, *others = node.sessions.all()
    way = running.way_in(node.sessions._keys)
    node.rooms.out_of_reach = {way.room}
    again = await node.doorway.resume(way.token, SOMEBODY)
    assert again.room == running.room != way.room
    assert [one.placed.reason for one in others] == [None, None]


async def test_a_session_that_ends_while_its_page_asks_is_gone(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room that was asked for once too often is deleted again."""
    running, *_ = node.sessions.all()
    way = running.way_in(node.sessions._keys)

    async def is_held(_name: str) -> bool:
        running.placed.end(EndReason.USER_LEFT)
        await running.task
        return True

    monkeypatch.setattr(node.rooms, "is_held", is_held)
    with pytest.raises(DoorError) as refused:
        await node.doorway.resume(way.token, SOMEBODY)
    assert refused.value.code == "session_gone"
    assert running.room in node.rooms._left_behind


async def test_an_alarm_is_heard_by_all_members(
    redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two on the lost node one has noticed it: the other's session moves, too."""
    monkeypatch.setattr(lookout, "SILENT_SECS", 0.1)
    async with cluster_of(redis, 2) as nodes:
        for node in nodes:
            await node.doorway.start(SOMEBODY)
        aware, unaware = (node.sessions.all()[0] for node in nodes)
        await unaware.placed.ready.wait()
        old = unaware.room
        for node in nodes:
            node.rooms.out_of_reach = {aware.room, old}
        aware.placed.adrift.set()
        await until(lambda: unaware.room != old)
        assert nodes[1].sessions.lookout.alarms == 0


async def test_where_all_of_livekit_is_away_nobody_is_taken_for_lost(node: Node) -> None:
    """Bots come back by themselves when it is there again."""
    aware, *others = node.sessions.all()
    node.rooms.is_away = True
    aware.placed.adrift.set()
    watch = node.sessions.lookout
    await until(lambda: watch._looking is not None)
    assert watch._looking
    await asyncio.wait({watch._looking}, timeout=5)
    assert [one.placed.reason for one in others] == [None, None]
    node.rooms.is_away = False


async def test_a_room_is_made_where_a_node_lives() -> None:
    """LiveKit chooses the lost node at first; what it had is asked for once more, and deleted."""
    names: set[str] = set()
    async with Book(names) as book:
        book.choices_lost = 2
        made = await book.create("new")
        assert made != "new"
        assert len(book.out_of_reach) == 2
        assert book.out_of_reach < names
        assert set(book._left_behind) == names - {made}
        book.out_of_reach.clear()  # LiveKit has noticed the loss
    assert names == {made}


def test_a_room_that_moves_stays_open_for_its_visitor() -> None:
    """LiveKit counts from its first making: it may be empty for as long as a session lasts."""
    assert _request("room", is_old=False).empty_timeout == EMPTY_TIMEOUT_SECS
    field = BotSettings.model_fields["session_max_secs"]
    (longest,) = [rule.le for rule in field.metadata if isinstance(rule, Le)]
    assert _request("room", is_old=True).empty_timeout >= longest
