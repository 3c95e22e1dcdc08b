"""Who may start a session: the site, its user, and how much they have had already."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from fastapi import Request
from loguru import logger

from bot.reasons import EndReason
from bot.settings import LONGEST_SESSION_SECS
from server import errors
from server.addresses import client_address, quota_key
from server.connect import ConnectRequest
from server.ledger import Bucket, Ledger, LedgerError
from server.metrics import Metrics
from server.origins import OWN_SITE, is_own_page
from server.settings import ServerSettings
from server.sign_in import SignedIn, SignIn

# How often sessions are charged to their sites: what a crash forgets, and a budget is overdrawn by.
CHARGE_EVERY_SECS = 5.0
# The session's own limits end it earlier; then a seat that a crashed server has left is free.
SEAT_SECS = LONGEST_SESSION_SECS + 60

_T = TypeVar("_T")

# Nobody came, or nobody spoke.
SILENT_ENDS = (EndReason.SILENT, EndReason.NEVER_JOINED)


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes:
        site: The site's origin, or OWN_SITE.
        user: The site's word for its user; None where nobody signed in.
        address: The client as quotas count it; None for a site's server, which has many clients.
        is_local: A caller on this machine, at a door that names no site: nothing is counted.
    """

    site: str
    user: str | None
    address: str | None
    is_local: bool = False

    @property
    def people(self) -> tuple[tuple[Bucket, str], ...]:
        """The visitor as one who may have sessions: by address and by user, where known."""
        address = () if self.address is None else ((Bucket.ADDRESS, self.address),)
        user = () if self.user is None else ((Bucket.USER, f"{self.site} {self.user}"),)
        return (*address, *user)


