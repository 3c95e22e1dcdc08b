"""A server process in delay mode for the wire tests, and the clients they use, all unmodified."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import aiohttp
import httpx
import numpy as np
from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
from groq import AsyncGroq

Result = TypeVar("Result")

DELAYS = "stt_final_ms=100,llm_ttft_ms=100,llm_tokens_per_sec=100,tts_ttfb_ms=80"
RATE_HZ = 16_000


class WireServer:
    """One running server."""

    def __init__(self, url: str, process: "subprocess.Popen[str]") -> None:
        self.url = url
        self.process = process

    @property
    def ws_url(self) -> str:
        """The address for WebSockets."""
        return self.url.replace("http", "ws")

    def deepgram(
        self, key: str = "any-key", http: httpx.AsyncClient | None = None
    ) -> AsyncDeepgramClient:
        """Return Deepgram's client; give it an HTTP client to close it yourself."""
        environment = DeepgramClientEnvironment(
            base=self.url, production=self.ws_url, agent=self.ws_url, agent_rest=self.url
        )
        return AsyncDeepgramClient(api_key=key, environment=environment, httpx_client=http)

    def groq(self, key: str = "any-key", **options: Any) -> AsyncGroq:
        """Return Groq's client, which tries once."""
        return AsyncGroq(api_key=key, base_url=self.url, max_retries=0, **options)

    def faults(self, body: dict[str, Any]) -> None:
        """Set faults."""
        self._request("PUT", json.dumps(body).encode())

    def clear_faults(self) -> None:
        """Clear all faults."""
        self._request("DELETE", None)

    def _request(self, method: str, body: bytes | None) -> None:
        request = urllib.request.Request(f"{self.url}/faults", body, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=5):  # noqa: S310 - loopback
            pass


@contextmanager
def running_server(*arguments: str) -> Iterator[WireServer]:
    """Run `python -m local.wire` on a free port until the block ends."""
    command = [sys.executable, "-m", "local.wire", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("ready "), line
        yield WireServer(line.split()[1], process)
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout:
            process.stdout.close()


def run(story: Coroutine[Any, Any, Result], timeout_secs: float = 20) -> Result:
    """Run an async story to its end, bounded in time."""

    async def bounded() -> Result:
        async with asyncio.timeout(timeout_secs):
            return await story

    return asyncio.run(bounded())


def tone(secs: float, rate_hz: int = RATE_HZ) -> bytes:
    """Return a loud s16le tone, which the fixed delays take for speech."""
    phase = 2 * np.pi * 300 * np.arange(int(secs * rate_hz)) / rate_hz
    return (np.sin(phase) * 8000).astype("<i2").tobytes()


def silence(secs: float, rate_hz: int = RATE_HZ) -> bytes:
    """Return digital silence."""
    return bytes(2 * int(secs * rate_hz))


LISTEN_QUERY = "model=nova-3&encoding=linear16&sample_rate=16000&interim_results=true"


class Socket:
    """A raw WebSocket whose messages can be awaited by kind."""

    def __init__(self, raw: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = raw

    async def say(self, kind: str, **fields: Any) -> None:
        """Send a JSON message."""
        await self.raw.send_json({"type": kind, **fields})

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Return the first JSON message of the kind whose fields have these values."""
        while True:
            message = await self.raw.receive()
            assert message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}, message
            if message.type is aiohttp.WSMsgType.TEXT:
                content = json.loads(message.data)
                if content["type"] == kind and fields.items() <= content.items():
                    return content

    async def rest(self) -> tuple[list[Any], int | None]:
        """Return all messages up to the close, and the close code."""
        messages = [
            json.loads(message.data) if message.type is aiohttp.WSMsgType.TEXT else message.data
            async for message in self.raw
        ]
        return messages, self.raw.close_code


@asynccontextmanager
async def open_socket(
    server: WireServer, path: str, query: str, key: str = "any-key"
) -> AsyncIterator[Socket]:
    """Open a WebSocket with a key."""
    headers = {"Authorization": f"Token {key}"} if key else {}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{server.url}{path}?{query}", headers=headers) as raw,
    ):
        yield Socket(raw)


def elapsed_ms(since: float) -> float:
    """Return milliseconds since a `time.monotonic()`."""
    return 1000 * (time.monotonic() - since)
