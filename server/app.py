"""The FastAPI application: routes, errors and the lifetime of everything behind them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from loguru import logger
from starlette.exceptions import HTTPException

from bot.channel import Configure
from bot.instruction import build_instruction
from bot.settings import BotSettings
from server import door, ops, owner, pages
from server.clusters import include_cluster, open_doorway, open_roster
from server.doorkeeper import Doorkeeper
from server.doorway import Doorway
from server.errors import DoorError
from server.ledgers import open_ledger
from server.metrics import CONTENT_TYPE, Metrics
from server.placement import Limits
from server.pool import Pool
from server.prices import Prices
from server.process import COMMAND
from server.records import records_of, swept
from server.rooms import Rooms
from server.sessions import Sessions
from server.settings import ServerSettings, process_environment
from server.tokens import Keys
from server.traced import open_traces


def create_app(
    settings: ServerSettings, bot_settings: BotSettings, worker_command: Sequence[str] = COMMAND
) -> FastAPI:
    """Return the application; nothing connects before its lifespan starts.

    Args:
        settings: The door's settings.
        bot_settings: Settings handed to each session.
        worker_command: What a session process runs.

    Raises:
        KnowledgeError: the site's knowledge cannot be loaded.
        RecordsError: TRANSCRIPTS_DIR cannot be used.
    """
    instruction = build_instruction(bot_settings.knowledge_dir)
    keys = Keys(settings.livekit_api_key, settings.livekit_api_secret.get_secret_value())

    as_json = settings.log_format == "json"
    configure = Configure.of(bot_settings, instruction, settings.log_level, log_as_json=as_json)
    limits = Limits(settings.max_sessions, settings.max_loop_lag_ms, settings.max_cpu_percent)
    metrics = Metrics(Prices.of(settings))
    records = records_of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with (
            open_ledger(settings) as ledger,
            open_roster(settings) as roster,
            open_traces(settings) as metrics.traces,
            swept(records),
            Rooms(settings.livekit_url, keys.api_key, keys.api_secret) as rooms,
            Pool(
                settings.session_processes,
                configure,
                limits,
                process_environment(),
                worker_command,
                on_report=metrics.reported,
                sessions_per_process=settings.sessions_per_process,
            ) as pool,
        ):
            app.state.rooms = rooms
            app.state.pool = pool
            app.state.keeper = keeper = Doorkeeper(settings, metrics, ledger)
            app.state.sessions = sessions = Sessions(
                rooms=rooms,
                pool=pool,
                metrics=metrics,
                keeper=keeper,
                keys=keys,
                livekit_url=settings.livekit_url,
                max_sessions=settings.max_sessions,
                records=records,
                homes=roster,
            )
            metrics.watch(sessions, pool)
            sampling = asyncio.create_task(metrics.sample_for_ever(sessions, pool))
            if settings.is_open and settings.host not in ("127.0.0.1", "::1", "localhost"):
                logger.warning("everybody may start sessions: set ALLOWED_ORIGINS or SIGN_IN_KEYS")
            async with open_doorway(
                roster,
                settings,
                sessions=sessions,
                rooms=rooms,
                keeper=keeper,
                metrics=metrics,
            ) as doorway:
                app.state.doorway = doorway
                logger.info("server started")
                yield
                sampling.cancel()
                await sessions.drain()
            logger.info("server stopped")

    app = FastAPI(title="voice-assistant", lifespan=lifespan, openapi_url=None)
    app.state.logins = ops.Logins(settings.ops_password.get_secret_value())
    app.state.settings, app.state.metrics, app.state.records = settings, metrics, records
    app.add_exception_handler(DoorError, _door_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:  # pyright: ignore[reportUnusedFunction]
        return {"status": "alive"}

    @app.get("/readyz")
    async def readyz(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        sessions: Sessions = request.app.state.sessions
        doorway: Doorway = request.app.state.doorway
        rooms: Rooms = request.app.state.rooms
        if not await rooms.reachable():
            return JSONResponse({"status": "livekit_unreachable"}, 503)
        if refusal := doorway.refusal():
            return JSONResponse({"status": refusal.code}, 503)
        return JSONResponse({"status": "ready", "sessions": sessions.count})

    @app.get("/metrics")
    async def show_metrics() -> Response:  # pyright: ignore[reportUnusedFunction]
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    app.include_router(door.router)
    include_cluster(app, settings)
    app.include_router(owner.router)
    app.include_router(ops.router)
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
