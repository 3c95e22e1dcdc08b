"""The FastAPI application: routes, errors and the lifetime of everything behind them."""

from __future__ import annotations

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from loguru import logger
from starlette.exceptions import HTTPException

from bot.context import build_instruction
from bot.models import load_models
from bot.settings import BotSettings
from server import pages
from server.connect import ConnectResponse, allowed_origin, read_body
from server.errors import DoorError
from server.rooms import Rooms
from server.sessions import Sessions
from server.settings import ServerSettings
from server.tokens import Keys

# How long a browser may remember the answer to a preflight (Chromium caps it at 2 hours).
_PREFLIGHT_MAX_AGE_SECS = 7200


def create_app(settings: ServerSettings, bot_settings: BotSettings) -> FastAPI:
    """Return the application; nothing connects before its lifespan starts.

    Args:
        settings: The door's settings.
        bot_settings: Settings handed to each session.

    Raises:
        KnowledgeError: the site's knowledge cannot be loaded.
    """
    instruction = build_instruction(bot_settings.knowledge_dir)
    keys = Keys(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with Rooms(settings.livekit_url, keys.api_key, keys.api_secret) as rooms:
            app.state.rooms = rooms
            app.state.sessions = sessions = Sessions(
                rooms=rooms,
                keys=keys,
                livekit_url=settings.livekit_url,
                max_sessions=settings.max_sessions,
                bot_settings=bot_settings,
                instruction=instruction,
            )
            load_models()
            # Nothing of the start-up is ever garbage: the collections between sessions pass it by.
            gc.freeze()
            logger.info("server started")
            yield
            await sessions.drain()
            logger.info("server stopped")

    app = FastAPI(title="voice-assistant", lifespan=lifespan, openapi_url=None)
    app.add_exception_handler(DoorError, _door_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)

    def cors(request: Request) -> dict[str, str]:
        """Headers that let an allowed page read the answer; raises for any other page."""
        origin = allowed_origin(request, settings.allowed_origins)
        allow = {} if origin is None else {"Access-Control-Allow-Origin": origin}
        return {"Vary": "Origin", "Access-Control-Expose-Headers": "Retry-After", **allow}

    @app.options("/connect")
    async def preflight(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        headers = {
            **cors(request),
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Max-Age": str(_PREFLIGHT_MAX_AGE_SECS),
        }
        return Response(status_code=204, headers=headers)

    @app.post("/connect")
    async def connect(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        headers = cors(request)
        sessions: Sessions = request.app.state.sessions
        try:
            body = await read_body(request)
            admission = sessions.resume(body.resume) if body.resume else await sessions.start()
        except DoorError as error:
            return error.response(headers)
        answer = ConnectResponse(
            url=settings.public_url,
            token=admission.token,
            room=admission.room,
            sessionId=admission.session_id,
        )
        return JSONResponse(answer.model_dump(), headers={**headers, "Cache-Control": "no-store"})

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        sessions: Sessions = request.app.state.sessions
        rooms: Rooms = request.app.state.rooms
        if not await rooms.reachable():
            return JSONResponse({"status": "livekit_unreachable"}, 503)
        if not sessions.has_capacity:
            return JSONResponse({"status": "server_full"}, 503)
        return JSONResponse({"status": "ready", "sessions": sessions.count})

    app.include_router(pages.router)
    return app


async def _door_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, DoorError):
        raise error
    return error.response({"Vary": "Origin"})


async def _http_error(_request: Request, error: Exception) -> Response:
    """Give the framework's own refusals (404, 405) the same shape as ours."""
    if not isinstance(error, HTTPException):
        raise error
    codes = {404: "not_found", 405: "method_not_allowed"}
    code = codes.get(error.status_code, "request_refused")
    return DoorError(error.status_code, code, str(error.detail)).response(error.headers)


async def _unexpected_error(_request: Request, _error: Exception) -> Response:
    """Answer a defect of ours without telling what it was; the log has it."""
    return DoorError(500, "internal_error", "Something went wrong here.").response()
