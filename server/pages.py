"""What the server shows: the demo page, its assets and the widget's two files."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from server.errors import DoorError

STATIC = Path(str(files("server"))) / "static"
WIDGET_DIST = Path(str(files("server"))).parent / "widget" / "dist"

# The demo page runs under the strictest policy a host page may have, so that the widget is
# proven under it each time somebody looks.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "connect-src 'self' ws: wss: http: https:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
# The launcher keeps its name, so browsers must ask each time (it is 2 KB, and names the chunk; an
# old one would ask for a chunk that is gone); the chunk carries a hash of its content. Both are
# loaded by pages of other sites.
_SCRIPT_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
LAUNCHER_HEADERS = {**_SCRIPT_HEADERS, "Cache-Control": "no-cache"}
CHUNK_HEADERS = {**_SCRIPT_HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}

_CHUNK_NAME = re.compile(r"session-[A-Za-z0-9_-]+\.js")
_ASSET_NAME = re.compile(r"[a-z0-9-]+\.(css|js|svg)")

router = APIRouter()


def _file(path: Path, headers: dict[str, str]) -> Response:
    if not path.is_file():
        raise DoorError(404, "not_found", "There is nothing here.")
    return FileResponse(path, headers=headers)


@router.get("/")
def demo_page() -> Response:
    """The page one sees first: a sample dashboard with the widget on it."""
    return _file(STATIC / "index.html", PAGE_HEADERS)


@router.get("/static/{name}")
def demo_asset(name: str) -> Response:
    """A stylesheet, script or picture of the demo page."""
    if not _ASSET_NAME.fullmatch(name):
        raise DoorError(404, "not_found", "There is nothing here.")
    return _file(STATIC / name, PAGE_HEADERS)


@router.get("/widget.js")
def launcher(request: Request) -> Response:
    """The widget's launcher, for any site's script tag."""
    response = _file(WIDGET_DIST / "widget.js", LAUNCHER_HEADERS)
    if response.headers.get("etag") in request.headers.get("if-none-match", "").split(", "):
        return Response(status_code=304, headers=dict(response.headers))
    return response


@router.get("/{name}.js")
def chunk(name: str) -> Response:
    """The widget's session chunk, by its hashed name."""
    if not _CHUNK_NAME.fullmatch(f"{name}.js"):
        raise DoorError(404, "not_found", "There is nothing here.")
    return _file(WIDGET_DIST / f"{name}.js", CHUNK_HEADERS)
