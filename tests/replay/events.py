"""Which events of the graph and of RTVI stand in a timeline, and in which words."""

from collections.abc import Callable
from typing import Any

from pipecat.frames.frames import (
    ErrorFrame,
    InterruptionFrame,
    MetricsFrame,
    TranscriptionFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.metrics.metrics import TurnMetricsData
from pipecat.observers.base_observer import BaseObserver, FramePushed
from pipecat.processors.frame_processor import FrameDirection

_FRAMES: dict[type, tuple[str, str]] = {
    VADUserStartedSpeakingFrame: ("vad", "voice"),
    VADUserStoppedSpeakingFrame: ("vad", "silence"),
    UserStartedSpeakingFrame: ("turn", "begins"),
    UserStoppedSpeakingFrame: ("turn", "ends"),
    InterruptionFrame: ("turn", "interrupts"),
}

# Said again by another message of the same instant, or once per word.
_RTVI_LEFT_OUT = frozenset(
    {
        "bot-llm-started",
        "bot-llm-stopped",
        "bot-llm-text",
        "bot-tts-started",
        "bot-tts-stopped",
        "bot-tts-text",
        "user-input",
    }
)


class EventObserver(BaseObserver):
    """Notes the frames that tell a conversation, each once: broadcasts as they go downstream."""

    def __init__(self, note: Callable[[str, str], None]) -> None:
        super().__init__(observe_every_push=False)
        self._note = note

    async def on_push_frame(self, data: FramePushed) -> None:
        """Note a frame when it first appears."""
        frame = data.frame
        if isinstance(frame, ErrorFrame):
            kind = type(frame.exception).__name__ if frame.exception else "no exception"
            self._note("error", f"{type(frame.processor).__name__}: {kind}")
        elif isinstance(frame, TranscriptionFrame):
            kind = "finalized" if frame.finalized else "final"
            self._note("stt", f'{kind} "{frame.text}"')
        elif isinstance(frame, MetricsFrame):
            for metrics in frame.data:
                if isinstance(metrics, TurnMetricsData):
                    verdict = "complete" if metrics.is_complete else "incomplete"
                    self._note("turn", f"is judged {verdict}")
        elif type(frame) in _FRAMES and data.direction is FrameDirection.DOWNSTREAM:
            self._note(*_FRAMES[type(frame)])


def rtvi_line(message: dict[str, Any]) -> str:
    """One RTVI message as text; empty for those a timeline leaves out."""
    kind = message["type"]
    data = message.get("data") or {}
    if kind in _RTVI_LEFT_OUT:
        return ""
    match kind:
        case "user-transcription":
            what = f'{"final" if data["final"] else "interim"} "{data["text"]}"'
        case "bot-output":
            what = f'{data["spoken_status"]} "{data["text"]}"'
        case "bot-transcription":
            what = f'"{data["text"].strip()}"'
        case "error":
            what = data["error"]
        case "server-message":
            what = " ".join(str(value) for value in data.values())
        case _:
            what = ""
    return f"{kind} {what}".rstrip()
