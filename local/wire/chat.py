"""OpenAI's chat completions over the brain: streamed or whole, with Groq's extras."""

import json
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from aiohttp import web

from local.engines.api import Brain
from local.engines.process import EngineError
from local.wire.chat_faults import CutError, GarbageError, status_fault, with_faults
from local.wire.errors import OpenAIError, is_key_accepted, openai_response
from local.wire.faults import Fault, FaultBoard
from local.wire.timeline import LLM_ANSWER, LLM_REQUEST, Timeline

MODELS = ("openai/gpt-oss-120b", "openai/gpt-oss-20b", "local/retrieval")
"""What `/models` lists; any other name is served as well."""

_CHARS_PER_TOKEN = 4


class Chat:
    """The chat endpoints."""

    def __init__(self, brain: Brain, faults: FaultBoard, timeline: Timeline) -> None:
        self._brain = brain
        self._faults = faults
        self._timeline = timeline

    async def models(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /models`."""
        if not is_key_accepted(request.headers.get("Authorization")):
            return openai_response(_bad_key())
        entries = [
            {"id": name, "object": "model", "created": 0, "owned_by": "local", "active": True}
            for name in MODELS
        ]
        return web.json_response({"object": "list", "data": entries})

    async def completions(self, request: web.Request) -> web.StreamResponse:
        """Answer `POST /chat/completions`."""
        try:
            if not is_key_accepted(request.headers.get("Authorization")):
                raise _bad_key()
            body = _parse(await request.read())
            reply = _Reply(body)
            self._timeline.mark(LLM_REQUEST, reply.request_id)
            if fault := self._faults.take("llm", "status"):
                raise status_fault(fault, body["model"])
            call = self._faults.peek("llm", "call")
            if call and call.fields["name"] in _offered(body):
                self._faults.take("llm", "call")
                return await _call(request, _Reply(body), call)
            tokens = with_faults(self._brain.answer(body["messages"]), self._faults)
            async with aclosing(tokens):
                first = await _first(tokens)
                self._timeline.mark(LLM_ANSWER, reply.request_id)
                if body.get("stream"):
                    return await self._stream(request, reply, first, tokens)
                return await self._whole(reply, first, tokens)
        except OpenAIError as error:
            return openai_response(error)
        except EngineError:
            message = "The local engine is not available right now."
            return openai_response(OpenAIError(503, message, kind="internal_server_error"))
        except CutError:
            if request.transport:
                request.transport.abort()
            return web.Response()

    async def _whole(
        self, reply: "_Reply", first: str | None, tokens: AsyncGenerator[str]
    ) -> web.Response:
        try:
            async for token in _joined(first, tokens):
                if not reply.add(token):
                    break
        except GarbageError:
            return web.Response(text='{"choices": [', content_type="application/json")
        return web.json_response(reply.completion(), headers={"x-request-id": reply.request_id})

    async def _stream(
        self, request: web.Request, reply: "_Reply", first: str | None, tokens: AsyncGenerator[str]
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-cache",
                "x-request-id": reply.request_id,
            }
        )
        await response.prepare(request)

        async def send(payload: dict[str, Any], event: str = "") -> None:
            line = f"event: {event}\n" if event else ""
            await response.write(f"{line}data: {json.dumps(payload)}\n\n".encode())

        try:
            await send(reply.opening())
            async for token in _joined(first, tokens):
                more = reply.add(token)
                await send(reply.chunk({"content": token}))
                if not more:
                    break
            await send(reply.closing())
            if reply.wants_usage:
                await send(reply.usage_chunk())
            await response.write(b"data: [DONE]\n\n")
        except GarbageError:
            await response.write(b'data: {"id": "chatcmpl-\n\n')
        except EngineError:
            error = OpenAIError(500, "The local engine failed.", kind="internal_server_error")
            await send(error.body(), event="error")
        await response.write_eof()
        return response


class _Reply:
    """The JSON of one answer, as it grows."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.request_id = f"req_{uuid.uuid4().hex}"
        self._id = f"chatcmpl-{uuid.uuid4()}"
        self._created = int(time.time())
        self._model: str = body["model"]
        self._limit: int | None = body.get("max_completion_tokens") or body.get("max_tokens")
        self._tokens: list[str] = []
        self._finish = "stop"
        options: dict[str, Any] = body.get("stream_options") or {}
        self.wants_usage = bool(options.get("include_usage"))
        # The engines have no tokenizer in common with the model asked for: an estimate.
        self._prompt_tokens = len(json.dumps(body["messages"])) // _CHARS_PER_TOKEN

    def add(self, token: str) -> bool:
        """Count a token; False when it is the last one allowed."""
        self._tokens.append(token)
        if self._limit is not None and len(self._tokens) >= self._limit:
            self._finish = "length"
            return False
        return True

    def opening(self) -> dict[str, Any]:
        """Return the first chunk."""
        chunk = self.chunk({"role": "assistant", "content": ""})
        return {**chunk, "x_groq": {"id": self.request_id}}

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        """Return a chunk with a delta."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def closing(self) -> dict[str, Any]:
        """Return the chunk with the finish reason."""
        groq = {"id": self.request_id, "usage": self._usage()}
        return {**self.chunk({}, self._finish), "x_groq": groq}

    def usage_chunk(self) -> dict[str, Any]:
        """Return the chunk that `include_usage` asks for."""
        return {**self._head("chat.completion.chunk"), "choices": [], "usage": self._usage()}

    def completion(self) -> dict[str, Any]:
        """Return the whole answer."""
        message = {"role": "assistant", "content": "".join(self._tokens)}
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self._finish,
        }
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": self._usage(),
            "x_groq": {"id": self.request_id},
        }

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._model,
            "system_fingerprint": "local",
        }

    def _usage(self) -> dict[str, int]:
        completion = len(self._tokens)
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self._prompt_tokens + completion,
        }


def _offered(body: dict[str, Any]) -> list[str]:
    """Return the names of the functions that the request offers."""
    tools: list[dict[str, Any]] = body.get("tools") or []
    return [tool["function"]["name"] for tool in tools if tool.get("type") == "function"]


async def _call(request: web.Request, reply: "_Reply", fault: Fault) -> web.StreamResponse:
    """Stream a function call, in one piece as Groq does."""
    function = {
        "name": fault.fields["name"],
        "arguments": json.dumps(fault.fields["arguments"]),
    }
    call = {"index": 0, "id": f"call_{uuid.uuid4().hex}", "type": "function", "function": function}
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for chunk in (
        reply.opening(),
        reply.chunk({"tool_calls": [call]}),
        reply.chunk({}, "tool_calls"),
    ):
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response


async def _first(tokens: AsyncGenerator[str]) -> str | None:
    """Wait for the first token, so that a failure before it still has a true status."""
    try:
        return await anext(tokens)
    except StopAsyncIteration:
        return None


async def _joined(first: str | None, tokens: AsyncGenerator[str]) -> AsyncGenerator[str]:
    if first is not None:
        yield first
    async for token in tokens:
        yield token


def _bad_key() -> OpenAIError:
    return OpenAIError(401, "Invalid API Key", code="invalid_api_key")


def _parse(content: bytes) -> dict[str, Any]:
    try:
        parsed: object = json.loads(content)
    except ValueError:
        raise OpenAIError(400, "The body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise OpenAIError(400, "The body is not an object.")
    body = cast(dict[str, Any], parsed)
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise OpenAIError(400, "'model' : property 'model' is missing")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise OpenAIError(400, "'messages' : minimum number of items is 1")
    for message in cast(list[object], messages):
        if not isinstance(message, dict) or not isinstance(
            cast(dict[str, Any], message).get("role"), str
        ):
            raise OpenAIError(400, "'messages' : each message needs a role")
    for name in ("max_completion_tokens", "max_tokens"):
        limit = body.get(name)
        if limit is not None and (not isinstance(limit, int) or limit < 1):
            raise OpenAIError(400, f"'{name}' : must be a number from 1")
    return body
