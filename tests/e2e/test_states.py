"""Every state that a person can get into, on the real server, with its way out.

Sound that the browser holds back is not here but in the Firefox stories: what Playwright evaluates
counts as a gesture, after which Chromium holds nothing back.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from livekit import rtc
from playwright.async_api import Page, expect

from local.caller import connect
from local.processes import free_port
from tests.e2e.chromium import (
    ANSWER_MS,
    ask,
    bubble,
    caller_on,
    embedding_site,
    log,
    phase,
    press,
    see,
    widget,
)
from tests.e2e.conftest import OpenDoor, Wire
from tests.e2e.page import write_speech
from tests.e2e.site import embedding_page, serve_site, strict_policy
from tests.replay.recording import load_recording

pytestmark = [pytest.mark.anyio, pytest.mark.widget]

QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """A microphone in a quiet room."""
    path = tmp_path / "visitor.wav"
    write_speech(path, 60.0)
    return path


async def statuses(page: Page) -> list[str]:
    """Note every line that the status shows from here on."""
    return await page.evaluate(
        """() => {
          window.statuses = [];
          const note = () => {
            const status = document.querySelector("voice-assistant").shadowRoot
              .querySelector("[role=status]");
            const text = status?.textContent;
            if (text && window.statuses.at(-1) !== text) window.statuses.push(text);
          };
          new MutationObserver(note).observe(
            document.querySelector("voice-assistant").shadowRoot,
            { subtree: true, childList: true, characterData: true });
          return window.statuses;
        }"""
    )


async def test_a_spoken_turn_goes_through_its_states(open_door: OpenDoor, tmp_path: Path) -> None:
    """Connecting, listening, hearing, thinking, speaking: each is said while it lasts."""
    microphone = tmp_path / "visitor.wav"
    write_speech(microphone, 7.0, QUESTION, 30.0)
    async with (
        embedding_site(open_door) as (site, door),
        caller_on(site, microphone=microphone) as page,
    ):
        await statuses(page)
        await bubble(page).click()
        await expect(log(page)).to_contain_text("here is what I found", timeout=ANSWER_MS)
        await phase(page, "listening")
        seen = iter(await page.evaluate("() => window.statuses"))
        for status in ("Connecting", "Speaking", "Listening", "I hear you", "Thinking", "Speaking"):
            assert any(status in text for text in seen), status
        await press(page, "End call")
        await see(page, "Start again")
        await door.empty()


async def test_a_full_server_is_waited_for(open_door: OpenDoor, quiet: Path) -> None:
    """All lines busy: a countdown by the server's Retry-After, and then the call."""
    async with (
        embedding_site(open_door, max_sessions=1, join_timeout_secs=6) as (site, door),
        caller_on(site, microphone=quiet) as page,
    ):
        await connect(door.url)
        async with page.expect_response(f"{door.url}/connect") as refused:
            await bubble(page).click()
        assert (await refused.value).headers["retry-after"] == "10"
        await see(page, "All lines are busy")
        await see(page, "Trying again in")
        # Nobody joined the other session, so its line is free before the countdown is over.
        await phase(page, "listening")
        await press(page, "End call")
        await phase(page, "ended")
        await door.empty()


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        ("NotAllowedError", "not allowed here"),
        ("microphone=()", "does not let the assistant use"),
        ("NotReadableError", "Another app is using"),
        ("NotFoundError", "No microphone was found"),
    ],
    ids=["permission", "policy", "another application", "none"],
)
async def test_a_microphone_that_is_blocked(
    open_door: OpenDoor, quiet: Path, problem: str, says: str
) -> None:
    """The reason is said, typing works, and what can be tried again is offered."""
    by_policy = "=" in problem
    headers = {"Permissions-Policy": problem} if by_policy else {}
    async with (
        embedding_site(open_door, headers=headers) as (site, door),
        caller_on(site, microphone=quiet) as page,
    ):
        await page.evaluate(
            """(name) => {
              const devices = navigator.mediaDevices;
              window.allow = () => { delete devices.getUserMedia; };
              const refuse = () => Promise.reject(new DOMException("", name));
              if (!name.includes("=")) devices.getUserMedia = refuse;
            }""",
            problem,
        )
        await bubble(page).click()
        await see(page, says)
        await ask(page, "What does an account cost?")
        await phase(page, "speaking")
        await phase(page, "listening")
        again = widget(page).get_by_role("button", name="Try the microphone again")
        await expect(again).to_have_count(0 if by_policy else 1)
        if not by_policy:
            await page.evaluate("() => allow()")
            await again.click()
            await expect(widget(page).get_by_role("button", name="Mute")).to_be_visible()
            await expect(again).to_have_count(0)
        await press(page, "End call")
        await phase(page, "ended")
        await door.empty()


async def test_a_connection_that_breaks_comes_back(open_door: OpenDoor, quiet: Path) -> None:
    """A LiveKit that is gone for a moment is said to be reconnected to; the call goes on."""
    async with (
        embedding_site(open_door, reconnect_grace_secs=20) as (site, door),
        caller_on(site, microphone=quiet) as page,
    ):
        await statuses(page)
        await bubble(page).click()
        await see(page, "Hello.")
        await phase(page, "listening")
        session = await page.context.new_cdp_session(page)
        await session.send("Network.enable")
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        await page.evaluate("() => sockets.forEach((socket) => socket.close())")
        await session.send("Network.emulateNetworkConditions", offline)
        await phase(page, "reconnecting")
        await session.send(
            "Network.emulateNetworkConditions",
            {**offline, "offline": False, "downloadThroughput": -1, "uploadThroughput": -1},
        )
        await phase(page, "listening")
        await ask(page, "What is a lot?")
        await phase(page, "speaking")
        assert door.sessions.count == 1
        await press(page, "End call")
        await phase(page, "ended")
        await door.empty()


