"""How sessions begin and end, on a real LiveKit server; none leaves anything running."""

from __future__ import annotations

import contextlib

import aiohttp
import pytest
from livekit import api

from local.caller import Caller, ConnectError, connect
from local.livekit import LiveKitServer
from tests.e2e.conftest import Door, OpenDoor, Wire

pytestmark = pytest.mark.anyio


async def rooms_of(livekit: LiveKitServer) -> list[str]:
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        rooms = await client.room.list_rooms(api.ListRoomsRequest())
        return [room.name for room in rooms.rooms]


async def delete_room(livekit: LiveKitServer, name: str) -> None:
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as client:
        await client.room.delete_room(api.DeleteRoomRequest(room=name))


async def test_leaving_ends_the_session(open_door: OpenDoor, livekit: LiveKitServer) -> None:
    """When the user has left and the grace is over, bot and room are gone."""
    async with open_door() as door:
        async with Caller(await connect(door.url)) as caller:
            await caller.ready()
            assert door.sessions.count == 1
        await door.empty()
        assert await rooms_of(livekit) == []


@pytest.mark.widget
async def test_a_reload_comes_back_to_the_same_conversation(open_door: OpenDoor) -> None:
    """With the old token a user gets back into the live session, and is not greeted again."""
    async with open_door(reconnect_grace_secs=10) as door:
        first = await connect(door.url)
        async with Caller(first) as caller:
            await caller.ready()
            await caller.wait_for("bot-stopped-speaking")
        second = await connect(door.url, {"resume": first.token})
        assert (second.session_id, second.room) == (first.session_id, first.room)
        async with Caller(second) as caller:
            await caller.ready()
            await caller.send("send-text", {"content": "Hello"})
            await caller.wait_for("bot-stopped-speaking")
            await caller.quiet(0.6)
            assert len(caller.of_type("bot-started-speaking")) == 1
            assert door.sessions.count == 1


async def leave(door: Door, token: str) -> int:
    async with aiohttp.ClientSession() as http:
        data = token.encode()
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        async with http.post(f"{door.url}/leave", data=data, headers=headers) as answer:
            return answer.status


async def test_a_page_that_says_it_goes_is_taken_at_its_word(open_door: OpenDoor) -> None:
    """The user is out of the room at once, by the token that was given out last and no other."""
    async with open_door(reconnect_grace_secs=10) as door:
        first = await connect(door.url)
        async with Caller(first) as caller:
            await caller.ready()
            second = await connect(door.url, {"resume": first.token})
            for stale in (first.token, "", "no token", "t" * 4000):
                assert await leave(door, stale) == 204
            await caller.send("send-text", {"content": "Hello"})
            await caller.wait_for("bot-stopped-speaking", count=2)
            assert await leave(door, second.token) == 204
            await caller.until(caller.disconnected.is_set, 5)
        assert await leave(door, "t" * 20_000) == 413
        third = await connect(door.url, {"resume": second.token})
        async with Caller(third) as caller:
            await caller.ready()
            assert door.sessions.count == 1


async def test_an_ended_session_cannot_be_resumed(open_door: OpenDoor) -> None:
    """After the end an old token opens nothing."""
    async with open_door() as door:
        invitation = await connect(door.url)
        async with Caller(invitation) as caller:
            await caller.ready()
            await caller.send("disconnect-bot")
            await caller.disconnected.wait()
        await door.empty()
        with pytest.raises(ConnectError) as refusal:
            await connect(door.url, {"resume": invitation.token})
        assert (refusal.value.status, refusal.value.code) == (410, "session_gone")


async def test_deleting_the_room_ends_the_session(
    open_door: OpenDoor, livekit: LiveKitServer
) -> None:
    """When an operator deletes the room the bot leaves at once."""
    async with open_door() as door:
        invitation = await connect(door.url)
        async with Caller(invitation) as caller:
            await caller.ready()
            await delete_room(livekit, invitation.room)
            await door.empty()


async def test_a_conversation_outlives_a_restart_of_livekit(
    open_door: OpenDoor, livekit: LiveKitServer
) -> None:
    """Both sides come back to the room, which LiveKit had forgotten, and the talk goes on."""
    async with open_door(reconnect_grace_secs=10) as door:
        async with Caller(await connect(door.url)) as caller:
            await caller.ready()
            await caller.wait_for("bot-stopped-speaking")
            await livekit.stop(0)
            await caller.until(lambda: not caller.bot_present, 5)
            await livekit.restart()
            await caller.present(20)
            await caller.send("send-text", {"content": "What is a lot?"})
            await caller.wait_for("bot-started-speaking", count=2)
            # It is the same conversation: nobody was greeted again.
            said = [one["data"]["text"] for one in caller.of_type("bot-transcription")]
            assert said.count("Hello.") == 1
            assert await rooms_of(livekit) == [caller.invitation.room]
            await caller.send("disconnect-bot")
            await caller.until(caller.disconnected.is_set, 10)
        await door.empty()
        assert await rooms_of(livekit) == []


async def test_a_session_nobody_joins_ends(open_door: OpenDoor, livekit: LiveKitServer) -> None:
    """An invitation that nobody uses costs a bot for a bounded time only."""
    async with open_door(join_timeout_secs=0.5) as door:
        await connect(door.url)
        assert door.sessions.count == 1
        await door.empty()
        assert await rooms_of(livekit) == []


