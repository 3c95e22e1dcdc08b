"""The operator's page in a browser, beside conversations that go on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from local.caller import Caller, connect
from tests.e2e.conftest import OpenDoor
from tests.e2e.page import complaints, visitor
from tests.e2e.test_site import chromium
from tests.replay.recording import load_recording

__all__ = ["chromium"]

pytestmark = [pytest.mark.anyio, pytest.mark.widget]

PASSWORD = "correct horse battery"
QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm
LOOKS = (
    ("light", "desktop", {"width": 1280, "height": 900}),
    ("dark", "desktop", {"width": 1280, "height": 900}),
    ("light", "phone", {"width": 390, "height": 844}),
    ("dark", "phone", {"width": 390, "height": 844}),
)


async def keep_pictures(page: Page, folder: Path) -> None:
    for scheme, device, size in LOOKS:
        await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        await page.set_viewport_size(size)  # pyright: ignore[reportArgumentType]
        await page.screenshot(path=folder / f"ops-{scheme}-{device}.png", full_page=True)


async def test_an_operator_sees_what_goes_on(open_door: OpenDoor, chromium: str) -> None:
    """After the password: who talks, how long answers took, and a session from turn to turn."""
    async with (
        open_door(ops_password=PASSWORD, price_tts_1000_characters=30) as door,
        Caller(await connect(door.url)) as caller,
        visitor(chromium, microphone=None) as page,
    ):
        await caller.ready()
        await caller.wait_for("bot-stopped-speaking")
        for count in (2, 3):
            await caller.say(QUESTION)
            await caller.wait_for("bot-stopped-speaking", count=count)

        await page.goto(f"{door.url}/ops")
        await page.get_by_label("Password").fill("something else")
        await page.get_by_role("button", name="Log in").click()
        await expect(page.get_by_role("alert")).to_have_text("The password is wrong.")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()

        now = page.get_by_role("list", name="Now")
        await expect(now).to_contain_text("1 of 2")
        await expect(now).to_contain_text("2 turns")
        await expect(now.get_by_role("listitem").filter(has_text="Providers")).to_contain_text(
            "tts"
        )
        await expect(page.get_by_role("img", name="Question to answer")).to_be_visible()
        live = page.locator("details", has_text="live")
        await expect(live).to_contain_text(caller.invitation.session_id)
        await live.locator("summary").click()
        await expect(live.get_by_role("img", name="2 turns")).to_be_visible()
        await expect(live.locator(".stack")).to_have_count(2)
        if folder := os.environ.get("SCREENSHOTS"):  # noqa: TID251 - as `make screenshots` names it
            await keep_pictures(page, Path(folder))

        await caller.send("disconnect-bot")
        await caller.disconnected.wait()
        await page.locator("h1").last.click()
        await expect(page.locator("details", has_text="client_request")).to_be_visible()
        await expect(now).to_contain_text("0 of 2")
        assert await complaints(page) == []

        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_label("Password")).to_be_focused()
        await page.reload()
        await expect(page.get_by_label("Password")).to_be_visible()
