"""The ledger in Redis, for servers that count together; and what is done while it is away."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

from loguru import logger
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from throttled.asyncio import Quota, RedisStore
from throttled.exceptions import BaseThrottledError

from server.ledger import Bucket, Buckets, Ledger, LedgerError, MemoryLedger

# Redis answers in well under a millisecond; a visitor waits for no longer than this.
TIMEOUT_SECS = 0.25
# While it is away it is asked this often, and nobody waits in between.
RETRY_SECS = 5.0
_DAY_SECS = 86_400

_FAILURES = (RedisError, BaseThrottledError, OSError, TimeoutError)
_T = TypeVar("_T")

# One step, so that two servers cannot both take the last seat.
_SIT = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""


class _Store(RedisStore):
    @property
    def client(self) -> Redis:
        """The library's client: a second pool of connections would only cost."""
        return cast("Redis", self._backend.get_client())


class RedisLedger:
    """See `Ledger`; raises LedgerError while Redis does not answer."""

    def __init__(self, url: str, quotas: Mapping[Bucket, Quota]) -> None:
        """Describe it; nothing connects before the first question."""
        options = {
            "SOCKET_TIMEOUT": TIMEOUT_SECS,
            "SOCKET_CONNECT_TIMEOUT": TIMEOUT_SECS,
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0)},
        }
        store = _Store(server=url, options=options)
        self._redis = store.client
        self._buckets = Buckets(quotas, store)
        self._sit = self._redis.register_script(_SIT)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    async def take(self, bucket: Bucket, key: str) -> int | None:
        """As `Ledger.take`."""
        return await _asked(self._buckets.take(bucket, _short(key)))

    async def look(self, bucket: Bucket, key: str) -> int | None:
        """As `Ledger.look`."""
        return await _asked(self._buckets.look(bucket, _short(key)))

    async def use_once(self, name: str, keep_secs: int) -> bool:
        """As `Ledger.use_once`."""
        redis = cast("Any", self._redis)
        return bool(await _asked(redis.set(f"voice:used:{_short(name)}", 1, nx=True, ex=keep_secs)))

    async def sit(self, key: str, session_id: str, seats: int, keep_secs: int) -> bool:
        """As `Ledger.sit`."""
        now = time.time()
        args = [now, now + keep_secs, session_id, seats, keep_secs]
        sit = cast("Any", self._sit)
        return bool(await _asked(sit(keys=[_seats(key)], args=args)))

    async def rise(self, key: str, session_id: str) -> None:
        """As `Ledger.rise`."""
        await _asked(cast("Awaitable[Any]", self._redis.zrem(_seats(key), session_id)))

    async def spend(self, day: str, site: str, secs: float) -> float:
        """As `Ledger.spend`; kept for two days."""
        name = f"voice:spent:{day}:{_short(site)}"
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incrbyfloat(name, secs)
            pipe.expire(name, 2 * _DAY_SECS)
            answers: list[Any] = await _asked(pipe.execute())
        return float(answers[0])


async def _asked(asking: Awaitable[_T]) -> _T:
    try:
        return await asking
    except _FAILURES as error:
        raise LedgerError(type(error).__name__) from None


def _short(key: str) -> str:
    """Names of users and sites, at one length and without their characters."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _seats(key: str) -> str:
    return f"voice:seats:{_short(key)}"


class SteadyLedger:
    """A shared ledger and, where the policy is to count, this process's own while it is away."""

    def __init__(self, shared: Ledger, own: MemoryLedger | None) -> None:
        """Use `shared`; while it is away use `own`, or raise where that is None."""
        self._shared = shared
        self._own = own
        self._away_until = 0.0

    async def _ask(self, question: Callable[[Ledger], Awaitable[_T]]) -> _T:
        now = time.monotonic()
        if now >= self._away_until:
            try:
                return await question(self._shared)
            except LedgerError as error:
                self._away_until = now + RETRY_SECS
                logger.error("quota ledger is away: {}", error)
        if self._own is None:
            raise LedgerError("away")
        return await question(self._own)

    async def take(self, bucket: Bucket, key: str) -> int | None:
        """As `Ledger.take`."""
        return await self._ask(lambda ledger: ledger.take(bucket, key))

    async def look(self, bucket: Bucket, key: str) -> int | None:
        """As `Ledger.look`."""
        return await self._ask(lambda ledger: ledger.look(bucket, key))

    async def use_once(self, name: str, keep_secs: int) -> bool:
        """As `Ledger.use_once`."""
        return await self._ask(lambda ledger: ledger.use_once(name, keep_secs))

    async def sit(self, key: str, session_id: str, seats: int, keep_secs: int) -> bool:
        """As `Ledger.sit`."""
        return await self._ask(lambda ledger: ledger.sit(key, session_id, seats, keep_secs))

    async def rise(self, key: str, session_id: str) -> None:
        """As `Ledger.rise`; in both, for nobody knows where the seat was taken."""
        if self._own is not None:
            await self._own.rise(key, session_id)
        await self._ask(lambda ledger: ledger.rise(key, session_id))

    async def spend(self, day: str, site: str, secs: float) -> float:
        """As `Ledger.spend`."""
        return await self._ask(lambda ledger: ledger.spend(day, site, secs))
