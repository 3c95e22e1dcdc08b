"""What a hostile bot, or one of tomorrow, sends through a real room: text at most."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from livekit import api, rtc

from local.livekit import LiveKitServer
from tests.e2e.browsers.conftest import Call
from tests.e2e.conftest import OpenDoor
from tests.e2e.site import embedding_site

pytestmark = pytest.mark.anyio

# A LiveKit packet has 64,000 bytes, its own head among them.
MAX_BYTES = 63_900
# How often the newcomer says hello before the page knows who speaks.
HELLO_SECS = 0.2
MARKUP = "<img src=x onerror=alert(1)><script>alert(2)</script> "
BIDI = "\u202egnirts\u202c \u2066\u2067 \u200f" + "\u0301" * 40
LINKS = "javascript:alert(1) data:text/html,x https://evil.example/ https://shop.example/lots "


def message(kind: str, data: Any) -> bytes:
    packet = {"label": "rtvi-ai", "type": kind, "data": data}
    return json.dumps(packet, ensure_ascii=False).encode()


def said(number: int, text: str) -> bytes:
    return message("bot-output", {"text": text, "segment_id": number, "will_be_spoken": False})


def heard(text: str) -> bytes:
    return message("user-input", {"text": text, "input_type": "transcription", "final": True})


def filled(pattern: str, start: str) -> str:
    """Return text that makes a packet as large as packets can be."""
    room = MAX_BYTES - len(heard(start)) - 200
    return start + (pattern * room).encode()[:room].decode(errors="ignore")


HOSTILE = [
    b"\xff\xfe",
    b"[]",
    b"{" * 60_000,
    message("of-tomorrow", {"a": [None] * 9}),
    message("bot-output", 7),
    message("user-input", {"text": {"a": 1}, "input_type": [], "final": "yes"}),
    message("error", {"error": {"a": 1}}),
    message("llm-function-call-in-progress", {"function_name": "constructor", "arguments": "x"}),
    message("server-message", {"type": "session-ended", "reason": {"a": 1}})[:-1],
    said(901, MARKUP),
    said(902, LINKS),
    said(903, BIDI),
    heard(filled(MARKUP, "markup of 64 KB: ")),
    said(904, filled(BIDI, "bidi of 64 KB: ")),
    said(905, filled("x", "one word of 64 KB: ")),
    said(906, "after all of it"),
]


@asynccontextmanager
async def second_bot(livekit: LiveKitServer) -> AsyncGenerator[rtc.Room]:
    """Another agent in the only room that there is."""
    keys = (livekit.api_key, livekit.api_secret)
    async with api.LiveKitAPI(livekit.url, *keys) as client:
        (found,) = (await client.room.list_rooms(api.ListRoomsRequest())).rooms
    grants = api.VideoGrants(room_join=True, room=found.name)
    token = api.AccessToken(*keys).with_identity("bot-hostile").with_kind("agent")
    room = rtc.Room()
    await room.connect(livekit.url, token.with_grants(grants).to_jwt())
    try:
        yield room
    finally:
        await room.disconnect()


async def test_hostile_packets_from_the_bots_side(
    open_door: OpenDoor, livekit: LiveKitServer, visit: Call
) -> None:
    """Markup, bidi, 64 KB, garbage, unknown messages: text at most, and the call goes on."""
    async with (
        embedding_site(open_door, 'links="https://shop.example"') as (site, door),
        visit(site) as visitor,
    ):
        await visitor.begin_call()
        async with second_bot(livekit) as room:
            # What comes before LiveKit has told the page of the newcomer is nobody's, and dropped.
            hello = asyncio.create_task(visitor.see("I am new here"))
            while not hello.done():
                await room.local_participant.publish_data(said(900, "I am new here"))
                await asyncio.wait([hello], timeout=HELLO_SECS)
            hello.result()
            for payload in HOSTILE:
                assert len(payload) <= MAX_BYTES
                await room.local_participant.publish_data(payload, reliable=True)
            await visitor.see("after all of it")
            log = await visitor.log()
            for text in ("onerror=alert(1)", "markup of", "gnirts", "bidi of", "one word of"):
                assert text in log
            # 64 KB are cut to what somebody could read.
            assert len(log) < 15_000
            inside = "eyes.root().querySelector('[role=log]')"
            assert await visitor.evaluate(f"{inside}.querySelectorAll('img, script').length") == 0
            links = await visitor.evaluate(f"[...{inside}.querySelectorAll('a')].map(String)")
            assert links == ["https://shop.example/lots"]
            overflow = "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)"
            assert await visitor.evaluate(f"{overflow}(eyes.root().querySelector('.scroll'))") == 0
            await visitor.ask("What is a lot?")
            await visitor.see("here is what I found")
            await visitor.end_call()
        await door.empty()
