"""LiveKit tokens: pure functions from names to signed grants."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import jwt
from livekit import api

# A token is used at once; LiveKit allows a minute of clock leeway on top of this.
USER_TTL = datetime.timedelta(seconds=60)
# The bot joins within a second; LiveKit renews the tokens of connected participants.
BOT_TTL = datetime.timedelta(seconds=60)


@dataclass(frozen=True)
class Keys:
    """A LiveKit API key and its secret."""

    api_key: str
    api_secret: str


def user_token(keys: Keys, room: str, identity: str, visit: int = 0) -> str:
    """Return a token that lets one person speak, listen and type in one room, and nothing else.

    Args:
        keys: LiveKit's.
        room: Room name.
        identity: The user's.
        visit: How often the user has come back: two tokens of one second would be the same one.
    """
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=True,
        can_publish_sources=["microphone"],
        can_subscribe=True,
        can_publish_data=True,
        can_update_own_metadata=False,
    )
    return (
        api.AccessToken(keys.api_key, keys.api_secret)
        .with_identity(identity)
        .with_grants(grants)
        .with_attributes({"visit": str(visit)} if visit else {})
        .with_ttl(USER_TTL)
        .to_jwt()
    )


def bot_token(keys: Keys, room: str, identity: str) -> str:
    """Return the bot's token: an agent, so that it does not count towards max_participants."""
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=True,
        can_subscribe=True,
        can_publish_data=True,
        can_update_own_metadata=False,
        agent=True,
    )
    return (
        api.AccessToken(keys.api_key, keys.api_secret)
        .with_identity(identity)
        .with_kind("agent")
        .with_grants(grants)
        .with_ttl(BOT_TTL)
        .to_jwt()
    )


def identity_of(keys: Keys, token: str) -> str | None:
    """Return whom a user token of ours was given to, also after it expired; None if not ours.

    An expired token is good for one thing only: to come back to the very session it was made
    for, while that session lives.
    """
    try:
        claims = jwt.decode(
            token,
            keys.api_secret,
            algorithms=["HS256"],
            issuer=keys.api_key,
            options={"verify_exp": False, "require": ["sub", "iss"]},
        )
    except jwt.PyJWTError:
        return None
    subject = claims["sub"]
    return subject if isinstance(subject, str) else None
