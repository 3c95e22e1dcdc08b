"""What a caller hears of the bot, and when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

RATE_HZ = 16_000
# Samples of silence are exactly 0 in the bot's track, apart from Opus' noise of a few units.
SPEECH_PEAK = 300

Samples = np.ndarray[Any, np.dtype[np.int16]]


@dataclass(frozen=True)
class Span:
    """A stretch of time, in monotonic seconds."""

    start_secs: float
    end_secs: float


@dataclass
class Heard:
    """Audio of the bot: s16le mono 16 kHz in pieces, each with its arrival (monotonic seconds).

    Attributes:
        pieces: Arrival of a piece's last sample, and the samples.
        loud: From the first to the last loud sample of each piece that has any, oldest first.
    """

    pieces: list[tuple[float, Samples]] = field(default_factory=list["tuple[float, Samples]"])
    loud: list[Span] = field(default_factory=list[Span])

    def add(self, at_secs: float, samples: Samples) -> None:
        """Keep one piece that has just arrived."""
        self.pieces.append((at_secs, samples))
        where = np.flatnonzero(np.abs(samples.astype(np.int32)) > SPEECH_PEAK)
        if where.size:
            first, last = (len(samples) - int(where[index]) for index in (0, -1))
            self.loud.append(Span(at_secs - first / RATE_HZ, at_secs - (last - 1) / RATE_HZ))

    def pcm(self, since_secs: float = 0.0) -> bytes:
        """Return everything heard from a moment on, as s16le mono 16 kHz."""
        return b"".join(piece.tobytes() for at, piece in self.pieces if at >= since_secs)

    def first_speech_after(self, since_secs: float) -> float | None:
        """Return when the bot was first loud at or after a moment, or None."""
        spans = (span for span in self.loud if span.end_secs >= since_secs)
        return next((max(span.start_secs, since_secs) for span in spans), None)

    def last_speech(self, since_secs: float = 0.0) -> float | None:
        """Return when the bot was last loud, or None if not since that moment."""
        if not self.loud or self.loud[-1].end_secs < since_secs:
            return None
        return self.loud[-1].end_secs
