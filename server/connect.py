"""POST /connect: what may be sent, and what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect

from server import errors
from server.sign_in import MAX_CREDENTIAL_CHARS

# A resume token is the largest thing a body can hold (about 600 bytes).
MAX_BODY_BYTES = 16_384
# It fits into one packet; who sends it byte by byte holds a connection and nothing else.
BODY_TIMEOUT_SECS = 5.0


class ConnectRequest(BaseModel):
    """The body of POST /connect; unknown keys are refused.

    Attributes:
        resume: An earlier token of a session that is still alive, to come back to it.
        credential: A site's word for its user (`server.sign_in`).
        record: The user agreed to have the conversation kept (`server.records`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    resume: str | None = Field(default=None, min_length=1, max_length=4096)
    credential: str | None = Field(default=None, min_length=1, max_length=MAX_CREDENTIAL_CHARS)
    record: bool = Field(default=False, strict=True)


class ConnectResponse(BaseModel):
    """The way into a session.

    Attributes:
        url: LiveKit address for the browser.
        token: LiveKit token, good for 60 s.
        room: Room name.
        sessionId: Id of the session, for support and logs.
        recorded: Whether the conversation is kept.
    """

    url: str
    token: str
    room: str
    sessionId: str  # noqa: N815 (the wire's spelling, as in Pipecat's own start answer)
    recorded: bool


async def read_body(request: Request) -> ConnectRequest:
    """Return the request's body, read no further than MAX_BODY_BYTES.

    An empty body stands for `{}`.

    Raises:
        DoorError: `body_too_large`, `body_timeout`, `unsupported_media_type` or `invalid_body`.
    """
    raw = await read_raw(request)
    if not raw.strip():
        return ConnectRequest()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise errors.unsupported_media_type()
    try:
        return ConnectRequest.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        if first["type"] in ("json_invalid", "model_type"):
            raise errors.invalid_body() from None
        field = ".".join(str(part) for part in first["loc"])
        raise errors.invalid_body(f"Field {field[:40]!r}: {first['msg']}.") from None


async def read_raw(request: Request, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Return the request's body, read no further than `max_bytes`.

    Raises:
        DoorError: `body_too_large`, `body_timeout` or `invalid_body`.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT_SECS):
            return await _read_capped(request.stream(), max_bytes)
    except TimeoutError:
        raise errors.body_timeout() from None
    except ClientDisconnect:
        raise errors.invalid_body("The body broke off.") from None


async def _read_capped(chunks: AsyncIterator[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise errors.body_too_large()
    return bytes(body)
