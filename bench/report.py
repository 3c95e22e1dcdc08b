"""What a run found, deployment by deployment: samples, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.conversation import Conversation, Outcome, Turn
from bench.measure import summarize
from bench.timeline import medians

VOICE_TO_VOICE = "voice-to-voice"
INTERRUPTION_STOP = "interruption stop"
GREETING = "greeting"
METRICS = (VOICE_TO_VOICE, INTERRUPTION_STOP, GREETING)

_SECS_PER_MINUTE = 60


@dataclass
class Block:
    """One deployment's go: sessions one after the other, or all together.

    Attributes:
        conversations: What its callers measured.
        planned: Questions that were to be asked.
        segments: Where the time of each answered turn went, for a single caller.
        cpu_secs: CPU that the deployment used meanwhile.
        peak_pss_bytes: Its memory at the worst look.
        machine_busy: Share of all CPUs that was in use by anybody, 0-1.
        load: One-minute load average at the end.
    """

    conversations: list[Conversation] = field(default_factory=list[Conversation])
    planned: int = 0
    segments: list[dict[str, float]] = field(default_factory=list[dict[str, float]])
    cpu_secs: float | None = None
    peak_pss_bytes: int | None = None
    machine_busy: float | None = None
    load: float = 0.0

    @property
    def turns(self) -> list[Turn]:
        """All questions that were asked."""
        return [turn for one in self.conversations for turn in one.turns]

    def responses(self) -> list[float | None]:
        """Return voice-to-voice times, None where there was none."""
        return [turn.response_ms for turn in self.turns]

    @property
    def unanswered(self) -> int:
        """Questions that got no answer, or were never asked because the session had failed."""
        return self.planned - sum(turn.outcome is not Outcome.UNANSWERED for turn in self.turns)

    @property
    def cpu_secs_per_session_minute(self) -> float | None:
        """CPU seconds for each minute of a session; what it got, not what it wanted."""
        minutes = sum(one.secs for one in self.conversations) / _SECS_PER_MINUTE
        return self.cpu_secs / minutes if self.cpu_secs is not None and minutes else None

    def to_json(self) -> dict[str, Any]:
        """Return figures and samples as JSON types."""
        found = summarize(self.responses())
        return {
            **asdict(self),
            "voice_to_voice_ms": found and asdict(found),
            "unanswered": self.unanswered,
            "cpu_secs_per_session_minute": self.cpu_secs_per_session_minute,
        }


@dataclass
class Results:
    """Everything measured of one deployment.

    Attributes:
        rounds: With a single caller, one block a round.
        many: Callers at once to their block; 1 is what the others are compared with.
        idle_pss_bytes: Memory before its first measured session.
    """

    rounds: list[Block] = field(default_factory=list[Block])
    many: dict[int, Block] = field(default_factory=dict[int, Block])
    idle_pss_bytes: int | None = None

    @property
    def conversations(self) -> list[Conversation]:
        """All sessions of the single caller, in order."""
        return [one for block in self.rounds for one in block.conversations]

    @property
    def blocks(self) -> list[Block]:
        """All blocks, in order."""
        return [*self.rounds, *self.many.values()]

    def samples(self, metric: str) -> list[float | None]:
        """Return one value an attempt of the single caller, None where it came to nothing."""
        if metric == VOICE_TO_VOICE:
            return [turn.response_ms for one in self.conversations for turn in one.turns]
        if metric == INTERRUPTION_STOP:
            return [stop for one in self.conversations for stop in one.stops_ms]
        return [one.greeting_ms for one in self.conversations]

    def outcomes(self, outcome: Outcome) -> int:
        """Return how many questions of the single caller ended in one way."""
        turns = (turn for one in self.conversations for turn in one.turns)
        return sum(turn.outcome is outcome for turn in turns)

    @property
    def failures(self) -> list[str]:
        """Why sessions ended early, one entry each."""
        every = (one for block in self.blocks for one in block.conversations)
        return [one.failure for one in every if one.failure]

    @property
    def lag_ms(self) -> float:
        """The latest that any caller sent a piece of microphone audio."""
        every = (one.lag_ms for block in self.blocks for one in block.conversations)
        return max(every, default=0.0)

    @property
    def waterfall(self) -> dict[str, float]:
        """Median of each segment over the single caller's answered turns, ms."""
        return self._medians(self.rounds)

    def _medians(self, blocks: Iterable[Block]) -> dict[str, float]:
        return medians([one for block in blocks for one in block.segments])

    def to_json(self) -> dict[str, Any]:
        """Return figures and samples as JSON types."""
        summaries = {metric: summarize(self.samples(metric)) for metric in METRICS}
        return {
            "metrics_ms": {name: found and asdict(found) for name, found in summaries.items()},
            "outcomes": {outcome: self.outcomes(outcome) for outcome in Outcome},
            "waterfall_ms": self.waterfall,
            "idle_pss_bytes": self.idle_pss_bytes,
            "caller_lag_ms": self.lag_ms,
            "failures": self.failures,
            "rounds": [block.to_json() for block in self.rounds],
            "many": {count: block.to_json() for count, block in self.many.items()},
        }
