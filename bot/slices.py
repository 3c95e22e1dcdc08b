"""The bot's audio in pieces of one length, small enough to stop between."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import TTSAudioRawFrame

from bot.spoken_words import SpokenWords, voiced_ms

# Also the length in which Pipecat's output writes audio to the room.
SLICE_MS = 40


@dataclass
class Slice:
    """A piece of audio and the stretch of speech it belongs to.

    Attributes:
        frame: s16le mono, SLICE_MS long.
        words: What is said in this stretch; None for audio without text.
        voiced_ms: How much of the piece is not silence.
    """

    frame: TTSAudioRawFrame
    words: SpokenWords | None
    voiced_ms: float

    @classmethod
    def of(cls, frame: TTSAudioRawFrame, words: SpokenWords | None) -> Slice:
        """Return the piece for a frame of its length."""
        return cls(frame, words, voiced_ms(frame.audio, frame.sample_rate))

    @property
    def secs(self) -> float:
        """How long it takes to play."""
        return len(self.frame.audio) / 2 / self.frame.sample_rate

    def cut(self, after_secs: float) -> Slice | None:
        """Shorten this piece to what has been heard of it; return the rest, if any.

        The rest is as long as any piece, with silence in front: the room takes whole pieces.
        """
        position = int(after_secs * self.frame.sample_rate) * 2
        whole = self.frame.audio
        if position >= len(whole):
            return None
        later = whole[position:].rjust(slice_bytes(self.frame.sample_rate), b"\0")
        rest = Slice(_piece_of(self.frame, later), self.words, self.voiced_ms)
        rest.voiced_ms *= 1 - position / len(whole)
        self.frame = _piece_of(self.frame, whole[:position])
        self.voiced_ms -= rest.voiced_ms
        return rest


class Slicer:
    """Cuts a stream of audio frames of any length into pieces."""

    def __init__(self) -> None:
        """Begin with no audio."""
        self._tail = b""
        self._template: TTSAudioRawFrame | None = None

    def push(self, frame: TTSAudioRawFrame) -> list[TTSAudioRawFrame]:
        """Return the whole pieces that a frame completes."""
        size = slice_bytes(frame.sample_rate)
        audio = self._tail + frame.audio
        whole = len(audio) // size * size
        self._tail = audio[whole:]
        self._template = frame
        return [_piece_of(frame, audio[start : start + size]) for start in range(0, whole, size)]

    def flush(self) -> list[TTSAudioRawFrame]:
        """Return what is left, filled with silence."""
        tail, self._tail = self._tail, b""
        if not tail or self._template is None:
            return []
        padded = tail.ljust(slice_bytes(self._template.sample_rate), b"\0")
        return [_piece_of(self._template, padded)]

    def clear(self) -> None:
        """Drop what is left."""
        self._tail = b""


def slice_bytes(rate_hz: int) -> int:
    """Return the size of a piece of s16le mono audio."""
    return rate_hz * SLICE_MS // 1000 * 2


def _piece_of(frame: TTSAudioRawFrame, audio: bytes) -> TTSAudioRawFrame:
    piece = TTSAudioRawFrame(
        audio, frame.sample_rate, frame.num_channels, context_id=frame.context_id
    )
    piece.transport_destination = frame.transport_destination
    piece.interruptible = frame.interruptible
    return piece
