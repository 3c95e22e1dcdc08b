"""One page load in Chromium, and what it cost until nothing moved any more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

from aiohttp import web
from playwright.async_api import Browser, Request, Route

from bench.page_cost.widgets import Widget

HOST: Final = "127.0.0.1"
# Past this no widget still worked in trials; a bench has no event to wait for instead.
_SETTLE_SECS: Final = 2.0
_LOAD_MS: Final = 30_000

_OBSERVE: Final = """
window.__shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.__shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8">
<title>A page</title><link rel="icon" href="data:,">
<h1>A page</h1><p>{text}</p>{script}{markup}</html>"""
_TEXT: Final = "Words that a late stylesheet would move. " * 60


@dataclass(frozen=True)
class Load:
    """What one load cost.

    Attributes:
        script_ms: Time in JavaScript, compiling included.
        heap_bytes: JavaScript heap in use after a collection.
        layout_shift: Sum of all layout shifts, of which 0.1 is called good.
        requests: Addresses asked for besides the page itself.
    """

    script_ms: float
    heap_bytes: int
    layout_shift: float
    requests: tuple[str, ...]


@asynccontextmanager
async def site(widgets: list[Widget]) -> AsyncGenerator[list[str]]:
    """Serve a page for each widget; yields their addresses."""
    app = web.Application()

    def add(index: int, widget: Widget) -> None:
        tag = "" if widget.script is None else f'<script src="/{index}/widget.js" async></script>'
        html = _PAGE.format(text=_TEXT, script=tag, markup=widget.markup)

        async def page(_request: web.Request) -> web.Response:
            return web.Response(text=html, content_type="text/html")

        async def script(_request: web.Request) -> web.StreamResponse:
            if widget.script is None:
                raise web.HTTPNotFound
            return web.FileResponse(widget.script)

        app.router.add_get(f"/{index}/", page)
        app.router.add_get(f"/{index}/widget.js", script)

    for index, widget in enumerate(widgets):
        add(index, widget)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield [f"http://{HOST}:{runner.addresses[0][1]}/{i}/" for i in range(len(widgets))]
    finally:
        await runner.cleanup()


async def load(browser: Browser, url: str) -> Load:
    """Load a page in a fresh profile; whatever it asks of other machines is refused and counted."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    requests: list[str] = []

    async def refuse_others(route: Route, request: Request) -> None:
        if request.url.startswith(f"http://{HOST}:"):
            await route.continue_()
        else:
            await route.abort()

    def note(request: Request) -> None:
        if request.url != url and not request.url.startswith(("data:", "blob:")):
            requests.append(request.url)

    try:
        await context.add_init_script(_OBSERVE)
        await context.route("**/*", refuse_others)
        page = await context.new_page()
        page.on("request", note)
        devtools = await context.new_cdp_session(page)
        await devtools.send("Performance.enable")
        await page.goto(url, wait_until="load", timeout=_LOAD_MS)
        await asyncio.sleep(_SETTLE_SECS)
        await devtools.send("HeapProfiler.collectGarbage")
        answer = cast("dict[str, Any]", await devtools.send("Performance.getMetrics"))
        metrics = {metric["name"]: float(metric["value"]) for metric in answer["metrics"]}
        return Load(
            script_ms=metrics["ScriptDuration"] * 1000,
            heap_bytes=int(metrics["JSHeapUsedSize"]),
            layout_shift=float(await page.evaluate("window.__shift")),
            requests=tuple(requests),
        )
    finally:
        with contextlib.suppress(Exception):
            await context.close()