class Doorkeeper:
    """Lets in, counts, and remembers who is in."""

    def __init__(self, settings: ServerSettings, metrics: Metrics, ledger: Ledger) -> None:
        """Use these settings and this ledger."""
        self._settings = settings
        self._metrics = metrics
        self._ledger = ledger
        self._sign_in = SignIn(
            {
                site: [key.get_secret_value() for key in keys]
                for site, keys in settings.sign_in_keys.items()
            }
        )
        self._seats = {
            Bucket.ADDRESS: settings.max_sessions_per_address,
            Bucket.USER: settings.max_sessions_per_user,
        }
        self._warned = False

    def origin_of(self, request: Request) -> str | None:
        """Return the origin to answer to; None for a request that comes from no page.

        Raises:
            DoorError: `origin_not_allowed` (403); also for `null`, which is no origin.
        """
        origins = request.headers.getlist("origin")
        if not origins:
            return None
        origin, settings = origins[0], self._settings
        if len(origins) == 1:
            if origin in settings.allowed_origins or origin in self._sign_in.sites:
                return origin
            if settings.is_open and is_own_page(origin, request.headers.getlist("host")):
                return origin
        raise errors.origin_not_allowed()

    async def identify(self, request: Request, body: ConnectRequest) -> Visitor:
        """Return who asks; a credential is used up by this.

        Raises:
            DoorError: `origin_not_allowed`, `sign_in_required`, one of `SignIn.verify`,
                `sign_in_used`, `quota_unavailable`.
        """
        origin = self.origin_of(request)
        forwarded = request.headers.getlist("x-forwarded-for")
        peer = request.client.host if request.client else None
        address = client_address(peer, forwarded, self._settings.trusted_proxies)
        self._warn_of_proxy(peer, is_forwarded=bool(forwarded))
        if body.credential is not None:
            signed = await self.signed_in(body.credential, origin)
            # A site's own server asks for all of its users.
            return Visitor(signed.site, signed.user, origin and quota_key(address))
        if self._settings.is_open:
            is_local = not forwarded and address is not None and address.is_loopback
            if origin is None and not is_local:
                raise errors.sign_in_required()
            return Visitor(OWN_SITE, None, quota_key(address), is_local=is_local)
        if origin not in self._settings.allowed_origins:
            raise errors.sign_in_required()
        return Visitor(origin, None, quota_key(address))

    async def signed_in(self, credential: str, origin: str | None) -> SignedIn:
        """Return whom a credential speaks for; it is used up by this.

        Args:
            credential: The site's word.
            origin: Of the page that presents it; None for the site's own server.

        Raises:
            DoorError: one of `SignIn.verify`, `sign_in_wrong_site`, `sign_in_used`,
                `quota_unavailable`.
        """
        signed = self._sign_in.verify(credential)
        if origin not in (None, signed.site):
            raise errors.sign_in_wrong_site()
        name = f"{signed.site} {signed.once}"
        if not await _known(self._ledger.use_once(name, signed.forget_after_secs)):
            raise errors.sign_in_used()
        return signed

    def _warn_of_proxy(self, peer: str | None, *, is_forwarded: bool) -> None:
        if is_forwarded and not self._settings.trusted_proxies and not self._warned:
            self._warned = True
            logger.warning(
                "requests come through a proxy at {} that TRUSTED_PROXIES does not name: "
                "all its clients count as one",
                peer,
            )

    async def admit(self, visitor: Visitor, session_id: str) -> None:
        """Take what one session of a visitor's costs of the quotas; `leave` gives its seat back.

        Raises:
            DoorError: `budget_spent`, `too_many_silent`, `rate_limited`, `too_many_sessions`,
                `quota_unavailable`; no seat is taken then.
        """
        if visitor.is_local:
            return
        await self._check_budget(visitor.site)
        # From the narrowest on: who is refused for himself takes nothing of what all share.
        for bucket, key in visitor.people:
            silent = await _known(self._ledger.look(Bucket.SILENT, f"{bucket} {key}"))
            if silent is not None:
                raise errors.too_many_silent(silent)
        for bucket, key in (*visitor.people, (Bucket.SITE, visitor.site), (Bucket.ALL, "all")):
            wait_secs = await _known(self._ledger.take(bucket, key))
            if wait_secs is not None:
                raise errors.rate_limited(wait_secs)
        taken: list[str] = []
        for bucket, key in visitor.people:
            seat = f"{bucket} {key}"
            if not self._seats[bucket]:
                continue
            if not await _known(self._ledger.sit(seat, session_id, self._seats[bucket], SEAT_SECS)):
                for one in taken:
                    await _known(self._ledger.rise(one, session_id))
                raise errors.too_many_sessions()
            taken.append(seat)

    async def may_resume(self, session_id: str) -> None:
        """Count one return to a session.

        Raises:
            DoorError: `rate_limited`, `quota_unavailable`.
        """
        wait_secs = await _known(self._ledger.take(Bucket.RESUME, session_id))
        if wait_secs is not None:
            raise errors.rate_limited(wait_secs)

    async def may_log_in(self, request: Request) -> None:
        """Count one try at the operator's password.

        Raises:
            DoorError: `rate_limited`, `quota_unavailable`.
        """
        forwarded = request.headers.getlist("x-forwarded-for")
        peer = request.client.host if request.client else None
        address = quota_key(client_address(peer, forwarded, self._settings.trusted_proxies))
        wait_secs = await _known(self._ledger.take(Bucket.LOGIN, address or "nowhere"))
        if wait_secs is not None:
            raise errors.rate_limited(wait_secs)

    async def leave(self, visitor: Visitor, session_id: str, reason: EndReason | None) -> None:
        """Give a session's seat back, and count it where it was silent; None: it never began."""
        if reason in SILENT_ENDS:
            self._metrics.silent_sessions.labels(visitor.site).inc()
        if visitor.is_local:
            return
        try:
            for bucket, key in visitor.people:
                await self._ledger.rise(f"{bucket} {key}", session_id)
                if reason in SILENT_ENDS:
                    await self._ledger.take(Bucket.SILENT, f"{bucket} {key}")
        except LedgerError:
            logger.warning("a seat was not given back: the quota ledger is away")

    async def _check_budget(self, site: str) -> None:
        limit_secs = self._settings.site_secs_per_day
        if limit_secs is None:
            return
        now = datetime.now(UTC)
        if await _known(self._ledger.spend(_day(now), site, 0.0)) >= limit_secs:
            raise errors.budget_spent(_secs_to_midnight(now))

    @property
    def has_budgets(self) -> bool:
        """Whether sessions are charged at all."""
        return self._settings.site_secs_per_day is not None

    async def charge(self, site: str, secs: float) -> bool:
        """Charge a site for time of its sessions; return whether anything is left for today."""
        limit_secs = self._settings.site_secs_per_day
        if limit_secs is None:
            return True
        try:
            return await self._ledger.spend(_day(datetime.now(UTC)), site, secs) < limit_secs
        except LedgerError:
            return self._settings.quota_redis_down == "count"


async def _known(asking: Coroutine[object, object, _T]) -> _T:
    try:
        return await asking
    except LedgerError:
        raise errors.quota_unavailable() from None


def _day(now: datetime) -> str:
    return now.date().isoformat()


def _secs_to_midnight(now: datetime) -> int:
    tomorrow = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), UTC)
    return int((tomorrow - now).total_seconds()) + 1
