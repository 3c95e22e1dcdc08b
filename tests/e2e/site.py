"""Another site: an origin of its own, with the pages of a test.

A page that Playwright makes up belongs to no address, and Chromium does not let it talk to this
machine.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from local.processes import free_port
from tests.e2e.conftest import Door, OpenDoor


def strict_policy(server: str) -> dict[str, str]:
    """Return the headers of a page as strict as can be, with `server`'s widget on it.

    Everything is forbidden but the server's scripts, its `/connect`, and LiveKit on this machine;
    Trusted Types allow no policy at all.
    """
    policy = (
        f"default-src 'none'; script-src {server}; img-src data:; "
        f"connect-src {server} ws://127.0.0.1:* http://127.0.0.1:*; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {"Content-Security-Policy": policy}


def embedding_page(server: str, attributes: str = "") -> str:
    """Return a page of another site with the widget on it, by the one script tag."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>A site</title>'
        '<link rel="icon" href="data:,">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<h1>A site</h1><script src="{server}/widget.js" async></script>'
        f"<voice-assistant {attributes}></voice-assistant></html>"
    )


@asynccontextmanager
async def embedding_site(
    open_door: OpenDoor,
    attributes: str = "",
    headers: Mapping[str, str] | None = None,
    **settings: Any,
) -> AsyncGenerator[tuple[str, Door]]:
    """A site of its own origin with a strict policy; yields its address and the door."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    async with open_door(allowed_origins=origin, **settings) as door:
        pages = {"/": ("text/html", embedding_page(door.url, attributes))}
        policy = {**strict_policy(door.url), **(headers or {})}
        async with serve_site(port, pages, policy) as site:
            yield site, door


@asynccontextmanager
async def serve_site(
    port: int, pages: Mapping[str, tuple[str, str]], headers: Mapping[str, str] | None = None
) -> AsyncGenerator[str]:
    """Serve pages on loopback; yields the origin.

    Args:
        port: A free one.
        pages: Content type and text by path.
        headers: Of every page.
    """

    async def answer(request: web.Request) -> web.Response:
        if request.path not in pages:
            raise web.HTTPNotFound
        content_type, text = pages[request.path]
        return web.Response(text=text, content_type=content_type, headers=headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