@pytest.mark.widget
async def test_a_session_without_microphone_or_word_ends(open_door: OpenDoor) -> None:
    """Who only sits in the room is let go and counted; one typed word keeps the session."""
    async with open_door(silent_secs=4, max_sessions=1) as door:
        async with Caller(await connect(door.url), microphone=False) as caller:
            await caller.ready()
            ended = await caller.wait_for("server-message")
            assert ended["data"] == {"type": "session-ended", "reason": "silent"}
        await door.empty()
        async with aiohttp.ClientSession() as http, http.get(f"{door.url}/metrics") as answer:
            assert 'voice_silent_sessions_total{site="own"} 1.0' in await answer.text()
        async with Caller(await connect(door.url), microphone=False) as caller:
            await caller.ready()
            await caller.send("send-text", {"content": "Hello"})
            await caller.wait_for("bot-stopped-speaking", count=2)
            await caller.quiet(4.5)
            assert not caller.of_type("server-message")


async def test_a_flood_of_data_is_dropped(open_door: OpenDoor) -> None:
    """Floods, nonsense and typed lines without end have their codes, and the session goes on."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        await caller.send_raw(b"[" * 10_000)
        refused = await caller.wait_for("error")
        assert refused["data"]["error"] == "invalid_message"
        for number in range(200):
            await caller.send("client-message", {"t": "page-context", "d": number})
        refused = await caller.wait_for("error", count=2)
        assert refused["data"]["error"] == "too_many_messages"
        await caller.quiet(1.5)
        for _ in range(7):
            await caller.send("send-text", {"content": "Hello"})
        refused = await caller.wait_for("error", count=3)
        assert refused["data"]["error"] == "too_many_texts"


async def test_silence_ends_the_session(open_door: OpenDoor) -> None:
    """When nobody speaks for long the bot says why and leaves."""
    async with open_door(session_idle_secs=1.5) as door:
        async with Caller(await connect(door.url)) as caller:
            await caller.ready()
            ended = await caller.wait_for("server-message")
            assert ended["data"] == {"type": "session-ended", "reason": "idle"}
        await door.empty()


async def test_a_session_has_a_maximum_length(open_door: OpenDoor) -> None:
    """However lively, a session ends at its maximum length, and the client is told."""
    async with open_door(session_max_secs=2) as door:
        async with Caller(await connect(door.url)) as caller:
            await caller.ready()
            ended = await caller.wait_for("server-message")
            assert ended["data"]["reason"] == "max_length"
        await door.empty()


async def test_stopping_the_server_ends_sessions(
    open_door: OpenDoor, livekit: LiveKitServer
) -> None:
    """A stop tells every client, takes every bot out and deletes every room."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await door.stop()
        ended = await caller.wait_for("server-message")
        assert ended["data"]["reason"] == "shutdown"
        await caller.disconnected.wait()
        assert await rooms_of(livekit) == []


async def test_a_full_server_says_so(open_door: OpenDoor) -> None:
    """One session more than allowed is refused at once, with a time to come back."""
    async with open_door(max_sessions=1) as door:
        await connect(door.url)
        with pytest.raises(ConnectError) as refusal:
            await connect(door.url)
        assert (refusal.value.status, refusal.value.code) == (503, "server_full")
        assert refusal.value.retry_after_secs == 10


async def test_a_second_human_does_not_get_in(open_door: OpenDoor) -> None:
    """A token used twice replaces its first user; the room never holds two humans."""
    async with open_door() as door:
        invitation = await connect(door.url)
        async with Caller(invitation) as first:
            await first.ready()
            async with Caller(invitation) as second:
                await first.disconnected.wait()
                await second.ready()


async def test_a_wrong_secret_is_a_clear_refusal(open_door: OpenDoor) -> None:
    """With a secret that LiveKit does not accept, /connect says so and nothing is left."""
    async with open_door(livekit_api_secret="w" * 40) as door:
        with pytest.raises(ConnectError) as refusal:
            await connect(door.url)
        assert (refusal.value.status, refusal.value.code) == (503, "livekit_unreachable")
        assert door.sessions.count == 0


async def test_a_refused_speech_key_is_a_clear_refusal(
    open_door: OpenDoor, wire: Wire, livekit: LiveKitServer
) -> None:
    """When Deepgram refuses the key the caller learns it, and no bot is left waiting."""
    await wire.fail(stt={"fault": "refuse", "status": 401})
    async with open_door() as door:
        with contextlib.suppress(ConnectError):  # refused at once, or just after the answer
            async with Caller(await connect(door.url)) as caller:
                await caller.until(caller.disconnected.is_set, 10)
        await door.empty()
        assert await rooms_of(livekit) == []


async def test_a_start_that_failed_makes_the_next_answer_wait(
    open_door: OpenDoor, wire: Wire
) -> None:
    """Only the first caller after a key was withdrawn is let in; the next one is refused."""
    async with open_door() as door:
        async with Caller(await connect(door.url)) as caller:
            await caller.ready()
        await door.empty()
        await wire.fail(stt={"fault": "refuse", "status": 401})
        await connect(door.url)
        await door.empty()
        with pytest.raises(ConnectError) as refusal:
            await connect(door.url)
        assert (refusal.value.status, refusal.value.code) == (503, "bot_unavailable")
        await wire.heal()
        async with Caller(await connect(door.url)) as caller:
            await caller.ready()


@pytest.mark.widget
async def test_a_refused_model_key_is_told_in_words(open_door: OpenDoor, wire: Wire) -> None:
    """When Groq refuses the key the bot says that it cannot answer; it answers when it can."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        await wire.fail(llm={"fault": "status", "code": 401})
        await caller.send("send-text", {"content": "What is a lot?"})
        assert (await caller.wait_for("error"))["data"]["error"] == "llm_failed"
        await caller.wait_for("bot-stopped-speaking", count=2)
        await wire.heal()
        await caller.send("send-text", {"content": "What is a lot?"})
        await caller.wait_for("bot-stopped-speaking", count=3)
