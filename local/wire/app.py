"""The engine server's HTTP application: paths, key check, handshakes, faults, health."""

import json
import logging
import uuid
from collections.abc import Sequence
from typing import Any, cast

from aiohttp import web

from local.engines.api import Engines
from local.engines.delays import Script
from local.engines.process import EngineError
from local.wire import listen_options, recorded, speak_options
from local.wire.chat import Chat
from local.wire.errors import (
    DeepgramError,
    deepgram_response,
    deepgram_status,
    is_key_accepted,
)
from local.wire.faults import BadFaultError, FaultBoard
from local.wire.listen import ListenSession
from local.wire.speak import SpeakSession
from local.wire.timeline import Timeline

log = logging.getLogger(__name__)

_MAX_BODY_BYTES = 32 << 20
_MAX_MESSAGE_BYTES = 1 << 20


class EngineServer:
    """The routes over one engine set, which may still be loading."""

    def __init__(self, timeline: Timeline | None = None) -> None:
        self._timeline = timeline or Timeline()
        self.faults = FaultBoard()
        self.script = Script()
        self._engines: Engines | None = None

    def ready(self, engines: Engines) -> None:
        """Start to serve."""
        self._engines = engines

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/faults", self._get_faults)
        app.router.add_put("/faults", self._put_faults)
        app.router.add_delete("/faults", self._delete_faults)
        app.router.add_get("/v1/listen", self._listen)
        app.router.add_post("/v1/listen", self._listen_recorded)
        app.router.add_get("/v1/speak", self._speak)
        app.router.add_post("/v1/speak", self._speak_whole)
        for prefix in ("", "/openai"):
            app.router.add_get(f"{prefix}/v1/models", self._models)
            app.router.add_post(f"{prefix}/v1/chat/completions", self._completions)
        return app

    async def _health(self, request: web.Request) -> web.Response:
        del request
        if self._engines is None:
            return web.json_response({"status": "loading"}, status=503)
        return web.json_response({"status": "ok"})

    def _admit(self, request: web.Request, service: str) -> Engines:
        if fault := self.faults.take(service, "refuse"):
            raise deepgram_status(int(fault.number("status")))
        if not is_key_accepted(request.headers.get("Authorization")):
            raise deepgram_status(401)
        if self._engines is None:
            raise deepgram_status(503)
        return self._engines

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        try:
            engines = self._admit(request, "stt")
            options = listen_options.parse_stream(request.query)
        except DeepgramError as error:
            return deepgram_response(error)
        socket, request_id = await _upgrade(request)
        session = ListenSession(
            socket,
            options=options,
            engines=engines,
            faults=self.faults,
            timeline=self._timeline,
            request_id=request_id,
        )
        await session.run()
        return socket

    async def _listen_recorded(self, request: web.Request) -> web.StreamResponse:
        try:
            return await recorded.listen(request, self._admit(request, "stt"))
        except DeepgramError as error:
            return deepgram_response(error)
        except EngineError:
            return deepgram_response(deepgram_status(503))

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        try:
            engines = self._admit(request, "tts")
            options = speak_options.parse(request.query, default_container="none")
        except DeepgramError as error:
            return deepgram_response(error)
        socket, request_id = await _upgrade(request)
        session = SpeakSession(
            socket,
            request,
            options=options,
            voice=engines.voice,
            faults=self.faults,
            timeline=self._timeline,
            request_id=request_id,
        )
        await session.run()
        return socket

    async def _speak_whole(self, request: web.Request) -> web.StreamResponse:
        try:
            engines = self._admit(request, "tts")
            return await recorded.speak(request, engines.voice, self.faults)
        except DeepgramError as error:
            return deepgram_response(error)
        except EngineError:
            return deepgram_response(deepgram_status(503))

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return await self._chat(request, "models")

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        return await self._chat(request, "completions")

    async def _chat(self, request: web.Request, what: str) -> web.StreamResponse:
        if self._engines is None:
            return web.json_response(
                {"error": {"message": "loading", "type": "internal_server_error"}}, status=503
            )
        chat = Chat(self._engines.brain, self.faults, self._timeline)
        return await (chat.models(request) if what == "models" else chat.completions(request))

    async def _get_faults(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(self.faults.view())

    async def _put_faults(self, request: web.Request) -> web.Response:
        try:
            body: Any = json.loads(await request.read())
            script = _take_script(body)
            self.faults.put(body)
        except (ValueError, BadFaultError) as error:
            return web.json_response({"error": str(error)}, status=400)
        if script is not None:
            self.script.set(script)
        return web.json_response(self.faults.view())

    async def _delete_faults(self, request: web.Request) -> web.Response:
        del request
        self.faults.clear()
        self.script.set([])
        return web.json_response(self.faults.view())


async def _upgrade(request: web.Request) -> tuple[web.WebSocketResponse, str]:
    request_id = str(uuid.uuid4())
    socket = web.WebSocketResponse(max_msg_size=_MAX_MESSAGE_BYTES, compress=False)
    socket.headers["dg-request-id"] = request_id
    await socket.prepare(request)
    return socket, request_id


def _take_script(body: object) -> Sequence[str] | None:
    """Remove and return the `transcripts` of a `PUT /faults` body."""
    if not isinstance(body, dict):
        return None
    script = cast(dict[str, object], body).pop("transcripts", None)
    if script is None:
        return None
    if not isinstance(script, list) or not all(
        isinstance(line, str) for line in cast(list[object], script)
    ):
        raise BadFaultError("transcripts is a list of texts")
    return cast(list[str], script)
