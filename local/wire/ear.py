"""What one stream has said so far: resampling, detection, and the audio of the open utterance."""

from collections.abc import Iterator

import numpy as np

from local.engines.api import SAMPLE_RATE_HZ, Detector
from local.wire.audio import Samples, StreamResampler
from local.wire.segments import PRE_ROLL_SECS, Event, Segmenter

_PRE_ROLL = int(PRE_ROLL_SECS * SAMPLE_RATE_HZ) + SAMPLE_RATE_HZ // 10


class Ear:
    """Judges a stream window by window and keeps the audio that may still be decoded.

    Positions are samples at 16 kHz from the start of the stream.
    """

    def __init__(self, detector: Detector, segments: Segmenter, sample_rate_hz: int) -> None:
        self._detector = detector
        self.segments = segments
        self._resampler = StreamResampler(sample_rate_hz, SAMPLE_RATE_HZ)
        self._audio: Samples = np.zeros(0, dtype=np.int16)
        self._audio_start = 0
        self._judged = 0
        self.heard_speech = False
        """Whether the last piece of audio held speech."""

    @property
    def position(self) -> int:
        """Samples judged."""
        return self._judged

    def push(self, data: bytes) -> Iterator[list[Event]]:
        """Take s16le audio at the stream's rate; yield the events of each window it completes."""
        self._forget()
        self._audio = np.concatenate((self._audio, self._resampler.push(data)))
        self.heard_speech = False
        window = self._detector.window_samples
        while self._audio_start + len(self._audio) - self._judged >= window:
            offset = self._judged - self._audio_start
            is_speech = self._detector.is_speech(self._audio[offset : offset + window])
            self.heard_speech = self.heard_speech or is_speech
            self._judged += window
            yield self.segments.push(is_speech)

    def utterance(self) -> tuple[int, bytes]:
        """Return where the open utterance starts and its audio so far (s16le mono 16 kHz)."""
        start = self._judged if self.segments.start is None else self.segments.start
        start = max(start, self._audio_start)
        part = self._audio[start - self._audio_start : self._judged - self._audio_start]
        return start, part.astype("<i2").tobytes()

    def _forget(self) -> None:
        keep = self.segments.start
        first = max(0, self._judged - _PRE_ROLL) if keep is None else keep
        if first > self._audio_start:
            self._audio = self._audio[first - self._audio_start :]
            self._audio_start = first
