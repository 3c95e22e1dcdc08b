"""The first words of an answer, spoken while the rest of its sentence is still being written.

A voice service starts with a whole sentence, or when it is told to. For an answer's first words
waiting for the sentence's end is silence: 70 ms for seven words at 100 words a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from pipecat.frames.frames import Frame, LLMFullResponseStartFrame, LLMTextFrame
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.tts_service import TTSService
from pipecat.utils.text.base_text_aggregator import Aggregation, TextType
from pipecat.utils.text.simple_text_aggregator import SimpleTextAggregator

from bot.waterfall import Step, Waterfall

# A mark of these with white space behind it ends a clause ("1,000" and "10:30" stay whole).
CLAUSE_ENDS = ",;:\N{EM DASH}"
# A provider allows 20 flushes a minute (Deepgram's documentation); the ends of answers need theirs.
FLUSHES_PER_MINUTE = 8
_MINUTE_SECS = 60.0


class OpeningAggregator(SimpleTextAggregator):
    """Pipecat's sentences, the first one of each answer begun with its first clause."""

    def __init__(self) -> None:
        """Begin before an answer."""
        super().__init__(aggregation_type=TextType.SENTENCE)
        self._is_opening = True
        self._opening = ""

    def take_opening(self, text: str) -> bool:
        """Whether a text is the first of its answer; true once."""
        is_opening = bool(text.strip()) and text.strip() == self._opening
        if is_opening:
            self._opening = ""
        return is_opening

    async def _check_sentence_with_lookahead(
        self, char: str, *, protected_end: int = 0
    ) -> Aggregation | None:
        piece = await super()._check_sentence_with_lookahead(char, protected_end=protected_end)
        if not self._is_opening:
            return piece
        if piece is None and char.isspace() and self._text[-2:-1] in CLAUSE_ENDS:
            piece = self._clause()
        if piece is not None:
            self._is_opening = False
            self._opening = piece.text
        return piece

    def _clause(self) -> Aggregation | None:
        clause = self._text.strip()
        if not any(char.isalpha() for char in clause):
            return None
        self._text = ""
        return Aggregation(text=clause, type=TextType.SENTENCE)

    async def handle_interruption(self) -> None:
        """Forget the answer; the next one opens anew."""
        await super().handle_interruption()
        self._is_opening = True
        self._opening = ""

    async def reset(self) -> None:
        """Be ready for the next answer."""
        await super().reset()
        self._is_opening = True

    async def flush(self) -> Aggregation | None:
        """Return what is left at the end of an answer."""
        rest = await super().flush()
        self._is_opening = True
        return rest


class EagerOpening(TTSService):
    """Mixed into a text-to-speech service that collects text: it is told to begin at once."""

    def __init__(self, **kwargs: Any) -> None:
        """Create the service."""
        super().__init__(**kwargs)
        self._opening = OpeningAggregator()
        self._text_aggregator = self._opening
        self._flush_times: deque[float] = deque(maxlen=FLUSHES_PER_MINUTE)
        self._flushes_due = 0
        self._waterfall: Waterfall | None = None

    def note_in(self, waterfall: Waterfall) -> None:
        """Say where the steps of an answer's text are noted."""
        self._waterfall = waterfall

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Note when an answer is asked for and when it begins; then as the service does."""
        if isinstance(frame, LLMFullResponseStartFrame):
            self._note(Step.ASKED)
        elif isinstance(frame, LLMTextFrame):
            self._note(Step.TOKEN)
        await super().process_frame(frame, direction)

    def _note(self, step: Step) -> None:
        if self._waterfall is not None:
            self._waterfall.mark(step)

    def opens_answer(self, text: str) -> bool:
        """Note a text that was given, and say whether it is its answer's first, to be flushed now.

        Its flush is then counted as due.
        """
        self._note(Step.TEXT)
        is_due = self._opening.take_opening(text) and self._may_flush()
        self._flushes_due += is_due
        return is_due

    def _may_flush(self) -> bool:
        now = asyncio.get_running_loop().time()
        times = self._flush_times
        if len(times) == FLUSHES_PER_MINUTE and now - times[0] < _MINUTE_SECS:
            return False
        times.append(now)
        return True

    def take_opening_flushed(self) -> bool:
        """Whether a flush that the provider reports done is an opening's, not the answer's end."""
        if not self._flushes_due:
            return False
        self._flushes_due -= 1
        return True

    def forget_flushes(self) -> None:
        """Note that flushes under way will not be reported."""
        self._flushes_due = 0
