"""Attempts at POST /connect."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt

from tests.abuse.field import OTHER_KEY, PROXY, PUBLIC, SITE, Field, GotInError, Try, attempt

ORIGIN, SIGN_IN, BODY, QUOTA = "Origins", "Sign-in", "Requests", "Quotas"
NOT_ALLOWED, INVALID = "403 origin_not_allowed", "401 sign_in_invalid"


def origin(what: str, expected: str, headers: Mapping[str, str]) -> None:
    """Add an attempt that only has headers."""

    async def run(field: Field) -> str:
        return await field.code(headers=headers)

    attempt(ORIGIN, what, expected)(run)


origin("no `Origin`, no credential (`curl`)", "401 sign_in_required", {})
origin("another site's page", NOT_ALLOWED, {"Origin": "https://evil.example"})
origin("`Origin: null` (sandboxed frame, file)", NOT_ALLOWED, {"Origin": "null"})
origin("a listed name as a prefix", NOT_ALLOWED, {"Origin": f"{PUBLIC}.evil.example"})
origin("a listed name as a suffix", NOT_ALLOWED, {"Origin": "https://evil-www.example"})
origin("the listed name over http", NOT_ALLOWED, {"Origin": "http://www.example"})
origin("the listed name at another port", NOT_ALLOWED, {"Origin": f"{PUBLIC}:8443"})
origin(
    'a rebound name that leads here, as "own page"',
    NOT_ALLOWED,
    {"Origin": "http://rebound.example", "Host": "rebound.example"},
)
origin(
    'this server\'s address as "own page", when sites are named',
    NOT_ALLOWED,
    {"Origin": "http://127.0.0.1", "Host": "127.0.0.1"},
)
origin("a signed-in site's page without a credential", "401 sign_in_required", {"Origin": SITE})
origin(
    "the right name in other headers (`Referer`, `X-Forwarded-Host`)",
    "401 sign_in_required",
    {"Referer": f"{PUBLIC}/", "X-Forwarded-Host": "www.example", "X-Original-Host": "www.example"},
)


def credential(what: str, expected: str, **changes: Any) -> None:
    """Add an attempt with changed claims."""

    async def run(field: Field) -> str:
        return await field.code({"credential": field.claims(**changes)})

    attempt(SIGN_IN, what, expected)(run)


credential("expired an hour ago", "401 sign_in_expired", at={"iat": -3660, "exp": -3600})
credential("of the future", "401 sign_in_not_yet_valid", at={"iat": 3600, "exp": 3660})
credential("good for a year", "401 sign_in_too_long", at={"exp": 365 * 86_400})
credential("without `jti`", INVALID, jti=None)
credential("without `exp`", INVALID, exp=None)
credential("for another server (`aud`)", INVALID, aud="another")
credential("of a site that is not here", "401 sign_in_wrong_site", iss="https://evil.example")


@attempt(SIGN_IN, "used a second time", "401 sign_in_used")
async def replayed(field: Field) -> str:
    body = {"credential": field.credential("replayed")}
    status, answer = await field.ask(body)
    if status != 200:
        raise RuntimeError(answer)
    return await field.code(body)


@attempt(SIGN_IN, "the user changed after signing", INVALID)
async def forged(field: Field) -> str:
    head, payload, signature = field.claims().split(".")
    changed = jwt.utils.base64url_decode(payload).replace(b'"ama"', b'"eve"')
    return await field.code(
        {"credential": f"{head}.{urlsafe_b64encode(changed).decode().rstrip('=')}.{signature}"}
    )


@attempt(SIGN_IN, "`alg: none`", INVALID)
async def unsigned(field: Field) -> str:
    claims = jwt.decode(field.claims(), options={"verify_signature": False})
    return await field.code({"credential": jwt.encode(claims, None, algorithm="none")})


@attempt(SIGN_IN, "signed with another site's secret", INVALID)
async def other_secret(field: Field) -> str:
    return await field.code({"credential": field.credential(key=OTHER_KEY)})


@attempt(SIGN_IN, "a LiveKit token as credential", "401 sign_in_wrong_site")
async def room_token(field: Field) -> str:
    return await field.code({"credential": (await field.enter("room-token")).token})


@attempt(SIGN_IN, "stolen, presented by another listed site's page", "401 sign_in_wrong_site")
async def stolen(field: Field) -> str:
    return await field.code({"credential": field.credential("stolen")}, origin=PUBLIC)


@attempt(SIGN_IN, "a stolen room token resumed without a credential", "401 sign_in_required")
async def resumed_by_nobody(field: Field) -> str:
    return await field.code({"resume": (await field.enter("victim-1")).token})


@attempt(SIGN_IN, "a stolen room token resumed by another user", "410 session_gone")
async def resumed_by_another(field: Field) -> str:
    token = (await field.enter("victim-2")).token
    return await field.code({"resume": token, "credential": field.credential("eve")})


@attempt(SIGN_IN, "a stolen room token resumed from a public site", "410 session_gone")
async def resumed_elsewhere(field: Field) -> str:
    return await field.code({"resume": (await field.enter("victim-3")).token}, origin=PUBLIC)


@attempt(SIGN_IN, "a room token of one's own making resumed", "410 session_gone")
async def resumed_forged(field: Field) -> str:
    token = jwt.encode({"sub": "user-1", "iss": field.livekit.api_key}, "x" * 32)
    return await field.code({"resume": token, "credential": field.credential("eve-2")})


def body(what: str, expected: str, data: bytes, media_type: str = "application/json") -> None:
    """Add an attempt with a body of bytes."""

    async def run(field: Field) -> str:
        headers = {"Content-Type": media_type}
        return await field.code(data=data, headers=headers, origin=PUBLIC)

    attempt(BODY, what, expected)(run)


body("1 MB of body", "413 body_too_large", b" " * 1_000_000)
body("no JSON", "400 invalid_body", b"{")
body("16,000 levels of nesting", "400 invalid_body", b"[" * 16_000)
body("an unknown field", "400 invalid_body", b'{"room": "mine"}')
body("a form that needs no preflight", "415 unsupported_media_type", b"{}", "text/plain")


@attempt(BODY, "1 MB in chunks, of no stated length", "413 body_too_large")
async def chunked(field: Field) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 1000

    headers = {"Content-Type": "application/json"}
    return await field.code(data=chunks(), headers=headers, origin=PUBLIC)


async def raw(field: Field, request: bytes) -> bytes:
    """Send bytes, and return the answer up to the end of the connection."""
    parts = urlsplit(field.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        await writer.drain()
        async with asyncio.timeout(15):
            head = await reader.readuntil(b"\r\n\r\n")
            return head + await reader.read(4096)
    finally:
        writer.close()


def code_in(answer: bytes) -> str:
    """Status and code of a raw answer."""
    status = answer.split(b" ", 2)[1].decode()
    if status == "200":
        raise GotInError("a token was given")
    tail = answer.partition(b"\r\n\r\n")[2]
    return f"{status} {json.loads(tail)['error']['code']}" if tail.startswith(b"{") else status


@attempt(BODY, "a body that is sent byte by byte", "408 body_timeout")
async def slow(field: Field) -> str:
    head = f"POST /connect HTTP/1.1\r\nHost: x\r\nOrigin: {PUBLIC}\r\nContent-Length: 100\r\n\r\n{{"
    return code_in(await raw(field, head.encode()))


@attempt(BODY, "two `Origin` headers", NOT_ALLOWED)
async def two_origins(field: Field) -> str:
    head = (
        f"POST /connect HTTP/1.1\r\nHost: x\r\nOrigin: {PUBLIC}\r\nOrigin: https://evil.example\r\n"
    )
    return code_in(await raw(field, f"{head}Content-Length: 0\r\n\r\n".encode()))


@attempt(BODY, "two lengths of one body (request smuggling)", "400")
async def smuggled(field: Field) -> str:
    head = f"POST /connect HTTP/1.1\r\nHost: x\r\nOrigin: {PUBLIC}\r\n"
    lengths = "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}"
    return code_in(await raw(field, (head + lengths).encode()))


@attempt(BODY, "climbing out of the static files", "404 not_found")
async def traversal(field: Field) -> str:
    answers = set[str]()
    for path in ("/static/../app.py", "/static/..%2f..%2f.env", "/session-..%2f..%2fx.js"):
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answers.add(code_in(await raw(field, request.encode())))
    return ", ".join(sorted(answers))


async def until_refused(tries: int, run: Try, field: Field) -> str:
    """Repeat what is allowed until it no longer is."""
    for _ in range(tries):
        try:
            return await run(field)
        except GotInError:
            continue
    raise GotInError(f"{tries} times")


@attempt(QUOTA, "a new `X-Forwarded-For` for each request", "429 rate_limited")
async def forwarded(field: Field) -> str:
    address = field.new_address()
    numbers = iter(range(250))

    async def run(field: Field) -> str:
        fake = f"198.51.100.{next(numbers)}"
        headers = {"X-Forwarded-For": fake, "X-Real-IP": fake, "Forwarded": f"for={fake}"}
        return await field.code(origin=PUBLIC, address=address, headers=headers)

    return await until_refused(5, run, field)


@attempt(QUOTA, "a new address left of what the proxy adds", "429 rate_limited")
async def behind_proxy(field: Field) -> str:
    numbers = iter(range(250))

    async def run(field: Field) -> str:
        headers = {"X-Forwarded-For": f"198.51.100.{next(numbers)}, 203.0.113.7"}
        return await field.code(origin=PUBLIC, address=PROXY, headers=headers)

    return await until_refused(5, run, field)


@attempt(QUOTA, "a new IPv6 address of one's /64 each time", "429 rate_limited")
async def many_v6(field: Field) -> str:
    numbers = iter(range(250))

    async def run(field: Field) -> str:
        headers = {"X-Forwarded-For": f"2001:db8::{next(numbers):x}"}
        return await field.code(origin=PUBLIC, address=PROXY, headers=headers)

    return await until_refused(5, run, field)


@attempt(QUOTA, "one user at many addresses", "429 rate_limited")
async def one_user(field: Field) -> str:
    async def run(field: Field) -> str:
        return await field.code({"credential": field.credential("busy")})

    return await until_refused(5, run, field)
