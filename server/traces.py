"""A trace of each session, for whoever collects OpenTelemetry: its start, its turns, its end.

The spans hold times, counts and codes, nobody's words; Pipecat's own write prompts, transcripts and
answers into theirs (docs/decisions/0009). They are made from what session processes report, so a
session costs no more with them than without.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode, set_span_in_context

from bot.channel import Turn
from bot.reasons import EndReason

# A collector that is away is given up on for one batch; spans wait in memory, 2048 at most.
EXPORT_TIMEOUT_SECS = 5
# Reasons that no caller would have wished for.
_BAD_ENDS = frozenset(
    {
        EndReason.CRASHED,
        EndReason.FAILED,
        EndReason.CONNECT_FAILED,
        EndReason.PROVIDER_UNUSABLE,
    }
)


class Traces:
    """The spans of the sessions that go on."""

    def __init__(self, endpoint: str, headers: Mapping[str, str], instance: str) -> None:
        """Send to a collector.

        Args:
            endpoint: Base address of an OTLP/HTTP receiver; `/v1/traces` is added.
            headers: Sent with each batch.
            instance: Which server this is.
        """
        exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces",
            headers=dict(headers),
            timeout=EXPORT_TIMEOUT_SECS,
        )
        named = {SERVICE_NAME: "voice-assistant", SERVICE_INSTANCE_ID: instance}
        self._provider = TracerProvider(resource=Resource.create(named))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("voice-assistant")
        self._live: dict[str, Span] = {}
        self._turns: dict[str, int] = {}

    def began(self, session_id: str, site: str) -> None:
        """A session was placed."""
        attributes = {"session.id": session_id, "voice.site": site}
        self._live[session_id] = self._tracer.start_span("session", attributes=attributes)
        self._turns[session_id] = 0

    def ready(self, session_id: str) -> None:
        """Its bot is in the room, or another one is."""
        if session := self._live.get(session_id):
            session.add_event("bot-ready")

    def turn(self, turn: Turn) -> None:
        """A turn was answered just now: a span for it, and one for each of its steps."""
        session = self._live.get(turn.session_id)
        if session is None:
            return
        self._turns[turn.session_id] += 1
        end_ns = time.time_ns()
        at_ns = end_ns - _ns(sum(turn.segments_secs.values()))
        whole = self._tracer.start_span(
            "turn",
            context=set_span_in_context(session),
            start_time=at_ns,
            attributes={
                "session.id": turn.session_id,
                "turn.number": self._turns[turn.session_id],
                "voice.answers_begun": turn.answers_begun,
            },
        )
        for segment, secs in turn.segments_secs.items():
            step = self._tracer.start_span(
                f"turn/{segment}", context=set_span_in_context(whole), start_time=at_ns
            )
            at_ns += _ns(secs)
            step.end(at_ns)
        whole.end(end_ns)

    def ended(self, session_id: str, reason: EndReason, errors: Mapping[str, int]) -> None:
        """Nothing of it is left running."""
        session = self._live.pop(session_id, None)
        if session is None:
            return
        session.set_attribute("voice.end_reason", reason.value)
        session.set_attribute("voice.turns", self._turns.pop(session_id))
        for code, times in errors.items():
            session.set_attribute(f"voice.errors.{code}", times)
        if reason in _BAD_ENDS:
            session.set_status(Status(StatusCode.ERROR, reason.value))
        session.end()

    def close(self) -> None:
        """Send what is left; blocks for EXPORT_TIMEOUT_SECS at most."""
        self._provider.shutdown()


def _ns(secs: float) -> int:
    return round(secs * 1e9)
