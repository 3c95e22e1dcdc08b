"""One call over a bad network: a caller, or a page in Chromium, on the far side of a link."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from local.livekit import LiveKitServer
from local.paths import ROOT
from local.setup.browser import find
from tests.e2e.browsers.visitor import Browser, Microphone, Visitor, bundle_driver
from tests.e2e.deployment import Stage, open_stage
from tests.e2e.faults.results import Row
from tests.e2e.network.link import NEAR, Conditions, Link
from tests.e2e.page import write_speech

FAR: Final = (sys.executable, "-m", "tests.e2e.network.far")
_ANSWER_SECS: Final = 60.0
_BACK_SECS: Final = 30.0
_ANSWERED: Final = "document.querySelector('voice-assistant')?.phase === 'speaking' && eyes.hears()"
_RECONNECTING: Final = "document.querySelector('voice-assistant')?.phase === 'reconnecting'"


class NearLiveKit(LiveKitServer):
    """LiveKit that the far side reaches, by the address that the link has here."""

    def _config(self) -> dict[str, object]:
        config = super()._config()
        rtc = cast("dict[str, Any]", config["rtc"])
        return {
            **config,
            "bind_addresses": ["127.0.0.1", NEAR],
            "rtc": {
                **rtc,
                "node_ip": NEAR,
                "interfaces": {},
                "ips": {"includes": [f"{NEAR}/32"]},
            },
        }


@dataclass(frozen=True)
class Bad:
    """A bad network.

    Attributes:
        conditions: While it is bad.
        gap_secs: It is cut for so long, in front of a page; None: it is bad around a question.
    """

    conditions: Conditions
    gap_secs: float | None = None


_NETWORKS: Final = {
    "1 % loss": Bad(Conditions(loss=0.01)),
    "5 % loss": Bad(Conditions(loss=0.05)),
    "10 % loss": Bad(Conditions(loss=0.1)),
    "300 ms later, there and back": Bad(Conditions(delay_secs=0.3)),
    "gap of 2 s": Bad(Conditions(is_cut=True), 2.0),
    "gap of 20 s": Bad(Conditions(is_cut=True), 20.0),
}


async def try_over_network(name: str) -> Row:
    """Hold a call over one of the bad networks."""
    bad = _NETWORKS[name]
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Link.up() as link,
            open_stage(
                Path(folder),
                NearLiveKit,
                NEAR,
                SESSION_PROCESSES="1",
                MAX_LOOP_LAG_MS="10000",
            ) as stage,
        ):
            before = await stage.census()
            if bad.gap_secs is None:
                row = await _around_a_question(link, stage, bad)
            else:
                sound = Path(folder) / "silence.wav"
                write_speech(sound, 60.0)
                row = await _in_front_of_a_page(link, stage, bad.gap_secs, sound)
            return Row(*row, left=await stage.left(before))


async def _around_a_question(
    link: Link, stage: Stage, bad: Bad
) -> tuple[float | None, float | None, list[str], bool]:
    """Ask over the bad network, and again once it has healed."""
    async with Far(link.on_the_far_side(*FAR, stage.url)) as far:
        await far.hears("greeted")
        link.conditions = bad.conditions
        asked = await far.does("ask")
        link.conditions = Conditions()
        again = await far.does("ask")
        await far.does("leave", "left")
        return asked["heard"], asked["told"], again["codes"], again["heard"] is not None


async def _in_front_of_a_page(
    link: Link, stage: Stage, gap_secs: float, sound: Path
) -> tuple[float | None, float | None, list[str], bool]:
    """Cut the network under a page whose visitor has just asked; see what the page says."""
    path = find(os.environ)  # noqa: TID251 - where this machine keeps its browser
    if path is None:
        raise SystemExit("no Chromium on this machine: `make test` installs one on Debian")
    await bundle_driver()
    chromium, microphone = Browser("chromium", path), Microphone("none", sound)
    inside = link.on_the_far_side()
    async with Visitor.open(chromium, microphone, inside=inside) as visitor:
        await visitor.goto(f"{stage.url}/")
        await visitor.bubble()
        await visitor.see("how can I help")
        await visitor.phase("listening")
        link.conditions = Conditions(is_cut=True)
        began = time.monotonic()
        await visitor.ask("What is a lot?")
        told = asyncio.create_task(_moment(visitor, _RECONNECTING, began))
        await asyncio.sleep(gap_secs)
        link.conditions = Conditions()
        heard = await _moment(visitor, _ANSWERED, began)
        told.cancel()
        is_told = told.done() and not told.cancelled()
        await visitor.phase("listening", within_secs=_BACK_SECS)
        again = time.monotonic()
        await visitor.ask("What is a lot?")
        works = await _moment(visitor, _ANSWERED, again) is not None
        await visitor.end_call()
        return heard, told.result() if is_told else None, [], works


async def _moment(visitor: Visitor, script: str, began: float) -> float | None:
    with suppress(AssertionError):
        await visitor.until(script, within_secs=_BACK_SECS)
        return time.monotonic() - began
    return None


class Far:
    """The caller on the far side."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    async def __aenter__(self) -> Far:
        self._child = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        with suppress(ProcessLookupError):
            self._child.kill()
        await self._child.wait()

    async def does(self, what: str, until: str = "asked") -> dict[str, Any]:
        """Have it do something and return what it says about it."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{what}\n".encode())
        await self._child.stdin.drain()
        return await self.hears(until)

    async def hears(self, did: str) -> dict[str, Any]:
        """Return the next line, which says that it did that."""
        assert self._child.stdout is not None
        line = await asyncio.wait_for(self._child.stdout.readline(), _ANSWER_SECS)
        said: dict[str, Any] = json.loads(line or b'{"did": "ended"}')
        assert said["did"] == did, said
        return said
