"""The widget in stock Chromium and Firefox, on a strict page, against the real server.

Every story here is told in both browsers. What one of them cannot do is said where it is left out,
and in docs/widget/browsers.md.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.livekit import LiveKitServer
from local.paths import find_livekit
from local.setup.browser import find, find_firefox
from tests.conftest import environment
from tests.e2e.browsers.visitor import (
    ESBUILD,
    WIDGET,
    Browser,
    Microphone,
    Visitor,
    bundle_driver,
)
from tests.e2e.page import write_speech
from tests.replay.recording import load_recording

QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm

# From the block kept for documentation (RFC 5737). Connecting a datagram socket sends nothing; it
# only makes the kernel say from which of this machine's addresses it would.
ELSEWHERE = ("198.51.100.1", 9)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.widget)


def own_address() -> str | None:
    """Return this machine's address on its network, or None where there is only loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return address


class AddressedLiveKit(LiveKitServer):
    """LiveKit with its media on this machine's own address.

    Firefox offers no loopback address of its own for media, and pairs none with another. What a
    machine sends to its own address does not leave it.
    """

    def _config(self) -> dict[str, object]:
        address = own_address()
        media = {"node_ip": address, "ips": {"includes": [f"{address}/32"]}}
        own: dict[str, object] = {"enable_loopback_candidate": False, "interfaces": {}}
        config = super()._config()
        rtc = config["rtc"]
        assert isinstance(rtc, dict)
        return {**config, "rtc": {**rtc, **media, **own}}


@pytest.fixture(scope="session")
async def livekit(anyio_backend: str) -> AsyncIterator[LiveKitServer]:
    """The LiveKit of both browsers; on loopback, where Firefox is skipped, without a network."""
    binary = find_livekit(environment())
    if binary is None:
        pytest.skip("no LiveKit server on this machine: `make test` builds one")
    kind = LiveKitServer if own_address() is None else AddressedLiveKit
    async with kind.start(binary) as server:
        yield server


@pytest.fixture(scope="session")
async def driver(anyio_backend: str) -> None:
    """The driver, bundled."""
    if not (WIDGET / "dist" / "widget.js").is_file() or not ESBUILD.exists():
        pytest.skip("the widget is not built: npm ci && npm run build in widget/")
    if shutil.which("node") is None:
        pytest.skip("no node on PATH")
    await bundle_driver()


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest, driver: None) -> Browser:
    """Each of the two, or its tests are skipped aloud."""
    environ = os.environ  # noqa: TID251 - where this machine keeps its browsers
    path = find(environ) if request.param == "chromium" else find_firefox(environ)
    if path is None:
        pytest.skip(f"no {request.param} on this machine")
    if request.param == "firefox" and own_address() is None:
        pytest.skip("no network beyond loopback, where Firefox carries no media")
    return Browser(request.param, path)


Call = Callable[..., AbstractAsyncContextManager[Visitor]]


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Call:
    """Open a site in the browser; whatever a person would call broken fails the test."""

    @asynccontextmanager
    async def on(
        site: str, *, microphone: str = "granted", speaks: bool = False, **window: Any
    ) -> AsyncGenerator[Visitor]:
        sound = tmp_path / "visitor.wav"
        write_speech(sound, *([QUESTION, 1.5] if speaks else [60.0]))
        heard = Microphone(microphone, sound, speaks)  # type: ignore[arg-type]
        async with Visitor.open(browser, heard, **window) as visitor:
            await visitor.goto(site)
            yield visitor
            assert await visitor.complaints() == []

    return on
