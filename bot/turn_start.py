"""When the visitor takes the floor: at once while the bot is silent, by what is said otherwise.

While the bot prepares an answer or speaks, a voice first only pauses it. Words take the floor, and
so does a voice that goes on; a cough, a noise or a word of assent ("uh-huh") does not, and the
bot's sentence goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_start import BaseUserTurnStartStrategy

from bot.playout import Playout

# A voice that goes on for so long without a recognised word is somebody who wants to speak: an
# interim transcript comes within about half a second of a word.
SUSTAINED_VOICE_SECS = 1.2
# How long after the voice its transcript may come. Deepgram answers Finalize within 0.35 s in 99
# of 100 cases (Pipecat's stt_latency table).
VERDICT_SECS = 0.45

# Words by which a listener says "go on"; a turn of nothing else leaves the bot its floor.
BACKCHANNELS = frozenset(
    {
        "ah", "aha", "ahh", "alright", "cool", "good", "great", "hm", "hmm", "hmmm", "mhm", "mm",
        "mmhm", "mmhmm", "mmm", "nice", "oh", "ok", "okay", "right", "sure", "thank", "thanks",
        "uh", "uhhuh", "uhuh", "um", "well", "wow", "yeah", "yep", "yes", "you", "yup"
    }
)  # fmt: skip
MOST_BACKCHANNEL_WORDS = 3
_WORD = re.compile(r"[^\W_]+")


def is_backchannel(text: str) -> bool:
    """Whether a transcript is only assent: up to three words that ask for nothing."""
    words = _WORD.findall(text.lower().replace("-", "").replace("'", ""))
    return len(words) <= MOST_BACKCHANNEL_WORDS and all(word in BACKCHANNELS for word in words)


class YieldingTurnStartStrategy(BaseUserTurnStartStrategy):
    """Starts the visitor's turn; while the bot has the floor, pauses it first and decides after."""

    def __init__(self, playout: Playout) -> None:
        """Create the strategy of one session.

        Args:
            playout: The bot's mouth.
        """
        super().__init__()
        self._playout = playout
        self._is_in_turn = False
        self._timer: asyncio.Task[None] | None = None

    async def handle_user_turn_started(self) -> None:
        """The visitor has the floor; nothing is left to decide."""
        self._is_in_turn = True
        await self._stop_timer()

    async def handle_user_turn_stopped(self) -> None:
        """The floor is free again."""
        self._is_in_turn = False

    async def cleanup(self) -> None:
        """Stop waiting for a verdict."""
        await super().cleanup()
        await self._stop_timer()

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        """Judge a voice or a transcript outside of a turn."""
        if not self._is_in_turn:
            match frame:
                case VADUserStartedSpeakingFrame():
                    await self._voice_started()
                case VADUserStoppedSpeakingFrame() if self._playout.is_paused:
                    await self._wait(VERDICT_SECS, self._resume)
                case TranscriptionFrame() | InterimTranscriptionFrame() if frame.text.strip():
                    await self._words(frame.text, is_final=isinstance(frame, TranscriptionFrame))
                case _:
                    pass
        return ProcessFrameResult.CONTINUE

    async def _voice_started(self) -> None:
        if self._playout.is_busy:
            self._playout.pause()
            await self._wait(SUSTAINED_VOICE_SECS, self._take_floor)
        else:
            await self.trigger_user_turn_started()

    async def _words(self, text: str, *, is_final: bool) -> None:
        keeps_floor = self._playout.is_busy and not self._playout.is_ending
        if not (keeps_floor and is_backchannel(text)):
            await self.trigger_user_turn_started()
        elif is_final:
            await self.trigger_reset_aggregation()
            await self._stop_timer()
            self._playout.resume()

    async def _take_floor(self) -> None:
        await self.trigger_user_turn_started()

    async def _resume(self) -> None:
        self._playout.resume()

    async def _wait(self, secs: float, then: Callable[[], Awaitable[None]]) -> None:
        await self._stop_timer()

        async def decide() -> None:
            await asyncio.sleep(secs)
            self._timer = None
            await then()

        self._timer = self.task_manager.create_task(decide(), f"{self}::verdict")

    async def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer is not asyncio.current_task():
            await self.task_manager.cancel_task(timer)
