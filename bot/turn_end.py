"""When the visitor's turn ends: answered early, decided late.

The model is asked at each final transcript, while the turn is still open, and its answer is spoken
into a `Playout` that holds it. Meanwhile the silence grows; how much of it ends the turn depends on
what was said and how it sounded (`bot.turn_policy`). A visitor who goes on speaks to a bot that has
said nothing: the answer is thrown away, and both halves are one message to the model.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameProcessorSetup
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_stop import BaseUserTurnStopStrategy

from bot.models import EndScorer, SharedVADAnalyzer
from bot.playout import LEAST_WAIT_SECS, Playout
from bot.turn_policy import Words, commit_silence_secs, read_words
from bot.waterfall import Step, Waterfall

# Answers begun for one turn before it is decided: a rate-limited account pays for each. What is
# said after the last of them is answered when the turn has ended.
MOST_EARLY_ANSWERS = 3
# Smart-turn hears at most this much (its model card); older audio is dropped.
SCORED_SECS = 8.0
# Silero calls the end of a word voice for about so long after its last voiced sample.
HANGOVER_SECS = 0.05
# What is heard before the VAD reports a voice belongs to the turn: its own start, and a breath.
PRE_SPEECH_SECS = 0.7
# Smart-turn was trained to be asked after 0.2 s of silence. Open words wait longer whatever it
# says, so it is asked when that can still shorten the wait.
SCORE_SECS = 0.2
OPEN_SCORE_SECS = 0.6
# An interruption passes through the rest of the pipeline in milliseconds.
KEEPING_SECS = 0.3
# A turn in which no word has been recognised is given up after this silence: the final of a slow
# recogniser is waited for no longer (`bot.services.stt.STT_FINAL_TIMEOUT_SECS`).
WORDLESS_SECS = 1.2
# Looking again when a voice may just be starting: two windows of the VAD.
ONSET_SECS = 0.064


class EarlyAnswerTurnStopStrategy(BaseUserTurnStopStrategy):
    """Asks for the answer early and ends the turn late."""

    def __init__(
        self, playout: Playout, vad: SharedVADAnalyzer, scorer: EndScorer, waterfall: Waterfall
    ) -> None:
        """Create the strategy of one session.

        Args:
            playout: The bot's mouth, which holds what is prepared.
            vad: The session's voice activity, for a voice that is just starting.
            scorer: Smart-turn.
            waterfall: Where the ends of voice and words are noted.
        """
        super().__init__()
        self._waterfall = waterfall
        self._playout = playout
        self._vad = vad
        self._scorer = scorer
        self._interrupt: Callable[[], Awaitable[None]] | None = None
        self._audio: deque[bytes] = deque()
        self._audio_bytes = 0
        self._bytes_per_sec = 0
        self._watch: asyncio.Task[None] | None = None
        self._silent_since: float | None = None
        self._score: float | None = None
        self._text = ""
        self._has_interim = False
        self._is_in_turn = False
        self._is_prepared = False
        self._early_answers = 0
        self._is_answer_kept = asyncio.Event()
        self._is_answer_kept.set()

    def bind(self, interrupt: Callable[[], Awaitable[None]]) -> None:
        """Say how a prepared answer is thrown away.

        Args:
            interrupt: The user aggregator's `broadcast_interruption`.
        """
        self._interrupt = interrupt

    def note_answer_kept(self) -> None:
        """Note that what was heard of an interrupted answer stands in the conversation."""
        self._is_answer_kept.set()

    async def setup(self, setup: FrameProcessorSetup) -> None:
        """Learn the microphone's rate."""
        await super().setup(setup)
        self._bytes_per_sec = setup.audio_in_sample_rate * 2

    async def cleanup(self) -> None:
        """Stop watching the silence."""
        await super().cleanup()
        await self._stop_watch()

    async def handle_user_turn_started(self) -> None:
        """Arm for the turn that begins."""
        self._is_in_turn = True
        self._forget_turn()
        if self._playout.is_mid_answer:
            self._is_answer_kept.clear()
        self._playout.interrupt()
        self._keep_last(PRE_SPEECH_SECS)
        if not self._vad.is_voice:
            # Begun by a transcript, after the voice or without one.
            await self._start_watch()

    async def handle_user_turn_stopped(self) -> None:
        """Forget the turn that has ended, however it did."""
        self._is_in_turn = False
        await self._stop_watch()
        self._forget_turn()
        self._playout.release()

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        """Follow voice, silence and words."""
        match frame:
            case InputAudioRawFrame():
                self._keep(frame.audio)
            case VADUserStartedSpeakingFrame():
                await self._voice_started()
            case VADUserStoppedSpeakingFrame():
                await self._voice_stopped(frame.stop_secs)
            case InterimTranscriptionFrame() if frame.text.strip():
                self._has_interim = True
                await self._take_back_answer()
            case TranscriptionFrame() if frame.text.strip():
                await self._words(frame.text)
            case _:
                pass
        return ProcessFrameResult.CONTINUE

    def _forget_turn(self) -> None:
        self._text = ""
        self._has_interim = False
        self._is_prepared = False
        self._early_answers = 0

    def _keep(self, audio: bytes) -> None:
        self._audio.append(audio)
        self._audio_bytes += len(audio)
        self._keep_last(SCORED_SECS)

    def _keep_last(self, secs: float) -> None:
        while self._audio_bytes > secs * self._bytes_per_sec:
            self._audio_bytes -= len(self._audio.popleft())

    async def _voice_started(self) -> None:
        self._silent_since = None
        await self._stop_watch()

    async def _voice_stopped(self, stop_secs: float) -> None:
        self._silent_since = asyncio.get_running_loop().time() - stop_secs - HANGOVER_SECS
        self._waterfall.voice_ended(self._silent_since)
        self._score = None
        if self._is_in_turn:
            await self._start_watch()

    async def _words(self, text: str) -> None:
        if not self._is_in_turn:
            return
        self._text = f"{self._text} {text.strip()}".strip()
        self._waterfall.mark(Step.TRANSCRIBED)
        self._has_interim = False
        await self._take_back_answer()
        if self._early_answers < MOST_EARLY_ANSWERS:
            self._early_answers += 1
            self._is_prepared = True
            self._playout.hold()
            await self._wait_for_answer_kept()
            await self.trigger_user_turn_inference_triggered()

    async def _wait_for_answer_kept(self) -> None:
        """Let an interrupted answer reach the conversation before the model is asked again."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._is_answer_kept.wait(), KEEPING_SECS)
        self._is_answer_kept.set()

    async def _take_back_answer(self) -> None:
        """Throw away an answer to the first half of what is being said."""
        if self._is_prepared and self._interrupt is not None:
            self._is_prepared = False
            self._playout.interrupt()
            await self._interrupt()

    async def _start_watch(self) -> None:
        await self._stop_watch()
        if self._silent_since is None:
            self._silent_since = asyncio.get_running_loop().time()
        self._watch = self.task_manager.create_task(
            self._watch_silence(self._silent_since), f"{self}::silence"
        )

    async def _stop_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and watch is not asyncio.current_task():
            await self.task_manager.cancel_task(watch)

    async def _watch_silence(self, silent_since: float) -> None:
        """Wait until the silence is long enough for what was said, then end the turn."""
        loop = asyncio.get_running_loop()
        while True:
            silence_secs = loop.time() - silent_since
            score_secs = self._score_due_secs()
            if score_secs is not None and silence_secs >= score_secs:
                self._score = await self._scorer.score(b"".join(self._audio))
                continue
            wait_secs = self._silence_needed_secs() - silence_secs
            if wait_secs <= 0:
                if not self._vad.is_onset:
                    break
                wait_secs = ONSET_SECS
            elif score_secs is not None:
                wait_secs = min(wait_secs, score_secs - silence_secs)
            await asyncio.sleep(min(max(wait_secs, LEAST_WAIT_SECS), ONSET_SECS))
        self._watch = None
        self._playout.expect()
        await self.trigger_user_turn_finalized()

    def _silence_needed_secs(self) -> float:
        if not self._text or self._has_interim:
            return WORDLESS_SECS
        return commit_silence_secs(self._score, self._text)

    def _score_due_secs(self) -> float | None:
        """Return the silence at which a score is worth its 0.07 s of CPU; None when none is."""
        if not self._text or self._has_interim or self._score is not None:
            return None
        return SCORE_SECS if read_words(self._text) is Words.COMPLETE else OPEN_SCORE_SECS
