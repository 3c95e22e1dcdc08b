"""What the other members ask of this one; nobody else is answered."""

from __future__ import annotations

from typing import TypeVar

from fastapi import APIRouter, Request, Response
from loguru import logger
from pydantic import BaseModel, ValidationError

from server import errors
from server.cluster.notes import Admitted, Leaving, Refused, Resuming, Starting, Taking
from server.cluster.peers import LEAVE, RESUME, START, TAKE
from server.cluster.signing import SignatureError, check
from server.connect import read_raw
from server.errors import DoorError
from server.running import Admission
from server.sessions import Sessions

# What was said in a conversation (bot/lines.py), escaped.
MAX_BODY_BYTES = 256 * 1024

router = APIRouter()
_Asked = TypeVar("_Asked", bound=BaseModel)


async def _read(request: Request, kind: type[_Asked]) -> _Asked:
    """Return what a member asks.

    Raises:
        DoorError: `not_found`, to whoever is none; `invalid_body` and the other of `read_raw`.
    """
    key: bytes = request.app.state.cluster_key
    scheme, _, signature = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not signature:
        raise errors.not_found()
    body = await read_raw(request, MAX_BODY_BYTES)
    try:
        check(key, request.url.path, body, signature)
        return kind.model_validate_json(body)
    except SignatureError as error:
        logger.warning("somebody who is no member asked for {}: {}", request.url.path, error)
        raise errors.not_found() from None
    except ValidationError:
        raise errors.invalid_body() from None


def _sessions(request: Request) -> Sessions:
    return request.app.state.sessions


@router.post(START)
async def start(request: Request) -> Response:
    """A session here."""
    asked = await _read(request, Starting)
    try:
        return _way_in(await _sessions(request).start(asked.visitor, record=asked.record))
    except DoorError as error:
        return _refusal(error)


@router.post(RESUME)
async def resume(request: Request) -> Response:
    """A fresh way into a session of this member's."""
    asked = await _read(request, Resuming)
    try:
        return _way_in(await _sessions(request).resume(asked.token, asked.visitor))
    except DoorError as error:
        return _refusal(error)


@router.post(LEAVE)
async def leave(request: Request) -> Response:
    """A page that has gone."""
    asked = await _read(request, Leaving)
    await _sessions(request).leave(asked.token)
    return Response(status_code=204)


@router.post(TAKE)
async def take(request: Request) -> Response:
    """A session whose member is lost: 204 when it goes on here."""
    asked = await _read(request, Taking)
    taken = await _sessions(request).take_over(asked.running())
    return Response(status_code=204 if taken else 409)


def _way_in(admission: Admission) -> Response:
    return _json(Admitted(admission=admission), 200)


def _refusal(error: DoorError) -> Response:
    refused = Refused(
        status=error.status,
        code=error.code,
        message=error.message,
        retry_after_secs=error.retry_after_secs,
    )
    return _json(refused, 409)


def _json(note: BaseModel, status: int) -> Response:
    return Response(note.model_dump_json(), status, media_type="application/json")
