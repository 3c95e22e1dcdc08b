"""When each thing happened at the providers: for benchmarks that share this machine's clock.

A line of JSON an event, and never a word of what was said. Times are seconds of CLOCK_MONOTONIC,
which is one clock for all processes of a machine.
"""

import json
import time
from pathlib import Path
from typing import IO, Final

STT_FINAL: Final = "stt-final"
"""A final with words was sent; `heard_at` is the arrival of its last speech."""

LLM_REQUEST: Final = "llm-request"
LLM_ANSWER: Final = "llm-answer"
"""The first token of an answer was sent."""

TTS_TEXT: Final = "tts-text"
"""A sentence is complete: speech can be made of it."""

TTS_AUDIO: Final = "tts-audio"
"""The first audio of a sentence was sent."""


class Timeline:
    """Where events go; without a file nowhere."""

    def __init__(self, path: Path | None = None) -> None:
        """Write to a new file, a line at a time, so that others can read it meanwhile."""
        self._file: IO[str] | None = None
        if path is not None:
            self._file = path.open("w", encoding="utf-8", buffering=1)

    def mark(self, event: str, stream: str, **at_secs: float) -> None:
        """Record that something happens now.

        Args:
            event: One of the constants above.
            stream: Id of the connection or request.
            at_secs: Other moments that belong to it.
        """
        if self._file is not None:
            line = {"at": time.monotonic(), "event": event, "stream": stream, **at_secs}
            self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
