"""Something that was said: by whom, and what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# Of a conversation that goes on in another process: some half an hour, and one line of the channel
# at most (bot/channel.py: 256 KB), whatever its characters are.
MAX_LINES = 100
MAX_CHARS = 24_000


@dataclass(frozen=True)
class Line:
    """One of the two said something.

    Attributes:
        role: Who.
        text: What, as far as it was heard.
    """

    role: Literal["user", "assistant"]
    text: str
