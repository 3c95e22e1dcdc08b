"""A call that a signed-in user agreed to have kept, from the door to the file and back."""

from __future__ import annotations

import asyncio
import io
import wave
from pathlib import Path

import aiohttp
import pytest

from examples.sign_in import sign_in
from local.caller import Caller, connect
from tests.e2e.conftest import Door, OpenDoor
from tests.replay.recording import load_recording

pytestmark = pytest.mark.anyio

SITE, KEY = "https://dashboard.example", "k" * 32
QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm


def ama() -> str:
    return sign_in("ama", site=SITE, key=KEY)


async def fetched(door: Door, path: str) -> bytes:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {ama()}"}) as http,
        http.get(f"{door.url}{path}") as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def test_a_call_is_kept_by_its_users_leave(open_door: OpenDoor, tmp_path: Path) -> None:
    """Words and both voices are there when the call is over, for the user whose they are."""
    kept = {"transcripts_dir": tmp_path / "kept", "transcripts_sound": True}
    async with open_door(**kept, sign_in_keys={SITE: (KEY,)}) as door:
        asking = {"credential": ama(), "record": True}
        invitation = await connect(door.url, asking, origin=SITE)
        assert invitation.recorded
        async with Caller(invitation) as caller:
            await caller.ready()
            await caller.wait_for("bot-stopped-speaking")
            await caller.say(QUESTION)
            await caller.wait_for("bot-stopped-speaking", count=2)
        await door.empty()
        listed = await fetched(door, "/transcripts")
        assert invitation.session_id.encode() in listed
        words = await fetched(door, f"/transcripts/{invitation.session_id}")
        assert b'"role":"user"' in words
        sound = await fetched(door, f"/transcripts/{invitation.session_id}/sound")
        with wave.open(io.BytesIO(sound)) as file:
            assert file.getnchannels() == 2
            assert file.getnframes() > len(QUESTION) // 2


async def test_nothing_else_is_kept(open_door: OpenDoor, tmp_path: Path) -> None:
    """Neither of who did not agree, nor of who did not sign in and could never ask for it."""
    kept, public = tmp_path / "kept", "https://www.example"
    doors = {"sign_in_keys": {SITE: (KEY,)}, "allowed_origins": (public,), "max_sessions": 3}
    async with open_door(transcripts_dir=kept, **doors) as door:
        for body, origin in (
            ({"credential": ama()}, SITE),
            ({"credential": ama(), "record": False}, SITE),
            ({"record": True}, public),
        ):
            assert not (await connect(door.url, body, origin=origin)).recorded
    assert await asyncio.to_thread(lambda: list(kept.iterdir())) == []
