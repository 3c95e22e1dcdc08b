"""What the door and a session process say to each other: one JSON object a line, strictly read.

Both sides are this program, but one of them runs native code on whatever a visitor sends: a line
that is not exactly one of these messages ends the process that wrote it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from bot.kept import RecordTo
from bot.lines import MAX_LINES, Line
from bot.reasons import EndReason
from bot.settings import BotSettings
from bot.usage import UNITS
from bot.waterfall import SEGMENTS

# The longest message carries the system instruction: at most 24 KB of knowledge, escaped.
MAX_LINE_BYTES = 256 * 1024

SessionId = Annotated[str, Field(pattern=r"^[0-9a-zA-Z_-]{1,64}$")]
Segment = Annotated[str, Field(pattern=f"^({'|'.join(SEGMENTS)})$")]
UnitName = Annotated[str, Field(pattern=f"^({'|'.join(UNITS)})$")]
Name = Annotated[str, Field(min_length=1, max_length=256)]


class ChannelError(Exception):
    """A line that is no message; says which rule it broke, never what it held."""


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def line(self) -> bytes:
        """Return the message as it travels."""
        return self.model_dump_json().encode() + b"\n"


class Configure(_Message):
    """The first line to a process: everything its sessions share."""

    kind: Literal["configure"] = "configure"
    log_level: Name
    log_as_json: bool = False
    instruction: str
    settings: dict[str, Any]

    @classmethod
    def of(
        cls,
        settings: BotSettings,
        instruction: str,
        log_level: str,
        *,
        log_as_json: bool = False,
    ) -> Configure:
        """Return the message for these settings; the pipe is private, so keys travel in clear."""
        clear = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name in type(settings).model_fields
            for value in (getattr(settings, name),)
        }
        return cls(
            log_level=log_level,
            log_as_json=log_as_json,
            instruction=instruction,
            settings=to_jsonable_python(clear),
        )

    def bot_settings(self) -> BotSettings:
        """Return the settings; nothing is read from this process's own environment."""
        return BotSettings(_env_file=None, **self.settings)  # pyright: ignore[reportCallIssue]


class Start(_Message):
    """Start a session in a room that exists."""

    kind: Literal["start"] = "start"
    session_id: SessionId
    user_identity: Name
    url: Name
    token: Annotated[str, Field(min_length=1, max_length=4096)]
    room: Name
    record_to: RecordTo | None = None
    remembered: list[Line] | None = None


class End(_Message):
    """End a session."""

    kind: Literal["end"] = "end"
    session_id: SessionId
    reason: EndReason


class Warm(_Message):
    """The process has loaded everything and can take sessions."""

    kind: Literal["warm"] = "warm"
    greeting_prepared: bool


class Ready(_Message):
    """The bot is in its room, and its providers have accepted it."""

    kind: Literal["ready"] = "ready"
    session_id: SessionId


class Adrift(_Message):
    """The bot has lost its room and tries to come back; LiveKit may have forgotten the room."""

    kind: Literal["adrift"] = "adrift"
    session_id: SessionId


class Ended(_Message):
    """Nothing of a session is left running.

    Attributes:
        errors: How often each error code came up during the session.
    """

    kind: Literal["ended"] = "ended"
    session_id: SessionId
    reason: EndReason
    errors: dict[Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")], Annotated[int, Field(ge=0)]]


class Turn(_Message):
    """A turn has been answered: the fields of `bot.waterfall.TurnTimes`."""

    kind: Literal["turn"] = "turn"
    session_id: SessionId
    segments_secs: dict[Segment, Annotated[float, Field(ge=0)]]
    answers_begun: Annotated[int, Field(ge=0)]


class Used(_Message):
    """A session has taken so much more from its providers, by `bot.usage.Unit`."""

    kind: Literal["used"] = "used"
    session_id: SessionId
    amounts: dict[UnitName, Annotated[float, Field(ge=0)]]


class Memory(_Message):
    """Somebody has said something: the conversation, should another process have to go on."""

    kind: Literal["memory"] = "memory"
    session_id: SessionId
    lines: Annotated[list[Line], Field(max_length=MAX_LINES)]


class Load(_Message):
    """How the process fares; also the sign that its event loop turns.

    Attributes:
        lag_p95_ms: How much later than asked the event loop woke, 95th percentile of the last
            seconds.
        cpu_cores: CPU time per time, over the same seconds: 1 is one core fully used.
        tasks: asyncio tasks; back at its first value when every session has ended.
    """

    kind: Literal["load"] = "load"
    lag_p95_ms: Annotated[float, Field(ge=0)]
    cpu_cores: Annotated[float, Field(ge=0)]
    tasks: Annotated[int, Field(ge=0)]


_Any = TypeVar("_Any")

Order = Configure | Start | End
Report = Warm | Ready | Adrift | Ended | Turn | Used | Memory | Load

_ORDER: TypeAdapter[Order] = TypeAdapter(Annotated[Order, Field(discriminator="kind")])
_REPORT: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="kind")])


def read_order(line: bytes) -> Order:
    """Return what the door wants.

    Raises:
        ChannelError: the line is no order.
    """
    return _read(_ORDER, line)


def read_report(line: bytes) -> Report:
    """Return what a process tells.

    Raises:
        ChannelError: the line is no report.
    """
    return _read(_REPORT, line)


def _read(adapter: TypeAdapter[_Any], line: bytes) -> _Any:
    if len(line) > MAX_LINE_BYTES or not line.endswith(b"\n"):
        raise ChannelError("not one line")
    try:
        return adapter.validate_json(line, strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise ChannelError(first["type"]) from None
