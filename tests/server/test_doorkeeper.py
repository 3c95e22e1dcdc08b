"""Who may start a session: sign-in, quotas, seats and budgets, at the real application."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from throttled import utils as throttled_clock

from bot.reasons import EndReason
from examples.sign_in import sign_in
from server import doorkeeper as doorkeeper_module
from server.doorkeeper import Doorkeeper, Visitor
from server.errors import DoorError
from server.ledger import MemoryLedger
from server.ledgers import open_ledger
from server.metrics import Metrics
from server.settings import ServerSettings
from tests.server.test_connect import ALLOWED, OpenClient, code, open_client

__all__ = ["open_client"]

pytestmark = pytest.mark.anyio
SITE, KEY = "https://dashboard.example", "k" * 32
SIGNED = Visitor(SITE, "ama", None)
PUBLIC = Visitor("https://www.example", None, "198.51.100.1")


class Clock:
    """The buckets' monotonic clock, moved by hand."""

    def __init__(self) -> None:
        self.secs = 1000.0

    def __call__(self) -> float:
        return self.secs


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time stands still unless a test moves it."""
    clock = Clock()
    monkeypatch.setattr(throttled_clock, "now_mono_f", clock)
    return clock


def settings_of(**changes: Any) -> ServerSettings:
    values = {
        "livekit_url": "ws://127.0.0.1:9",
        "livekit_api_key": "key",
        "livekit_api_secret": "s" * 32,
        "allowed_origins": ("https://www.example",),
        **changes,
    }
    return ServerSettings(**values)


OpenKeeper = Callable[..., Any]


@pytest.fixture
def keeper_of() -> OpenKeeper:
    """Makes a doorkeeper with some settings changed and a ledger in memory."""

    async def make(**changes: Any) -> Doorkeeper:
        settings = settings_of(**changes)
        async with open_ledger(settings) as ledger:
            assert isinstance(ledger, MemoryLedger)
            return Doorkeeper(settings, Metrics(), ledger)

    return make


async def refusal(keeper: Doorkeeper, visitor: Visitor, session_id: str = "s") -> DoorError:
    with pytest.raises(DoorError) as error:
        await keeper.admit(visitor, session_id)
    return error.value


def ask(door: Any, user: str = "ama", **headers: str) -> Any:
    credential = sign_in(user, site=SITE, key=KEY)
    return door.post("/connect", json={"credential": credential}, headers=headers)


def test_a_site_that_signs_in_admits_its_users_only(open_client: OpenClient) -> None:
    """The site's server and its page get in with a credential, and neither without one."""
    door = open_client(sign_in_keys={SITE: (KEY,)})
    assert code(ask(door)) == "livekit_unreachable"
    answer = ask(door, Origin=SITE)
    assert code(answer) == "livekit_unreachable"
    assert answer.headers["access-control-allow-origin"] == SITE
    for headers in ({}, {"Origin": SITE}):
        refused = door.post("/connect", json={}, headers=headers)
        assert (refused.status_code, code(refused)) == (401, "sign_in_required")
    assert code(ask(door, Origin="https://evil.example")) == "origin_not_allowed"


def test_both_ways_stand_side_by_side(open_client: OpenClient) -> None:
    """A public site and a signed one share a server; the public page needs no credential."""
    door = open_client(sign_in_keys={SITE: (KEY,)}, allowed_origins=("https://www.example",))
    public = door.post("/connect", json={}, headers={"Origin": "https://www.example"})
    assert code(public) == "livekit_unreachable"
    assert code(ask(door, Origin="https://www.example")) == "sign_in_wrong_site"


def test_a_credential_is_good_once(open_client: OpenClient) -> None:
    """Replayed, from wherever, it is refused."""
    door = open_client(sign_in_keys={SITE: (KEY,)})
    body = {"credential": sign_in("ama", site=SITE, key=KEY)}
    assert code(door.post("/connect", json=body)) == "livekit_unreachable"
    for headers in ({}, {"Origin": SITE}):
        again = door.post("/connect", json=body, headers=headers)
        assert (again.status_code, code(again)) == (401, "sign_in_used")


def test_an_address_cannot_get_round_its_quota(open_client: OpenClient) -> None:
    """Neither by headers of its own nor by other spellings: 429, and when to come back."""
    door = open_client(allowed_origins=(ALLOWED,), quota_address_per_min=2)
    tries = [
        door.post(
            "/connect",
            headers={
                "Origin": ALLOWED,
                "X-Forwarded-For": f"198.51.100.{number}",
                "Forwarded": f"for=198.51.100.{number}",
                "X-Real-IP": f"198.51.100.{number}",
            },
        )
        for number in range(4)
    ]
    assert [code(one) for one in tries] == ["livekit_unreachable"] * 2 + ["rate_limited"] * 2
    assert tries[-1].status_code == 429
    assert 1 <= int(tries[-1].headers["retry-after"]) <= 30


def test_clients_behind_a_trusted_proxy_count_one_by_one(open_client: OpenClient) -> None:
    """What a proxy says of its clients is believed where it is named, and counted by /64."""
    door = open_client(
        client=("127.0.0.1", 1),
        allowed_origins=(ALLOWED,),
        trusted_proxies=("127.0.0.1",),
        quota_address_per_min=1,
    )

    def from_address(address: str) -> str:
        headers = {"Origin": ALLOWED, "X-Forwarded-For": f"9.9.9.9, {address}"}
        return code(door.post("/connect", headers=headers))

    assert from_address("198.51.100.1") == "livekit_unreachable"
    assert from_address("198.51.100.1") == "rate_limited"
    assert from_address("198.51.100.2") == "livekit_unreachable"
    assert from_address("2001:db8::1") == "livekit_unreachable"
    assert from_address("2001:db8::ffff") == "rate_limited"


