"""Where a conversation is kept: what the door says and a session process writes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WORDS_SUFFIX, SOUND_SUFFIX = ".json", ".wav"


@dataclass(frozen=True)
class RecordTo:
    """Where a conversation is kept.

    Attributes:
        stem: Path without a suffix; its folder exists.
        with_sound: Whether both voices are kept, too.
    """

    stem: str
    with_sound: bool = False

    def file(self, suffix: str) -> Path:
        """Return the file with this suffix."""
        return Path(self.stem + suffix)
