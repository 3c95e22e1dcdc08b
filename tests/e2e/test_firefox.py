"""The widget in Debian's own Firefox, on a page with a strict policy, against the real door.

`widget/test/firefox` drives it: puppeteer-core over WebDriver BiDi, with a fake microphone.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.caller import connect
from local.livekit import LiveKitServer
from local.paths import find_livekit
from local.processes import free_port
from local.setup.browser import find_firefox
from tests.conftest import REPOSITORY, environment
from tests.e2e.conftest import Door, OpenDoor, Wire
from tests.e2e.site import embedding_page, serve_site, strict_policy

pytestmark = pytest.mark.anyio

WIDGET = REPOSITORY / "widget"
ESBUILD = WIDGET / "node_modules" / ".bin" / "esbuild"
STORY_SECS = 90


# From the block kept for documentation (RFC 5737). Connecting a datagram socket sends nothing; it
# only makes the kernel say from which of this machine's addresses it would.
ELSEWHERE = ("198.51.100.1", 9)


class AddressedLiveKit(LiveKitServer):
    """LiveKit with its media on this machine's own address.

    Firefox offers no loopback address of its own for media, and pairs none with another. What a
    machine sends to its own address does not leave it.
    """

    def _config(self) -> dict[str, object]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(ELSEWHERE)
            address = probe.getsockname()[0]
        media = {"node_ip": address, "ips": {"includes": [f"{address}/32"]}}
        own: dict[str, object] = {"enable_loopback_candidate": False, "interfaces": {}}
        config = super()._config()
        rtc = config["rtc"]
        assert isinstance(rtc, dict)
        return {**config, "rtc": {**rtc, **media, **own}}


@pytest.fixture(scope="module")
async def livekit(anyio_backend: str) -> AsyncIterator[LiveKitServer]:
    """The LiveKit of these tests, in the place of the one on loopback."""
    binary = find_livekit(environment())
    if binary is None:
        pytest.skip("no LiveKit server on this machine: `make test` builds one")
    try:
        async with AddressedLiveKit.start(binary) as server:
            yield server
    except OSError:
        pytest.skip("no network beyond loopback, where Firefox carries no media")


@pytest.fixture(scope="module")
def firefox() -> str:
    """A stock Firefox, or the tests are skipped aloud."""
    path = find_firefox(os.environ)  # noqa: TID251 - where this machine keeps its browser
    if path is None:
        pytest.skip("no Firefox on this machine")
    return path


@pytest.fixture(scope="module")
async def program(anyio_backend: str) -> Path:
    """The stories, bundled: Node 20 reads no TypeScript."""
    if not (WIDGET / "dist" / "widget.js").is_file() or not ESBUILD.exists():
        pytest.skip("the widget is not built: npm ci && npm run build in widget/")
    if shutil.which("node") is None:
        pytest.skip("no node on PATH")
    # Inside the package, where Node finds puppeteer-core.
    out = WIDGET / ".cache" / "firefox" / "walk.mjs"
    bundle = ("test/firefox/walk.ts", "--bundle", "--platform=node", "--format=esm")
    rest = ("--packages=external", "--log-level=warning", f"--outfile={out}")
    await run_program([str(ESBUILD), *bundle, *rest])
    return out


async def run_program(command: list[str]) -> None:
    """Run to its end; what it wrote is the failure's message."""
    child = await asyncio.create_subprocess_exec(
        *command,
        cwd=WIDGET,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        written, _ = await asyncio.wait_for(child.communicate(), STORY_SECS)
    finally:
        if child.returncode is None:
            child.kill()
    assert child.returncode == 0, written.decode()


@asynccontextmanager
async def embedding_site(
    open_door: OpenDoor, **settings: Any
) -> AsyncGenerator[tuple[str, Door], None]:
    """A site of its own origin that embeds the door's widget; yields its address and the door."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    async with open_door(allowed_origins=origin, **settings) as door:
        pages = {"/": ("text/html", embedding_page(door.url))}
        async with serve_site(port, pages, strict_policy(door.url)):
            yield origin, door


async def tell(program: Path, story: str, url: str, firefox: str) -> None:
    await run_program([shutil.which("node") or "node", str(program), story, url, firefox])


@pytest.mark.widget
async def test_a_visitor_in_firefox_talks_and_types(
    open_door: OpenDoor, firefox: str, program: Path
) -> None:
    """Call, both captions, the bot's sound, mute, typed text and end, with no policy violated."""
    async with embedding_site(open_door) as (site, door):
        await tell(program, "talk", site, firefox)
        await door.empty()


@pytest.mark.widget
@pytest.mark.parametrize("story", ["reload", "blocked"])
async def test_firefox_tells_the_same_story(
    open_door: OpenDoor, wire: Wire, firefox: str, program: Path, story: str
) -> None:
    """A reload comes back to the conversation; a blocked microphone leaves typing."""
    await wire.fail(stt={"fault": "silent"})  # the fake microphone's tone would interrupt
    async with embedding_site(open_door, reconnect_grace_secs=20) as (site, door):
        await tell(program, story, site, firefox)
        await door.empty()


@pytest.mark.widget
async def test_firefox_counts_down_while_the_server_is_full(
    open_door: OpenDoor, firefox: str, program: Path
) -> None:
    """A 503 with Retry-After is a countdown, with two ways out."""
    async with embedding_site(open_door, max_sessions=1) as (site, door):
        await connect(door.url)
        await tell(program, "full", site, firefox)


@pytest.mark.widget
async def test_firefox_says_that_the_bot_left(
    open_door: OpenDoor, wire: Wire, firefox: str, program: Path
) -> None:
    """A bot that leaves for silence says so; a click starts a new conversation."""
    await wire.fail(stt={"fault": "silent"})
    async with embedding_site(open_door, session_idle_secs=4) as (site, door):
        await tell(program, "left", site, firefox)
        await door.empty()


@pytest.mark.widget
async def test_firefox_says_that_nobody_answers(
    open_door: OpenDoor, firefox: str, program: Path
) -> None:
    """A server that is gone is said in words, with a button to start again."""
    async with open_door() as door:
        nobody = f"http://127.0.0.1:{free_port()}"
        policy = strict_policy(door.url)
        pages = {"/": ("text/html", embedding_page(door.url, f'server="{nobody}"'))}
        async with serve_site(free_port(), pages, policy) as site:
            await tell(program, "dead", site, firefox)
