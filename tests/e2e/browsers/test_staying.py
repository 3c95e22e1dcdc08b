"""What becomes of a call when its page goes or changes, and what the bot does in the page."""

from __future__ import annotations

import asyncio

import pytest

from bot.settings import BotSettings
from tests.e2e.browsers.conftest import Call
from tests.e2e.conftest import OpenDoor
from tests.e2e.site import embedding_site

pytestmark = pytest.mark.anyio

GRACE_SECS = BotSettings.model_fields["reconnect_grace_secs"].default


async def test_a_reload_resumes_and_the_end_button_ends(open_door: OpenDoor, visit: Call) -> None:
    """With the default grace a reload keeps the session; the end button ends it without one."""
    async with (
        embedding_site(open_door, reconnect_grace_secs=GRACE_SECS) as (site, door),
        visit(site) as visitor,
    ):
        await visitor.begin_call()
        await visitor.ask("What is a lot?")
        await visitor.phase("speaking")
        await visitor.phase("listening")
        await visitor.do("reload")
        await visitor.see("What is a lot?")
        # No gesture on this page yet: typing is one, and lets the sound play.
        await visitor.ask("How can I pay?")
        await visitor.phase("speaking")
        await visitor.hears()
        assert (await visitor.log()).count("Hello.") == 1
        assert door.sessions.count == 1
        await visitor.end_call()
        async with asyncio.timeout(GRACE_SECS / 2):
            await door.sessions.all_ended()


async def test_a_page_that_is_left_for_good_ends_the_session(
    open_door: OpenDoor, visit: Call
) -> None:
    """A closed tab costs the grace, and not the time until LiveKit misses the browser."""
    async with (
        embedding_site(open_door, reconnect_grace_secs=1) as (site, door),
        visit(site) as visitor,
    ):
        await visitor.bubble()
        await visitor.see("Hello.")
        await visitor.goto("about:blank")
        # LiveKit notices a browser that just vanishes after 13 s or more.
        async with asyncio.timeout(10):
            await door.sessions.all_ended()
        await visitor.goto(site)


async def test_two_tabs_do_not_fight(open_door: OpenDoor, visit: Call) -> None:
    """The tab that starts last has the call; the other says so, and may take it back by hand."""
    elsewhere = "You started a call in another tab"
    async with (
        embedding_site(open_door) as (site, door),
        visit(site) as visitor,
    ):
        await visitor.bubble()
        await visitor.see("Hello.")
        second = await visitor.do("tab")
        await visitor.goto(site)
        await visitor.bubble()
        await visitor.see("Hello.")
        await visitor.do("front", tab=0)
        await visitor.see(elsewhere)
        assert door.sessions.count == 1
        await visitor.press("Start again")
        await visitor.see("Hello.")
        await visitor.do("front", tab=second)
        await visitor.see(elsewhere)
        assert await visitor.complaints() == []
        await visitor.do("front", tab=0)
        await visitor.end_call()
        await door.empty()


async def test_a_call_that_goes_on_in_another_room_is_followed(
    open_door: OpenDoor, visit: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node that has its room says nothing any more; the page asks where its call is now."""
    async with (
        embedding_site(open_door) as (site, door),
        visit(site) as visitor,
    ):
        await visitor.begin_call()
        await visitor.ask("What is a lot?")
        await visitor.phase("speaking")
        await visitor.phase("listening")
        (running,) = door.sessions.all()
        lost, rooms = running.room, door.sessions._rooms
        make = rooms._make

        async def says_nothing(name: str, *, is_old: bool) -> None:
            if name == lost:
                raise TimeoutError
            await make(name, is_old=is_old)

        monkeypatch.setattr(rooms, "_make", says_nothing)
        running.placed.adrift.set()
        await visitor.see("I am back")
        assert running.room != lost
        await visitor.ask("How can I pay?")
        await visitor.phase("speaking")
        await visitor.hears()
        assert "What is a lot?" in await visitor.log()
        await visitor.end_call()
        await door.empty()


async def test_an_element_that_moves_keeps_its_call(open_door: OpenDoor, visit: Call) -> None:
    """A route change, also one that moves the element, keeps the call; taking it away ends it."""
    async with (
        embedding_site(open_door) as (site, door),
        visit(site) as visitor,
    ):
        await visitor.begin_call()
        await visitor.evaluate(
            """(() => {
              const target = document.body.appendChild(document.createElement("main"));
              target.moveBefore(document.querySelector("voice-assistant"), null);
              history.pushState(null, "", "/contracts");
            })()"""
        )
        await visitor.ask("What is a lot?")
        await visitor.phase("speaking")
        await visitor.evaluate("void document.querySelector('voice-assistant').remove()")
        await door.empty()
