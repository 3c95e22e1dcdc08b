"""`python -m tests.e2e.network.far URL`: a caller on the far side of a link, led by lines.

Prints one JSON object for each: `greeted` once, then what was heard and told after each `ask`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from local.caller import Caller, connect
from tests.e2e.faults.trial import QUESTION, watch
from tests.e2e.notices import codes_of, note


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def main(url: str) -> None:
    """Call, and do as told until the lines end."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    # The server's own page, which is let in by its address.
    async with Caller(await connect(url, origin=url)) as caller:
        caller._room.on("reconnecting", lambda: note(caller, "reconnecting"))
        await caller.ready(20)
        await caller.wait_for("bot-stopped-speaking", timeout_secs=30)
        _say(did="greeted")
        async for line in lines:
            if line.strip() == b"ask":
                ended = await caller.say(QUESTION)
                heard, told = await watch(caller, ended)
                _say(did="asked", heard=heard, told=told, codes=codes_of(caller))
                await caller.quiet(1.0, 30)
            else:
                await caller.send("disconnect-bot")
                await caller.until(caller.disconnected.is_set, 10)
                break
    _say(did="left")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
    # LiveKit's native threads can abort a process whose interpreter ends under them.
    os._exit(0)
