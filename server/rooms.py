"""LiveKit rooms: made with limits, always deleted."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

import aiohttp
from livekit import api
from livekit.api.room_service import RoomService
from loguru import logger

from bot.settings import LONGEST_SESSION_SECS
from server.errors import livekit_unreachable
from server.running import unguessable

# Agents do not count: one human a room.
MAX_HUMANS = 1
# Longer than the bot waits for its user, so that the bot ends first and says why.
EMPTY_TIMEOUT_SECS = 60
# LiveKit counts from when a room was first made, also when it moves to another node, and does not
# count agents: a bot that is back before its user would find the room closed.
OLD_EMPTY_TIMEOUT_SECS = LONGEST_SESSION_SECS
# Longer than the bot's grace for a user who reloads; a second safety net should the bot be gone.
DEPARTURE_TIMEOUT_SECS = 30

REQUEST_TIMEOUT_SECS = 4.0
# A node answers in some milliseconds; one that is lost is asked for as long as it counts as there.
NODE_TIMEOUT_SECS = 0.75
# Clients knock again and again; the room has to be there before they give up.
RESTORE_EVERY_SECS = 0.2
# LiveKit takes a lost node for living for five seconds, and chooses it for new rooms, too: another
# one is asked for so soon, for as long as none is there.
ASK_ANOTHER_SECS = 0.2
# By then nobody knocks any more at a room that was left behind, and LiveKit can delete it.
LEFT_BEHIND_SECS = 30.0

_FAILURES = (api.TwirpError, aiohttp.ClientError, TimeoutError, OSError)


class Rooms:
    """The room service of one LiveKit server. Use as an async context manager."""

    def __init__(self, url: str, api_key: str, api_secret: str) -> None:
        """Describe the server; nothing is contacted yet."""
        self._url = url
        self._api_key = api_key
        self._api_secret = api_secret
        self._api: api.LiveKitAPI | None = None
        self._left_behind: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        """Open the HTTP client."""
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_SECS)
        self._api = api.LiveKitAPI(self._url, self._api_key, self._api_secret, timeout=timeout)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Delete what was left behind, and close the HTTP client."""
        left_behind = dict(self._left_behind)
        for deleting in left_behind.values():
            deleting.cancel()
        await asyncio.gather(*(self._clear(name) for name in left_behind))
        if self._api is not None:
            await self._api.aclose()
            self._api = None

    @property
    def _service(self) -> RoomService:
        if self._api is None:
            raise RuntimeError("Rooms is used outside its context")
        return self._api.room

    async def create(self, name: str, *, is_old: bool = False) -> str:
        """Make a room for one human and any number of agents; one that is there stays.

        Args:
            name: Of the room.
            is_old: Whether it was made before, and perhaps on a node that is lost.

        Returns:
            Its name; another one where the node that has it, or is to have it, says nothing.

        Raises:
            DoorError: `livekit_unreachable` (503).
        """
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_SECS):
                try:
                    await self._make(name, is_old=is_old)
                except TimeoutError:
                    return await self.elsewhere(name)
        except _FAILURES as error:
            logger.error("livekit refused or did not answer: {}", describe(error))
            raise livekit_unreachable() from error
        return name

    async def find(self, name: str) -> str:
        """Return a room in place of one that was lost: the same one, unless its node says nothing.

        Returns when LiveKit has one, however long that takes.
        """
        while True:
            try:
                await self._make(name, is_old=True)
            except TimeoutError:
                return await self.elsewhere(name)
            except _FAILURES:
                await asyncio.sleep(RESTORE_EVERY_SECS)
            else:
                return name

    async def elsewhere(self, name: str) -> str:
        """Make another room in place of one whose node says nothing; that one is deleted later.

        Returns when LiveKit has it, however long that takes.
        """
        made: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        asked: dict[str, asyncio.Task[None]] = {}

        async def ask(another: str) -> None:
            try:
                await self._make(another, is_old=False)
            except aiohttp.ClientConnectorError:
                del asked[another]  # nobody was told of it
            except _FAILURES:
                pass
            else:
                if not made.done():
                    made.set_result(another)

        try:
            while not made.done():
                another = unguessable("room")
                asked[another] = asyncio.create_task(ask(another))
                await asyncio.wait({made}, timeout=ASK_ANOTHER_SECS)
        finally:
            for another, asking in asked.items():
                asking.cancel()
                if not (made.done() and made.result() == another):
                    self.leave_behind(another)
        self.leave_behind(name)
        return made.result()

    def leave_behind(self, name: str) -> None:
        """Delete a room that nobody is to come to any more, as soon as LiveKit can."""
        if name not in self._left_behind:
            self._left_behind[name] = asyncio.create_task(self._delete_later(name))

    async def _delete_later(self, name: str) -> None:
        await asyncio.sleep(LEFT_BEHIND_SECS)
        await self._clear(name)
        del self._left_behind[name]

    async def _clear(self, name: str) -> None:
        """Delete a room that may be a lost node's: to ask for it gives it to another one."""
        await self.is_held(name)
        await self.delete(name)

    async def restore(self, name: str) -> None:
        """Make a room anew that LiveKit has forgotten; nothing happens to one that it knows.

        Returns when LiveKit has it, however long that takes.
        """
        while not await self.is_held(name):  # noqa: ASYNC110 - LiveKit tells nobody
            await asyncio.sleep(RESTORE_EVERY_SECS)
        logger.debug("room restored")

    async def is_held(self, name: str) -> bool:
        """Return whether the node that has a room answers; a room that is unknown is made."""
        with contextlib.suppress(*_FAILURES):
            await self._make(name, is_old=True)
            return True
        return False

    async def _make(self, name: str, *, is_old: bool) -> None:
        """Have a node make a room, or say that it has it.

        Raises:
            TimeoutError: it says nothing.
        """
        async with asyncio.timeout(NODE_TIMEOUT_SECS):
            await self._service.create_room(_request(name, is_old=is_old))

    async def delete(self, name: str) -> None:
        """Delete a room; a failure is logged, and LiveKit's own timeouts then close the room."""
        try:
            await self._service.delete_room(api.DeleteRoomRequest(room=name))
        except _FAILURES as error:
            _warn("room not deleted", error)

    async def remove(self, name: str, identity: str) -> None:
        """Take a participant out of a room; a failure is logged, LiveKit misses who is gone."""
        request = api.RoomParticipantIdentity(room=name, identity=identity)
        try:
            await self._service.remove_participant(request)
        except _FAILURES as error:
            _warn("participant not removed", error)

    async def reachable(self) -> bool:
        """Return whether LiveKit answers and accepts the key."""
        try:
            await asyncio.wait_for(
                self._service.list_rooms(api.ListRoomsRequest(names=["-"])), REQUEST_TIMEOUT_SECS
            )
        except _FAILURES as error:
            logger.warning("livekit is not usable: {}", describe(error))
            return False
        return True


def _request(name: str, *, is_old: bool) -> api.CreateRoomRequest:
    return api.CreateRoomRequest(
        name=name,
        max_participants=MAX_HUMANS,
        empty_timeout=OLD_EMPTY_TIMEOUT_SECS if is_old else EMPTY_TIMEOUT_SECS,
        departure_timeout=DEPARTURE_TIMEOUT_SECS,
    )


def _warn(what: str, error: BaseException) -> None:
    """Log a failure, unless what was to go is gone already."""
    if not (isinstance(error, api.TwirpError) and error.code == "not_found"):
        logger.warning("{}: {}", what, describe(error))


def describe(error: BaseException) -> str:
    """Return a failure in words that hold no token and no address."""
    if isinstance(error, api.TwirpError):
        return f"{error.code} (status {error.status})"
    return type(error).__name__
