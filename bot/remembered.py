"""What was said so far, as it outlives the process that heard it: another one goes on from here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from pipecat.processors.aggregators.llm_context import LLMContextMessage

from bot.lines import MAX_CHARS, MAX_LINES, Line
from bot.page import is_page


def spoken(messages: Sequence[LLMContextMessage]) -> Iterator[Line]:
    """Yield what the two said; what the page showed and functions returned is left out."""
    for message in messages:
        if not isinstance(message, dict) or is_page(message):
            continue
        fields = cast("dict[str, Any]", message)
        role, text = fields.get("role"), fields.get("content")
        if role in ("user", "assistant") and isinstance(text, str) and text.strip():
            yield Line(role, text)


def remembered(messages: Sequence[LLMContextMessage]) -> list[Line]:
    """Return the end of what was said: MAX_LINES, and MAX_CHARS in all."""
    kept: list[Line] = []
    chars = 0
    for line in reversed(list(spoken(messages))):
        chars += len(line.text)
        if len(kept) == MAX_LINES or chars > MAX_CHARS:
            break
        kept.append(line)
    return kept[::-1]
