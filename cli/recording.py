"""Questions and answers as WAV files: mono, 16 bit, 16 kHz."""

from __future__ import annotations

import wave
from pathlib import Path

from cli.errors import CallError
from local.heard import RATE_HZ

MAX_QUESTION_SECS = 60


def read_recording(path: Path) -> bytes:
    """Return a question as s16le mono 16 kHz.

    Raises:
        CallError: `recording_unreadable`, `recording_unsupported` or `recording_too_long`.
    """
    try:
        with wave.open(str(path)) as file:
            kind = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            secs = file.getnframes() / max(1, file.getframerate())
            pcm = file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise CallError("recording_unreadable", f"{path} is no WAV file to read.") from error
    if kind != (1, 2, RATE_HZ):
        raise CallError(
            "recording_unsupported",
            f"{path} has {kind[0]} channels of {kind[1] * 8} bit at {kind[2]} Hz: make it mono, "
            f"16 bit, {RATE_HZ} Hz (ffmpeg -i in.wav -ac 1 -ar {RATE_HZ} -sample_fmt s16 out.wav).",
        )
    if not 0 < secs <= MAX_QUESTION_SECS:
        raise CallError("recording_too_long", f"A question lasts up to {MAX_QUESTION_SECS} s.")
    return pcm


def write_recording(path: Path, pcm: bytes) -> None:
    """Write s16le mono 16 kHz as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm)
