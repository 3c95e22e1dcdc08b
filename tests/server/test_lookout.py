"""A LiveKit node is lost: whose bot has not noticed it gets another one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from annotated_types import Le

from bot.reasons import EndReason
from bot.settings import BotSettings
from server import lookout
from server.rooms import EMPTY_TIMEOUT_SECS, _request
from tests.server.members import SOMEBODY, Node, cluster_of, until

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


async def test_the_alarm_of_one_bot_finds_the_others(node: Node) -> None:
    """Its room is on the lost node, a second one's, too; the third one's node lives."""
    aware, unaware, elsewhere = node.sessions.all()
    way = unaware.way_in(node.sessions._keys)
    lost = unaware.placed
    node.rooms.out_of_reach = {aware.room, unaware.room}
    aware.placed.drifts()
    await lost.ended.wait()
    assert lost.reason is EndReason.ROOM_LOST

    # Its page asks for the call again while LiveKit still gives the room to the lost node.
    assert (await node.doorway.resume(way.token, SOMEBODY)).room == unaware.room
    node.rooms.out_of_reach = set()
    await until(lambda: unaware.placed is not lost)
    assert unaware in node.sessions.all()
    assert aware.placed.reason is None
    assert elsewhere.placed.reason is None


async def test_where_all_of_livekit_is_away_nobody_is_taken_for_lost(node: Node) -> None:
    """Bots come back by themselves when it is there again."""
    aware, *others = node.sessions.all()
    node.rooms.is_away = True
    aware.placed.drifts()
    watch = node.sessions._lookout
    await until(lambda: watch._looking is not None)
    assert watch._looking
    await asyncio.wait({watch._looking}, timeout=5)
    assert [one.placed.reason for one in others] == [None, None]
    node.rooms.is_away = False


def test_a_room_that_moves_stays_open_for_its_visitor() -> None:
    """LiveKit counts from its first making: it may be empty for as long as a session lasts."""
    assert _request("room", is_old=False).empty_timeout == EMPTY_TIMEOUT_SECS
    field = BotSettings.model_fields["session_max_secs"]
    (longest,) = [rule.le for rule in field.metadata if isinstance(rule, Le)]
    assert _request("room", is_old=True).empty_timeout >= longest
