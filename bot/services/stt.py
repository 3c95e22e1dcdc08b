"""Speech to text: Deepgram."""

from __future__ import annotations

import asyncio
from typing import Any

from deepgram import AsyncDeepgramClient
from deepgram.listen.v1.types import ListenV1Finalize, ListenV1Results
from pipecat.frames.frames import (
    Frame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.deepgram import stt as pipecat_deepgram_stt
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.stt_service import STTService

from bot.http_clients import unused_client

# Deepgram answers Finalize within 0.35 s in 99 of 100 cases (Pipecat's stt_latency table); the
# wait ends at the answer, so a longer bound costs nothing and saves the words of a slow one.
STT_FINAL_TIMEOUT_SECS = 1.0

# The final transcript is what an answer is prepared from, so it comes at the first silence; our
# VAD's Finalize is the net below it (docs/decisions/0003).
ENDPOINTING_MS = 100

# Silence after which words without a final are asked for: longer than ENDPOINTING_MS and a round
# trip, counted from the VAD's own 0.1 s.
FINALIZE_AFTER_SECS = 0.2


def _deepgram_client(**kwargs: Any) -> AsyncDeepgramClient:
    return AsyncDeepgramClient(httpx_client=unused_client(), **kwargs)


# Defect: for each session the SDK makes an HTTP client that listening never uses, and reads all
# certificates for it (45 ms in which every other session of the process stands still).
pipecat_deepgram_stt.AsyncDeepgramClient = _deepgram_client  # pyright: ignore[reportPrivateImportUsage]


class FinalizingSTTService(DeepgramSTTService):
    """Deepgram, asked to finalize only where its endpointing has left words open.

    Pipecat asks at each silence of the VAD, which here is too short for that: words would be cut
    from the sentence they belong to. And it marks only a reply to Finalize that holds words as
    final; where endpointing came first, the empty reply would mark the next utterance instead.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Create the service; arguments as Pipecat's."""
        super().__init__(**kwargs)
        self._has_open_words = False
        self._finalizing: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass audio to Deepgram; ask for the final of words left open after a silence."""
        if isinstance(frame, (VADUserStartedSpeakingFrame, VADUserStoppedSpeakingFrame)):
            await self._stop_finalizing()
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._has_open_words = True
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            # Past DeepgramSTTService, which would send Finalize at once.
            await STTService.process_frame(self, frame, direction)
            self._finalizing = self.create_task(self._finalize_later())
        else:
            await super().process_frame(frame, direction)

    async def cleanup(self) -> None:
        """Close the connection."""
        await self._stop_finalizing()
        await super().cleanup()

    async def _finalize_later(self) -> None:
        await asyncio.sleep(FINALIZE_AFTER_SECS)
        self._finalizing = None
        connection: Any = self._connection  # pyright: ignore[reportUnknownMemberType]
        if connection and self._has_open_words:
            self.request_finalize()
            await connection.send_finalize(ListenV1Finalize(type="Finalize"))

    async def _stop_finalizing(self) -> None:
        task, self._finalizing = self._finalizing, None
        if task is not None:
            await self.cancel_task(task)

    async def _on_message(self, message: object) -> None:
        if isinstance(message, ListenV1Results):
            has_words = any(heard.transcript for heard in message.channel.alternatives)
            if has_words:
                self._has_open_words = not message.is_final
            if message.is_final and has_words and message.speech_final:
                self.request_finalize()
                self.confirm_finalize()
            elif message.is_final and not has_words and message.from_finalize:
                self._finalize_requested = False
        await super()._on_message(message)
