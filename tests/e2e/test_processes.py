"""Session processes that die under live conversations, on a real LiveKit server."""

from __future__ import annotations

import os
import signal

import aiohttp
import pytest

from local.caller import Caller, connect
from local.livekit import LiveKitServer
from server.process import SessionProcess
from tests.e2e.conftest import Door, OpenDoor
from tests.e2e.test_lifecycle import rooms_of

pytestmark = pytest.mark.anyio


async def metrics(door: Door) -> set[str]:
    async with aiohttp.ClientSession() as http, http.get(f"{door.url}/metrics") as answer:
        return set((await answer.text()).splitlines())


def process_of(door: Door, caller: Caller) -> SessionProcess:
    """Return the process that holds the caller's session."""
    session_id = caller.invitation.session_id
    return next(one for one in door.pool.processes if session_id in one.sessions)


async def test_a_process_that_dies_takes_only_its_own_conversations(
    open_door: OpenDoor, livekit: LiveKitServer
) -> None:
    """Its callers are told at once, the others talk on, and new ones are let in meanwhile."""
    async with (
        open_door(session_processes=2, max_sessions=4) as door,
        Caller(await connect(door.url)) as first,
        Caller(await connect(door.url)) as second,
    ):
        await first.ready()
        await second.ready()
        dying, living = process_of(door, first), process_of(door, second)
        assert dying is not living
        assert dying.pid
        os.kill(dying.pid, signal.SIGKILL)
        await first.until(first.disconnected.is_set, 5)

        async with Caller(await connect(door.url)) as third:
            await third.ready()
            assert third.invitation.session_id in living.sessions
        await second.send("send-text", {"content": "What is a lot?"})
        await second.wait_for("bot-stopped-speaking", count=2)
        assert not second.disconnected.is_set()
        assert second.invitation.room in await rooms_of(livekit)
        assert first.invitation.room not in await rooms_of(livekit)

        await dying.gone.wait()
        successor = next(one for one in door.pool.processes if one is not living)
        await successor.warm.wait()
        assert 'voice_session_ends_total{reason="crashed"} 1.0' in await metrics(door)
        assert {"voice_process_restarts_total 1.0", "voice_processes_warm 2.0"} <= await metrics(
            door
        )
        async with Caller(await connect(door.url)) as fourth:
            await fourth.ready()
            assert fourth.invitation.session_id in successor.sessions
