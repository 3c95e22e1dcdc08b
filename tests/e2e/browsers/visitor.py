"""A visitor in a real browser: the same words for Chromium and for Firefox.

`widget/test/visitor/driver.ts` drives both, a process of its own at the other end of a pipe.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from tests.conftest import REPOSITORY, environment

WIDGET = REPOSITORY / "widget"
DRIVER = WIDGET / ".cache" / "visitor" / "driver.mjs"
ESBUILD = WIDGET / "node_modules" / ".bin" / "esbuild"
BUILD_SECS = 60
# An answer of the real server on a busy machine; a story that hangs ends here.
SEE_SECS = 25.0
LOOK_SECS = 0.05
CLOSE_SECS = 20.0

# What Firefox's microphone hums; Opus carries nothing above 20 kHz.
QUIET_HZ = 22_000
HUM_HZ = 1000


async def bundle_driver() -> None:
    """Make the driver's one file: Node 20 reads no TypeScript."""
    # Inside the package, where Node finds puppeteer-core.
    bundle = ("test/visitor/driver.ts", "--bundle", "--platform=node", "--format=esm")
    rest = ("--packages=external", "--log-level=warning", f"--outfile={DRIVER}")
    child = await asyncio.create_subprocess_exec(str(ESBUILD), *bundle, *rest, cwd=WIDGET)
    assert await asyncio.wait_for(child.wait(), BUILD_SECS) == 0


@dataclass(frozen=True)
class Browser:
    """A stock browser of this machine."""

    name: Literal["chromium", "firefox"]
    path: str

    @property
    def is_firefox(self) -> bool:
        """Whether it is the one that is driven by WebDriver BiDi."""
        return self.name == "firefox"


@dataclass(frozen=True)
class Microphone:
    """What the browser finds when the page asks for a microphone.

    Attributes:
        kind: It opens; the visitor has forbidden it; there is none.
        sound: WAV file that Chromium's plays again and again.
        speaks: Whether something is said into it all the time; Firefox hums, which the scripted
            speech-to-text takes for words.
    """

    kind: Literal["granted", "blocked", "none"]
    sound: Path
    speaks: bool = False


