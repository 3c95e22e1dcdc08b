"""Whether the settings ask for a cluster; without one nothing of it is loaded."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from server.doorkeeper import Doorkeeper
from server.doorway import Doorway
from server.metrics import Metrics
from server.rooms import Rooms
from server.sessions import Sessions
from server.settings import ServerSettings

if TYPE_CHECKING:
    from server.cluster.roster import Roster


@asynccontextmanager
async def open_roster(settings: ServerSettings) -> AsyncGenerator[Roster | None]:
    """The members' notes; None for a server that stands alone."""
    if not settings.is_member:
        yield None
        return
    # An extra: only who has a cluster installs the client.
    from server.cluster.roster import Roster  # noqa: PLC0415

    roster = Roster(settings.cluster_redis_url.get_secret_value())
    try:
        yield roster
    finally:
        await roster.aclose()


@asynccontextmanager
async def open_doorway(
    roster: Roster | None,
    settings: ServerSettings,
    *,
    sessions: Sessions,
    rooms: Rooms,
    keeper: Doorkeeper,
    metrics: Metrics,
) -> AsyncGenerator[Doorway]:
    """The way to the sessions of this server, or of all members."""
    if roster is None:
        yield sessions
        return
    from server.cluster.joining import joined  # noqa: PLC0415

    async with joined(roster, settings, sessions, rooms, keeper) as (membership, doorway):
        metrics.watch_cluster(membership)
        yield doorway


def include_cluster(app: FastAPI, settings: ServerSettings) -> None:
    """Answer other members, where there are any."""
    if not settings.is_member:
        return
    from server.cluster.routes import router  # noqa: PLC0415
    from server.cluster.signing import key_of  # noqa: PLC0415

    app.state.cluster_key = key_of(settings.livekit_api_secret.get_secret_value())
    app.include_router(router)
