"""Where the widget stands, in which colours and direction; consent keeps a call from starting."""

from __future__ import annotations

from itertools import product

import pytest

from tests.e2e.browsers.conftest import Call
from tests.e2e.browsers.visitor import Visitor
from tests.e2e.conftest import OpenDoor
from tests.e2e.site import embedding_site

pytestmark = pytest.mark.anyio

PLACEMENTS = [
    f"{edge}-{side}" for edge, side in product(("bottom", "top"), ("left", "center", "right"))
]
# A desktop, the same at 200 %, a phone upright and on its side, the smallest phone.
WINDOWS = [(1440, 900), (720, 450), (390, 844), (844, 390), (320, 568)]
SET = "((name, value) => document.querySelector('voice-assistant').setAttribute(name, value))"
PANEL = "eyes.root().querySelector('.panel')"

# Controls that are not wholly inside the panel, or under something else.
CLIPPED = """
(() => {
  const panel = eyes.root().querySelector(".panel").getBoundingClientRect();
  if (panel.left < 0 || panel.top < 0 || panel.right > innerWidth || panel.bottom > innerHeight)
    return ["panel"];
  const clipped = [];
  for (const node of eyes.root().querySelectorAll(".panel :is(button, input, select, textarea)")) {
    if (!node.checkVisibility()) continue;
    node.scrollIntoView({ block: "nearest" });
    const { left, top, right, bottom } = node.getBoundingClientRect();
    const hit = eyes.root().elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const inside = left >= panel.left && top >= panel.top && right <= panel.right
      && bottom <= panel.bottom;
    if (!inside || !hit || !(node.contains(hit) || hit.contains(node)))
      clipped.push(node.getAttribute("aria-label") ?? node.textContent);
  }
  return clipped;
})()
"""


async def fits(visitor: Visitor) -> None:
    """Nothing is cut off in any window."""
    for width, height in WINDOWS:
        await visitor.do("viewport", width=width, height=height)
        await visitor.until(f"innerWidth === {width} && innerHeight === {height}")
        # The panel may still be rising.
        await visitor.until(f"{CLIPPED}.length === 0", f"whole at {width}x{height}")


async def test_every_placement_in_every_window(open_door: OpenDoor, visit: Call) -> None:
    """Six placements and three sizes, on any screen: the whole panel can be seen and pressed."""
    attributes = f'consent="{"This call is recorded. " * 30}"'
    async with (
        embedding_site(open_door, attributes) as (site, door),
        visit(site) as visitor,
    ):
        await visitor.bubble()
        await visitor.see("This call is recorded.")
        for placement in PLACEMENTS:
            await visitor.evaluate(f"{SET}('placement', '{placement}')")
            await fits(visitor)
        for size in ("compact", "full"):
            await visitor.evaluate(f"{SET}('size', '{size}')")
            await fits(visitor)
        assert door.sessions.count == 0


async def test_colours_and_direction(open_door: OpenDoor, visit: Call) -> None:
    """Light and dark differ, the page's variables count, Arabic reads from the right."""
    async with (
        embedding_site(open_door, 'consent="This call is recorded." lang="ar"') as (site, _),
        visit(site) as visitor,
    ):
        await visitor.bubble()
        await visitor.see("This call is recorded.")
        surface = f"getComputedStyle({PANEL}).backgroundColor"
        colours = []
        for theme in ("light", "dark"):
            await visitor.evaluate(f"{SET}('theme', '{theme}')")
            colours.append(await visitor.evaluate(surface))
        assert colours == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]
        own = "style.setProperty('--voice-assistant-surface', 'rgb(1, 2, 3)')"
        await visitor.evaluate(f"document.querySelector('voice-assistant').{own}")
        assert await visitor.evaluate(surface) == "rgb(1, 2, 3)"
        assert await visitor.evaluate(f"getComputedStyle({PANEL}).direction") == "rtl"
        await visitor.evaluate("document.documentElement.dir = 'rtl'")
        await visitor.until(f"{PANEL}.getBoundingClientRect().left < 100", "the other side")
