"""Errors of the door: each has a code for machines, a sentence for people, a true HTTP status."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse

from server.placement import Refusal


class DoorError(Exception):
    """A request that cannot be served.

    Attributes:
        status: HTTP status.
        code: Stable, machine-readable name of the failure.
        message: One sentence; holds nothing of the request.
        retry_after_secs: When asking again makes sense; sent as Retry-After.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_after_secs: int | None = None
    ) -> None:
        """Describe one failure."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_secs = retry_after_secs

    def response(self, headers: Mapping[str, str] | None = None) -> JSONResponse:
        """Return `{"error": {"code", "message"}}` with the status and Retry-After."""
        all_headers = {"Cache-Control": "no-store", **(headers or {})}
        if self.retry_after_secs is not None:
            all_headers["Retry-After"] = str(self.retry_after_secs)
        body = {"error": {"code": self.code, "message": self.message}}
        return JSONResponse(body, self.status, headers=all_headers)


def origin_not_allowed() -> DoorError:
    """The page that asks is on no list."""
    return DoorError(403, "origin_not_allowed", "This site may not start a session here.")


def sign_in_required() -> DoorError:
    """The site signs its users in, and this request has no credential."""
    return DoorError(401, "sign_in_required", "Sign in to the site first.")


def sign_in_invalid() -> DoorError:
    """The credential is no token, is not signed with the site's secret, or lacks a claim."""
    return DoorError(401, "sign_in_invalid", "The sign-in is not valid.")


def sign_in_expired() -> DoorError:
    """The credential is too old."""
    return DoorError(401, "sign_in_expired", "The sign-in has expired; try again.")


def sign_in_not_yet_valid() -> DoorError:
    """The credential is of the future: one of the two clocks is wrong."""
    return DoorError(401, "sign_in_not_yet_valid", "The sign-in is not valid yet.")


def sign_in_too_long() -> DoorError:
    """The credential was made for longer than five minutes, or for no time at all."""
    return DoorError(401, "sign_in_too_long", "The sign-in is valid for too long.")


def sign_in_wrong_site() -> DoorError:
    """No such site signs its users in here, or another site's page presents the credential."""
    return DoorError(401, "sign_in_wrong_site", "The sign-in is of another site.")


def sign_in_used() -> DoorError:
    """The credential was used before."""
    return DoorError(401, "sign_in_used", "The sign-in was used already; try again.")


def rate_limited(retry_after_secs: int) -> DoorError:
    """An address, user or site, or all together, ask more often than their quota allows."""
    return DoorError(
        429, "rate_limited", "Too many calls; try again later.", retry_after_secs=retry_after_secs
    )


def too_many_sessions() -> DoorError:
    """An address or user has as many sessions going on as it may."""
    return DoorError(
        429, "too_many_sessions", "You have calls going on already.", retry_after_secs=15
    )


def too_many_silent(retry_after_secs: int) -> DoorError:
    """An address or user has started sessions that nobody spoke in."""
    return DoorError(
        429,
        "too_many_silent",
        "Too many calls in which nobody spoke; try again later.",
        retry_after_secs=retry_after_secs,
    )


def budget_spent(retry_after_secs: int) -> DoorError:
    """The site has used up its minutes or money of today (UTC)."""
    return DoorError(
        429, "budget_spent", "No calls are left for today.", retry_after_secs=retry_after_secs
    )


def quota_unavailable() -> DoorError:
    """The quotas cannot be read, and no session is started without them (QUOTA_REDIS_DOWN)."""
    return DoorError(
        503, "quota_unavailable", "No calls can be taken now; try again.", retry_after_secs=10
    )


def body_timeout() -> DoorError:
    """The body does not arrive."""
    return DoorError(408, "body_timeout", "The body took too long.")


def invalid_body(message: str = "The body must be a JSON object.") -> DoorError:
    """The body is not what POST /connect takes."""
    return DoorError(400, "invalid_body", message)


def body_too_large() -> DoorError:
    """The body exceeds the cap."""
    return DoorError(413, "body_too_large", "The body is too large.")


def unsupported_media_type() -> DoorError:
    """The body is not announced as JSON."""
    return DoorError(415, "unsupported_media_type", "Send the body as application/json.")


def server_full() -> DoorError:
    """MAX_SESSIONS sessions are going on."""
    return DoorError(503, "server_full", "All lines are busy; try again.", retry_after_secs=10)


def server_busy() -> DoorError:
    """One more session would make the running ones slow (MAX_LOOP_LAG_MS, MAX_CPU_PERCENT)."""
    return DoorError(503, "server_busy", "All lines are busy; try again.", retry_after_secs=5)


def draining() -> DoorError:
    """The server is stopping."""
    return DoorError(503, "draining", "The server is restarting; try again.", retry_after_secs=5)


def livekit_unreachable() -> DoorError:
    """LiveKit does not answer, or refuses the key."""
    return DoorError(
        503, "livekit_unreachable", "The media server cannot be reached.", retry_after_secs=5
    )


def bot_unavailable() -> DoorError:
    """The bot did not get into the room."""
    return DoorError(503, "bot_unavailable", "The assistant could not start.", retry_after_secs=5)


def refused(refusal: Refusal) -> DoorError:
    """No session process takes one more session."""
    match refusal:
        case Refusal.FULL:
            return server_full()
        case Refusal.BUSY:
            return server_busy()
        case Refusal.NO_PROCESS:
            return bot_unavailable()


def not_found() -> DoorError:
    """There is nothing at this address, for whoever asks like this."""
    return DoorError(404, "not_found", "Not Found")


def transcripts_off() -> DoorError:
    """No conversations are kept here (TRANSCRIPTS_DIR)."""
    return DoorError(404, "transcripts_off", "No conversations are kept here.")


def transcript_unknown() -> DoorError:
    """The user has no conversation of this id, or it was kept without sound."""
    return DoorError(404, "transcript_unknown", "There is no such conversation.")


def ops_login_required() -> DoorError:
    """The operator's page wants its password first."""
    return DoorError(401, "ops_login_required", "Log in first.")


def ops_password_wrong() -> DoorError:
    """It is another one."""
    return DoorError(401, "ops_password_wrong", "The password is wrong.")


def session_gone() -> DoorError:
    """The session to resume has ended, or the token is not one of its own."""
    return DoorError(410, "session_gone", "This conversation has ended; start a new one.")
