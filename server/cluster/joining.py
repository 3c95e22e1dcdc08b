"""Joins a cluster where the settings name one."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from server.cluster.doorway import ClusterDoorway
from server.cluster.membership import Membership
from server.cluster.peers import Peers
from server.cluster.roster import Roster
from server.cluster.signing import key_of
from server.doorkeeper import Doorkeeper
from server.rooms import Rooms
from server.sessions import Sessions
from server.settings import ServerSettings
from server.tokens import Keys

_REDIS_PORT = 6379


@asynccontextmanager
async def joined(
    roster: Roster,
    settings: ServerSettings,
    sessions: Sessions,
    rooms: Rooms,
    keeper: Doorkeeper,
) -> AsyncGenerator[tuple[Membership, ClusterDoorway]]:
    """Be a member while the context lasts."""
    keys = Keys(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())
    url = settings.cluster_url.rstrip("/") or own_url(settings)
    async with (
        Peers(key_of(keys.api_secret)) as peers,
        Membership(
            roster=roster, url=url, sessions=sessions, peers=peers, rooms=rooms, keeper=keeper
        ) as membership,
    ):
        yield membership, ClusterDoorway(sessions, membership, peers, keys)


def own_url(settings: ServerSettings) -> str:
    """Return where this machine is reached: HOST, or the address that it reaches Redis from."""
    host = settings.host
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        redis = urlsplit(settings.cluster_redis_url.get_secret_value())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as towards:
            # Nothing is sent: the system only chooses the address it would send from.
            towards.connect((redis.hostname or "127.0.0.1", redis.port or _REDIS_PORT))
            host = str(towards.getsockname()[0])
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
