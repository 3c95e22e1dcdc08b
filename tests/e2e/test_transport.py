"""`PipecatClient` with our LiveKitTransport, in Chromium, against the real door."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from local.processes import free_port
from local.setup.browser import find
from tests.conftest import REPOSITORY, environment
from tests.e2e.conftest import Door, OpenDoor
from tests.e2e.page import complaints, take_heard, visitor, write_speech
from tests.e2e.site import serve_site
from tests.replay.recording import load_recording

pytestmark = [pytest.mark.anyio, pytest.mark.examples]

WIDGET = REPOSITORY / "widget"
ESBUILD = WIDGET / "node_modules" / ".bin" / "esbuild"
ANSWER_MS = 20_000
QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm


@pytest.fixture(scope="module")
def chromium() -> str:
    """A real browser, or the tests are skipped aloud."""
    path = find(os.environ)  # noqa: TID251 - where this machine keeps its browser
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The developers' pages, bundled with the built package as their own bundler would."""
    if not (WIDGET / "dist" / "transport.js").is_file() or not ESBUILD.exists():
        pytest.skip("the widget is not built: npm ci && npm run build in widget/")
    if shutil.which("node") is None:
        pytest.skip("no node on PATH")
    out = tmp_path_factory.mktemp("pages")
    command = [
        str(ESBUILD),
        *(f"test/pages/{name}.ts" for name in ("client-js", "client-react")),
        "--bundle",
        "--format=esm",
        "--alias:voice-assistant/transport=./dist/transport.js",
        '--define:process.env.NODE_ENV="production"',
        "--log-level=warning",
        f"--outdir={out}",
    ]
    subprocess.run(command, cwd=WIDGET, env=environment(), check=True, timeout=60)  # noqa: S603
    return out


@asynccontextmanager
async def developers_page(
    chromium: str, site: Site, name: str, microphone: Path | None, query: str = ""
) -> AsyncGenerator[Page]:
    """One of the pages, open in Chromium on a site that the door lists."""
    async with visitor(chromium, microphone=microphone) as page:
        door = urllib.parse.quote(f"{site.door.url}/connect")
        await page.goto(f"{site.url}/{name}?door={door}&{query}")
        yield page


@dataclass(frozen=True)
class Site:
    """A developer's site, and the door it talks to."""

    url: str
    door: Door


@asynccontextmanager
async def developers_site(
    open_door: OpenDoor, bundle: Path, **settings: Any
) -> AsyncGenerator[Site]:
    """Serve the pages from an origin that the door lists."""
    async with (
        serve_site(free_port(), _pages(bundle)) as url,
        open_door(allowed_origins=url, **settings) as door,
    ):
        yield Site(url, door)


def _pages(bundle: Path) -> dict[str, tuple[str, str]]:
    pages: dict[str, tuple[str, str]] = {}
    for file in bundle.glob("*.js"):
        html = f'<!doctype html><body><script type="module" src="/{file.name}"></script>'
        pages[f"/{file.stem}"] = ("text/html", html)
        pages[f"/{file.name}"] = ("text/javascript", file.read_text(encoding="utf-8"))
    return pages


async def until(page: Page, condition: str) -> None:
    await page.wait_for_function(condition, timeout=ANSWER_MS)


async def events(page: Page) -> list[Any]:
    return await page.evaluate("events")


async def test_pipecat_client_holds_a_conversation(
    open_door: OpenDoor, chromium: str, bundle: Path, tmp_path: Path
) -> None:
    """Connect, greeting, spoken and typed questions, devices, mute, disconnect, and once more."""
    microphone = tmp_path / "visitor.wav"
    write_speech(microphone, 8.0, QUESTION)
    async with (
        developers_site(open_door, bundle) as site,
        developers_page(chromium, site, "client-js", microphone) as page,
    ):
        assert re.fullmatch(r"ready 2\..*", await page.evaluate("start()"))
        await until(page, "spoken.join(' ').includes('Hello.')")
        assert (await events(page))[:3] == [
            "initializing",
            "track mine",
            "mic Fake Default Audio Input",
        ]
        states = [
            e
            for e in await events(page)
            if e in {"authenticating", "authenticated", "connecting", "connected", "ready"}
        ]
        assert states == ["authenticating", "authenticated", "connecting", "connected", "ready"]
        assert "bot-connected bot-" in await events(page)
        assert "track bot's" in await events(page)

        await until(page, "heard.length == 1")
        await until(page, "events.filter((e) => e == 'bot-stopped-speaking').length == 2")
        assert await page.evaluate("level()") > 0
        assert any(await take_heard(page))

        await page.evaluate("client.sendText('What does an account cost?')")
        await until(page, "events.filter((e) => e == 'bot-stopped-speaking').length == 3")

        mics = await page.evaluate(
            "client.getAllMics().then((mics) => mics.map((m) => m.deviceId))"
        )
        assert len(mics) > 1
        await page.evaluate("id => client.updateMic(id)", mics[-1])
        await until(page, f"client.selectedMic.deviceId == {mics[-1]!r}")
        await page.evaluate("client.enableMic(false)")
        assert await page.evaluate("client.isMicEnabled") is False
        await until(page, "!client.tracks().local.audio.enabled")
        await page.evaluate("client.enableMic(true)")
        await until(page, "client.tracks().local.audio.enabled")
        assert await page.evaluate("client.getAllSpeakers().then((all) => all.length)") > 0
        await page.evaluate("client.enableCam(true)")
        assert "unsupported enableCam" in await events(page)

        await page.evaluate("client.disconnect()")
        assert (await events(page))[-3:] == ["track off bot's", "disconnected", "gone"]
        assert await page.evaluate("client.tracks()") == {"local": {}}
        await site.door.empty()

        assert (await page.evaluate("start()")).startswith("ready")
        await page.evaluate("client.disconnect()")
        await site.door.empty()
        assert not [e for e in await events(page) if e.startswith(("error", "device"))]
        assert await complaints(page) == []


