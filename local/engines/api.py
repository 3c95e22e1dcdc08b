"""What the wire needs of an engine set; the real engines and the fixed delays both provide it."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
"""Rate at which detectors and transcribers take audio (s16le mono)."""


@dataclass(frozen=True)
class Word:
    """One recognised word; times in seconds from the start of the audio that was given."""

    text: str
    start_secs: float
    end_secs: float


@dataclass(frozen=True)
class Transcript:
    """What was said; an empty text when no words were recognised. Confidence is 0 to 1."""

    text: str = ""
    confidence: float = 0.0
    words: tuple[Word, ...] = field(default=())


class Detector(Protocol):
    """Tells speech from other sound, window by window, for one stream."""

    @property
    def window_samples(self) -> int:
        """Samples at 16 kHz in one window."""
        ...

    def is_speech(self, window: NDArray[np.int16]) -> bool:
        """Say whether the window holds speech."""
        ...


class Transcriber(Protocol):
    """Turns 16 kHz s16le mono audio into words."""

    async def transcribe(
        self, audio: bytes, *, stream: str, final: bool, language: str
    ) -> Transcript:
        """Return the words of the audio.

        Args:
            audio: The whole utterance so far.
            stream: Identifies the connection the audio belongs to.
            final: False for an interim guess, which may be dropped when the engine is busy.
            language: Two-letter code.

        Raises:
            EngineError: If the engine died, failed, or is too busy.
        """
        ...

    def is_busy(self) -> bool:
        """Say whether interim guesses should wait."""
        ...

    def forget(self, stream: str) -> None:
        """Release what is kept for a connection."""
        ...


@dataclass(frozen=True)
class Speech:
    """A piece of s16le mono audio and its rate in hertz."""

    audio: bytes
    rate_hz: int


class Voice(Protocol):
    """Turns a sentence into audio."""

    def speak(self, sentence: str, rate_hz: int) -> AsyncGenerator[Speech]:
        """Yield the sentence's audio, at `rate_hz` or another rate; closing it stops synthesis.

        Raises:
            EngineError: If the engine died, failed, or is too busy.
        """
        ...


class Brain(Protocol):
    """Answers a chat."""

    def answer(self, messages: list[dict[str, Any]]) -> AsyncGenerator[str]:
        """Yield the answer in tokens, given OpenAI chat messages.

        Raises:
            EngineError: If the engine died, failed, or is too busy.
        """
        ...


@dataclass(frozen=True)
class Engines:
    """Everything behind the wire.

    Attributes:
        new_detector: Makes the speech detector of one connection.
        final_after_secs: With fixed delays, seconds from the arrival of the last speech to the
            final transcript; None when the detector's silence decides.
    """

    transcriber: Transcriber
    voice: Voice
    brain: Brain
    new_detector: Callable[[], Detector]
    final_after_secs: float | None = None
