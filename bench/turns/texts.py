"""Which words of a clip have been said by when.

Few of these recordings have published word times. In the others, sentences and phrases (parted by
`. , ; : ? !`) are matched to the clip's voiced stretches by length, so that a long silence falls on
a punctuation mark where there is one nearby; inside a phrase, voiced time is shared by letters.
"""

import numpy as np

from bench.turns.clips import Clip, Samples, gaps_of, published_words, voiced_windows

_WINDOW_SECS = 0.01
_MARKS = ".,;:?!"
# A silence is moved to a punctuation mark at most this share of the clip's voiced time away.
_REACH = 0.12


def word_ends_secs(text: str, samples: Samples) -> list[tuple[float, str]]:
    """When each word has been said, in seconds from the clip's start."""
    words = text.split()
    if not words:
        return []
    voiced = voiced_windows(samples)
    said = np.cumsum([len(word) + 1 for word in words]) / sum(len(word) + 1 for word in words)
    anchors = _anchors(words, said, samples, voiced)
    shares = np.interp(said, [a for a, _ in anchors], [b for _, b in anchors])
    last = np.clip(np.round(shares * voiced.size).astype(int) - 1, 0, voiced.size - 1)
    return [
        ((int(voiced[at]) + 1) * _WINDOW_SECS, word) for at, word in zip(last, words, strict=True)
    ]


def _anchors(
    words: list[str],
    said: np.ndarray[tuple[int], np.dtype[np.float64]],
    samples: Samples,
    voiced: np.ndarray[tuple[int], np.dtype[np.intp]],
) -> list[tuple[float, float]]:
    """Pairs (share of the letters, share of the voiced time) that belong together, ascending."""
    pairs = [(0.0, 0.0)]
    for gap in gaps_of(samples):
        share = float((voiced * _WINDOW_SECS < gap.start_secs).mean())
        free = [i for i in range(len(words) - 1) if said[i] > pairs[-1][0] + 1e-9]
        if not free:
            break
        marked = [i for i in free if words[i][-1] in _MARKS and abs(said[i] - share) <= _REACH]
        nearest = min(marked or free, key=lambda i: abs(said[i] - share))
        if share > pairs[-1][1] and abs(said[nearest] - share) <= _REACH:
            pairs.append((float(said[nearest]), share))
    return [*pairs, (1.0, 1.0)]


def words_of(clip: Clip, samples: Samples) -> list[tuple[float, str]]:
    """When each word of a clip has been said: as published, else as shared out."""
    published = [(word.end_secs, word.text) for word in published_words(clip) if word.text]
    return published or word_ends_secs(clip.text, samples)


def heard_by(words: list[tuple[float, str]], at_secs: float) -> str:
    """The words said until a position."""
    return " ".join(word for end, word in words if end <= at_secs + 0.02)


def is_sentence(text: str) -> bool:
    """Whether the publisher ends the text as a sentence; prompts are fragments otherwise."""
    return text.endswith((".", "?", "!")) and not text.endswith("...")
