"""The live sessions of this process: started within the cap, found again, always ended."""

from __future__ import annotations

import asyncio
import gc
import secrets
from dataclasses import dataclass

from loguru import logger

from bot.session import EndReason, Session, SessionInfo, livekit_session
from bot.settings import BotSettings
from server import errors
from server.rooms import Rooms
from server.tokens import Keys, bot_token, identity_of, user_token

# A warm process needs 0.1-0.3 s; the rest is for a loaded machine.
START_TIMEOUT_SECS = 5.0
# Leaving takes well under a second; each session has its own, shorter deadline.
DRAIN_TIMEOUT_SECS = 12.0


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
    """

    token: str
    room: str
    session_id: str


@dataclass(frozen=True)
class _Running:
    session: Session
    room: str
    identity: str
    task: asyncio.Task[None]


class Sessions:
    """Starts one bot a session in this process and knows them all."""

    def __init__(
        self,
        *,
        rooms: Rooms,
        keys: Keys,
        livekit_url: str,
        max_sessions: int,
        bot_settings: BotSettings,
        instruction: str,
    ) -> None:
        """Prepare; no session runs yet.

        Args:
            rooms: Room service (entered).
            keys: LiveKit key and secret, to sign tokens.
            livekit_url: Where bots connect to.
            max_sessions: Cap on sessions at once, those being started included.
            bot_settings: Settings handed to each session.
            instruction: The system instruction handed to each session.
        """
        self._rooms = rooms
        self._keys = keys
        self._livekit_url = livekit_url
        self._max_sessions = max_sessions
        self._bot_settings = bot_settings
        self._instruction = instruction
        self._running: dict[str, _Running] = {}
        self._starting = 0
        self._draining = False

    @property
    def count(self) -> int:
        """Sessions going on or being started."""
        return len(self._running) + self._starting

    @property
    def has_capacity(self) -> bool:
        """Whether one more session would be admitted now."""
        return not self._draining and self.count < self._max_sessions

    async def start(self) -> Admission:
        """Make a room, put a bot in it, and return the way in for one person.

        Raises:
            DoorError: `draining`, `server_full`, `livekit_unreachable` or `bot_unavailable`;
                nothing is left running then.
        """
        if self._draining:
            raise errors.draining()
        if not self.has_capacity:
            raise errors.server_full()
        self._starting += 1
        try:
            return await self._start()
        finally:
            self._starting -= 1

    async def _start(self) -> Admission:
        session_id, room = secrets.token_hex(8), _unguessable("room")
        identity = _unguessable("user")
        await self._rooms.create(room)
        session = livekit_session(
            SessionInfo(session_id, identity),
            url=self._livekit_url,
            token=bot_token(self._keys, room, _unguessable("bot")),
            room=room,
            settings=self._bot_settings,
            instruction=self._instruction,
        )
        task = asyncio.create_task(self._run(session, room), name=f"session {session_id}")
        self._running[session_id] = _Running(session, room, identity, task)
        if not await _becomes_ready(session):
            session.end(EndReason.CONNECT_FAILED)
            await self._finish(task)
            raise errors.bot_unavailable()
        return Admission(user_token(self._keys, room, identity), room, session_id)

    def resume(self, old_token: str) -> Admission:
        """Return a fresh way into the session that an earlier token was made for.

        Raises:
            DoorError: `session_gone` (410).
        """
        identity = identity_of(self._keys, old_token)
        for session_id, running in self._running.items():
            if running.identity == identity and running.session.reason is None:
                token = user_token(self._keys, running.room, running.identity)
                return Admission(token, running.room, session_id)
        raise errors.session_gone()

    async def all_ended(self) -> None:
        """Return when every session that runs now has ended and its room is deleted."""
        tasks = [running.task for running in self._running.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self) -> None:
        """End every session and return when all have left, or after DRAIN_TIMEOUT_SECS."""
        self._draining = True
        running = list(self._running.values())
        for one in running:
            one.session.end(EndReason.SHUTDOWN)
        await asyncio.gather(*(self._finish(one.task) for one in running))

    async def _run(self, session: Session, room: str) -> None:
        try:
            await session.run()
        finally:
            await self._rooms.delete(room)
            self._running.pop(session.info.session_id, None)
            # A pipeline is one large reference cycle, and Python looks for those by count, not
            # by size: 25 ended sessions held 550 MB until it happened to.
            del session
            gc.collect()

    @staticmethod
    async def _finish(task: asyncio.Task[None]) -> None:
        """Wait for a session's end, and cancel it when that takes too long."""
        _, pending = await asyncio.wait({task}, timeout=DRAIN_TIMEOUT_SECS)
        if pending:
            logger.error("session cancelled: it did not end in time")
            task.cancel()
            await asyncio.wait({task}, timeout=DRAIN_TIMEOUT_SECS)


async def _becomes_ready(session: Session) -> bool:
    """Return whether the bot gets into its room, and its providers accept it, in time."""
    ready = asyncio.create_task(session.ready.wait())
    ended = asyncio.create_task(session.ended.wait())
    try:
        await asyncio.wait(
            {ready, ended}, timeout=START_TIMEOUT_SECS, return_when=asyncio.FIRST_COMPLETED
        )
        return session.ready.is_set() and session.reason is None
    finally:
        ready.cancel()
        ended.cancel()
