"""The real engines: Whisper, Piper and the retrieval brain, each behind its process."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from local import models
from local.engines import detector
from local.engines.api import Engines, Speech, Transcript, Word
from local.engines.process import EngineBusyError, EngineError, EngineProcess

_PIPER_PROGRAM = Path(__file__).parent / "piper_program"

_FINAL, _INTERIM = 0, 1
# A decode takes 0.2-0.4 s; behind one waiting request an interim guess would come too late.
_BUSY_WAITING = 2


class WhisperTranscriber:
    """Recognition with finals before interim guesses."""

    def __init__(self, process: EngineProcess) -> None:
        self._process = process

    async def transcribe(
        self, audio: bytes, *, stream: str, final: bool, language: str
    ) -> Transcript:
        """See `Transcriber.transcribe`."""
        del stream
        if not final and self.is_busy():
            raise EngineBusyError("recognition is busy")
        header = {"language": language}
        priority = _FINAL if final else _INTERIM
        async with aclosing(self._process.request(header, audio, priority=priority)) as replies:
            async for reply in replies:
                fields = reply.header
                words = tuple(Word(*word) for word in fields["words"])
                return Transcript(fields["transcript"], fields["confidence"], words)
        raise EngineError("recognition gave no answer")

    def is_busy(self) -> bool:
        """Say whether interim guesses should wait."""
        return self._process.waiting >= _BUSY_WAITING

    def forget(self, stream: str) -> None:
        """Nothing is kept for a connection."""


class PiperVoice:
    """Synthesis, one sentence per request, so that sessions take turns."""

    def __init__(self, process: EngineProcess) -> None:
        self._process = process

    async def speak(self, sentence: str, rate_hz: int) -> AsyncGenerator[Speech]:
        """See `Voice.speak`; the audio comes at the voice's own rate."""
        del rate_hz
        async with aclosing(self._process.request({"text": sentence})) as replies:
            async for reply in replies:
                yield Speech(reply.body, reply.header["rate"])


class RetrievalBrain:
    """Answers from the knowledge inside the request."""

    def __init__(self, process: EngineProcess) -> None:
        self._process = process

    async def answer(self, messages: list[dict[str, Any]]) -> AsyncGenerator[str]:
        """See `Brain.answer`."""
        async with aclosing(self._process.request({"messages": messages})) as replies:
            async for reply in replies:
                yield reply.header["token"]


def _piper_arguments() -> Sequence[str]:
    return (
        str(_PIPER_PROGRAM),
        str(models.VOICE.verified_path()),
        str(models.VOICE_CONFIG.verified_path()),
    )


class RealEngines:
    """Starts and stops the engine processes."""

    def __init__(self) -> None:
        self.speech_to_text = EngineProcess(
            "recognition", lambda: ("-m", "local.engines.whisper_program")
        )
        self.text_to_speech = EngineProcess("synthesis", _piper_arguments)
        self.brain = EngineProcess("brain", lambda: ("-m", "local.engines.brain_program"))

    @property
    def processes(self) -> tuple[EngineProcess, ...]:
        """All engine processes."""
        return (self.speech_to_text, self.text_to_speech, self.brain)

    async def start(self) -> Engines:
        """Load all engines at the same time.

        Raises:
            EngineLoadError: If one cannot start.
            ModelFileError: If the speech detector's file is missing or altered.
        """
        session, *_ = await asyncio.gather(
            asyncio.to_thread(detector.load_session),
            *(process.start() for process in self.processes),
        )
        return Engines(
            transcriber=WhisperTranscriber(self.speech_to_text),
            voice=PiperVoice(self.text_to_speech),
            brain=RetrievalBrain(self.brain),
            new_detector=lambda: detector.SileroDetector(session),
        )

    async def stop(self) -> None:
        """End all engine processes."""
        await asyncio.gather(*(process.stop() for process in self.processes))
