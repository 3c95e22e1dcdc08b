"""Traces: what a collector is sent of a session."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import ValidationError

from bot.channel import Turn
from bot.reasons import EndReason
from bot.waterfall import SEGMENTS
from server.metrics import Metrics
from server.settings import ServerSettings
from server.traced import open_traces

TURN = Turn(session_id="s-1", segments_secs=dict.fromkeys(SEGMENTS, 0.1), answers_begun=2)


class Collector:
    """What has come.

    Attributes:
        url: Where it listens.
        spans: All spans, in order of arrival.
        keys: The `x-key` header of each request.
    """

    def __init__(self) -> None:
        self.url = ""
        self.spans: list[Span] = []
        self.keys: list[str | None] = []

    def named(self, name: str) -> list[Span]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A receiver of OTLP over HTTP that reads what it gets with OpenTelemetry's own schema."""
    with listening() as heard:
        yield heard


@contextmanager
def listening() -> Iterator[Collector]:
    heard = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            request = ExportTraceServiceRequest()
            is_known = self.path == "/v1/traces" and not self.headers.get("content-encoding")
            if is_known:
                request.ParseFromString(body)
                heard.keys.append(self.headers.get("x-key"))
                for resource in request.resource_spans:
                    for scope in resource.scope_spans:
                        heard.spans.extend(scope.spans)
            self.send_response(200 if is_known else 404)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings(endpoint: str = "", headers: str = "") -> ServerSettings:
    return ServerSettings(
        livekit_url="ws://h",
        livekit_api_key="k",
        livekit_api_secret="s" * 32,
        otel_exporter_otlp_endpoint=endpoint,
        otel_exporter_otlp_headers=headers,  # pyright: ignore[reportArgumentType] - as read
    )


def attributes(span: Span) -> dict[str, object]:
    """A span's attributes as Python's."""
    values = ((one.key, one.value) for one in span.attributes)
    return {key: getattr(value, str(value.WhichOneof("value"))) for key, value in values}


def run(endpoint: str, headers: str = "", reason: EndReason = EndReason.IDLE) -> Metrics:
    """Trace a session, within the exporter's patience and some."""
    return asyncio.run(asyncio.wait_for(trace(endpoint, headers, reason), 30))


async def trace(endpoint: str, headers: str, reason: EndReason) -> Metrics:
    """One session with two answered turns."""
    metrics = Metrics()
    async with open_traces(settings(endpoint, headers)) as metrics.traces:
        metrics.session_began("s-1", "https://a.example")
        metrics.session_ready("s-1")
        metrics.reported(TURN)
        metrics.reported(TURN)
        metrics.session_ended("s-1", reason, {"tts_lost": 3})
        # Nobody knows these.
        metrics.reported(TURN.model_copy(update={"session_id": "s-2"}))
        metrics.session_ended("s-2", reason, {})
    return metrics


def test_a_session_is_a_tree_of_turns_and_steps(collector: Collector) -> None:
    """Session, turns, steps: one trace, whose steps follow each other and fill their turn."""
    run(collector.url, "x-key=a%20key")
    (session,) = collector.named("session")
    turns = collector.named("turn")
    assert len(turns) == 2
    assert {span.trace_id for span in collector.spans} == {session.trace_id}
    assert {turn.parent_span_id for turn in turns} == {session.span_id}
    for turn in turns:
        steps = [span for span in collector.spans if span.parent_span_id == turn.span_id]
        assert [step.name for step in steps] == [f"turn/{segment}" for segment in SEGMENTS]
        bounds = [turn.start_time_unix_nano, *(step.end_time_unix_nano for step in steps)]
        assert bounds[:-1] == [step.start_time_unix_nano for step in steps]
        # Nanoseconds since 1970 are rounded in no step by more than one.
        assert abs(bounds[-1] - turn.end_time_unix_nano) <= len(SEGMENTS)
    assert [attributes(turn)["turn.number"] for turn in turns] == [1, 2]
    assert set(collector.keys) == {"a key"}


def test_a_session_says_how_it_went(collector: Collector) -> None:
    """Site, reason, turns and errors by code: counts and names, and nobody's words."""
    run(collector.url)
    (session,) = collector.named("session")
    assert attributes(session) == {
        "session.id": "s-1",
        "voice.site": "https://a.example",
        "voice.end_reason": "idle",
        "voice.turns": 2,
        "voice.errors.tts_lost": 3,
    }
    assert [event.name for event in session.events] == ["bot-ready"]
    assert session.status.code == 0


def test_a_session_that_failed_is_an_error(collector: Collector) -> None:
    """A collector can be asked for the conversations that went wrong."""
    run(collector.url, reason=EndReason.CRASHED)
    (session,) = collector.named("session")
    assert session.status.code == session.status.STATUS_CODE_ERROR
    assert session.status.message == "crashed"


def test_a_collector_that_is_away_is_nobodys_trouble() -> None:
    """Sessions are counted as ever, and the server stops within the exporter's patience."""
    metrics = run("http://127.0.0.1:9")
    assert 'voice_session_ends_total{reason="idle"} 2.0' in metrics.text().decode()


def test_nothing_is_collected_unless_wanted() -> None:
    """Without an endpoint there are no traces."""
    metrics = run("")
    assert metrics.traces is None


@pytest.mark.parametrize(
    ("endpoint", "headers", "named"),
    [
        ("localhost:4318", "", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("http://h:4318", "a-secret", "OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_mistakes_are_named(endpoint: str, headers: str, named: str) -> None:
    """An endpoint that is no address and a header without a value stop the server at its start."""
    with pytest.raises(ValidationError) as error:
        settings(endpoint, headers)
    assert named in str(error.value)


def test_what_authorises_is_a_secret() -> None:
    """The headers' values stand in no log."""
    assert "a key" in settings("http://h:4318", "x-key=a%20key").secrets
