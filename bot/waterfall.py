"""Where a turn's time goes: from the visitor's last sound to the answer's first, step by step.

What the network adds on both sides is not seen from here; `make bench` measures it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate, pairwise


class Step(Enum):
    """What happens after the visitor's last sound, in this order; each names what it ends."""

    TRANSCRIBED = "stt"
    """The last final transcript has come."""
    ASKED = "turn"
    """The model is asked for the answer that will be heard."""
    TOKEN = "llm"  # noqa: S105 - a model's first token
    """Its first token has come."""
    TEXT = "sentence"
    """The first clause or sentence is given to the voice."""
    AUDIO = "tts"
    """Its first audio has come."""
    HEARD = "release"
    """The first audio is given to the room: the turn has been decided meanwhile."""


SEGMENTS = tuple(step.value for step in Step)
_ORDER = {step: place for place, step in enumerate(Step)}
# These may come again, for words that follow; everything after them is then another answer's.
_AGAIN = (Step.TRANSCRIBED, Step.ASKED)


@dataclass(frozen=True)
class TurnTimes:
    """One answered turn.

    Attributes:
        segments_secs: By SEGMENTS, in order; they add up to the whole wait.
        answers_begun: Answers asked of the model for it; all but one were thrown away unheard, or
            called a function.
    """

    segments_secs: dict[str, float]
    answers_begun: int


class Waterfall:
    """The turn that is going on.

    Attributes:
        on_turn: Told of each answered turn.
    """

    def __init__(self) -> None:
        """Begin outside of a turn."""
        self.on_turn: Callable[[TurnTimes], None] | None = None
        self._at_secs: dict[Step, float] = {}
        self._voice_ended_secs = 0.0
        self._begun = 0

    def voice_ended(self, at_secs: float) -> None:
        """Note the visitor's last sound; the transcript may be there before the silence is."""
        self._voice_ended_secs = at_secs

    def mark(self, step: Step, at_secs: float | None = None) -> None:
        """Note that a step is done.

        A step that does not follow from a turn is nobody's: a greeting, a typed question.

        Args:
            step: Which.
            at_secs: When, by the event loop's clock; None for now.
        """
        if step is Step.ASKED:
            self._begun += 1
        place = _ORDER[step]
        if len(self._at_secs) < place or (step not in _AGAIN and step in self._at_secs):
            return
        now = asyncio.get_running_loop().time() if at_secs is None else at_secs
        self._at_secs = {one: at for one, at in self._at_secs.items() if _ORDER[one] < place}
        self._at_secs[step] = now
        if step is Step.HEARD:
            self._tell()

    def _tell(self) -> None:
        times = [self._voice_ended_secs, *self._at_secs.values()]
        # Where sounds went on behind the words, the wait counts from the last of them.
        times = list(accumulate(times, max))
        lengths = [later - earlier for earlier, later in pairwise(times)]
        turn = TurnTimes(dict(zip(SEGMENTS, lengths, strict=True)), self._begun)
        self._at_secs, self._begun = {}, 0
        if self.on_turn is not None:
            self.on_turn(turn)
