"""What of an answer has not been spoken yet, when the voice breaks off."""

from __future__ import annotations

from bot.spoken_words import WEIGHT_PER_MS, voiced_ms, word_weight

# A sentence said twice is better than one that is left out: the audio counts for a little less
# than the words that it probably holds.
CAUTION = 0.9


class Unspoken:
    """The sentences given to the voice for one answer, and how much audio came back."""

    def __init__(self) -> None:
        """Begin with an ordinary English pace; it is learnt from each whole answer."""
        self._weight_per_ms = WEIGHT_PER_MS
        self._texts: list[str] = []
        self._voiced_ms = 0.0

    @property
    def has_audio(self) -> bool:
        """Whether anything of the answer came back."""
        return self._voiced_ms > 0

    @property
    def has_text(self) -> bool:
        """Whether the voice was given anything to say."""
        return bool(self._texts)

    def begin(self) -> None:
        """Forget the answer before."""
        self._texts.clear()
        self._voiced_ms = 0.0

    def add(self, text: str) -> None:
        """The voice is given a sentence."""
        self._texts.append(text)

    def hear(self, audio: bytes, rate_hz: int) -> None:
        """Audio came back: s16le mono."""
        self._voiced_ms += voiced_ms(audio, rate_hz)

    def complete(self) -> None:
        """All of it was spoken: learn the voice's pace."""
        if self._voiced_ms:
            self._weight_per_ms = sum(map(_weight, self._texts)) / self._voiced_ms

    def rest(self) -> str:
        """Return what is left to say, from the sentence on in which the audio broke off."""
        spoken = self._voiced_ms * self._weight_per_ms * CAUTION
        for index, text in enumerate(self._texts):
            spoken -= _weight(text)
            if spoken < 0:
                left = self._texts[index:]
                break
        else:
            left = self._texts[-1:]
        # What is left is told as one answer, of which nothing has been heard.
        self._texts = left
        self._voiced_ms = 0.0
        return "".join(left)


def _weight(text: str) -> float:
    return sum(word_weight(word) for word in text.split())
