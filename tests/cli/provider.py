"""A provider of speech and models that answers handshakes and `GET /models` as it is told."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

LISTED = ("openai/gpt-oss-120b", "openai/gpt-oss-20b")


@dataclass
class Provider:
    """What the provider answers.

    Attributes:
        url: Where it listens.
        listen, speak, models: HTTP statuses; 101 and 200 are the good ones.
        refused_voices: Voices it does not have.
        body: What `/models` answers in the place of its list.
        headers: Sent with `GET /`, which LiveKit answers, too.
    """

    url: str = ""
    listen: int = 101
    speak: int = 101
    models: int = 200
    refused_voices: tuple[str, ...] = ()
    body: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    async def handle_listen(self, request: web.Request) -> web.StreamResponse:
        """Speech to text."""
        return await _shake(request, self.listen)

    async def handle_speak(self, request: web.Request) -> web.StreamResponse:
        """Text to speech."""
        has_voice = request.query["model"] not in self.refused_voices
        return await _shake(request, self.speak if has_voice else 400)

    async def handle_models(self, _request: web.Request) -> web.Response:
        """Which models are served."""
        if self.body is not None:
            return web.Response(text=self.body, content_type="text/html")
        listed = {"data": [{"id": name} for name in LISTED]}
        return web.json_response(listed, status=self.models)

    async def handle_root(self, _request: web.Request) -> web.Response:
        """What LiveKit answers to a browser."""
        return web.Response(text="hello", headers=self.headers)


async def _shake(request: web.Request, status: int) -> web.StreamResponse:
    if status != 101:
        return web.Response(status=status)
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.receive()
    return socket


@asynccontextmanager
async def provider() -> AsyncGenerator[Provider]:
    """Run one on a free port."""
    one = Provider()
    app = web.Application()
    app.router.add_get("/v1/listen", one.handle_listen)
    app.router.add_get("/v1/speak", one.handle_speak)
    app.router.add_get("/openai/v1/models", one.handle_models)
    app.router.add_get("/", one.handle_root)
    async with TestServer(app, host="127.0.0.1") as server:
        one.url = str(server.make_url("/")).rstrip("/")
        yield one
