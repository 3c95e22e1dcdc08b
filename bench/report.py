"""What a run found: as a table to read, and as JSON to keep."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.conversation import MARKS, Conversation, Outcome
from bench.measure import Summary, summarize

VOICE_TO_VOICE = "voice-to-voice"
INTERRUPTION_STOP = "interruption stop"
GREETING = "greeting"
METRICS = (VOICE_TO_VOICE, INTERRUPTION_STOP, GREETING)

_MEGABYTE = 1_000_000
_SECS_PER_MINUTE = 60


@dataclass
class Block:
    """One deployment's part of one round.

    Attributes:
        conversations: What its callers measured.
        cpu_secs: CPU that the deployment used meanwhile.
        peak_pss_bytes: Its memory at the worst look.
        machine_busy: Share of all CPUs that was in use by anybody, 0-1.
        load: One-minute load average at the end.
    """

    conversations: list[Conversation]
    cpu_secs: float | None = None
    peak_pss_bytes: int | None = None
    machine_busy: float | None = None
    load: float = 0.0


@dataclass
class Results:
    """Everything measured of one deployment.

    Attributes:
        blocks: One a round.
        idle_pss_bytes: Memory before its first measured session.
    """

    blocks: list[Block] = field(default_factory=list[Block])
    idle_pss_bytes: int | None = None

    @property
    def conversations(self) -> list[Conversation]:
        """All sessions, in order."""
        return [one for block in self.blocks for one in block.conversations]

    def samples(self, metric: str) -> list[float | None]:
        """Return one value an attempt, None where it came to nothing."""
        if metric == VOICE_TO_VOICE:
            return [turn.response_ms for one in self.conversations for turn in one.turns]
        if metric == INTERRUPTION_STOP:
            return [stop for one in self.conversations for stop in one.stops_ms]
        return [one.greeting_ms for one in self.conversations]

    def outcomes(self, outcome: Outcome) -> int:
        """Return how many questions ended in one way."""
        turns = (turn for one in self.conversations for turn in one.turns)
        return sum(turn.outcome is outcome for turn in turns)

    @property
    def failures(self) -> list[str]:
        """Why sessions ended early, one entry each."""
        return [one.failure for one in self.conversations if one.failure]

    @property
    def cpu_secs_per_session_minute(self) -> float | None:
        """CPU seconds for each minute of a session; what it got, not what it wanted."""
        minutes = sum(one.secs for one in self.conversations) / _SECS_PER_MINUTE
        used = [block.cpu_secs for block in self.blocks if block.cpu_secs is not None]
        return sum(used) / minutes if used and minutes else None

    @property
    def peak_pss_bytes(self) -> int | None:
        """Memory at the worst look of all rounds."""
        return max((block.peak_pss_bytes or 0 for block in self.blocks), default=0) or None

    @property
    def lag_ms(self) -> float:
        """The latest that any caller sent a piece of microphone audio."""
        return max((one.lag_ms for one in self.conversations), default=0.0)

    def mark_ms(self, mark: str) -> float | None:
        """Return the median arrival of an RTVI message after the end of a question."""
        found = [
            turn.marks_ms[mark]
            for one in self.conversations
            for turn in one.turns
            if mark in turn.marks_ms and turn.outcome is Outcome.ANSWERED
        ]
        return statistics.median(found) if found else None

    def to_json(self) -> dict[str, Any]:
        """Return figures and samples as JSON types."""
        summaries = {metric: summarize(self.samples(metric)) for metric in METRICS}
        return {
            "metrics_ms": {name: found and asdict(found) for name, found in summaries.items()},
            "outcomes": {outcome: self.outcomes(outcome) for outcome in Outcome},
            "marks_ms": {mark: self.mark_ms(mark) for mark in MARKS},
            "cpu_secs_per_session_minute": self.cpu_secs_per_session_minute,
            "idle_pss_bytes": self.idle_pss_bytes,
            "peak_pss_bytes": self.peak_pss_bytes,
            "caller_lag_ms": self.lag_ms,
            "failures": self.failures,
            "rounds": [asdict(block) for block in self.blocks],
        }


def table(results: Mapping[str, Results], floor_ms: float) -> str:
    """Return the run's figures as Markdown, one column a deployment.

    Args:
        results: Deployment's name to what was measured of it.
        floor_ms: Sum of the fixed delays that no bot can avoid.
    """
    every = list(results.values())
    rows: list[list[str]] = []
    for metric in METRICS:
        summaries = [summarize(one.samples(metric)) for one in every]
        rows += _metric_rows(metric, summaries, floor_ms if metric == VOICE_TO_VOICE else None)
    counts = ((f"questions {outcome}", outcome) for outcome in Outcome)
    rows += [[name, *(str(one.outcomes(outcome)) for one in every)] for name, outcome in counts]
    rows += [
        ["CPU-s per session-minute", *(_number(one.cpu_secs_per_session_minute) for one in every)],
        ["memory idle, MB (PSS)", *(_megabytes(one.idle_pss_bytes) for one in every)],
        ["memory at most, MB (PSS)", *(_megabytes(one.peak_pss_bytes) for one in every)],
        ["sessions failed", *(f"{len(one.failures)}/{len(one.conversations)}" for one in every)],
        ["microphone late by at most, ms", *(f"{one.lag_ms:.0f}" for one in every)],
        ["voice-to-voice, ms: median by round", *(_medians(one.blocks) for one in every)],
        ["CPUs busy (anybody), % by round", *(_busy(one.blocks) for one in every)],
    ]
    found = [_markdown(["", *results], rows)]
    marks = [[mark, *(_number(one.mark_ms(mark), "{:.0f}") for one in every)] for mark in MARKS]
    if any(one.mark_ms(mark) is not None for one in every for mark in MARKS):
        found.append("Median arrival of RTVI messages, ms after the last voiced sample:")
        found.append(_markdown(["", *results], marks))
    return "\n\n".join(found) + "\n"


def _metric_rows(
    metric: str, summaries: Sequence[Summary | None], floor_ms: float | None
) -> list[list[str]]:
    """Return a metric's rows: median with interval, p95, and what lies above the floor."""
    rows = [
        [f"{metric}, ms: median (95 % interval)", *(_median(found) for found in summaries)],
        [f"{metric}, ms: p95", *(_p95(found) for found in summaries)],
    ]
    if floor_ms is not None:
        over = [_number(found and found.p50 - floor_ms, "{:.0f}") for found in summaries]
        rows.insert(1, [f"{metric}, ms: median over the {floor_ms:.0f} ms floor", *over])
    return rows


def _median(found: Summary | None) -> str:
    if found is None:
        return "-"
    missing = f", {found.missing} none" if found.missing else ""
    return f"{found.p50:.0f} ({found.low:.0f}-{found.high:.0f}), n={found.n}{missing}"


def _p95(found: Summary | None) -> str:
    return "-" if found is None else f"{found.p95:.0f}"


def _number(value: float | None, form: str = "{:.1f}") -> str:
    return "-" if value is None else form.format(value)


def _megabytes(value: int | None) -> str:
    return "-" if value is None else f"{value / _MEGABYTE:.0f}"


def _medians(blocks: Sequence[Block]) -> str:
    found = (summarize(Results([block]).samples(VOICE_TO_VOICE)) for block in blocks)
    return " ".join(_number(one and one.p50, "{:.0f}") for one in found)


def _busy(blocks: Sequence[Block]) -> str:
    """Return how busy each round was: rounds that differ much cannot be compared."""
    shares = (block.machine_busy for block in blocks)
    return " ".join(_number(share and share * 100, "{:.0f}") for share in shares)


def _markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [list(header), *rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
