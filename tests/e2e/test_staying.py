"""What becomes of a call when its page goes: a reload, another tab, the end, a closed tab."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.settings import BotSettings
from tests.e2e.chromium import (
    ask,
    bubble,
    caller_on,
    embedding_site,
    log,
    phase,
    press,
    see,
)
from tests.e2e.conftest import OpenDoor
from tests.e2e.page import write_speech

pytestmark = [pytest.mark.anyio, pytest.mark.widget]

GRACE_SECS = BotSettings.model_fields["reconnect_grace_secs"].default


@pytest.fixture
def microphone(tmp_path: Path) -> Path:
    """A microphone in a quiet room."""
    path = tmp_path / "visitor.wav"
    write_speech(path, 60.0)
    return path


async def test_a_reload_resumes_and_the_end_button_ends(
    open_door: OpenDoor, microphone: Path
) -> None:
    """With the default grace a reload keeps the session; the end button ends it without one."""
    async with (
        embedding_site(open_door, reconnect_grace_secs=GRACE_SECS) as (site, door),
        caller_on(site, microphone=microphone) as page,
    ):
        await bubble(page).click()
        await see(page, "Hello.")
        await phase(page, "listening")
        await ask(page, "What is a lot?")
        await phase(page, "speaking")
        await phase(page, "listening")
        await page.reload()
        await see(page, "What is a lot?")
        # Without a gesture on this page the browser may hold the sound back.
        await bubble(page).hover()
        await phase(page, "listening")
        await ask(page, "How can I pay?")
        await phase(page, "speaking")
        assert (await log(page).inner_text()).count("Hello.") == 1
        assert door.sessions.count == 1
        await press(page, "End call")
        async with asyncio.timeout(GRACE_SECS / 2):
            await door.sessions.all_ended()


async def test_a_page_that_is_left_for_good_ends_the_session(
    open_door: OpenDoor, microphone: Path
) -> None:
    """Pagehide leaves the room at once, so that the grace is all that a closed tab costs."""
    async with (
        embedding_site(open_door, reconnect_grace_secs=1) as (site, door),
        caller_on(site, microphone=microphone) as page,
    ):
        await bubble(page).click()
        await see(page, "Hello.")
        await page.goto("about:blank")
        # LiveKit notices a browser that just vanishes after 13 s or more.
        async with asyncio.timeout(10):
            await door.sessions.all_ended()
        await page.goto(site)


async def test_two_tabs_do_not_fight(open_door: OpenDoor, microphone: Path) -> None:
    """The tab that starts last has the call; the other says so, and its session ends."""
    async with (
        embedding_site(open_door) as (site, door),
        caller_on(site, microphone=microphone) as first,
    ):
        await bubble(first).click()
        await see(first, "Hello.")
        second = await first.context.new_page()
        await second.goto(site)
        await bubble(second).click()
        await see(second, "Hello.")
        await see(first, "You started a call in another tab")
        assert door.sessions.count == 1
        # It may take the call back, by hand.
        await first.bring_to_front()
        await press(first, "Start again")
        await see(first, "Hello.")
        await second.bring_to_front()
        await see(second, "You started a call in another tab")
        await first.bring_to_front()
        await press(first, "End call")
        await phase(first, "ended")
        await door.empty()


async def test_an_element_that_moves_keeps_its_call(open_door: OpenDoor, microphone: Path) -> None:
    """moveBefore() and a new address keep the call; taking the element away ends it."""
    async with (
        embedding_site(open_door) as (site, door),
        caller_on(site, microphone=microphone) as page,
    ):
        await bubble(page).click()
        await see(page, "Hello.")
        await phase(page, "listening")
        await page.evaluate(
            """() => {
              const target = document.body.appendChild(document.createElement("main"));
              target.moveBefore(document.querySelector("voice-assistant"), null);
              history.pushState(null, "", "/contracts");
            }"""
        )
        await ask(page, "What is a lot?")
        await phase(page, "speaking")
        await page.evaluate("() => document.querySelector('voice-assistant').remove()")
        await door.empty()
