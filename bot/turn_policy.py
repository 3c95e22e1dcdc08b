"""How long to stay silent before an answer becomes audible, from the audio score and the words.

Fitted on the tuning clips of `bench/turns` (`python -m bench.turns.curve`). The words say whether a
sentence has ended. Smart-turn's score alone hardly parts pauses from ends in prompts read aloud,
where it is high throughout; in spontaneous speech it is low in nearly every pause, also where a
sentence has just ended, and that is what its lower threshold is for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


class Words(Enum):
    """What a transcript says about the end of a turn."""

    COMPLETE = "complete"
    """The last words end a sentence."""
    OPEN = "open"
    """More must or may well follow."""
    UNKNOWN = "unknown"
    """Nothing has been recognised."""


@dataclass(frozen=True)
class CommitPolicy:
    """Silence after the last voiced sample, in seconds, after which the answer may be heard.

    Attributes:
        clear_score: Scores from here on are clear.
        complete_clear_secs: A sentence has ended and the score is clear. An answer is ready at
            about 0.3 s (0.1 s transcript, 0.1 s model, 0.08 s voice); each 0.04 s more spares a
            quarter of the cut-offs after whole sentences (`bench.turns.curve`), and this is what
            the goal of 200 ms over the providers' time leaves.
        complete_secs: A sentence has ended, the score is not clear.
        open_clear_secs: Words are open, the score is clear: just longer than the pauses of
            300-900 ms that must survive.
        open_secs: Words are open, nor is the score clear. With providers' 280 ms hidden behind it,
            the answer stays within 1.5 s over the floor.
        unknown_secs: No words yet: short replies and noises are told apart by their transcript.
    """

    clear_score: float = 0.9
    complete_clear_secs: float = 0.38
    complete_secs: float = 0.5
    open_clear_secs: float = 0.95
    open_secs: float = 1.2
    unknown_secs: float = 1.2


DEFAULT_POLICY = CommitPolicy()

_SENTENCE_END = ".?!"
_QUESTION_END = "?"
_WORD = re.compile(r"[\w'\u2019]+")

# After these an English sentence goes on: articles, possessives, conjunctions, prepositions,
# auxiliaries, hesitations, and verbs of asking that need an object.
_GOES_ON = frozenset(
    """
    a an the my your his her its our their this these those
    and or but because so if when while since although that than then as whether
    to of in on at by for from with into onto about over under between through without before after
    until during against
    am is are was were be been being has have had do does did will would can could should shall may
    might must
    i'm you're we're they're it's that's there's i'll you'll we'll i'd i've
    um uh uhm erm er hmm like
    please enter press
    not very more most some any every each no which what whose who how
    """.split()  # noqa: SIM905 - read as text
)
# Numbers are dictated in groups: a phone number, a card, a date.
_NUMBERS = frozenset(
    """
    zero oh one two three four five six seven eight nine ten eleven twelve hundred thousand double
    """.split()  # noqa: SIM905 - read as text
)


def read_words(transcript: str) -> Words:
    """What the words so far say about the end of the turn.

    Punctuation is the recogniser's; a question mark outweighs the last word ("save it to?"), a full
    stop does not, because recognisers put one after whatever they have.

    Args:
        transcript: All words of the turn, finals and the newest interim.
    """
    text = transcript.strip()
    words = _WORD.findall(text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    if not words:
        return Words.UNKNOWN
    if text[-1] in _QUESTION_END:
        return Words.COMPLETE
    last = words[-1]
    is_number = last in _NUMBERS or any(character.isdigit() for character in last)
    if text[-1] not in _SENTENCE_END or text.endswith(("...", "\N{HORIZONTAL ELLIPSIS}")):
        return Words.OPEN
    if last in _GOES_ON or (is_number and len(words) > 1):
        return Words.OPEN
    return Words.COMPLETE


def commit_silence_secs(
    score: float | None, transcript: str, policy: CommitPolicy = DEFAULT_POLICY
) -> float:
    """Return the silence after which the answer may become audible.

    Args:
        score: Smart-turn's, 0 (unfinished) to 1 (finished); None when it has not been asked yet.
        transcript: All words of the turn so far; empty when none were recognised.
        policy: The times.
    """
    words = read_words(transcript)
    is_clear = score is not None and score >= policy.clear_score
    if words is Words.COMPLETE:
        return policy.complete_clear_secs if is_clear else policy.complete_secs
    if words is Words.OPEN:
        return policy.open_clear_secs if is_clear else policy.open_secs
    return policy.unknown_secs
