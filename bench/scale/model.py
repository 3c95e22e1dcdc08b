"""Machines, bandwidth, memory and provider accounts for so many conversations at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Costs:
    """What one conversation costs, as measured; docs/scale.md says by which command.

    Attributes:
        bot_cores: Of a session process, while two talk.
        media_cores: Of LiveKit, for both participants of a room.
        process_bytes: Of a session process without sessions, and the door's share.
        session_bytes: Of each further session.
        up_kbps: From the caller, averaged over talking and silence.
        down_kbps: To the caller.
    """

    bot_cores: float = 5.7 / 60
    media_cores: float = 0.03
    process_bytes: float = 263e6
    session_bytes: float = 6.6e6
    up_kbps: float = 51.4
    down_kbps: float = 83.6


@dataclass(frozen=True)
class Machine:
    """One machine of a deployment.

    Attributes:
        cores: Its CPUs.
        usable: Share of them that may be busy before answers become late.
    """

    cores: int = 4
    usable: float = 0.6

    def sessions(self, costs: Costs) -> int:
        """Return how many conversations it holds, with LiveKit on it."""
        return int(self.cores * self.usable / (costs.bot_cores + costs.media_cores))


@dataclass(frozen=True)
class Prices:
    """What providers bill, in US dollars; docs/scale.md names the pages.

    Attributes:
        stt_per_min: Of audio streamed, silence included.
        tts_per_1000_chars: Given to the voice.
        input_per_million: Tokens of the model, prompt and conversation.
        output_per_million: Tokens of its answers.
    """

    stt_per_min: float = 0.0048
    tts_per_1000_chars: float = 0.030
    input_per_million: float = 0.15
    output_per_million: float = 0.60

    def per_min(self) -> dict[str, float]:
        """Return what a minute of a conversation costs, by provider's service."""
        requests = TURNS_PER_MIN * REQUESTS_PER_TURN
        return {
            "stt": self.stt_per_min,
            "tts": TURNS_PER_MIN * CHARS_PER_ANSWER / 1000 * self.tts_per_1000_chars,
            "llm": requests
            * (
                TOKENS_PER_REQUEST * self.input_per_million
                + TOKENS_PER_ANSWER * self.output_per_million
            )
            / 1e6,
        }


@dataclass(frozen=True)
class Plan:
    """What so many conversations at once take.

    Attributes:
        machines: With what `blocked_share` of callers may find every line busy.
        memory_bytes: Of one machine's sessions.
        media_mbps: Through LiveKit, both directions, both participants.
        stt_streams: Open at once: one a conversation.
        tts_streams: The same.
        requests_per_min: To the model, answers begun early included.
    """

    machines: int
    memory_bytes: float
    media_mbps: float
    stt_streams: int
    tts_streams: int
    requests_per_min: float


# A turn of both takes about ten seconds (bench: a question of 2-3 s, an answer of 3-6 s, a breath).
TURNS_PER_MIN: Final = 6.0
# Assumed: two sentences, a page of knowledge and some turns of conversation.
CHARS_PER_ANSWER: Final = 120
TOKENS_PER_REQUEST: Final = 3_000
TOKENS_PER_ANSWER: Final = 40
# docs/turn-taking.md: model calls wasted per turn, beside the one that is heard.
REQUESTS_PER_TURN: Final = 2.68


def plan(conversations: float, blocked_share: float, machine: Machine, costs: Costs) -> Plan:
    """Return the plan for a mean number of conversations at once.

    Args:
        conversations: Mean number at once (offered load, in erlangs).
        blocked_share: Share of callers that may be refused.
        machine: What the machines are like.
        costs: Of one conversation.
    """
    lines = lines_for(conversations, blocked_share)
    each = machine.sessions(costs)
    return Plan(
        machines=math.ceil(lines / each),
        memory_bytes=costs.process_bytes * machine.cores / 2 + costs.session_bytes * each,
        media_mbps=conversations * 2 * (costs.up_kbps + costs.down_kbps) / 1000,
        stt_streams=lines,
        tts_streams=lines,
        requests_per_min=conversations * TURNS_PER_MIN * REQUESTS_PER_TURN,
    )


def blocked(offered: float, lines: int) -> float:
    """Return the share of callers that find every line busy (Erlang's B formula).

    Exact for callers who come at random and do not wait, however long they talk.
    """
    share = 1.0
    for line in range(1, lines + 1):
        share = offered * share / (line + offered * share)
    return share


def lines_for(offered: float, blocked_share: float) -> int:
    """Return how many lines keep the refused share of callers below a bound."""
    share, lines = 1.0, 0
    while share > blocked_share:
        lines += 1
        share = offered * share / (lines + offered * share)
    return lines
