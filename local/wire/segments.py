"""Where utterances begin, pause and end in a stream, as a pure function of its windows.

Time is counted in received audio, so the same recording gives the same events at any speed.
"""

from dataclasses import dataclass
from enum import Enum

SAMPLE_RATE_HZ = 16_000

# Speech this long starts an utterance; a single window of the detector is usually a click.
_START_SECS = 0.04
# Audio kept from before the detector noticed; Silero notices 30-100 ms late.
PRE_ROLL_SECS = 0.3
# A pause this long is worth decoding ahead of the verdict that the utterance has ended.
_PAUSE_SECS = 0.09
# Decoding time grows with length; Whisper takes 30 s at most. Cut at the next pause after the
# first limit, and anywhere at the second.
_LONG_SECS = 12.0
_TOO_LONG_SECS = 24.0


class Moment(Enum):
    """What happened at the end of a window."""

    STARTED = "an utterance began"
    PAUSED = "the speaker paused: the utterance may have ended here"
    RESUMED = "the speaker went on after a pause"
    ENDED = "silence lasted as long as endpointing asks"
    CUT = "the utterance is too long for one decode; it goes on in a new one"
    SILENT = "the gap that utterance_end_ms asks for has passed"


@dataclass(frozen=True)
class Event:
    """A moment, and the sample position (16 kHz) it refers to."""

    moment: Moment
    at: int


class Segmenter:
    """Finds utterances.

    Args:
        endpointing_ms: Silence that ends an utterance, or None to leave that to `end`.
        utterance_end_ms: Gap after the last speech to report, or None.
        window_samples: Samples in one window.
    """

    def __init__(
        self, *, endpointing_ms: int | None, utterance_end_ms: int | None, window_samples: int
    ) -> None:
        self._endpointing = _samples(endpointing_ms)
        self._utterance_end = _samples(utterance_end_ms)
        self._window = window_samples
        self._run = 0
        self._paused = False
        self._silent_reported = True
        self.position = 0
        """Samples seen."""
        self.start: int | None = None
        """Where the open utterance began, or None."""
        self.speech_end = 0
        """Where the last window with speech ended."""

    def push(self, is_speech: bool) -> list[Event]:
        """Account for one window and return what happened at its end."""
        self.position += self._window
        if is_speech:
            return self._speech()
        self._run = 0
        return self._silence()

    def end(self) -> None:
        """Close the open utterance."""
        self.start = None
        self._paused = False
        self._run = 0

    def _speech(self) -> list[Event]:
        self._run += 1
        if self.start is None:
            if self._run * self._window < _START_SECS * SAMPLE_RATE_HZ:
                return []
            before = self._run * self._window + int(PRE_ROLL_SECS * SAMPLE_RATE_HZ)
            self.start = max(0, self.position - before)
            self.speech_end = self.position
            self._silent_reported = False
            return [Event(Moment.STARTED, self.position - self._run * self._window)]
        self.speech_end = self.position
        events: list[Event] = []
        if self._paused:
            self._paused = False
            events.append(Event(Moment.RESUMED, self.position))
        if self.position - self.start >= _TOO_LONG_SECS * SAMPLE_RATE_HZ:
            events.append(Event(Moment.CUT, self.position))
        return events

    def _silence(self) -> list[Event]:
        events: list[Event] = []
        silence = self.position - self.speech_end
        if self.start is not None:
            if not self._paused and silence >= _PAUSE_SECS * SAMPLE_RATE_HZ:
                self._paused = True
                events.append(Event(Moment.PAUSED, self.position))
                if self.position - self.start >= _LONG_SECS * SAMPLE_RATE_HZ:
                    events.append(Event(Moment.CUT, self.position))
            if self._endpointing is not None and silence >= self._endpointing:
                events.append(Event(Moment.ENDED, self.position))
        if (
            self._utterance_end is not None
            and not self._silent_reported
            and silence >= self._utterance_end
        ):
            self._silent_reported = True
            events.append(Event(Moment.SILENT, self.speech_end))
        return events


def _samples(ms: int | None) -> int | None:
    return None if ms is None else ms * SAMPLE_RATE_HZ // 1000
