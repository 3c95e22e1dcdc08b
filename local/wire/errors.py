"""Refusals in the shape their clients expect: Deepgram's for speech, OpenAI's for chat."""

import json
import uuid
from typing import Any

from aiohttp import web


class DeepgramError(Exception):
    """A refusal of a `/v1/listen` or `/v1/speak` request.

    Attributes:
        status: HTTP status.
        code: Deepgram's `err_code`.
        message: Deepgram's `err_msg`, also sent as the `dg-error` header.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def bad_request(message: str) -> DeepgramError:
    """Return the refusal of wrong parameters."""
    return DeepgramError(400, "Bad Request", f"Bad Request: {message}")


_CODES = {
    401: ("INVALID_AUTH", "Invalid credentials."),
    402: ("ASR_PAYMENT_REQUIRED", "Project does not have enough credits for an ASR request."),
    403: ("INSUFFICIENT_PERMISSIONS", "User does not have sufficient permissions."),
    404: ("NOT_FOUND", "Not found."),
    429: ("TOO_MANY_REQUESTS", "Too many requests. Please try again later"),
    503: ("SERVICE_UNAVAILABLE", "The service is currently unavailable. Please try again later"),
}


def deepgram_status(status: int) -> DeepgramError:
    """Return Deepgram's refusal for an HTTP status."""
    code, message = _CODES.get(status, ("INTERNAL_SERVER_ERROR", "Internal server error."))
    return DeepgramError(status, code, message)


def deepgram_response(error: DeepgramError) -> web.Response:
    """Render a Deepgram refusal, at the handshake or as an HTTP answer."""
    request_id = str(uuid.uuid4())
    return web.json_response(
        {"err_code": error.code, "err_msg": error.message, "request_id": request_id},
        status=error.status,
        headers={"dg-error": error.message, "dg-request-id": request_id},
    )


class OpenAIError(Exception):
    """A refusal of a chat request, with OpenAI's error object.

    Attributes:
        status: HTTP status.
        kind: OpenAI's `type`.
        code: OpenAI's `code`, or None.
        extra: Further fields of the error object.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        retry_after_secs: float | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.retry_after_secs = retry_after_secs
        self.extra = extra or {}

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        fields = {"message": self.message, "type": self.kind, "code": self.code, **self.extra}
        return {"error": fields}


def openai_response(error: OpenAIError) -> web.Response:
    """Render a chat refusal."""
    headers = {"x-request-id": f"req_{uuid.uuid4().hex}"}
    if error.retry_after_secs is not None:
        headers["retry-after"] = f"{error.retry_after_secs:g}"
    return web.Response(
        text=json.dumps(error.body()),
        status=error.status,
        content_type="application/json",
        headers=headers,
    )


REFUSED_KEY = "refused"
"""An API key with this value is always turned down, so that clients can test a wrong key."""


def key_of(authorization: str | None) -> str:
    """Return the key of an `Authorization: Token|Bearer <key>` header, or an empty text."""
    scheme, _, key = (authorization or "").strip().partition(" ")
    return key.strip() if scheme.lower() in {"token", "bearer"} else ""


def is_key_accepted(authorization: str | None) -> bool:
    """Say whether the header holds a key that this server takes: any but none and `refused`."""
    return key_of(authorization) not in {"", REFUSED_KEY}
