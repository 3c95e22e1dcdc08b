"""Sentences spoken from memory: synthesised once a process, for every session the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from pipecat.frames.frames import Frame, TTSAudioRawFrame, TTSStoppedFrame
from pipecat.services.tts_service import TTSService

RATE_HZ = 24_000
# As a provider sends it: small enough that an interruption leaves little behind.
_PIECE_BYTES = RATE_HZ * 2 // 10

NO_ANSWER = "I am sorry, I cannot reach my answers right now. Please try again in a moment."
BROKEN_ANSWER = "I am sorry, the rest of that answer got lost. Please ask me again."
NO_EARS = "I am sorry, I cannot hear you right now. You can type to me instead."
NO_VOICE = "I am sorry, my voice is failing. You can read my answers here."
SAY_AGAIN = "Sorry, I did not catch that. Could you say it again?"
LOST_YOU = "Sorry, I lost you for a moment. I am back; could you say that again?"
APOLOGIES = (NO_ANSWER, BROKEN_ANSWER, NO_EARS, NO_VOICE, SAY_AGAIN, LOST_YOU)


@dataclass(frozen=True)
class Phrase:
    """A sentence and how it sounds.

    Attributes:
        text: The words, as the caption and the context get them.
        pcm: s16le mono at RATE_HZ.
    """

    text: str
    pcm: bytes


class Phrases:
    """What the sessions of a process can say without any provider; it grows while they talk."""

    def __init__(self, *phrases: Phrase) -> None:
        """Begin with these."""
        self._pcm: dict[str, bytes] = {phrase.text: phrase.pcm for phrase in phrases}

    def add(self, phrase: Phrase) -> None:
        """Keep one more."""
        self._pcm[phrase.text] = phrase.pcm

    def audio_of(self, text: str) -> bytes | None:
        """Return how a text sounds; None when it is not kept."""
        return self._pcm.get(text.strip())


class PreparedSpeech(TTSService):
    """Mixed into a text-to-speech service: some texts need no provider.

    Frames, captions and context are as for any other sentence; only the audio is there at once.
    """

    def __init__(self, *, phrases: Phrases | None = None, **kwargs: Any) -> None:
        """Create the service; without phrases the provider speaks everything."""
        super().__init__(**kwargs)
        self._phrases = phrases or Phrases()
        self._prepared_context_id: str | None = None

    def is_prepared(self, text: str) -> bool:
        """Whether a text is spoken from memory."""
        return self.sample_rate == RATE_HZ and self._phrases.audio_of(text) is not None

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Speak from memory what is there, and have the provider speak the rest."""
        pcm = self._phrases.audio_of(text)
        if pcm is None or self.sample_rate != RATE_HZ:
            # Not abstract in the service that this is mixed into.
            spoken = super().run_tts(text, context_id)  # pyright: ignore[reportAbstractUsage]
            async for frame in spoken:
                yield frame
            return
        self._prepared_context_id = context_id
        for at in range(0, len(pcm), _PIECE_BYTES):
            piece = pcm[at : at + _PIECE_BYTES]
            audio = TTSAudioRawFrame(piece, RATE_HZ, 1, context_id=context_id)
            await self.append_to_audio_context(context_id, audio)
        yield None

    async def flush_audio(self, context_id: str | None = None) -> None:
        """End a prepared sentence here: the provider knows nothing of it."""
        if context_id is None or context_id != self._prepared_context_id:
            await super().flush_audio(context_id)
            return
        self._prepared_context_id = None
        await self.end_audio_context(context_id)

    async def end_audio_context(self, context_id: str) -> None:
        """Say that no more audio will come."""
        await self.append_to_audio_context(context_id, TTSStoppedFrame(context_id=context_id))
        await self.remove_audio_context(context_id)
