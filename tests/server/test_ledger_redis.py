"""The shared ledger on a real Redis, and what is done while that is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from local.processes import free_port
from server.ledger import Bucket, LedgerError, MemoryLedger, quotas_of
from server.ledger_redis import RedisLedger, SteadyLedger
from server.ledgers import open_ledger
from tests.server.conftest import redis_server
from tests.server.test_doorkeeper import settings_of

pytestmark = pytest.mark.anyio
QUOTAS = quotas_of(address=2, user=2, site=2, everybody=2, silent_per_hour=2)


async def test_two_servers_count_together(redis: str) -> None:
    """Buckets, seats, used credentials and minutes are one account for all servers."""
    one, two = RedisLedger(redis, QUOTAS), RedisLedger(redis, QUOTAS)
    try:
        assert await one.take(Bucket.USER, "ama") is None
        assert await two.take(Bucket.USER, "ama") is None
        wait_secs = await one.take(Bucket.USER, "ama")
        assert wait_secs is not None
        assert 1 <= wait_secs <= 30
        assert await two.look(Bucket.USER, "ama") is not None
        assert await two.take(Bucket.USER, "luis") is None
        assert await one.take(Bucket.RESUME, "s") is None

        assert await one.use_once("token", 60)
        assert not await two.use_once("token", 60)

        assert await one.sit("user ama", "s-1", 2, 60)
        assert await two.sit("user ama", "s-2", 2, 60)
        assert not await one.sit("user ama", "s-3", 2, 60)
        await two.rise("user ama", "s-1")
        assert await one.sit("user ama", "s-3", 2, 60)

        assert await one.spend("2026-11-25", "site", 1.5) == 1.5
        assert await two.spend("2026-11-25", "site", 2.0) == 3.5
        assert await two.spend("2026-11-25", "site", 0.0) == 3.5
        assert await two.spend("2026-11-26", "site", 0.0) == 0.0
    finally:
        await one.aclose()
        await two.aclose()


async def test_redis_learns_no_name(redis: str) -> None:
    """Users and addresses are hashed, and every key goes by itself."""
    ledger = RedisLedger(redis, QUOTAS)
    try:
        await ledger.take(Bucket.USER, "https://a.example ama")
        await ledger.sit("user ama", "s-1", 2, 60)
        await ledger.use_once("ama", 60)
        await ledger.spend("2026-11-25", "https://a.example", 1)
        async with Redis.from_url(redis) as client:
            keys: list[Any] = [key async for key in client.scan_iter()]
            assert len(keys) == 4
            assert not [key for key in keys if b"ama" in key or b"example" in key]
            assert all([await client.ttl(key) > 0 for key in keys])
    finally:
        await ledger.aclose()


async def test_without_redis_a_server_counts_for_itself() -> None:
    """Policy `count`: quotas hold on each server alone, and nobody waits for Redis again."""
    away = f"redis://127.0.0.1:{free_port()}/0"
    async with open_ledger(settings_of(quota_redis_url=away, quota_user_per_min=1)) as ledger:
        assert await ledger.take(Bucket.USER, "ama") is None
        assert await ledger.take(Bucket.USER, "ama") is not None
        assert await ledger.use_once("token", 60)
        assert not await ledger.use_once("token", 60)
        assert await ledger.sit("user ama", "s-1", 1, 60)
        assert not await ledger.sit("user ama", "s-2", 1, 60)
        await ledger.rise("user ama", "s-1")
        assert await ledger.sit("user ama", "s-2", 1, 60)
        assert await ledger.spend("2026-11-25", "site", 1.0) == 1.0


async def test_without_redis_a_strict_server_starts_nothing() -> None:
    """Policy `refuse`: no quota, no session."""
    away = f"redis://127.0.0.1:{free_port()}/0"
    async with open_ledger(settings_of(quota_redis_url=away, quota_redis_down="refuse")) as ledger:
        for _ in range(2):
            with pytest.raises(LedgerError):
                await ledger.take(Bucket.USER, "ama")


async def test_redis_that_is_back_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage ends by itself: after a pause the shared account goes on."""
    monkeypatch.setattr("server.ledger_redis.RETRY_SECS", 0.0)
    # Whether this Redis is quick is not what is tested.
    monkeypatch.setattr("server.ledger_redis.TIMEOUT_SECS", 10.0)
    port = free_port()
    shared = RedisLedger(f"redis://127.0.0.1:{port}/0", QUOTAS)
    ledger = SteadyLedger(shared, MemoryLedger(QUOTAS))
    try:
        assert await ledger.spend("2026-11-25", "site", 5.0) == 5.0
        async with redis_server(port, tmp_path):
            assert await ledger.spend("2026-11-25", "site", 1.0) == 1.0
            assert await shared.spend("2026-11-25", "site", 0.0) == 1.0
        assert await ledger.spend("2026-11-25", "site", 1.0) == 6.0
    finally:
        await shared.aclose()
