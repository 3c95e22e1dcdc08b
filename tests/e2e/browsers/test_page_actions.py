"""The page tells the bot what it shows, and the bot acts in the page: real browser, real bot."""

from __future__ import annotations

import pytest

from tests.e2e.browsers.conftest import Call
from tests.e2e.conftest import OpenDoor, Wire
from tests.e2e.site import embedding_site

pytestmark = pytest.mark.anyio

REGISTER = """
(() => {
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
})()
"""


async def test_the_bot_acts_in_the_page(open_door: OpenDoor, wire: Wire, visit: Call) -> None:
    """An allowed action runs with its arguments; the visitor sees it run, then hears the answer."""
    async with (
        embedding_site(open_door, 'allow-actions="open_contract"') as (site, door),
        visit(site) as visitor,
    ):
        await visitor.evaluate(REGISTER)
        await visitor.begin_call()
        call = {"fault": "call", "name": "open_contract", "times": 1}
        await wire.fail(llm={**call, "arguments": {"number": "C-17"}})
        await visitor.ask("Open the second one.")
        await visitor.see("Looking it up")
        await visitor.until("opened.join() === 'C-17'")
        await visitor.evaluate("finish()")
        await visitor.see("here is what I found")
        assert await visitor.evaluate("outcomes") == [["open_contract", "done"]]

        # An action that is not on the page's list is never offered: the bot just answers.
        await wire.fail(llm={**call, "name": "delete_contract"})
        await visitor.phase("listening")
        await visitor.ask("Delete it.")
        await visitor.phase("speaking")
        await wire.heal()
        assert await visitor.evaluate("opened") == ["C-17"]

        # One with arguments of another kind is refused by the page, and the bot goes on.
        await wire.fail(llm={**call, "arguments": {"number": 17}})
        await visitor.phase("listening")
        await visitor.ask("Open seventeen.")
        await visitor.until("outcomes.length === 2")
        assert await visitor.evaluate("outcomes[1]") == ["open_contract", "refused"]
        await visitor.phase("speaking")
        await visitor.evaluate("document.querySelector('voice-assistant').end()")
        await door.empty()
        assert "Delete it." in await visitor.log()
