"""/ops: what goes on here, for its operator, behind a password of its own."""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server import errors
from server.connect import read_raw
from server.doorkeeper import Doorkeeper
from server.doorway import Doorway
from server.errors import DoorError
from server.metrics import Metrics
from server.pages import PAGE_HEADERS, STATIC
from server.pool import Pool
from server.sessions import Sessions
from server.settings import ServerSettings

COOKIE: Final = "voice-assistant-ops"
# A working day.
LOGIN_SECS: Final = 8 * 3600
# Of several operators with several browsers; who logged in first is logged out.
MAX_LOGINS: Final = 32

_PRIVATE: Final = {"Cache-Control": "no-store"}


class _Login(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    password: str = Field(max_length=256)


class Logins:
    """Who has given the password."""

    def __init__(self, password: str) -> None:
        """Nobody has yet; an empty password lets nobody in."""
        self._password = password.encode()
        self._until_secs: dict[str, float] = {}

    @property
    def is_open(self) -> bool:
        """Whether there is a password at all."""
        return bool(self._password)

    def enter(self, password: str) -> str | None:
        """Return a secret that stands for the right password; None for a wrong one."""
        right = secrets.compare_digest(password.encode(), self._password)
        if not (self.is_open and right):
            return None
        while len(self._until_secs) >= MAX_LOGINS:
            self._until_secs.pop(next(iter(self._until_secs)))
        token = secrets.token_urlsafe(32)
        self._until_secs[token] = time.monotonic() + LOGIN_SECS
        return token

    def knows(self, token: str) -> bool:
        """Whether this secret was given out, and is good."""
        return self._until_secs.get(token, 0.0) > time.monotonic()

    def leave(self, token: str) -> None:
        """Forget a secret."""
        self._until_secs.pop(token, None)


def _logins(request: Request) -> Logins:
    logins: Logins = request.app.state.logins
    if not logins.is_open:
        raise DoorError(404, "not_found", "There is nothing here.")
    return logins


def _operator(request: Request, logins: Annotated[Logins, Depends(_logins)]) -> None:
    if not logins.knows(request.cookies.get(COOKIE, "")):
        raise errors.ops_login_required()


router = APIRouter(prefix="/ops")


@router.get("", dependencies=[Depends(_logins)])
def page() -> Response:
    """The page; what it shows comes from /ops/data."""
    return FileResponse(STATIC / "ops.html", headers=PAGE_HEADERS)


@router.post("/login")
async def login(request: Request, logins: Annotated[Logins, Depends(_logins)]) -> Response:
    """Whoever knows the password gets a cookie that no script can read."""
    keeper: Doorkeeper = request.app.state.keeper
    await keeper.may_log_in(request)
    try:
        given = _Login.model_validate_json(await read_raw(request))
    except ValidationError:
        raise errors.invalid_body() from None
    token = logins.enter(given.password)
    if token is None:
        raise errors.ops_password_wrong()
    response = Response(status_code=204, headers=_PRIVATE)
    response.set_cookie(
        COOKIE,
        token,
        max_age=LOGIN_SECS,
        path="/ops",
        httponly=True,
        samesite="strict",
        # A proxy that ends TLS says so; on this machine there is none.
        secure="https" in (request.url.scheme, request.headers.get("x-forwarded-proto")),
    )
    return response


@router.post("/logout")
def logout(request: Request, logins: Annotated[Logins, Depends(_logins)]) -> Response:
    """The cookie is good for nothing any more."""
    logins.leave(request.cookies.get(COOKIE, ""))
    response = Response(status_code=204, headers=_PRIVATE)
    response.delete_cookie(COOKIE, path="/ops")
    return response


@router.get("/data", dependencies=[Depends(_operator)])
def data(request: Request) -> Response:
    """Everything the page draws."""
    metrics: Metrics = request.app.state.metrics
    return JSONResponse({**_now(request), **metrics.chronicle.told()}, headers=_PRIVATE)


def _now(request: Request) -> dict[str, Any]:
    sessions: Sessions = request.app.state.sessions
    pool: Pool = request.app.state.pool
    settings: ServerSettings = request.app.state.settings
    doorway: Doorway = request.app.state.doorway
    refusal = sessions.refusal()
    return {
        "now": {
            "sessions": sessions.count,
            "max_sessions": sessions.max_sessions,
            "refusal": refusal and refusal.code,
            "processes": [
                {
                    "warm": one.is_warm,
                    "sessions": len(one.sessions),
                    "begun": one.begun,
                    "lag_ms": round(one.load.lag_p95_ms, 1),
                    "cpu_cores": round(one.load.cpu_cores, 2),
                }
                for one in pool.processes
            ],
            "restarts": pool.restarts,
            "renewals": pool.renewals,
        },
        "servers": [asdict(one) for one in doorway.neighbours()],
        "price_per_minute": settings.price_per_minute,
        "minutes_per_day": None
        if settings.site_secs_per_day is None
        else settings.site_secs_per_day / 60,
    }
