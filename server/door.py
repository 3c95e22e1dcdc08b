"""POST /connect: from a request to a way into a session, or to a code that says why not."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from server.connect import ConnectResponse, read_body, read_raw
from server.doorkeeper import Doorkeeper
from server.doorway import Doorway
from server.errors import DoorError
from server.metrics import Metrics
from server.settings import ServerSettings

# How long a browser may remember the answer to a preflight (Chromium caps it at 2 hours).
_PREFLIGHT_MAX_AGE_SECS = 7200

router = APIRouter()


def _cors(request: Request) -> dict[str, str]:
    """Headers that let an allowed page read the answer; raises for any other page."""
    keeper: Doorkeeper = request.app.state.keeper
    origin = keeper.origin_of(request)
    allow = {} if origin is None else {"Access-Control-Allow-Origin": origin}
    return {"Vary": "Origin", "Access-Control-Expose-Headers": "Retry-After", **allow}


@router.options("/connect")
async def preflight(request: Request) -> Response:
    """Whether a page of another origin may ask."""
    headers = {
        **_cors(request),
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type",
        "Access-Control-Max-Age": str(_PREFLIGHT_MAX_AGE_SECS),
    }
    return Response(status_code=204, headers=headers)


@router.post("/leave")
async def leave(request: Request) -> Response:
    """A page that goes says so in its last breath; its token is all it needs to show."""
    doorway: Doorway = request.app.state.doorway
    try:
        token = (await read_raw(request)).decode("ascii")
    except DoorError as error:
        return error.response({})
    except UnicodeDecodeError:
        token = ""
    await doorway.leave(token)
    return Response(status_code=204)


@router.post("/connect")
async def connect(request: Request) -> Response:
    """A session for whoever may have one."""
    asked = time.monotonic()
    doorway: Doorway = request.app.state.doorway
    keeper: Doorkeeper = request.app.state.keeper
    metrics: Metrics = request.app.state.metrics
    settings: ServerSettings = request.app.state.settings
    headers: dict[str, str] = {}
    try:
        headers = _cors(request)
        body = await read_body(request)
        visitor = await keeper.identify(request, body)
        if body.resume:
            admission = await doorway.resume(body.resume, visitor)
        else:
            admission = await doorway.start(visitor, record=body.record)
            metrics.connect_secs.observe(time.monotonic() - asked)
    except DoorError as error:
        metrics.connect_refused(error.code)
        return error.response(headers or {"Vary": "Origin"})
    answer = ConnectResponse(
        url=settings.public_url,
        token=admission.token,
        room=admission.room,
        sessionId=admission.session_id,
        recorded=admission.is_recorded,
    )
    return JSONResponse(answer.model_dump(), headers={**headers, "Cache-Control": "no-store"})
