"""A person and the bot in a real room; the providers answer after fixed times."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp
import pytest

from local.caller import Caller, connect
from tests.e2e.conftest import Door, OpenDoor, Wire
from tests.replay.recording import load_recording

pytestmark = pytest.mark.anyio


async def metrics_of(door: Door) -> dict[str, float]:
    """Return what /metrics says now, by line."""
    async with aiohttp.ClientSession() as http, http.get(f"{door.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    told = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in told}


QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm
SHORT = load_recording("one-moment-please").pcm


async def test_the_bot_greets_once(open_door: OpenDoor) -> None:
    """A caller who says twice that it is ready hears one greeting."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        await caller.quiet(0.6)
        assert len(caller.of_type("bot-started-speaking")) == 1
        assert caller.heard.last_speech() is not None


async def test_a_question_is_answered_aloud(open_door: OpenDoor) -> None:
    """A spoken question is transcribed to the client, and answered with sound and text."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        asked_at = await caller.say(QUESTION)
        await caller.wait_for("bot-stopped-speaking", count=2)
        assert caller.heard.first_speech_after(asked_at) is not None
        finals = [m for m in caller.of_type("user-transcription") if m["data"]["final"]]
        assert finals
        assert caller.of_type("bot-output")


async def test_what_a_conversation_takes_is_counted(open_door: OpenDoor) -> None:
    """Calls, audio, letters and their cost stand on /metrics while the session goes on."""
    async with (
        open_door(price_tts_1000_characters=1) as door,
        Caller(await connect(door.url)) as caller,
    ):
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        await caller.say(QUESTION)
        await caller.wait_for("bot-stopped-speaking", count=2)
        told = await metrics_of(door)
        assert told['voice_provider_calls_total{provider="stt"}'] == 1
        assert told['voice_provider_calls_total{provider="llm"}'] >= 1
        assert told['voice_provider_usage_total{unit="stt_secs"}'] > len(QUESTION) / 32_000
        letters = told['voice_provider_usage_total{unit="tts_characters"}']
        assert letters > 0
        cost = told['voice_provider_cost_total{provider="tts"}']
        assert cost == pytest.approx(letters / 1000)


async def test_speaking_interrupts_the_bot(open_door: OpenDoor) -> None:
    """The bot falls silent when the caller speaks into its answer, and then answers that."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await caller.wait_for("bot-started-speaking")
        await caller.say(SHORT)
        await caller.wait_for("bot-stopped-speaking")
        interrupted_at = caller.of_type("user-started-speaking")[0]["_at_secs"]
        stopped_at = caller.of_type("bot-stopped-speaking")[0]["_at_secs"]
        assert stopped_at - interrupted_at < 1
        await caller.wait_for("bot-started-speaking", count=2)


async def test_typed_text_is_answered(open_door: OpenDoor) -> None:
    """Text typed by a caller without a voice is answered in the same conversation."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        await caller.send("send-text", {"content": "What does an account cost?"})
        await caller.wait_for("bot-stopped-speaking", count=2)


REFUSED = [
    ("raw-audio", {"base64Audio": "AAAA", "sampleRate": 16000}, "unsupported_message"),
    ("client-message", {"t": "run", "d": "rm"}, "unsupported_message"),
    ("client-message", {"t": "page-context", "d": "x" * 5000}, "invalid_page_context"),
    ("client-message", {"t": "client-actions", "d": "all"}, "invalid_actions"),
    ("llm-function-call-result", {}, "unknown_call"),
    ("send-file", {"content": "x"}, "unsupported_message"),
    ("send-text", {"content": ""}, "invalid_text"),
    ("send-text", {"content": "x" * 2001}, "invalid_text"),
    ("send-text", {"content": 5}, "invalid_text"),
]


async def test_messages_that_no_client_needs_are_refused(open_door: OpenDoor) -> None:
    """Only the listed messages do anything; others get a code and nothing else."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        for count, (kind, data, error) in enumerate(REFUSED, start=1):
            await caller.send(kind, data)
            answer = await caller.wait_for("error-response", count)
            assert (kind, answer["data"]["error"]) == (kind, error)


async def test_garbage_on_the_data_channel_is_dropped(open_door: OpenDoor) -> None:
    """Bytes that are no RTVI message, or are too large, change nothing."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        for payload in (b"\xff\x00", b"{", b"[1]", b'{"label": "other", "type": "client-ready"}'):
            await caller.send_raw(payload)
        await caller.send_raw(json.dumps({"label": "rtvi-ai", "pad": "x" * 20_000}).encode())
        await caller.send("send-text", {"content": "Hello"})
        await caller.wait_for("bot-started-speaking")
        assert not caller.of_type("error-response")


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "status", "code": 429, "retry_after": 30, "times": 2},
        {"fault": "stall_before", "times": 2},
    ],
    ids=["429", "stall"],
)
@pytest.mark.widget
async def test_a_failed_answer_ends_in_speech(open_door: OpenDoor, wire: Wire, fault: dict) -> None:
    """When both models fail the bot apologises aloud, and the next turn works."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        await wire.fail(llm=fault)
        await caller.send("send-text", {"content": "What is a lot?"})
        failure = await caller.wait_for("error")
        assert failure["data"]["error"] == "llm_failed"
        await caller.wait_for("bot-stopped-speaking", count=2)
        await caller.send("send-text", {"content": "What is a lot?"})
        await caller.wait_for("bot-stopped-speaking", count=3)
        assert len(caller.of_type("error")) == 1


@pytest.mark.widget
async def test_the_fallback_model_saves_the_turn(open_door: OpenDoor, wire: Wire) -> None:
    """When the first model fails the second answers the same turn, and nothing is said of it."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        await wire.fail(llm={"fault": "status", "code": 503, "times": 1})
        await caller.send("send-text", {"content": "What is a lot?"})
        await caller.wait_for("bot-stopped-speaking", count=2)
        assert not caller.of_type("error")


async def test_muting_in_mid_word_ends_the_turn(open_door: OpenDoor) -> None:
    """A caller who mutes while speaking has fallen silent: the turn ends and is answered."""
    async with open_door() as door, Caller(await connect(door.url)) as caller:
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        saying = asyncio.create_task(caller.say(QUESTION))
        await caller.wait_for("user-started-speaking")
        caller.mute()
        muted_at = time.monotonic()
        ended = await caller.wait_for("user-stopped-speaking")
        assert ended["_at_secs"] - muted_at < 4
        await caller.wait_for("bot-started-speaking", count=2)
        saying.cancel()