class Visitor:
    """Looks, clicks and types, in the tab that is in front."""

    def __init__(self, browser: Browser, child: asyncio.subprocess.Process) -> None:
        """Take over a driver that was just started."""
        self.browser = browser
        # The widget stands in the page's only frame.
        self.in_frame = False
        self._child = child

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        browser: Browser,
        microphone: Microphone,
        *,
        width: int = 1440,
        height: int = 900,
        inside: Sequence[str] = (),
    ) -> AsyncGenerator[Self]:
        """Open a browser; it is closed with the block.

        Args:
            browser: Which one.
            microphone: What it finds.
            width: Of the window.
            height: Of the window.
            inside: A command that runs another one somewhere else.
        """
        child = await asyncio.create_subprocess_exec(
            *inside,
            shutil.which("node") or "node",
            str(DRIVER),
            cwd=WIDGET,
            env=environment(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=2**24,
        )
        try:
            visitor = cls(browser, child)
            await visitor.do(
                "open",
                browser=browser.name,
                executable=browser.path,
                microphone=microphone.kind,
                sound=str(microphone.sound),
                humHz=HUM_HZ if microphone.speaks else QUIET_HZ,
                width=width,
                height=height,
            )
            yield visitor
        finally:
            assert child.stdin
            child.stdin.close()
            try:
                await asyncio.wait_for(child.wait(), CLOSE_SECS)
            except TimeoutError:
                child.kill()
                await child.wait()

    async def do(self, does: str, **how: Any) -> Any:
        """Send one command of the driver's and return its value."""
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(json.dumps({"does": does, **how}).encode() + b"\n")
        await self._child.stdin.drain()
        line = await self._child.stdout.readline()
        assert line, "the driver is gone"
        answer = json.loads(line)
        if "error" in answer:
            raise DriverError(answer["error"])
        return answer["value"]

    async def evaluate(self, script: str) -> Any:
        """Return the value of an expression, awaited; it is no gesture."""
        return await self.do("evaluate", script=script, inFrame=self.in_frame)

    async def until(self, script: str, what: str = "", *, within_secs: float = SEE_SECS) -> Any:
        """Wait until an expression is true, also over a page change; return its value."""
        try:
            async with asyncio.timeout(within_secs):
                while True:
                    try:
                        if value := await self.evaluate(script):
                            return value
                    except DriverError:
                        pass  # between two pages there is nothing to ask
                    await asyncio.sleep(LOOK_SECS)
        except TimeoutError:
            pass
        shown = await self.evaluate("[eyes.text(), eyes.statuses, eyes.complaints]")
        raise AssertionError(f"not seen in {self.browser.name}: {what or script}; but {shown}")

    async def see(self, text: str, *, within_secs: float = SEE_SECS) -> None:
        """Wait until the open panel says `text`."""
        script = f"eyes.says({json.dumps(text)})"
        await self.until(script, f'"{text}"', within_secs=within_secs)

    async def phase(self, name: str, *, within_secs: float = SEE_SECS) -> None:
        """Wait until the element's phase is `name`."""
        script = f"document.querySelector('voice-assistant')?.phase === {json.dumps(name)}"
        await self.until(script, f"phase {name}", within_secs=within_secs)

    async def find(self, name: str) -> dict[str, float]:
        """Wait until a control of this accessible name can be hit; return its middle."""
        return await self.until(f"eyes.control({json.dumps(name)})", f"control {name}")

    async def offers(self, name: str) -> bool:
        """Say whether a control of this name can be hit now."""
        return await self.evaluate(f"eyes.control({json.dumps(name)})") is not None

    async def press(self, name: str) -> None:
        """Click a control, with the pointer: a gesture."""
        await self.do("mouse", move="click", **await self.find(name))

    async def begin_call(self) -> None:
        """Press the bubble, and wait until the greeting has been said."""
        await self.bubble()
        await self.see("Hello.")
        await self.phase("listening")

    async def bubble(self) -> None:
        """Click the bubble."""
        await self.press("bubble")

    async def key(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            await self.do("key", move="press", key=key)

    async def ask(self, text: str) -> None:
        """Type a question and send it."""
        await self.write("Message to the assistant", text)
        await self.key("Enter")

    async def write(self, name: str, text: str) -> None:
        """Type into a field."""
        await self.press(name)
        await self.do("type", text=text)

    async def choose(self, name: str, option: str) -> None:
        """Choose from a list, as a visitor's choice arrives at the page."""
        await self.evaluate(
            f"""(() => {{
              const list = [...eyes.root().querySelectorAll("select")]
                .find((one) => one.labels[0].textContent.startsWith({json.dumps(name)}));
              const option = [...list.options]
                .find(({{ textContent }}) => textContent === {json.dumps(option)});
              list.value = option.value;
              list.dispatchEvent(new Event("change", {{ bubbles: true }}));
            }})()"""
        )

    async def options(self, name: str) -> list[str]:
        """Return what a list offers; nothing while it is hidden."""
        return await self.evaluate(
            f"""[...eyes.root().querySelectorAll("select")].filter((one) =>
              one.checkVisibility() && one.labels[0].textContent.startsWith({json.dumps(name)}))
              .flatMap((one) => [...one.options].map(({{ textContent }}) => textContent))"""
        )

    async def log(self) -> str:
        """Return what both sides said."""
        return await self.evaluate("eyes.root().querySelector('[role=log]').textContent")

    async def goto(self, url: str) -> None:
        """Go to another page."""
        await self.do("goto", url=url)

    async def hears(self) -> None:
        """Wait until the bot is heard."""
        await self.until("eyes.hears()", "the bot's voice")

    async def end_call(self) -> None:
        """Press the red button, and read that it is over."""
        await self.press("End call")
        await self.see("Thanks for talking with me.")
        await self.phase("ended")

    async def complaints(self) -> list[str]:
        """Return errors, rejections and policy violations of the page so far."""
        return await self.evaluate("eyes.complaints")


class DriverError(Exception):
    """The browser refused a command."""
