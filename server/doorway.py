"""The way to a session, wherever it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.doorkeeper import Visitor
from server.errors import DoorError
from server.running import Admission


@dataclass(frozen=True)
class Neighbour:
    """A server as the others know it.

    Attributes:
        url: Where they reach it.
        is_here: Whether it is the one that was asked.
        sessions: Going on or being started.
        max_sessions: At once.
        refuses: The code with which it would refuse one more; None: it takes it.
    """

    url: str
    is_here: bool
    sessions: int
    max_sessions: int
    refuses: str | None


class Doorway(Protocol):
    """What POST /connect and POST /leave ask; `Sessions` and `ClusterDoorway` are such."""

    def refusal(self) -> DoorError | None:
        """Return why a session would be refused now; None when one would be admitted."""
        ...

    def neighbours(self) -> Sequence[Neighbour]:
        """Return every server that sessions may run on; none where this one stands alone."""
        ...

    async def start(self, visitor: Visitor, *, record: bool = False) -> Admission:
        """Return the way into a new session.

        Raises:
            DoorError: see `Sessions.start`.
        """
        ...

    async def resume(self, old_token: str, visitor: Visitor) -> Admission:
        """Return a fresh way into the session that an earlier token was made for.

        Raises:
            DoorError: see `Sessions.resume`.
        """
        ...

    async def hand_over(self) -> None:
        """Give sessions that go on here to others who run them; nothing where nobody does."""
        ...

    async def leave(self, token: str) -> None:
        """Take a page that has gone out of its room."""
        ...
