"""Which ledger the settings ask for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from server.ledger import Ledger, MemoryLedger, quotas_of
from server.settings import ServerSettings


@asynccontextmanager
async def open_ledger(settings: ServerSettings) -> AsyncGenerator[Ledger]:
    """This process's own ledger; with a Redis a shared one, steadied by the own one."""
    quotas = quotas_of(
        address=settings.quota_address_per_min,
        user=settings.quota_user_per_min,
        site=settings.quota_site_per_min,
        everybody=settings.quota_all_per_min,
        silent_per_hour=settings.quota_silent_per_hour,
    )
    own = MemoryLedger(quotas)
    url = settings.ledger_url
    if not url:
        yield own
        return
    # An extra: only who shares a ledger installs the client.
    from server.ledger_redis import RedisLedger, SteadyLedger  # noqa: PLC0415

    shared = RedisLedger(url, quotas)
    try:
        yield SteadyLedger(shared, own if settings.quota_redis_down == "count" else None)
    finally:
        await shared.aclose()