async def test_a_bot_that_leaves_says_why(open_door: OpenDoor, quiet: Path) -> None:
    """Silence and the longest time are named; a click starts a new conversation."""
    async with (
        embedding_site(open_door, session_max_secs=6) as (site, door),
        caller_on(site, microphone=quiet) as page,
    ):
        await bubble(page).click()
        await see(page, "The call reached its longest time.")
        await press(page, "Start again")
        await see(page, "Hello.")
        await press(page, "End call")
        await phase(page, "ended")
        await door.empty()


async def test_a_bot_that_vanishes(open_door: OpenDoor, quiet: Path) -> None:
    """A bot that is gone without a word is missed within seconds, and a restart is offered."""
    async with (
        embedding_site(open_door) as (site, door),
        caller_on(site, microphone=quiet) as page,
    ):
        await bubble(page).click()
        await see(page, "Hello.")
        await phase(page, "listening")
        for running in door.sessions._running.values():
            running.task.cancel()
        await see(page, "The assistant has left the call.")
        await press(page, "Start again")
        await see(page, "Hello.")
        await press(page, "End call")
        await phase(page, "ended")
        await door.empty()


async def test_a_voice_and_a_model_that_fail(open_door: OpenDoor, wire: Wire, quiet: Path) -> None:
    """Without its voice the bot is read; an answer that fails is said, and the next one comes."""
    async with (
        embedding_site(open_door) as (site, door),
        caller_on(site, microphone=quiet) as page,
    ):
        await bubble(page).click()
        await see(page, "Hello.")
        await phase(page, "listening")
        await wire.fail(llm={"fault": "status", "code": 503, "times": 2})
        await ask(page, "What is a lot?")
        await see(page, "Something went wrong with that answer")
        await phase(page, "listening")
        await ask(page, "What is a lot?")
        await see(page, "here is what I found")
        await press(page, "End call")
        await phase(page, "ended")
        await door.empty()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hold a connection open until its client lets go."""
    await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_a_server_that_is_dead_or_slow(open_door: OpenDoor, quiet: Path) -> None:
    """Nobody answers: said at once. Nobody answers in time: the visitor can leave by then."""
    port, silent = free_port(), await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    slow = silent.sockets[0].getsockname()[1]
    async with open_door() as door:
        for address, says in ((free_port(), "cannot be reached"), (slow, "Connecting")):
            element = f'server="http://127.0.0.1:{address}"'
            pages = {"/": ("text/html", embedding_page(door.url, element))}
            policy = strict_policy(door.url)
            async with (
                serve_site(port, pages, policy) as site,
                caller_on(site, microphone=quiet) as page,
            ):
                await bubble(page).click()
                await see(page, says)
                if address == slow:
                    await press(page, "End call")
                await expect(widget(page).get_by_role("button", name="Start again")).to_be_visible(
                    timeout=ANSWER_MS
                )
        assert door.sessions.count == 0
    silent.close()
    await silent.wait_closed()


HOSTILE = [
    b"\xff\xfe",
    b"[]",
    b"{}" * 30_000,
    json.dumps({"label": "rtvi-ai", "type": "of-tomorrow", "data": {"a": [None] * 9}}).encode(),
    json.dumps({"label": "rtvi-ai", "type": "bot-output", "data": 7}).encode(),
    json.dumps({"label": "rtvi-ai", "type": "bot-output", "data": {"text": "y" * 64_000}}).encode(),
    *(
        json.dumps(
            {
                "label": "rtvi-ai",
                "type": "bot-output",
                "data": {"text": text, "segment_id": n, "will_be_spoken": False},
            }
        ).encode()
        for n, text in enumerate(
            (
                "<img src=x onerror=alert(1)><script>alert(2)</script>",
                "\u202egnirts\u202c \u2066\u2067 \u200f" + "\u0301" * 500,
                "javascript:alert(1) https://evil.example/ data:text/html,x",
                "x" * 20_000,
            ),
            start=900,
        )
    ),
    json.dumps({"label": "rtvi-ai", "type": "error", "data": {"error": {"a": 1}}}).encode(),
]


async def test_hostile_packets_from_the_bots_side(open_door: OpenDoor, quiet: Path) -> None:
    """Markup, bidi, 64 KB, garbage, unknown messages: text at most, and the call goes on."""
    async with (
        embedding_site(open_door) as (site, door),
        caller_on(site, microphone=quiet) as page,
    ):
        await bubble(page).click()
        await see(page, "Hello.")
        await phase(page, "listening")
        (running,) = door.sessions._running.values()
        transport = running.session._transport
        room: rtc.Room = transport._client.room
        for payload in HOSTILE:
            await room.local_participant.publish_data(payload[:60_000], reliable=True)
        await expect(log(page)).to_contain_text("onerror=alert(1)", timeout=ANSWER_MS)
        await expect(log(page)).to_contain_text("xxxx", timeout=ANSWER_MS)
        assert await log(page).locator("img, script, a").count() == 0
        overflow = "node => node.scrollWidth - node.clientWidth"
        assert await widget(page).locator(".scroll").evaluate(overflow) == 0
        await ask(page, "What is a lot?")
        await see(page, "here is what I found")
        await press(page, "End call")
        await phase(page, "ended")
        await door.empty()
