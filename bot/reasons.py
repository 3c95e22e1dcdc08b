"""Why a session ended: the words that the wire, the log and the metrics share."""

from __future__ import annotations

from enum import StrEnum


class EndReason(StrEnum):
    """Why a session ended; sent to the client as `session-ended` and written to the log."""

    USER_LEFT = "user_left"
    NEVER_JOINED = "never_joined"
    # In the room, but with neither a microphone nor a word.
    SILENT = "silent"
    # The site has used up its minutes or money of the day.
    BUDGET_SPENT = "budget_spent"
    CLIENT_REQUEST = "client_request"
    ROOM_CLOSED = "room_closed"
    # LiveKit has lost the bot, and did not let it come back.
    ROOM_LOST = "room_lost"
    CONNECT_FAILED = "connect_failed"
    PROVIDER_UNUSABLE = "provider_unusable"
    IDLE = "idle"
    MAX_LENGTH = "max_length"
    SHUTDOWN = "shutdown"
    FAILED = "failed"
    # Its process died under it: nobody is left to tell the client, whom LiveKit tells.
    CRASHED = "crashed"
