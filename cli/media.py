"""Whether LiveKit can be used: its API, the key, the clock, media over UDP, and TURN."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp
from livekit import api, rtc
from livekit.rtc.participant import PublishDataError

from bot.finding import Finding
from server.settings import ServerSettings

ANSWER_TIMEOUT_SECS = 5.0
# Signalling, ICE and DTLS together take less than a second where the way is free.
JOIN_TIMEOUT_SECS = 10.0
# A user's token lives 60 s; a clock that is wrong by half of that already refuses some.
MAX_CLOCK_SKEW_SECS = 30.0

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


async def check_livekit(settings: ServerSettings) -> list[Finding]:
    """Return what is wrong between this machine and LiveKit."""
    skew = await clock_skew_secs(http_origin(settings.livekit_url))
    if skew is None:
        remedy = "Nothing answers at LIVEKIT_URL: correct it, start LiveKit, or open its port."
        return [Finding("livekit_unreachable", remedy)]
    found: list[Finding] = []
    if abs(skew) > MAX_CLOCK_SKEW_SECS:
        remedy = f"This clock and LiveKit's differ by {abs(skew):.0f} s: set both by NTP."
        found.append(Finding("clock_skew", remedy))
    public = http_origin(settings.public_url)
    if public != http_origin(settings.livekit_url) and await clock_skew_secs(public) is None:
        remedy = (
            "Nothing answers at LIVEKIT_PUBLIC_URL from here: correct it, or look at its name in "
            "the DNS, its certificate and its proxy."
        )
        return [*found, Finding("public_url_unreachable", remedy)]
    return [*found, *await _room(settings)]


async def _room(settings: ServerSettings) -> list[Finding]:
    key, secret = settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECS)
    name = f"doctor-{secrets.token_hex(16)}"
    async with api.LiveKitAPI(settings.livekit_url, key, secret, timeout=timeout) as livekit:
        try:
            await livekit.room.create_room(api.CreateRoomRequest(name=name, empty_timeout=30))
        except api.TwirpError as error:
            if error.status in (401, 403):
                remedy = "LiveKit refuses LIVEKIT_API_KEY with LIVEKIT_API_SECRET: take both of it."
                return [Finding("livekit_key_refused", remedy)]
            remedy = f"LIVEKIT_URL answers {error.status} to a request for a room: correct it."
            return [Finding("livekit_not_usable", remedy)]
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            remedy = "What answers at LIVEKIT_URL is no LiveKit server: correct it."
            return [Finding("livekit_not_usable", remedy)]
        try:
            return await _media(settings, name)
        finally:
            await livekit.room.delete_room(api.DeleteRoomRequest(room=name))


async def _media(settings: ServerSettings, room: str) -> list[Finding]:
    """Join as a browser would, and again by relays alone."""
    if not await _joins(settings, room, rtc.IceTransportType.TRANSPORT_ALL):
        remedy = (
            "A call carries no media: open LiveKit's UDP ports (rtc.udp_port or rtc.port_range_*) "
            "and let it announce an address that callers reach (rtc.node_ip)."
        )
        return [Finding("media_blocked", remedy)]
    if is_loopback(settings.public_url):
        return []
    if not await _joins(settings, room, rtc.IceTransportType.TRANSPORT_RELAY):
        remedy = (
            "No TURN relay answers, so callers behind strict firewalls hear nothing: "
            "switch on turn in LiveKit's configuration, with TLS on port 443."
        )
        return [Finding("turn_unavailable", remedy, is_fatal=False)]
    return []


async def _joins(
    settings: ServerSettings, room: str, transport: rtc.IceTransportType.ValueType
) -> bool:
    token = (
        api.AccessToken(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())
        .with_identity(f"doctor-{secrets.token_hex(4)}")
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .to_jwt()
    )
    caller = rtc.Room()
    config = rtc.RtcConfiguration(ice_transport_type=transport)
    options = rtc.RoomOptions(rtc_config=config, connect_timeout=JOIN_TIMEOUT_SECS)
    try:
        async with asyncio.timeout(JOIN_TIMEOUT_SECS):
            await caller.connect(settings.public_url, token, options)
            await caller.local_participant.publish_data(b"{}", reliable=True)
    except (rtc.ConnectError, PublishDataError, TimeoutError):
        return False
    finally:
        await caller.disconnect()
    return True


def check_addresses(settings: ServerSettings) -> list[Finding]:
    """Return what browsers elsewhere could not do with these addresses."""
    if settings.host in _LOOPBACK and settings.is_open:
        return []
    found: list[Finding] = []
    if settings.is_open:
        remedy = "Everybody may start sessions: set ALLOWED_ORIGINS or SIGN_IN_KEYS."
        found.append(Finding("door_open", remedy, is_fatal=False))
    if is_loopback(settings.public_url):
        remedy = (
            "Browsers elsewhere cannot reach LiveKit: set LIVEKIT_PUBLIC_URL to its wss:// name."
        )
        found.append(Finding("public_url_local", remedy, is_fatal=False))
    elif urlsplit(settings.public_url).scheme in ("ws", "http"):
        remedy = "Pages on https:// may not use ws://: give LiveKit TLS and write wss://."
        found.append(Finding("public_url_insecure", remedy, is_fatal=False))
    return [*found, *_insecure_origins(settings.allowed_origins)]


def _insecure_origins(origins: Sequence[str]) -> list[Finding]:
    bad = [origin for origin in origins if origin.startswith("http://") and not is_loopback(origin)]
    remedy = "{} gets no microphone from a browser: serve the site by https://."
    return [Finding("origin_insecure", remedy.format(site), is_fatal=False) for site in bad]


async def clock_skew_secs(origin: str) -> float | None:
    """Return how far a server's Date is ahead of this clock (to 1 s); None without an answer."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as http, http.get(origin) as answer:
            date = answer.headers.get("Date")
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    return parsedate_to_datetime(date).timestamp() - time.time() if date else 0.0


def http_origin(url: str) -> str:
    """Return `http(s)://...` for a ws(s) address."""
    return url.replace("ws", "http", 1) if url.startswith("ws") else url


def is_loopback(url: str) -> bool:
    """Return whether an address leads to this machine alone."""
    return urlsplit(url).hostname in _LOOPBACK
