"""What the stories of the widget in Chromium share: a strict site, the panel, its words."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from local.processes import free_port
from local.setup.browser import find
from tests.conftest import REPOSITORY
from tests.e2e.conftest import Door, OpenDoor
from tests.e2e.page import complaints, visitor
from tests.e2e.site import embedding_page, serve_site, strict_policy

ANSWER_MS = 20_000


def chromium_path() -> str:
    """Return a real browser's path, or skip the test aloud."""
    path = find(os.environ)  # noqa: TID251 - where this machine keeps its browser
    if path is None:
        pytest.skip("no Chromium on this machine")
    if not (REPOSITORY / "widget" / "dist" / "widget.js").is_file():
        pytest.skip("the widget is not built: npm ci && npm run build in widget/")
    return path


@asynccontextmanager
async def embedding_site(
    open_door: OpenDoor,
    attributes: str = "",
    headers: dict[str, str] | None = None,
    **settings: Any,
) -> AsyncGenerator[tuple[str, Door], None]:
    """A site of its own origin with a strict policy; yields its address and the door."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    async with open_door(allowed_origins=origin, **settings) as door:
        pages = {"/": ("text/html", embedding_page(door.url, attributes))}
        policy = {**strict_policy(door.url), **(headers or {})}
        async with serve_site(port, pages, policy) as site:
            yield site, door


@asynccontextmanager
async def caller_on(
    site: str, *, microphone: Path | None = None, **options: Any
) -> AsyncGenerator[Page, None]:
    """A visitor on the site; whatever a person would call broken fails the test."""
    async with visitor(chromium_path(), microphone=microphone, **options) as page:
        await page.goto(site)
        yield page
        assert await complaints(page) == []


def bubble(page: Page) -> Locator:
    return page.locator("voice-assistant .bubble")


def widget(page: Page) -> Locator:
    return page.locator("voice-assistant")


def log(page: Page) -> Locator:
    return page.get_by_role("log")


async def see(page: Page, text: str) -> None:
    """Wait until the panel says `text`."""
    await expect(page.locator("voice-assistant .panel")).to_contain_text(text, timeout=ANSWER_MS)


async def press(page: Page, name: str) -> None:
    await widget(page).get_by_role("button", name=name, exact=True).click(timeout=ANSWER_MS)


async def phase(page: Page, name: str) -> None:
    """Wait until the element's phase is `name`."""
    await page.wait_for_function(
        "name => document.querySelector('voice-assistant').phase === name",
        arg=name,
        timeout=ANSWER_MS,
    )


async def ask(page: Page, text: str) -> None:
    """Type a question."""
    await page.get_by_role("textbox").fill(text)
    await page.get_by_role("textbox").press("Enter")
