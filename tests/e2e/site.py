"""Another site: an origin of its own, with the pages of a test.

A page that Playwright makes up belongs to no address, and Chromium does not let it talk to this
machine.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def serve_site(port: int, pages: Mapping[str, tuple[str, str]]) -> AsyncGenerator[str]:
    """Serve pages on loopback; yields the origin.

    Args:
        port: A free one.
        pages: Content type and text by path.
    """

    async def answer(request: web.Request) -> web.Response:
        if request.path not in pages:
            raise web.HTTPNotFound
        content_type, text = pages[request.path]
        return web.Response(text=text, content_type=content_type)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
