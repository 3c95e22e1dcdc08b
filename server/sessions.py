"""The live sessions: admitted, placed in a process, found again, always ended."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from dataclasses import dataclass

from loguru import logger

from bot.channel import Start
from bot.kept import RecordTo
from bot.reasons import EndReason
from server import errors
from server.doorkeeper import CHARGE_EVERY_SECS, Doorkeeper, Visitor
from server.errors import DoorError
from server.metrics import Metrics
from server.placement import Refusal
from server.pool import Pool
from server.process import PlacedSession
from server.records import Owner, Records
from server.rooms import Rooms
from server.tokens import Keys, bot_token, identity_of, user_token

# A warm process needs 0.1-0.3 s; the rest is for a loaded machine.
START_TIMEOUT_SECS = 5.0
# Leaving takes well under a second; each session has its own, shorter deadline.
DRAIN_TIMEOUT_SECS = 11.0

# Ends before `ready` that say: whoever comes next will fare no better.
_START_FAILURES = (
    EndReason.CONNECT_FAILED,
    EndReason.PROVIDER_UNUSABLE,
    EndReason.FAILED,
    EndReason.CRASHED,
)


def _unguessable(prefix: str) -> str:
    """Return `prefix-` and 128 random bits."""
    return f"{prefix}-{secrets.token_hex(16)}"


@dataclass(frozen=True)
class Admission:
    """What a client needs to get into its session.

    Attributes:
        token: The user's LiveKit token, good for 60 s.
        room: Room name.
        session_id: Id of the session.
        is_recorded: Whether the conversation is kept.
    """

    token: str
    room: str
    session_id: str
    is_recorded: bool


@dataclass
class _Running:
    placed: PlacedSession
    room: str
    identity: str
    visitor: Visitor
    task: asyncio.Task[None]
    is_recorded: bool
    visits: int = 0
    token: str = ""

    def is_of(self, visitor: Visitor) -> bool:
        """Whether a visitor may come back: of the same site, and its user where one signed in."""
        owner = self.visitor
        return owner.site == visitor.site and owner.user in (None, visitor.user)


class Sessions:
    """Starts one bot a session and knows them all.

    Attributes:
        max_sessions: Cap on sessions at once.
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
        """
        self.max_sessions = max_sessions
        self._rooms = rooms
        self._pool = pool
        self._metrics = metrics
        self._keeper = keeper
        self._keys = keys
        self._livekit_url = livekit_url
        self._records = records
        self._running: dict[str, _Running] = {}
        self._starting: set[asyncio.Task[bool]] = set()
        self._creating = 0
        self._draining = False
        self._is_proven = False

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
        return _refused(chosen) if isinstance(chosen, Refusal) else None

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
        session_id = secrets.token_hex(8)
        self._creating += 1
        try:
            await self._keeper.admit(visitor, session_id)
            running = await self._create(visitor, session_id, record=record)
        finally:
            self._creating -= 1
        starting = asyncio.create_task(self._becomes_ready(running))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        if not self._is_proven and not await starting:
            await self._finish(running.task)
            raise errors.bot_unavailable()
        self._metrics.session_starts.inc()
        return self._way_in(running)

    async def _create(self, visitor: Visitor, session_id: str, *, record: bool) -> _Running:
        try:
            record_to = await self._record_to(visitor, session_id) if record else None
            return await self._place(visitor, session_id, record_to)
        except BaseException:
            await self._keeper.leave(visitor, session_id, None)
            raise

    async def _record_to(self, visitor: Visitor, session_id: str) -> RecordTo | None:
        if self._records is None or visitor.user is None:
            return None
        try:
            owner = Owner(visitor.site, visitor.user)
            return await asyncio.to_thread(self._records.place, owner, session_id)
        except OSError as error:
            logger.error("a conversation will not be kept: {}", type(error).__name__)
            return None

    async def _place(
        self, visitor: Visitor, session_id: str, record_to: RecordTo | None
    ) -> _Running:
        room, identity = _unguessable("room"), _unguessable("user")
        await self._rooms.create(room)
        placed = self._pool.start(
            Start(
                session_id=session_id,
                user_identity=identity,
                url=self._livekit_url,
                token=bot_token(self._keys, room, _unguessable("bot")),
                room=room,
                record_to=record_to,
            )
        )
        if isinstance(placed, Refusal):
            await self._rooms.delete(room)
            raise _refused(placed)
        task = asyncio.create_task(self._run(placed, room, visitor), name=f"session {session_id}")
        is_recorded = record_to is not None
        running = _Running(placed, room, identity, visitor, task, is_recorded)
        self._running[session_id] = running
        self._metrics.session_began(session_id, visitor.site)
        return running

    async def resume(self, old_token: str, visitor: Visitor) -> Admission:
        """Return a fresh way into the session that an earlier token was made for.

        Raises:
            DoorError: `session_gone` (410), also for a session of somebody else's;
                `rate_limited`, `quota_unavailable`.
        """
        identity = identity_of(self._keys, old_token)
        for session_id, running in self._running.items():
            is_going_on = running.identity == identity and running.placed.reason is None
            if is_going_on and running.is_of(visitor):
                await self._keeper.may_resume(session_id)
                return self._way_in(running)
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

    def _way_in(self, running: _Running) -> Admission:
        running.token = user_token(self._keys, running.room, running.identity, running.visits)
        running.visits += 1
        session_id = running.placed.session_id
        return Admission(running.token, running.room, session_id, running.is_recorded)

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
        running = list(self._running.values())
        for one in running:
            one.placed.end(EndReason.SHUTDOWN)
        await asyncio.gather(*(self._finish(one.task) for one in running))

    async def _run(self, placed: PlacedSession, room: str, visitor: Visitor) -> None:
        """See a session to its end, and clean up behind it."""
        keeping = asyncio.create_task(self._keep_room(placed, room))
        try:
            await self._ended(placed, visitor.site)
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            await self._keeper.leave(visitor, placed.session_id, placed.reason)
            await self._rooms.delete(room)
            self._running.pop(placed.session_id, None)
            reason = placed.reason or EndReason.SHUTDOWN
            self._metrics.session_ended(placed.session_id, reason, placed.errors)

    async def _keep_room(self, placed: PlacedSession, room: str) -> None:
        """Make the room anew whenever LiveKit may have forgotten it."""
        while True:
            await placed.adrift.wait()
            placed.adrift.clear()
            await self._rooms.restore(room)

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

    async def _becomes_ready(self, running: _Running) -> bool:
        """Return whether the bot gets into its room, and its providers accept it, in time."""
        placed = running.placed
        ready = asyncio.create_task(placed.ready.wait())
        ended = asyncio.create_task(placed.ended.wait())
        try:
            await asyncio.wait(
                {ready, ended}, timeout=START_TIMEOUT_SECS, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ready.cancel()
            ended.cancel()
        if not placed.ready.is_set():
            placed.end(EndReason.CONNECT_FAILED)
        is_ready = placed.ready.is_set() and placed.reason is None
        if is_ready:
            self._metrics.session_ready(placed.session_id)
        if is_ready or placed.reason in _START_FAILURES:
            self._is_proven = is_ready
        return is_ready

    @staticmethod
    async def _finish(task: asyncio.Task[None]) -> None:
        """Wait for a session's end, and give up on it when that takes too long."""
        _, pending = await asyncio.wait({task}, timeout=DRAIN_TIMEOUT_SECS)
        if pending:
            logger.error("session abandoned: it did not end in time")
            task.cancel()
            await asyncio.wait({task})


def _refused(refusal: Refusal) -> DoorError:
    match refusal:
        case Refusal.FULL:
            return errors.server_full()
        case Refusal.BUSY:
            return errors.server_busy()
        case Refusal.NO_PROCESS:
            return errors.bot_unavailable()
