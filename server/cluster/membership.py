"""A server as a member: says that it lives, sees who does not, and goes on with their sessions."""

from __future__ import annotations

import asyncio
import time
from typing import Self

from loguru import logger

from bot.reasons import EndReason
from server.cluster.notes import Home, Member, Taking
from server.cluster.peers import PeerError, Peers
from server.cluster.roster import LOST_AFTER_SECS, Roster, RosterError
from server.cluster.view import View
from server.doorkeeper import Doorkeeper
from server.rooms import Rooms
from server.running import Running
from server.sessions import Sessions

BEAT_SECS = LOST_AFTER_SECS / 4
# The widget waits 10 s for a bot that left the room, and the loss was noticed after some 2 s.
PLACE_TIMEOUT_SECS = 7.0


class Membership:
    """This server among the others. Use as an async context manager.

    Attributes:
        view: The members as they were at the last beat.
        rescued: Sessions of lost members that go on somewhere.
        given_up: Sessions of lost members that nobody could go on with.
    """

    def __init__(
        self,
        *,
        roster: Roster,
        url: str,
        sessions: Sessions,
        peers: Peers,
        rooms: Rooms,
        keeper: Doorkeeper,
    ) -> None:
        """Describe the member; entering the context joins.

        Args:
            roster: The members' notes.
            url: Where the others reach this one.
            sessions: Its sessions.
            peers: How the others are asked.
            rooms: LiveKit's (entered).
            keeper: Gets back the seats of sessions that are given up.
        """
        self.view = View()
        self.rescued = 0
        self.given_up = 0
        self._roster = roster
        self._url = url
        self._sessions = sessions
        self._peers = peers
        self._rooms = rooms
        self._keeper = keeper
        self._is_leaving = False
        self._steady_since: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Join, and go on being a member."""
        await self._beat()
        self._sessions.others = self
        self._beating = asyncio.create_task(self._beat_for_ever(), name="cluster member")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Leave; sessions are drained before."""
        # A cancellation that meets the end of a request to Redis can be lost (CPython 3.11).
        self._is_leaving = True
        tasks = [self._beating, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._roster.resign()
        except RosterError as error:
            logger.warning("the cluster was not told that this member goes: {}", error)

    def me(self) -> Member:
        """Return this member as it is now."""
        refusal = self._sessions.refusal()
        return Member(
            id=self._roster.id,
            url=self._url,
            sessions=self._sessions.count,
            max_sessions=self._sessions.max_sessions,
            refuses=None if refusal is None else refusal.code,
            alarms=self._sessions.lookout.alarms,
        )

    async def home_of(self, identity: str) -> Member | None:
        """Return the other member that has a user's session; None: this one, or nobody.

        Raises:
            RosterError: Redis is away.
        """
        home = await self._roster.home_of(identity)
        return None if home == self._roster.id else self.view.get(home)

    async def take(self, running: Running) -> bool:
        """Have another member go on with a session that is here; return whether one does."""
        taking = Taking(home=Home.of(running), is_lost=False, lines=list(running.said))
        return await self._somebody_takes(taking, but=self._roster.id)

    async def _beat_for_ever(self) -> None:
        while not self._is_leaving:
            await asyncio.sleep(BEAT_SECS)
            await self._beat()

    async def _beat(self) -> None:
        try:
            is_trusted = await self._roster.tell(self.me())
            speaking, silent = await self._roster.read()
        except RosterError as error:
            if self._steady_since is not None:
                logger.error("the cluster's Redis is away: {}", error)
            self._steady_since = None
            return
        now = time.monotonic()
        if self._steady_since is None:
            self._steady_since = now
            logger.info("member {} of a cluster of {}", self._roster.id, len(speaking))
        if not is_trusted:
            # This machine stood still, or was cut off, and others go on with what was here. Bots
            # that find back into their rooms would talk beside the ones that took their places.
            logger.error("member {} was taken for lost", self._roster.id)
            self._roster.renew()
            self._sessions.let_go()
        self.view.look(speaking)
        if self.view.alarmed - {self._roster.id}:
            self._sessions.lookout.look()
        # Where Redis was away nobody could say that it lives.
        if now - self._steady_since >= LOST_AFTER_SECS:
            for lost in silent:
                self._spawn(lost)

    def _spawn(self, lost: str) -> None:
        name = f"rescue of {lost}"
        if any(task.get_name() == name for task in self._tasks):
            return
        task = asyncio.create_task(self._rescue(lost), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _rescue(self, lost: str) -> None:
        """Have somebody go on with each session of a lost member."""
        try:
            if not await self._roster.claim(lost):
                return
            homes = await self._roster.homes(lost)
            logger.error("member {} is lost with {} sessions", lost, len(homes))
            await asyncio.gather(*(self._carry_on(lost, home) for home in homes))
            await self._roster.dismiss(lost)
        except RosterError as error:
            # The claim runs out, and somebody tries again.
            logger.error("the sessions of member {} are not seen to: {}", lost, error)

    async def _carry_on(self, lost: str, home: Home) -> None:
        lines = await self._roster.said_in(home.session_id)
        taking = Taking(home=home, is_lost=True, lines=lines)
        if await self._somebody_takes_in_time(taking):
            self.rescued += 1
        else:
            self.given_up += 1
            logger.error("session {}: nobody can go on with it", home.session_id)
            await self._roster.forget(home)
            await self._rooms.delete(home.room)
            await self._keeper.leave(home.visitor, home.session_id, EndReason.CRASHED)
        await self._roster.strike(lost, home.session_id)

    async def _somebody_takes_in_time(self, taking: Taking) -> bool:
        """As `_somebody_takes`, asking again: a member's process may only have to load."""
        until = time.monotonic() + PLACE_TIMEOUT_SECS
        while not await self._somebody_takes(taking):
            if time.monotonic() > until:
                return False
            await asyncio.sleep(BEAT_SECS)
        return True

    async def _somebody_takes(self, taking: Taking, *, but: str | None = None) -> bool:
        for member in self.view.ranked(me := self.me()):
            if member.id == but:
                continue
            self.view.placed(member)
            try:
                if member.id == me.id:
                    taken = await self._sessions.take_over(taking.running())
                else:
                    taken = await self._peers.take(member, taking)
            except PeerError as error:
                logger.warning("member {} does not answer: {}", member.id, error)
                self.view.suspect(member)
                continue
            if taken:
                return True
        return False
