"""Rooms whose LiveKit node is lost, whether their bots have noticed it or not.

A participant whose signalling leads over another node than its room's hears of the loss only by
ICE, after twelve seconds; one that knows it is sent to the lost node again for five, and waits for
three at each knock. The first bot that loses its connection, or page that asks for its call again,
gives the alarm for all, and the sessions go on in other rooms.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from loguru import logger

from bot.reasons import EndReason
from server.rooms import RESTORE_EVERY_SECS, Rooms
from server.running import Running

# For so long a node must be silent that is not only busy: it is asked twice.
SILENT_SECS = 1.2
# What lives makes a room in milliseconds.
MAKE_TIMEOUT_SECS = 4.0
# The widget waits 5 s for an answer.
PATIENCE_SECS = 3.5


class Lookout:
    """Asks for the rooms of sessions, when there is a reason to.

    Attributes:
        alarms: How often somebody here had a reason.
    """

    def __init__(self, rooms: Rooms, sessions: Callable[[], Sequence[Running]]) -> None:
        """Look after these sessions."""
        self.alarms = 0
        self._rooms = rooms
        self._sessions = sessions
        self._looking: asyncio.Task[None] | None = None

    def alarm(self) -> None:
        """A bot has lost its room, or a page: look after the others, here and elsewhere."""
        self.alarms += 1
        self.look()

    def look(self) -> None:
        """Look after all sessions that are here, once at a time."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="lookout")

    async def sees_to(self, running: Running) -> None:
        """Look after a session that a page asks for again; returns when its room is known."""
        if await self._rooms.is_held(running.room):
            return
        self.alarm()
        if self._looking is not None:
            await asyncio.wait({self._looking}, timeout=PATIENCE_SECS)

    def stop(self) -> None:
        """Look after nobody any more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        await asyncio.gather(*(self._look_after(running) for running in self._sessions()))

    async def _look_after(self, running: Running) -> None:
        placed = running.placed
        began = time.monotonic()
        while (asked := time.monotonic()) - began < SILENT_SECS:
            if placed.reason is not None or await self._rooms.is_held(running.room):
                return
            # Who says nothing is asked again at once, who refuses after a while.
            await asyncio.sleep(RESTORE_EVERY_SECS - (time.monotonic() - asked))
        # Where nothing of LiveKit answers, it is not this room's node alone.
        if not await self._rooms.reachable():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAKE_TIMEOUT_SECS):
                room = await self._rooms.elsewhere(running.room)
            if placed.reason is not None:
                self._rooms.leave_behind(room)
                return
            logger.warning("session {}: its LiveKit node is lost", running.session_id)
            running.room = room
            placed.end(EndReason.ROOM_LOST)
