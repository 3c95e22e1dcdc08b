"""What the door remembers of those who asked: buckets, seats, used tokens, minutes.

`Ledger` says what is remembered, not where: in this process (`MemoryLedger`), or in a Redis that
several servers share (`server/ledger_redis.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from throttled.asyncio import BaseStore, MemoryStore, Quota, Throttled, per_hour, per_min

# Keys that are kept at once; who asked longest ago is forgotten, and his bucket is full by then
# unless as many others asked within the minute.
MAX_KEYS = 100_000


class LedgerError(Exception):
    """The ledger cannot be read or written now."""


class Bucket(StrEnum):
    """Token buckets; each has one quota and many keys."""

    ADDRESS = "address"
    USER = "user"
    SITE = "site"
    ALL = "all"
    SILENT = "silent"
    RESUME = "resume"
    LOGIN = "login"


# A page that is reloaded again and again; more is somebody who holds a stolen token.
RESUMES_PER_MIN = 20
# At the operator's page, of one address.
LOGINS_PER_MIN = 5


def quotas_of(
    *, address: int, user: int, site: int, everybody: int, silent_per_hour: int
) -> dict[Bucket, Quota]:
    """Return the quotas, a minute's worth each (`silent_per_hour`: an hour's); 0 has none."""
    per_minute = {
        Bucket.ADDRESS: address,
        Bucket.USER: user,
        Bucket.SITE: site,
        Bucket.ALL: everybody,
        Bucket.RESUME: RESUMES_PER_MIN,
        Bucket.LOGIN: LOGINS_PER_MIN,
    }
    quotas = {bucket: per_min(limit) for bucket, limit in per_minute.items() if limit}
    if silent_per_hour:
        quotas[Bucket.SILENT] = per_hour(silent_per_hour)
    return quotas


class Ledger(Protocol):
    """See the module. Every method may raise LedgerError."""

    async def take(self, bucket: Bucket, key: str) -> int | None:
        """Take one token; return None, or in how many seconds there is one again."""
        ...

    async def look(self, bucket: Bucket, key: str) -> int | None:
        """Return what `take` would, and take nothing."""
        ...

    async def use_once(self, name: str, keep_secs: int) -> bool:
        """Return whether a name is used for the first time in `keep_secs`."""
        ...

    async def sit(self, key: str, session_id: str, seats: int, keep_secs: int) -> bool:
        """Take one of a key's seats for a session; return whether there was one.

        A seat whose holder never rises is free again after `keep_secs`.
        """
        ...

    async def rise(self, key: str, session_id: str) -> None:
        """Give a seat back; nothing when it was not taken."""
        ...

    async def spend(self, day: str, site: str, secs: float) -> float:
        """Add to a site's seconds of a day, and return their sum; 0 only reads it."""
        ...


class Buckets:
    """Token buckets over one of the library's stores: GCRA, a bucket that refills all the time."""

    def __init__(self, quotas: Mapping[Bucket, Quota], store: BaseStore) -> None:
        """Create them, full."""
        self._quotas = quotas
        self._limits = {
            bucket: Throttled(using="gcra", quota=quota, store=store, key_prefix=f"voice:{bucket}")
            for bucket, quota in quotas.items()
        }

    async def take(self, bucket: Bucket, key: str) -> int | None:
        """As `Ledger.take`."""
        if bucket not in self._limits:
            return None
        taken = await self._limits[bucket].limit(key)
        return _whole_secs(taken.state.retry_after) if taken.limited else None

    async def look(self, bucket: Bucket, key: str) -> int | None:
        """As `Ledger.look`."""
        if bucket not in self._limits:
            return None
        state = await self._limits[bucket].peek(key)
        if state.remaining:
            return None
        # The library's own `retry_after` is one token short when it only looks (3.5.0).
        one_token_secs = self._quotas[bucket].emission_interval
        return _whole_secs(state.reset_after - (state.limit - 1) * one_token_secs)


def _whole_secs(secs: float) -> int:
    return max(1, math.ceil(secs))


class MemoryLedger:
    """The ledger of one process; a restart forgets it."""

    def __init__(self, quotas: Mapping[Bucket, Quota]) -> None:
        """Create an empty one."""
        self._buckets = Buckets(quotas, MemoryStore(options={"MAX_SIZE": MAX_KEYS}))
        self.take = self._buckets.take
        self.look = self._buckets.look
        self._used: dict[str, float] = {}
        self._seats: dict[str, dict[str, float]] = {}
        self._spent: dict[str, dict[str, float]] = {}

    async def use_once(self, name: str, keep_secs: int) -> bool:
        """As `Ledger.use_once`; only names of valid tokens come here."""
        now = time.monotonic()
        # All are kept for about the same time, so the oldest entry is the first to go.
        while self._used:
            oldest = next(iter(self._used))
            if self._used[oldest] > now:
                break
            del self._used[oldest]
        if self._used.get(name, 0.0) > now:
            return False
        self._used[name] = now + keep_secs
        return True

    async def sit(self, key: str, session_id: str, seats: int, keep_secs: int) -> bool:
        """As `Ledger.sit`."""
        now = time.monotonic()
        holders = {
            holder: until for holder, until in self._seats.get(key, {}).items() if until > now
        }
        has_seat = len(holders) < seats
        if has_seat:
            holders[session_id] = now + keep_secs
        self._seats[key] = holders
        return has_seat

    async def rise(self, key: str, session_id: str) -> None:
        """As `Ledger.rise`."""
        holders = self._seats.get(key, {})
        holders.pop(session_id, None)
        if not holders:
            self._seats.pop(key, None)

    async def spend(self, day: str, site: str, secs: float) -> float:
        """As `Ledger.spend`; other days are forgotten."""
        if day not in self._spent:
            self._spent = {day: {}}
        sites = self._spent[day]
        sites[site] = sites.get(site, 0.0) + secs
        return sites[site]
