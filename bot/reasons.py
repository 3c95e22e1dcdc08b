"""Why a session ended: the words that the wire, the log and the metrics share."""

from __future__ import annotations

from enum import StrEnum


class EndReason(StrEnum):
    """Why a session ended; sent to the client as `session-ended` and written to the log."""

    USER_LEFT = "user_left"
    NEVER_JOINED = "never_joined"
    CLIENT_REQUEST = "client_request"
    ROOM_CLOSED = "room_closed"
    CONNECT_FAILED = "connect_failed"
    PROVIDER_UNUSABLE = "provider_unusable"
    IDLE = "idle"
    MAX_LENGTH = "max_length"
    SHUTDOWN = "shutdown"
    FAILED = "failed"
    # Its process died under it: nobody is left to tell the client, whom LiveKit tells.
    CRASHED = "crashed"
