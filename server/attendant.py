"""What a session needs while its bot is there: its room, its memory, its minutes."""

from __future__ import annotations

import asyncio
import contextlib
import time

from bot.reasons import EndReason
from server.doorkeeper import CHARGE_EVERY_SECS, Doorkeeper
from server.homes import Homes
from server.lookout import Lookout
from server.process import PlacedSession
from server.rooms import Rooms
from server.running import Running

# LiveKit believes in a node for five seconds after its last word; clients try for longer.
RESTORE_TIMES = 10
RESTORE_AGAIN_SECS = 2.0
# A bot that has been there for so long is not lost by what is said in its room.
WELL_AFTER_SECS = 60.0


class Attendant:
    """Sees to the sessions that go on."""

    def __init__(self, rooms: Rooms, keeper: Doorkeeper, homes: Homes, lookout: Lookout) -> None:
        """Use these.

        Args:
            rooms: Where rooms are made.
            keeper: Who is charged.
            homes: Where it is noted what was said.
            lookout: Who is told that a room is lost.
        """
        self._rooms = rooms
        self._keeper = keeper
        self._homes = homes
        self._lookout = lookout

    async def see_through(self, running: Running) -> None:
        """Return when the bot that is there has ended."""
        seeing = [
            asyncio.create_task(self._keep_room(running)),
            asyncio.create_task(self._keep_memory(running)),
            asyncio.create_task(self._keep_count(running)),
        ]
        try:
            await self._ended(running.placed, running.visitor.site)
        finally:
            for task in seeing:
                task.cancel()
            await asyncio.wait(seeing)

    async def _keep_room(self, running: Running) -> None:
        """Make the room anew whenever LiveKit may have forgotten it.

        More than once: a node that was lost counts as there for some seconds, and takes rooms.
        """
        placed = running.placed
        while True:
            await placed.adrift.wait()
            placed.adrift.clear()
            self._lookout.alarm()
            for _ in range(RESTORE_TIMES):
                await self._rooms.restore(running.room)
                await asyncio.sleep(RESTORE_AGAIN_SECS)

    async def _keep_memory(self, running: Running) -> None:
        """Note what is said whenever something was."""
        placed = running.placed
        while True:
            await placed.grown.wait()
            placed.grown.clear()
            await self._homes.remember(running)

    async def _keep_count(self, running: Running) -> None:
        """Count no more what was lost before a bot that is well."""
        if running.lost_in_a_row:
            await asyncio.sleep(WELL_AFTER_SECS)
            running.lost_in_a_row = 0
            await self._homes.settle(running)

    async def _ended(self, placed: PlacedSession, site: str) -> None:
        """Wait for a session's end; charge its time, and end it when the site's budget is spent."""
        if not self._keeper.has_budgets:
            await placed.ended.wait()
            return
        charged = time.monotonic()
        while not placed.ended.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CHARGE_EVERY_SECS):
                    await placed.ended.wait()
            now = time.monotonic()
            if not await self._keeper.charge(site, now - charged):
                placed.end(EndReason.BUDGET_SPENT)
            charged = now
