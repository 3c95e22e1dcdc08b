"""The greeting, spoken from memory: synthesised once a process, for every session the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from pipecat.frames.frames import Frame, TTSAudioRawFrame, TTSStoppedFrame
from pipecat.services.tts_service import TTSService

RATE_HZ = 24_000
# As a provider sends it: small enough that an interruption leaves little behind.
_PIECE_BYTES = RATE_HZ * 2 // 10


@dataclass(frozen=True)
class Greeting:
    """What is said first, and how it sounds.

    Attributes:
        text: The words, as the caption and the context get them.
        pcm: s16le mono at RATE_HZ.
    """

    text: str
    pcm: bytes


class PreparedGreeting(TTSService):
    """Mixed into a text-to-speech service: one text needs no provider.

    Frames, captions and context are as for any other sentence; only the audio is there at once.
    """

    def __init__(self, *, greeting: Greeting | None = None, **kwargs: Any) -> None:
        """Create the service; without a greeting the provider speaks everything."""
        super().__init__(**kwargs)
        self._greeting = greeting
        self._greeting_context_id: str | None = None

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Speak from memory what is there, and have the provider speak the rest."""
        greeting = self._greeting
        if greeting is None or text.strip() != greeting.text or self.sample_rate != RATE_HZ:
            # Not abstract in the service that this is mixed into.
            spoken = super().run_tts(text, context_id)  # pyright: ignore[reportAbstractUsage]
            async for frame in spoken:
                yield frame
            return
        self._greeting_context_id = context_id
        for at in range(0, len(greeting.pcm), _PIECE_BYTES):
            piece = greeting.pcm[at : at + _PIECE_BYTES]
            audio = TTSAudioRawFrame(piece, RATE_HZ, 1, context_id=context_id)
            await self.append_to_audio_context(context_id, audio)
        yield None

    async def flush_audio(self, context_id: str | None = None) -> None:
        """End the greeting here: the provider knows nothing of it."""
        if context_id is None or context_id != self._greeting_context_id:
            await super().flush_audio(context_id)
            return
        self._greeting_context_id = None
        await self.append_to_audio_context(context_id, TTSStoppedFrame(context_id=context_id))
        await self.remove_audio_context(context_id)
