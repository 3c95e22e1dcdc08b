"""Whether bots get into their rooms."""

from __future__ import annotations

import asyncio
import contextlib

from bot.reasons import EndReason
from server.events import first_of
from server.metrics import Metrics
from server.process import PlacedSession

# A warm process needs 0.1-0.3 s; the rest is for a loaded machine.
START_TIMEOUT_SECS = 5.0

# Ends before `ready` that say: whoever comes next will fare no better.
_START_FAILURES = (
    EndReason.CONNECT_FAILED,
    EndReason.PROVIDER_UNUSABLE,
    EndReason.FAILED,
    EndReason.CRASHED,
)


class Starts:
    """Watches every start.

    Attributes:
        are_proven: Whether the last bot that was started has come into its room.
    """

    def __init__(self, metrics: Metrics) -> None:
        """Count starts that succeed here."""
        self.are_proven = False
        self._metrics = metrics
        self._watches: set[asyncio.Task[bool]] = set()

    def watch(self, placed: PlacedSession) -> asyncio.Task[bool]:
        """Return what waits until the bot is in its room; it is ended when it takes too long."""
        watch = asyncio.create_task(self._becomes_ready(placed))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return watch

    async def _becomes_ready(self, placed: PlacedSession) -> bool:
        """Return whether the bot gets into its room, and its providers accept it, in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_TIMEOUT_SECS):
                await first_of(placed.ready, placed.ended)
        if not placed.ready.is_set():
            placed.end(EndReason.CONNECT_FAILED)
        is_ready = placed.ready.is_set() and placed.reason is None
        if is_ready:
            self._metrics.session_ready(placed.session_id)
        if is_ready or placed.reason in _START_FAILURES:
            self.are_proven = is_ready
        return is_ready
