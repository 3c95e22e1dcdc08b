"""The page tells the bot what it shows, and the bot acts in the page: real browser, real bot."""

from __future__ import annotations

import pytest

from tests.e2e.chromium import ask, bubble, caller_on, embedding_site, log, phase, see
from tests.e2e.conftest import OpenDoor, Wire

pytestmark = [pytest.mark.anyio, pytest.mark.widget]

REGISTER = """
() => {
  const element = document.querySelector("voice-assistant");
  window.opened = [];
  window.outcomes = [];
  window.finish = () => undefined;
  element.addEventListener("va-action", ({ detail: { name, outcome } }) =>
    outcomes.push([name, outcome]));
  element.pageContext = { title: "Contracts", shown: ["C-16", "C-17"] };
  element.actions = {
    open_contract: {
      description: "Opens one contract.",
      parameters: {
        type: "object", properties: { number: { type: "string" } }, required: ["number"],
      },
      run: ({ number }) => {
        opened.push(number);
        return new Promise((resolve) => { window.finish = () => resolve({ opened: number }); });
      },
    },
    delete_contract: { description: "Deletes one contract.", run: () => opened.push("deleted") },
  };
}
"""


async def test_the_bot_acts_in_the_page(open_door: OpenDoor, wire: Wire) -> None:
    """An allowed action runs with its arguments; the visitor sees it run, then hears the answer."""
    async with (
        embedding_site(open_door, 'allow-actions="open_contract"') as (site, door),
        caller_on(site) as page,
    ):
        await page.evaluate(REGISTER)
        await bubble(page).click()
        await see(page, "Hello.")
        await phase(page, "listening")
        call = {"fault": "call", "name": "open_contract", "times": 1}
        await wire.fail(llm={**call, "arguments": {"number": "C-17"}})
        await ask(page, "Open the second one.")
        await see(page, "Looking it up")
        await page.wait_for_function("() => opened.join() === 'C-17'")
        await page.evaluate("finish()")
        await see(page, "here is what I found")
        assert await page.evaluate("outcomes") == [["open_contract", "done"]]

        # An action that is not on the page's list is never offered: the bot just answers.
        await wire.fail(llm={**call, "name": "delete_contract"})
        await phase(page, "listening")
        await ask(page, "Delete it.")
        await phase(page, "speaking")
        await wire.heal()
        assert await page.evaluate("opened") == ["C-17"]

        # One with arguments of another kind is refused by the page, and the bot goes on.
        await wire.fail(llm={**call, "arguments": {"number": 17}})
        await phase(page, "listening")
        await ask(page, "Open seventeen.")
        await page.wait_for_function("() => outcomes.length === 2")
        assert await page.evaluate("outcomes[1]") == ["open_contract", "refused"]
        await phase(page, "speaking")
        await page.evaluate("document.querySelector('voice-assistant').end()")
        await door.empty()
        assert "Delete it." in await log(page).inner_text()