async def test_a_bucket_fills_again(keeper_of: OpenKeeper, clock: Clock) -> None:
    """Six a minute are one every ten seconds, and Retry-After says when; a burst is a minute's."""
    keeper = await keeper_of(quota_user_per_min=6, max_sessions_per_user=0)
    for number in range(6):
        await keeper.admit(SIGNED, str(number))
    refused = await refusal(keeper, SIGNED)
    assert (refused.status, refused.code, refused.retry_after_secs) == (429, "rate_limited", 10)
    clock.secs += 10
    await keeper.admit(SIGNED, "7")
    assert (await refusal(keeper, SIGNED)).retry_after_secs == 10
    await keeper.admit(Visitor(SITE, "luis", None), "8")


@pytest.mark.parametrize("quota", ["quota_site_per_min", "quota_all_per_min"])
async def test_a_site_and_all_together_have_quotas(
    keeper_of: OpenKeeper, clock: Clock, quota: str
) -> None:
    """Many users or addresses together are held to what their site and the server allow."""
    keeper = await keeper_of(**{quota: 3})
    for number in range(3):
        await keeper.admit(Visitor(SITE, f"user {number}", None), str(number))
    assert (await refusal(keeper, Visitor(SITE, "user 4", None))).code == "rate_limited"


async def test_who_is_refused_takes_nothing_from_others(
    keeper_of: OpenKeeper, clock: Clock
) -> None:
    """One address that asks without end leaves its site's quota to the others."""
    keeper = await keeper_of(quota_address_per_min=1, quota_site_per_min=2)
    await keeper.admit(PUBLIC, "1")
    for _ in range(20):
        assert (await refusal(keeper, PUBLIC)).code == "rate_limited"
    await keeper.admit(Visitor(PUBLIC.site, None, "198.51.100.2"), "2")


@pytest.mark.parametrize("visitor", [PUBLIC, SIGNED])
async def test_seats_are_limited_and_given_back(
    keeper_of: OpenKeeper, clock: Clock, visitor: Visitor
) -> None:
    """An address, and a user, has so many sessions at once; an ended one makes room."""
    keeper = await keeper_of(max_sessions_per_address=2, max_sessions_per_user=2)
    await keeper.admit(visitor, "1")
    await keeper.admit(visitor, "2")
    refused = await refusal(keeper, visitor)
    assert (refused.status, refused.code) == (429, "too_many_sessions")
    await keeper.leave(visitor, "1", EndReason.USER_LEFT)
    await keeper.admit(visitor, "3")
    assert (await refusal(keeper, visitor)).code == "too_many_sessions"


@pytest.mark.parametrize("reason", [EndReason.SILENT, EndReason.NEVER_JOINED])
async def test_sessions_that_nobody_spoke_in_count(
    keeper_of: OpenKeeper, clock: Clock, reason: EndReason
) -> None:
    """Who starts sessions and says nothing is refused for a while; others are not."""
    keeper = await keeper_of(quota_silent_per_hour=2)
    for number in range(2):
        await keeper.admit(PUBLIC, str(number))
        await keeper.leave(PUBLIC, str(number), reason)
    refused = await refusal(keeper, PUBLIC)
    assert (refused.status, refused.code) == (429, "too_many_silent")
    assert refused.retry_after_secs == 1800
    await keeper.admit(Visitor(PUBLIC.site, None, "198.51.100.2"), "other")
    clock.secs += 1801
    await keeper.admit(PUBLIC, "later")


@pytest.mark.parametrize(
    "budget", [{"site_minutes_per_day": 2}, {"site_money_per_day": 1, "price_per_minute": 0.5}]
)
async def test_a_site_has_a_daily_budget(
    keeper_of: OpenKeeper, monkeypatch: pytest.MonkeyPatch, budget: dict[str, float]
) -> None:
    """Two minutes, or the money for them, and no session more until midnight UTC."""

    class Noon(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 11, 25, 12, tzinfo=tz)

    monkeypatch.setattr(doorkeeper_module, "datetime", Noon)
    keeper = await keeper_of(**budget)
    assert await keeper.charge(SITE, 119)
    await keeper.admit(SIGNED, "1")
    assert not await keeper.charge(SITE, 1)
    refused = await refusal(keeper, SIGNED)
    assert (refused.status, refused.code) == (429, "budget_spent")
    assert refused.retry_after_secs == 12 * 3600 + 1
    await keeper.admit(PUBLIC, "2")

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2026, 11, 26, 0, 0, 1, tzinfo=tz or UTC)

    monkeypatch.setattr(doorkeeper_module, "datetime", Tomorrow)
    await keeper.admit(SIGNED, "3")


async def test_a_used_credential_is_forgotten_when_it_has_expired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The list of used credentials does not grow for ever."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    ledger = MemoryLedger({})
    assert [await ledger.use_once("a", 60) for _ in range(2)] == [True, False]
    now += 61
    assert await ledger.use_once("b", 60)
    assert len(ledger._used) == 1
