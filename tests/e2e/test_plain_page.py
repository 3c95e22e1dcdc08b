"""examples/plain.html on a site of its own, in Chromium, against the real door."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Request, expect

from local.processes import free_port
from local.setup.browser import find
from tests.conftest import REPOSITORY
from tests.e2e.conftest import OpenDoor
from tests.e2e.page import complaints, visitor, write_speech
from tests.e2e.site import serve_site

pytestmark = pytest.mark.anyio

EXAMPLE = REPOSITORY / "examples" / "plain.html"
ADDRESS_IN_EXAMPLE = "http://127.0.0.1:7860"
ANSWER_MS = 20_000


async def test_one_script_tag_is_enough_on_another_site(
    open_door: OpenDoor, tmp_path: Path
) -> None:
    """The page of another origin greets, answers its own button, and asks nothing before that."""
    chromium = find(os.environ)  # noqa: TID251 - where this machine keeps its browser
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    if not (REPOSITORY / "widget" / "dist" / "widget.js").is_file():
        pytest.skip("the widget is not built: npm ci && npm run build in widget/")
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    microphone = tmp_path / "visitor.wav"
    write_speech(microphone, 30.0)
    async with open_door(allowed_origins=site) as door:
        html = EXAMPLE.read_text(encoding="utf-8")
        assert ADDRESS_IN_EXAMPLE in html
        pages = {"/": ("text/html", html.replace(ADDRESS_IN_EXAMPLE, door.url))}
        async with serve_site(port, pages), visitor(chromium, microphone=microphone) as page:
            asked: list[str] = []

            def note(request: Request) -> None:
                asked.append(request.url)

            page.on("request", note)
            await page.goto(site, wait_until="networkidle")
            scripts = [url for url in asked if url.startswith(door.url)]
            assert scripts == [f"{door.url}/widget.js"]

            await page.get_by_role("button", name="Ask: ").click()
            log = page.get_by_role("log")
            await expect(log).to_contain_text("What does cacao cost today?")
            await expect(log).to_contain_text("here is what I found", timeout=ANSWER_MS)
            await page.get_by_role("button", name="End call").click()
            assert await complaints(page) == []
            await door.empty()
