"""One caller's conversation with a bot: greeting, questions, interruptions; and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bench.measure import is_loud, response_ms, stop_ms
from bench.speech import Utterance
from local.caller import Caller, Invitation, Span

# No answer within this time counts as none: a person has hung up, or asked again.
ANSWER_TIMEOUT_SECS = 10.0
_GREETING_TIMEOUT_SECS = 15.0
# The bot's sentences follow each other without a gap; this much silence is the end of its turn.
_QUIET_SECS = 0.8
# A person takes a breath, and never the same one: keeps callers out of step with any clock.
_BREATH_SECS = (0.1, 0.4)
# How far into an answer the caller interrupts.
_INTERRUPT_AFTER_SECS = 1.0
_SESSION_TIMEOUT_SECS = 60.0
_TURN_TIMEOUT_SECS = 45.0

# RTVI messages that tell how far a turn has come, in the order of a plain turn.
MARKS = (
    "user-transcription",
    "user-stopped-speaking",
    "bot-llm-text",
    "bot-tts-started",
    "bot-started-speaking",
)


class Outcome(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    CUT_IN = "cut in"
    """The bot spoke before the question was over."""


@dataclass(frozen=True)
class Turn:
    """A question, and its answer.

    Attributes:
        utterance: Name of what was asked.
        outcome: How it ended.
        response_ms: From the last voiced sample sent to the first sound heard, if answered.
        marks_ms: RTVI message to its arrival after the last voiced sample, for those that came.
    """

    utterance: str
    outcome: Outcome
    response_ms: float | None
    marks_ms: dict[str, float]


@dataclass
class Conversation:
    """What was measured in one session.

    Attributes:
        greeting_ms: From asking for the session to the first sound heard; None if there was none.
        turns: The questions.
        stops_ms: One for each interruption: first voiced sample sent to the last sound heard, None
            when the bot did not stop.
        secs: From asking for the session to leaving it.
        lag_ms: The latest that a piece of microphone audio was sent.
        failure: Why it ended early, or "".
    """

    greeting_ms: float | None = None
    turns: list[Turn] = field(default_factory=list[Turn])
    stops_ms: list[float | None] = field(default_factory=list["float | None"])
    secs: float = 0.0
    lag_ms: float = 0.0
    failure: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return asdict(self)


@dataclass(frozen=True)
class Script:
    """What a caller does after being greeted.

    Attributes:
        questions: Asked one after the other, each answer heard to its end.
        interruptions: Pairs: a question, and what interrupts its answer.
    """

    questions: Sequence[Utterance] = ()
    interruptions: Sequence[tuple[Utterance, Utterance]] = ()

    @property
    def timeout_secs(self) -> float:
        """A bound on how long it takes."""
        turns = len(self.questions) + 2 * len(self.interruptions)
        return _SESSION_TIMEOUT_SECS + turns * _TURN_TIMEOUT_SECS


def scripts(
    utterances: Sequence[Utterance], questions: int, interruptions: int
) -> Iterator[Script]:
    """Yield scripts of one size for ever; they go through the utterances in turn."""
    supply = itertools.cycle(utterances)
    while True:
        asked = [next(supply) for _ in range(questions)]
        pairs = [(next(supply), next(supply)) for _ in range(interruptions)]
        yield Script(asked, pairs)


async def converse(
    invite: Callable[[], Awaitable[Invitation]], script: Script, seed: int
) -> Conversation:
    """Hold one conversation; a failure ends it early and is told in the result.

    Args:
        invite: Asks for a session.
        script: What to say.
        seed: Of the caller's breaths.
    """
    result = Conversation()
    asked = time.monotonic()
    try:
        async with asyncio.timeout(script.timeout_secs), Caller(await invite()) as caller:
            await _follow(caller, script, result, asked, random.Random(seed))  # noqa: S311 - not a secret
            result.lag_ms = caller.lag_secs * 1000
            await caller.send("disconnect-bot")
    except Exception as error:  # noqa: BLE001 - a failed session is a result, not the end of the run
        result.failure = f"{type(error).__name__}: {error}"
    result.secs = time.monotonic() - asked
    return result


async def _follow(
    caller: Caller, script: Script, result: Conversation, asked: float, breaths: random.Random
) -> None:
    await caller.ready()
    with contextlib.suppress(TimeoutError):
        await caller.until(lambda: bool(caller.heard.loud), _GREETING_TIMEOUT_SECS)
    result.greeting_ms = response_ms(caller.heard.loud, asked)

    async def breathe() -> None:
        await caller.quiet(_QUIET_SECS)
        await asyncio.sleep(breaths.uniform(*_BREATH_SECS))

    if script.questions or script.interruptions:
        await breathe()
    for question in script.questions:
        result.turns.append(await _ask(caller, question))
        await breathe()
    for question, interruption in script.interruptions:
        if (await _ask(caller, question)).outcome is Outcome.ANSWERED:
            await asyncio.sleep(_INTERRUPT_AFTER_SECS)
            await _ask(caller, interruption)
            said = caller.spoken[-1]
            result.stops_ms.append(stop_ms(caller.heard.loud, said))
        await breathe()


async def _ask(caller: Caller, question: Utterance) -> Turn:
    """Say something and wait for the first sound of the answer."""
    known = len(caller.messages)
    ended = await caller.say(question.pcm)
    said = caller.spoken[-1]
    cut_in = is_loud(caller.heard.loud, said.start_secs, said.end_secs)
    with contextlib.suppress(TimeoutError):
        await caller.until(
            lambda: caller.heard.first_speech_after(ended) is not None, ANSWER_TIMEOUT_SECS
        )
    answered = response_ms(caller.heard.loud, ended)
    if cut_in:
        outcome, answered = Outcome.CUT_IN, None
    else:
        outcome = Outcome.UNANSWERED if answered is None else Outcome.ANSWERED
    return Turn(question.name, outcome, answered, _marks(caller.messages[known:], said))


def _marks(messages: Sequence[dict[str, Any]], said: Span) -> dict[str, float]:
    """Return the first arrival of each mark after something was said, in ms."""
    found: dict[str, float] = {}
    for message in messages:
        kind, after_ms = message["type"], (message["_at_secs"] - said.end_secs) * 1000
        is_interim = kind == "user-transcription" and not message["data"].get("final")
        if kind in MARKS and after_ms > 0 and not is_interim:
            found.setdefault(kind, round(after_ms, 1))
    return found
