"""A session as the door knows it while it goes on."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.channel import Start
from bot.kept import RecordTo
from bot.lines import Line
from server.doorkeeper import Visitor
from server.process import PlacedSession
from server.tokens import Keys, bot_token, user_token


def unguessable(prefix: str) -> str:
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
class Running:
    """A session that has a room, and a bot in some process.

    Attributes:
        session_id: Its id.
        room: Room name.
        identity: The user's.
        bot_identity: Of the bot that is there now.
        visitor: Whom it is for.
        record_to: Where the conversation is kept; None: nowhere.
        visits: Ways in that were given out.
        token: The last of them.
        lost: How many of its bots were lost.
        lost_in_a_row: Of these, those since one that was well.
        lines: What was said to those; None: its first bot is there.
        giving: Asks other servers to go on with it; whether one does.
        is_moving: Whether its bot was lost, and the next one is not placed yet.
    """

    session_id: str
    visitor: Visitor
    record_to: RecordTo | None = None
    room: str = field(default_factory=lambda: unguessable("room"))
    identity: str = field(default_factory=lambda: unguessable("user"))
    bot_identity: str = ""
    visits: int = 0
    token: str = ""
    lost: int = 0
    lost_in_a_row: int = 0
    lines: Sequence[Line] | None = None
    giving: asyncio.Task[bool] | None = field(default=None, init=False)
    is_moving: bool = field(default=False, init=False)
    _placed: PlacedSession | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def placed(self) -> PlacedSession:
        """The session in its process."""
        if self._placed is None:
            raise RuntimeError("in no process yet")
        return self._placed

    @property
    def task(self) -> asyncio.Task[None]:
        """Sees it to its end."""
        if self._task is None:
            raise RuntimeError("nobody sees to it yet")
        return self._task

    def begin(self, placed: PlacedSession) -> None:
        """Note the process that it is in from now on."""
        self._placed = placed
        self.is_moving = False

    def seen_to_by(self, task: asyncio.Task[None]) -> None:
        """Note the task."""
        self._task = task

    def order(self, keys: Keys, url: str) -> Start:
        """Return the order for a bot of its own name, the earlier one's place being taken."""
        self.bot_identity = unguessable("bot")
        return Start(
            session_id=self.session_id,
            user_identity=self.identity,
            url=url,
            token=bot_token(keys, self.room, self.bot_identity),
            room=self.room,
            record_to=self.record_to,
            remembered=None if self.lines is None else list(self.lines),
        )

    def way_in(self, keys: Keys) -> Admission:
        """Return a fresh way in; the tokens given out before no longer let anybody leave."""
        self.token = user_token(keys, self.room, self.identity, self.visits)
        self.visits += 1
        is_recorded = self.record_to is not None
        return Admission(self.token, self.room, self.session_id, is_recorded)

    @property
    def said(self) -> Sequence[Line]:
        """What was said so far."""
        here = () if self._placed is None else self._placed.lines
        return here or self.lines or ()

    def bot_was_lost(self) -> None:
        """Keep what it knew for the one that follows, and count it."""
        self.lost += 1
        self.lost_in_a_row += 1
        self.is_moving = True
        self.lines = self.said

    async def is_given_away(self) -> bool:
        """Return whether another server goes on with it, as soon as that is known."""
        if self.giving is None:
            return False
        await asyncio.wait({self.giving})
        return not self.giving.cancelled() and self.giving.result()

    @property
    def errors(self) -> Mapping[str, int]:
        """How often each error code came up, bots that were lost included."""
        lost = {"bot_lost": self.lost} if self.lost else {}
        return {**self.placed.errors, **lost}

    def is_of(self, visitor: Visitor) -> bool:
        """Whether a visitor may come back: of the same site, and its user where one signed in."""
        owner = self.visitor
        return owner.site == visitor.site and owner.user in (None, visitor.user)
