"""Session processes that die under live conversations, on a real LiveKit server."""

from __future__ import annotations

import os
import signal

import aiohttp
import pytest

from local.caller import Caller, connect
from local.livekit import LiveKitServer
from server.process import SessionProcess
from tests.e2e.cluster.talker import Talker
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


async def test_a_process_that_dies_takes_no_conversation_with_it(
    open_door: OpenDoor, livekit: LiveKitServer
) -> None:
    """Its caller stays, another bot goes on knowing what was said; the others notice nothing."""
    async with (
        open_door(session_processes=2, max_sessions=4) as door,
        Talker(door.url, "I sell 42 bags") as first,
        Talker(door.url, "I buy 7 bags") as second,
    ):
        dying, living = process_of(door, first.caller), process_of(door, second.caller)
        assert dying is not living
        assert dying.pid
        os.kill(dying.pid, signal.SIGKILL)
        await first.back(0)
        assert first.caller.invitation.session_id in living.sessions
        assert await first.is_remembered()
        assert await second.is_remembered()
        for talker in (first, second):
            assert not talker.caller.disconnected.is_set()
            assert talker.caller.invitation.room in await rooms_of(livekit)

        await dying.gone.wait()
        successor = next(one for one in door.pool.processes if one is not living)
        await successor.warm.wait()
        assert {"voice_process_restarts_total 1.0", "voice_processes_warm 2.0"} <= await metrics(
            door
        )
        async with Caller(await connect(door.url)) as third:
            await third.ready()
            assert third.invitation.session_id in successor.sessions
        await first.caller.send("disconnect-bot")
        await first.caller.until(first.caller.disconnected.is_set, 5)
        assert 'voice_session_errors_total{code="bot_lost"} 1.0' in await metrics(door)


@pytest.mark.widget
async def test_where_there_is_one_process_its_successor_goes_on(open_door: OpenDoor) -> None:
    """The caller waits as long as a process takes to load, and is remembered.

    Who only types has said something to the first bot: the second one does not take them for
    nobody.
    """
    async with (
        open_door(session_processes=1, silent_secs=4) as door,
        Talker(door.url, "I sell 42 bags") as talker,
    ):
        (dying,) = door.pool.processes
        assert dying.pid
        os.kill(dying.pid, signal.SIGKILL)
        await talker.back(0)
        with pytest.raises(TimeoutError):
            await talker.caller.until(talker.caller.disconnected.is_set, 5)
        assert await talker.is_remembered()


async def test_a_conversation_that_kills_processes_is_let_go(
    open_door: OpenDoor, livekit: LiveKitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some it is over: the room is closed, and its caller sees that."""
    monkeypatch.setattr("server.sessions.MAX_LOST_IN_A_ROW", 0)
    async with (
        open_door(session_processes=1) as door,
        Talker(door.url, "I sell 42 bags") as talker,
    ):
        (dying,) = door.pool.processes
        assert dying.pid
        os.kill(dying.pid, signal.SIGKILL)
        await talker.caller.until(talker.caller.disconnected.is_set, 5)
        await door.empty()
        assert talker.caller.invitation.room not in await rooms_of(livekit)
        assert 'voice_session_ends_total{reason="crashed"} 1.0' in await metrics(door)
        await dying.gone.wait()
        await next(one for one in door.pool.processes if one is not dying).warm.wait()
