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
# Who has spoken and hears nothing believes that the call is dead; with the phrase on its way for
# 0.2 s this stays below the 3 s within which everything that fails is told.
UNHEARD_SECS = 2.6


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
        self._open_secs = 0.0
        self._silent_since: float | None = None
        self._is_told = False
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
        self._silent_since = None
        self._asked_at = None
        self.has_open_words = True
        self._changed.set()

    def voice_stopped(self) -> None:
        """The voice has fallen silent."""
        if self._is_voice:
            secs = _now() - self._voice_since
            self._voiced_secs += secs
            if self.has_open_words:
                self._open_secs += secs
                self._silent_since = _now()
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
            if is_final:
                self._open_secs = 0.0
                self._silent_since = None
                self._is_told = False
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
        elif is_voice and not self._is_told:
            self._is_told = True
            self._found = Incident.STT_UNHEARD
        self._voiced_secs = self._open_secs = 0.0
        self.has_open_words = False

    async def trouble(self) -> Incident:
        """Return when something has to be done about the recogniser, and why.

        `STT_DEAF`: the visitor has to be told. `STT_UNHEARD`: the visitor has to be asked again,
        once until words are heard. All others: the recogniser has to be asked anew, over another
        connection.
        """
        while self._found is None:
            self._changed.clear()
            due, incident = min(self._dues(), default=(None, None))
            if due is not None and incident is not None and due <= _now():
                if incident is Incident.STT_UNHEARD:
                    self._is_told = True
                else:
                    self._asked_at = None
                    self._told_at = _now()
                    self._patience *= 2
                return incident
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._changed.wait()
        found, self._found = self._found, None
        return found

    def _dues(self) -> list[tuple[float, Incident]]:
        """Return by when what must have been said."""
        dues: list[tuple[float, Incident]] = []
        if self._asked_at is not None:
            at = self._asked_at + ANSWER_SECS * self._patience
            dues.append((at, Incident.STT_UNRESPONSIVE))
        elif self._is_voice:
            at = max(self._voice_since, self._told_at) + SPEAKING_SECS * self._patience
            dues.append((at, Incident.STT_UNRESPONSIVE))
        is_long = self._open_secs >= WORDLESS_VOICE_SECS
        if self._silent_since is not None and self.has_open_words and is_long and not self._is_told:
            dues.append((self._silent_since + UNHEARD_SECS, Incident.STT_UNHEARD))
        return dues


def _now() -> float:
    return asyncio.get_running_loop().time()
