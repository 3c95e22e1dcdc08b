"""Chat completions as Groq's own client sees them."""

import time

import groq
import pytest

from tests.local.wire_server import WireServer, elapsed_ms, run

MESSAGES = [{"role": "user", "content": "hello"}]


async def ask(server: WireServer, key: str = "any-key", **options: object) -> object:
    async with server.groq(key) as client:
        model = options.pop("model", "openai/gpt-oss-120b")
        return await client.chat.completions.create(model=model, messages=MESSAGES, **options)


def test_sdk_streams_tokens_with_usage(server: WireServer) -> None:
    """Groq's unmodified client streams tokens, a finish reason and the usage."""

    async def story() -> list:
        async with server.groq() as client:
            stream = await client.chat.completions.create(
                model="any/model", messages=MESSAGES, stream=True, reasoning_effort="low"
            )
            return [chunk async for chunk in stream]

    chunks = run(story())
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[0].model == "any/model"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text.count(".") + text.count("?") == 2
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].x_groq.usage.completion_tokens == 15


def test_usage_chunk_comes_when_stream_options_ask(server: WireServer) -> None:
    """include_usage adds a last chunk without choices that carries the usage."""

    async def story() -> list:
        async with server.groq() as client:
            stream = await client.chat.completions.create(
                model="m",
                messages=MESSAGES,
                stream=True,
                extra_body={"stream_options": {"include_usage": True}},
            )
            return [chunk async for chunk in stream]

    last = run(story())[-1]
    assert last.choices == []
    assert last.usage.total_tokens > 15


def test_first_token_and_rate_keep_the_fixed_delays(server: WireServer) -> None:
    """The first token takes 100 ms and the seventh, which ends the sentence, 60 ms more."""

    async def once() -> tuple[float, float]:
        async with server.groq() as client:
            began = time.monotonic()
            stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
            times = [elapsed_ms(began) async for chunk in stream if chunk.choices[0].delta.content]
            return times[0], times[6] - times[0]

    results = [run(once()) for _ in range(5)]
    first, sentence = (sorted(column)[2] for column in zip(*results, strict=True))
    assert 98 <= first <= 130
    assert 50 <= sentence <= 80


def test_whole_answer_without_streaming(server: WireServer) -> None:
    """Without stream the answer comes whole, with usage."""
    completion = run(ask(server))
    assert completion.choices[0].message.content.startswith("Sure, here is")
    assert completion.usage.completion_tokens == 15


def test_limit_of_tokens_is_kept(server: WireServer) -> None:
    """max_completion_tokens cuts the answer and says so."""
    completion = run(ask(server, max_completion_tokens=3))
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.completion_tokens == 3


def test_models_are_listed(server: WireServer) -> None:
    """GET /models lists the default models."""

    async def story() -> list[str]:
        async with server.groq() as client:
            return [model.id for model in (await client.models.list()).data]

    assert "openai/gpt-oss-120b" in run(story())


def test_wrong_key_is_401(server: WireServer) -> None:
    """A refused key is an authentication error with OpenAI's body."""
    with pytest.raises(groq.AuthenticationError) as error:
        run(ask(server, "refused"))
    assert error.value.body["error"]["code"] == "invalid_api_key"


def test_empty_messages_are_400(server: WireServer) -> None:
    """A request without messages is a bad request."""

    async def story() -> None:
        async with server.groq() as client:
            await client.chat.completions.create(model="m", messages=[])

    with pytest.raises(groq.BadRequestError):
        run(story())


def test_rate_limit_fault_carries_retry_after_and_counts(server: WireServer) -> None:
    """A 429 fault has Groq's shape and Retry-After, applies `times`, and then is gone."""
    server.faults({"llm": {"fault": "status", "code": 429, "retry_after": 7, "times": 1}})
    with pytest.raises(groq.RateLimitError) as error:
        run(ask(server))
    assert error.value.response.headers["retry-after"] == "7"
    assert error.value.body["error"]["code"] == "rate_limit_exceeded"
    assert run(ask(server))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, groq.AuthenticationError),
        (404, groq.NotFoundError),
        (413, groq.APIStatusError),
        (503, groq.InternalServerError),
    ],
)
def test_status_fault_has_a_true_status(
    server: WireServer, code: int, kind: type[groq.APIStatusError]
) -> None:
    """A status fault answers with that status."""
    server.faults({"llm": {"fault": "status", "code": code}})
    with pytest.raises(kind) as error:
        run(ask(server))
    assert error.value.status_code == code


def test_tool_use_failed_fault(server: WireServer) -> None:
    """The tool_use_failed fault has Groq's code and the failed generation."""
    server.faults({"llm": {"fault": "status", "code": 400, "type": "tool_use_failed"}})
    with pytest.raises(groq.BadRequestError) as error:
        run(ask(server))
    assert error.value.body["error"]["code"] == "tool_use_failed"
    assert error.value.body["error"]["failed_generation"]


def test_stall_before_delays_the_answer(server: WireServer) -> None:
    """stall_before holds the answer back by its milliseconds."""
    server.faults({"llm": {"fault": "stall_before", "ms": 400}})
    began = time.monotonic()
    run(ask(server))
    assert elapsed_ms(began) >= 600


def test_stall_mid_holds_the_stream(server: WireServer) -> None:
    """stall_mid pauses after its tokens for its milliseconds."""
    server.faults({"llm": {"fault": "stall_mid", "ms": 300, "after_tokens": 2}})

    async def story() -> list[float]:
        async with server.groq() as client:
            stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
            return [time.monotonic() async for c in stream if c.choices[0].delta.content]

    times = run(story())
    assert times[2] - times[1] >= 0.29


@pytest.mark.parametrize("fault", ["cut_mid", "garbage"])
def test_broken_streams_raise_in_the_client(server: WireServer, fault: str) -> None:
    """cut_mid and garbage give three tokens and then an error, never a clean end."""
    server.faults({"llm": {"fault": fault}})
    tokens: list[str] = []

    async def story() -> None:
        async with server.groq() as client:
            stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    tokens.append(chunk.choices[0].delta.content)

    with pytest.raises(Exception, match=r"(?i)incomplete|closed|peer|unterminated|json"):
        run(story())
    assert len(tokens) == 3


def test_a_function_is_called_when_a_test_wants_it(server: WireServer) -> None:
    """`call` answers with a function call, once, and only a request that offers the function."""
    function = {"name": "open_lot", "description": "Opens.", "parameters": {"type": "object"}}
    tools = [{"type": "function", "function": function}]
    call = {"fault": "call", "name": "open_lot", "arguments": {"n": 3}, "times": 1}
    server.faults({"llm": call})

    async def story(**options: object) -> list:
        async with server.groq() as client:
            stream = await client.chat.completions.create(
                model="m", messages=MESSAGES, stream=True, **options
            )
            return [chunk async for chunk in stream]

    assert run(story())[-1].choices[0].finish_reason == "stop"
    chunks = run(story(tools=tools))
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    called = chunks[1].choices[0].delta.tool_calls[0].function
    assert (called.name, called.arguments) == ("open_lot", '{"n": 3}')
    assert run(story(tools=tools))[-1].choices[0].finish_reason == "stop"
