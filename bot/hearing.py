"""Whether a recogniser still hears: what went in as a voice must come back as words."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bot.failures import Incident

# A request for the open words is answered within 0.35 s in 99 of 100 cases; a recogniser on a busy
# machine of one's own takes longer. Twice as long each time it did not help.
ANSWER_SECS = 2.0
# Somebody speaks on: a recogniser tells what it has about every half second.
SPEAKING_SECS = 5.0
# A cough, a chair or one's own echo is shorter than a voice that must have had a word in it.
WORDLESS_VOICE_SECS = 1.0
# One may have been somebody in the background, or a song.
DEAF_UTTERANCES = 2


class Hearing:
    """What is known of the utterance that is going on, and of who should recognise it."""

    # Before the VAD reports a voice, some of it has been heard.
    PRE_ROLL_SECS = 1.0

    def __init__(self) -> None:
        """Begin in silence."""
        self._changed = asyncio.Event()
        self._is_voice = False
        self._voice_since = 0.0
        self._voiced_secs = 0.0
        self._asked_at: float | None = None
        self._told_at = 0.0
        self._patience = 1
        self._has_second_opinion = False
        self._wordless_utterances = 0
        self._found: Incident | None = None
        self.has_open_words = False

    @property
    def is_settled(self) -> bool:
        """Whether everything that was said has been understood."""
        return not (self._is_voice or self.has_open_words)

    @property
    def is_waiting(self) -> bool:
        """Whether somebody has spoken, is silent, and has not been understood yet."""
        return self.has_open_words and not self._is_voice

    def voice_started(self) -> None:
        """A voice begins; the words of it are open."""
        self._is_voice = True
        self._voice_since = _now()
        self._asked_at = None
        self.has_open_words = True
        self._changed.set()

    def voice_stopped(self) -> None:
        """The voice has fallen silent."""
        if self._is_voice:
            self._voiced_secs += _now() - self._voice_since
        self._is_voice = False
        self._changed.set()

    def asked(self) -> None:
        """The recogniser was asked for the words that are open."""
        self._asked_at = _now()
        self._changed.set()

    def heard(self, *, has_words: bool, is_final: bool, is_answer: bool) -> None:
        """The recogniser has said something.

        Args:
            has_words: It recognised something.
            is_final: It will not change its mind.
            is_answer: It answers a request for the open words.
        """
        was_asked = self._asked_at is not None
        self._told_at = _now()
        self._asked_at = None
        self._patience = 1
        if has_words:
            self.has_open_words = not is_final
            self._voiced_secs = 0.0
            self._has_second_opinion = False
            self._wordless_utterances = 0
        elif is_final and is_answer and was_asked:
            self._judge_wordless()
        self._changed.set()

    def _judge_wordless(self) -> None:
        """Ask once more for what must have been words; then take it that there were none."""
        is_voice = self._voiced_secs >= WORDLESS_VOICE_SECS
        if is_voice and not self._has_second_opinion:
            self._has_second_opinion = True
            self._found = Incident.STT_SILENT
            return
        self._has_second_opinion = False
        self._wordless_utterances += is_voice
        if self._wordless_utterances == DEAF_UTTERANCES:
            self._found = Incident.STT_DEAF
        self._voiced_secs = 0.0
        self.has_open_words = False

    async def trouble(self) -> Incident:
        """Return when something has to be done about the recogniser, and why.

        `STT_DEAF`: the visitor has to be told. All others: it has to be asked anew, over another
        connection.
        """
        while self._found is None:
            self._changed.clear()
            due = self._due()
            if due is not None and due <= _now():
                self._asked_at = None
                self._told_at = _now()
                self._patience *= 2
                return Incident.STT_UNRESPONSIVE
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._changed.wait()
        found, self._found = self._found, None
        return found

    def _due(self) -> float | None:
        """Return when the recogniser must have said something."""
        if self._asked_at is not None:
            return self._asked_at + ANSWER_SECS * self._patience
        if self._is_voice:
            return max(self._voice_since, self._told_at) + SPEAKING_SECS * self._patience
        return None


def _now() -> float:
    return asyncio.get_running_loop().time()
