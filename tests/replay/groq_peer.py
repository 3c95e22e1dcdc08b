"""A scripted Groq: streaming chat completions over HTTP/1.1."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import h11

Note = Callable[[str, str], None]


@dataclass(frozen=True)
class Answer:
    """How one request is answered.

    Parameters:
        text: What the model says, sent word by word.
        first_token_secs: From the request to the first token.
        tokens_per_sec: Pace after that.
        status: An HTTP error instead of an answer.
        code: The error's code.
        retry_after: The error's Retry-After header.
        call: The name of a function that is called instead of an answer.
        arguments: With what it is called, as text.
        stalls: Nothing is ever sent.
        cut_after_words: The connection breaks after so many words.
        stalls_after_words: Nothing more comes after so many words.
    """

    text: str = ""
    first_token_secs: float = 0.1
    tokens_per_sec: float = 100.0
    status: int = 200
    code: str = "scripted"
    retry_after: str | None = None
    call: str | None = None
    arguments: str = "{}"
    stalls: bool = False
    cut_after_words: int | None = None
    stalls_after_words: int | None = None


@dataclass
class GroqScript:
    """The answers, and what was asked.

    Parameters:
        note: Writes an event to the timeline.
        answers: One per request, in order; the last one repeats.
        requests: The bodies received.
    """

    note: Note
    answers: list[Answer]
    requests: list[dict[str, Any]] = field(default_factory=list)

    def next_answer(self) -> Answer:
        """The answer to the request noted last."""
        return self.answers[min(len(self.requests), len(self.answers)) - 1]


def conversation_of(body: dict[str, Any]) -> list[str]:
    """The messages of a request without the system prompt, one `role: text` each."""
    return [
        f"{message['role']}: {_text(message.get('content'))}"
        for message in body["messages"]
        if message["role"] not in ("system", "developer")
    ]


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content)
    return str(content)


class GroqPeer(asyncio.Protocol):
    """One client connection; requests follow each other on it."""

    def __init__(self, script: GroqScript) -> None:
        self._script = script
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.SERVER)
        self._transport: asyncio.Transport | None = None
        self._body = b""
        self._path = ""
        self._timer: asyncio.TimerHandle | None = None
        self._answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Parse; answer a complete request."""
        self._http.receive_data(data)
        self._read()

    def eof_received(self) -> bool:
        """The client is gone."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop answering."""
        if self._timer:
            self._timer.cancel()
        if self._answering:
            self._script.note("llm", "is hung up on")
        self._answering = False
        self._transport = None

    def _read(self) -> None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                self._path, self._body = event.target.decode(), b""
            elif isinstance(event, h11.Data):
                self._body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self._respond()
                return
            else:
                return

    def _respond(self) -> None:
        if self._path != "/openai/v1/chat/completions":
            self._refuse(404)
            return
        body = json.loads(self._body)
        self._script.requests.append(body)
        answer = self._script.next_answer()
        functions = " with functions" if body.get("tools") else ""
        self._script.note("llm", f"is asked{functions} [{' | '.join(conversation_of(body))}]")
        self._answering = True
        if answer.stalls:
            return
        if answer.status != 200:
            self._after(answer.first_token_secs, self._refuse, answer.status, answer)
            return
        self._after(answer.first_token_secs, self._start, body["model"], answer)

    def _after(self, delay_secs: float, action: Callable[..., None], *args: Any) -> None:
        self._timer = self._loop.call_later(delay_secs, action, *args)

    def _refuse(self, status: int, answer: Answer | None = None) -> None:
        self._script.note("llm", f"answers with status {status}")
        wait = answer and answer.retry_after
        body = json.dumps(
            {"error": {"message": "scripted", "type": "scripted", "code": answer and answer.code}}
        ).encode()
        self._send(
            h11.Response(
                status_code=status,
                headers=[
                    ("content-type", "application/json"),
                    ("content-length", str(len(body))),
                    *([("retry-after", wait)] if wait else []),
                ],
            )
        )
        self._send(h11.Data(data=body))
        self._finish()

    def _start(self, model: str, answer: Answer) -> None:
        self._send(
            h11.Response(
                status_code=200,
                headers=[("content-type", "text/event-stream"), ("transfer-encoding", "chunked")],
            )
        )
        if answer.call is not None:
            function = {"name": answer.call, "arguments": answer.arguments}
            call = {"index": 0, "id": "call_1", "type": "function", "function": function}
            delta = {"role": "assistant", "tool_calls": [call]}
            self._event(model, [{"index": 0, "delta": delta, "finish_reason": None}])
        words = answer.text.split(" ") if answer.text else []
        tokens = [word if index == 0 else f" {word}" for index, word in enumerate(words)]
        self._token(model, answer, tokens, 0)

    def _token(self, model: str, answer: Answer, tokens: list[str], index: int) -> None:
        if answer.cut_after_words == index:
            self._script.note("llm", "cuts the connection")
            self._answering = False
            assert self._transport
            self._transport.abort()
            return
        if answer.stalls_after_words == index:
            self._script.note("llm", "stalls")
            return
        if index < len(tokens):
            delta = {"role": "assistant", "content": tokens[index]}
            self._event(model, [{"index": 0, "delta": delta, "finish_reason": None}])
            self._after(1 / answer.tokens_per_sec, self._token, model, answer, tokens, index + 1)
            return
        self._event(model, [{"index": 0, "delta": {}, "finish_reason": "stop"}])
        usage = {"prompt_tokens": 1, "completion_tokens": len(tokens), "total_tokens": 1}
        self._event(model, [], usage=usage)
        self._send(h11.Data(data=b"data: [DONE]\n\n"))
        self._finish()

    def _event(self, model: str, choices: list[dict[str, Any]], **extra: Any) -> None:
        chunk = {
            "id": "replay",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": model,
            "choices": choices,
            **extra,
        }
        self._send(h11.Data(data=f"data: {json.dumps(chunk)}\n\n".encode()))

    def _finish(self) -> None:
        self._answering = False
        self._send(h11.EndOfMessage())
        if self._http.our_state is h11.MUST_CLOSE:
            if self._transport:
                self._transport.close()
            return
        self._http.start_next_cycle()
        self._read()

    def _send(self, event: Any) -> None:
        data = self._http.send(event)
        if data and self._transport:
            self._transport.write(data)
