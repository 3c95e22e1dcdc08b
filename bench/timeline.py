"""Where a turn's time goes, from the marks of the caller and of the delay server.

Both use the machine's monotonic clock, and one caller talks at a time, so a turn's events are those
between its question and its answer.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from bench.conversation import Turn
from local.wire.timeline import LLM_ANSWER, LLM_REQUEST, STT_FINAL, TTS_AUDIO, TTS_TEXT

SEGMENTS: Final = {
    "uplink": "last voiced sample sent - its audio at the STT service",
    "STT": "- final transcript sent (fixed delay)",
    "turn decision": "- request at the LLM (below 0: asked before the final)",
    "LLM": "- first token sent (fixed delay)",
    "sentence": "- first sentence complete at the TTS service",
    "TTS": "- its first audio sent (fixed delay)",
    "release, downlink": "- first sound heard (with whatever holds the answer back)",
}

Event = Mapping[str, Any]

# Events of an utterance before its end: finals in its middle may set a bot to work.
_BEFORE_SECS: Final = 1.0


def read(path: Path) -> list[Event]:
    """Return the delay server's events so far, oldest first."""
    with path.open(encoding="utf-8") as lines:
        # The last line may be half written.
        return [json.loads(line) for line in lines if line.endswith("\n")]


def segments(events: Sequence[Event], turn: Turn) -> dict[str, float] | None:
    """Return a turn's segments in ms; together they are its voice-to-voice time.

    A bot that thinks ahead makes several requests to the LLM; it is the last one whose speech had
    begun when the answer was heard.

    Args:
        events: Of the delay server, oldest first.
        turn: The turn.

    Returns:
        None when it was not answered, or when an event is missing.
    """
    if turn.response_ms is None:
        return None
    heard = turn.ended_secs + turn.response_ms / 1000
    window = [one for one in events if turn.ended_secs - _BEFORE_SECS <= one["at"] <= heard]
    chains = (
        chain for one in window if one["event"] == LLM_REQUEST and (chain := _chain(window, one))
    )
    found = max(chains, key=lambda chain: chain[0]["at"], default=None)
    finals = [one for one in window if one["event"] == STT_FINAL]
    if found is None or not finals:
        return None
    request = found[0]["at"]
    before = [one for one in finals if one["at"] <= request]
    final = before[-1] if before else finals[0]
    moments = [turn.ended_secs, final["heard_at"], final["at"], *(one["at"] for one in found)]
    moments.append(heard)
    steps = ((late - early) * 1000 for early, late in pairwise(moments))
    return {name: round(step, 1) for name, step in zip(SEGMENTS, steps, strict=True)}


def medians(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return each segment's median over turns; they need not add up to the median turn."""
    if not found:
        return {}
    return {name: statistics.median(one[name] for one in found) for name in SEGMENTS}


def _chain(window: Sequence[Event], request: Event) -> list[Event] | None:
    """Return a request with its first token, first sentence and first audio."""
    found, stream = [request], request["stream"]
    for kind in (LLM_ANSWER, TTS_TEXT, TTS_AUDIO):
        after = found[-1]["at"]
        following = (
            one
            for one in window
            if one["event"] == kind
            and one["at"] >= after
            and (kind != LLM_ANSWER or one["stream"] == stream)
        )
        event = next(following, None)
        if event is None:
            return None
        found.append(event)
    return found
