"""The image: built as the Dockerfile says, small, and talking without root and without a disk."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from local.caller import Caller, connect
from local.livekit import LiveKitServer
from local.probe import until_ok
from local.processes import free_port
from tests.conftest import REPOSITORY, environment
from tests.replay.recording import load_recording

pytestmark = [pytest.mark.anyio, pytest.mark.deploy]

QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm
BASES: Final = Path(__file__).parent / "image" / "bases.sh"
PYTHON, NODE, IMAGE = (f"localhost/voice-assistant-{name}" for name in ("python", "node", "test"))
BUILD_SECS: Final = 1800
READY_SECS: Final = 90
# Of the packages that the server runs with; a base of Debian's has some 150 MB.
MAX_BYTES: Final = 1_200_000_000
UID: Final = 10001

# Also where there is no systemd (healthchecks are asked for here, not by a timer), and where root
# may raise no limit.
PODMAN: Final = ("podman", "--runtime", "runc", "run", "--health-interval", "disable")
LIMITS: Final = ("--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096")


def run(*command: str | Path, seconds: float = 60) -> str:
    """Run a program of this machine.

    Raises:
        AssertionError: it failed; the message has the end of what it said.
    """
    done = subprocess.run(  # noqa: S603 - commands of this file
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**environment(), "BUILDAH_ISOLATION": "chroot"},
    )
    assert done.returncode == 0, f"{command[0]} {command[1]}: {done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def image() -> str:
    """The image, built here from bases that are made here, or the tests are skipped aloud."""
    for program in ("buildah", "podman", "runc", "debootstrap", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine (Debian has one)")
    if os.geteuid() != 0:
        pytest.skip("debootstrap needs root")
    run("sh", BASES, PYTHON, NODE, seconds=BUILD_SECS)
    run(
        *("buildah", "build", "--layers"),
        *("--build-arg", f"PYTHON_IMAGE={PYTHON}", "--build-arg", f"NODE_IMAGE={NODE}"),
        *("--format", "docker", "-t", IMAGE, REPOSITORY),
        seconds=BUILD_SECS,
    )
    return IMAGE


@asynccontextmanager
async def running(
    image: str, livekit: LiveKitServer, providers_url: str
) -> AsyncGenerator[tuple[str, str]]:
    """Run it with nothing to write on but /tmp; yield the container's name and its address."""
    name, port = f"voice-assistant-{free_port()}", free_port()
    settings = {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "DEEPGRAM_API_KEY": "local",
        "DEEPGRAM_BASE_URL": providers_url,
        "GROQ_API_KEY": "local",
        "GROQ_BASE_URL": providers_url,
    }
    run(
        *(*PODMAN, *LIMITS, "--detach", "--name", name, "--network", "host"),
        *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "all"),  # noqa: S108 - the container's
        *("--security-opt", "no-new-privileges"),
        *(part for key, value in settings.items() for part in ("--env", f"{key}={value}")),
        image,
    )
    try:
        async with asyncio.timeout(READY_SECS):
            await until_ok("127.0.0.1", port, "/readyz")
        yield name, f"http://127.0.0.1:{port}"
    finally:
        run("podman", "rm", "--force", "--time", "15", name)


async def test_the_image_is_what_the_dockerfile_promises(image: str) -> None:
    """Not root, with a healthcheck, a port, and no file of this checkout that was not named."""
    (found,) = json.loads(run("podman", "image", "inspect", image))
    assert found["Config"]["User"] == str(UID)
    assert found["Config"]["ExposedPorts"] == {"7860/tcp": {}}
    assert found["Healthcheck"]["Test"][0] == "CMD"
    assert found["Size"] < MAX_BYTES
    files = run(*PODMAN, *LIMITS, "--rm", "--network", "none", image, "ls", "-a", "/app")
    here = {".", "..", ".venv", "bot", "cli", "knowledge", "local", "server", "widget"}
    assert set(files.split()) == here


async def test_it_talks(image: str, livekit: LiveKitServer, wire_server: str) -> None:
    """With its widget; it greets and answers, is nobody's root, and stops when it is told."""
    async with running(image, livekit, wire_server) as (name, url):
        async with aiohttp.ClientSession() as http, http.get(f"{url}/widget.js") as answer:
            assert answer.status == 200
            assert 1000 < len(await answer.read()) < 20_000
        async with Caller(await connect(url)) as caller:
            await caller.ready()
            await caller.wait_for("bot-stopped-speaking")
            await caller.say(QUESTION)
            await caller.wait_for("bot-stopped-speaking", count=2)
            await caller.send("disconnect-bot")
            await caller.disconnected.wait()
        run("podman", "healthcheck", "run", name)
        assert f"Uid:\t{UID}\t" in run("podman", "exec", name, "cat", "/proc/1/status")
        run("podman", "stop", "--time", "20", name, seconds=40)
        (state,) = json.loads(run("podman", "inspect", name))
        assert state["State"]["ExitCode"] == 0
