"""The bot's mouth: holds what is prepared, plays in real time, pauses, resumes and forgets.

It stands between text-to-speech and the room. Everything else in the pipeline works ahead of time;
here the answer waits until the turn is decided, and leaves so little ahead of the listener's ear
that it can be stopped between two words and taken up again at the same place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from pipecat.frames.frames import (
    AggregatedTextProgressFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    LLMAssistantPushAggregationFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    StartFrame,
    SystemFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.utils.text.base_text_aggregator import TextType

from bot.slices import Slice, Slicer
from bot.spoken_words import HeardWord, Segment, SpokenWords
from bot.waterfall import Step, Waterfall

# How far the audio in the room may be ahead of real time: enough for a busy event loop, little
# enough that a pause takes back only this.
LEAD_MS = 120
# A clock does not resolve less; waiting for less would be a busy loop.
LEAST_WAIT_SECS = 0.001
# Somebody who says "yes" over the last words of a question answers it.
ENDING_SECS = 1.0
# Somebody who speaks within a second of an answer's beginning had not finished.
FALSE_END_SECS = 1.0


class Playout(FrameProcessor):
    """Plays the bot's speech to the room, word by word with its text."""

    def __init__(self, take_back: Callable[[], None], waterfall: Waterfall) -> None:
        """Create the mouth, open and silent.

        Args:
            take_back: Drops the audio that the room has been given and has not played.
            waterfall: Where an answer's first audio is noted.
        """
        super().__init__()
        self._waterfall = waterfall
        self._take_back = take_back
        self._queue: deque[Frame | Slice] = deque()
        self._given: deque[tuple[float, Slice]] = deque()
        self._words: SpokenWords | None = None
        self._words_in_play: SpokenWords | None = None
        # Words that came without any audio: they are told when their stretch ends.
        self._silent_words: dict[int, SpokenWords] = {}
        self._slicer = Slicer()
        self._is_mid_answer = False
        self._announced_interruptions = 0
        self._changed = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._played_until = 0.0
        self._is_held = False
        self._released = asyncio.Event()
        self._is_paused = False
        self._is_expecting = False
        self._open_replies = 0
        self._heard_secs = 0.0
        self._cut_after_secs: float | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being prepared, waits, or is being spoken."""
        return self._is_expecting or self.is_answering

    @property
    def is_answering(self) -> bool:
        """Whether there is something of an answer; one may have been asked for and never come."""
        return bool(self._open_replies) or bool(self._queue) or self._played_until > self._now

    @property
    def is_ending(self) -> bool:
        """Whether what is left to be heard is too little for an assent to be about it."""
        left = sum(one.secs for one in self._queue if isinstance(one, Slice))
        return not (self._is_expecting or self._open_replies) and left <= ENDING_SECS

    @property
    def is_held(self) -> bool:
        """Whether what comes now may never be heard."""
        return self._is_held

    @property
    def is_paused(self) -> bool:
        """Whether speech has stopped and may go on."""
        return self._is_paused

    @property
    def is_mid_answer(self) -> bool:
        """Whether words have been heard that the conversation does not hold yet."""
        return self._is_mid_answer

    def was_cut_short(self) -> bool:
        """Whether the last answer was interrupted before it had said anything much."""
        return self._cut_after_secs is not None and self._cut_after_secs < FALSE_END_SECS

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def hold(self) -> None:
        """Keep what comes from now on until `release`: the turn it answers may go on."""
        self._is_held = True
        self._released.clear()
        self.expect()

    def release(self) -> None:
        """Let out what is held, and what is still to come of it."""
        self._is_held = False
        self._released.set()
        self._changed.set()

    async def wait_released(self) -> None:
        """Return when nothing is held: what is being prepared will be heard."""
        if self._is_held:
            await self._released.wait()

    def expect(self) -> None:
        """Note that an answer has been asked for."""
        if not self._is_expecting and not self._open_replies:
            self._is_expecting = True
            self._heard_secs = 0.0

    def pause(self) -> None:
        """Fall silent at once, keeping what has not been heard."""
        if self._is_paused:
            return
        self._is_paused = True
        now = self._now
        if self._played_until <= now:
            return
        self._take_back()
        self._played_until = now
        while self._given and self._given[-1][0] >= now:
            self._queue.appendleft(self._given.pop()[1])
        if self._given and (rest := self._given[-1][1].cut(now - self._given[-1][0])):
            self._queue.appendleft(rest)

    def resume(self) -> None:
        """Go on where `pause` stopped."""
        self._is_paused = False
        self._changed.set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Queue the bot's speech; pass everything else."""
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            await self.push_frame(frame, direction)
            self._pump = self.create_task(self._play())
        elif isinstance(frame, InterruptionFrame):
            self._take_interruption()
            await self.push_frame(frame, direction)
        elif direction is FrameDirection.UPSTREAM or isinstance(frame, SystemFrame):
            if isinstance(frame, CancelFrame):
                self._forget()
            await self.push_frame(frame, direction)
        else:
            self._enqueue(frame)
            self._changed.set()

    async def cleanup(self) -> None:
        """Stop playing."""
        await super().cleanup()
        if self._pump is not None:
            await self.cancel_task(self._pump)
            self._pump = None

    def interrupt(self) -> None:
        """Forget the answer at once, ahead of the interruption that is about to be broadcast.

        Whoever broadcasts may go on to ask for the next answer and hold it before the frame has
        come through the pipeline; the frame then only drops what was under way.
        """
        self._announced_interruptions += 1
        self._forget()

    def _take_interruption(self) -> None:
        if self._announced_interruptions:
            self._announced_interruptions -= 1
            self._drop()
        else:
            self._forget()

    def _forget(self) -> None:
        """Drop what has not been heard, and what was to be said of it."""
        if self.is_busy:
            begun = [piece.secs for start, piece in self._given if start < self._now]
            self._cut_after_secs = self._heard_secs + sum(begun)
        if self._played_until > self._now:
            self._take_back()
        self._is_held = False
        self._is_paused = False
        self._is_expecting = False
        self._drop()

    def _drop(self) -> None:
        """Drop what has not been heard; what must be delivered all the same stays."""
        kept = [one for one in self._queue if not isinstance(one, Slice) and not one.interruptible]
        self._queue = deque(kept)
        self._given.clear()
        self._words = self._words_in_play = None
        self._silent_words.clear()
        self._slicer.clear()
        self._is_mid_answer = False
        self._open_replies = 0
        self._played_until = 0.0
        self._changed.set()

    def _enqueue(self, frame: Frame) -> None:
        match frame:
            case TTSAudioRawFrame():
                self._waterfall.mark(Step.AUDIO)
                self._enqueue_pieces(self._slicer.push(frame))
            case TTSTextFrame():
                if self._words is None:
                    self._words = SpokenWords()
                kind = frame.text_type
                self._words.add_text(
                    Segment(
                        id=frame.segment_id or frame.id,
                        text=frame.text,
                        text_type=kind.value if isinstance(kind, TextType) else kind,
                        append_to_context=frame.append_to_context,
                    )
                )
            case TTSStartedFrame():
                self._words = SpokenWords()
                self._queue.append(frame)
            case TTSStoppedFrame():
                self._enqueue_pieces(self._slicer.flush())
                if self._words is not None:
                    self._words.complete()
                    if not self._words.has_audio:
                        self._silent_words[frame.id] = self._words
                self._queue.append(frame)
            case LLMFullResponseStartFrame():
                self._is_expecting = False
                self._open_replies += 1
                self._queue.append(frame)
            case LLMFullResponseEndFrame():
                self._open_replies = max(0, self._open_replies - 1)
                self._queue.append(frame)
            case EndFrame():
                # A session that ends has nothing left to wait for.
                self.release()
                self._is_paused = False
                self._queue.append(frame)
            case _:
                self._queue.append(frame)

    def _enqueue_pieces(self, pieces: list[TTSAudioRawFrame]) -> None:
        for frame in pieces:
            piece = Slice.of(frame, self._words)
            if self._words is not None:
                self._words.add_audio(piece.voiced_ms)
            self._queue.append(piece)

    async def _play(self) -> None:
        """Give the room one piece after the other, each shortly before it is heard."""
        while True:
            self._changed.clear()
            if self._queue and not (self._is_held or self._is_paused):
                wait_secs = self._wait_secs(self._queue[0])
                if wait_secs <= 0:
                    await self._give(self._queue.popleft())
                else:
                    await asyncio.sleep(max(wait_secs, LEAST_WAIT_SECS))
            else:
                await self._changed.wait()

    def _wait_secs(self, first: Frame | Slice) -> float:
        """Return how long the first in the queue has to wait for what was given before it."""
        ahead_secs = self._played_until - self._now
        match first:
            case Slice():
                return ahead_secs - LEAD_MS / 1000
            case TTSStoppedFrame() | LLMAssistantPushAggregationFrame():
                return ahead_secs
            case _:
                return 0.0

    async def _give(self, one: Frame | Slice) -> None:
        now = self._now
        await self._settle(now)
        if isinstance(one, Slice):
            self._waterfall.mark(Step.HEARD)
            start = max(now, self._played_until)
            self._played_until = start + one.secs
            self._given.append((start, one))
            self._words_in_play = one.words
            await self.push_frame(one.frame)
            return
        if isinstance(one, (TTSStoppedFrame, LLMAssistantPushAggregationFrame)):
            await self._settle(self._played_until)
            words = self._silent_words.pop(one.id, self._words_in_play)
            if words is not None:
                await self._tell(words.rest())
        if isinstance(one, (LLMFullResponseEndFrame, LLMAssistantPushAggregationFrame)):
            self._is_mid_answer = False
        await self.push_frame(one)

    async def _settle(self, now: float) -> None:
        """Count what has been heard until now."""
        while self._given and self._given[0][0] + self._given[0][1].secs <= now:
            piece = self._given.popleft()[1]
            self._heard_secs += piece.secs
            if piece.words is not None:
                await self._tell(piece.words.play(piece.voiced_ms))

    async def _tell(self, words: list[HeardWord]) -> None:
        """Say which words have been heard: to the context, and to the page."""
        for heard in words:
            self._is_mid_answer = True
            segment = heard.segment
            word = TTSTextFrame(heard.word, text_type=TextType.WORD, segment_id=segment.id)
            word.will_be_spoken = True
            word.append_to_context = segment.append_to_context
            await self.push_frame(word)
            await self.push_frame(
                AggregatedTextProgressFrame(
                    segment_id=segment.id,
                    context_id=None,
                    text=segment.text,
                    text_type=segment.text_type,
                    accumulated_text=heard.heard,
                    remaining_text=heard.remaining,
                )
            )
