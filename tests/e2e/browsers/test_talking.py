"""A call as the visitor has it: heard, seen, muted, held, set, agreed to, rated, and ended."""

from __future__ import annotations

import pytest

from tests.e2e.browsers.conftest import Call
from tests.e2e.conftest import OpenDoor, Wire
from tests.e2e.site import embedding_site

pytestmark = pytest.mark.anyio


async def test_a_spoken_turn_goes_through_its_states(open_door: OpenDoor, visit: Call) -> None:
    """Connecting, speaking, listening, hearing, thinking, speaking: each is said while it lasts."""
    async with (
        embedding_site(open_door) as (site, door),
        visit(site, speaks=True) as visitor,
    ):
        await visitor.bubble()
        # Muted, the visitor hears the greeting to its end.
        await visitor.press("Mute microphone")
        await visitor.hears()
        await visitor.until("eyes.statuses.includes('Speaking')")
        await visitor.see("Microphone is muted")
        await visitor.press("Mute microphone")
        await visitor.see("I hear you")
        await visitor.see("utterance 1")
        await visitor.press("Mute microphone")
        await visitor.see("here is what I found")
        await visitor.phase("listening")
        statuses = await visitor.evaluate("eyes.statuses")
        # How they follow each other depends on when the buttons were pressed.
        for status in ("Connecting", "Speaking", "muted", "I hear you", "Thinking"):
            assert any(status in text for text in statuses), (status, statuses)
        await visitor.ask("What does an account cost?")
        await visitor.see("What does an account cost?")
        await visitor.phase("speaking")
        await visitor.end_call()
        await visitor.find("Start again")
        await door.empty()


async def test_push_to_talk_is_heard_while_it_is_held(open_door: OpenDoor, visit: Call) -> None:
    """The bot hears nothing until the button is held by pointer or key; then it answers."""
    async with (
        embedding_site(open_door, "push-to-talk") as (site, door),
        visit(site, speaks=True) as visitor,
    ):
        await visitor.begin_call()
        assert "utterance" not in await visitor.log()
        assert await visitor.evaluate("eyes.sent().enabled") is False
        button = await visitor.find("Hold to talk")
        await visitor.do("mouse", move="down", **button)
        await visitor.see("I hear you")
        await visitor.see("utterance 1")
        await visitor.do("mouse", move="up", **button)
        await visitor.until("!eyes.sent().enabled", "silence after the button")
        await visitor.see("here is what I found")
        await visitor.phase("listening")
        # The pointer left the focus on the button.
        await visitor.do("key", move="down", key=" ")
        await visitor.until("eyes.sent().enabled", "the microphone by Space")
        await visitor.do("key", move="up", key=" ")
        await visitor.until("!eyes.sent().enabled", "silence after Space")
        await visitor.end_call()
        await door.empty()


async def test_devices_and_volume_are_chosen_during_the_call(
    open_door: OpenDoor, visit: Call
) -> None:
    """Another microphone goes out, the volume follows the slider, another speaker plays."""
    async with (
        embedding_site(open_door) as (site, door),
        visit(site) as visitor,
    ):
        await visitor.begin_call()
        before = await visitor.evaluate("eyes.sent().id")
        await visitor.press("Sound settings")
        await visitor.until("eyes.control('Volume')", "the settings")
        await visitor.until("eyes.root().querySelectorAll('select option').length", "devices")
        default, *microphones = await visitor.options("Microphone")
        assert default == "System default"
        await visitor.choose("Microphone", microphones[-1])
        await visitor.until(f"eyes.sent().id !== '{before}'", "another microphone")
        await visitor.press("Volume")
        await visitor.key("Home")
        await visitor.until("eyes.root().querySelector('audio').volume === 0", "silence")
        await visitor.key("ArrowRight", "ArrowRight")
        await visitor.until("eyes.root().querySelector('audio').volume === 0.1", "a whisper")
        speakers = await visitor.options("Speaker")
        if visitor.browser.is_firefox:
            # Firefox lists no speaker that the visitor has not given the page by its own question.
            assert speakers == []
        else:
            await visitor.choose("Speaker", speakers[-1])
            await visitor.until("eyes.root().querySelector('audio').sinkId !== ''", "a speaker")
        await visitor.ask("What is a lot?")
        await visitor.hears()
        await visitor.end_call()
        assert await visitor.evaluate("localStorage.length") == 0
        await door.empty()


async def test_text_alone_needs_no_microphone(open_door: OpenDoor, visit: Call) -> None:
    """In text mode no microphone is asked for, questions are answered in writing, all is silent."""
    async with (
        embedding_site(open_door, 'mode="text"') as (site, door),
        visit(site, microphone="blocked") as visitor,
    ):
        await visitor.evaluate(
            """(() => {
              window.asked = 0;
              const { getUserMedia } = navigator.mediaDevices;
              navigator.mediaDevices.getUserMedia = function (...args) {
                window.asked += 1;
                return getUserMedia.apply(this, args);
              };
            })()"""
        )
        await visitor.bubble()
        await visitor.see("Type your question")
        await visitor.ask("What is a lot?")
        await visitor.see("here is what I found")
        assert await visitor.evaluate("[asked, eyes.sent()]") == [0, None]
        assert await visitor.evaluate("eyes.root().querySelector('audio').srcObject === null")
        await visitor.press("End chat")
        await visitor.see("Chat ended")
        await door.empty()


async def test_consent_comes_first_and_a_rating_last(
    open_door: OpenDoor, wire: Wire, visit: Call
) -> None:
    """Nothing starts before the visitor agrees; afterwards stars and a comment reach the page."""
    attributes = 'consent="This call is recorded." rating'
    async with (
        embedding_site(open_door, attributes) as (site, door),
        visit(site) as visitor,
    ):
        await visitor.bubble()
        await visitor.see("This call is recorded.")
        await visitor.press("No, thanks")
        await visitor.press("Start a call")
        await visitor.see("This call is recorded.")
        assert door.sessions.count == 0
        assert await visitor.evaluate("[eyes.sent(), sessionStorage.length]") == [None, 0]
        assert await visitor.evaluate("localStorage.length") == 0
        await visitor.press("Remember my choice on this device")
        await visitor.press("Agree and start")
        await visitor.see("Hello.")
        await visitor.evaluate(
            """document.addEventListener("va-rating",
                 ({ detail: { stars, comment } }) => { window.rated = [stars, comment]; })"""
        )
        await visitor.press("End call")
        await visitor.see("How did it go?")
        await visitor.press("4 of 5 stars")
        await visitor.write("Anything to add? (optional)", "Good.")
        await visitor.press("Send rating")
        await visitor.see("Thank you for your rating.")
        assert await visitor.evaluate("localStorage.length") == 1
        assert await visitor.evaluate("rated") == [4, "Good."]
        await door.empty()
        # It was remembered, so the next page starts at once.
        await visitor.do("reload")
        await visitor.bubble()
        await visitor.see("Hello.")
        await visitor.press("End call")
        await visitor.phase("ended")
        await door.empty()