async def test_pipecat_client_types_without_a_microphone(
    open_door: OpenDoor, chromium: str, bundle: Path
) -> None:
    """With enableMic false no microphone is asked for; where there is none, text still works."""
    async with developers_site(open_door, bundle) as site:
        for query, reported in (("text", []), ("", ["device not-found"])):
            async with developers_page(chromium, site, "client-js", None, query) as page:
                await page.evaluate("start()")
                await page.evaluate("client.sendText('What does an account cost?')")
                await until(page, "events.filter((e) => e == 'bot-stopped-speaking').length >= 1")
                assert [
                    e for e in await events(page) if e.startswith(("device", "error"))
                ] == reported
                await page.evaluate("client.disconnect()")
                assert await complaints(page) == []
            await site.door.empty()


async def test_pipecat_client_learns_that_the_bot_left(
    open_door: OpenDoor, chromium: str, bundle: Path
) -> None:
    """A session that the server ends disconnects the client, which can start a new one."""
    async with (
        developers_site(open_door, bundle, session_idle_secs=6) as site,
        developers_page(chromium, site, "client-js", None, "text") as page,
    ):
        await page.evaluate("start()")
        await until(page, "events.at(-1) == 'gone'")
        assert "bot-disconnected" in await events(page)
        assert (await page.evaluate("start()")).startswith("ready")
        await page.evaluate("client.disconnect()")
        await site.door.empty()
        assert await complaints(page) == []


async def test_a_refused_start_is_an_error_of_the_client(
    open_door: OpenDoor, chromium: str, bundle: Path
) -> None:
    """A full server and useless parameters reject, with nothing left behind."""
    async with (
        developers_site(open_door, bundle, max_sessions=1) as site,
        developers_page(chromium, site, "client-js", None, "text") as page,
    ):
        failure = "start().then(() => 'connected', (error) => `${error.name} ${error.status}`)"
        bad = (
            "client.connect({url: 'ws://127.0.0.1:9', token: 'no'})"
            ".then(() => 'connected', (error) => error.name)"
        )
        assert await page.evaluate(bad) == "Error"
        await page.evaluate("start()")
        async with developers_page(chromium, site, "client-js", None, "text") as other:
            assert "503" in await other.evaluate(failure)
        await page.evaluate("client.disconnect()")
        await site.door.empty()


async def test_client_react_shows_the_conversation(
    open_door: OpenDoor, chromium: str, bundle: Path, tmp_path: Path
) -> None:
    """The hooks of client-react see state, microphone, devices and the bot's words; it is heard."""
    microphone = tmp_path / "visitor.wav"
    write_speech(microphone, 60.0)
    async with (
        developers_site(open_door, bundle) as site,
        developers_page(chromium, site, "client-react", microphone) as page,
    ):
        state = page.get_by_label("state", exact=True)
        await page.get_by_role("button", name="Connect").click()
        await expect(state).to_have_text("ready", timeout=ANSWER_MS)
        await expect(page.get_by_role("log")).to_contain_text("Hello.", timeout=ANSWER_MS)
        await expect(page.get_by_label("mics")).to_contain_text("Fake Default Audio Input")
        await page.get_by_role("button", name="Mute").click()
        await expect(page.get_by_label("mic", exact=True)).to_have_text("off")
        await page.get_by_role("button", name="Ask").click()
        await expect(page.get_by_role("log")).not_to_have_text(
            re.compile(r"^\s*Hello\.\s*$"), timeout=ANSWER_MS
        )
        assert any(await take_heard(page))
        await page.get_by_role("button", name="Leave").click()
        await expect(state).to_have_text("disconnected")
        await site.door.empty()
        assert await complaints(page) == []
