"""Which words of a sentence have been heard, judged by how much of its audio has been played.

Deepgram's text-to-speech gives no word times. The words of one stretch of speech are laid over its
voiced audio instead, each in proportion to its length; pauses between sentences take no words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# -46 dBFS: below it a window is a pause, not speech.
VOICED_RMS = 0.005 * 32768
# A digit is read as a word ("7": "seven"); a letter is a letter.
DIGIT_WEIGHT = 4.0
LETTER_WEIGHT = 1.0
# What lies between two words, in letters.
GAP_WEIGHT = 1.0
# Until all audio of a stretch has come: 15 letters and gaps a second of voiced audio, ordinary
# English speech. The stretch's own rate takes over when its audio is complete.
WEIGHT_PER_MS = 0.015


@dataclass(frozen=True)
class Segment:
    """A sentence that is given to the voice.

    Attributes:
        id: The segment's id in RTVI's `bot-output`.
        text: The whole sentence.
        text_type: What kind of text it is, as the voice service says.
        append_to_context: Whether the conversation remembers it.
    """

    id: int
    text: str
    text_type: str
    append_to_context: bool


@dataclass(frozen=True)
class HeardWord:
    """A word that has just been heard, and how far its sentence has come."""

    segment: Segment
    word: str
    heard: str
    remaining: str


def voiced_ms(audio: bytes, rate_hz: int) -> float:
    """Return how much of a piece of s16le mono audio is not silence, in milliseconds.

    The piece counts as a whole: it is expected to be some tens of milliseconds long.
    """
    samples = np.frombuffer(audio, dtype="<i2").astype(np.float32)
    if not samples.size or float(np.sqrt(np.mean(samples * samples))) < VOICED_RMS:
        return 0.0
    return samples.size * 1000 / rate_hz


def word_weight(word: str) -> float:
    """Return how long a word takes to say, in letters."""
    letters = sum(DIGIT_WEIGHT if char.isdigit() else LETTER_WEIGHT for char in word)
    return letters + GAP_WEIGHT


class SpokenWords:
    """The words of one stretch of speech, and how many of them have been heard."""

    def __init__(self) -> None:
        """Begin a stretch without words."""
        self._words: list[tuple[Segment, str, int]] = []
        self._weight = 0.0
        self._received_ms = 0.0
        self._played_ms = 0.0
        self._heard_weight = 0.0
        self._heard_count = 0
        self._is_complete = False

    @property
    def has_audio(self) -> bool:
        """Whether any of the stretch has come as voiced audio."""
        return self._received_ms > 0

    def add_text(self, segment: Segment) -> None:
        """Add a sentence behind those that are there."""
        position = 0
        for word in segment.text.split():
            start = segment.text.index(word, position)
            position = start + len(word)
            self._words.append((segment, word, position))
            self._weight += word_weight(word)

    def add_audio(self, voiced_ms: float) -> None:
        """Count audio that has come from the voice and is still to be played."""
        self._received_ms += voiced_ms

    def complete(self) -> None:
        """Note that no more audio will come."""
        self._is_complete = True

    def play(self, voiced_ms: float) -> list[HeardWord]:
        """Count audio that has been played; return the words that it completed."""
        self._played_ms += voiced_ms
        reach = self._played_ms * self._weight_per_ms
        heard: list[HeardWord] = []
        while self._heard_count < len(self._words):
            weight = word_weight(self._words[self._heard_count][1])
            if self._heard_weight + weight > reach:
                break
            heard.append(self._hear_next())
        return heard

    def rest(self) -> list[HeardWord]:
        """Return the words that are left when all audio has been played."""
        return [self._hear_next() for _ in range(len(self._words) - self._heard_count)]

    @property
    def _weight_per_ms(self) -> float:
        if self._is_complete and self._received_ms:
            return self._weight / self._received_ms
        return WEIGHT_PER_MS

    def _hear_next(self) -> HeardWord:
        segment, word, end = self._words[self._heard_count]
        self._heard_count += 1
        self._heard_weight += word_weight(word)
        remaining = segment.text[end:].lstrip()
        return HeardWord(segment, word, segment.text[:end], remaining)
