"""The conversation as heard, as the model is told it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from pipecat.processors.aggregators.llm_context import LLMContext, LLMContextMessage

from bot.lines import Line
from bot.page import is_page


class ConversationContext(LLMContext):
    """The conversation as both heard it: what a visitor says in two halves is one message.

    Attributes:
        on_growth: Told when somebody has said something.
    """

    def __init__(
        self, *, is_false_end: Callable[[], bool], remembered: Sequence[Line] = ()
    ) -> None:
        """Begin a conversation, or go on with one.

        Args:
            is_false_end: Whether the bot's last answer was cut off before it had said anything
                much, so that what follows belongs to the turn that it answered.
            remembered: What was said before, to another process.
        """
        super().__init__()
        self._is_false_end = is_false_end
        for line in remembered:
            message = cast("LLMContextMessage", {"role": line.role, "content": line.text})
            super().add_message(message)
        self.on_growth: Callable[[], None] | None = None

    def add_message(self, message: LLMContextMessage) -> None:
        """Append a message; join it to the visitor's last one when nothing lies between."""
        added = _text_of(message, "user")
        if added is not None:
            messages = self._messages
            if (
                len(messages) > 1
                and _text_of(messages[-1], "assistant") is not None
                and _text_of(messages[-2], "user") is not None
                and self._is_false_end()
            ):
                messages.pop()
            earlier = _text_of(messages[-1], "user") if messages else None
            if earlier is not None and not is_page(messages[-1]):
                messages[-1] = cast(
                    "LLMContextMessage", {"role": "user", "content": f"{earlier} {added}"}
                )
                self._grown()
                return
        super().add_message(message)
        self._grown()

    def add_messages(self, messages: list[LLMContextMessage]) -> None:
        """Append messages as they are: typed lines, and what functions returned."""
        super().add_messages(messages)
        self._grown()

    def _grown(self) -> None:
        if self.on_growth is not None:
            self.on_growth()


def _text_of(message: LLMContextMessage, role: str) -> str | None:
    """Return the text of a plain message of this role; None for any other message."""
    if not isinstance(message, dict):
        return None
    fields = cast("dict[str, Any]", message)
    content = fields.get("content")
    return content if fields.get("role") == role and isinstance(content, str) else None
