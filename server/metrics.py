"""What goes on here, counted: for GET /metrics in Prometheus' text format, and for the chronicle.

Counts and times, nobody's words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.channel import Turn, Used
from bot.reasons import EndReason
from bot.usage import UNITS
from bot.waterfall import SEGMENTS
from server.chronicle import SAMPLE_EVERY_SECS, Chronicle
from server.prices import PROVIDERS, Prices

if TYPE_CHECKING:
    from server.cluster.membership import Membership
    from server.pool import Pool
    from server.sessions import Sessions
    from server.traces import Traces

NO_PRICES = Prices()
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Around the goal of half a second from the click to the greeting.
_CONNECT_BUCKETS_SECS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0)
# Around the goal of half a second from the last sound to the answer.
_TURN_BUCKETS_SECS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)
_SEGMENT_BUCKETS_SECS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The counters of one server, in a registry of their own.

    Attributes:
        chronicle: The last hour, session by session.
        traces: Told of the same, where somebody collects them.
    """

    def __init__(self, prices: Prices = NO_PRICES) -> None:
        """Create every counter at zero; what is taken from providers costs what they ask."""
        self._prices = prices
        self.chronicle = Chronicle()
        self.traces: Traces | None = None
        self.registry = CollectorRegistry()
        self.session_starts = Counter(
            "voice_session_starts", "Sessions admitted", registry=self.registry
        )
        self.session_ends = Counter(
            "voice_session_ends",
            "Sessions ended, by reason (docs/protocol.md)",
            ["reason"],
            registry=self.registry,
        )
        self.session_errors = Counter(
            "voice_session_errors",
            "Errors inside sessions that have ended, by code",
            ["code"],
            registry=self.registry,
        )
        self.connect_errors = Counter(
            "voice_connect_errors",
            "Refused POST /connect, by code",
            ["code"],
            registry=self.registry,
        )
        self.silent_sessions = Counter(
            "voice_silent_sessions",
            "Sessions in which nobody came or spoke, by site",
            ["site"],
            registry=self.registry,
        )
        self.connect_secs = Histogram(
            "voice_connect_seconds",
            "POST /connect that led to a session: from the request to the answer",
            buckets=_CONNECT_BUCKETS_SECS,
            registry=self.registry,
        )

        self.turn_secs = Histogram(
            "voice_turn_seconds",
            "Answered turns: from the visitor's last sound to the answer's first given to the room",
            buckets=_TURN_BUCKETS_SECS,
            registry=self.registry,
        )
        self.segment_secs = Histogram(
            "voice_turn_segment_seconds",
            "The steps of answered turns, one after the other (docs/protocol.md)",
            ["segment"],
            buckets=_SEGMENT_BUCKETS_SECS,
            registry=self.registry,
        )
        for segment in SEGMENTS:
            self.segment_secs.labels(segment)
        self.answers_begun = Counter(
            "voice_answers_begun",
            "Answers asked of the model in turns that were answered, those thrown away included",
            registry=self.registry,
        )

        self.provider_calls = Counter(
            "voice_provider_calls",
            "Connections, answers and sentences asked of providers by sessions",
            ["provider"],
            registry=self.registry,
        )
        self.provider_usage = Counter(
            "voice_provider_usage",
            "What sessions took from providers, in the units that these bill",
            ["unit"],
            registry=self.registry,
        )
        self.provider_cost = Counter(
            "voice_provider_cost",
            "What that costs by the prices in the settings, in their currency",
            ["provider"],
            registry=self.registry,
        )
        for provider in PROVIDERS:
            self.provider_calls.labels(provider)
            self.provider_cost.labels(provider)
        for unit in UNITS:
            if not unit.endswith("_calls"):
                self.provider_usage.labels(unit)

    def session_began(self, session_id: str, site: str) -> None:
        """Note a session that has a process."""
        self.chronicle.began(session_id, site)
        if self.traces:
            self.traces.began(session_id, site)

    def session_ready(self, session_id: str) -> None:
        """Note that its bot is in the room."""
        self.chronicle.ready(session_id)
        if self.traces:
            self.traces.ready(session_id)

    def session_ended(self, session_id: str, reason: EndReason, errors: Mapping[str, int]) -> None:
        """Count a session of which nothing is left, and what went wrong in it."""
        self.session_ends.labels(reason).inc()
        for code, times in errors.items():
            self.session_errors.labels(code).inc(times)
        self.chronicle.ended(session_id, reason, errors)
        if self.traces:
            self.traces.ended(session_id, reason, errors)

    def connect_refused(self, code: str) -> None:
        """Count somebody who did not get a session."""
        self.connect_errors.labels(code).inc()
        self.chronicle.refused(code)

    def reported(self, report: Turn | Used) -> None:
        """Count what a session process tells."""
        if isinstance(report, Turn):
            self._turn_answered(report)
        else:
            self._used(report)

    def _used(self, used: Used) -> None:
        for unit, amount in used.amounts.items():
            provider, _, kind = unit.partition("_")
            if kind == "calls":
                self.provider_calls.labels(provider).inc(amount)
            else:
                self.provider_usage.labels(unit).inc(amount)
        for provider, cost in self._prices.costs(used.amounts).items():
            self.provider_cost.labels(provider).inc(cost)
            self.chronicle.spent(provider, cost)

    def _turn_answered(self, turn: Turn) -> None:
        self.chronicle.turn(turn)
        if self.traces:
            self.traces.turn(turn)
        self.turn_secs.observe(sum(turn.segments_secs.values()))
        for segment, secs in turn.segments_secs.items():
            self.segment_secs.labels(segment).observe(secs)
        self.answers_begun.inc(turn.answers_begun)

    def watch(self, sessions: Sessions, pool: Pool) -> None:
        """Also show these, as they are when somebody asks."""
        self.registry.register(_Now(sessions, pool))

    def watch_cluster(self, membership: Membership) -> None:
        """Also show how the cluster fares, as this member sees it."""
        self.registry.register(_Cluster(membership))

    async def sample_for_ever(self, sessions: Sessions, pool: Pool) -> None:
        """Note every few seconds how this server fares."""
        while True:
            cpu = pool.cpu_percent
            lag_ms = max((one.load.lag_p95_ms for one in pool.processes), default=0.0)
            self.chronicle.sample(sessions.count, None if cpu is None else cpu / 100, lag_ms)
            await asyncio.sleep(SAMPLE_EVERY_SECS)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Now(Collector):
    """Gauges that are read, not kept."""

    def __init__(self, sessions: Sessions, pool: Pool) -> None:
        self._sessions = sessions
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        """Yield what is true now."""
        sessions, pool = self._sessions, self._pool
        yield GaugeMetricFamily("voice_sessions", "Sessions going on", sessions.count)
        yield GaugeMetricFamily(
            "voice_sessions_max", "MAX_SESSIONS: sessions at once", sessions.max_sessions
        )
        yield GaugeMetricFamily(
            "voice_admitting",
            "1 while a session would be admitted",
            int(sessions.refusal() is None),
        )
        warm = sum(one.is_warm for one in pool.processes)
        yield GaugeMetricFamily("voice_processes_warm", "Session processes that answer", warm)
        yield CounterMetricFamily(
            "voice_process_restarts",
            "Session processes that ended and were replaced",
            pool.restarts,
        )
        yield CounterMetricFamily(
            "voice_process_renewals",
            "Session processes renewed after SESSIONS_PER_PROCESS",
            pool.renewals,
        )
        if (cpu_percent := pool.cpu_percent) is not None:
            yield GaugeMetricFamily(
                "voice_machine_cpu_ratio", "CPU in use by anybody, 0-1", cpu_percent / 100
            )
        placed = GaugeMetricFamily(
            "voice_process_sessions", "Sessions of a process", labels=["process"]
        )
        lag = GaugeMetricFamily(
            "voice_process_loop_lag_seconds",
            "How late the event loop wakes, 95th percentile of 5 s",
            labels=["process"],
        )
        cpu = GaugeMetricFamily(
            "voice_process_cpu_cores", "CPU time per time, over 5 s", labels=["process"]
        )
        tasks = GaugeMetricFamily(
            "voice_process_tasks", "asyncio tasks of a process", labels=["process"]
        )
        for slot, process in enumerate(pool.processes):
            placed.add_metric([str(slot)], len(process.sessions))
            lag.add_metric([str(slot)], process.load.lag_p95_ms / 1000)
            cpu.add_metric([str(slot)], process.load.cpu_cores)
            tasks.add_metric([str(slot)], process.load.tasks)
        yield from (placed, lag, cpu, tasks)


class _Cluster(Collector):
    """The members, and what became of those that were lost."""

    def __init__(self, membership: Membership) -> None:
        self._membership = membership

    def collect(self) -> Iterator[Metric]:
        """Yield what is true now."""
        membership = self._membership
        yield GaugeMetricFamily(
            "voice_cluster_members", "Members that speak, this one included", membership.view.count
        )
        yield CounterMetricFamily(
            "voice_cluster_sessions_rescued",
            "Sessions of lost members that go on, seen to by this one",
            membership.rescued,
        )
        yield CounterMetricFamily(
            "voice_cluster_sessions_given_up",
            "Sessions of lost members that nobody could go on with, seen to by this one",
            membership.given_up,
        )
