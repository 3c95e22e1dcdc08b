"""The Python side of the callers' pipes; and, where set-up has built it, the program itself."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import agreement
from bench.deployments import OpenLiveKit
from bench.fleet import Fleet, LeanCaller
from bench.opus import PACKET_SECS
from bench.speech import sentences
from local.caller import Caller, Invitation
from local.heard import Span
from local.paths import CALLER, find_livekit

TIMEOUT_SECS = 20
QUIET_SECS = 0.3
TONE_PACKETS = round(agreement.TONE_SECS / PACKET_SECS)
INVITATION = Invitation("ws://127.0.0.1:1", "token", "room", "session")


class Wire(Fleet):
    """A program that answers commands with the events that a test wants."""

    def __init__(self, answer: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> None:
        self.answer = answer
        self.commands: list[dict[str, Any]] = []
        self.caller: LeanCaller | None = None

    def write(self, command: dict[str, Any]) -> None:
        """Keep the command and tell the caller what follows from it."""
        self.commands.append(command)
        for event in self.answer(command):
            assert self.caller
            self.caller.take(event)

    def add(self, caller: LeanCaller) -> None:
        """Remember the only caller."""
        self.caller = caller

    def name_of(self, pcm: bytes) -> str:
        """Return a name."""
        return "hello" if pcm else ""


def _answer(command: dict[str, Any]) -> list[dict[str, Any]]:
    return {
        "join": [{"event": "joined", "at": 1.0}],
        "say": [{"event": "said", "at": 3.5, "start": 2.0, "late_secs": 0.01}],
        "leave": [],
    }[command["do"]]


def test_a_caller_keeps_what_the_program_tells() -> None:
    """What is said has its two marks; a loud packet is heard from its arrival on, for 20 ms."""

    async def story() -> LeanCaller:
        async with LeanCaller(Wire(_answer), INVITATION) as caller:
            assert await caller.say(b"pcm") == 3.5
            caller.take({"event": "loud", "at": 4.0, "bytes": 90})
            caller.take({"event": "message", "at": 4.1, "data": '{"type": "bot-ready"}'})
        return caller

    caller = asyncio.run(story())
    assert caller.spoken == [Span(2.0, 3.5)]
    assert caller.lag_secs == 0.01
    assert caller.heard.loud == [Span(4.0, 4.02)]
    assert caller.heard.first_speech_after(3.5) == 4.0
    assert caller.heard.first_speech_after(5.0) is None
    assert caller.messages == [{"type": "bot-ready", "_at_secs": 4.1}]


def test_a_session_that_fails_ends_every_wait() -> None:
    """A room that cannot be joined, or is lost, is an error at once and not a timeout."""

    async def story() -> None:
        wire = Wire(lambda _: [{"event": "failed", "at": 1.0, "data": "no such room"}])
        with pytest.raises(ConnectionError, match="no such room"):
            async with LeanCaller(wire, INVITATION):
                pass

    asyncio.run(story())


@pytest.mark.e2e
@pytest.mark.skipif(not CALLER.is_file(), reason="built by `python3 -m local.setup bench`")
def test_the_program_hears_tones_and_says_recordings(tmp_path: Path) -> None:
    """Of a tone in a room every packet is loud and of silence none; what it says is heard."""
    binary = find_livekit(os.environ)  # noqa: TID251 - PATH, for the search
    assert binary
    utterance = sentences()[0]

    async def story() -> tuple[int, list[Span]]:
        async with (
            OpenLiveKit.start(binary) as livekit,
            Fleet.running([utterance.pcm], tmp_path) as fleet,
            Caller(agreement.invitation(livekit, "room", "python")) as python,
            LeanCaller(fleet, agreement.invitation(livekit, "room", "lean"), tell_all=True) as lean,
        ):
            await python.until(lambda: python.bot_present, TIMEOUT_SECS)
            await lean.until(lambda: bool(lean.sizes["quiet"]), TIMEOUT_SECS)
            await python.say(agreement.tone())
            await lean.until(lambda: len(lean.heard.loud) >= TONE_PACKETS, TIMEOUT_SECS)
            await lean.quiet(QUIET_SECS)
            packets = len(lean.heard.loud)
            await lean.say(utterance.pcm)
            await python.until(lambda: bool(python.heard.loud), TIMEOUT_SECS)
            return packets, lean.spoken

    packets, spoken = asyncio.run(story())
    # The tone's edges lie inside packets, and the encoder takes two more to settle.
    assert TONE_PACKETS <= packets <= TONE_PACKETS + 4
    assert len(spoken) == 1
