"""Whether a session has anybody in it: who neither brings a microphone nor types is let go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Silence:
    """A deadline for the first sign of a person; any sign ends it for good."""

    def __init__(self, limit_secs: float, text_limit_secs: float, end: Callable[[], None]) -> None:
        """Prepare; nothing runs before `begin`.

        Args:
            limit_secs: From the moment the client joins to a microphone or a word.
            text_limit_secs: The same for a client that says that it has no microphone: its
                visitor reads the greeting, and types.
            end: Called when the time is over.
        """
        self._limit_secs = limit_secs
        self._text_limit_secs = text_limit_secs
        self._end = end
        self._deadline: asyncio.TimerHandle | None = None
        self._began_secs: float | None = None
        self._is_over = False

    def begin(self) -> None:
        """The client is in the room; a return to it changes nothing."""
        if self._is_over or self._began_secs is not None:
            return
        loop = asyncio.get_running_loop()
        self._began_secs = loop.time()
        self._deadline = loop.call_later(self._limit_secs, self._end)

    def expect_text(self) -> None:
        """The client has no microphone: its visitor may take longer, once."""
        if self._is_over or self._began_secs is None or self._deadline is None:
            return
        self._deadline.cancel()
        until = self._began_secs + max(self._limit_secs, self._text_limit_secs)
        self._deadline = asyncio.get_running_loop().call_at(until, self._end)

    def stop(self) -> None:
        """Somebody is there, or the session is over."""
        self._is_over = True
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
