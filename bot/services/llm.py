"""The language model: Groq, or any server that speaks OpenAI's protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

from openai import APIError, APIStatusError, AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionChunk
from pipecat.adapters.llm.services.open_ai_adapter import (
    OpenAILLMAdapter,
    OpenAILLMInvocationParams,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.groq.llm import GroqLLMService
from pipecat.utils.http import connection_limits

from bot.breaker import MODEL_FAILURES, Breakers
from bot.failures import (
    BadCallError,
    BrokenAnswerError,
    EmptyAnswerError,
    Incident,
    Report,
    unheard,
)
from bot.http_clients import certificates
from bot.patience import PatientLLMMixin
from bot.usage import Unit, Usage

# Groq's gpt-oss-120b gives its first token in 0.1 s (median) and 2.1 s (worst of 300, aiewf-eval).
# Who has another model to ask waits less: two that stall are apologised for within 3 s.
ONLY_MODEL_SECS = 2.5
FIRST_MODEL_SECS = 1.5
FALLBACK_MODEL_SECS = 1.3
# Between two pieces of an answer, which come at 100 a second and more.
STALL_SECS = 1.5
# These come at once and again: the breaker opens for this long.
REFUSED_REST_SECS = 30.0
REFUSED = frozenset({401, 402, 403, 404})
# What is wrong with one request says nothing about the next one.
REQUESTS_OWN = frozenset({400, 413, 422})


def llm_http() -> DefaultAsyncHttpxClient:
    """Return an HTTP client for the language model, for one or for all sessions of a process."""
    # Without an expiry, so that a connection outlives the pause between two turns.
    limits: Any = connection_limits(
        max_keepalive_connections=100, max_connections=1000, keepalive_expiry=None
    )
    return DefaultAsyncHttpxClient(verify=certificates(), limits=limits)


class FallbackLLMService(PatientLLMMixin[OpenAILLMAdapter], GroqLLMService):
    """Groq, with deadlines of our own and a second model for the same turn.

    Pipecat's service lets the SDK retry (two more tries, obeying a Retry-After of any length:
    14 s of silence were measured after one 429), waits for ever when an answer stalls, and is
    unusable for ever after one bad function call; its failover never re-runs the failed turn.
    """

    def __init__(
        self,
        *,
        fallback_model: str | None,
        http: DefaultAsyncHttpxClient | None = None,
        breakers: Breakers | None = None,
        report: Report = unheard,
        usage: Usage | None = None,
        **kwargs: Any,
    ) -> None:
        """Create the service.

        Args:
            fallback_model: None means there is only one model.
            http: A client that others use as well; None for one of its own.
            breakers: What others know of the models; None for one's own knowledge.
            report: Is told what was dealt with.
            usage: Where it is counted what is asked of the models.
            kwargs: As Pipecat's.
        """
        # Before Pipecat's constructor, which asks for the client.
        self._shared_http = http
        super().__init__(**kwargs)
        first = cast("str", self._settings.model)
        self._models = [first, *([fallback_model] if fallback_model else [])]
        self._breakers = breakers or Breakers()
        self._report = report
        self._usage = usage or Usage()
        self._asked_model = first
        self._offers_tools = True
        self._offered: frozenset[str] = frozenset()

    def create_client(
        self, api_key: Any = None, base_url: Any = None, **kwargs: Any
    ) -> AsyncOpenAI:
        """Return a client with the SDK's own retries off."""
        http = self._shared_http or llm_http()
        return AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=0, http_client=http)

    def build_chat_completion_params(
        self, params_from_context: OpenAILLMInvocationParams
    ) -> dict[str, Any]:
        """Return the request, for whichever model is being asked, with or without functions."""
        build: Any = super().build_chat_completion_params  # pyright: ignore[reportUnknownVariableType]
        params: dict[str, Any] = build(params_from_context)
        params["model"] = self._asked_model
        if not self._offers_tools:
            params.pop("tools", None)
            params.pop("tool_choice", None)
        tools: Any = params.get("tools")
        offered = cast("list[dict[str, Any]]", tools if isinstance(tools, list) else [])
        self._offered = frozenset(tool["function"]["name"] for tool in offered)
        return params

    async def set_usable(self, is_usable: bool) -> None:
        """Stay usable: what failed for one turn is tried again for the next."""

    async def get_chat_completions(self, context: LLMContext) -> AsyncStream[ChatCompletionChunk]:
        """Return the answer's stream, from the first model that gives one in time.

        Raises, while it is read:
            BrokenAnswerError: some of the answer was given, and the rest does not come.
            Exception: the last model failed.
        """
        return cast("AsyncStream[ChatCompletionChunk]", self._answer(context))

    async def cleanup(self) -> None:
        """Close an HTTP client of its own; Pipecat leaves it to the garbage collector."""
        await super().cleanup()
        if self._shared_http is None:
            await self._client.close()

    async def _answer(self, context: LLMContext) -> AsyncGenerator[ChatCompletionChunk]:
        """Ask the models; an answer to a turn that is still open may fail in silence, once."""
        try:
            async with aclosing(self._ask_models(context)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except BrokenAnswerError:
            raise
        except Exception:
            if self.is_decided:
                raise
        else:
            return
        # The visitor may go on: then this is cancelled, and nothing has happened.
        await self.decided()
        async with aclosing(self._ask_models(context)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _ask_models(self, context: LLMContext) -> AsyncGenerator[ChatCompletionChunk]:
        """Ask one model after the other, each once more without functions where those failed."""
        failure: Exception = EmptyAnswerError()
        is_only = True
        for model in self._models:
            is_last = model == self._models[-1]
            breaker = self._breakers.of(model, MODEL_FAILURES)
            if not (breaker.allows() or is_last):
                continue
            first_secs = FALLBACK_MODEL_SECS if is_last else FIRST_MODEL_SECS
            if is_last and is_only:
                first_secs = ONLY_MODEL_SECS
            is_only = False
            for offers_tools in (True, False):
                is_given = False
                try:
                    stream = self._stream(context, model, offers_tools, first_secs)
                    async with aclosing(stream) as chunks:
                        async for chunk in chunks:
                            is_given = is_given or _gives(chunk)
                            yield chunk
                    _must_be_given(is_given)
                except Exception as error:
                    failure = error
                    if _is_providers(error):
                        breaker.failed(_asked_rest_secs(error))
                    if is_given:
                        raise BrokenAnswerError(type(error).__name__) from error
                    if not (_is_bad_call(error) and offers_tools):
                        break
                    self._report(Incident.LLM_BAD_CALL)
                else:
                    breaker.succeeded()
                    if model != self._models[0]:
                        self._report(Incident.LLM_FALLBACK)
                    return
        raise failure

    async def _stream(
        self, context: LLMContext, model: str, offers_tools: bool, first_secs: float
    ) -> AsyncGenerator[ChatCompletionChunk]:
        """Read one model's answer; its function calls come last, and only if all are right.

        Raises:
            TimeoutError: nothing came in time, or nothing more.
            BadCallError: a function is called that there is not, or not with a JSON object.
            Exception: refused, broken or not understood.
        """
        loop = asyncio.get_running_loop()
        self._asked_model, self._offers_tools = model, offers_tools
        deadline = loop.time() + first_secs
        self._usage.add(Unit.LLM_CALLS)
        async with asyncio.timeout_at(deadline):
            stream = await super().get_chat_completions(context)
        is_given = False
        tokens: CompletionUsage | None = None
        calls: list[ChatCompletionChunk] = []
        try:
            chunks = aiter(stream)
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    break
                # Where it is told more than once, each time for the whole answer so far.
                tokens = chunk.usage or tokens
                if _is_progress(chunk):
                    deadline = loop.time() + STALL_SECS
                if _calls(chunk):
                    calls.append(chunk)
                    continue
                is_given = is_given or _gives(chunk)
                yield chunk
        finally:
            self._note(tokens)
            await stream.close()
        if calls and not _are_right(calls, self._offered):
            if not is_given:
                raise BadCallError
            self._report(Incident.LLM_BAD_CALL)
            return
        for chunk in calls:
            yield chunk

    def _note(self, tokens: CompletionUsage | None) -> None:
        if tokens is not None:
            self._usage.add(Unit.LLM_INPUT_TOKENS, tokens.prompt_tokens)
            self._usage.add(Unit.LLM_OUTPUT_TOKENS, tokens.completion_tokens)


def _delta(chunk: ChatCompletionChunk) -> Any:
    return chunk.choices[0].delta if chunk.choices else None


def _calls(chunk: ChatCompletionChunk) -> list[Any]:
    return getattr(_delta(chunk), "tool_calls", None) or []


def _gives(chunk: ChatCompletionChunk) -> bool:
    """Whether a piece is part of what is said or done."""
    return bool(getattr(_delta(chunk), "content", None) or _calls(chunk))


def _must_be_given(is_given: bool) -> None:
    if not is_given:
        raise EmptyAnswerError


def _is_progress(chunk: ChatCompletionChunk) -> bool:
    """Whether a piece shows that the model is at work: it may think before it says anything."""
    return _gives(chunk) or bool(getattr(_delta(chunk), "reasoning", None))


def _are_right(chunks: list[ChatCompletionChunk], offered: frozenset[str]) -> bool:
    """Whether these function calls can be carried out."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for call in (call for chunk in chunks for call in _calls(chunk)):
        function = call.function
        names[call.index] = names.get(call.index, "") + ((function and function.name) or "")
        arguments[call.index] = arguments.get(call.index, "") + (
            (function and function.arguments) or ""
        )
    try:
        are_objects = all(isinstance(json.loads(text or "{}"), dict) for text in arguments.values())
    except ValueError:
        return False
    return are_objects and set(names.values()) <= offered


def _is_bad_call(error: Exception) -> bool:
    is_groqs = isinstance(error, APIError) and error.code == "tool_use_failed"
    return is_groqs or isinstance(error, BadCallError)


def _is_providers(error: Exception) -> bool:
    """Whether a failure says something about the model's health."""
    is_own = isinstance(error, APIStatusError) and error.status_code in REQUESTS_OWN
    return not (is_own or _is_bad_call(error) or isinstance(error, EmptyAnswerError))


def _asked_rest_secs(error: Exception) -> float | None:
    """Return for how long a provider wants to be left alone; None when it does not say."""
    if not isinstance(error, APIStatusError):
        return None
    if error.status_code in REFUSED:
        return REFUSED_REST_SECS
    try:
        return float(error.response.headers["retry-after"])
    except (KeyError, ValueError):
        return None
