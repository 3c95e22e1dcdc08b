"""Rooms whose LiveKit node is lost, though their bots have not noticed it yet.

A participant whose signalling leads over another node than its room's hears of the loss only by
ICE, after twelve seconds. The first bot that loses its connection gives the alarm for all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from loguru import logger

from bot.reasons import EndReason
from server.rooms import Rooms
from server.running import Running

# For so long a node must be silent that is not only busy.
SILENT_SECS = 2.5
# A bot that has noticed it itself, about now.
KNOWS_SECS = 5.0


class Lookout:
    """Asks for the rooms of sessions, when there is a reason to."""

    def __init__(self, rooms: Rooms, sessions: Callable[[], Sequence[Running]]) -> None:
        """Look after these sessions."""
        self._rooms = rooms
        self._sessions = sessions
        self._looking: asyncio.Task[None] | None = None

    def alarm(self) -> None:
        """A bot has lost its room: look after the others, once at a time."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="lookout")

    def stop(self) -> None:
        """Look after nobody any more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        await asyncio.gather(*(self._look_after(running) for running in self._sessions()))

    async def _look_after(self, running: Running) -> None:
        placed = running.placed
        began = time.monotonic()

        def knows() -> bool:
            return placed.drifted_secs > began - KNOWS_SECS or placed.reason is not None

        while time.monotonic() - began < SILENT_SECS:
            if knows() or await self._rooms.is_held(running.room):
                return
        # Where nothing of LiveKit answers, it is not this room's node alone.
        if knows() or not await self._rooms.reachable():
            return
        logger.warning("session {}: the node that has its room is lost", running.session_id)
        placed.end(EndReason.ROOM_LOST)
