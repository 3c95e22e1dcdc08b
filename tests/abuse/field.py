"""A running server to be attacked: the product's own process, LiveKit, and providers that note."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from aiohttp import web

from examples.sign_in import sign_in
from local.caller import Caller, Invitation
from local.livekit import LiveKitServer
from local.paths import ROOT
from local.probe import until_ok
from local.processes import free_port, start
from tests.conftest import environment

SITE, OTHER, PUBLIC = "https://dashboard.example", "https://other.example", "https://www.example"
KEY, OTHER_KEY = "dashboard-secret-" + "k" * 32, "other-secret-" + "o" * 32
SPEECH_KEY = "deepgram-key-of-the-abuse-run"
PROXY = "127.0.0.99"
START_SECS = 60


class GotInError(AssertionError):
    """An attempt succeeded."""


@dataclass
class Field:
    """What an attempt works with.

    Attributes:
        url: The server under attack.
        livekit: Its LiveKit server; the harness holds the secret, an attacker does not.
        asked: Bodies of the requests to the model.
        log: The server's log file.
        spoken: Texts, tokens and credentials that must not be in it.
    """

    url: str
    livekit: LiveKitServer
    asked: list[str]
    log: Path
    spoken: list[str] = field(default_factory=list)
    _addresses: int = 0

    def new_address(self) -> str:
        """A client address that nobody has used."""
        self._addresses += 1
        return f"127.0.{1 + self._addresses // 250}.{1 + self._addresses % 250}"

    def credential(self, user: str = "ama", site: str = SITE, key: str = KEY) -> str:
        """A good credential, fresh."""
        made = sign_in(user, site=site, key=key)
        self.spoken.append(made)
        return made

    async def ask(
        self,
        body: object = None,
        *,
        origin: str | None = None,
        address: str | None = None,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> tuple[int, Any]:
        """POST /connect; return status and answer."""
        connector = aiohttp.TCPConnector(local_addr=(address or self.new_address(), 0))
        sent = {**({} if origin is None else {"Origin": origin}), **(headers or {})}
        if "data" not in request:
            request["json"] = {} if body is None else body
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.post(f"{self.url}/connect", headers=sent, **request) as answer,
        ):
            return answer.status, json.loads(await answer.text())

    async def code(self, *args: Any, **kwargs: Any) -> str:
        """The status and code that /connect refuses with; raises GotInError for a token."""
        status, answer = await self.ask(*args, **kwargs)
        if status == 200:
            raise GotInError("a token was given")
        return f"{status} {answer['error']['code']}"

    async def enter(self, user: str = "ama", **kwargs: Any) -> Invitation:
        """Start a session as a signed-in user may."""
        status, answer = await self.ask({"credential": self.credential(user)}, **kwargs)
        if status != 200:
            raise RuntimeError(f"an honest user was refused: {answer}")
        self.spoken.append(answer["token"])
        return Invitation(answer["url"], answer["token"], answer["room"], answer["sessionId"])

    @asynccontextmanager
    async def talking(self, user: str, **kwargs: Any) -> AsyncIterator[Caller]:
        """A session that goes on, and its end."""
        async with Caller(await self.enter(user, **kwargs)) as caller:
            await caller.ready()
            await caller.wait_for("bot-stopped-speaking")
            yield caller
            await caller.send("disconnect-bot")
            await caller.disconnected.wait()

    def claims(self, **changes: Any) -> str:
        """A credential with some claims changed; seconds from now for times."""
        now = int(time.time())
        good = {"iss": SITE, "aud": "voice-assistant", "sub": "ama", "jti": os.urandom(12).hex()}
        times = {
            name: now + secs
            for name, secs in ({"iat": 0, "exp": 60} | changes.pop("at", {})).items()
        }
        claims = {k: v for k, v in (good | times | changes).items() if v is not None}
        return jwt.encode(claims, KEY, algorithm="HS256")


async def _answer(request: web.Request, asked: list[str]) -> web.StreamResponse:
    """The model: notes what it is asked, and says one sentence."""
    asked.append(await request.text())
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    chunk: dict[str, Any] = {"id": "1", "object": "chat.completion.chunk", "created": 0}
    for choice in (
        {"index": 0, "delta": {"role": "assistant", "content": "Yes."}, "finish_reason": None},
        {"index": 0, "delta": {}, "finish_reason": "stop"},
    ):
        line = json.dumps({**chunk, "model": "m", "choices": [choice]})
        await response.write(f"data: {line}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    return response


@asynccontextmanager
async def model(asked: list[str]) -> AsyncIterator[str]:
    """Run the model; yields its base URL."""
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/v1/chat/completions", lambda request: _answer(request, asked))
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def speech() -> AsyncIterator[str]:
    """Run the speech providers; yields their base URL."""
    port = free_port()
    command = [sys.executable, "-m", "local.wire", "--port", str(port)]
    command += ["--delays", "stt_final_ms=100,tts_ttfb_ms=80"]
    child = await start("speech", command, environment=environment())
    try:
        async with asyncio.timeout(START_SECS):
            await until_ok("127.0.0.1", port, "/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        await child.stop(5)


@asynccontextmanager
async def server(
    livekit: LiveKitServer, speech_url: str, model_url: str, log: Path, **changes: str
) -> AsyncIterator[str]:
    """Run `python -m server` with its log in a file; yields its address."""
    port = free_port()
    settings = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - for a child process
        "PORT": str(port),
        "LOG_LEVEL": "DEBUG",
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "DEEPGRAM_BASE_URL": speech_url,
        "DEEPGRAM_API_KEY": SPEECH_KEY,
        "LLM_BASE_URL": model_url,
        "ALLOWED_ORIGINS": PUBLIC,
        "SIGN_IN_KEYS": f"{SITE}={KEY},{OTHER}={OTHER_KEY}",
        "TRUSTED_PROXIES": PROXY,
        "SESSION_PROCESSES": "1",
        "MAX_LOOP_LAG_MS": "10000",
        "ASSISTANT_GREETING": "Hello.",
        "RECONNECT_GRACE_SECS": "1",
        "OMP_NUM_THREADS": "1",
        **changes,
    }
    with log.open("ab") as file:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", env=settings, cwd=ROOT, stderr=file, stdout=file
        )
        try:
            async with asyncio.timeout(START_SECS):
                await until_ok("127.0.0.1", port, "/healthz")
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()
            await child.wait()


Try = Callable[[Field], Awaitable[str]]


@dataclass(frozen=True)
class Attempt:
    """One way to get more than one's share.

    Attributes:
        group: Heading of the table.
        what: What is tried.
        expected: What it has to be answered.
        run: Tries it; returns the answer, raises GotInError when it succeeds.
    """

    group: str
    what: str
    expected: str
    run: Try


ATTEMPTS: list[Attempt] = []


def attempt(group: str, what: str, expected: str) -> Callable[[Try], Try]:
    """Add a function to the list."""

    def add(run: Try) -> Try:
        ATTEMPTS.append(Attempt(group, what, expected, run))
        return run

    return add
