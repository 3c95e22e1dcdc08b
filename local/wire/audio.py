"""Audio arithmetic on s16le mono samples: resampling, tones, WAV files."""

import io
import wave

import numpy as np
import soxr  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

Samples = NDArray[np.int16]

SAMPLE_BYTES = 2


class StreamResampler:
    """Turns s16le bytes at one rate, in pieces of any length, into samples at another."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._rest = b""
        self._stream = (
            soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality="LQ")
            if from_hz != to_hz
            else None
        )

    def push(self, data: bytes) -> Samples:
        """Return the samples that can be given out now."""
        data = self._rest + data
        whole = len(data) - len(data) % SAMPLE_BYTES
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], dtype="<i2").astype(np.int16)
        if self._stream is None:
            return samples
        return np.asarray(self._stream.resample_chunk(samples), dtype=np.int16)


def resample(audio: bytes, from_hz: int, to_hz: int) -> bytes:
    """Return the whole s16le clip at another rate."""
    if from_hz == to_hz:
        return audio
    samples = np.frombuffer(audio, dtype="<i2").astype(np.int16)
    return np.asarray(soxr.resample(samples, from_hz, to_hz), dtype="<i2").tobytes()


def read_wav(content: bytes) -> tuple[bytes, int]:
    """Return a 16-bit WAV file's first channel as s16le, and its rate in hertz.

    Raises:
        ValueError: If the content is no 16-bit PCM WAV file.
    """
    try:
        with wave.open(io.BytesIO(content)) as reader:
            if reader.getsampwidth() != SAMPLE_BYTES:
                raise ValueError("not 16-bit")
            frames = np.frombuffer(reader.readframes(reader.getnframes()), dtype="<i2")
            return frames[:: reader.getnchannels()].tobytes(), reader.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError("no WAV file") from error


def wav(audio: bytes, rate_hz: int) -> bytes:
    """Return s16le mono audio as a WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(SAMPLE_BYTES)
        writer.setframerate(rate_hz)
        writer.writeframes(audio)
    return buffer.getvalue()
