"""From a sentence to the bytes a client asked for, faults included; for socket and HTTP alike."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from local.engines.api import Voice
from local.wire.audio import SAMPLE_BYTES, resample
from local.wire.faults import FaultBoard

_CHUNK_SECS = 0.1


class SpeechCutError(Exception):
    """The `cut` fault: the connection must break now."""


async def speech_chunks(
    voice: Voice, sentence: str, rate_hz: int, faults: FaultBoard
) -> AsyncGenerator[bytes]:
    """Yield s16le mono audio at `rate_hz` in pieces of 100 ms.

    Raises:
        SpeechCutError: When the `cut` fault is on and its audio has been given.
        EngineError: If the voice's engine failed.
    """
    if faults.take("tts", "silent"):
        return
    wrong_rate = faults.take("tts", "wrong_rate")
    cut = faults.take("tts", "cut")
    target_hz = int(wrong_rate.number("hz")) if wrong_rate else rate_hz
    left_bytes = int(cut.secs("after_ms") * rate_hz) * SAMPLE_BYTES if cut else None
    step = int(rate_hz * _CHUNK_SECS) * SAMPLE_BYTES
    async with aclosing(voice.speak(sentence, target_hz)) as pieces:
        async for piece in pieces:
            audio = resample(piece.audio, piece.rate_hz, target_hz)
            for offset in range(0, len(audio), step):
                chunk = audio[offset : offset + step]
                if left_bytes is not None:
                    chunk = chunk[:left_bytes]
                    left_bytes -= len(chunk)
                if chunk:
                    yield chunk
                if left_bytes == 0:
                    raise SpeechCutError
    if cut:
        raise SpeechCutError
