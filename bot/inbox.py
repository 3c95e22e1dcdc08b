"""What a client may send, before anything of it is taken into the session: size, pace, form."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

# RTVI messages are small; 15 KB is also the limit of one LiveKit data packet without chunking.
MAX_DATA_BYTES = 15_000
# A page that tells its context at each click sends a few a second.
MESSAGES_PER_SEC = 10
MESSAGES_AT_ONCE = 40
# Each typed line is a request to the model.
TEXTS_PER_SEC = 0.5
TEXTS_AT_ONCE = 5


class InboxError(ValueError):
    """A packet that is not taken; the message is a code for the client."""


class Pace:
    """A token bucket: so many at once, and so many a second from then on."""

    def __init__(
        self, per_sec: float, at_once: int, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Create it, full."""
        self._per_sec = per_sec
        self._at_once = at_once
        self._now = now
        self._tokens = float(at_once)
        self._filled_secs = now()

    def allows(self) -> bool:
        """Take a token, where there is one."""
        now = self._now()
        grown = self._tokens + (now - self._filled_secs) * self._per_sec
        self._tokens = min(float(self._at_once), grown)
        self._filled_secs = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class _Message(BaseModel):
    """An RTVI message of a client."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    label: Literal["rtvi-ai"]
    type: Annotated[str, Field(pattern=r"^[a-z-]{1,64}$")]
    id: Annotated[str, Field(min_length=1, max_length=64)]
    data: dict[str, Any] | None = None


class Inbox:
    """Reads one client's packets."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """Start with a full allowance."""
        self._pace = Pace(MESSAGES_PER_SEC, MESSAGES_AT_ONCE, now)
        self._text_pace = Pace(TEXTS_PER_SEC, TEXTS_AT_ONCE, now)

    def check(self, payload: bytes) -> None:
        """Let a packet pass.

        Raises:
            InboxError: `too_many_messages`, `message_too_large`, `invalid_message` or
                `too_many_texts`.
        """
        if not self._pace.allows():
            raise InboxError("too_many_messages")
        if len(payload) > MAX_DATA_BYTES:
            raise InboxError("message_too_large")
        try:
            # Its nesting is bounded: a deeper one is a ValidationError.
            message = _Message.model_validate_json(payload)
        except ValidationError:
            raise InboxError("invalid_message") from None
        if message.type == "send-text" and not self._text_pace.allows():
            raise InboxError("too_many_texts")
