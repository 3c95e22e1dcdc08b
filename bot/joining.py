"""A session in a LiveKit room."""

from __future__ import annotations

from bot.prepared import NOTHING, Prepared
from bot.session import Session, SessionInfo
from bot.settings import BotSettings
from bot.transport import SessionTransport


def livekit_session(
    info: SessionInfo,
    *,
    url: str,
    token: str,
    room: str,
    settings: BotSettings,
    instruction: str,
    prepared: Prepared = NOTHING,
) -> Session:
    """Return a session in a LiveKit room.

    Args:
        info: Session id and the user's identity.
        url: LiveKit server, ws(s)://.
        token: The bot's token for `room`.
        room: Room name.
        settings: Providers, voice, limits.
        instruction: The system instruction.
        prepared: What this process's sessions share.
    """
    transport = SessionTransport(url=url, token=token, room=room, user_identity=info.user_identity)
    return Session(info, transport, settings, instruction, prepared)
