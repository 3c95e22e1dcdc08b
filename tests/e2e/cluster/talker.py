"""A person in a conversation that ought to survive: what they noticed, and whether it remembers."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import Any, Final, Self

from livekit import rtc
from livekit.rtc.participant import PublishDataError

from bot.phrases import LOST_YOU
from local.caller import Caller, connect
from local.engines.delays import RECALL

# Past this nobody waits any more.
BACK_SECS: Final = 30.0
AGAIN_SECS: Final = 75.0
# The answer is said in a second.
AGAIN_EVERY_SECS: Final = 2.0


class Talker:
    """One person, who types and reads. Use as an async context manager.

    Attributes:
        first: What they said first, like nobody else.
    """

    def __init__(self, url: str, first: str) -> None:
        """Describe the person; entering the context calls."""
        self.first = first
        self._url = url
        self._stack = AsyncExitStack()
        self._changed = asyncio.Event()
        self.noticed_secs: float | None = None

    async def __aenter__(self) -> Self:
        """Call, be greeted, and say the first thing."""
        # Twelve people who speak and listen would leave the bots no processor.
        self.caller = caller = Caller(
            await connect(self._url, origin=self._url), microphone=False, speaker=False
        )
        room: rtc.Room = caller._room
        room.on("participant_disconnected", self._on_gone)
        room.on("reconnecting", self._notice)
        await self._stack.enter_async_context(caller)
        await caller.ready(20)
        await caller.wait_for("bot-stopped-speaking")
        await self.asks(self.first)
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Leave."""
        await self._stack.aclose()

    def _on_gone(self, _participant: rtc.RemoteParticipant) -> None:
        self._notice()

    def _notice(self) -> None:
        if self.noticed_secs is None:
            self.noticed_secs = time.monotonic()

    async def asks(self, question: str, within_secs: float = 15) -> str:
        """Type a question and return the answer."""
        began = len(self.caller.messages)

        def stopped() -> bool:
            later = self.caller.messages[began:]
            return any(one["type"] == "bot-stopped-speaking" for one in later) and bool(
                _words(later)
            )

        async with asyncio.timeout(within_secs):
            await self.caller.send("send-text", {"content": question})
            await self.caller.until(stopped, within_secs)
        return _words(self.caller.messages[began:])

    async def is_remembered(self) -> bool:
        """Whether the bot still knows what was said first."""
        return self.first in await self.asks(RECALL)

    async def answered_again(self, since_secs: float) -> float | None:
        """Return how long after a moment the bot answers and remembers; None: the call is over.

        What is typed while nobody is there is lost, so it is asked again and again.
        """
        began = len(self.caller.messages)
        while time.monotonic() - since_secs < AGAIN_SECS:
            with suppress(PublishDataError, TimeoutError):
                async with asyncio.timeout(AGAIN_EVERY_SECS):
                    await self.caller.send("send-text", {"content": RECALL})
            with suppress(TimeoutError):
                await self.caller.until(
                    lambda: _said(self.caller.messages[began:], self.first) is not None,
                    AGAIN_EVERY_SECS,
                )
                message = _said(self.caller.messages[began:], self.first)
                assert message
                return float(message["_at_secs"]) - since_secs
            if self.caller.disconnected.is_set():
                return None
        return None

    async def back(self, since_secs: float) -> float:
        """Return how long after a moment another bot has said that it is back.

        Raises:
            TimeoutError: none has, within BACK_SECS.
        """
        began = len(self.caller.messages)
        await self.caller.until(
            lambda: _said(self.caller.messages[began:], LOST_YOU) is not None, BACK_SECS
        )
        message = _said(self.caller.messages[began:], LOST_YOU)
        assert message
        await self.caller.until(
            lambda: any(
                one["type"] == "bot-stopped-speaking"
                for one in self.caller.messages[self.caller.messages.index(message) :]
            ),
            BACK_SECS,
        )
        return float(message["_at_secs"]) - since_secs


def _said(messages: list[dict[str, Any]], text: str) -> dict[str, Any] | None:
    spoken = ""
    for message in messages:
        if message["type"] == "bot-transcription":
            spoken = f"{spoken} {message['data']['text']}".strip()
            if text in spoken:
                return message
    return None


def _words(messages: list[dict[str, Any]]) -> str:
    return " ".join(one["data"]["text"] for one in messages if one["type"] == "bot-transcription")
