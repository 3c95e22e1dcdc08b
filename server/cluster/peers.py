"""What members ask of one another, over HTTP."""

from __future__ import annotations

from typing import Self

import aiohttp
from pydantic import BaseModel, ValidationError

from server.cluster.notes import (
    Admitted,
    Leaving,
    Member,
    Refused,
    Resuming,
    Starting,
    Taking,
)
from server.cluster.signing import signature
from server.errors import DoorError
from server.running import Admission

START, RESUME, LEAVE, TAKE = "/cluster/start", "/cluster/resume", "/cluster/leave", "/cluster/take"

# A member that is there accepts a connection at once; one that is lost may not even refuse it.
CONNECT_TIMEOUT_SECS = 0.5
# The first session of a member waits for its bot, 5 s at most, and taking over for a process, 8 s.
TIMEOUT_SECS = 12.0


class PeerError(Exception):
    """A member does not answer, or answers what is no answer."""


class Peers:
    """The other members. Use as an async context manager."""

    def __init__(self, key: bytes) -> None:
        """Take the members' key."""
        self._key = key
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the HTTP client."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECS, connect=CONNECT_TIMEOUT_SECS)
        self._http = aiohttp.ClientSession(timeout=timeout)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Close it."""
        if self._http is not None:
            await self._http.close()

    async def start(self, member: Member, asking: Starting) -> Admission:
        """Have a member start a session.

        Raises:
            DoorError: as `Sessions.start`.
            PeerError: as everywhere here.
        """
        return await self._admitted(member, START, asking)

    async def resume(self, member: Member, asking: Resuming) -> Admission:
        """Return a fresh way into a session of a member's.

        Raises:
            DoorError: as `Sessions.resume`.
        """
        return await self._admitted(member, RESUME, asking)

    async def leave(self, member: Member, asking: Leaving) -> None:
        """Have a member take a page that has gone out of its room."""
        await self._ask(member, LEAVE, asking)

    async def take(self, member: Member, asking: Taking) -> bool:
        """Have a member go on with a session; return whether it does."""
        status, _ = await self._ask(member, TAKE, asking)
        return status == 204

    async def _admitted(self, member: Member, path: str, asking: BaseModel) -> Admission:
        status, answer = await self._ask(member, path, asking)
        try:
            if status == 200:
                return Admitted.model_validate_json(answer).admission
            why = Refused.model_validate_json(answer)
        except ValidationError:
            raise PeerError(f"status {status}") from None
        raise DoorError(why.status, why.code, why.message, retry_after_secs=why.retry_after_secs)

    async def _ask(self, member: Member, path: str, asking: BaseModel) -> tuple[int, bytes]:
        if self._http is None:
            raise RuntimeError("Peers is used outside its context")
        body = asking.model_dump_json().encode()
        headers = {"Authorization": f"Bearer {signature(self._key, path, body)}"}
        try:
            async with self._http.post(f"{member.url}{path}", data=body, headers=headers) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise PeerError(type(error).__name__) from None
