"""A microphone that does not open: why is said, typing works, and what can help is offered."""

from __future__ import annotations

import pytest

from local.processes import free_port
from tests.e2e.browsers.conftest import Call
from tests.e2e.browsers.visitor import Visitor
from tests.e2e.conftest import OpenDoor
from tests.e2e.site import embedding_site, serve_site

pytestmark = pytest.mark.anyio

AGAIN = "Try the microphone again"


async def types_instead(visitor: Visitor) -> None:
    """The bot answers a typed question, aloud."""
    await visitor.ask("What does an account cost?")
    await visitor.phase("speaking")
    await visitor.hears()
    await visitor.phase("listening")


@pytest.mark.parametrize(
    ("microphone", "says"),
    [("blocked", "not allowed here"), ("none", "No microphone was found")],
)
async def test_a_microphone_that_is_not_there_for_the_page(
    open_door: OpenDoor, visit: Call, microphone: str, says: str
) -> None:
    """Forbidden by the visitor, or none plugged in: said in words, and it can be tried again."""
    async with (
        embedding_site(open_door) as (site, door),
        visit(site, microphone=microphone) as visitor,
    ):
        await visitor.bubble()
        await visitor.see(says)
        await types_instead(visitor)
        await visitor.press(AGAIN)
        await visitor.see(says)
        await visitor.end_call()
        await door.empty()


async def test_a_microphone_that_another_application_uses(open_door: OpenDoor, visit: Call) -> None:
    """It is said so; once the other application has let go, a click takes the microphone."""
    async with (
        embedding_site(open_door) as (site, door),
        visit(site) as visitor,
    ):
        # The browsers' fake microphones are never in use, so the refusal is put before them.
        await visitor.evaluate(
            """navigator.mediaDevices.getUserMedia =
                 () => Promise.reject(new DOMException("", "NotReadableError"))"""
        )
        await visitor.bubble()
        await visitor.see("Another app is using")
        await types_instead(visitor)
        await visitor.evaluate("delete navigator.mediaDevices.getUserMedia")
        await visitor.press(AGAIN)
        await visitor.find("Mute microphone")
        await visitor.until("eyes.sent().enabled", "the microphone")
        assert not await visitor.offers(AGAIN)
        await visitor.end_call()
        await door.empty()


async def test_a_microphone_that_the_pages_policy_forbids(open_door: OpenDoor, visit: Call) -> None:
    """In a frame that is not given the microphone it is said so, and typing works."""
    async with embedding_site(open_door) as (site, door):
        outer = (
            f'<!doctype html><title>Outer</title><iframe src="{site}" allow="autoplay"></iframe>'
        )
        style = "<style>body { margin: 0 } iframe { border: 0; width: 100vw; height: 99vh }</style>"
        pages = {"/": ("text/html", outer + style)}
        async with serve_site(free_port(), pages) as outside, visit(outside) as visitor:
            visitor.in_frame = True
            await visitor.bubble()
            # Firefox tells a page nothing of policies, so it reads like a visitor's refusal.
            denied = "not allowed here"
            blocked = "does not let the assistant use"
            await visitor.see(denied if visitor.browser.is_firefox else blocked)
            await types_instead(visitor)
            assert await visitor.offers(AGAIN) == visitor.browser.is_firefox
            await visitor.end_call()
            await door.empty()
