"""The live sessions: admitted, placed in a process, found again, always ended."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Sequence

from loguru import logger

from bot.kept import RecordTo
from bot.reasons import EndReason
from server import errors
from server.attendant import Attendant
from server.doorkeeper import Doorkeeper, Visitor
from server.doorway import Neighbour
from server.errors import DoorError
from server.homes import Homes, Nobody, NoHomes, Others
from server.lookout import Lookout
from server.metrics import Metrics
from server.placement import Refusal
from server.pool import Pool
from server.records import Records
from server.rooms import Rooms
from server.running import Admission, Running
from server.starts import Starts
from server.tokens import Keys, identity_of

# Leaving takes well under a second; each session has its own, shorter deadline.
DRAIN_TIMEOUT_SECS = 11.0
# A process loads for 3 s on two cores, and the widget waits 10 s for a bot that left the room.
MOVE_TIMEOUT_SECS = 8.0
PLACE_AGAIN_SECS = 0.1
# A bot that was removed leaves within a second.
GIVEN_TIMEOUT_SECS = 5.0
# A conversation that kills one process after the other must not kill them all.
MAX_LOST_IN_A_ROW = 3

# Ends in the middle of a conversation that the visitor has no part in.
_LOST = (EndReason.CRASHED, EndReason.ROOM_LOST)
# Ends before `ready` that a bot in another process, or some seconds later, may be spared.
_NEVER_CAME = (EndReason.CONNECT_FAILED, EndReason.CRASHED)


class Sessions:
    """Starts one bot a session and knows them all.

    Attributes:
        max_sessions: Cap on sessions at once.
        others: The servers that can go on with them.
        lookout: Who sees that a LiveKit node is lost.
    """

    def __init__(
        self,
        *,
        rooms: Rooms,
        pool: Pool,
        metrics: Metrics,
        keeper: Doorkeeper,
        keys: Keys,
        livekit_url: str,
        max_sessions: int,
        records: Records | None = None,
        homes: Homes | None = None,
    ) -> None:
        """Prepare; no session runs yet.

        Args:
            rooms: Room service (entered).
            pool: Where sessions run (entered).
            metrics: Where starts and ends are counted.
            keeper: Who admits, and is told who left.
            keys: LiveKit key and secret, to sign tokens.
            livekit_url: Where bots connect to.
            max_sessions: Cap on sessions at once, those being started included.
            records: Where conversations are kept; None: nowhere.
            homes: Where sessions are noted for other servers; None: there are none.
        """
        self.max_sessions = max_sessions
        self.others: Others = Nobody()
        self._rooms = rooms
        self._pool = pool
        self._metrics = metrics
        self._keeper = keeper
        self._keys = keys
        self._livekit_url = livekit_url
        self._records = records
        self._homes: Homes = homes or NoHomes()
        self.lookout = Lookout(rooms, self.all)
        self._attendant = Attendant(rooms, keeper, self._homes, self.lookout)
        self._running: dict[str, Running] = {}
        self._starts = Starts(metrics)
        self._creating = 0
        self._draining = False

    @property
    def count(self) -> int:
        """Sessions going on or being started."""
        return len(self._running) + self._creating

    def refusal(self) -> DoorError | None:
        """Return why a session would be refused now; None when one would be admitted."""
        if self._draining:
            return errors.draining()
        # A session that crashed stays counted until its room is deleted.
        if self.count >= self.max_sessions:
            return errors.server_full()
        chosen = self._pool.choose(self._creating)
        return errors.refused(chosen) if isinstance(chosen, Refusal) else None

    def neighbours(self) -> Sequence[Neighbour]:
        """There are no other servers that it knows of."""
        return ()

    async def start(self, visitor: Visitor, *, record: bool = False) -> Admission:
        """Make a room, put a bot in it, and return the way in for one person.

        The answer does not wait for the bot while the last session that was started has come into
        its room: client and bot then join at the same time. After a failed start, and for the
        first session, it does, so that a refused key is an answer and not a broken call.

        Args:
            visitor: Who it is for.
            record: Whether this person agreed to have the conversation kept. It is kept where
                it has an owner: one whom a site has signed in.

        Raises:
            DoorError: `draining`, `server_full`, `server_busy`, `livekit_unreachable`,
                `bot_unavailable` or one of `Doorkeeper.admit`; nothing is left running then.
        """
        if refusal := self.refusal():
            raise refusal
        running = Running(secrets.token_hex(8), visitor)
        self._creating += 1
        try:
            await self._keeper.admit(visitor, running.session_id)
            await self._create(running, record=record)
        finally:
            self._creating -= 1
        starting = self._starts.watch(running.placed)
        if not self._starts.are_proven and not await starting:
            await self._finish(running.task)
            raise errors.bot_unavailable()
        self._metrics.session_starts.inc()
        return running.way_in(self._keys)

    async def take_over(self, running: Running) -> bool:
        """Go on with a session whose server is gone; return whether a bot takes its place here.

        Its visitor was admitted there, and may still be in the room.
        """
        if (own := self._running.get(running.session_id)) is not None:
            # Given away by somebody who does not know that it is here; or its last bot here has
            # not gone yet.
            return own.placed.reason is None
        if self.refusal() or running.lost_in_a_row > MAX_LOST_IN_A_ROW:
            return False
        self._creating += 1
        try:
            running.record_to = await self._record_to(running, wanted=running.record_to is not None)
            running.room = await self._rooms.create(running.room, is_old=True)
            if not await self._replace_bot(running):
                return False
            await self._homes.settle(running)
        except DoorError:
            return False
        finally:
            self._creating -= 1
        self._see_to(running)
        return True

    async def _create(self, running: Running, *, record: bool) -> None:
        try:
            running.record_to = await self._record_to(running, wanted=record)
            await self._place(running)
        except BaseException:
            await self._keeper.leave(running.visitor, running.session_id, None)
            raise

    async def _record_to(self, running: Running, *, wanted: bool) -> RecordTo | None:
        if not wanted or self._records is None:
            return None
        visitor = running.visitor
        return await self._records.try_place(visitor.site, visitor.user, running.session_id)

    async def _place(self, running: Running) -> None:
        running.room = await self._rooms.create(running.room)
        placed = self._pool.start(running.order(self._keys, self._livekit_url))
        if isinstance(placed, Refusal):
            await self._rooms.delete(running.room)
            raise errors.refused(placed)
        running.begin(placed)
        await self._homes.settle(running)
        self._see_to(running)

    def _see_to(self, running: Running) -> None:
        name = f"session {running.session_id}"
        running.seen_to_by(asyncio.create_task(self._run(running), name=name))
        self._running[running.session_id] = running
        self._metrics.session_began(running.session_id, running.visitor.site)

    async def resume(self, old_token: str, visitor: Visitor) -> Admission:
        """Return a fresh way into the session that an earlier token was made for.

        Raises:
            DoorError: `session_gone` (410), also for a session of somebody else's;
                `rate_limited`, `quota_unavailable`.
        """
        identity = identity_of(self._keys, old_token)
        for session_id, running in self._running.items():
            is_over = running.placed.reason not in (None, *_LOST) and not running.is_moving
            if running.identity == identity and not is_over and running.is_of(visitor):
                await self._keeper.may_resume(session_id)
                await self.lookout.sees_to(running)
                if session_id not in self._running:
                    # To ask for a room that was deleted meanwhile has made it anew.
                    self._rooms.leave_behind(running.room)
                    break
                return running.way_in(self._keys)
        raise errors.session_gone()

    async def leave(self, token: str) -> None:
        """Take a page that has gone out of its room: the bot waits for its return from now on.

        Only the token given out last counts: the page may be back already. Of a token that opens
        nothing any more nobody learns anything.
        """
        for running in self._running.values():
            if token and secrets.compare_digest(running.token, token):
                await self._rooms.remove(running.room, running.identity)
                return

    def all(self) -> list[Running]:
        """Return the sessions that go on."""
        return [one for one in self._running.values() if one.placed.reason is None]

    def let_go(self) -> None:
        """Have the bots that are here leave: others go on with their sessions already."""
        for running in self.all():
            running.placed.end(EndReason.ROOM_CLOSED)

    async def hand_over(self) -> None:
        """Have other servers go on with the sessions that are here, before this one goes."""
        await asyncio.gather(*(self._hand_over(running) for running in self.all()))

    async def _hand_over(self, running: Running) -> None:
        running.lost_in_a_row = 0  # its bot is well
        if await self._give_away(running):
            # Its bot is out of the room, and says nothing more.
            await asyncio.wait({running.task}, timeout=GIVEN_TIMEOUT_SECS)

    async def _give_away(self, running: Running) -> bool:
        running.giving = asyncio.create_task(self.others.take(running))
        return await running.is_given_away()

    async def all_ended(self) -> None:
        """Return when every session that runs now has ended and its room is deleted."""
        tasks = [running.task for running in self._running.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    def take_no_more(self) -> None:
        """Refuse whoever asks for a session from now on."""
        self._draining = True

    async def drain(self) -> None:
        """End every session and return when all have left, or after DRAIN_TIMEOUT_SECS."""
        self.take_no_more()
        self.lookout.stop()
        running = list(self._running.values())
        for one in running:
            one.placed.end(EndReason.SHUTDOWN)
        await asyncio.gather(*(self._finish(one.task) for one in running))

    async def _run(self, running: Running) -> None:
        """See a session to its end, from one bot to the next, and clean up behind it."""
        try:
            while True:
                await self._attendant.see_through(running)
                if not self._may_go_on(running):
                    break
                running.bot_was_lost()
                if isinstance(self._pool.choose(), Refusal) and await self._give_away(running):
                    # Where there was one process, its successor has to load first.
                    break
                if running.placed.reason is not EndReason.CRASHED:
                    await self._find_room(running)
                if not await self._replace_bot(running):
                    break
                await self._homes.settle(running)
        finally:
            session_id, reason = running.session_id, running.placed.reason
            # Its bot goes before it is settled where the next one comes: the room must stay.
            is_given_away = await running.is_given_away()
            if await self._homes.leave(running) and not is_given_away:
                await self._keeper.leave(running.visitor, session_id, reason)
                await self._rooms.delete(running.room)
            self._running.pop(session_id, None)
            self._metrics.session_ended(session_id, reason or EndReason.SHUTDOWN, running.errors)

    def _may_go_on(self, running: Running) -> bool:
        """Whether a bot was lost that a person talked to, and not time and again.

        The first one to come is not replaced: its failure is the answer to who asked for it.
        """
        reason, is_ready = running.placed.reason, running.placed.ready.is_set()
        has_talked = running.lines is not None
        is_lost = reason in _LOST if is_ready else has_talked and reason in _NEVER_CAME
        return is_lost and not self._draining and running.lost_in_a_row < MAX_LOST_IN_A_ROW

    async def _find_room(self, running: Running) -> None:
        """Make the room anew, or another one where its node is lost, if it can be done in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOVE_TIMEOUT_SECS):
                running.room = await self._rooms.find(running.room)

    async def _replace_bot(self, running: Running) -> bool:
        """Put another bot in the place of one that is lost; return whether there is one.

        The visitor stays in the room and sees the one leave and the other come.
        """
        await self._rooms.remove(running.room, running.bot_identity)
        until = time.monotonic() + MOVE_TIMEOUT_SECS
        order = running.order(self._keys, self._livekit_url)
        while isinstance(placed := self._pool.start(order), Refusal):
            if time.monotonic() > until or self._draining:
                return False
            await asyncio.sleep(PLACE_AGAIN_SECS)
        running.begin(placed)
        self._starts.watch(placed)
        logger.info("session {} goes on with another bot", running.session_id)
        return True

    @staticmethod
    async def _finish(task: asyncio.Task[None]) -> None:
        """Wait for a session's end, and give up on it when that takes too long."""
        _, pending = await asyncio.wait({task}, timeout=DRAIN_TIMEOUT_SECS)
        if pending:
            logger.error("session abandoned: it did not end in time")
            task.cancel()
            await asyncio.wait({task})
