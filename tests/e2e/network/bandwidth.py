"""`python -m tests.e2e.network.bandwidth`: what a call sends over its caller's line.

The whole of it: media with its headers, data, signalling, in kilobits a second of IP packets.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.deployment import open_stage
from tests.e2e.network.link import NEAR, Link
from tests.e2e.network.trial import FAR, Far, NearLiveKit

_SILENT_SECS = 10.0


async def main() -> None:
    """Hold a call; measure while nobody speaks, and over questions with their answers."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            Link.up() as link,
            open_stage(Path(folder), NearLiveKit, NEAR, SESSION_PROCESSES="1") as stage,
            Far(link.on_the_far_side(*FAR, stage.url)) as far,
        ):
            await far.hears("greeted")
            meter = _Meter(link)
            await asyncio.sleep(_SILENT_SECS)
            meter.say("nobody speaks")
            for _ in range(3):
                await far.does("ask")
            meter.say("question and answer")
            await far.does("leave", "left")


class _Meter:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._begin()

    def _begin(self) -> None:
        self._since = time.monotonic()
        self._up, self._down = self._link.up_bytes, self._link.down_bytes

    def say(self, what: str) -> None:
        """Print what went by since the last time."""
        secs = time.monotonic() - self._since
        up, down = (
            (now - before) * 8 / 1000 / secs
            for now, before in (
                (self._link.up_bytes, self._up),
                (self._link.down_bytes, self._down),
            )
        )
        sys.stdout.write(f"{what}: {up:.1f} kbit/s up, {down:.1f} kbit/s down ({secs:.0f} s)\n")
        self._begin()


if __name__ == "__main__":
    asyncio.run(main())
