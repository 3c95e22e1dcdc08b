"""What happened in the last hour, kept small and in memory: for the operator's page.

Ages instead of times of day: a clock that jumps moves nothing here. No word of a conversation.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bot.channel import Turn
from bot.reasons import EndReason

HOUR_SECS: Final = 3600.0
SAMPLE_EVERY_SECS: Final = 10.0
# An hour at capacity of a machine for eight conversations is about 3,000 turns.
MAX_POINTS: Final = 5_000
MAX_PAST: Final = 100
MAX_TURNS: Final = 200


@dataclass(frozen=True)
class Sample:
    """How the server fared at one moment.

    Attributes:
        at_secs: Monotonic.
        sessions: Going on.
        cpu_ratio: Of the machine, 0-1; None where it cannot be read.
        lag_ms: Of the session process whose event loop is latest.
    """

    at_secs: float
    sessions: int
    cpu_ratio: float | None
    lag_ms: float


@dataclass
class Story:
    """One session as the door knows it.

    Attributes:
        session_id: Its id.
        site: Whose visitor it is.
        began_secs: Monotonic.
        ready_secs: When the bot was in the room, or None.
        turns: When each answer was given to the room, and its segments in seconds.
        ended_secs: Monotonic, or None while it goes on.
        reason: Why it ended.
        errors: How often each code came up; known at its end.
    """

    session_id: str
    site: str
    began_secs: float
    ready_secs: float | None = None
    turns: deque[tuple[float, dict[str, float]]] = field(
        default_factory=lambda: deque(maxlen=MAX_TURNS)
    )
    ended_secs: float | None = None
    reason: EndReason | None = None
    errors: dict[str, int] = field(default_factory=dict[str, int])

    def told(self, now_secs: float) -> dict[str, Any]:
        """Return it as JSON; moments are seconds since it began."""
        until = now_secs if self.ended_secs is None else self.ended_secs
        return {
            "id": self.session_id,
            "site": self.site,
            "ago_secs": round(now_secs - self.began_secs, 1),
            "lasted_secs": round(until - self.began_secs, 1),
            "ready_secs": None
            if self.ready_secs is None
            else round(self.ready_secs - self.began_secs, 2),
            "turns": [
                {"at_secs": round(at - self.began_secs, 2), "segments_secs": segments}
                for at, segments in self.turns
            ],
            "reason": self.reason,
            "errors": self.errors,
        }


class Chronicle:
    """The last hour of this server."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing.

        Args:
            clock: Monotonic seconds; tests move it by hand.
        """
        self._clock = clock
        self._live: dict[str, Story] = {}
        self._past: deque[Story] = deque(maxlen=MAX_PAST)
        self._waits: deque[tuple[float, float]] = deque(maxlen=MAX_POINTS)
        self._errors: deque[tuple[float, str, int]] = deque(maxlen=MAX_POINTS)
        self._refused: deque[tuple[float, str]] = deque(maxlen=MAX_POINTS)
        self._samples: deque[Sample] = deque(maxlen=round(HOUR_SECS / SAMPLE_EVERY_SECS))
        self._talked_secs: Counter[str] = Counter()
        self._spent: dict[str, float] = {}

    def began(self, session_id: str, site: str) -> None:
        """A session was placed."""
        self._live[session_id] = Story(session_id, site, self._clock())

    def ready(self, session_id: str) -> None:
        """Its bot is in the room."""
        if story := self._live.get(session_id):
            story.ready_secs = self._clock()

    def turn(self, turn: Turn) -> None:
        """A turn was answered."""
        now = self._clock()
        self._waits.append((now, sum(turn.segments_secs.values())))
        if story := self._live.get(turn.session_id):
            segments = {name: round(secs, 3) for name, secs in turn.segments_secs.items()}
            story.turns.append((now, segments))

    def ended(self, session_id: str, reason: EndReason, errors: Mapping[str, int]) -> None:
        """Nothing of it is left running."""
        story = self._live.pop(session_id, None)
        if story is None:
            return
        now = self._clock()
        story.ended_secs, story.reason, story.errors = now, reason, dict(errors)
        self._past.append(story)
        self._talked_secs[story.site] += round(now - story.began_secs)
        self._errors.extend((now, code, times) for code, times in errors.items())

    def spent(self, provider: str, cost: float) -> None:
        """A session has cost so much more."""
        self._spent[provider] = self._spent.get(provider, 0.0) + cost

    def refused(self, code: str) -> None:
        """Somebody did not get a session."""
        self._refused.append((self._clock(), code))

    def sample(self, sessions: int, cpu_ratio: float | None, lag_ms: float) -> None:
        """Note how the server fares."""
        self._samples.append(Sample(self._clock(), sessions, cpu_ratio, lag_ms))

    def told(self) -> dict[str, Any]:
        """Return all of it as JSON; `ago_secs` counts back from now."""
        now = self._clock()
        since = now - HOUR_SECS
        errors: Counter[str] = Counter()
        for at, code, times in self._errors:
            if at >= since:
                errors[code] += times
        talked = Counter(self._talked_secs)
        for story in self._live.values():
            talked[story.site] += round(now - story.began_secs)
        return {
            "waits": [
                {"ago_secs": round(now - at, 1), "secs": round(secs, 3)}
                for at, secs in self._waits
                if at >= since
            ],
            "samples": [
                {
                    "ago_secs": round(now - one.at_secs, 1),
                    "sessions": one.sessions,
                    "cpu_ratio": one.cpu_ratio,
                    "lag_ms": round(one.lag_ms, 1),
                }
                for one in self._samples
                if one.at_secs >= since
            ],
            "errors": dict(errors.most_common()),
            "refused": dict(Counter(code for at, code in self._refused if at >= since)),
            "talked_secs": dict(talked),
            "spent": {name: round(cost, 4) for name, cost in self._spent.items()},
            "sessions": [
                story.told(now) for story in (*reversed(self._live.values()), *reversed(self._past))
            ],
        }
