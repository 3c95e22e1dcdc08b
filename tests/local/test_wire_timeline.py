"""What `--timeline` writes, as Deepgram's and Groq's clients cause it."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.wire.timeline import LLM_ANSWER, LLM_REQUEST, STT_FINAL, TTS_AUDIO, TTS_TEXT
from tests.local.wire_server import (
    DELAYS,
    LISTEN_QUERY,
    WireServer,
    open_socket,
    run,
    running_server,
    silence,
    tone,
)

SPEAK_QUERY = "model=aura-2-helena-en&encoding=linear16&sample_rate=16000"


async def _conversation(server: WireServer) -> None:
    """One utterance, one answer, one sentence."""
    async with open_socket(server, "/v1/listen", LISTEN_QUERY) as ear:
        await ear.raw.send_bytes(tone(0.3) + silence(0.1))
        await ear.until("Results", is_final=True)
    async with server.groq() as groq:
        stream = await groq.chat.completions.create(
            model="any", messages=[{"role": "user", "content": "a secret"}], stream=True
        )
        async for _ in stream:
            pass
    async with open_socket(server, "/v1/speak", SPEAK_QUERY) as mouth:
        await mouth.say("Speak", text="Another secret.")
        await mouth.say("Flush")
        await mouth.until("Flushed")


@pytest.fixture
def events(tmp_path: Path) -> list[dict[str, Any]]:
    """The events of one conversation."""
    path = tmp_path / "timeline.jsonl"
    with running_server("--delays", DELAYS, "--timeline", str(path)) as server:
        run(_conversation(server))
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_turn_leaves_its_marks_in_order(events: list[dict[str, Any]]) -> None:
    """Final, request, first token, sentence, first audio: in order, none before its time."""
    names = [STT_FINAL, LLM_REQUEST, LLM_ANSWER, TTS_TEXT, TTS_AUDIO]
    assert [one["event"] for one in events] == names
    final, request, answer, text, audio = events
    assert final["at"] - final["heard_at"] >= 0.1
    assert answer["at"] - request["at"] >= 0.1
    assert audio["at"] - text["at"] >= 0.08
    assert answer["stream"] == request["stream"]
    assert audio["stream"] == text["stream"]


def test_no_word_is_written(events: list[dict[str, Any]]) -> None:
    """The events hold moments and ids, and nothing of what was said."""
    assert {name for one in events for name in one} == {"at", "event", "stream", "heard_at"}
    assert "secret" not in json.dumps(events)
