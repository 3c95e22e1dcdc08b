"""Text to speech: Deepgram, interrupted without a new connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

from loguru import logger
from pipecat.frames.frames import InterruptionFrame, TTSAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.deepgram.tts import DeepgramTTSService
from pipecat.services.tts_service import WebsocketTTSService

from bot.opening import EagerOpening
from bot.phrases import PreparedSpeech

# Deepgram answers Clear in a round trip; audio that comes later than this is taken as new.
CLEARED_WITHIN_SECS = 1.0
# Pipecat's limit for an answer without new audio, which ends it unspoken; whoever watches over
# answers (bot/services/tts.py) comes first.
CONTEXT_TIMEOUT_SECS = 30.0


# Both mixins say what every such service has; Deepgram says it more narrowly.
class ClearingTTSService(  # pyright: ignore[reportIncompatibleVariableOverride]
    PreparedSpeech, EagerOpening, DeepgramTTSService
):
    """Deepgram, with some phrases spoken from memory, and interrupted without a new connection.

    Pipecat reconnects after each interruption, since audio under way carries no name of its
    request: a TLS handshake in the next answer's way. Here it is dropped until `Cleared` comes.
    An answer's first words are flushed at once (`bot.opening`).
    """

    def __init__(self, **kwargs: Any) -> None:
        """Create the service; arguments as Pipecat's."""
        super().__init__(stop_frame_timeout_s=CONTEXT_TIMEOUT_SECS, **kwargs)
        self._stale_until = 0.0
        self._clears_due = 0

    async def _handle_interruption(
        self, frame: InterruptionFrame, direction: FrameDirection
    ) -> None:
        self._bot_speaking = False
        self._tts_started = False
        # Past InterruptibleTTSService, which reconnects.
        await WebsocketTTSService._handle_interruption(self, frame, direction)

    async def on_audio_context_interrupted(self, context_id: str) -> None:
        """Have Deepgram drop its text and audio; what is under way belongs to nobody."""
        self._clears_due += 1
        self.forget_flushes()
        self._stale_until = asyncio.get_running_loop().time() + CLEARED_WITHIN_SECS
        await super().on_audio_context_interrupted(context_id)

    @property
    def _is_stale(self) -> bool:
        return self._clears_due > 0 and asyncio.get_running_loop().time() < self._stale_until

    async def _receive_messages(self) -> None:
        messages = cast("AsyncIterator[bytes | str]", self._get_websocket())
        async for message in messages:
            context_id = self.get_active_audio_context_id()
            if isinstance(message, bytes):
                if context_id and not self._is_stale:
                    audio = TTSAudioRawFrame(message, self.sample_rate, 1, context_id=context_id)
                    self._on_audio(message)
                    await self.append_to_audio_context(context_id, audio)
                continue
            match json.loads(message).get("type"):
                case "Cleared":
                    self._clears_due = max(0, self._clears_due - 1)
                case "Flushed" if self._is_stale or self.take_opening_flushed():
                    pass
                case "Flushed" if context_id:
                    await self._on_flushed(context_id)
                case "Warning":
                    logger.warning("text-to-speech warns: {}", json.loads(message).get("code"))
                case _:
                    pass

    def _on_audio(self, audio: bytes) -> None:
        """Learn that some of an answer has come."""

    async def _on_flushed(self, context_id: str) -> None:
        """Learn that all of an answer has come."""
        await self.end_audio_context(context_id)
