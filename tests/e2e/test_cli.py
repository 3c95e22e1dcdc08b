"""`voice-assistant doctor` and `call` at a real LiveKit server and a running assistant."""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from pathlib import Path

import pytest

from cli import doctor, media
from local.livekit import LiveKitServer
from local.processes import free_port
from server.settings import ServerSettings
from tests.conftest import REPOSITORY, environment
from tests.e2e.conftest import OpenDoor, Wire
from tests.replay.recording import load_recording

pytestmark = pytest.mark.anyio

QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm


async def call(*arguments: str | Path) -> tuple[int, str, str]:
    """Run the command as an operator does; return its status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "call", *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
        cwd=REPOSITORY,
    )
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


def write(path: Path, pcm: bytes, rate_hz: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return path


async def test_all_is_well(
    livekit: LiveKitServer, wire: Wire, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A set-up that works gives nothing to say: keys, models, media and files were all tried."""
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "DEEPGRAM_BASE_URL": wire.url,
        "GROQ_BASE_URL": wire.url,
        "KNOWLEDGE_DIR": str(REPOSITORY / "knowledge"),
        "PORT": str(free_port()),
    }.items():
        monkeypatch.setenv(name, value)
    assert await doctor.examine() == []


async def test_a_livekit_that_would_not_serve(livekit: LiveKitServer) -> None:
    """A refused key, and an address that browsers are told and cannot reach."""

    def door(**changes: str) -> ServerSettings:
        settings = {
            "livekit_url": livekit.url,
            "livekit_api_key": livekit.api_key,
            "livekit_api_secret": livekit.api_secret,
        }
        return ServerSettings(_env_file=None, **(settings | changes))

    for changes, code in (
        ({"livekit_api_secret": "x" * 32}, "livekit_key_refused"),
        ({"livekit_api_key": "another"}, "livekit_key_refused"),
        ({"livekit_public_url": "ws://127.0.0.1:9"}, "public_url_unreachable"),
    ):
        found = await media.check_livekit(door(**changes))
        assert [finding.code for finding in found] == [code]


async def test_a_call_from_a_terminal(open_door: OpenDoor, tmp_path: Path) -> None:
    """A recording is asked; what both said, where time went, and the answer's sound come back."""
    question, answer = write(tmp_path / "question.wav", QUESTION), tmp_path / "answer.wav"
    async with open_door() as door:
        status, output, errors = await call(
            question, "--server", door.url, "--save", answer, "--json"
        )
        assert (status, errors) == (0, "")
        report = json.loads(output)
        assert [step["name"] for step in report["steps"]] == [
            "invited",
            "in the room",
            "bot ready",
            "greeting heard",
            "answer heard",
        ]
        assert {line["role"] for line in report["said"]} == {"user", "assistant"}
        segments = report["turn_segments_secs"]
        assert list(segments) == ["stt", "turn", "llm", "sentence", "tts", "release"]
        # The bot counts from the last sound it hears, the caller from the recording's end.
        assert all(secs >= 0 for secs in segments.values())
        assert sum(segments.values()) > 0
        with wave.open(str(answer)) as file:
            assert file.getnframes() > 16_000


async def test_calls_that_do_not_work(open_door: OpenDoor, wire: Wire, tmp_path: Path) -> None:
    """Each ends with a code and a sentence: the server's own, or what the terminal found."""
    elsewhere = f"http://127.0.0.1:{free_port()}"
    wrong = write(tmp_path / "wrong.wav", QUESTION, rate_hz=8000)
    asked = ("--text", "What is a lot?", "--server")
    async with open_door(allowed_origins=("https://a.example",)) as door:
        results = await asyncio.gather(
            call(*asked, elsewhere),
            call(*asked, wire.url),
            call(*asked, door.url),
            call(*asked, door.url, "--origin", "https://b.example"),
            call(wrong, "--server", door.url),
            call(tmp_path / "gone.wav", "--server", door.url),
        )
    assert [status for status, _, _ in results] == [1] * 6
    assert [errors.partition(":")[0] for _, _, errors in results] == [
        "server_unreachable",
        "server_unknown",
        "sign_in_required",
        "origin_not_allowed",
        "recording_unsupported",
        "recording_unreadable",
    ]
