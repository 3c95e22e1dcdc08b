"""Engines that need no models and take a fixed time: for benchmarks and failure tests."""

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.engines.api import SAMPLE_RATE_HZ, Engines, Speech, Transcript, Word

# Asked for what was said before, the brain says the first of it again.
RECALL = "What did I say first?"
_ANSWER = (
    "Sure,", " here", " is", " what", " I", " found", ".",
    " Is", " there", " anything", " else", " you", " would", " like", "?",
)  # fmt: skip

# 15 characters per second is ordinary English speech.
_SPEECH_SECS_PER_CHAR = 1 / 15
_TONE_HZ = 440.0
_TONE_AMPLITUDE = 0.3
# -46 dBFS: above the noise floor of a quiet recording, below soft speech.
_SPEECH_RMS = 0.005
_WINDOW_SAMPLES = SAMPLE_RATE_HZ // 100
_SECS_PER_WORD = 0.35


class BadDelaysError(ValueError):
    """The text of `--delays` is not understood; the message says what is wrong."""


@dataclass(frozen=True)
class Delays:
    """The fixed times.

    Attributes:
        stt_final_ms: From the arrival of the last speech to the final transcript.
        llm_ttft_ms: From the request to the first token.
        llm_tokens_per_sec: Rate of the tokens after the first.
        tts_ttfb_ms: From a complete sentence to its first audio.
    """

    stt_final_ms: float = 100.0
    llm_ttft_ms: float = 100.0
    llm_tokens_per_sec: float = 100.0
    tts_ttfb_ms: float = 80.0


def parse_delays(text: str) -> Delays:
    """Read `name=number,...`; names that are left out keep their defaults.

    Raises:
        BadDelaysError: If a name is unknown or a number is not positive.
    """
    known = {field.name for field in fields(Delays)}
    given: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = part.partition("=")
        if name not in known:
            raise BadDelaysError(f"no delay {name!r}; there are {', '.join(sorted(known))}")
        try:
            given[name] = float(value)
        except ValueError:
            raise BadDelaysError(f"{name} is no number: {value!r}") from None
        if given[name] < 0 or (name == "llm_tokens_per_sec" and given[name] == 0):
            raise BadDelaysError(f"{name} must be positive")
    return Delays(**given)


class Script:
    """What the transcriber will have heard: the n-th utterance of each connection."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def set(self, lines: Sequence[str]) -> None:
        """Replace the script; it repeats when an index runs past its end. Empty: the default."""
        self._lines = list(lines)

    def line(self, index: int) -> str:
        """Return the transcript of utterance `index`, from 0."""
        if not self._lines:
            return f"This is utterance {index + 1}, I say."
        return self._lines[index % len(self._lines)]


class EnergyDetector:
    """Calls every window of 10 ms with energy speech."""

    @property
    def window_samples(self) -> int:
        """Samples at 16 kHz in one window."""
        return _WINDOW_SAMPLES

    def is_speech(self, window: NDArray[np.int16]) -> bool:
        """Say whether the window is louder than -46 dBFS."""
        samples = window.astype(np.float32) / 32768.0
        return float(np.sqrt(np.mean(samples**2))) > _SPEECH_RMS


class ScriptedTranscriber:
    """Gives the script's lines; the session itself waits for the fixed delay."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._heard: dict[str, int] = {}

    async def transcribe(
        self, audio: bytes, *, stream: str, final: bool, language: str
    ) -> Transcript:
        """Return the next line, or as an interim guess as much of it as fits the audio."""
        del language
        index = self._heard.get(stream, 0)
        words = self._script.line(index).split()
        secs = len(audio) / 2 / SAMPLE_RATE_HZ
        if final:
            self._heard[stream] = index + 1
        else:
            words = words[: max(1, int(secs / _SECS_PER_WORD))]
        step = secs / max(len(words), 1)
        timed = tuple(Word(word, i * step, (i + 1) * step) for i, word in enumerate(words))
        return Transcript(" ".join(words), 0.99, timed)

    def is_busy(self) -> bool:
        """Never."""
        return False

    def forget(self, stream: str) -> None:
        """Start the script over for a later connection of the same name."""
        self._heard.pop(stream, None)


class ToneVoice:
    """Gives a 440 Hz tone as long as the sentence would take to say."""

    def __init__(self, delays: Delays) -> None:
        self._delay_secs = delays.tts_ttfb_ms / 1000

    async def speak(self, sentence: str, rate_hz: int) -> AsyncGenerator[Speech]:
        """See `Voice.speak`; loud from the first sample to the last."""
        await asyncio.sleep(self._delay_secs)
        count = math.ceil(len(sentence) * _SPEECH_SECS_PER_CHAR * rate_hz)
        phase = 2 * math.pi * _TONE_HZ * np.arange(count) / rate_hz
        tone = (np.cos(phase) * _TONE_AMPLITUDE * 32767).astype("<i2")
        yield Speech(tone.tobytes(), rate_hz)


class PacedBrain:
    """Gives the same two short sentences at a fixed pace; the first is 7 tokens long.

    RECALL is answered with the first thing that the user said.
    """

    def __init__(self, delays: Delays) -> None:
        self._delays = delays

    async def answer(self, messages: list[dict[str, Any]]) -> AsyncGenerator[str]:
        """See `Brain.answer`; each token has its own due time, so lateness does not add up."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._delays.llm_ttft_ms / 1000
        said = [one["content"] for one in messages if one["role"] == "user"]
        for token in (f"{said[0]}.",) if said and said[-1] == RECALL else _ANSWER:
            await asyncio.sleep(max(0.0, due - loop.time()))
            yield token
            due += 1 / self._delays.llm_tokens_per_sec


def delay_engines(delays: Delays, script: Script) -> Engines:
    """Return the engine set with fixed times."""
    return Engines(
        transcriber=ScriptedTranscriber(script),
        voice=ToneVoice(delays),
        brain=PacedBrain(delays),
        new_detector=EnergyDetector,
        final_after_secs=delays.stt_final_ms / 1000,
    )
