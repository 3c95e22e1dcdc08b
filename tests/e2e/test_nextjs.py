"""The Next.js example, built and started as its README says, used in Chromium.

Opt-in, because it needs a build of its own: `python -m pytest -m examples`.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Page, Request, Response, expect

from local.processes import free_port, start
from local.setup.browser import find
from tests.conftest import REPOSITORY, environment
from tests.e2e.conftest import OpenDoor, Wire
from tests.e2e.page import complaints, visitor, write_speech

pytestmark = [pytest.mark.anyio, pytest.mark.examples]

EXAMPLE = REPOSITORY / "examples" / "nextjs"
NEXT = EXAMPLE / "node_modules" / "next" / "dist" / "bin" / "next"
# The voice server takes calls of this site's logged-in users only.
SITE, KEY = "https://dashboard.example", "k" * 32
START_SECS = 30
ANSWER_MS = 20_000


@pytest.fixture(scope="module")
def chromium() -> str:
    """A real browser, or the tests are skipped aloud."""
    path = find(os.environ)  # noqa: TID251 - where this machine keeps its browser
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


@pytest.fixture(scope="module")
def node() -> str:
    """Node and the built example with today's widget in it, or the tests are skipped aloud."""
    path = shutil.which("node")
    if path is None:
        pytest.skip("no node on PATH: the Next.js example was not tested")
    if not NEXT.is_file() or not (EXAMPLE / ".next" / "BUILD_ID").is_file():
        pytest.skip("the Next.js example is not built: `make test-examples` builds it")
    inside = {file.name for file in (EXAMPLE / "node_modules/voice-assistant/dist").glob("*.js")}
    if inside != {file.name for file in (REPOSITORY / "widget" / "dist").glob("*.js")}:
        pytest.skip("the Next.js example has another build of the widget: `make test-examples`")
    return path


@asynccontextmanager
async def dashboard(node: str, voice_server: str, **settings: str) -> AsyncGenerator[str, None]:
    """The started example, with more settings; yields its address."""
    port = free_port()
    child = await start(
        "Next.js",
        [node, NEXT, "start", EXAMPLE, "--hostname", "127.0.0.1", "--port", str(port)],
        environment={
            **environment(),
            "VOICE_SERVER_URL": voice_server,
            "NEXT_TELEMETRY_DISABLED": "1",
            **settings,
        },
    )
    url = f"http://127.0.0.1:{port}"
    try:
        async with asyncio.timeout(START_SECS), aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(f"{url}/login") as answer:
                        if answer.status == 200:
                            break
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.1)
        yield url
    finally:
        await child.stop(5)


async def log_in(page: Page, url: str) -> None:
    await page.goto(url)
    await expect(page).to_have_url(f"{url}/login")
    await expect(page.locator("voice-assistant")).to_have_count(0)
    await page.get_by_label("Name").fill("ama")
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_text("Name or password is wrong.")).to_be_visible()
    await page.get_by_label("Name").fill("ama")
    await page.get_by_label("Password").fill("cacao")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Overview")).to_be_visible()


async def test_nobody_gets_a_token_without_logging_in(open_door: OpenDoor, node: str) -> None:
    """The route refuses strangers, forged cookies and other sites, and starts no session."""
    async with (
        open_door() as door,
        dashboard(node, door.url) as url,
        aiohttp.ClientSession() as http,
    ):
        route = f"{url}/api/livekit-token"
        forged = "session=ama.99999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        for headers, status, code in (
            ({}, 401, "not_signed_in"),
            ({"Cookie": forged}, 401, "not_signed_in"),
            ({"Origin": "https://elsewhere.example"}, 403, "origin_not_allowed"),
        ):
            async with http.post(route, json={}, headers=headers) as answer:
                body = await answer.json()
                assert (answer.status, body["error"]["code"]) == (status, code)
                assert "token" not in body
        assert door.sessions.count == 0


async def test_a_logged_in_user_talks_and_the_call_outlives_pages(
    open_door: OpenDoor, wire: Wire, node: str, chromium: str, tmp_path: Path
) -> None:
    """Log in, call, greeting, typed question, route change, reload, log out: one conversation."""
    microphone = tmp_path / "visitor.wav"
    write_speech(microphone, 60.0)
    async with (
        open_door(reconnect_grace_secs=10, sign_in_keys={SITE: (KEY,)}) as door,
        dashboard(node, door.url, VOICE_SITE=SITE, VOICE_SIGN_IN_KEY=KEY) as url,
        visitor(chromium, microphone=microphone) as page,
    ):
        asked: list[str] = []
        invitations: list[Response] = []

        def note_request(request: Request) -> None:
            asked.append(f"{request.method} {request.url}")

        def note_response(response: Response) -> None:
            if response.url == f"{url}/api/livekit-token":
                invitations.append(response)

        page.on("request", note_request)
        page.on("response", note_response)
        await log_in(page, url)
        bubble = page.get_by_role("button", name="CacaoConnect assistant")
        log = page.get_by_role("log")
        await bubble.click()
        await expect(log).to_contain_text("Hello.", timeout=ANSWER_MS)
        # The browser never asks the voice server: it need not even be able to.
        assert not [request for request in asked if door.url in request]

        await ask(page, "What does an account cost?", answers=2)
        await page.get_by_role("link", name="Contracts").click()
        await expect(page.get_by_role("heading", name="Contracts")).to_be_visible()
        await expect(log).to_contain_text("What does an account cost?")
        await ask(page, "What is a lot?", answers=3)
        assert len(invitations) == 1

        # The assistant opens a page when it is asked to: the same call, a route change.
        call = {"fault": "call", "name": "open_page", "arguments": {"name": "overview"}}
        await wire.fail(llm={**call, "times": 1})
        await ask(page, "Go back to the overview.", answers=4)
        await expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        assert len(invitations) == 1

        await page.reload()
        await expect(log).to_contain_text("What is a lot?", timeout=ANSWER_MS)
        await ask(page, "How can I pay?", answers=5)
        sessions = [(await invitation.json())["sessionId"] for invitation in invitations[1:]]
        assert len(sessions) == 1
        assert door.sessions.count == 1
        assert (await log.inner_text()).count("Hello.") == 1

        await page.get_by_role("button", name="Log out").click()
        await expect(page).to_have_url(f"{url}/login")
        await expect(page.locator("voice-assistant")).to_have_count(0)
        await door.empty()
        assert await complaints(page) == []


async def test_a_voice_server_that_is_down_is_said(node: str, chromium: str) -> None:
    """With no voice server the route answers 503, and the widget says when it tries again."""
    closed = f"http://127.0.0.1:{free_port()}"
    async with dashboard(node, closed) as url, visitor(chromium, microphone=None) as page:
        await log_in(page, url)
        await page.get_by_role("button", name="CacaoConnect assistant").click()
        problem = page.locator("voice-assistant").get_by_text(re.compile("No assistant is free"))
        await expect(problem.first).to_be_visible(timeout=ANSWER_MS)
        assert await complaints(page) == []


async def ask(page: Page, question: str, *, answers: int) -> None:
    """Type a question, and wait until the bot has said so many things in all."""
    await expect(page.get_by_text("Listening")).to_be_visible(timeout=ANSWER_MS)
    await page.get_by_role("textbox").fill(question)
    await page.get_by_role("textbox").press("Enter")
    said = page.locator('voice-assistant [part~="message-bot"]')
    await expect(said).to_have_count(answers, timeout=ANSWER_MS)
