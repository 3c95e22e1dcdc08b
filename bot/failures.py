"""What fails during a conversation: counted, logged and told under one code each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from loguru import logger

from bot.errors import BotError
from bot.phrases import BROKEN_ANSWER, NO_ANSWER, NO_EARS, SAY_AGAIN


class Incident(StrEnum):
    """A failure that the bot deals with by itself; the visitor may not notice.

    What the visitor does notice is an `error` besides (`bot.rtvi.error_code`).
    """

    STT_LOST = "stt_lost"
    """The connection to speech-to-text broke."""
    STT_UNREACHABLE = "stt_unreachable"
    """A try to connect was refused, or not answered in time."""
    STT_UNRESPONSIVE = "stt_unresponsive"
    """Audio with a voice went out and nothing came back: the connection is given up."""
    STT_SILENT = "stt_silent"
    """A voice was heard and no word of it recognised: the audio is sent once more."""
    STT_DEAF = "stt_deaf"
    """That has happened for a second utterance running: the visitor is told."""
    STT_UNHEARD = "stt_unheard"
    """Somebody spoke and was not understood, or not in time: the visitor is asked to repeat it."""
    STT_RECONNECTED = "stt_reconnected"
    """Speech-to-text is back, and has been sent what was said meanwhile."""

    TTS_LOST = "tts_lost"
    """The connection to text-to-speech broke."""
    TTS_UNREACHABLE = "tts_unreachable"
    """A try to connect was refused, or not answered in time."""
    TTS_STALLED = "tts_stalled"
    """No audio came for words that were given."""
    TTS_SILENT = "tts_silent"
    """The words are said to be spoken, and no audio came."""
    TTS_RECONNECTED = "tts_reconnected"
    """Text-to-speech is back, and has been given what was left of the answer."""
    TTS_SECOND_VOICE = "tts_second_voice"
    """It speaks with the second voice."""

    LLM_FALLBACK = "llm_fallback"
    """The second model answered: the first one had failed, for this turn or for others before."""
    LLM_BAD_CALL = "llm_bad_call"
    """A model called a function wrongly: it was asked once more without functions."""


Report = Callable[[Incident], None]


def unheard(_incident: Incident) -> None:
    """Report to nobody."""


class BrokenAnswerError(BotError):
    """Some of an answer was given, and the rest does not come; says what kind of failure it was."""


class EmptyAnswerError(BotError):
    """A model ended its answer before it had begun."""


class BadCallError(BotError):
    """A model called a function that there is not, or with something that is no JSON object."""


class Failures:
    """The failures of one session.

    Attributes:
        counts: How often each code came up: incidents and errors.
    """

    def __init__(self, tell: Report) -> None:
        """Create the record.

        Args:
            tell: Tells the client of an incident.
        """
        self._tell = tell
        self.counts: Counter[str] = Counter()

    def report(self, incident: Incident) -> None:
        """Note what a provider's service has dealt with."""
        self.counts[incident.value] += 1
        logger.warning("{}", incident.value)
        self._tell(incident)

    def error(self, code: str, kind: str) -> None:
        """Note what the visitor notices.

        Args:
            code: As the client is told it.
            kind: The exception's type; its text may hold what must not be logged.
        """
        self.counts[code] += 1
        logger.warning("{}: {}", code, kind)


def said_about(incident: Incident) -> str | None:
    """Return what is said to a visitor about an incident; None where it needs no word."""
    return SAY_AGAIN if incident is Incident.STT_UNHEARD else None


def apology_for(code: str, exception: Exception | None) -> str | None:
    """Return what is said about an error; None where somebody else says it."""
    match code:
        case "llm_failed":
            return BROKEN_ANSWER if isinstance(exception, BrokenAnswerError) else NO_ANSWER
        case "stt_failed":
            return NO_EARS
        case _:
            # Who has no voice says so from memory (bot/services/tts.py).
            return None
