"""The product as a person meets it: started by its launcher, used in a browser, heard."""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Locator, Page, expect

from local.processes import free_port
from local.setup.browser import find
from tests.conftest import environment
from tests.e2e.page import HEARD_RATE_HZ, as_wav, complaints, take_heard, visitor, write_speech
from tests.replay.recording import load_recording

pytestmark = [pytest.mark.anyio, pytest.mark.engines]

START_SECS = 90
ANSWER_MS = 30_000

QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm
SECOND_QUESTION = load_recording("waiting-to-speak-with-a-representative").pcm


@dataclass(frozen=True)
class Site:
    """Everything running, with no key at all."""

    url: str
    engines_url: str


@pytest.fixture(scope="module")
async def site(anyio_backend: str) -> AsyncIterator[Site]:
    """What `make run` starts, on a port of its own; stopped as by Ctrl-C."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "local.run",
        # A busy machine would refuse a test while the one before it is still being waited for.
        env={
            **environment(),
            "PORT": str(port),
            "MAX_CPU_PERCENT": "100",
            "MAX_LOOP_LAG_MS": "9999",
        },
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    url = ""
    try:
        async with asyncio.timeout(START_SECS):
            while not url:
                line = (await process.stdout.readline()).decode()
                assert line, "the launcher ended before it was ready"
                url = line.removeprefix("Open ").strip() if line.startswith("Open ") else ""
        yield Site(url, f"http://127.0.0.1:{_engine_port(process.pid)}")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 130


def _engine_port(launcher_pid: int) -> int:
    """Find the engine server's port among the launcher's children."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text().split("\0")
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == launcher_pid and "local.wire" in words:
            return int(words[words.index("--port") + 1])
    raise AssertionError("no engine server")


@pytest.fixture(scope="module")
def chromium() -> str:
    """A real browser, or the tests are skipped aloud."""
    path = find(os.environ)  # noqa: TID251 - where this machine keeps its browser
    if path is None:
        pytest.skip("no Chromium on this machine")
    return path


async def open_site(page: Page, site: Site) -> None:
    """Open the demo page, with capture processing off: it would distort the played file."""
    await page.goto(site.url)
    await page.evaluate(
        """document.querySelector("voice-assistant").microphone =
           { echoCancellation: false, noiseSuppression: false, autoGainControl: false }"""
    )


async def transcribe(site: Site, pcm: bytes) -> str:
    """Return what was said, lower case without punctuation, by the local speech-to-text."""
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{site.engines_url}/v1/listen",
            data=io.BytesIO(as_wav(pcm, HEARD_RATE_HZ)),
            headers={"Authorization": "Token local", "Content-Type": "audio/wav"},
        ) as answer,
    ):
        body = await answer.json()
        assert answer.status == 200, body
    text = body["results"]["channels"][0]["alternatives"][0]["transcript"]
    return re.sub(r"[^a-z ]", "", text.lower())


def bubble(page: Page) -> Locator:
    return page.get_by_role("button", name="CacaoConnect assistant")


def log(page: Page) -> Locator:
    return page.get_by_role("log")


async def test_a_visitor_asks_aloud_and_hears_the_answer(
    site: Site, chromium: str, tmp_path: Path
) -> None:
    """Click, greeting, spoken question, the right fact spoken back, a second one, end, again."""
    microphone = tmp_path / "visitor.wav"
    write_speech(microphone, 9.0, QUESTION, 14.0, SECOND_QUESTION)
    async with visitor(chromium, microphone=microphone) as page:
        await open_site(page, site)
        await bubble(page).click()
        await expect(log(page)).to_contain_text("How can I help you?", timeout=ANSWER_MS)
        await expect(log(page)).to_contain_text(re.compile("which folder", re.I), timeout=ANSWER_MS)
        greeting = await transcribe(site, await take_heard(page))
        assert "assistant" in greeting

        await expect(log(page)).to_contain_text("Contracts", timeout=ANSWER_MS)
        await expect(log(page)).to_contain_text(
            re.compile("representative", re.I), timeout=ANSWER_MS
        )
        assert "contracts" in await transcribe(site, await take_heard(page))
        await expect(log(page)).to_contain_text("nine in the morning", timeout=ANSWER_MS)

        await page.get_by_role("button", name="End call").click()
        await page.get_by_role("button", name=re.compile("Start")).first.click()
        await expect(log(page)).to_contain_text("How can I help you?", timeout=ANSWER_MS)
        assert await complaints(page) == []


async def test_a_visitor_without_a_microphone_types(site: Site, chromium: str) -> None:
    """With the microphone denied, text still reaches the bot, which answers in sound and text."""
    async with visitor(chromium, microphone=None) as page:
        await open_site(page, site)
        await bubble(page).click()
        await page.get_by_role("textbox").fill("What does an account cost?")
        await page.get_by_role("textbox").press("Enter")
        await expect(log(page)).to_contain_text("free for cooperatives", timeout=ANSWER_MS)
        assert await complaints(page) == []


@pytest.mark.widget
async def test_speaking_stops_the_bot(site: Site, chromium: str, tmp_path: Path) -> None:
    """A visitor who speaks into the greeting silences it, and gets an answer to that."""
    microphone = tmp_path / "visitor.wav"
    write_speech(microphone, 2.6, QUESTION)
    async with visitor(chromium, microphone=microphone) as page:
        await open_site(page, site)
        await bubble(page).click()
        await expect(log(page)).to_contain_text("Contracts", timeout=ANSWER_MS)
        assert await complaints(page) == []


@pytest.mark.widget
async def test_a_reload_keeps_the_conversation(site: Site, chromium: str, tmp_path: Path) -> None:
    """A reload in the middle of a call comes back to the same bot, with the transcript."""
    microphone = tmp_path / "visitor.wav"
    write_speech(microphone, 60.0)
    async with visitor(chromium, microphone=microphone) as page:
        await open_site(page, site)
        await bubble(page).click()
        await expect(log(page)).to_contain_text("How can I help you?", timeout=ANSWER_MS)
        await expect(page.get_by_text("Listening")).to_be_visible(timeout=ANSWER_MS)
        await page.get_by_role("textbox").fill("What is a lot?")
        await page.get_by_role("textbox").press("Enter")
        await expect(log(page)).to_contain_text("one variety", timeout=ANSWER_MS)
        await expect(page.get_by_text("Listening")).to_be_visible(timeout=ANSWER_MS)
        await page.reload()
        await expect(log(page)).to_contain_text("one variety", timeout=ANSWER_MS)
        await page.get_by_role("textbox").fill("How can I pay?")
        await page.get_by_role("textbox").press("Enter")
        await expect(log(page)).to_contain_text("letter of credit", timeout=ANSWER_MS)
        assert (await log(page).inner_text()).count("How can I help you?") == 1


async def test_no_request_before_a_sign_of_intent(site: Site, chromium: str) -> None:
    """A visitor who never touches the bubble costs one small script."""
    async with visitor(chromium, microphone=None) as page:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await page.goto(site.url, wait_until="networkidle")
        scripts = [url for url in requests if "/static/" not in url and not url.endswith("/")]
        assert [url.rpartition("/")[2] for url in scripts] == ["widget.js"]
