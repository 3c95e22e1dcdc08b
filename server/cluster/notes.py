"""What members note of themselves and of their sessions."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.kept import RecordTo
from bot.lines import MAX_LINES, Line
from server.doorkeeper import Visitor
from server.running import Admission, Running

_Count = Annotated[int, Field(ge=0)]


class _Note(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Member(_Note):
    """A server of the cluster, as it says of itself twice a second.

    Attributes:
        id: New at each start.
        url: Where the others reach it.
        sessions: Going on or being started.
        max_sessions: At once.
        refuses: The code with which it would refuse one more; None: it takes it.
        alarms: How often a LiveKit node seemed lost to it.
    """

    id: str
    url: str
    sessions: _Count
    max_sessions: _Count
    refuses: str | None = None
    alarms: _Count = 0


class Home(_Note):
    """A session, as much of it as another member needs to go on with it."""

    session_id: str
    visitor: Visitor
    is_recorded: bool
    room: str
    identity: str
    bot_identity: str
    visits: _Count
    lost: _Count
    lost_in_a_row: _Count

    @classmethod
    def of(cls, running: Running) -> Home:
        """Return the note of a session that runs here."""
        return cls(
            session_id=running.session_id,
            visitor=running.visitor,
            is_recorded=running.record_to is not None,
            room=running.room,
            identity=running.identity,
            bot_identity=running.bot_identity,
            visits=running.visits,
            lost=running.lost,
            lost_in_a_row=running.lost_in_a_row,
        )


class Taking(_Note):
    """Asks a member to go on with a session.

    Attributes:
        home: The session.
        is_lost: Whether its bot was lost; else it is given away.
        lines: What was said in it.
    """

    home: Home
    is_lost: bool
    lines: Annotated[list[Line], Field(max_length=MAX_LINES)]

    def running(self) -> Running:
        """Return the session, without its bot."""
        home = self.home
        running = Running(
            session_id=home.session_id,
            visitor=home.visitor,
            # Where it is kept is decided anew; that it is was agreed.
            record_to=RecordTo("") if home.is_recorded else None,
            room=home.room,
            identity=home.identity,
            bot_identity=home.bot_identity,
            visits=home.visits,
            lost=home.lost,
            lost_in_a_row=home.lost_in_a_row,
            lines=self.lines,
        )
        if self.is_lost:
            running.bot_was_lost()
        return running


class Starting(_Note):
    """Asks a member for a session."""

    visitor: Visitor
    record: bool


class Resuming(_Note):
    """Asks a session's member for another way in."""

    token: str
    visitor: Visitor


class Leaving(_Note):
    """Tells a session's member that its page has gone."""

    token: str


class Admitted(_Note):
    """The way in."""

    admission: Admission


class Refused(_Note):
    """Why there is none: a `DoorError`."""

    status: int
    code: str
    message: str
    retry_after_secs: int | None = None
