"""Who is in the cluster and which sessions they have, in Redis."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable
from typing import Any, TypeVar, cast

from loguru import logger
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot.lines import Line
from bot.settings import LONGEST_SESSION_SECS
from server.cluster.notes import Home, Member
from server.running import Running

# Redis answers in well under a millisecond; a stop of the whole machine is not its fault.
TIMEOUT_SECS = 1.0
# A member that says nothing for so long is lost: four of its notes are missing.
LOST_AFTER_SECS = 2.0
KEEP_SECS = LONGEST_SESSION_SECS + 60
# Whoever goes on with a lost member's sessions has finished by then, or is lost, too.
CLAIM_SECS = 20

_PREFIX = "voice:cluster"
_MEMBERS = f"{_PREFIX}:members"
_LINES = TypeAdapter(list[Line])
_FAILURES = (RedisError, OSError, TimeoutError, ValidationError)
_T = TypeVar("_T")


class RosterError(Exception):
    """Redis does not answer, or holds what is no note; says which, never what it held."""


class Roster:
    """The cluster as one of its members reads and writes it.

    Attributes:
        id: This member's.
    """

    def __init__(self, url: str) -> None:
        """Describe it; nothing connects before the first question."""
        self.id = secrets.token_hex(8)
        self._redis = cast(
            "Any",
            Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped options
                url,
                decode_responses=True,
                socket_timeout=TIMEOUT_SECS,
                socket_connect_timeout=TIMEOUT_SECS,
                retry=Retry(NoBackoff(), 0),
            ),
        )

    def renew(self) -> None:
        """Go on as another member: this one's sessions are not its own any more."""
        self.id = secrets.token_hex(8)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def tell(self, me: Member) -> bool:
        """Note how this member fares; return whether nobody has taken its sessions for lost.

        Raises:
            RosterError: as everywhere here.
        """
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(_member(self.id), me.model_dump_json(), px=int(LOST_AFTER_SECS * 1000))
            pipe.sadd(_MEMBERS, self.id)
            pipe.expire(_homes(self.id), KEEP_SECS)
            pipe.exists(_claim(self.id))
            answers: list[Any] = await _asked(pipe.execute())
        return not answers[-1]

    async def resign(self) -> None:
        """Note that this member goes, and has no sessions any more."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(_member(self.id), _homes(self.id))
            pipe.srem(_MEMBERS, self.id)
            await _asked(pipe.execute())

    async def read(self) -> tuple[list[Member], list[str]]:
        """Return the members that speak, and the ids of those that do not."""
        ids: list[str] = sorted(await _asked(self._redis.smembers(_MEMBERS)))
        if not ids:
            return [], []
        notes: list[str | None] = await _asked(self._redis.mget([_member(one) for one in ids]))
        speaking = [_read(Member, note) for note in notes if note is not None]
        return speaking, [one for one, note in zip(ids, notes, strict=True) if note is None]

    # The sessions of this member (`server.homes.Homes`); none of them fails a conversation.

    async def settle(self, running: Running) -> None:
        """Note a session that runs here from now on."""
        session_id, note = running.session_id, Home.of(running).model_dump_json()
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_homes(self.id), session_id, note)
            pipe.set(_at(running.identity), self.id, ex=KEEP_SECS)
            await _tried("noted", pipe.execute())

    async def remember(self, running: Running) -> None:
        """Note what has been said in it."""
        lines = _LINES.dump_json(list(running.said)).decode()
        key = _said(running.session_id)
        await _tried("noted", self._redis.set(key, lines, ex=KEEP_SECS))

    async def leave(self, running: Running) -> bool:
        """Forget a session that has ended here; False: somebody else goes on with it."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.get(_at(running.identity))
            pipe.exists(_claim(self.id))
            home, is_claimed = await _tried("looked up", pipe.execute()) or (None, 0)
        is_ours = home in (None, self.id) and not is_claimed
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hdel(_homes(self.id), running.session_id)
            if is_ours:
                pipe.delete(_at(running.identity), _said(running.session_id))
            await _tried("forgotten", pipe.execute())
        return is_ours

    # The sessions of the others.

    async def home_of(self, identity: str) -> str | None:
        """Return the member that has a user's session, or None."""
        return await _asked(self._redis.get(_at(identity)))

    async def claim(self, lost: str) -> bool:
        """Return whether it is this member that sees to a lost one's sessions."""
        claim = self._redis.set(_claim(lost), self.id, nx=True, ex=CLAIM_SECS)
        return bool(await _asked(claim))

    async def homes(self, member: str) -> list[Home]:
        """Return the sessions that a member has noted."""
        notes: list[str] = await _asked(self._redis.hvals(_homes(member)))
        return [_read(Home, note) for note in notes]

    async def said_in(self, session_id: str) -> list[Line]:
        """Return what was said in a session so far."""
        note: str | None = await _asked(self._redis.get(_said(session_id)))
        try:
            return [] if note is None else _LINES.validate_json(note)
        except ValidationError:
            raise RosterError("no note") from None

    async def strike(self, lost: str, session_id: str) -> None:
        """Take a session off a lost member's list."""
        await _asked(self._redis.hdel(_homes(lost), session_id))

    async def forget(self, session: Home) -> None:
        """Forget a session that nobody goes on with."""
        await _asked(self._redis.delete(_at(session.identity), _said(session.session_id)))

    async def dismiss(self, lost: str) -> None:
        """Take a lost member off the list; the claim stays, should it come back to life."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.srem(_MEMBERS, lost)
            pipe.delete(_homes(lost))
            await _asked(pipe.execute())


def _member(member: str) -> str:
    return f"{_PREFIX}:member:{member}"


def _homes(member: str) -> str:
    return f"{_PREFIX}:homes:{member}"


def _claim(member: str) -> str:
    return f"{_PREFIX}:claim:{member}"


def _at(identity: str) -> str:
    return f"{_PREFIX}:at:{identity}"


def _said(session_id: str) -> str:
    return f"{_PREFIX}:said:{session_id}"


_Read = TypeVar("_Read", Member, Home)


def _read(kind: type[_Read], note: str) -> _Read:
    try:
        return kind.model_validate_json(note)
    except ValidationError:
        raise RosterError("no note") from None


async def _asked(asking: Awaitable[_T]) -> _T:
    try:
        return await asking
    except _FAILURES as error:
        raise RosterError(type(error).__name__) from None


async def _tried(what: str, asking: Awaitable[_T]) -> _T | None:
    """Ask; None where Redis is away: a conversation needs it only when its server is lost."""
    try:
        return await asking
    except asyncio.CancelledError:
        raise
    except _FAILURES as error:
        logger.warning("a session was not {} in the cluster: {}", what, type(error).__name__)
        return None
