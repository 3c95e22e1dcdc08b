"""What is kept of a conversation whose caller agreed: its words, and its sound where asked."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from pipecat.processors.aggregators.llm_context import LLMContextMessage
from pipecat.processors.audio.audio_buffer_processor import AudioBufferProcessor

from bot.kept import SOUND_SUFFIX, WORDS_SUFFIX, RecordTo
from bot.reasons import EndReason
from bot.remembered import spoken

# Speech-to-text hears no more than this; the answers are resampled to it.
RATE_HZ = 16_000
# Written in pieces: half an hour of two voices in memory would be 115 MB.
PIECE_SECS = 10
# What is being written; nobody takes it for a whole one.
PART_SUFFIX = ".part"

_Given = TypeVar("_Given")


@dataclass(frozen=True)
class Conversation:
    """A conversation that has ended.

    Attributes:
        session_id: Its session.
        started_at, ended_at: In UTC.
        reason: Why it ended.
        messages: As the model was told them, and as far as they were heard.
    """

    session_id: str
    started_at: datetime
    ended_at: datetime
    reason: EndReason
    messages: Sequence[LLMContextMessage]


class Record:
    """What is kept of one conversation."""

    def __init__(self, to: RecordTo, failed: Callable[[str, str], None]) -> None:
        """Keep nothing yet.

        Args:
            to: Where it is kept.
            failed: Is told, by code and kind of exception, that nothing more can be kept.
        """
        self._to = to
        self._failed = failed
        self._started_at = datetime.now(UTC)
        self._writing = asyncio.Lock()
        self._sound: wave.Wave_write | None = None
        self._is_broken = False
        self.tap = self._open_tap() if to.with_sound else None

    def _open_tap(self) -> AudioBufferProcessor:
        """Return the processor that hears both voices: the caller left, the bot right."""
        tap = AudioBufferProcessor(
            sample_rate=RATE_HZ,
            num_channels=2,
            buffer_size=PIECE_SECS * RATE_HZ * 2,
            auto_start_recording=True,
        )
        tap.add_event_handler("on_audio_data", self._on_audio)
        return tap

    async def _on_audio(
        self, _tap: AudioBufferProcessor, pcm: bytes, _rate_hz: int, _channels: int
    ) -> None:
        # The lock hands over in order of arrival, so pieces keep theirs.
        async with self._writing:
            await self._write(self._append, pcm)

    async def _write(self, writing: Callable[[_Given], None], given: _Given) -> None:
        """Write in a thread; a conversation goes on without its record."""
        if self._is_broken:
            return
        try:
            await asyncio.to_thread(writing, given)
        except OSError as error:
            self._is_broken = True
            self._failed("record_failed", type(error).__name__)

    def _append(self, pcm: bytes) -> None:
        if self._sound is None:
            path = self._to.file(SOUND_SUFFIX + PART_SUFFIX)
            path.touch(mode=0o600)
            self._sound = wave.open(str(path), "wb")  # noqa: SIM115 - closed by `_finish`
            self._sound.setnchannels(2)
            self._sound.setsampwidth(2)
            self._sound.setframerate(RATE_HZ)
        self._sound.writeframesraw(pcm)

    async def close(
        self, session_id: str, reason: EndReason, messages: Sequence[LLMContextMessage]
    ) -> None:
        """Write what there is; a conversation in which the caller said nothing leaves nothing."""
        ended = Conversation(session_id, self._started_at, datetime.now(UTC), reason, messages)
        async with self._writing:
            await self._write(self._finish, ended)

    def _finish(self, ended: Conversation) -> None:
        lines = lines_of(ended.messages)
        part = self._to.file(SOUND_SUFFIX + PART_SUFFIX)
        if self._sound is not None:
            self._sound.close()
            if lines:
                part.rename(self._to.file(SOUND_SUFFIX))
            else:
                part.unlink()
        if lines:
            words = {
                "sessionId": ended.session_id,
                "startedAt": ended.started_at.isoformat(timespec="seconds"),
                "endedAt": ended.ended_at.isoformat(timespec="seconds"),
                "reason": ended.reason.value,
                "lines": lines,
            }
            part = self._to.file(WORDS_SUFFIX + PART_SUFFIX)
            part.touch(mode=0o600)
            part.write_text(json.dumps(words, ensure_ascii=False, indent=1), encoding="utf-8")
            part.rename(self._to.file(WORDS_SUFFIX))


def lines_of(messages: Sequence[LLMContextMessage]) -> list[dict[str, str]]:
    """Return `{"role": "user" | "assistant", "text"}` of what the two said; nothing else counts.

    A caller who said nothing has no lines: a greeting alone is no conversation.
    """
    lines = list(spoken(messages))
    if not any(line.role == "user" for line in lines):
        return []
    return [{"role": line.role, "text": line.text} for line in lines]
