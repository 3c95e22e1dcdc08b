"""PM2 itself: starts the server, releases a successor under a call, brings back one that died."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from local.caller import Caller, connect
from local.livekit import LiveKitServer
from local.probe import until_ok
from local.processes import free_port
from local.setup.widget import PM2
from tests.conftest import REPOSITORY, environment
from tests.e2e.conftest import Wire

pytestmark = [pytest.mark.anyio, pytest.mark.deploy]

DEADLINE_SECS = 120


class Pm2:
    """A PM2 of this test's own."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables

    async def run(self, *command: str | Path) -> str:
        """Run a command with PM2 on its path; return what it prints."""
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.variables,
            cwd=REPOSITORY,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def release(self) -> asyncio.subprocess.Process:
        """Start the other colour; the process ends when the one before it has drained."""
        return await asyncio.create_subprocess_exec(
            "node",
            str(REPOSITORY / "deploy" / "pm2-release.mjs"),
            stdout=asyncio.subprocess.PIPE,
            env=self.variables,
        )

    def log(self, colour: str) -> str:
        """Return what a server has logged."""
        file = Path(self.variables["PM2_HOME"]) / "logs" / f"voice-assistant-{colour}-error.log"
        return file.read_text()

    async def online(self) -> dict[str, int]:
        """Return the process ids of what runs, by colour."""
        listed = await self.run("pm2", "jlist")
        (line,) = [one for one in listed.splitlines() if re.match(r"\[(\{|\])", one)]
        apps: list[dict[str, Any]] = json.loads(line)
        return {
            app["name"].rpartition("-")[2]: app["pid"]
            for app in apps
            if app["pm2_env"]["status"] == "online"
        }


@pytest.fixture
async def pm2(livekit: LiveKitServer, wire: Wire, tmp_path: Path) -> AsyncIterator[tuple[Pm2, int]]:
    """PM2 with a home of its own, and the port that the server will have."""
    programs = PM2 / "node_modules" / ".bin"
    if not (programs / "pm2").exists():
        pytest.skip("no PM2: `python3 -m local.setup deploy` installs it")
    port, inherited = free_port(), environment()
    one = Pm2(
        {
            **inherited,
            "PATH": f"{programs}{os.pathsep}{inherited.get('PATH', os.defpath)}",
            "PM2_HOME": str(tmp_path / "pm2"),
            "LIVEKIT_URL": livekit.url,
            "LIVEKIT_API_KEY": livekit.api_key,
            "LIVEKIT_API_SECRET": livekit.api_secret,
            "DEEPGRAM_BASE_URL": wire.url,
            "GROQ_BASE_URL": wire.url,
            "SESSION_PROCESSES": "1",
            "MAX_LOOP_LAG_MS": "10000",
            "ASSISTANT_GREETING": "Hello.",
            "PORT": str(port),
            "DRAIN_SECS": "60",
        }
    )
    try:
        yield one, port
    finally:
        await one.run("pm2", "kill")


async def says(process: asyncio.subprocess.Process, words: str) -> None:
    """Wait until a process has printed these words."""
    assert process.stdout
    while line := (await process.stdout.readline()).decode():
        if words in line:
            return
    pytest.fail(f"it ended before it said: {words}")


async def ask(caller: Caller, answers: int) -> None:
    """Type a question, and wait until the bot has spoken so often in all."""
    await caller.send("send-text", {"content": "What is a lot?"})
    await caller.wait_for("bot-stopped-speaking", count=answers, timeout_secs=30)


async def test_a_release_cuts_no_call(pm2: tuple[Pm2, int]) -> None:
    """The first call goes on in the server that drains, the next one starts in its successor."""
    one, port = pm2
    url = f"http://127.0.0.1:{port}"
    async with asyncio.timeout(DEADLINE_SECS):
        assert await (await one.release()).wait() == 0
        assert list(await one.online()) == ["blue"]
        async with Caller(await connect(url), microphone=False) as caller:
            await caller.ready()
            await caller.wait_for("bot-stopped-speaking")
            await ask(caller, 2)
            releasing = await one.release()
            # Until then both answer at the port.
            while "draining" not in one.log("blue"):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
            async with Caller(await connect(url), microphone=False) as newcomer:
                await newcomer.ready()
                await newcomer.wait_for("bot-stopped-speaking")
                await ask(newcomer, 2)
                await ask(caller, 3)
                assert not caller.disconnected.is_set()
                await caller.send("disconnect-bot")
                await says(releasing, "has ended")
                assert await releasing.wait() == 0
                assert list(await one.online()) == ["green"]
                await ask(newcomer, 3)
                await newcomer.send("disconnect-bot")

        os.kill((await one.online())["green"], signal.SIGKILL)
        await asyncio.sleep(0.5)
        await until_ok("127.0.0.1", port, "/readyz")
