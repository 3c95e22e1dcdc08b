"""The real engines behind the real wire, with human recordings."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.wer import listen, normalised, word_errors
from tests.local.wire_server import WireServer, open_socket, run, running_server, silence

pytestmark = pytest.mark.engines

RECORDINGS = Path(__file__).parents[2] / "bench/recordings"
SPOKEN = {
    "asterisk-check-number-dial-again.flac": "Please check the number and dial again.",
    "asterisk-conf-onlyperson.flac": "You are currently the only person in this conference.",
    "librivox-0930.flac": "he might even have been made amiable himself",
}


@pytest.fixture(scope="module")
def server() -> Iterator[WireServer]:
    with running_server() as running:
        yield running


def children(server: WireServer) -> dict[str, int]:
    """Return the server's engine processes by what they run."""
    pid = server.process.pid
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {Path(f"/proc/{child}/cmdline").read_text(): int(child) for child in listed.split()}


@pytest.mark.parametrize(("file", "text"), SPOKEN.items())
def test_human_recordings_are_understood(server: WireServer, file: str, text: str) -> None:
    """A recording streamed through /v1/listen comes back with at most one wrong word."""
    import aiohttp  # noqa: PLC0415 - only the tests with engines need it here

    async def story() -> str:
        async with aiohttp.ClientSession() as session:
            path = RECORDINGS / file
            return (await listen(session, server.url, path, is_realtime=False)).text

    assert word_errors(normalised(text), normalised(run(story()))) <= 1


def test_silence_gives_no_words(server: WireServer) -> None:
    """Two seconds of silence give an empty final, not invented words."""

    async def story() -> str:
        query = "model=nova-3&encoding=linear16&sample_rate=16000"
        async with open_socket(server, "/v1/listen", query) as socket:
            await socket.raw.send_bytes(silence(2))
            await socket.say("Finalize")
            result = await socket.until("Results", is_final=True)
            return result["channel"]["alternatives"][0]["transcript"]

    assert run(story()) == ""


def test_spoken_answer_is_understood_again(server: WireServer) -> None:
    """What the voice says, the recogniser understands, but for one word at most.

    The voice never says a sentence twice in quite the same way.
    """
    import aiohttp  # noqa: PLC0415 - only the tests with engines need it here

    async def story(spoken: str) -> str:
        headers = {"Authorization": "Token k"}
        async with aiohttp.ClientSession(server.url, headers=headers) as session:
            url = "/v1/speak?model=aura-2-helena-en"
            async with session.post(url, json={"text": spoken}) as response:
                audio = await response.read()
            async with session.post("/v1/listen?model=nova-3", data=audio) as response:
                results = (await response.json())["results"]
                return results["channels"][0]["alternatives"][0]["transcript"]

    spoken = "Our office is open from Monday to Friday."
    assert word_errors(normalised(spoken), normalised(run(story(spoken)))) <= 1


def test_killed_voice_closes_the_socket_and_comes_back(server: WireServer) -> None:
    """When the voice's process dies in a sentence the socket closes with 1011; the next works."""
    [pid] = [pid for command, pid in children(server).items() if "piper_program" in command]
    query = "model=aura-2-helena-en&encoding=linear16&sample_rate=16000"

    async def speak(kill: bool) -> int | None:
        async with open_socket(server, "/v1/speak", query) as socket:
            await socket.until("Metadata")
            if kill:
                os.kill(pid, signal.SIGSTOP)
            await socket.say("Speak", text="This is one sentence to say.")
            await socket.say("Flush")
            if kill:
                await asyncio.sleep(0.1)
                os.kill(pid, signal.SIGKILL)
                _, code = await socket.rest()
                return code
            await socket.until("Flushed")
            return None

    assert run(speak(kill=True)) == 1011
    assert run(speak(kill=False)) is None
    [new_pid] = [p for command, p in children(server).items() if "piper_program" in command]
    assert new_pid != pid


def test_engines_end_with_a_killed_server() -> None:
    """SIGKILL of the server ends its engine processes as well."""
    with running_server() as server:
        pids = list(children(server).values())
        assert len(pids) == 3
        server.process.kill()
        server.process.wait()

        def alive() -> bool:
            return any(Path(f"/proc/{pid}").exists() for pid in pids)

        async def gone() -> None:
            while alive():  # noqa: ASYNC110 - nothing signals a stranger's end
                await asyncio.sleep(0.05)

        run(gone(), timeout_secs=5)
